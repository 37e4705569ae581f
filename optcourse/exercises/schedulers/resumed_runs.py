"""Four runs that resumed wrongly, to be told apart by their learning rates."""

import numpy as np

from optcourse import schedules
from optcourse.exercises.mistake import Mistake
from optcourse.exercises.values import value_exercise, word

PEAK, STEPS, STOP = 0.1, 200, 80
WORDS = ("starts again", "made for the rest", "wrong peak", "stepped twice")


def resumed_rates() -> dict[str, np.ndarray]:
    """The learning rates of steps 80 to 199 of a run that was meant to have 200: as planned, and of four that resumed.

    >>> from optcourse.exercises.schedulers import resumed_rates
    >>> {name: rates.shape for name, rates in resumed_rates().items()}["A"]
    (120,)
    """
    planned = schedules.warmup_cosine(PEAK, STEPS, warmup=0.1)
    rates, left = planned.rates(2 * STEPS), STEPS - STOP
    return {
        "planned": rates[STOP:STEPS],
        "A": planned.with_peak(float(rates[STOP - 1])).rates(STEPS)[STOP:],
        "B": rates[:left],
        "C": rates[STOP : STOP + 2 * left : 2],
        "D": schedules.warmup_cosine(PEAK, left, warmup=0.1).rates(left),
    }


def two_beginnings(value) -> str:
    if value == "starts again":
        return (
            "begins with a warmup too, but look where it ends: a schedule that starts again for 200 steps has far to "
            "go after 120. This one comes down to 0."
        )
    return "begins with a warmup too, but look where it ends: after 120 steps it is far from 0."


def run(right, hint, mistakes=()):
    return word(right, WORDS, hint=hint, mistakes=mistakes)


RESUMED_RUNS = value_exercise(
    "resumed_runs",
    "schedulers",
    parts={
        "A": run("wrong peak", "Divide its rates by those that were planned."),
        "B": run(
            "starts again",
            "Where have you seen this beginning before?",
            (Mistake("takes a restart for a new length", two_beginnings, "made for the rest"),),
        ),
        "C": run("stepped twice", "At which step is it at 0, and what does it do afterwards?"),
        "D": run(
            "made for the rest",
            "It begins like a new run. Where does it end?",
            (Mistake("takes a new length for a restart", two_beginnings, "starts again"),),
        ),
    },
    remark="Three of the four would show in the loss only as 'it got a little worse'. Plot the learning rate.",
)
