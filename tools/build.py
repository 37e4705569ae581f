"""Build the site from the stored outputs, warnings being errors, and print its address (`make book`).

With `--solutions`: the instructor's edition, whose pages with exercises show the solutions (`make book SOLUTIONS=1`).
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import assignments
import chapters
import execute
import galleries
import nbformat
from filelock import FileLock

ROOT = Path(__file__).resolve().parent.parent
SOLUTIONS = ROOT / "_build" / "solutions" / "html"


def build(destination: Path, source: Path | None = None) -> subprocess.CompletedProcess:
    """Build `destination/_build/html` from nothing.

    Sphinx does not repeat the warnings of a page it need not read again, so that a second build after a failed one
    would pass; and it leaves pages behind that are no longer in the table of contents.
    """
    source = source or ROOT
    chapters.settle_environment()
    galleries.KEPT.mkdir(exist_ok=True)
    with FileLock(galleries.KEPT / "lock"):  # two tests may build at the same time
        galleries.compile_all()
    for made in ("html", ".doctrees", "jupyter_execute"):
        shutil.rmtree(destination / "_build" / made, ignore_errors=True)
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(source)]
    options = ["--warningiserror", "--nitpick", "--keep-going", "--path-output", str(destination)]
    # The extensions of a copy of the book find the tools of this one.
    surroundings = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    return subprocess.run(
        [*command, *options], cwd=source, env=surroundings, text=True, encoding="utf-8", capture_output=True
    )


def build_solutions(destination: Path) -> subprocess.CompletedProcess:
    """Build the instructor's edition into `destination`, from a copy of the book; the public one is not touched."""
    chapters.settle_environment()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        shutil.copytree(ROOT / "book", copy / "book")
        for name in ("_toc.yml", "_config.yml", "CITATION.cff"):
            shutil.copy(ROOT / name, copy)
        for master in assignments.masters():
            page = master.read_twin()
            if problem := execute.run(page, master):
                raise ValueError(problem)
            nbformat.write(assignments.instructors_page(page), copy / "book" / f"{master.name}.ipynb")
        done = build(copy, copy)
        if not done.returncode:
            shutil.rmtree(destination, ignore_errors=True)
            shutil.copytree(copy / "_build" / "html", destination)
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--solutions", action="store_true", help="the instructor's edition")
    if parser.parse_args().solutions:
        done, site, what = build_solutions(SOLUTIONS), SOLUTIONS, "instructor's edition"
    else:
        done, site, what = build(ROOT), ROOT / "_build" / "html", "book"
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        sys.exit("The site was not built: warnings are errors.")
    print(f"The {what} is at {(site / 'index.html').as_uri()}")


if __name__ == "__main__":
    main()
