"""Polyak-Ruppert averaging of a tail: running means of the points after the first ones."""

import numpy as np

from optcourse.exercises.functions import function_exercise
from optcourse.exercises.mistake import Mistake


def counts(tail) -> np.ndarray:
    return np.arange(1, len(tail) + 1)[:, None]


def tail_averages(points, burn_in) -> np.ndarray:
    tail = points[burn_in:]
    return np.cumsum(tail, axis=0) / counts(tail)


def beginning_included(points, burn_in):
    return (np.cumsum(points, axis=0) / counts(points))[burn_in:]


def counted_from_the_start(points, burn_in):
    tail = points[burn_in:]
    return np.cumsum(tail, axis=0) / (counts(tail) + burn_in)


def halved(points, burn_in):
    means = [points[burn_in]]
    for point in points[burn_in + 1 :]:
        means.append((means[-1] + point) / 2)
    return np.array(means)


def not_divided(points, burn_in):
    return np.cumsum(points[burn_in:], axis=0)


def one_too_many(points, burn_in):
    tail = points[burn_in:]
    return np.cumsum(tail, axis=0) / (counts(tail) + 1)


def newest_left_out(points, burn_in):
    means = tail_averages(points, burn_in)
    return np.concatenate([means[:1], means[:-1]])


def mean_of_means(points, burn_in):
    means = tail_averages(points, burn_in)
    return tail_averages(means, 0)


def make_questions(rng: np.random.Generator) -> list[dict]:
    """Paths that come in from far away and stay noisy."""
    questions = []
    for steps, dim, burn_in in ((7, 2, 3), (6, 1, 2), (9, 3, 4), (5, 2, 0)):
        far = rng.uniform(5, 9, size=dim) * 0.5 ** np.arange(steps)[:, None]
        points = far + rng.normal(size=(steps, dim)) + 3
        questions.append({"points": points.round(3), "burn_in": burn_in})
    return questions


MISTAKES = (
    Mistake(
        "the beginning is averaged too",
        "Your means have the right places, but the points before `burn_in` are in them. Cut the path first, then "
        "average: what was left out has to stay out.",
        beginning_included,
    ),
    Mistake(
        "counts the points that were left out",
        "You add up the right points and divide by the number of all points since the start. Divide by how many you "
        "have added up.",
        counted_from_the_start,
    ),
    Mistake(
        "the newest point has half the weight",
        "Each of your means is halfway between the mean before it and the new point. That remembers two or three "
        "points. In a mean of i + 1 points, the new one has the weight 1 / (i + 1).",
        halved,
    ),
    Mistake(
        "sums, not means",
        "Your numbers grow: they are sums. Divide each by how many points are in it.",
        not_divided,
    ),
    Mistake(
        "divides by one too many",
        "You divide by one too many: already your first mean, that of a single point, is half of it. A running mean "
        "that begins at zero must not count the zero.",
        one_too_many,
    ),
    Mistake(
        "the newest point is left out",
        "Each of your means lacks its newest point: entry i is the mean of `points[burn_in]` to "
        "`points[burn_in + i]`, that one included.",
        newest_left_out,
    ),
    Mistake(
        "means of means",
        "You average the averages: each mean should be that of the points, not of the means before.",
        mean_of_means,
    ),
)

TAIL_AVERAGES = function_exercise(
    "tail_averages",
    "convergence",
    make_questions=make_questions,
    right=tail_averages,
    mistakes=MISTAKES,
    advice="The first mean is `points[burn_in]` itself; the last is the mean of all points from there on.",
)
