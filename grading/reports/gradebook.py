"""Record results in nbgrader's gradebook, through nbgrader's own steps; only, nothing of a student's is executed.

`exercises/` or any other folder with `source/<assignment>/<assignment>.ipynb` can be the course. Everything can be
repeated: what was recorded is updated, and points and comments that people gave in formgrader stay.
"""

import contextlib
import os
import sys
import tempfile
import warnings
from collections.abc import Iterable
from pathlib import Path

from nbgrader import api
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SAWarning
from traitlets.config import Config, PyFileConfigLoader

from grading.reports import nbgrader_steps
from grading.reports.scores import Mark, Recorded, exercise_of
from grading.reports.students import by_student, student_id, student_name
from grading.results import Result, write_whole


class NotRecorded(RuntimeError):
    """Some students could not be recorded; all others were."""


def record(results: Iterable[Result], *, course: Path, assignment: str) -> None:
    """Put results into the gradebook of a course, and the notebooks into `submitted/` and `autograded/`.

    A result without a notebook makes no entry, because nbgrader would show one as 0 points. Where an earlier
    submission of that student is in the gradebook, its automatic points are withdrawn and it is marked as in need of a
    person's attention. So is an exercise that could not be judged.

    Raises:
        FileNotFoundError: if the course has no such assignment.
        NotRecorded: in the end, if something went wrong with some students; it says what.
    """
    found = by_student(results)
    with quiet(), tempfile.TemporaryDirectory() as scratch:
        directory = directory_of(course, assignment)
        release = nbgrader_steps.register(directory, configuration(course), Path(scratch))
        step = nbgrader_steps.Record(directory, release)
        failed = {}
        for student, result in found.items():
            try:
                if result.notebook:
                    write_submission(result, course, assignment)
                    step.record(student_id(student), result.verdicts)
                    name_student(directory, student)
                else:
                    withdraw(directory, student)
            except Exception as error:  # one strange notebook must not keep a class from its grades
                failed[student] = f"{type(error).__name__}: {error}"
    if failed:
        raise NotRecorded("; ".join(f"{student!r} was not recorded: {why}" for student, why in failed.items()))


def read(*, course: Path, assignment: str) -> dict[str, Recorded]:
    """What the gradebook holds, by student. Empty if nothing was recorded yet."""
    recorded: dict[str, Recorded] = {}
    with quiet(), open_gradebook(directory_of(course, assignment)) as book:
        for student, cell, auto, manual, extra, pending in rows_of(
            book, assignment, api.Grade, "auto_score", "manual_score", "extra_credit", "needs_manual_grade"
        ):
            given = auto if manual is None else manual
            points = None if pending or given is None else given + (extra or 0.0)
            person = manual is not None or bool(extra)
            recorded.setdefault(student, Recorded()).marks[exercise_of(cell)] = Mark(points, person)
        for student, cell, comment in rows_of(book, assignment, api.Comment, "manual_comment"):
            if comment:
                recorded.setdefault(student, Recorded()).comments[cell] = comment
    return recorded


def configuration(course: Path) -> Config:
    """What `nbgrader_config.py` in the course says, if it is there."""
    if not (Path(course) / "nbgrader_config.py").exists():
        return Config()
    return PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config()


def directory_of(course: Path, assignment: str) -> CourseDirectory:
    master = Path(course) / "source" / assignment / f"{assignment}.ipynb"
    if not master.exists():
        raise FileNotFoundError(f"The course has no assignment {assignment!r}: there is no {master}.")
    directory = CourseDirectory(config=configuration(course))
    directory.root, directory.assignment_id = str(Path(course).resolve()), assignment
    return directory


@contextlib.contextmanager
def quiet():
    """Without nbgrader's own warnings, and with the programs beside this Python: nbgrader calls alembic by its name."""
    path = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join(filter(None, [str(Path(sys.executable).parent), path]))
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=SAWarning, module=r"nbgrader\.api")
            yield
    finally:
        os.environ["PATH"] = path


def open_gradebook(directory: CourseDirectory) -> api.Gradebook:
    return api.Gradebook(directory.db_url, directory.course_id)


def write_submission(result: Result, course: Path, assignment: str) -> None:
    path = Path(course) / "submitted" / student_id(result.student) / assignment / f"{assignment}.ipynb"
    write_whole(path, result.notebook)


def name_student(directory: CourseDirectory, student: str) -> None:
    """Show the real name where the id had to differ from it, unless the gradebook has a name already."""
    if student_id(student) == student:
        return
    with open_gradebook(directory) as book:
        entry = book.find_student(student_id(student))
        if entry.last_name is None and entry.first_name is None:
            shown = student.encode("utf-8", "replace").decode().lstrip("=+-@")  # nbgrader's CSV file has it too
            last, _, first = shown.partition(",")
            entry.last_name, entry.first_name = last.strip(), first.strip()
            book.db.commit()


def withdraw(directory: CourseDirectory, student: str) -> None:
    """Take back the automatic points of an earlier submission, if there is one."""
    with open_gradebook(directory) as book:
        try:
            submission = book.find_submission(directory.assignment_id, student_id(student))
        except api.MissingEntry:
            return
        for notebook in submission.notebooks:
            for grade in notebook.grades:
                grade.auto_score, grade.needs_manual_grade = None, True
        book.db.commit()


def rows_of(book: api.Gradebook, assignment: str, table, *columns: str) -> list[tuple]:
    """Student, cell and these columns of a table of the gradebook, for all students at once."""
    wanted = [getattr(table, name) for name in columns]
    query = (
        book.db.query(api.SubmittedAssignment.student_id, api.BaseCell.name, *wanted)
        .join(api.SubmittedNotebook, api.SubmittedNotebook.assignment_id == api.SubmittedAssignment.id)
        .join(table, table.notebook_id == api.SubmittedNotebook.id)
        .join(api.BaseCell, api.BaseCell.id == table.cell_id)
        .join(api.Assignment, api.Assignment.id == api.SubmittedAssignment.assignment_id)
        .filter(api.Assignment.name == assignment)
    )
    return [(student_name(student), *rest) for student, *rest in query]
