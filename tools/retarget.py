"""Move the course to another repository (`make retarget REPO=https://github.com/someone/course`).

A fork changes the setting `repository` in `_config.yml`, and with it every address that names the repository or the
site: setup cells, buttons, badges, commands to copy, links. Nothing is executed, and all outputs stay as they are. To
undo it, retarget back: every file is then the same, byte for byte.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import assignments
import chapters
import execute
import launch
import nbformat
from chapters import relative
from launch import Repository

EXAMPLE = "https://github.com/someone/course"


class Refused(Exception):
    """Nothing was changed; the message says why, and what to do."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repository", help=f"the address on GitHub, as {EXAMPLE}")
    parser.add_argument("--branch", default="main", help="the branch that is published (default: main)")
    arguments = parser.parse_args()
    try:
        new = parse(arguments.repository, arguments.branch)
        changed = retarget(new)
    except (Refused, ValueError) as problem:
        print(f"{problem}\nNothing was changed.", file=sys.stderr)
        return 1
    for path in changed:
        print(f"{'changed':>14}  {relative(path)}")
    print(f"The course is at {new.url}, branch {new.branch}, and its site at {new.site}.")
    if changed:
        print("Nothing was executed: all outputs are as they were.")
    else:
        print("It was there already: nothing was changed.")
    return 0


def parse(address: str, branch: str = "main") -> Repository:
    """The repository that an address names, with or without `.git` or a slash at its end.

    Raises:
        Refused: if it is not the address of a repository on GitHub.
    """
    found = re.fullmatch(r"https://github\.com/([a-z\d]+(?:-[a-z\d]+)*)/([\w.-]+?)(?:\.git)?/?", address.strip(), re.I)
    if not found or set(found[2]) == {"."}:
        raise Refused(f"REPO must be the address of a repository on GitHub, as {EXAMPLE}. It is {address!r}.")
    if not launch.BRANCH_NAME.fullmatch(branch):
        raise Refused(f"BRANCH must be the name of a branch, as main. It is {branch!r}.")
    return Repository(*found.groups(), branch=branch)


def retarget(new: Repository) -> list[Path]:
    """Write the new address into every file that names the old one; return the files that changed.

    Raises:
        Refused: before anything is written, if it could not be done completely or not be undone.
    """
    old = launch.repository()
    if old == new:
        return []
    pages = [*chapters.chapters(), *assignments.student_notebooks(), *assignments.masters()]
    notebooks = {page.notebook for page in pages}
    before = {path: text for path in files() if (text := read(path)) is not None}
    after = {path: moved(text, old, new) for path, text in before.items() if path not in notebooks}
    after[launch.CONFIG] = with_branch(after[launch.CONFIG], new.branch)
    if (said := launch.named_in(after[launch.CONFIG])) != new:
        raise Refused(f"The setting `repository` in _config.yml has a form that cannot be changed: {said}")
    refuse_what_cannot_be_undone(before, after, old, new)
    refuse_what_cannot_be_kept(pages)

    for path, text in after.items():
        if text != before[path]:
            path.write_bytes(text.encode())
    for page in pages:
        renew(page)
    return [path for path, text in before.items() if read(path) != text]


def files(root: Path | None = None) -> list[Path]:
    """Every file of the repository, those included that are not committed yet."""
    root = root or chapters.ROOT
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if done.returncode:
        raise Refused(f"Git cannot say which files belong to the course:\n{done.stderr.strip()}")
    paths = [root / name for name in sorted(done.stdout.split("\0")) if name]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def read(path: Path) -> str | None:
    """The text of a file with its own line ends, or None if it is not text."""
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError:
        return None


def moved(text: str, old: Repository, new: Repository) -> str:
    """A text in which every address of the old repository, with its branch, and of its site is that of the new one."""
    link = r"(?:\.git)?(?:@|/(?:blob|tree|edit|raw|commits)/|/actions/[\w./-]+\?branch=)"
    branch = rf"(?:(?P<link>{link}){re.escape(old.branch)}(?![\w-]))?"
    path = rf"(?<![\w.-]){re.escape(old.path)}(?![\w-]|\.(?!git\b)\w)"
    site = rf"(?P<site>(?<![\w.-]){re.escape(host(old))}(?![\w-]|\.\w))"

    def address(found: re.Match) -> str:
        if found["site"]:
            return host(new)
        return new.path + (found["link"] + new.branch if found["link"] else "")

    # In one pass, so that nothing is changed twice: a repository may be named like a site.
    return re.sub(f"{path}{branch}|{site}", address, text)


def host(repository: Repository) -> str:
    return repository.site.removeprefix("https://")


def with_branch(config: str, branch: str) -> str:
    """The configuration with this branch; everything else in it, comments included, stays as it is."""
    return re.sub(r"(?m)^(repository:.*\n(?:[ #].*\n)*?  branch: )\S+", rf"\g<1>{branch}", config)


def named(text: str, repository: Repository) -> list[str]:
    """The lines that name a repository or its site, however it is spelled."""
    path = rf"(?<![\w.-]){re.escape(repository.owner)}(?:/|%2F){re.escape(repository.name)}(?![\w-]|\.(?!git\b)\w)"
    site = rf"(?<![\w.-]){re.escape(host(repository))}(?![\w-]|\.\w)"
    return [line.strip()[:200] for line in text.splitlines() if re.search(f"{path}|{site}", line, re.I)]


def refuse_what_cannot_be_kept(pages: list) -> None:
    """Notebooks are made anew from their texts: what only one of the two has would be lost, or mixed up."""
    for page in pages:
        stored = chapters.cells_fingerprint(page.read_notebook()) if page.notebook.exists() else None
        if stored != chapters.cells_fingerprint(page.read_twin()):
            raise Refused(f"{relative(page.notebook)} is not what its text says. Run make execute or make twins first.")


def refuse_what_cannot_be_undone(before: dict, after: dict, old: Repository, new: Repository) -> None:
    for path, text in before.items():
        if new.path.lower() != old.path.lower() and (lines := named(text, new)):
            raise Refused(f"{relative(path)} names {new.path} already, so that this could not be undone:\n{lines[0]}")
        # The package and the outputs are to name no repository: they would have to be computed again.
        kept = after[path] if path in after else outputs(text)
        if path.is_relative_to(chapters.ROOT / "optcourse"):
            kept = text
        if new.path.lower() != old.path.lower() and (lines := named(kept, old)):
            raise Refused(f"{relative(path)} names {old.path} where or how it cannot be replaced:\n{lines[0]}")


def outputs(notebook: str) -> str:
    """What a notebook depends on or has computed: its code, but for the setup cell, and its outputs."""
    code = chapters.written_code(nbformat.reads(notebook, as_version=4))
    return "\n".join(f"{cell.source}\n{cell.get('outputs')}" for cell in code)


def renew(page: chapters.Chapter) -> None:
    """Make a notebook from its text once more, with the outputs and the fingerprints that it has."""
    stored, notebook = page.read_notebook(), page.read_twin()
    if page.notebook.exists() and "outputs" in stored.metadata["optcourse"]:
        execute.keep_outputs(notebook, stored)
    notebook.metadata["optcourse"] = {
        **stored.metadata["optcourse"],
        "cells": chapters.cells_fingerprint(notebook),
    }
    chapters.write_if_changed(page.notebook, nbformat.writes(notebook, version=4) + "\n")


if __name__ == "__main__":
    sys.exit(main())
