"""What an exercise is: a master with the solutions, and the student's notebook that nbgrader makes of it.

    exercises/text/NAME.md  <->  exercises/source/NAME/NAME.ipynb  -->  book/exercises/NAME.ipynb

People edit the text, or the source in JupyterLab. `make execute` makes the rest. The instructor's edition of the book
shows the masters in place of the students' notebooks.
"""

import logging
import tempfile
from pathlib import Path

import chapters
import nbformat
from chapters import Chapter, relative

INSTRUCTORS_NOTE = """\
:::{admonition} Instructor's edition: do not publish
:class: danger
This page shows the solutions, the hidden tests and the marking scheme. `make book` builds the page for students.
:::"""


class ExercisePage(Chapter):
    """A page of exercises; `name` is that of its page, `exercises/` and the name of the assignment."""

    @property
    def assignment(self) -> str:
        return self.name.removeprefix("exercises/")

    @property
    def twin(self) -> Path:
        return chapters.ROOT / "exercises" / "text" / f"{self.assignment}.md"

    @property
    def marks(self) -> dict:
        return {"assignment": self.assignment}


class Master(ExercisePage):
    """The source of an assignment: solutions, hidden tests and marking schemes included, without outputs."""

    @property
    def notebook(self) -> Path:
        return chapters.ROOT / "exercises" / "source" / self.assignment / f"{self.assignment}.ipynb"


class StudentNotebook(ExercisePage):
    """The page of the book: what nbgrader releases of the master."""

    if_edited = "It is made from the text: make your change there, and delete this notebook."

    def read_twin(self):
        return release(Master(self.name))

    def write_twin(self, notebook) -> bool:
        return False  # the text has the solutions, and this notebook does not


def masters() -> list[Master]:
    """The masters of all pages with exercises, in the order of the book."""
    return [Master(notebook.name) for notebook in student_notebooks()]


def student_notebooks() -> list[StudentNotebook]:
    """The pages with exercises, in order."""
    names = [page.removeprefix("book/") for page in chapters.pages()]
    return [StudentNotebook(name) for name in names if name.startswith("exercises/")]


def release(master: Master):
    """The student's notebook, made by nbgrader as its `generate_assignment` does; no database is written."""
    # Imported here: readers build the book without nbgrader.
    from nbgrader.converters import GenerateAssignment
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import PyFileConfigLoader

    config = PyFileConfigLoader("nbgrader_config.py", path=str(Path(__file__).parents[1] / "exercises")).load_config()
    config.GenerateAssignment.no_database = True
    config.SaveCells.enabled = False
    log, said = logger()
    with tempfile.TemporaryDirectory() as course:
        config.CourseDirectory.root = course
        config.CourseDirectory.assignment_id = master.assignment
        source = Path(course, "source", master.assignment, master.notebook.name)
        source.parent.mkdir(parents=True)
        source.write_text(nbformat.writes(master.read_twin()), encoding="utf-8")
        try:
            GenerateAssignment(coursedir=CourseDirectory(config=config), config=config, log=log).start()
        except Exception as error:
            reasons = "\n".join(said) or str(error)
            raise ValueError(f"{relative(master.twin)}: nbgrader cannot make the notebook\n{reasons}") from error
        released = nbformat.read(Path(course, "release", master.assignment, master.notebook.name), as_version=4)
    released.metadata = nbformat.from_dict(chapters.NOTEBOOK_METADATA)
    chapters.name_cells(released)
    return released


def logger() -> tuple[logging.Logger, list[str]]:
    """A log that keeps what went wrong, and says nothing by itself."""
    said = []
    handler = logging.Handler(level=logging.ERROR)
    handler.emit = lambda record: said.append(record.getMessage())
    log = logging.Logger("nbgrader")
    log.addHandler(handler)
    return log, said


def write_source(master: Master, notebook) -> bool:
    """Write a master and its text in their normal form; say whether either changed."""
    notebook.metadata["optcourse"] = {**master.marks, "cells": chapters.cells_fingerprint(notebook)}
    changed = chapters.write_if_changed(master.notebook, nbformat.writes(notebook, version=4) + "\n")
    return master.write_twin(notebook) or changed


def instructors_page(executed):
    """An executed master as a page of the instructor's edition: with a note below its title."""
    title, rest = executed.cells[0].source.split("\n", 1)
    executed.cells[0].source = f"{title}\n\n{INSTRUCTORS_NOTE}\n{rest}"
    return executed
