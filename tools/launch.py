"""The setup cell: the first cell with code of every notebook, which installs `optcourse` where it is missing.

It is not written in the text twins. It is put in where a notebook is made from its twin, and taken out again where a
twin is made from a notebook, so that one setting, `repository` in `_config.yml`, decides what all notebooks install.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
import yaml

BRANCH_NAME = re.compile(r"[\w-]+([./][\w-]+)*")
CONFIG = Path(__file__).resolve().parent.parent / "_config.yml"

# By this line the cell is known again, also where a service has dropped the metadata. Colab shows it as a title.
TITLE = "# @title Setup: installs optcourse if it is missing, and changes no other package"
METADATA = {"cellView": "form", "jupyter": {"source_hidden": True}, "tags": ["remove-cell"]}

# `distributions` also finds what pip leaves behind when it is interrupted; `version` knows the entry that counts. A
# version that no standard allows cannot be a constraint, and is left out.
SOURCE = r"""
import importlib.util


def optcourse_is_missing():  # a mere folder of this name, as a clone makes it, is no package
    return not getattr(importlib.util.find_spec("optcourse"), "origin", None)


if optcourse_is_missing():
    import contextlib, importlib.metadata, os, re, subprocess, sys, tempfile  # noqa: E401, I001

    number = r"v?(\d+!)?\d+(\.\d+)*([-_.]?(a|b|c|rc|alpha|beta|pre|preview|post|rev|r|dev)[-_.]?\d*|-\d+)*(\+[\w.-]+)?"
    here = []
    for name in {(found.metadata or {}).get("Name") for found in importlib.metadata.distributions()} - {"optcourse"}:
        with contextlib.suppress(Exception):  # an entry without a name or a version
            line = f"{name}=={importlib.metadata.version(name)}"
            here += [line] if re.fullmatch(rf"[\w.-]+=={number}", line, re.I) else []
    with tempfile.TemporaryDirectory() as folder, open(os.path.join(folder, "constraints.txt"), "w") as file:
        print(*here, sep="\n", file=file, flush=True)
        repository = "REPOSITORY"
        command = [sys.executable, "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
        command += ["--constraint", file.name, f"optcourse[search] @ git+{repository}@BRANCH"]
        catch = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        never_ask = os.environ | {"GIT_TERMINAL_PROMPT": "0"}
        done = subprocess.run(command, env=never_ask, encoding="utf-8", errors="replace", **catch)
    importlib.invalidate_caches()
    if optcourse_is_missing():
        cut_off = re.search("resolve host|to resolve|name resolution|connect(ion)? |unreachable|timed out", done.stdout)
        reason = "pip says:\n\n" + "\n".join(done.stdout.strip().splitlines()[-12:])
        if done.returncode == 0:
            reason = "Restart the kernel, and run this cell again."
        elif cut_off and "conflicting dependencies" not in done.stdout:
            reason = f"Nothing answers at {repository}. Connect to the internet, and run this cell again."
        raise RuntimeError(f"This notebook needs optcourse, which could not be installed. {reason}")
"""


@dataclass(frozen=True)
class Repository:
    """Where the course is published: a repository on GitHub, and one of its branches."""

    owner: str
    name: str
    branch: str = "main"

    @property
    def path(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def url(self) -> str:
        return f"https://github.com/{self.path}"

    @property
    def site(self) -> str:
        """Its address on GitHub Pages, which leaves out the name of the repository that is the owner's own site."""
        host = f"{self.owner.lower()}.github.io"
        return f"https://{host}" if self.name.lower() == host else f"https://{host}/{self.name}"

    def colab(self, notebook: str) -> str:
        """The address at which Colab opens a notebook, given by its path in the repository."""
        return f"https://colab.research.google.com/github/{self.path}/blob/{self.branch}/{notebook}"


def repository() -> Repository:
    """The repository that `_config.yml` names; see `named_in`."""
    return named_in(CONFIG.read_text(encoding="utf-8"))


def named_in(config: str) -> Repository:
    """The repository that the text of a configuration names.

    Raises:
        ValueError: if it names none. Jupyter Book would build all the same, with buttons to another project.
    """
    said = (yaml.safe_load(config) or {}).get("repository") or {}
    found = re.fullmatch(r"https://github\.com/([\w-]+)/([\w.-]+)", str(said.get("url")))
    if not found or not BRANCH_NAME.fullmatch(str(said.get("branch") or "")):
        raise ValueError(
            "_config.yml must say which repository the buttons and setup cells lead to, as in:\n"
            "repository:\n  url: https://github.com/someone/course\n  branch: main\n"
            f"It says: {said or 'nothing'}. To change it everywhere: make retarget REPO=https://github.com/someone/course"
        )
    return Repository(*found.groups(), branch=str(said["branch"]))


def setup_cell(url: str | None = None, branch: str | None = None) -> str:
    """The source of the setup cell: Python that installs the package from a branch of a repository on GitHub.

    Args:
        url: the repository's address; this and the branch are by default those in `_config.yml`.
    """
    published = repository()
    given = {"REPOSITORY": url or published.url, "BRANCH": branch or published.branch}
    return TITLE + re.sub("REPOSITORY|BRANCH", lambda found: given[found[0]], SOURCE).rstrip("\n")


def is_setup(cell) -> bool:
    return cell.cell_type == "code" and cell.source.startswith(TITLE)


def insert_setup(cells: list) -> list:
    """The cells with the setup cell before the first one with code; without code there is nothing to set up."""
    cells = remove_setup(cells)
    first = next((index for index, cell in enumerate(cells) if cell.cell_type == "code"), None)
    if first is None:
        return cells
    setup = nbformat.v4.new_code_cell(setup_cell(), metadata=nbformat.from_dict(METADATA))
    return [*cells[:first], setup, *cells[first:]]


def remove_setup(cells: list) -> list:
    """The cells that people write."""
    return [cell for cell in cells if not is_setup(cell)]
