"""Build the package as it is published, and try it where nothing else is (`make wheel`, and the release workflow).

The wheel is made from the source distribution, and that from the files that git knows, in a folder of its own: what an
earlier build has left behind gets into neither. Both end up in `_build/dist`.
"""

import argparse
import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path

import retarget

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "_build" / "dist"
NOTES = ROOT / "_build" / "release_notes.md"  # the changelog's section on this version
LICENCES = {"LICENSE", "LICENSE-CONTENT"}

# What a user does first, in an empty folder: a path, and a live figure as HTML.
TRIAL = """
import sys
from pathlib import Path
import optcourse as oc
from optcourse import optimizers, surfaces

assert Path(oc.__file__).is_relative_to(sys.prefix), f"this is another optcourse: {oc.__file__}"
surface, adam = surfaces.rosenbrock(), optimizers.adam(learning_rate=0.3)
path = oc.run(adam, surface, start=[-2.0, 2.0], steps=100)
assert path.final_loss < path.loss[0]
html = oc.Explorable(surface, {"Adam": adam}, start=[-2.0, 2.0], steps=100).to_html()
assert "data-optcourse" in html and "optcourse-runtime" in html
print(f"{oc.__file__}: loss {path.final_loss:.4f}, figure of {len(html) / 1e3:.0f} kB")
"""


class Broken(Exception):
    """What was built is not fit to be published."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tag", help="the tag of this release, as v1.2.3")
    tag = parser.parse_args().tag
    try:
        NOTES.parent.mkdir(exist_ok=True)
        NOTES.write_text(release_notes(ROOT, tag), encoding="utf-8")
        source, wheel = build(ROOT, DIST)
        check(source, wheel, ROOT)
        subprocess.run([sys.executable, "-m", "twine", "check", "--strict", source, wheel], check=True)
        print(attempt(wheel), end="")
    except (Broken, retarget.Refused) as problem:
        print(problem, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as failed:
        print(f"{failed}\n{failed.stdout or ''}{failed.stderr or ''}", file=sys.stderr)
        return 1
    print(f"{source.relative_to(ROOT)} and {wheel.relative_to(ROOT)} are fit to be published.")
    return 0


def version(root: Path) -> str:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def release_notes(root: Path, tag: str | None) -> str:
    """The changelog's section on the version of `pyproject.toml`.

    Raises:
        Broken: if there is none, or if the version is not that of the tag or has no date yet.
    """
    number = version(root)
    sections = re.split(r"^## (.*)\n", (root / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    heading, text = sections[1:3] if len(sections) > 2 else ("", "")
    if heading.split(",")[0] != number:
        raise Broken(f"pyproject.toml has version {number}; CHANGELOG.md must begin with it, and has {heading!r}.")
    if tag is not None and tag != f"v{number}":
        raise Broken(f"The tag is {tag!r}, and pyproject.toml has version {number}: it should be 'v{number}'.")
    if tag is not None and not re.fullmatch(rf"{re.escape(number)}, \d{{4}}-\d\d-\d\d", heading):
        raise Broken(f"A release has a date. In CHANGELOG.md, write '## {number}, YYYY-MM-DD' for {heading!r}.")
    return text.strip() + "\n"


def build(root: Path, destination: Path) -> tuple[Path, Path]:
    """Make the source distribution and the wheel; what was in the folder before is removed."""
    shutil.rmtree(destination, ignore_errors=True)
    destination.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        for path in retarget.files(root):
            copy = Path(folder, path.relative_to(root))
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
        make = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
        run([sys.executable, "-c", make, destination], cwd=folder)
        (source,) = destination.glob("*.tar.gz")
        options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", destination]
        run([sys.executable, "-m", "pip", "wheel", *options, source], cwd=folder)
    (wheel,) = destination.glob("*.whl")
    return source, wheel


def run(command: list, **options) -> str:
    return subprocess.run(command, check=True, text=True, capture_output=True, **options).stdout


def check(source: Path, wheel: Path, root: Path) -> None:
    """Compare what was built with the files in git.

    Raises:
        Broken: if the wheel has not exactly the package and its licences, or names another version.
    """
    wanted = {path.relative_to(root).as_posix() for path in retarget.files(root) if "optcourse" in path.parts}
    package = {name for name in wanted if name.startswith("optcourse/")}
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (described,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(described))
    about = described.removesuffix("METADATA")
    inside = {name for name in names if not name.startswith(about)}
    if inside != package:
        raise Broken(f"The wheel lacks {sorted(package - inside)} and should not have {sorted(inside - package)}.")
    if lacking := {f"{about}licenses/{name}" for name in LICENCES} - names:
        raise Broken(f"The wheel lacks {sorted(lacking)}.")
    if metadata["Version"] != version(root):
        raise Broken(f"The wheel has version {metadata['Version']}, and pyproject.toml {version(root)}.")
    with tarfile.open(source) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    if lacking := (package | LICENCES | {"pyproject.toml", "README.md"}) - inside:
        raise Broken(f"The source distribution lacks {sorted(lacking)}.")
    if surplus := {name for name in inside if name.startswith(("tests", "book", "exercises", "grading"))}:
        raise Broken(f"The source distribution should not have {sorted(surplus)}.")


def attempt(wheel: Path, program: str = TRIAL, packages: Path | None = None) -> str:
    """Install the wheel into an environment of its own, outside the repository, and use it there.

    Args:
        program: what is run; its output is returned.
        packages: a folder with what the package needs; by default, that is installed too.
    """
    with tempfile.TemporaryDirectory() as folder:
        run([sys.executable, "-m", "venv", *(["--without-pip"] if packages else []), "env"], cwd=folder)
        python = Path(folder, "env", "Scripts" if os.name == "nt" else "bin", "python")
        if packages:
            (site,) = Path(folder, "env").rglob("site-packages")
            zipfile.ZipFile(wheel).extractall(site)  # which is what installing a pure wheel is
            (site / "borrowed.pth").write_text(f"{packages}\n")
        else:
            run([python, "-m", "pip", "install", "--quiet", wheel], cwd=folder)
        empty = Path(folder, "empty")
        empty.mkdir()
        set_apart = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return run([python, "-c", program], cwd=empty, env=set_apart | {"JAX_PLATFORMS": "cpu"})


if __name__ == "__main__":
    sys.exit(main())
