"""The setup cell: in every notebook, silent where the package is, and clear about what keeps it from installing.

Where it installs, it is tried with pip itself and an environment of its own, but without network: Git is told to find
a small package under the repository's address. That the course itself installs by it: `make test-colab`.
"""

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import assignments
import chapters
import execute
import launch
import nbformat
import pytest
import yaml

NOTEBOOKS = [*chapters.chapters(), *assignments.student_notebooks(), *assignments.masters()]
each_notebook = pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda page: chapters.relative(page.notebook))


# --- in every notebook


@each_notebook
def test_the_first_code_of_every_notebook_is_the_setup_cell(page):
    code = [cell for cell in page.read_notebook().cells if cell.cell_type == "code"]
    assert code[0].source == launch.setup_cell(), "run make execute"
    assert code[0].metadata == launch.METADATA and not code[0].outputs
    assert not any(launch.is_setup(cell) for cell in code[1:])
    assert launch.TITLE not in page.twin.read_text(encoding="utf-8")
    for cell in code[1:]:
        assert not re.search(r"pip install|git\+", cell.source), "only the setup cell installs"


def test_the_setup_cell_names_the_repository_of_the_configuration():
    said = yaml.safe_load(launch.CONFIG.read_text(encoding="utf-8"))["repository"]
    assert f'"{said["url"]}"' in launch.setup_cell() and f'@{said["branch"]}"' in launch.setup_cell()
    assert len(launch.setup_cell().splitlines()) <= 35


def test_the_setup_cell_installs_what_colab_does_not_have():
    extras = tomllib.loads((launch.CONFIG.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert '"optcourse[search] @ git+' in launch.setup_cell() and "search" in extras["optional-dependencies"]


def test_a_configuration_without_a_repository_is_refused(tmp_path, monkeypatch):
    config = yaml.safe_load(launch.CONFIG.read_text(encoding="utf-8"))
    monkeypatch.setattr(launch, "CONFIG", tmp_path / "_config.yml")
    for broken in (None, {}, {"url": "https://github.com/someone"}, {"url": "https://github.com/someone/course"}):
        launch.CONFIG.write_text(yaml.safe_dump({**config, "repository": broken}))
        with pytest.raises(ValueError, match="must say which repository"):
            chapters.chapters()[0].read_twin()


def test_another_repository_changes_no_fingerprint_and_keeps_the_outputs(tmp_path, monkeypatch):
    page = chapters.chapters()[0]
    before = page.read_notebook()
    monkeypatch.setattr(launch, "CONFIG", tmp_path / "_config.yml")
    launch.CONFIG.write_text("repository: {url: https://github.com/someone/course, branch: trunk}\n")
    after = page.read_twin()
    for take in (chapters.cells_fingerprint, chapters.code_fingerprint):
        assert take(after) == take(before)
    execute.keep_outputs(after, before)
    assert chapters.outputs_fingerprint(after) == chapters.outputs_fingerprint(before)
    sources = [cell.source for cell in after.cells if launch.is_setup(cell)]
    assert len(sources) == 1 and "someone/course" in sources[0] and "@trunk" in sources[0]


def test_outputs_are_kept_when_a_notebook_from_before_gets_its_setup_cell():
    page = chapters.chapters()[0]
    stored = page.read_notebook()
    older = nbformat.from_dict({**stored, "cells": launch.remove_setup(stored.cells)})
    for count, cell in enumerate((cell for cell in older.cells if cell.cell_type == "code"), start=1):
        cell.execution_count = count
    notebook = page.read_twin()
    execute.keep_outputs(notebook, older)
    assert [cell.get("outputs") for cell in notebook.cells] == [cell.get("outputs") for cell in stored.cells]
    assert [cell.get("execution_count") for cell in notebook.cells] == [
        cell.get("execution_count") for cell in stored.cells
    ]


def test_a_page_without_code_gets_none():
    cells = [nbformat.v4.new_markdown_cell("# Only text")]
    assert launch.insert_setup(cells) == cells


# --- where the package is


def test_nothing_happens_where_the_package_is(monkeypatch, capfd):
    monkeypatch.setattr(subprocess, "Popen", None)
    names = {"__name__": "__main__"}
    exec(launch.setup_cell(), names)
    assert capfd.readouterr() == ("", "")
    assert set(names) - {"__name__", "__builtins__"} == {"importlib", "optcourse_is_missing"}


# --- where it is not

# A package that builds itself: nothing has to be fetched for that.
PACKAGE = """
[build-system]
requires = []
build-backend = "itself"
backend-path = ["."]
[project]
name = "optcourse"
version = "7"
"""
ITSELF = """
import zipfile

def build_wheel(folder, *_):
    with zipfile.ZipFile(f"{{folder}}/optcourse-7-py3-none-any.whl", "w") as wheel:
        wheel.writestr("optcourse/__init__.py", "answer = 42")
        wheel.writestr("optcourse-7.dist-info/METADATA", "\\n".join({metadata}))
        wheel.writestr("optcourse-7.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any")
        wheel.writestr("optcourse-7.dist-info/RECORD", "")
    return "optcourse-7-py3-none-any.whl"
"""


class Computer:
    """An environment with pip and a few packages, into which the setup cell is to install a small `optcourse`."""

    def __init__(self, folder: Path):
        self.folder, self.repository = folder, folder / "repository"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
        packages = sysconfig.get_path("purelib", vars={"base": str(folder / "env")})
        self.packages, ours = Path(packages), Path(sysconfig.get_path("purelib"))
        for part in [ours / "pip", *ours.glob("pip-*.dist-info")]:
            (self.packages / part.name).symlink_to(part)
        nowhere = "http://127.0.0.1:9"  # where nothing listens
        set_apart = ("PIP_", "PYTHON")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(set_apart)} | {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": f"{nowhere}/simple",
            "PIP_RETRIES": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{self.repository.as_uri()}.insteadOf",
            "GIT_CONFIG_VALUE_0": launch.repository().url,
        }
        self.cell = folder / "cell.py"
        self.cell.write_text(f"{launch.setup_cell()}\nimport optcourse\nassert optcourse.answer == 42\n")

    def install(self, name: str, version: str, *, entry: str | None = None, metadata: str | None = None) -> None:
        """Put a package there, as pip leaves it or, with a metadata of one's own, as nothing should."""
        entry = self.packages / f"{entry or f'{name}-{version}'}.dist-info"
        entry.mkdir()
        if metadata is None:
            metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        (entry / "METADATA").write_text(metadata)
        (entry / "INSTALLER").write_text("pip\n")
        (entry / "RECORD").write_text("")

    def publish(self, *needs: str) -> None:
        """Make the repository, with a package that needs others."""
        self.repository.mkdir()
        (self.repository / "pyproject.toml").write_text(PACKAGE)
        described = ["Metadata-Version: 2.1", "Name: optcourse", "Version: 7"]
        described += ["Provides-Extra: search", *(f"Requires-Dist: {need}" for need in needs)]
        (self.repository / "itself.py").write_text(ITSELF.format(metadata=described))
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
        for command in (["init"], ["add", "."], ["commit", "--message", "First"]):
            subprocess.run([*git, *command], cwd=self.repository, check=True, capture_output=True)

    def run(self, **changes: str) -> subprocess.CompletedProcess:
        """Run the cell, and behind it a line that uses the package."""
        command = [self.folder / "env" / "bin" / "python", self.cell]
        environment = self.environment | changes
        return subprocess.run(command, env=environment, cwd=self.folder, text=True, capture_output=True)

    def present(self) -> dict[str, str]:
        entries = self.packages.glob("*.dist-info")
        return {entry.name: (entry / "METADATA").read_text() for entry in entries if (entry / "METADATA").exists()}


@pytest.fixture
def computer(tmp_path):
    return Computer(tmp_path)


def test_it_installs_the_package_silently_and_leaves_everything_else(computer):
    computer.publish("torch>=2.5", "plain", "twice>=1")
    computer.install("torch", "2.11.0+cpu")
    computer.install("left", "2.0")
    computer.install("left", "1.0", entry="~eft-1.0")  # what pip leaves behind when it is interrupted
    computer.install("plain", "1.0")
    computer.install("twice", "2.0rc1.post3.dev1")
    computer.install("odd", "2.0.0-git", entry="odd-2.0.0_git")
    computer.install("nameless", "1", metadata="Metadata-Version: 2.1\n")
    computer.install("empty", "1", metadata="")
    (computer.folder / "optcourse").mkdir()  # a clone beside the notebook is not the package
    before = computer.present()
    done = computer.run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    after = computer.present()
    assert after.pop("optcourse-7.dist-info") and after == before

    again = computer.run(PATH="")  # nothing is started any more
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_every_version_that_can_be_a_constraint_is_one(computer):
    for name, number in {"torch": "2.11.0+cpu", "twice": "2.0rc1.post3.dev1", "old": "1.0-beta_2"}.items():
        computer.install(name, number)
    computer.install("odd", "2.0.0-git")
    computer.install("optcourse", "6")  # what is left of it, where it cannot be imported
    (computer.folder / "pip").mkdir()  # stands in for pip, and shows what it is given
    (computer.folder / "pip" / "__init__.py").touch()
    show = "import sys; sys.exit(open(sys.argv[sys.argv.index('--constraint') + 1]).read())"
    (computer.folder / "pip" / "__main__.py").write_text(show)
    lines = computer.run().stderr.partition("pip says:\n\n")[2].split()
    assert {line for line in lines if not line.startswith("pip==")} == {
        "torch==2.11.0+cpu",
        "twice==2.0rc1.post3.dev1",
        "old==1.0-beta_2",
    }


def test_what_does_not_fit_is_named_and_nothing_is_changed(computer):
    computer.publish("plain>=2")
    computer.install("plain", "1.0")
    before = computer.present()
    done = computer.run()
    assert "RuntimeError: This notebook needs optcourse, which could not be installed. pip says:" in done.stderr
    assert re.search(r"optcourse\[search\] 7 depends on plain>=2\n.*\(constraint\) plain==1\.0", done.stderr)
    assert computer.present() == before and not done.stdout


@pytest.mark.parametrize("cut_off", ["the repository", "the package index"])
def test_without_network_it_says_so(computer, cut_off):
    changes = {}
    if cut_off == "the repository":
        changes["GIT_CONFIG_KEY_0"] = "url.http://127.0.0.1:9/.insteadOf"
        changes["GIT_CONFIG_VALUE_0"] = "https://github.com/"
    else:
        computer.publish("missing")
    done = computer.run(**changes)
    assert done.stderr.splitlines()[-1].endswith("Connect to the internet, and run this cell again."), done.stderr
    assert done.stderr.count("Traceback") == 1 and not done.stdout


def test_without_pip_or_git_it_says_what_is_missing(computer):
    computer.publish()
    done = computer.run(PATH=str(computer.folder))
    assert "Cannot find command 'git'" in done.stderr and "pip says:" in done.stderr
    for part in computer.packages.glob("pip*"):
        part.unlink()
    done = computer.run()
    assert re.search(r"pip says:\n\n.*No module named pip", done.stderr)
