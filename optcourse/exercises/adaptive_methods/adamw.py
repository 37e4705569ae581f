"""AdamW: Adam's step, and beside it x <- x - learning_rate * weight_decay * x."""

import itertools
from collections.abc import Callable

import numpy as np

from optcourse import optimizers
from optcourse.exercises.mistake import Mistake
from optcourse.exercises.optimizer_intuition import adam
from optcourse.exercises.path_questions import walks
from optcourse.exercises.path_rules import uphill
from optcourse.exercises.paths import follow, path_exercise


def decay_beside(x, u, lr, wd):
    return x - lr * (u + wd * x)


def with_decay(
    move: Callable = decay_beside,
    *,
    first: Callable = adam.mean,
    second: Callable = adam.mean_square,
    step: Callable = adam.adam_step,
    gradient_of: Callable = lambda gradient, x, wd: gradient(x),
) -> Callable:
    """A path whose next point is `move(x, u, learning_rate, weight_decay)`, where u is Adam's step for a rate of 1.

    That is `step(m, s, eps, b1, b2, t)` of the memories `first(m, g, b1, t)` and `second(s, g, b2, t)`.
    """

    @follow
    def rule(gradient, x, learning_rate, b1, b2, eps, weight_decay):
        m = s = 0 * x
        for t in itertools.count(1):
            g = gradient_of(gradient, x, weight_decay)
            m, s = first(m, g, b1, t), second(s, g, b2, t)
            x = move(x, step(m, s, eps, b1, b2, t), learning_rate, weight_decay)
            yield x

    return rule


def uncorrected(m, s, eps, b1, b2, t):
    return m / (np.sqrt(s) + eps)


RIGHT = with_decay()


@follow
def decay_first(gradient, x, learning_rate, b1, b2, eps, weight_decay):
    m = s = 0 * x
    for t in itertools.count(1):
        x = x * (1 - learning_rate * weight_decay)
        g = gradient(x)
        m, s = adam.mean(m, g, b1, t), adam.mean_square(s, g, b2, t)
        x = x - learning_rate * adam.adam_step(m, s, eps, b1, b2, t)
        yield x


@follow
def decay_divided(gradient, x, learning_rate, b1, b2, eps, weight_decay):
    m = s = 0 * x
    for t in itertools.count(1):
        g = gradient(x)
        m, s = adam.mean(m, g, b1, t), adam.mean_square(s, g, b2, t)
        step = (m / (1 - b1**t) + weight_decay * x) / (np.sqrt(s / (1 - b2**t)) + eps)
        x = x - learning_rate * step
        yield x


def draw_settings(rng: np.random.Generator, largest: float, place: str) -> dict:
    rate = rng.uniform(0.03, 0.05) if place == "valley" else rng.uniform(0.05, 0.1)
    b1, b2 = rng.uniform(0.8, 0.92), rng.uniform(0.997, 0.9995)
    decay = rng.uniform(0.6, 0.9)
    return {"learning_rate": rate, "b1": b1, "b2": b2, "eps": rng.uniform(0.5e-8, 2e-8), "weight_decay": decay}


def advice(question: dict, step: int) -> str:
    given = question["hyperparameters"]
    if step == 1:
        rate, decay = given["learning_rate"], given["weight_decay"]
        return (
            "In the first step Adam moves every coordinate whose gradient is not 0 by the learning rate, "
            f"{rate:.3g}. To that comes learning_rate * weight_decay = {rate * decay:.3g} times the coordinate itself, "
            "towards 0."
        )
    return "So one step is right. What is kept of m and s from one step to the next, and does t count on?"


MISTAKES = (
    Mistake(
        "goes uphill",
        "Your path goes uphill: Adam's step is added where it has to be subtracted. The decay is right.",
        uphill(RIGHT),
    ),
    Mistake(
        "the decay is in the gradient",
        "You add weight_decay * x to the gradient. That is an L2 penalty, which Adam divides by its own size; AdamW "
        "was invented to avoid it. Leave the gradient alone, and subtract learning_rate * weight_decay * x beside "
        "Adam's step.",
        with_decay(lambda x, u, lr, wd: x - lr * u, gradient_of=lambda gradient, x, wd: gradient(x) + wd * x),
    ),
    Mistake(
        "the decay is not scaled by the learning rate",
        "Your decay is too strong: each step subtracts weight_decay * x. Both libraries multiply it by the learning "
        "rate, so that a schedule for the rate is one for the decay.",
        with_decay(lambda x, u, lr, wd: x - lr * u - wd * x),
    ),
    Mistake(
        "the decay is missing",
        "Your path is Adam's: the decay is missing. Subtract learning_rate * weight_decay * x as well.",
        with_decay(lambda x, u, lr, wd: x - lr * u),
    ),
    Mistake(
        "the decay has the wrong sign",
        "Your parameters grow where they should shrink: the decay has the wrong sign. It pulls towards 0, whatever the "
        "gradient says.",
        with_decay(lambda x, u, lr, wd: x - lr * (u - wd * x)),
    ),
    Mistake(
        "the decay is divided by the root",
        "You add the decay to m before the division by the root of s. So weights with large gradients hardly decay. It "
        "belongs outside of the fraction.",
        decay_divided,
    ),
    Mistake(
        "the decay comes after the step",
        "Nearly: you take Adam's step first and then shrink the new point. The decay belongs to the point at which the "
        "step begins.",
        with_decay(lambda x, u, lr, wd: (x - lr * u) * (1 - lr * wd)),
    ),
    Mistake(
        "the decay comes before the gradient",
        "Nearly: you shrink the point first, and ask for the gradient at the shrunk point. Ask for it where the step "
        "begins, and shrink afterwards, or in the same line as the step.",
        decay_first,
    ),
    Mistake(
        "corrected values are kept",
        "Your first step is right, and then m and s are wrong: you write the corrected values over them, and so they "
        "are corrected again in the next step. Keep m and s as they are, and give the corrected ones other names.",
        with_decay(
            first=lambda m, g, b, t: adam.mean(m, g, b, t) / (1 - b**t),
            second=lambda s, g, b, t: adam.mean_square(s, g, b, t) / (1 - b**t),
            step=uncorrected,
        ),
    ),
    Mistake(
        "s is corrected outside of the root",
        "You divide the root of s by 1 - b2**t. The correction belongs under the root: sqrt(s / (1 - b2**t)).",
        with_decay(step=lambda m, s, eps, b1, b2, t: m / (1 - b1**t) / (np.sqrt(s) / (1 - b2**t) + eps)),
    ),
    Mistake(
        "no bias correction",
        "Your steps are too long at first: the bias correction is missing. Divide m by 1 - b1**t and s by 1 - b2**t.",
        with_decay(step=uncorrected),
    ),
    Mistake(
        "t starts at 0",
        "All coordinates become nan in the first step: t is 0 there, so 1 - b1**t and 1 - b2**t are 0, and you divide "
        "by them. Count the steps from 1.",
        with_decay(step=lambda m, s, eps, b1, b2, t: adam.adam_step(m, s, eps, b1, b2, t - 1)),
    ),
    Mistake(
        "eps forgotten",
        "Where the gradient is exactly 0, your point becomes nan: m and s are 0 there, and 0 / 0 is not a number. A "
        "weight without gradient is the very one that only decays. Add eps to the root.",
        with_decay(step=lambda m, s, eps, b1, b2, t: adam.adam_step(m, s, 0.0, b1, b2, t)),
    ),
)

ADAMW = path_exercise(
    "adamw",
    "adaptive_methods",
    optimizer=optimizers.adamw,
    make_questions=lambda rng: walks(rng, draw_settings),
    advice=advice,
    mistakes=MISTAKES,
)
