"""Build the site from the stored outputs, warnings being errors, and print its address (`make book`)."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def build(destination: Path) -> subprocess.CompletedProcess:
    """Build into `destination/_build/html`.

    `--all` reads every page again: a page that is not read again does not repeat its warnings, and a second build
    after a failed one would pass.
    """
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(ROOT)]
    options = ["--all", "--warningiserror", "--nitpick", "--keep-going", "--path-output", str(destination)]
    return subprocess.run([*command, *options], cwd=ROOT, text=True, capture_output=True)


if __name__ == "__main__":
    done = build(ROOT)
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        sys.exit("The site was not built (warnings are errors). See above.")
    print(f"The book is at {(ROOT / '_build/html/index.html').as_uri()}")
