"""The setup cell: the first cell with code of every notebook, which installs `optcourse` where it is missing.

It is not written in the text twins. It is put in where a notebook is made from its twin, and taken out again where a
twin is made from a notebook, so that one setting, `repository` in `_config.yml`, decides what all notebooks install.
"""

from pathlib import Path

import nbformat
import yaml

CONFIG = Path(__file__).resolve().parent.parent / "_config.yml"

# By this line the cell is known again, also where a service has dropped the metadata. Colab shows it as a title.
TITLE = "# @title Setup: installs optcourse if it is missing, and changes no other package"
METADATA = {"cellView": "form", "jupyter": {"source_hidden": True}, "tags": ["remove-cell"]}

# What is installed, pip itself is asked: among leftovers and duplicates it knows the entry that counts, which
# importlib.metadata does not. Versions that no standard allows cannot be constraints, and are left out.
SOURCE = r"""
import importlib.util


def optcourse_is_missing():  # a mere folder of this name, as a clone makes it, is no package
    return not getattr(importlib.util.find_spec("optcourse"), "origin", None)


if optcourse_is_missing():
    import os, re, subprocess, sys, tempfile  # noqa: E401, I001

    def pip(*arguments):
        command = [sys.executable, "-m", "pip", "--no-input", "--disable-pip-version-check", *arguments]
        catch = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        never_ask = os.environ | {"GIT_TERMINAL_PROMPT": "0"}
        return subprocess.run(command, env=never_ask, encoding="utf-8", errors="replace", **catch)

    repository = "REPOSITORY"
    step = pip("list", "--format=freeze")
    if step.returncode == 0:
        version = r"(\d+!)?\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?(\+[a-z\d.]+)?"
        here = [line for line in step.stdout.splitlines() if re.fullmatch(rf"(?!optcourse=)[\w.-]+=={version}", line)]
        with tempfile.TemporaryDirectory() as folder:
            constraints = os.path.join(folder, "constraints.txt")
            with open(constraints, "w") as file:
                file.write("\n".join(here))
            step = pip("install", "--constraint", constraints, f"optcourse @ git+{repository}@BRANCH")
        importlib.invalidate_caches()
    if optcourse_is_missing():
        reason = "pip says:\n\n" + "\n".join(step.stdout.strip().splitlines()[-12:])
        if step.returncode == 0:
            reason = "Restart the kernel, and run this cell again."
        elif re.search("to resolve|resolve host|name resolution|connect(ion)? |unreachable|timed out", step.stdout):
            reason = f"Nothing answers at {repository}. Connect to the internet, and run this cell again."
        raise RuntimeError(f"This notebook needs optcourse, which could not be installed. {reason}")
"""


def setup_cell(repository: str | None = None, branch: str | None = None) -> str:
    """The source of the setup cell: Python that installs the package from a branch of a repository on GitHub.

    Args:
        repository: its address, by default `repository.url` in `_config.yml`.
        branch: by default `repository.branch` there.
    """
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["repository"]
    source = SOURCE.replace("REPOSITORY", repository or config["url"]).replace("BRANCH", branch or config["branch"])
    return TITLE + source.rstrip("\n")


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
