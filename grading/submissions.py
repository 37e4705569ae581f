"""Find the submissions in a folder as they come back: renamed, from Colab or a learning platform, or no notebooks."""

import json
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from grading.repair import WrongNotebook, restore

LARGEST = 50 << 20  # bytes of one notebook


class Unreadable(Exception):
    """The file is not a notebook."""


@dataclass(frozen=True)
class Submission:
    """What one student handed in: the student's name, as files and folders say it, and the notebooks found."""

    student: str
    files: tuple[Path, ...]
    folder: Path = field(repr=False)

    @property
    def file(self) -> str:
        """The path of the notebook below the folder of submissions."""
        return self.files[0].relative_to(self.folder).as_posix()

    def read(self) -> bytes:
        """The bytes of all files, from which it is seen whether anything changed."""
        return b"\0".join(path.read_bytes() for path in self.files if path.stat().st_size <= LARGEST)


def find(folder: Path, assignment: str) -> list[Submission]:
    """One submission for each student: a file in `folder`, or a folder in it with files somewhere below.

    Raises:
        FileNotFoundError: if there is nothing.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder. Put the students' notebooks into one, and name it.")
    files: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not path.is_symlink() and not any(part[0] in "._" for part in inside.parts):
            files.setdefault(student_of(inside, assignment), []).append(path)
    if not files:
        raise FileNotFoundError(f"{folder} holds no files. Put the students' notebooks into it.")
    found = []
    for student, paths in files.items():
        notebooks = [path for path in paths if path.suffix.lower() == ".ipynb"]
        found.append(Submission(student, tuple(notebooks or paths), folder))
    return found


def student_of(inside: Path, assignment: str) -> str:
    """Who handed in a file, from its path: the folder it is in, or else its own name without the assignment's.

    >>> student_of(Path("ada/work/optimizer_intuition.ipynb"), "optimizer_intuition")
    'ada'
    >>> student_of(Path("Ada Lovelace_4711_assignsubmission_file_/x.ipynb"), "optimizer_intuition")
    'Ada Lovelace'
    >>> student_of(Path("lovelaceada_15_99_optimizer_intuition-1.ipynb"), "optimizer_intuition")
    'lovelaceada_15_99'
    """
    inside = Path(unicodedata.normalize("NFC", str(inside)))  # a Mac spells ü as two signs
    if len(inside.parts) > 1:
        return re.sub(r"_\d+_assignsubmission_file_?$", "", inside.parts[0])
    name = re.sub(rf"[\W_]*{re.escape(assignment)}[\W_]*\d*[\W_]*$", "", inside.stem, flags=re.IGNORECASE)
    return name or inside.stem


def parse(path: Path):
    """The notebook in a file: its cells with their text and nbgrader ids, and nothing else that it may hold.

    Raises:
        Unreadable: with the reason, in words for the student.
    """
    if path.suffix.lower() != ".ipynb":
        raise Unreadable(f"{path.name} is not a notebook. Hand in the .ipynb file: File, Download, Download .ipynb.")
    if path.stat().st_size > LARGEST:
        raise Unreadable(f"{path.name} is larger than {LARGEST >> 20} MB. Clear its outputs and hand it in again.")
    data = path.read_bytes()
    if not data.strip():
        raise Unreadable(f"{path.name} is empty. Download the notebook again and hand it in.")
    try:
        stored = json.loads(data.decode("utf-8-sig"))
        cells = stored["cells"] if "cells" in stored else stored["worksheets"][0]["cells"]
        return new_notebook(
            cells=[clean(cell) for cell in cells],
            metadata={"optcourse": dict((stored.get("metadata") or {}).get("optcourse") or {})},
        )
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        reason = "It is not a notebook file, or was cut off." if data.lstrip()[:1] == b"{" else "It is not JSON."
        raise Unreadable(f"{path.name} cannot be read. {reason} Download the notebook again and hand it in.") from None


def clean(cell: dict):
    """A fresh cell with the text of a stored one, and its nbgrader id if it has one."""
    source = cell.get("source", cell.get("input", ""))
    source = source if isinstance(source, str) else "".join(source)
    make = {"code": new_code_cell, "raw": new_raw_cell}.get(cell["cell_type"], new_markdown_cell)
    grade_id = ((cell.get("metadata") or {}).get("nbgrader") or {}).get("grade_id")
    metadata = {"nbgrader": {"grade_id": grade_id}} if isinstance(grade_id, str) else {}
    return make(source, metadata=metadata)


def choose(submission: Submission, release, assignment: str):
    """The one notebook of this assignment among what a student handed in, in the assignment's form.

    Raises:
        Unreadable, WrongNotebook: with the reason.
    """
    fitting, problems = [], []
    for path in submission.files:
        try:
            fitting.append((path, restore(parse(path), release, assignment)))
        except (Unreadable, WrongNotebook) as problem:
            problems.append(problem)
    if len({tuple(cell.source for cell in notebook.cells) for _, notebook in fitting}) > 1:
        names = ", ".join(path.name for path, _ in fitting)
        raise WrongNotebook(f"There are several notebooks of this assignment: {names}. Hand in one of them.")
    if fitting:
        return fitting[0][1]
    raise problems[0]
