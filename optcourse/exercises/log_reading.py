"""The kind of exercise that asks for a program which names the case behind a training log."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from optcourse.exercises.functions import function_exercise
from optcourse.exercises.mistake import Mistake


def log_exercise(name: str, chapter: str, *, right: Callable, cases: Sequence[str], make_log: Callable, mistakes):
    """An exercise whose answer takes the columns of a log, by name, and returns its case, one of `cases`.

    Args:
        right: the answer that is right.
        make_log: `make_log(case, rng)` draws a log, a dict of columns.
        mistakes: of the kind that `taken_for` makes.
    """

    def make_questions(rng: np.random.Generator) -> list[dict]:
        """Each case twice, in an order of chance."""
        return [make_log(cases[i % len(cases)], rng) for i in rng.permutation(2 * len(cases))]

    return function_exercise(
        name,
        chapter,
        make_questions=make_questions,
        right=right,
        mistakes=mistakes,
        words=cases,
        partial=True,
        advice="`make_log` draws as many logs of each case as you like: try your rule on them.",
    )


def taken_for(right: Callable, name: str, explanation: str, said: Mapping[str, str]) -> Mistake:
    """The mistake of taking some cases for others."""

    def answer(**columns):
        case = right(**columns)
        return said.get(case, case)

    return Mistake(name, explanation, answer)
