"""Answers that are numbers, truth values, words, or several of these: what form they have, and when two are equal."""

from dataclasses import dataclass

import numpy as np

from optcourse.exercises.plain import in_parts

HALF = ("float16", "bfloat16")


@dataclass(frozen=True)
class Tolerance:
    """How far a number may be from the right one: a share of it, and of the largest beside it in the same array."""

    relative: float
    absolute: float

    def holds(self, number, right) -> bool:
        """Whether two arrays of one shape are equal up to rounding."""
        if np.shape(number) != np.shape(right):
            return False
        return bool(self.entries(np.asarray(number), np.asarray(right)).all())

    def entries(self, number: np.ndarray, right: np.ndarray) -> np.ndarray:
        """The same for each entry."""
        with np.errstate(all="ignore"):
            sizes = np.abs(right)
            largest = np.where(np.isfinite(sizes), sizes, 0).max(initial=0.0)
            close = np.abs(number - right) <= self.relative * (sizes + 0.01 * largest) + self.absolute
        finite = np.isfinite(number) & np.isfinite(right)
        return (close & finite) | (number == right) | (np.isnan(number) & np.isnan(right))


@dataclass(frozen=True, eq=False)
class Numbers:
    """A number or an array of them; `dtype` is what it was where it was computed."""

    values: np.ndarray
    dtype: str = "float64"

    @property
    def is_truth(self) -> bool:
        return self.dtype == "bool"


def read(data) -> object:
    """What an answer (see `answers.ask`) holds: Numbers, a truth value, text, or a list or a dict of these.

    Raises:
        ValueError: for everything else, also for what nothing honest could have sent.
    """
    try:
        if data["kind"] == "numbers":
            dtype = str(data["dtype"])
            if dtype != "bfloat16":
                np.dtype(dtype)
            return Numbers(np.array(data["values"], dtype=float), dtype)
        if data["kind"] == "value" and isinstance(data["value"], bool | str):
            return data["value"]
        if data["kind"] == "parts" and isinstance(data["parts"], dict):
            return {str(key): read(entry) for key, entry in data["parts"].items()}
        if data["kind"] == "parts":
            return [read(entry) for entry in list(data["parts"])]
    except (AttributeError, KeyError, OverflowError, TypeError, RecursionError) as error:
        raise ValueError("this cannot be read") from error
    raise ValueError("this is no answer")


def unreadable(data) -> str:
    """What stands in the way of reading an answer, in words: what kind of thing it was, or one of its parts."""
    if isinstance(data, dict) and isinstance(data.get("parts"), dict | list):
        parts = data["parts"].values() if isinstance(data["parts"], dict) else data["parts"]
        return next(filter(None, map(unreadable, parts)), "")
    if isinstance(data, dict) and data.get("kind") in ("nothing", "strange"):
        return "None" if data["kind"] == "nothing" else str(data.get("message"))[:300]
    return ""


def as_read(value) -> object:
    """A value of ours in the form in which answers are read; a tuple stays a list of its parts."""
    if isinstance(value, tuple):
        return [as_read(entry) for entry in value]
    if isinstance(value, dict):
        return {str(key): as_read(entry) for key, entry in value.items()}
    return read(in_parts(value))


def same(one, other, tolerance: Tolerance) -> bool:
    """Whether two answers are equal up to rounding, whatever their form."""
    return problem_of_form(one, other) is None and all(
        leaf_same(mine, right, tolerance) for _, mine, right in leaves(one, other)
    )


def leaf_same(mine, right, tolerance: Tolerance) -> bool:
    if isinstance(right, Numbers):
        return tolerance.holds(mine.values, right.values)
    return spelled(mine) == spelled(right) if isinstance(right, str) else mine == right


def spelled(word: str) -> str:
    """A word without what does not matter in it: capitals, spaces, hyphens."""
    return " ".join(word.lower().replace("-", " ").replace("_", " ").split())


def leaves(mine, right, label: str = "") -> list[tuple[str, object, object]]:
    """What stands in the same place of two answers of one form: a label in words, mine and the right one."""
    mine = taken_apart(mine, right)
    if isinstance(right, dict):
        found = [leaves(mine[key], entry, f"{label}[{key!r}]") for key, entry in right.items()]
    elif isinstance(right, list):
        found = [leaves(entry, wanted, f"{label}[{i}]") for i, (entry, wanted) in enumerate(zip(mine, right))]  # noqa: B905
    else:
        return [(label, mine, right)]
    return [leaf for several in found for leaf in several]


def taken_apart(mine, right):
    """An array as a list of its rows, where several things are wanted; an array of one number as that number."""
    if isinstance(right, Numbers) and not right.values.ndim and isinstance(mine, Numbers) and mine.values.size == 1:
        return Numbers(mine.values.reshape(()), mine.dtype)
    if isinstance(right, list) and isinstance(mine, Numbers) and mine.values.ndim:
        entries = [Numbers(row, mine.dtype) for row in mine.values]
        return [bool(entry.values) if mine.is_truth and not entry.values.ndim else entry for entry in entries]
    return mine


def problem_of_form(mine, right, label: str = "") -> tuple[str, str] | None:
    """What is wrong with the form of an answer, a name for it and a message; None where it is that of the right one."""
    mine, at = taken_apart(mine, right), f"`answer{label}`" if label else "the answer"
    if isinstance(right, dict) and isinstance(mine, dict) and set(mine) != set(right):
        missing, unknown = (
            listed(map(repr, sorted(keys))) for keys in (set(right) - set(mine), set(mine) - set(right))
        )
        told = [f"lacks {missing}" if missing else "", f"has {unknown}, which nobody asked for" if unknown else ""]
        return "other parts than those asked for", f"{at} {' and '.join(filter(None, told))}"
    pairs = []
    if isinstance(right, dict) and isinstance(mine, dict):
        pairs = [(mine[key], entry, f"{label}[{key!r}]") for key, entry in right.items()]
    elif isinstance(right, list) and isinstance(mine, list) and len(mine) == len(right):
        pairs = [(*pair, f"{label}[{i}]") for i, pair in enumerate(zip(mine, right, strict=True))]
    elif form_of(mine) != form_of(right):
        return wrong_form(mine, right), f"{at} should be {form_in_words(right)}, and is {form_in_words(mine)}"
    return next(filter(None, (problem_of_form(*pair) for pair in pairs)), None)


def wrong_form(mine, right) -> str:
    """A name for an answer of a wrong form, the same for everybody."""
    if isinstance(mine, Numbers) and isinstance(right, Numbers) and mine.is_truth == right.is_truth:
        return "a wrong shape"
    return "a wrong number of values" if form_of(mine)[0] == form_of(right)[0] == "list" else "a wrong type"


def form_of(answer) -> tuple:
    if isinstance(answer, Numbers):
        return ("numbers", answer.is_truth, answer.values.shape)
    return (type(answer).__name__, len(answer) if isinstance(answer, list) else 0)


def form_in_words(answer) -> str:
    """ "a number", "an array of shape (3,)", "a dict with 'a' and 'b'"."""
    if isinstance(answer, Numbers) and not answer.values.ndim:
        return "a number"
    if isinstance(answer, Numbers):
        return f"an array of {'truth values' if answer.is_truth else 'numbers'} of shape {answer.values.shape}"
    if isinstance(answer, bool):
        return "True or False"
    if isinstance(answer, str):
        return "text"
    if isinstance(answer, dict):
        return f"a dict with {listed(map(repr, answer))}" if answer else "an empty dict"
    kinds = [form_in_words(entry) for entry in answer]
    if len(set(kinds)) == 1 and len(kinds) > 1:
        return f"{len(kinds)} values, each of them {kinds[0]}"
    return (
        f"{len(kinds)} value{'s' * (len(kinds) != 1)} ({listed(kinds)})" if len(kinds) < 6 else f"{len(kinds)} values"
    )


def as_value(answer):
    """An answer as plain Python and NumPy."""
    if isinstance(answer, Numbers):
        return answer.values if answer.values.ndim else float(answer.values)
    if isinstance(answer, dict):
        return {key: as_value(entry) for key, entry in answer.items()}
    return [as_value(entry) for entry in answer] if isinstance(answer, list) else answer


def listed(words) -> str:
    """ "a, b and c"."""
    *first, last = [*words] or [""]
    return f"{', '.join(first)} and {last}" if first else last
