"""A learning-rate finder: gradient descent on a quadratic, at a rate that grows by a factor in every step."""

import numpy as np

from optcourse.exercises.functions import function_exercise
from optcourse.exercises.mistake import Mistake


def range_test(curvatures, start, low, growth, steps, *, rate_of=lambda low, growth, t: low * growth**t):
    curvatures, x = np.asarray(curvatures), np.array(start, dtype=float)
    losses = []
    for t in range(int(steps)):
        losses.append(0.5 * np.sum(curvatures * x**2))
        x = x - rate_of(low, growth, t) * curvatures * x
    return np.array(losses)


def grows_early(curvatures, start, low, growth, steps):
    return range_test(curvatures, start, low * growth, growth, steps)


def added(curvatures, start, low, growth, steps):
    return range_test(curvatures, start, low, growth, steps, rate_of=lambda low, growth, t: low + t * (growth - 1))


def constant(curvatures, start, low, growth, steps):
    return range_test(curvatures, start, low, 1.0, steps)


def after_each_step(curvatures, start, low, growth, steps):
    return range_test(curvatures, start, low, growth, steps + 1)[1:]


def with_one_more(curvatures, start, low, growth, steps):
    return range_test(curvatures, start, low, growth, steps + 1)


def without_half(curvatures, start, low, growth, steps):
    return 2 * range_test(curvatures, start, low, growth, steps)


def from_the_start_each_time(curvatures, start, low, growth, steps):
    curvatures, start = np.asarray(curvatures), np.asarray(start)
    ends = [(1 - low * growth**t * curvatures) * start for t in range(int(steps))]
    return np.array([0.5 * np.sum(curvatures * x**2) for x in ends])


def wrong_gradient(curvatures, start, low, growth, steps):
    curvatures, x = np.asarray(curvatures), np.array(start, dtype=float)
    losses = []
    for t in range(int(steps)):
        losses.append(0.5 * np.sum(curvatures * x**2))
        x = x - low * growth**t * x
    return np.array(losses)


def make_questions(rng: np.random.Generator) -> list[dict]:
    return [
        {
            "curvatures": rng.uniform(0.5, 12, size=size),
            "start": rng.uniform(-3, 3, size=size),
            "low": rng.uniform(0.002, 0.02),
            "growth": rng.uniform(1.1, 1.6),
            "steps": steps,
        }
        for size, steps in ((1, 4), (2, 12), (3, 15), (5, 8))
    ]


MISTAKES = (
    Mistake(
        "the rate grows before the first step",
        "Your first step already has the rate `low * growth`. Step t, counted from 0, has `low * growth**t`, so the "
        "first one is taken at `low`.",
        grows_early,
    ),
    Mistake(
        "the rate grows by addition",
        "Your rate grows by the same amount in every step. A range test has to cross several powers of ten, so the "
        "rate is multiplied by `growth` in every step.",
        added,
    ),
    Mistake(
        "the rate does not grow",
        "Your rate stays at `low`. Multiply it by `growth` after every step.",
        constant,
    ),
    Mistake(
        "the losses after the steps",
        "Your losses are those after each step. Entry t is the loss before step t: the first is that of the start.",
        after_each_step,
    ),
    Mistake(
        "one loss too many",
        "You also return the loss after the last step. Asked for are `steps` losses, each before its step.",
        with_one_more,
    ),
    Mistake("the half is missing", "Your losses are twice the right ones: the loss is half of the sum.", without_half),
    Mistake(
        "every step begins at the start",
        "Each of your losses is one step away from the start. A range test is one run: every step begins where the "
        "last one ended.",
        from_the_start_each_time,
    ),
    Mistake(
        "the curvatures are missing from the gradient",
        "Your step is the rate times x. The derivative of half of c x squared is c x: a coordinate's curvature belongs "
        "into its gradient.",
        wrong_gradient,
    ),
)

RANGE_TEST = function_exercise(
    "range_test",
    "hyperparameter_sensitivity",
    make_questions=make_questions,
    right=range_test,
    mistakes=MISTAKES,
    advice="Entry 0 is the loss at the start. Step t multiplies each coordinate by 1 - low * growth**t * curvature.",
)
