"""AdaGrad: s <- s + g**2, x <- x - learning_rate * g / (sqrt(s) + eps)."""

import itertools
from collections.abc import Callable

import numpy as np

from optcourse import optimizers
from optcourse.exercises.mistake import Mistake
from optcourse.exercises.path_questions import walks
from optcourse.exercises.path_rules import uphill
from optcourse.exercises.paths import follow, path_exercise


def with_sum(
    memory: Callable = lambda s, g, t: s + g**2,
    step: Callable = lambda g, s, eps, t: g / (np.sqrt(s) + eps),
    initial: float = 0.0,
) -> Callable:
    """A path that remembers `s = memory(s, g, t)` and subtracts `learning_rate * step(g, s, eps, t)`."""

    @follow
    def rule(gradient, x, learning_rate, eps):
        s = 0 * x + initial
        for t in itertools.count(1):
            g = gradient(x)
            s = memory(s, g, t)
            x = x - learning_rate * step(g, s, eps, t)
            yield x

    return rule


RIGHT = with_sum()


@follow
def memory_too_late(gradient, x, learning_rate, eps):
    s = 0 * x
    while True:
        g = gradient(x)
        x = x - learning_rate * g / (np.sqrt(s) + eps)
        s = s + g**2
        yield x


def draw_settings(rng: np.random.Generator, largest: float, place: str) -> dict:
    # So short that no coordinate gets near its minimum, where the place of eps and rounding would matter.
    rate = rng.uniform(0.01, 0.03) if place == "valley" else rng.uniform(0.03, 0.06)
    return {"learning_rate": rate, "eps": rng.uniform(0.5e-10, 2e-10)}


def advice(question: dict, step: int) -> str:
    rate = question["hyperparameters"]["learning_rate"]
    if step == 1:
        return (
            "After the first gradient, s is g**2. So every coordinate whose gradient is not 0 moves by the learning "
            f"rate, here {rate:.3g}, against the sign of its gradient."
        )
    return (
        "So s is right after one gradient. After two of about the same size it is twice as large, and the step is "
        f"about {rate / np.sqrt(2):.3g} long."
    )


MISTAKES = (
    Mistake(
        "goes uphill",
        "Your path goes uphill from the first step on: dividing by sqrt(s) keeps the gradient's sign, and the gradient "
        "points to where the loss grows. Subtract the step.",
        uphill(RIGHT),
    ),
    Mistake(
        "eps forgotten",
        "Where the gradient is exactly 0, your point becomes nan: s is 0 there, and 0 / 0 is not a number. Everything "
        "else is right. Add eps to the root, in brackets: / (sqrt(s) + eps).",
        with_sum(step=lambda g, s, eps, t: g / np.sqrt(s)),
    ),
    Mistake(
        "the sum is forgotten",
        "Your first step is right, and every other is just as long: s holds the newest square only. Is s set to 0 "
        "inside the loop, or written over where it should grow? AdaGrad adds up all squares, so its steps shrink.",
        with_sum(memory=lambda s, g, t: g**2),
    ),
    Mistake(
        "forgets, as RMSprop",
        "Your s is a fading average, as in RMSprop, and not a sum. AdaGrad never forgets: s + g**2, without weights.",
        with_sum(memory=lambda s, g, t: 0.9 * s + 0.1 * g**2),
    ),
    Mistake(
        "mean of the squares, not their sum",
        "Your first step is right, but later ones do not shrink as they should: you divide by the root of the mean of "
        "all squares. The sum grows with t, the mean does not; so AdaGrad's steps fall like 1 / sqrt(t) and yours "
        "stay.",
        with_sum(memory=lambda s, g, t: s + (g**2 - s) / t),
    ),
    Mistake(
        "no square root",
        "Your first step is 1 / g learning rates long, longest where the gradient is smallest: you divide by s and not "
        "by its root. With the root, the gradient's size cancels.",
        with_sum(step=lambda g, s, eps, t: g / (s + eps)),
    ),
    Mistake(
        "sums gradients, not their squares",
        "Where the gradient is negative, your point becomes nan: you add up g, and a negative sum has no root. Add up "
        "g**2.",
        with_sum(memory=lambda s, g, t: s + g),
    ),
    Mistake(
        "sums sizes, not squares",
        "Your first step is right, later ones are too short: you divide by the sum of |g|. Under a steady gradient "
        "that grows like t, and the root of the sum of squares like sqrt(t).",
        with_sum(memory=lambda s, g, t: s + np.abs(g), step=lambda g, s, eps, t: g / (s + eps)),
    ),
    Mistake(
        "memory starts at one tenth",
        "Your first step is a little too short: s starts at 0.1 in your code. That is the default of optax.adagrad, "
        "`initial_accumulator_value`; here s starts at 0, as PyTorch's.",
        with_sum(initial=0.1),
    ),
    Mistake(
        "memory starts at one",
        "Your first step is too short: s starts at 1 in your code, and so it remembers a gradient that never was. "
        "Start with zeros.",
        with_sum(initial=1.0),
    ),
    Mistake(
        "memory used too late",
        "Your first step is billions of times too long: you divide by the root of s before the first square is in it, "
        "so by eps alone. Update s first, then step.",
        memory_too_late,
    ),
    Mistake(
        "one memory for all coordinates",
        "Your first step points along the gradient: all coordinates share one s. Each coordinate needs an s of its "
        "own, so that flat ones take steps as long as steep ones. Use g**2 without a sum over the coordinates.",
        with_sum(memory=lambda s, g, t: s + np.sum(g**2)),
    ),
)

ADAGRAD = path_exercise(
    "adagrad",
    "adaptive_methods",
    optimizer=optimizers.adagrad,
    make_questions=lambda rng: walks(rng, draw_settings),
    advice=advice,
    mistakes=MISTAKES,
)
