"""nbgrader's two steps, as the grader takes them: an assignment is registered, a submission is recorded.

nbgrader's Autograde executes a submission and reads points from the outputs. Here the verdicts are known already, and
are written into the outputs of the test cells.
"""

import json
import os
from pathlib import Path

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat.v4 import new_output
from nbgrader.converters import Autograde, GenerateAssignment
from nbgrader.converters.base import BaseConverter
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import (
    CheckCellMetadata,
    LimitOutput,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)
from nbgrader.preprocessors.base import NbGraderPreprocessor
from nbgrader.utils import determine_grade, is_grade, is_solution
from traitlets.config import Config

from grading.reports.cleaning import clean, defuse, settings_of
from grading.reports.scores import exercise_of, points_for
from grading.results import write_whole
from optcourse.exercises.verdict import NOT_JUDGED, Verdict


def register(directory: CourseDirectory, config: Config, scratch: Path):
    """Put the assignment's cells and points into the gradebook, and return what students are given.

    Raises:
        ValueError: if submissions to other cells are in the gradebook.
    """
    elsewhere = CourseDirectory(config=config)
    elsewhere.root, elsewhere.assignment_id = directory.root, directory.assignment_id
    elsewhere.release_directory = str(scratch.resolve())
    try:
        Register(coursedir=elsewhere, config=config).start()
    except RuntimeError as error:
        raise ValueError(
            f"{error}. Cells of {directory.assignment_id!r} were added or removed since. Start with a new gradebook: "
            f"move {Path(directory.root) / 'gradebook.db'} away."
        ) from error
    return nbformat.read(next(scratch.rglob("*.ipynb")), as_version=4)


class Register(GenerateAssignment):
    """nbgrader's own, except that it raises errors, which nbgrader only logs."""

    def init_notebooks(self) -> None:
        folder = self._format_source(self.coursedir.assignment_id, ".")
        names = [path.name for path in Path(folder).glob("*.ipynb")]
        if names != [f"{self.coursedir.assignment_id}.ipynb"]:
            raise ValueError(f"{folder} should hold one notebook, named like the assignment. It holds {sorted(names)}.")
        self.notebooks = [os.path.join(folder, names[0])]

    def convert_notebooks(self) -> None:
        self.init_assignment(self.coursedir.assignment_id, ".")
        self.convert_single_notebook(self.notebooks[0])


class Record(Autograde):
    """nbgrader's Autograde for one submission after the other, with verdicts in the place of execution."""

    def __init__(self, coursedir: CourseDirectory, release):
        super().__init__(coursedir=coursedir)
        self.settings, self.known = settings_of(release), {cell.source for cell in release.cells}
        self.exporter = NotebookExporter(config=self.config)
        for step in (Clean, OverwriteKernelspec, OverwriteCells, LimitOutput, WriteVerdicts, SaveVerdicts):
            self.exporter.register_preprocessor(step)
        self.exporter.register_preprocessor(CheckCellMetadata)

    def record(self, student: str, verdicts: dict) -> None:
        assignment = self.coursedir.assignment_id
        self.verdicts, self.earlier = verdicts, answers_in(self.path(student))
        self.notebooks = [str(Path(self._format_source(assignment, student)) / f"{assignment}.ipynb")]
        self.init_assignment(assignment, student)
        BaseConverter.convert_single_notebook(self, self.notebooks[0])
        self.set_permissions(assignment, student)

    def init_single_notebook_resources(self, notebook_filename: str) -> dict:
        resources = super().init_single_notebook_resources(notebook_filename)
        return resources | {
            "verdicts": self.verdicts,
            "settings": self.settings,
            "known": self.known,
            "earlier": self.earlier,
        }

    def write_single_notebook(self, output: str, resources: dict) -> None:
        write_whole(self.path(resources["nbgrader"]["student"]), output)

    def path(self, student: str) -> Path:
        assignment = self.coursedir.assignment_id
        return Path(self._format_dest(assignment, student)) / f"{assignment}.ipynb"


class Clean(NbGraderPreprocessor):
    """Take out what could run in a teacher's browser, and what could pass for a cell of tests."""

    def preprocess(self, nb, resources):
        for cell in clean(nb, resources["settings"]).cells:
            if cell.cell_type == "markdown" and cell.source not in resources["known"]:
                cell.source = defuse(cell.source)
        return nb, resources


class WriteVerdicts(NbGraderPreprocessor):
    """Give each cell of tests two outputs: the verdict in words, and the points, as nbgrader takes them."""

    def preprocess_cell(self, cell, resources, cell_index):
        if cell.cell_type == "code" and is_grade(cell) and not is_solution(cell):
            name, maximum = exercise_of(cell.metadata.nbgrader.grade_id), cell.metadata.nbgrader.points
            judged = resources["verdicts"].get(name) or {"status": NOT_JUDGED, "message": "It was not run."}
            points = points_for(judged, maximum)
            shown = Verdict(name, judged["status"], judged["message"])
            cell.outputs = [new_output("display_data", {"text/plain": str(shown), "text/html": shown._repr_html_()})]
            if points is not None:
                cell.outputs.append(new_output("execute_result", {"text/plain": repr(points)}))
        return cell, resources


class SaveVerdicts(SaveAutoGrades):
    """nbgrader's own, except that a cell of tests without points is not worth all of them, but needs a person.

    And points that a person gave are marked for review only when an answer or the automatic points have changed.
    """

    def preprocess(self, nb, resources):
        self.changed = resources["earlier"] != answers(nb.cells)
        return super().preprocess(nb, resources)

    def _add_score(self, cell, resources):
        where = (cell.metadata.nbgrader.grade_id, self.notebook_id, self.assignment_id, self.student_id)
        grade = self.gradebook.find_grade(*where)
        is_test = cell.cell_type == "code" and not is_solution(cell)
        points = None if is_test and len(cell.outputs) < 2 else determine_grade(cell, self.log)[0]
        if grade.manual_score is None:
            grade.needs_manual_grade = points is None
        elif self.changed or points != grade.auto_score:
            grade.needs_manual_grade = True
        grade.auto_score = points
        self.gradebook.db.commit()


def answers(cells) -> list[str]:
    """What a notebook says, without outputs."""
    return ["".join(cell["source"]) for cell in cells]


def answers_in(path: Path) -> list[str] | None:
    try:
        return answers(json.loads(path.read_text(encoding="utf-8"))["cells"])
    except (FileNotFoundError, ValueError):
        return None
