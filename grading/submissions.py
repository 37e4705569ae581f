"""Find the submissions in a folder as they come back: renamed, from Colab or a learning platform, or no notebooks."""

import functools
import json
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from grading.repair import WrongNotebook, restore
from grading.results import fingerprint, writable
from optcourse.exercises import catalogue

LARGEST = 50 << 20  # bytes of one notebook, its pictures included
MOST_CELLS, LONGEST_CELL = 1000, 100_000
LONGEST_NAME = 50


class Unreadable(Exception):
    """The file is not a notebook."""


@dataclass(frozen=True)
class Submission:
    """What one student handed in: the student's name, as files and folders say it, and the notebooks found."""

    student: str
    files: tuple[Path, ...]
    place: Path = field(repr=False)  # the student's folder or file

    @property
    def file(self) -> str:
        """The path of the notebook below the folder of submissions."""
        path = self.files[0] if self.files else self.place
        return writable(path.relative_to(self.place.parent).as_posix())

    @functools.cached_property
    def contents(self) -> dict[Path, bytes | str]:
        """What the files hold, read once; in place of what cannot be read, the reason."""
        return {path: read(path) for path in self.files}

    def fingerprint(self) -> str:
        """Differs when anything was changed in what was handed in."""
        return fingerprint(self.student, *self.contents.values())


def read(path: Path) -> bytes | str:
    """The bytes of a file, or why there are none."""
    try:
        if path.stat().st_size > LARGEST:
            return f"it is larger than {LARGEST >> 20} MB. Clear its outputs and hand it in again."
        return path.read_bytes()
    except OSError as error:
        return f"{error.strerror}."


def find(folder: Path, assignment: str) -> list[Submission]:
    """One submission for each student: a file in `folder`, or a folder in it with files somewhere below.

    Raises:
        FileNotFoundError: if there is nothing.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder. Put the students' notebooks into one, and name it.")
    files: dict[str, tuple[Path, list[Path]]] = {}
    for place in sorted(folder.iterdir()):
        if is_visible(place.name):
            inside = place / "x" if place.is_dir() else place
            _, known = files.setdefault(student_of(inside.relative_to(folder), assignment), (place, []))
            known += files_in(place)
    if not files:
        raise FileNotFoundError(f"{folder} holds no files. Put the students' notebooks into it.")
    found = []
    for student, (place, paths) in files.items():
        notebooks = [path for path in paths if path.suffix.lower() == ".ipynb"]
        found.append(Submission(student, tuple(notebooks or paths), place))
    return found


def assignment_in(folder: Path) -> str:
    """The assignment that most of the notebooks in a folder belong to; empty where none of them says it."""
    told = Counter()
    for place in sorted(folder.iterdir()) if folder.is_dir() else ():
        for path in files_in(place) if is_visible(place.name) else ():
            try:
                notebook = parse(path, read(path))
            except Unreadable:
                continue
            asked = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells]
            chapters = {catalogue()[name].chapter for name in asked if name in catalogue()}
            told.update([str(name)] if (name := notebook.metadata["optcourse"].get("assignment")) else chapters)
    return told.most_common(1)[0][0] if told else ""


def is_visible(name: str) -> bool:
    """Whether a file or folder was handed in, and is not something that a computer keeps for itself."""
    return not name.startswith((".", "__MACOSX"))


def files_in(place: Path) -> list[Path]:
    """The files of one student. Links are none: they could lead anywhere."""
    if place.is_symlink():
        return []
    if place.is_dir():
        below = [path for path in sorted(place.rglob("*")) if all(map(is_visible, path.relative_to(place).parts))]
        return [path for path in below if path.is_file() and not path.is_symlink()]
    return [place] if place.is_file() else []


def student_of(inside: Path, assignment: str) -> str:
    """Who handed in a file, from its path: the folder it is in, or else its own name without the assignment's.

    >>> student_of(Path("ada/week 1/optimizer_intuition.ipynb"), "optimizer_intuition")
    'ada'
    >>> student_of(Path("Ada Lovelace_4711_assignsubmission_file_/x.ipynb"), "optimizer_intuition")
    'Ada Lovelace'
    >>> student_of(Path("lovelaceada_15_99_optimizer_intuition-1.ipynb"), "optimizer_intuition")
    'lovelaceada_15_99'
    """
    inside = Path(unicodedata.normalize("NFC", writable(str(inside))))  # a Mac spells ü as two signs
    if len(inside.parts) > 1:
        return shortened(re.sub(r"_\d+_assignsubmission_file_?$", "", inside.parts[0]))
    name = re.sub(rf"[\W_]*{re.escape(assignment)}[\W_]*\d*[\W_]*$", "", inside.stem, flags=re.IGNORECASE)
    return shortened(name or inside.stem)


def shortened(name: str) -> str:
    """A name that can be that of a folder: long ones end in a fingerprint, by which they stay apart."""
    name = "".join(letter if letter.isprintable() else "?" for letter in name)
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 9]}-{fingerprint(name)[:8]}"


def parse(path: Path, data: bytes | str):
    """The notebook in a file: its cells with their text and nbgrader ids, and nothing else that it may hold.

    Raises:
        Unreadable: with the reason, in words for the student.
    """
    if path.suffix.lower() != ".ipynb":
        raise Unreadable(f"{path.name} is not a notebook. Hand in the .ipynb file: File, Download, Download .ipynb.")
    if isinstance(data, str):
        raise Unreadable(f"{path.name} cannot be read: {data}")
    if not data.strip():
        raise Unreadable(f"{path.name} is empty. Download the notebook again and hand it in.")
    try:
        stored = json.loads(data.decode("utf-8-sig"))
        cells = stored["cells"] if "cells" in stored else stored["worksheets"][0]["cells"]
        if len(cells) > MOST_CELLS:
            raise Unreadable(f"{path.name} has more than {MOST_CELLS} cells. Delete what you do not need.")
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
    source = writable(source if isinstance(source, str) else "".join(source))
    if len(source) > LONGEST_CELL:
        raise Unreadable(f"A cell has more than {LONGEST_CELL} signs: `{source[:40]}`... Delete what you do not need.")
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
    if not submission.files:
        raise Unreadable("There is no file in it. Hand in the .ipynb file.")
    for path, data in submission.contents.items():
        try:
            fitting.append((path, restore(parse(path, data), release, assignment)))
        except (Unreadable, WrongNotebook) as problem:
            problems.append(problem)
    if len({tuple(cell.source for cell in notebook.cells) for _, notebook in fitting}) > 1:
        names = ", ".join(path.name for path, _ in fitting)
        raise WrongNotebook(f"There are several notebooks of this assignment: {names}. Hand in one of them.")
    if fitting:
        return fitting[0][1]
    raise problems[0]
