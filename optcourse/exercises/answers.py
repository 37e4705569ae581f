"""Put questions to a student's code and keep what it answers as plain data, whatever it does."""

import functools
import inspect
import itertools
import os
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from optcourse import surfaces
from optcourse.exercises.plain import kind_of, plain
from optcourse.suggestions import ELSEWHERE

# A method of this course needs one gradient a step; a loop that never ends asks for more and more.
GRADIENTS_PER_STEP = 20
MOST_POINTS = 10_000  # that are taken from a generator, which may never end
SYNONYMS = ELSEWHERE | {"beta_1": "b1", "beta_2": "b2", "n_steps": "steps", "num_steps": "steps", "grad": "gradient"}
PACKAGE = Path(surfaces.__file__).parents[1]
NOT_STUDENTS = (f"{PACKAGE}{os.sep}", f"{sysconfig.get_path('stdlib')}{os.sep}")


class TooManyGradients(BaseException):
    """Ends a loop that does not end by itself; not an Exception, which such a loop may catch."""


def ask(answer, question: dict) -> dict:
    """The answer to one question, as a dict that JSON can hold. Never raises.

    A question with a `surface` is put to a function, `answer(gradient, start, ...)`, which returns the points that it
    visits. Any other question is put to a value, which is the answer itself.

    `kind` says what the rest of the dict is: "numbers" (`values` nested lists, `dtype`), "value" (`value`), "nothing",
    "error" (`error`, `message`, `line`), "endless", "interrupted", "strange" (`message`). A grader adds kinds of its
    own where a question could not be put: "missing" for a name that the notebook does not define.
    """
    surface = surface_of(question) if "surface" in question else None
    try:
        return plain(answer) if surface is None else follow(answer, surface, question)
    except TooManyGradients:
        return {"kind": "endless"}
    except KeyboardInterrupt:
        return {"kind": "interrupted"}
    except BaseException as error:  # whatever a student raises, SystemExit included
        return failure(error)


def ask_all(answer, questions: list[dict]) -> list[dict]:
    """The answers to all questions; whoever interrupts one of them is not asked the others."""
    given = []
    for question in questions:
        stopped = given and given[-1]["kind"] == "interrupted"
        given.append({"kind": "interrupted"} if stopped else ask(answer, question))
    return given


def pick(exercise, values: dict):
    """What an exercise asks for, out of a notebook's variables: one of them, or a dict where it needs several."""
    if exercise.needs:
        return {name: values.get(name) for name in (exercise.name, *exercise.needs)}
    return values.get(exercise.name)


def follow(function, surface, question: dict) -> dict:
    """The points that a function returns, with the number of gradients it asked for."""
    if not callable(function):
        nothing = function is None or function is ...
        return {"kind": "nothing"} if nothing else {"kind": "strange", "message": kind_of(function)}
    start, calls = np.array(question["start"], dtype=float), 0

    def gradient(params):
        nonlocal calls
        calls += 1
        if calls > GRADIENTS_PER_STEP * question["steps"]:
            raise TooManyGradients
        value = surface.gradient(in_floats(params))
        return np.array(value) if isinstance(value, np.ndarray) else value  # a copy, which may be changed in place

    returned = call(function, gradient, start, {**question["hyperparameters"], "steps": question["steps"]})
    if isinstance(returned, Iterator):
        returned = list(itertools.islice(returned, MOST_POINTS))
    return {**plain(returned), "gradients": calls, "start_changed": not np.array_equal(start, question["start"])}


def in_floats(params):
    """The same point in double precision where NumPy's dtype is none that gradients are computed in."""
    odd = isinstance(params, np.ndarray | np.generic) and (params.dtype.kind in "iu" or params.dtype == np.longdouble)
    return params.astype(float) if odd else params


def call(function, gradient, start, settings: dict):
    """Call with everything by name, by other usual names, or in order where the function has names of its own."""
    arguments = {"gradient": gradient, "start": start, **settings}
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a builtin without a signature
        return function(gradient, start, **settings)
    usual = {name: name if name in arguments else SYNONYMS.get(name, name) for name in signature.parameters}
    if sorted(usual.values()) == sorted(arguments):
        arguments = {name: arguments[meant] for name, meant in usual.items()}
    for positional, by_name in (((), arguments), ((gradient, start), settings)):
        try:
            signature.bind(*positional, **by_name)
        except TypeError:
            continue
        return function(*positional, **by_name)
    return function(*arguments.values())


def surface_of(question: dict):
    """The surface that a question is about."""
    return surfaces.get(question["surface"])(**question["arguments"])


def failure(error: BaseException) -> dict:
    """An exception as data, with the last line of the student's own code; empty where that is not known."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if is_students(frame.filename)]
    if isinstance(error, NotImplementedError) and own and own[-1] is frames[-1]:
        return {"kind": "nothing"}
    line = own[-1].line if own else ""
    return {"kind": "error", "error": type(error).__name__, "message": short(error), "line": (line or "")[:200]}


@functools.cache
def is_students(filename: str) -> bool:
    return "site-packages" not in filename and "dist-packages" not in filename and not filename.startswith(NOT_STUDENTS)


def short(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split())
    except BaseException:
        return ""
    return text if len(text) <= 200 else text[:200] + "..."
