"""What is wrong with an answer that no known mistake makes: its form, or how its numbers differ from the right ones."""

import numpy as np

from optcourse.exercises.same_answer import (
    HALF,
    Numbers,
    Tolerance,
    leaf_same,
    leaves,
    listed,
    problem_of_form,
    spelled,
)
from optcourse.suggestions import did_you_mean

SHOWN = 3  # entries of a list in a message
ANOTHER = "another mistake"


def describe(call: str, mine, right, tolerance: Tolerance, words: tuple[str, ...]) -> tuple[str, str]:
    """The mistake and the message for a wrong answer to one call, without the right answer."""
    if problem := problem_of_form(mine, right):
        known = f" The words are {listed(map(repr, words))}." if words else ""
        return problem[0], f"For `{call}`, {problem[1]}.{known}"
    label, mine, right = next(leaf for leaf in leaves(mine, right) if not leaf_same(*leaf[1:], tolerance))
    what = f"In the answer to `{call}`, `answer{label}` is" if label else f"`{call}` returns"
    if isinstance(right, bool):
        return ANOTHER, f"{what} {mine}, which is wrong."
    if isinstance(right, str):
        return unknown_word(what, mine, words) or (ANOTHER, f"{what} {mine[:40]!r}, which is wrong.")
    if mine.dtype in HALF:
        return "computes in half precision", f"{what} {mine.dtype}, too coarse to compare. Compute in float64."
    if right.is_truth:
        wrong = np.flatnonzero(mine.values != right.values)
        return (
            ANOTHER,
            f"{what} wrong in {len(wrong)} of {mine.values.size} places, first in place {place(mine, wrong)}.",
        )
    if np.dtype(mine.dtype).kind in "iu" and right.values.ndim and tolerance.holds(mine.values, np.trunc(right.values)):
        message = (
            f"For `{call}`, your numbers are whole ({mine.dtype}): what follows the decimal point is lost. An array "
            "made of integers cuts off what is written into it; make it with `dtype=float`."
        )
        return "whole numbers only", message
    if right.values.ndim:
        return of_array(what, mine, right, tolerance)
    one, wanted = float(mine.values), float(right.values)
    if np.isnan(one) and not np.isnan(wanted):
        return "returns nan", f"{what} nan, which is no number: 0/0, the root or the logarithm of something negative?"
    return ANOTHER, f"{what} {one:.4g}. {relation(one, wanted)}"


def unknown_word(what: str, word: str, words: tuple[str, ...]) -> tuple[str, str] | None:
    if not words or spelled(word) in map(spelled, words):
        return None
    known = ", ".join(map(repr, words))
    return (
        "unknown word",
        f"{what} {word[:40]!r}, which is none of the words.{did_you_mean(word, words)} There are: {known}.",
    )


def of_array(what: str, mine: Numbers, right: Numbers, tolerance: Tolerance) -> tuple[str, str]:
    """How an array differs: a law for all of it, or else the first wrong entry."""
    values, wanted = mine.values, right.values
    good = tolerance.entries(values, wanted)
    wrong = np.flatnonzero(~good)
    lost = wrong[np.isnan(values.ravel()[wrong])]
    if len(lost):
        message = f"{what} nan in place {place(mine, lost)}: 0/0, the root or the logarithm of something negative?"
        return "returns nan", message
    for told, other in (("has the opposite sign", -values), ("is in the opposite order", values[::-1])):
        if tolerance.holds(other, wanted):
            return ANOTHER, f"{what} right but for one thing: all of it {told}."
    nonzero = np.abs(wanted) > 1e-3 * np.abs(wanted).max(initial=0)
    factors = values[nonzero] / wanted[nonzero]
    if (
        factors.size > 1
        and np.ptp(factors) <= 1e-3 * np.abs(factors[0])
        and tolerance.holds(values / factors[0], wanted)
    ):
        return ANOTHER, f"{what} {factors[0]:.4g} times what it should be, in every place."
    at, count = (
        place(mine, wrong),
        f"{good.sum()} of {good.size} entries are right" if good.any() else "No entry is right",
    )
    entry = relation(float(values.ravel()[wrong[0]]), float(wanted.ravel()[wrong[0]]))
    return ANOTHER, f"{what} wrong in place {at}: {values.ravel()[wrong[0]]:.4g}. {entry} {count}."


def place(array: Numbers, flat: np.ndarray) -> str:
    """The first of some places, as Python writes an index."""
    return str([int(i) for i in np.unravel_index(flat[0], array.values.shape)])


def relation(one: float, wanted: float) -> str:
    """How a wrong number is related to the right one, in words that do not give it away where it is simple."""
    if not np.isfinite(one) or not np.isfinite(wanted):
        return "It should be finite." if np.isfinite(wanted) else "It should not be finite here."
    if wanted == 0:
        return "It should be 0 here."
    ratio = one / wanted
    if abs(ratio + 1) < 1e-3:
        return "Its sign is wrong."
    if abs(ratio - 1) < 0.01:
        return (
            f"It differs from what it should be by {abs(ratio - 1):.2g} of it: rounding, or a number typed in by hand?"
        )
    if ratio == 0:
        return "It should not be 0 here."
    for told, value in (
        ("one over", 1 / wanted),
        ("the square of", wanted**2),
        ("the square root of", abs(wanted) ** 0.5),
    ):
        if abs(one - value) < 1e-4 * abs(value):
            return f"It is {told} what it should be."
    size = f"{abs(ratio):.3g} times as large as it should be"
    return f"Its sign is wrong, and its size is {size}." if ratio < 0 else f"It is {size}."


def counted(good: int, total: int) -> str:
    return f" {good} of {total} questions {'is' if good == 1 else 'are'} right." if good else ""


def call_in_words(name: str, arguments: dict) -> str:
    """ "limit(curvatures=[1, 2, 3, ... 20 in all], window=3)"."""
    return f"{name}({', '.join(f'{key}={in_words(value)}' for key, value in arguments.items())})"


def in_words(value) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {in_words(entry)}" for key, entry in value.items()) + "}"
    if not isinstance(value, list):
        return repr(value)
    shown = value if len(value) <= SHOWN + 2 else value[:SHOWN]
    more = f", ... {len(value)} in all" if len(value) > len(shown) else ""
    return f"[{', '.join(map(in_words, shown))}{more}]"
