"""Build the site from the stored outputs, warnings being errors, and print its address (`make book`)."""

import shutil
import subprocess
import sys
from pathlib import Path

import chapters
import galleries

ROOT = Path(__file__).resolve().parent.parent


def build(destination: Path) -> subprocess.CompletedProcess:
    """Build `destination/_build/html` from nothing.

    Sphinx does not repeat the warnings of a page it need not read again, so that a second build after a failed one
    would pass; and it leaves pages behind that are no longer in the table of contents.
    """
    chapters.settle_environment()
    galleries.compile_all()
    shutil.rmtree(destination / "_build", ignore_errors=True)
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(ROOT)]
    options = ["--warningiserror", "--nitpick", "--keep-going", "--path-output", str(destination)]
    return subprocess.run([*command, *options], cwd=ROOT, text=True, encoding="utf-8", capture_output=True)


if __name__ == "__main__":
    done = build(ROOT)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        sys.exit("The site was not built: warnings are errors.")
    print(f"The book is at {(ROOT / '_build/html/index.html').as_uri()}")
