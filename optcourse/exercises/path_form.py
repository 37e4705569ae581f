"""What can be said about an answer before its numbers are compared: is there one, and is it a path?"""

import numpy as np

from optcourse.exercises import answers, attempts, verdict
from optcourse.exercises.same_path import same

WANTED = "an array of numbers: one row for the start and one for the point after each step."


def readable(answer) -> dict:
    """The answer, or "strange" in place of one that nothing honest could have sent: it comes from students' code."""
    try:
        if answer["kind"] != "numbers":
            return {**attempts.told(answer), "gradients": answer.get("gradients")}
        values, dtype = np.array(answer["values"], dtype=float), str(answer["dtype"])
        if dtype != "bfloat16":
            np.dtype(dtype)
        return {**answer, "values": values, "dtype": dtype}
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        return {"kind": "strange", "message": "", "gradients": 0}


def attempt(name: str, question: dict, answer: dict, *, first: bool) -> verdict.Verdict | None:
    """A verdict where there is no answer to compare: nothing was written, or the function failed."""
    kind = answer.get("kind")
    if kind == "numbers":
        return None
    if kind == "missing":
        return attempts.missing(name)
    if kind == "nothing" and answer["gradients"]:
        message = "Your function asks for gradients and then returns nothing: is its last line, `return ...`, missing?"
        return verdict.not_yet(name, message, mistake="the return is missing")
    if kind == "nothing":
        return verdict.not_attempted(name, "The function returns nothing yet.")
    if kind == "endless":
        message = (
            f"Your function asked for more than {answers.GRADIENTS_PER_STEP * question['steps']} gradients for "
            f"{question['steps']} steps. One for each step is enough: does your loop end after `steps` steps, and does "
            "it compute each point once?"
        )
        return verdict.not_yet(name, message, mistake="the loop does not end")
    if kind == "interrupted":
        return attempts.interrupted(name, " after `steps` steps")
    if kind == "error":
        return failed(name, question, answer, first)
    what = answer["message"] or "nothing that can be read"
    message = (
        f"Your answer is {what}. It should be a function that returns {WANTED}"
        if answer["gradients"] is None
        else f"Your function returns {what}. It should return {WANTED}"
    )
    return verdict.not_yet(name, message, mistake="does not return an array of points")


def failed(name: str, question: dict, answer: dict, first: bool) -> verdict.Verdict:
    """A verdict on an exception."""
    dim = len(question["start"])
    here = f"Here `start` has {dim} coordinate{'s' * (dim > 1)}; the questions before raised nothing."
    arguments = ["gradient", "start", *question["hyperparameters"], "steps"]
    mistake, message = attempts.failed(name, answer, arguments, "" if first else here)
    return verdict.not_yet(name, message, mistake=mistake)


def points_of(answer: dict, shape: tuple[int, int]) -> np.ndarray:
    """The array in an answer; a path in one dimension may be a plain list of numbers."""
    path = answer["values"]
    return path.reshape(shape) if np.squeeze(path).shape == np.squeeze(np.empty(shape)).shape else path


def form(name: str, path: np.ndarray, answer: dict, right: np.ndarray) -> verdict.Verdict | None:
    """A verdict where the numbers are not a path: rows missing or doubled, one point only, all rows the same."""
    found = half_precision(answer) or (other_shape if path.shape != right.shape else other_rows)(path, answer, right)
    return verdict.not_yet(name, found[1], mistake=found[0]) if found else None


def half_precision(answer: dict) -> tuple[str, str] | None:
    if answer["dtype"] in ("float16", "bfloat16"):
        message = f"Your points are in {answer['dtype']}, too coarse to compare. Compute in float32 or float64."
        return "computes in half precision", message
    return None


def other_shape(path, answer, right) -> tuple[str, str]:
    """The mistake, and what to say about it, where there are not as many numbers as there should be."""
    rows, dim = right.shape
    wanted = f"For {rows - 1} steps in {dim} dimension{'s' * (dim > 1)} the shape should be {right.shape}"
    if path.shape in {(dim,), (1, dim)} and rows > 2:
        return "returns one point only", f"You return one point, and should return all of them. {wanted}."
    if path.shape in {(dim, rows), (1, dim, rows)}:
        return "transposed", f"{wanted}: one row for each point. Yours is {path.shape}, the other way round."
    if path.shape == (rows * dim,):
        return "all numbers in one row", f"{wanted}: a row for each point. You return {path.size} numbers in one row."
    if path.shape == (2, dim) and rows > 2 and answer.get("gradients") == 1:
        message = (
            "You return two points after a single gradient: is `return` inside the loop? There it ends the function in "
            "the first step. Put it below the loop, as far to the left as `for`."
        )
        return "the return is inside the loop", message
    if same(path, right[1:]):
        return "the start is missing", "Every step is right, but the start is missing: it is the first row."
    if same(path, right[:-1]) and answer.get("gradients") == rows - 2:
        message = (
            "The last point is missing: your loop runs `steps - 1` times. `range(1, steps)`, for example, ends before "
            "`steps`; write `range(1, steps + 1)`."
        )
        return "the loop runs steps - 1 times", message
    if same(path, right[:-1]):
        return "the last point is missing", "The last point is missing: keep a point after each step too."
    if path.shape == (rows + 1, dim) and same(path[1:], right):
        return "the start is there twice", "Every step is right, but the start is in your list twice."
    if path.shape == (rows + 1, dim) and same(path[:-1], right):
        return "one step too many", f"Every step is right, but you take {rows} of them: `steps` was {rows - 1}."
    return "a wrong number of points", f"{wanted}, the start included. Yours is {path.shape or 'one number'}."


def other_rows(path, answer, right) -> tuple[str, str] | None:
    """The same where there are as many: are the first row and the last what they should be?"""
    if np.dtype(answer["dtype"]).kind in "iu":
        message = (
            f"Your points are whole numbers ({answer['dtype']}): what follows the decimal point is lost. An array "
            "made of integers cuts off what is written into it; make it with `dtype=float`."
        )
        return "whole numbers only", message
    if len(right) > 2 and (path[1:] == path[1]).all() and np.ptp(right[1:], axis=0).any():
        return one_point(path, answer, right)
    if same(path[1:], right[:-1]) and not same(path, right):
        message = (
            "Your first step goes nowhere, and every later one is right but comes one too late. Either the start is in "
            "your list twice, or a step uses the memory before the new gradient is in it."
        )
        return "a step late", message
    if same(path[:-1], right[:-1]) and not path[-1].any() and right[-1].any():
        message = "Everything is right but the last row, which is still 0: your loop ends one step early."
        return "the loop ends a step early", message
    if not same(path[:1], right[:1]) and answer.get("start_changed"):
        message = (
            "The first row is not the start any more: your function changes `start` in place, for example with `-=`, "
            "and the first row is that very array. Work on a copy, `start.copy()`."
        )
        return "the start is changed in place", message
    if not same(path[:1], right[:1]):
        return "the first row is not the start", "The first row should be the start itself, before any step."
    return None


def one_point(path, answer, right) -> tuple[str, str]:
    """The same where all rows, or all but the first, are one point."""
    if not answer.get("gradients"):
        return "all rows are the same point", "All rows are one point. Your function never asked for a gradient."
    if not path.any():
        message = "All rows are 0: was `path[0] = start` written, and not overwritten?"
        return "all rows are 0", message
    if same(path, np.broadcast_to(right[0], path.shape)):
        message = (
            "All rows are the start. Is it `start` that you append in the loop, where the new point should be? Or is "
            "the new point computed and not kept?"
        )
        return "all rows are the start", message
    if same(path[:2], right[:2]):
        message = (
            "Your first step is right, and all rows after it are the same point: each step sets out from `start` "
            "again. Set out from the newest point."
        )
        return "each step sets out from the start", message
    rows = "All rows" if (path[0] == path[1]).all() else "All rows after the first"
    message = (
        f"{rows} are the same point. If you append `params` to a list and then change it in place "
        "(`params -= ...`), the list holds one array many times. Append `params.copy()`, or write "
        "`params = params - ...`."
    )
    return "all rows are the same point", message
