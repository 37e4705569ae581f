"""Grade a folder: every submission in a sandbox of its own, some at a time; what is done is kept at once."""

import functools
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

import optcourse
from grading import judge, results
from grading.repair import SKIP, WrongNotebook, is_test
from grading.results import Result, Results, fingerprint
from grading.sandbox import Limits, Outcome, Sandbox
from grading.submissions import Submission, Unreadable, choose, find
from optcourse import exercises
from optcourse.exercises.exercise import PUBLIC_SEED


@dataclass(frozen=True)
class Assignment:
    """What is graded: the notebook as it was released, and the questions that a seed makes."""

    name: str
    release: Path
    seed: str = field(default=PUBLIC_SEED, repr=False)

    @functools.cached_property
    def notebook(self):
        return nbformat.read(self.release, as_version=4)

    @property
    def exercises(self) -> list[str]:
        """The exercises that are judged: those of the catalogue that the notebook asks for."""
        asked = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in self.notebook.cells]
        return [name for name in exercises.catalogue() if name in asked]

    def questions(self) -> dict[str, list[dict]]:
        return {name: exercises.get(name).questions(self.seed) for name in self.exercises}

    def fingerprint(self) -> str:
        """Differs when the same submission could get another result."""
        packages = (Path(optcourse.__file__).parent, Path(__file__).parent)
        code = [path.read_bytes() for package in packages for path in sorted(package.rglob("*.py"))]
        return fingerprint(self.name, self.seed, self.release.read_bytes(), *code)


def grade(
    folder: Path,
    assignment: Assignment,
    *,
    keep_in: Path,
    limits: Limits | None = None,
    jobs: int = 2,
    sandbox: Sandbox | None = None,
    on_result: Callable[[Result, bool], None] = lambda result, known: None,
) -> list[Result]:
    """Grade every submission in `folder`, in the order of the students' names.

    Results are kept in `keep_in` as they come. Those that are there already, of the same submissions graded in the same
    way, are not made again; `on_result` is told so by its second argument.

    Raises:
        FileNotFoundError: if there are no submissions.
    """
    limits = limits or Limits()
    store, how = Results(keep_in), fingerprint(assignment.fingerprint(), repr(limits))
    done, todo = {}, []
    for submission in find(folder, assignment.name):
        key = fingerprint(how, submission.fingerprint())
        if known := store.find(submission.file, key):
            done[submission.student] = known
            on_result(known, True)
        else:
            todo.append((submission, key))
    for result, key in run_all(todo, assignment, limits, jobs, sandbox or Sandbox()):
        store.keep(result, key)
        done[result.student] = result
        on_result(result, False)
    return [done[student] for student in sorted(done, key=str.lower)]


def run_all(todo: list[tuple[Submission, str]], assignment, limits, jobs, sandbox) -> Iterator[tuple[Result, str]]:
    """Run the sandboxes in threads, and judge here, one result after the other."""
    questions, stop = assignment.questions(), threading.Event()
    pool = ThreadPoolExecutor(max_workers=jobs)
    try:
        running = {}
        for submission, key in todo:
            try:
                notebook = choose(submission, assignment.notebook, assignment.name)
            except (Unreadable, WrongNotebook) as problem:
                state = results.UNREADABLE if isinstance(problem, Unreadable) else results.WRONG_NOTEBOOK
                yield Result(submission.student, submission.file, state, str(problem)), key
                continue
            job = make_job(notebook, questions, sandbox.limits_inside(limits))
            running[pool.submit(sandbox.run, job, limits, stop)] = submission, notebook, key
        for future in as_completed(running):
            submission, notebook, key = running.pop(future)
            yield make_result(submission, notebook, questions, future.result(), limits), key
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def make_job(notebook, questions: dict, limits: dict) -> bytes:
    """What the sandbox is told: the notebook, which of its cells to run, and the questions."""
    to_run = [
        index
        for index, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and not is_test(cell) and SKIP not in cell.metadata.get("tags", [])
    ]
    asked = [{"name": name, "questions": entries} for name, entries in questions.items()]
    return json.dumps({"notebook": notebook, "to_run": to_run, "exercises": asked, "limits": limits}).encode()


def make_result(submission: Submission, notebook, questions: dict, outcome: Outcome, limits: Limits) -> Result:
    """Judge what a sandbox has reported."""
    told = judge.read_report(outcome)
    end = judge.ending(told, outcome, limits)
    cell_of = {
        cell.metadata.nbgrader.grade_id: index
        for index, cell in enumerate(notebook.cells)
        if "nbgrader" in cell.metadata
    }
    state, verdicts = judge.judge(list(questions), questions, told, end, cell_of)
    return Result(
        student=submission.student,
        file=submission.file,
        state=state,
        explanation=judge.explanation(told, end, notebook, verdicts),
        verdicts=verdicts,
        notebook=nbformat.writes(with_outputs(notebook, told["notebook"])),
        seconds=round(outcome.seconds, 1),
    )


def with_outputs(notebook, executed) -> dict:
    """The notebook as it was sent, with the outputs that came back, as far as they are outputs."""
    try:
        for cell, ran in zip(notebook.cells, executed["cells"], strict=True):
            if cell.cell_type == "code" and not is_test(cell):
                cell.outputs = [nbformat.from_dict(output) for output in ran["outputs"]]
        nbformat.validate(notebook)
    except (TypeError, KeyError, ValueError, AttributeError, RecursionError, nbformat.ValidationError):
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = []
    return notebook
