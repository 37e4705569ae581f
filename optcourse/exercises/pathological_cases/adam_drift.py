"""How far Adam without momentum moves in a period of gradients that repeat for ever."""

import numpy as np

from optcourse.exercises.functions import function_exercise
from optcourse.exercises.mistake import Mistake


def periodic_average(values, b2) -> np.ndarray:
    """The moving average of a periodic sequence, once it is periodic itself."""
    period = len(values)
    ages = np.arange(period)
    past = np.asarray(values)[(ages[:, None] - ages) % period]  # [step, age]
    return past @ b2**ages * (1 - b2) / (1 - b2**period)


def adam_drift(gradients, b2) -> float:
    return -np.sum(gradients / np.sqrt(periodic_average(gradients**2, b2)))


def upwards(gradients, b2):
    return -adam_drift(gradients, b2)


def memory_too_old(gradients, b2):
    return -np.sum(gradients / np.sqrt(np.roll(periodic_average(gradients**2, b2), 1)))


def all_alike(gradients, b2):
    return -np.sum(gradients / np.sqrt(np.mean(gradients**2)))


def root_forgotten(gradients, b2):
    return -np.sum(gradients / periodic_average(gradients**2, b2))


def first_period(gradients, b2):
    s, moved = 0.0, 0.0
    for gradient in gradients:
        s = b2 * s + (1 - b2) * gradient**2
        moved -= gradient / np.sqrt(s)
    return moved


def first_period_corrected(gradients, b2):
    s, moved = 0.0, 0.0
    for t, gradient in enumerate(gradients, start=1):
        s = b2 * s + (1 - b2) * gradient**2
        moved -= gradient / np.sqrt(s / (1 - b2**t))
    return moved


def per_step(gradients, b2):
    return adam_drift(gradients, b2) / len(gradients)


def weights_exchanged(gradients, b2):
    return adam_drift(gradients, 1 - b2)


def all_periods(gradients, b2):
    """The sum of 500 periods: as many as the second hint says."""
    s, moved = 0.0, 0.0
    for gradient in np.tile(gradients, 500):
        s = b2 * s + (1 - b2) * gradient**2
        moved -= gradient / np.sqrt(s)
    return moved


def make_questions(rng: np.random.Generator) -> list[dict]:
    """A rare large gradient against frequent small ones, at memories of different length."""
    questions = []
    for period, b2 in ((5, 0.6), (8, 0.9), (12, 0.97), (6, 0.985)):
        small = rng.uniform(0.5, 3, size=period)
        gradients = -small
        gradients[rng.integers(1, period)] = small.sum() * rng.uniform(1.05, 1.3)
        questions.append({"gradients": gradients, "b2": b2 + rng.uniform(-0.008, 0.008)})
    return questions


MISTAKES = (
    Mistake(
        "wrong direction",
        "Your numbers are right but for the sign: a step goes against the gradient.",
        upwards,
    ),
    Mistake(
        "memory without the present gradient",
        "You divide by the memory as it was before the step. Adam takes the new gradient into its memory first, and "
        "then divides: that is why a rare large gradient is divided by a large number.",
        memory_too_old,
    ),
    Mistake(
        "all gradients alike",
        "You divide by the root of the mean of all squares in a period, as if `b2` were 1. Recent gradients weigh "
        "more: that is what makes Adam drift.",
        all_alike,
    ),
    Mistake(
        "root forgotten",
        "You divide by the memory of the squares itself. Divide by its root.",
        root_forgotten,
    ),
    Mistake(
        "the first period, memory empty",
        "Your numbers are those of the first period, in which the memory begins at zero. The question is about a "
        "period after very many: let the memory go round a few hundred times before you measure.",
        first_period,
    ),
    Mistake(
        "the first period, corrected",
        "Your numbers are those of the first period with bias correction. The question is about a period after very "
        "many: let the memory go round a few hundred times before you measure.",
        first_period_corrected,
    ),
    Mistake(
        "per step",
        "Your numbers are right for one step on average. The question is about a whole period.",
        per_step,
    ),
    Mistake(
        "all periods added up",
        "You add up the distance of all periods. Set it to 0 at the beginning of each, and return that of the last.",
        all_periods,
    ),
    Mistake(
        "weights exchanged",
        "You keep the share 1 - b2 of the memory and take b2 of the new square. It is the other way round.",
        weights_exchanged,
    ),
)

ADAM_DRIFT = function_exercise(
    "adam_drift",
    "pathological_cases",
    make_questions=make_questions,
    right=adam_drift,
    mistakes=MISTAKES,
    advice="If all gradients were equal, each step would be one learning rate long, against the gradient.",
)
