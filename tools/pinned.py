"""What is in an environment: what `environments/NAME.txt` pins, what pyproject.toml promises, what pip finds there."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

from chapters import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

FOLDER = ROOT / "environments"

# Packages that no environment has in the version that it should have, and why.
EXCEPTIONS = {
    "torch": "one CPU build serves all environments: other versions bring gigabytes of CUDA libraries",
    "setuptools": "that build of torch wants 77 or newer",
}


class Broken(Exception):
    """What was found wrong, in words for whoever broke it."""


def file_of(name: str) -> Path:
    return FOLDER / f"{name}.txt"


def read(text: str) -> dict[str, str]:
    """The packages and versions in a list such as pip prints it, `name==version` on a line."""
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    pins = (line.partition("==") for line in lines if "==" in line)
    return {canonicalize_name(package): version for package, _, version in pins}


def renew(name: str, listing: str) -> list[str]:
    """Take the versions over from a list that pip has printed elsewhere; return the packages that are not in it."""
    found, file = read(listing), file_of(name)
    text = file.read_text(encoding="utf-8")
    wanted = read(text).keys() - EXCEPTIONS.keys()
    for package in wanted & found.keys():
        written = re.sub("[-_.]+", "[-_.]+", package)
        text = re.sub(rf"^({written})==.*$", rf"\1=={found[package]}", text, flags=re.MULTILINE | re.IGNORECASE)
    file.write_text(text, encoding="utf-8")
    return sorted(wanted - found.keys())


def promised(pyproject: str) -> dict[str, str]:
    """The oldest version of each package that `pyproject.toml` promises to work with, extras included."""
    project = tomllib.loads(pyproject)["project"]
    given = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    oldest = {}
    for requirement in map(Requirement, given):
        lowest = [part.version for part in requirement.specifier if part.operator in (">=", "==")]
        if len(lowest) != 1:
            raise Broken(f"pyproject.toml names no oldest version of {requirement.name}: write {requirement.name}>=...")
        oldest[canonicalize_name(requirement.name)] = lowest[0]
    return oldest


def check_promise(pyproject: str, pins: dict[str, str]) -> None:
    """Raise Broken unless exactly what is promised is pinned."""
    for package, version in promised(pyproject).items():
        if package not in EXCEPTIONS and (package not in pins or Version(pins[package]) != Version(version)):
            raise Broken(
                f"pyproject.toml promises {package} from {version} on, "
                f"and environments/oldest.txt has {pins.get(package, 'none')}. Change one of the two."
            )


def installed(python: Path) -> dict[str, str]:
    """The packages that pip finds beside this Python, and their versions."""
    command = [python, "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {canonicalize_name(package["name"]): package["version"] for package in json.loads(listing)}


def bring_back(python: Path, pins: dict[str, str]) -> dict[str, str]:
    """Take out what an earlier run has added; return what is left, which must be what is pinned."""
    there = installed(python)
    if surplus := sorted(there.keys() - pins.keys()):
        subprocess.run([python, "-m", "pip", "uninstall", "--quiet", "--yes", *surplus], check=True)
    left = {package: version for package, version in there.items() if package in pins}
    wrong = [package for package, version in pins.items() if left.get(package, "").partition("+")[0] != version]
    if wrong:
        raise Broken(f"{', '.join(wrong)}: not as pinned. Delete the folder {python.parents[1].name}, and try again.")
    return left


def check_unchanged(before: dict[str, str], after: dict[str, str]) -> None:
    """Raise Broken if a package that was there has another version now, or is gone."""
    changed = {package: (version, after.get(package, "gone")) for package, version in before.items()}
    lines = [f"  {package} {old} -> {new}" for package, (old, new) in changed.items() if old != new]
    if lines:
        raise Broken("\n".join(["the setup cell changed packages that were there:", *lines]))
