"""Put questions to a student's code and keep what it answers as plain data, whatever it does."""

import copy
import dis
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
from optcourse.exercises.plain import in_parts, kind_of, plain
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
    visits. One with `call`, the arguments by name, is put to any other function. Every other question is put to a
    value, which is the answer itself.

    `kind` says what the rest of the dict is: "numbers" (`values` nested lists, `dtype`), "value" (`value`), "parts"
    (`parts`, a list or a dict of such dicts), "nothing", "error" (`error`, `message`, `line`), "endless",
    "interrupted", "strange" (`message`). A grader adds kinds of its own where a question could not be put: "missing"
    for a name that the notebook does not define.
    """
    try:
        if "surface" in question:
            return follow(answer, surface_of(question), question)
        return call_with(answer, question["call"]) if "call" in question else plain(answer)
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
        return no_function(function)
    start, calls = np.array(question["start"], dtype=float), 0

    def gradient(params):
        nonlocal calls
        calls += 1
        if calls > GRADIENTS_PER_STEP * question["steps"]:
            raise TooManyGradients
        value = surface.gradient(in_floats(params))
        return np.array(value) if isinstance(value, np.ndarray) else value  # a copy, which may be changed in place

    settings = {**question["hyperparameters"], "steps": question["steps"]}
    returned = some_of(call(function, {"gradient": gradient, "start": start, **settings}))
    return {**plain(returned), "gradients": calls, "start_changed": not np.array_equal(start, question["start"])}


def in_floats(params):
    """The same point in double precision where NumPy's dtype is none that gradients are computed in."""
    odd = isinstance(params, np.ndarray | np.generic) and (params.dtype.kind in "iu" or params.dtype == np.longdouble)
    return params.astype(float) if odd else params


def call_with(function, written: dict) -> dict:
    """What a function returns for arguments as a question writes them, and which of them it changed.

    `empty` says of a function that returned nothing whether nothing is written in it.
    """
    if not callable(function):
        return no_function(function)
    arguments = as_arguments(written)
    before = copy.deepcopy(arguments)
    returned = some_of(call(function, arguments))
    changed = [name for name, value in arguments.items() if str(in_parts(value)) != str(in_parts(before[name]))]
    return {**in_parts(returned), "called": True, "changed": changed, "empty": returned is None and is_empty(function)}


def as_arguments(written: dict) -> dict:
    """Fresh arguments: a list of numbers becomes an array of floats."""
    return {name: as_argument(value) for name, value in written.items()}


def as_argument(value):
    if isinstance(value, dict):
        return as_arguments(value)
    if not isinstance(value, list):
        return value
    array = np.array(value)
    if array.dtype.kind in "US":
        return list(value)
    return array if array.dtype.kind == "b" else array.astype(float)


def no_function(value) -> dict:
    nothing = value is None or value is ...
    return {"kind": "nothing"} if nothing else {"kind": "strange", "message": kind_of(value)}


def some_of(returned):
    """The first of what a generator yields; anything else as it is."""
    return list(itertools.islice(returned, MOST_POINTS)) if isinstance(returned, Iterator) else returned


def is_empty(function) -> bool:
    """Whether nothing is written in a function but comments and its docstring; True where that cannot be seen."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    does_nothing = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}
    return code is None or {instruction.opname for instruction in dis.get_instructions(code)} <= does_nothing


def call(function, arguments: dict):
    """Call with everything by name, by other usual names, or in order where the function has names of its own."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a builtin without a signature
        return function(*arguments.values())
    usual = {name: name if name in arguments else SYNONYMS.get(name, name) for name in signature.parameters}
    if sorted(usual.values()) == sorted(arguments):
        arguments = {name: arguments[meant] for name, meant in usual.items()}
    names = list(arguments)
    for first in range(len(names)):  # as few as possible by place
        in_order = [arguments[name] for name in names[:first]]
        by_name = {name: arguments[name] for name in names[first:]}
        try:
            signature.bind(*in_order, **by_name)
        except TypeError:
            continue
        return function(*in_order, **by_name)
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
