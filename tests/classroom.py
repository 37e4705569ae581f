"""A class of students, as a grader meets it: what each hands in, and what is to become of it."""

import importlib
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

from exercises.answers.pasting import pasted
from optcourse.exercises import catalogue

FOLDER = Path(__file__).resolve().parent.parent / "book" / "exercises"
ASSIGNMENT = "optimizer_intuition"
RELEASE = FOLDER / f"{ASSIGNMENT}.ipynb"
NAMES = tuple(name for name, exercise in catalogue().items() if exercise.chapter == ASSIGNMENT)
MISTAKES = 4  # notebooks with a mistake in every method; test_exercises.py judges all mistakes


@dataclass(frozen=True)
class Student:
    """One submission: the file's content, and the state and the scores it must get.

    `scores` are those of all exercises, in the order of NAMES, None where nothing can be judged; `says` must occur in
    the message of the exercise it is given for, or in the explanation of the whole under "".
    """

    name: str
    content: bytes
    state: str = "graded"
    scores: tuple | None = (1, 1, 1, 1, 1, 1)
    says: dict[str, str] = field(default_factory=dict)
    file: str = ""


def release(assignment: str = ASSIGNMENT):
    return nbformat.read(FOLDER / f"{assignment}.ipynb", as_version=4)


def answers_to(assignment: str = ASSIGNMENT):
    """The module with right and wrong answers."""
    return importlib.import_module(f"exercises.answers.{assignment}")


def right(which: int = 0, assignment: str = ASSIGNMENT) -> dict[str, str]:
    """Right answers to everything."""
    known = answers_to(assignment).RIGHT
    return {name: pasted(answers[which % len(answers)], name) for name, answers in known.items()}


def cell_of(notebook, grade_id: str) -> int:
    cells = enumerate(notebook.cells)
    return next(i for i, cell in cells if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def fill(code: dict[str, str], notebook=None):
    """The released notebook with answers written into it."""
    notebook = notebook or release()
    for name, text in code.items():
        notebook.cells[cell_of(notebook, name)].source = text
    return notebook


def dump(notebook) -> bytes:
    return nbformat.writes(notebook).encode()


def with_cell(text: str, *, first: bool = False, code: dict | None = None, kind=new_code_cell):
    """A notebook in which everything is right, and one cell was added."""
    notebook = fill(right() if code is None else code)
    notebook.cells.insert(0 if first else len(notebook.cells), kind(text))
    return notebook


def without_metadata(notebook):
    """As some services give notebooks back: nothing but the cells' text."""
    for cell in notebook.cells:
        cell.metadata = {}
        cell.pop("id", None)
    notebook.metadata = {}
    notebook.nbformat_minor = 4
    return notebook


def from_colab(notebook):
    """Colab keeps nbgrader's ids, adds its own, and gives every cell an id."""
    for number, cell in enumerate(notebook.cells):
        cell.metadata.update(id=f"Xy{number}", colab={"base_uri": "https://localhost:8080/"})
    notebook.metadata = {"colab": {"provenance": []}, "kernelspec": {"name": "python3", "display_name": "Python 3"}}
    return notebook


def shuffled(notebook):
    """The answers in the opposite order, cells added between them, the tests deleted."""
    order = [cell_of(notebook, name) for name in NAMES]
    own = [notebook.cells[index] for index in reversed(order)]
    for index, cell in zip(order, own, strict=True):
        notebook.cells[index] = cell
    tests = {cell_of(notebook, f"check_{name}") for name in NAMES[:4]}
    notebook.cells = [cell for index, cell in enumerate(notebook.cells) if index not in tests]
    notebook.cells.insert(3, new_markdown_cell("# My notes"))
    notebook.cells.insert(9, new_code_cell("print('hello')"))
    return notebook


def deleted(notebook, *names):
    gone = {cell_of(notebook, grade_id) for name in names for grade_id in (name, f"check_{name}")}
    notebook.cells = [cell for index, cell in enumerate(notebook.cells) if index not in gone]
    return notebook


def in_one_cell(notebook):
    """The cells for the answers deleted, and everything written into one."""
    everything = "\n\n".join(right().values())
    notebook = deleted(notebook, *NAMES)
    notebook.cells.append(new_code_cell(everything))
    return notebook


def without_setup(notebook):
    """The cells that install the package and import from it deleted."""
    for _ in range(2):
        first = next(index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code")
        assert "nbgrader" not in notebook.cells[first].metadata
        del notebook.cells[first]
    return notebook


def with_stub_below(notebook):
    """A copy of an empty answer further down, with the same id."""
    empty = release()
    notebook.cells.append({**empty.cells[cell_of(empty, "adam")], "id": "copied"})
    return nbformat.from_dict(notebook)


def wrong_ones() -> list[Student]:
    """Students with a mistake in every method: the n-th of them makes the n-th of each exercise."""
    students, known = [], answers_to().WRONG
    for number in range(MISTAKES):
        made = {name: list(known[name].items())[number] for name in NAMES if catalogue()[name].kind == "path"}
        written = {**right(), **{name: pasted(answer, name) for name, (_, answer) in made.items()}}
        scores = tuple(0 if name in made else 1 for name in NAMES)
        says = {name: mistake for name, (mistake, _) in made.items()}
        students.append(Student(f"mistake {number}", dump(fill(written)), scores=scores, says=says))
    return students


def other_kinds() -> str:
    """The first assignment with functions and values to be written."""
    kinds = {}
    for exercise in catalogue().values():
        kinds.setdefault(exercise.chapter, set()).add(exercise.kind)
    return next(chapter for chapter, found in kinds.items() if found >= {"function", "value"})


def small_class(assignment: str) -> list[Student]:
    """Who has everything right, who makes the first known mistake everywhere, and whose first function does not end."""
    exercises = [exercise for exercise in catalogue().values() if exercise.chapter == assignment]
    mistakes = {
        exercise.name: next(iter(answers_to(assignment).WRONG[exercise.name].items())) for exercise in exercises
    }
    wrong = {name: pasted(answer, name) for name, (_, answer) in mistakes.items()}
    endless = next(exercise.name for exercise in exercises if exercise.kind == "function")
    loop = {endless: f"def {endless}(*arguments):\n    while True:\n        pass"}

    def student(name: str, code: dict[str, str], scores: tuple | None, **more) -> Student:
        return Student(name, dump(fill(code, release(assignment))), scores=scores, **more)

    return [
        student("right", right(0, assignment), (1,) * len(exercises)),
        student("mistaken", wrong, None, says={name: mistake for name, (mistake, _) in mistakes.items()}),
        student(
            "loop",
            loop,
            tuple(None if exercise.name == endless else 0 for exercise in exercises),
            state="timed out",
            says={endless: "still running"},
        ),
    ]


LOOP = "def adam(gradient, start, learning_rate, b1, b2, eps, steps):\n    while True:\n        pass\n"
PROCESS_BOMB = """
import os, time
for _ in range(400):
    if os.fork() == 0:
        time.sleep(300)
        os._exit(0)
"""
MEMORY_BOMB = """
hoard = []
while True:
    hoard.append(bytearray(10**8))
"""
GIGABYTE = "for _ in range(1_000_000):\n    print('x' * 1000)"
NETWORK = """
import urllib.request
print(urllib.request.urlopen("http://192.0.2.1", timeout=5).read())
"""
READ_MASTER = """
import glob, json, os, re, sys
import optcourse
root = os.path.dirname(os.path.dirname(optcourse.__file__))
found = glob.glob(root + "/exercises/**/*", recursive=True) + glob.glob(root + "/book/**/*", recursive=True)
found += [name for name in os.environ if "SEED" in name]
print("FOUND", found)
for path in found:
    if path.endswith(".ipynb"):
        for cell in json.load(open(path))["cells"]:
            exec("".join(cell["source"]))
"""
REPLACES_ALLCLOSE = """
import numpy as np
import jax.numpy as jnp
import optax
np.allclose = np.array_equal = np.isclose = np.all = lambda *a, **k: True
jnp.allclose = np.testing.assert_allclose = lambda *a, **k: True
optax.apply_updates = optax.adam = optax.sgd = lambda *a, **k: 0
"""
REPLACES_CHECK = """
import optcourse.exercises as exercises
from optcourse.exercises import answers, catalogue, remote, verdict
good = verdict.Verdict("adam", "passed", "", 1.0)
check = exercises.check = catalogue.check = lambda *a, **k: good
verdict.not_yet = lambda *a, **k: good
answers.ask = lambda *a, **k: {"kind": "passed", "score": 1.0, "status": "passed"}
remote.ask_all = lambda *a: '[{"kind": "passed", "score": 1, "passed": true}]'
"""
FORGES = """
import glob, json, os
for name in ("gradient_descent", "heavy_ball", "nesterov", "rmsprop", "adam", "which_path"):
    forged = {"exercise": name, "score": 1.0, "status": "passed", "answers": [{"kind": "numbers"}] * 4}
    line = json.dumps(forged) + chr(10)
    print(line)
    for path in ["/dev/stdout", "/dev/stderr", *glob.glob(f"/proc/{os.getppid()}/fd/*"), *glob.glob("/proc/1/fd/*")]:
        try:
            with open(path, "w") as file:
                file.write(line)
        except OSError as error:
            print(error)
print("✓ adam: passed. 1.0")
"""
EVADES = """
import os, subprocess
try:
    hoard = os.memfd_create("hoard")
except OSError as error:
    print("REFUSED", error)
print("REFUSED", subprocess.run(["unshare", "--user", "--mount", "true"]).returncode)
try:
    open("/hoard", "w")
except OSError as error:
    print("REFUSED", error)
"""
BREAKS_THE_PROTOCOL = """
kernel = get_ipython().kernel
kernel.session.send(kernel.iopub_socket, "stream", {"name": "stdout"}, parent=kernel.get_parent())
"""
NOTHING = (0, 0, 0, 0, 0, 0)
ALL = (1, 1, 1, 1, 1, 1)


def students() -> list[Student]:
    """The whole class."""
    unreadable = {"state": "unreadable", "scores": None}
    limited = {"scores": (None,) * 6}
    other = nbformat.v4.new_notebook(cells=[new_markdown_cell("# Week 3"), new_code_cell("def adam(x):\n    return x")])
    other_chapter = fill(right())
    other_chapter.metadata["optcourse"]["assignment"] = "schedulers"
    half = dump(fill(right()))
    return [
        Student("right", dump(fill(right()))),
        *[Student(f"right differently {n}", dump(fill(right(n)))) for n in (1, 2, 3)],
        *wrong_ones(),
        Student("as released", dump(release()), scores=NOTHING, says={"adam": "nothing yet"}),
        Student("empty file", b"", **unreadable),
        Student("no cells", dump(nbformat.v4.new_notebook()), state="wrong notebook", scores=None),
        Student(
            "syntax error",
            dump(fill({**right(), "adam": "def adam(gradient, start:\n    return start"})),
            scores=(1, 1, 1, 1, 0, 1),
            says={"adam": "SyntaxError"},
        ),
        Student(
            "exception at import",
            dump(with_cell("import a_package_that_nobody_has", first=True, code={})),
            scores=NOTHING,
        ),
        Student(
            "exception in the function",
            dump(fill({**right(), "adam": "def adam(*settings):\n    return settings[99]"})),
            scores=(1, 1, 1, 1, 0, 1),
            says={"adam": "IndexError"},
        ),
        Student("loop in a cell", dump(with_cell("while True: pass", first=True)), says={"": "still running"}),
        Student(
            "loop in the answer's cell",
            dump(fill({**right(), "adam": "while True:\n    pass\n\n" + right()["adam"]})),
            state="timed out",
            scores=(1, 1, 1, 1, None, 1),
        ),
        Student(
            "loop in the function",
            dump(fill({**right(), "adam": LOOP})),
            state="timed out",
            scores=(1, 1, 1, 1, None, 1),
            says={"adam": "still running"},
        ),
        Student("memory bomb", dump(with_cell(MEMORY_BOMB, first=True)), state="out of memory", **limited),
        Student("process bomb", dump(with_cell(PROCESS_BOMB))),
        Student("gigabyte", dump(with_cell(GIGABYTE)), says={"": "printed too much"}),
        Student(
            "gigabyte in the answer's cell",
            dump(fill({**right(), "adam": GIGABYTE + "\n" + right()["adam"]})),
            state="too much output",
            scores=(1, 1, 1, 1, None, 1),
        ),
        Student(
            "kernel killed",
            dump(with_cell("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")),
            state="kernel died",
            **limited,
        ),
        Student(
            "runner killed",
            dump(with_cell("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)")),
            state="kernel died",
            **limited,
        ),
        Student("network", dump(with_cell(NETWORK)), says={}),
        Student("reads the master", dump(with_cell(READ_MASTER, code={})), scores=NOTHING),
        Student(
            "replaces allclose",
            dump(with_cell(REPLACES_ALLCLOSE, code={"adam": "def adam(*a):\n    return []"})),
            scores=NOTHING,
        ),
        Student("replaces the check", dump(with_cell(REPLACES_CHECK, code={})), scores=NOTHING),
        Student("forges results", dump(with_cell(FORGES, code={})), scores=NOTHING),
        Student("metadata stripped", dump(without_metadata(fill(right())))),
        Student("from Colab", dump(from_colab(fill(right()))), file="from Colab/Copy of exercises (1).ipynb"),
        Student("shuffled", dump(shuffled(fill(right())))),
        Student("cells deleted", dump(deleted(fill(right()), "adam", "rmsprop")), scores=(1, 1, 1, 0, 0, 1)),
        Student("in one cell", dump(in_one_cell(release()))),
        Student("setup deleted", dump(without_setup(fill(right())))),
        Student("stub below", dump(with_stub_below(fill(right())))),
        Student("half a character", dump(with_cell("print('HALF')")).replace(b"HALF", b"\\ud800")),
        Student("evades limits", dump(with_cell(EVADES))),
        Student("breaks the protocol", dump(with_cell(BREAKS_THE_PROTOCOL)), state="kernel died", **limited),
        Student("not JSON", b"%PDF-1.7 this is not a notebook", **unreadable),
        Student("cut off", half[: len(half) // 2], **unreadable),
        Student("a picture", b"\x89PNG", file="a picture/notebook.png", **unreadable),
        Student("another course", dump(other), state="wrong notebook", scores=None),
        Student("another chapter", dump(other_chapter), state="wrong notebook", scores=None),
    ]


def hand_in(folder: Path, class_: list[Student]) -> Path:
    """Put what the students hand in into a folder."""
    for student in class_:
        path = folder / (student.file or f"{student.name}.ipynb")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(student.content)
    return folder
