"""From eigenvalues to gradient descent's best learning rate 2 / (L + m) and its rate (L - m) / (L + m)."""

import numpy as np

from optcourse.exercises.functions import function_exercise
from optcourse.exercises.mistake import Mistake


def best_rate(eigenvalues) -> tuple[float, float]:
    smallest, largest = min(eigenvalues), max(eigenvalues)
    return 2 / (largest + smallest), (largest - smallest) / (largest + smallest)


def from_ends(eigenvalues):
    first, last = eigenvalues[0], eigenvalues[-1]
    return 2 / (last + first), (last - first) / (last + first)


def at_the_limit(eigenvalues):
    return 2 / max(eigenvalues), best_rate(eigenvalues)[1]


def one_over_largest(eigenvalues):
    return 1 / max(eigenvalues), 1 - min(eigenvalues) / max(eigenvalues)


def one_over_mean(eigenvalues):
    rate = 1 / np.mean(eigenvalues)
    return rate, np.max(np.abs(1 - rate * np.asarray(eigenvalues)))


def with_roots(eigenvalues):
    return best_rate(eigenvalues)[0], best_rate(np.sqrt(eigenvalues))[1]


def negative(eigenvalues):
    rate, factor = best_rate(eigenvalues)
    return rate, -factor


def exchanged(eigenvalues):
    return best_rate(eigenvalues)[::-1]


def make_questions(rng: np.random.Generator) -> list[dict]:
    """Eigenvalues in no order: the extreme ones stand inside."""
    questions = []
    for size in (3, 4, 6, 9):
        smallest, largest = rng.uniform(0.2, 2), rng.uniform(20, 90)
        between = rng.uniform(3, 15, size=size - 2)
        inner = rng.permutation([smallest, largest, *between[2:]])
        questions.append({"eigenvalues": [between[0], *inner, *between[1:2]]})
    return questions


def advice(arguments: dict, answer) -> str:
    if np.shape(answer) != (2,) or not np.isfinite(answer).all():
        return "At the best learning rate the flattest and the steepest direction shrink equally fast."
    factors = np.abs(1 - answer[0] * np.array(arguments["eigenvalues"]))
    if np.isclose(answer[0], best_rate(arguments["eigenvalues"])[0]):
        return "Your learning rate is right. The rate is the factor of the slowest direction at it, without its sign."
    return (
        f"With your learning rate the slowest direction has the factor {factors.max():.4g} per step. At the best "
        "learning rate the flattest and the steepest direction have the same factor, but for its sign."
    )


MISTAKES = (
    Mistake(
        "takes the first and the last eigenvalue",
        "You take the first and the last eigenvalue, which are the extreme ones only in a sorted list. These lists are "
        "in no order: use `min` and `max`.",
        from_ends,
    ),
    Mistake(
        "the limit in place of the best",
        "Your learning rate is 2/L. That is the limit: there the steep direction has the factor -1 and never shrinks. "
        "The best one is a little below, where the flat direction is as slow as the steep one.",
        at_the_limit,
    ),
    Mistake(
        "one over the largest",
        "Your learning rate is 1/L, with its right rate. It finishes the steepest direction in one step and leaves the "
        "flattest one slow. Almost twice as much is better, until the steep direction becomes just as slow.",
        one_over_largest,
    ),
    Mistake(
        "one over the mean",
        "Your learning rate is one over the mean of all eigenvalues. Those between the extreme ones have no say: only "
        "the flattest and the steepest direction can be the slowest.",
        one_over_mean,
    ),
    Mistake(
        "the rate of heavy ball",
        "Your learning rate is right. Your rate has roots of the eigenvalues in it, as that of heavy ball. Gradient "
        "descent has the condition number itself.",
        with_roots,
    ),
    Mistake(
        "negative rate",
        "Your rate is negative. The factor of the steep direction is, since it jumps across the minimum; the rate is "
        "its absolute value.",
        negative,
    ),
    Mistake(
        "the two answers exchanged",
        "Your two numbers are right, and in the other order. Return the learning rate first, then the rate.",
        exchanged,
    ),
)

BEST_RATE = function_exercise(
    "best_rate",
    "convergence",
    make_questions=make_questions,
    right=best_rate,
    mistakes=MISTAKES,
    advice=advice,
)
