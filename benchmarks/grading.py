"""Submissions per minute for a class of 100: the grader against nbgrader alone, on the same notebooks.

nbgrader alone runs `autograde` and `generate_feedback`, one submission after the other, with the tests in the student's
own kernel. The grader does all that `make grade` does: sandboxes, judge, nbgrader's gradebook, feedback and report.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

from benchmarks.bench import Row
from exercises.answers import optimizer_intuition as answers
from exercises.answers.pasting import source

ROOT = Path(__file__).resolve().parent.parent
ASSIGNMENT = "optimizer_intuition"
CLASS, GROUP = 100, 25  # handed in by groups, so that the two graders can take turns


def rows():
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        ours, nbgrader = here / "ours", here / "nbgrader"
        for course in (ours, nbgrader):
            shutil.copytree(ROOT / "exercises" / "source", course / "source")
            shutil.copy(ROOT / "exercises" / "nbgrader_config.py", course)
        run(nbgrader, "nbgrader", "generate_assignment", ASSIGNMENT)
        seconds = {"ours": 0.0, "nbgrader": 0.0}
        for group in range(CLASS // GROUP):
            students = {f"s{group}-{number:02}": notebook(group * GROUP + number) for number in range(GROUP)}
            seconds["ours"] += grade(ours, here / f"group {group}", students)
            seconds["nbgrader"] += autograde(nbgrader, f"s{group}-*", students)
        check(ours, nbgrader)
    measured = ", ".join(f"{name} {60 * CLASS / total:.1f} submissions/min" for name, total in seconds.items())
    yield Row("grade a class of 100", "nbgrader alone", seconds["nbgrader"] / seconds["ours"], True, 1, measured)


def notebook(number: int) -> bytes:
    """What the student of this number hands in: a right answer here, a mistake there."""
    filled = nbformat.read(ROOT / "book" / "exercises" / f"{ASSIGNMENT}.ipynb", as_version=4)
    for cell in filled.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        choices = [*answers.RIGHT.get(name, []), *answers.WRONG.get(name, {}).values()]
        if choices and callable(answer := choices[number % len(choices)]):
            cell.source = source(answer, name)
    return nbformat.writes(filled).encode()


def grade(course: Path, folder: Path, students: dict[str, bytes]) -> float:
    folder.mkdir()
    for student, content in students.items():
        (folder / f"{student}.ipynb").write_bytes(content)
    began = time.perf_counter()
    run(ROOT, sys.executable, "-m", "grading", str(folder), "--course", str(course))
    return time.perf_counter() - began


def autograde(course: Path, which: str, students: dict[str, bytes]) -> float:
    for student, content in students.items():
        path = course / "submitted" / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    began = time.perf_counter()
    run(course, "nbgrader", "autograde", ASSIGNMENT, f"--student={which}")
    run(course, "nbgrader", "generate_feedback", ASSIGNMENT, f"--student={which}")
    return time.perf_counter() - began


def run(where: Path, program: str, *arguments: str) -> None:
    here = str(Path(sys.executable).parent)  # nbgrader calls a program of this environment by its name
    environment = os.environ | {"PATH": os.pathsep.join([here, os.environ["PATH"]])}
    program = shutil.which(program, path=here) or program
    done = subprocess.run(
        [program, *arguments], cwd=where, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{program} {' '.join(arguments)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")


def check(ours: Path, nbgrader: Path) -> None:
    """Both must have graded everybody, and alike."""
    from nbgrader.api import Gradebook

    scores = []
    for course in (ours, nbgrader):
        with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
            graded = {entry.student.id: entry.score for entry in gradebook.assignment_submissions(ASSIGNMENT)}
        scores.append(graded)
    if len(scores[0]) != CLASS or scores[0] != scores[1]:
        raise RuntimeError(f"The two graders disagree:\n{json.dumps(scores, indent=1)}")
