"""Put a notebook as it came back into the form of its assignment: every cell of the release, and the student's own.

A cell is recognised by nbgrader's id where it is still there, and otherwise by what it holds.
"""

import ast
import functools
import itertools
import re

import nbformat
from nbformat.v4 import new_notebook

SKIP = "not-when-grading"  # the tag of cells that are not run: they only show something to the student
OURS = "optcourse.exercises"  # every notebook of this course imports from it


class WrongNotebook(Exception):
    """It is a notebook, and not one of this assignment."""


def restore(notebook, release, assignment: str):
    """The notebook with every cell of the release: the student's answers, the locked cells as they were released.

    The student's own order and further cells are kept. A cell that was deleted comes back behind the one that precedes
    it in the release.

    Raises:
        WrongNotebook: if nothing in it belongs to this assignment.
    """
    told = notebook.metadata["optcourse"].get("assignment")
    if told not in (None, assignment):
        raise WrongNotebook(f"This is the notebook of {str(told)[:80]!r}, and not of {assignment!r}.")
    released = {cell.metadata.nbgrader.grade_id: cell for cell in release.cells if "nbgrader" in cell.metadata}
    by_id, by_content = recognise(notebook.cells, released)
    if not by_id and len(by_content) < (1 if any(OURS in cell.source for cell in notebook.cells) else 2):
        raise WrongNotebook(f"Nothing in this notebook belongs to the assignment {assignment!r}.")

    plain = {words(cell): cell.metadata for cell in release.cells if "nbgrader" not in cell.metadata}
    place = {index: grade_id for grade_id, index in {**by_content, **by_id}.items()}
    # Whoever deleted a cell that prepares the notebook is not to lose everything else.
    handed_in = set(map(words, notebook.cells))
    cells = [nbformat.from_dict(cell) for cell in preparation(release) if words(cell) not in handed_in]
    for index, cell in enumerate(notebook.cells):
        grade_id = place.get(index)
        if grade_id is None:
            cell.metadata = nbformat.from_dict(plain.get(words(cell), {}))
            if not is_copy(cell, released):
                cells.append(cell)
        else:
            cells.append(rebuild(released[grade_id], cell.source))
    insert_missing(cells, release, set(place.values()))
    return new_notebook(cells=cells, metadata=release.metadata)


def preparation(release) -> list:
    """The cells with code before the first exercise."""
    before = itertools.takewhile(lambda cell: "nbgrader" not in cell.metadata, release.cells)
    return [cell for cell in before if cell.cell_type == "code"]


def recognise(cells, released: dict) -> tuple[dict[str, int], dict[str, int]]:
    """Which cell is which of the release, by its id and, where that is gone, by what it holds. The last one counts."""
    by_id = {}
    for index, cell in enumerate(cells):
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        original = released.get(grade_id)
        if original and cell.cell_type == original.cell_type:
            # Of two, the last one counts, unless it is an empty copy.
            by_id[grade_id] = by_id.get(grade_id, index) if words(cell) == words(original) else index
    by_content = {}
    for index, cell in enumerate(cells):
        if index not in by_id.values():
            for grade_id, original in released.items():
                if grade_id not in by_id and resembles(cell, original):
                    by_content[grade_id] = index
                    break
    for grade_id, index in written_answers(cells, released, {**by_content, **by_id}):
        by_content.setdefault(grade_id, index)
    return by_id, by_content


def resembles(cell, original) -> bool:
    """Whether a cell without an id is one of the release: the same text, or the answer it asks for."""
    if cell.cell_type != original.cell_type:
        return False
    if words(cell) == words(original):
        return True
    settings, name = original.metadata.nbgrader, original.metadata.nbgrader.grade_id
    return bool(settings.get("solution") and cell.cell_type == "code" and name in defined(cell.source))


def written_answers(cells, released: dict, known: dict[str, int]):
    """Answers in words whose cell lost its id: the text below the cell that comes before it in the release."""
    order = list(released)
    for grade_id, original in released.items():
        before = order[order.index(grade_id) - 1]
        if original.cell_type == "markdown" and grade_id not in known and before in known:
            below = known[before] + 1
            if below < len(cells) and cells[below].cell_type == "markdown" and below not in known.values():
                yield grade_id, below


def is_test(cell) -> bool:
    """Whether a cell holds the tests of an exercise."""
    settings = cell.metadata.get("nbgrader", {})
    return bool(settings.get("grade") and not settings.get("solution"))


def words(cell) -> tuple[str, ...]:
    """The text of a cell, however it is laid out."""
    return words_of(cell.source)


@functools.lru_cache(maxsize=4096)
def words_of(source: str) -> tuple[str, ...]:
    return tuple(source.split())


@functools.lru_cache(maxsize=4096)
def defined(source: str) -> set[str]:
    """The names that a cell defines, also when it does not parse."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set(re.findall(r"^(?:def|class)\s+(\w+)", source, re.MULTILINE)) | set(
            re.findall(r"^(\w+)\s*=(?!=)", source, re.MULTILINE)
        )
    names = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            names.add(node.name)
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def is_copy(cell, released: dict) -> bool:
    """Whether a cell repeats one of the release, word for word: a stub further down would undo the answer above."""
    return any(words(cell) == words(original) for original in released.values())


def rebuild(original, source: str):
    """A cell of the release: with the student's text where it asks for an answer, and as it was otherwise."""
    cell = nbformat.from_dict(original)
    if original.metadata.nbgrader.get("solution"):
        cell.source = source
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None
    return cell


def insert_missing(cells: list, release, present: set[str]) -> None:
    """Put back what was deleted, each cell behind the nearest one that precedes it in the release."""
    position = 0
    for original in release.cells:
        grade_id = original.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id is None:
            continue
        if grade_id not in present:
            cell = rebuild(original, original.source)
            cell.metadata["tags"] = [SKIP]  # a stub must not undo an answer that stands elsewhere
            cells.insert(position, cell)
            position += 1
            continue
        at = next(i for i, cell in enumerate(cells) if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id)
        position = max(position, at + 1)
