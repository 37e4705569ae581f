"""Run every notebook of the book where other people run it: beside Colab's packages, and beside the oldest we promise.

    python tools/environments.py colab      (make test-colab)
    python tools/environments.py oldest     (make test-oldest)

`environments/NAME.txt` pins every package of an environment but `optcourse`, which the notebooks' own setup cell
installs: from its address on GitHub, where Git finds the working tree. Nothing that was there before may change. Then
nbval runs each notebook in a folder that holds nothing else, in a kernel of that environment, and compares.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import assignments
import chapters
import launch
import pinned
import retarget
from chapters import ROOT, relative
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook
from pinned import Broken

NAMES = ("colab", "oldest")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--renew", metavar="LIST", type=Path, help="only take over the versions in this list of pip's")
    arguments = parser.parse_args()
    name = arguments.name
    if arguments.renew:
        gone = pinned.renew(name, arguments.renew.read_text(encoding="utf-8"))
        print(f"Renewed: {relative(pinned.file_of(name))}. Left as it was, because the list does not have it:", *gone)
        return 0
    try:
        print(check(name), flush=True)
    except Broken as problem:
        print(f"\nThe {name} environment: {problem}", flush=True)
        return 1
    return 0


def check(name: str) -> str:
    """Run everything in one environment and say in a line what was run; raise Broken at the first thing wrong."""
    pins = pinned.read(pinned.file_of(name).read_text(encoding="utf-8"))
    if name == "oldest":
        pinned.check_promise((ROOT / "pyproject.toml").read_text(encoding="utf-8"), pins)
    notebooks = [*chapters.chapters(), *assignments.student_notebooks()]
    if not notebooks:
        raise Broken("the table of contents has no notebooks.")
    environment = ROOT / f".venv-{name}"
    python = environment / "bin" / "python"
    began = time.perf_counter()
    before = pinned.bring_back(python, pins)
    with tempfile.TemporaryDirectory(prefix=f"optcourse-{name}-") as scratch:
        scratch = Path(scratch)
        os.environ.update(surroundings(environment, scratch))
        write_kernel(name, python, scratch)
        publish_working_tree(scratch)
        run_setup(name, common_setup_cell(notebooks), scratch)
        after = pinned.installed(python)
        pinned.check_unchanged(before, after)
        added = ", ".join(f"{package} {after[package]}" for package in sorted(after.keys() - before.keys()))
        set_up = time.perf_counter()
        print(f"{name}: the setup cell took {set_up - began:.0f} s. It added: {added or 'nothing'}.", flush=True)
        cells = run_notebooks(name, notebooks, scratch)
    return f"{name}: {len(notebooks)} notebooks, {cells} cells, all as stored, in {time.perf_counter() - set_up:.0f} s."


def surroundings(environment: Path, scratch: Path) -> dict[str, str]:
    """What kernels find around them: nobody's own settings, and the working tree where GitHub would be."""
    home = environment / "kernel-home"
    (home / "ipython").mkdir(parents=True, exist_ok=True)
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{(scratch / 'repository').as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": launch.repository().url,
        "IPYTHONDIR": str(home / "ipython"),
        "JAX_PLATFORMS": "cpu",
        "JUPYTER_PATH": str(scratch / "jupyter"),
        "MPLCONFIGDIR": str(home / "matplotlib"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONNOUSERSITE": "1",
        "PYTHONPATH": "",
        "TQDM_DISABLE": "1",
    }


def write_kernel(name: str, python: Path, scratch: Path) -> None:
    """Tell Jupyter how to start a kernel of this environment."""
    folder = scratch / "jupyter" / "kernels" / name
    folder.mkdir(parents=True)
    command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}", "--IPKernelApp.log_level=40"]
    kernel = {"argv": command, "display_name": name, "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(kernel), encoding="utf-8")


def publish_working_tree(scratch: Path) -> None:
    """A repository with one commit: every file that is tracked, or that could be, as it is now."""
    repository = scratch / "repository"
    for file in retarget.files(ROOT):
        copy = repository / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, copy)
    author = ["-c", "user.name=optcourse", "-c", "user.email=optcourse@example.org", "-c", "commit.gpgsign=false"]
    branch = launch.repository().branch
    for step in ("init --quiet --initial-branch", branch), ("add --all --force",), ("commit --quiet --message", "now"):
        subprocess.run(["git", *author, *step[0].split(), *step[1:]], cwd=repository, check=True)


def common_setup_cell(notebooks) -> str:
    """The first cell with code, which must be the setup cell in every notebook."""
    first = {}
    for notebook in notebooks:
        code = [cell.source for cell in notebook.read_notebook().cells if cell.cell_type == "code"]
        first.setdefault(code[0] if code else None, []).append(notebook.name)
    for source, names in first.items():
        if source != launch.setup_cell():
            raise Broken(f"{', '.join(names)} does not begin with the setup cell. Run make execute.")
    return source


def run_setup(name: str, source: str, scratch: Path) -> None:
    """Run the setup cell in a folder with nothing in it, and once more; the second time it must say nothing."""
    notebook = new_notebook(cells=[new_code_cell(source), new_code_cell(source)])
    empty = scratch / "empty"
    empty.mkdir()
    client = NotebookClient(notebook, kernel_name=name, timeout=600, resources={"metadata": {"path": str(empty)}})
    try:
        client.execute()
    except CellExecutionError as error:
        raise Broken(f"the setup cell failed.\n{error}") from None
    if said := notebook.cells[1].outputs:
        raise Broken(f"the setup cell has nothing to do when run again, and yet says:\n{said}")


def run_notebooks(name: str, notebooks, scratch: Path) -> int:
    """Run them two at a time, each alone in a folder, and compare; return how many cells that were."""
    folder = scratch / name
    cells = 0
    for notebook in notebooks:
        alone = folder / notebook.name
        alone.mkdir(parents=True)
        shutil.copy2(notebook.notebook, alone)
        cells += sum(cell.cell_type == "code" for cell in notebook.read_notebook().cells)
    left_out = scratch / "left_out.cfg"
    left_out.write_text(
        "".join(path.read_text(encoding="utf-8") for path in (ROOT / "nbval.cfg", pinned.FOLDER / "nbval.cfg"))
    )
    shutil.copy(pinned.FOLDER / "conftest.py", scratch)
    (scratch / "pytest.ini").write_text("[pytest]\n")
    report = scratch / "report.xml"
    options = ["-c", scratch / "pytest.ini", "--rootdir", scratch, f"--junitxml={report}", "-p", "no:cacheprovider"]
    plugins = ["-p", "nbval.plugin", "-p", "xdist.plugin"]
    nbval = ["--nbval", f"--nbval-kernel-name={name}", "--nbval-cell-timeout=300", f"--nbval-sanitize-with={left_out}"]
    workers = ["-n", "2", "--dist", "loadfile"]
    command = [sys.executable, "-m", "pytest", "--quiet", "-ra", *options, *plugins, *nbval, *workers, folder]
    failed = subprocess.run(command, cwd=scratch).returncode
    if failed:
        raise Broken("the notebooks do not run as stored. What differs is above.")
    return check_count(report, cells)


def check_count(report: Path, expected: int) -> int:
    """A cell that was not run, or not compared, is not passed over in silence."""
    cases = list(ElementTree.parse(report).iter("testcase"))
    passed = [case for case in cases if not len(case)]
    if len(passed) != expected or not passed:
        skipped = [f"{case.get('classname')} {case.get('name')}" for case in cases if len(case)]
        raise Broken(
            f"{expected} cells should have run as stored, and {len(passed)} did. Skipped: {skipped or 'none'}."
        )
    return expected


if __name__ == "__main__":
    sys.exit(main())
