"""RMSprop: s <- decay * s + (1 - decay) * g**2, x <- x - learning_rate * g / (sqrt(s) + eps)."""

import functools
from collections.abc import Callable

import numpy as np

from optcourse import optimizers
from optcourse.exercises.mistake import Mistake
from optcourse.exercises.path_questions import walks
from optcourse.exercises.path_rules import settings, uphill, with_squares
from optcourse.exercises.paths import follow, path_exercise


def average(s, g, decay):
    return decay * s + (1 - decay) * g**2


def divide(g, s, eps, decay, t):
    return g / (np.sqrt(s) + eps)


RIGHT = with_squares(average, divide)


@follow
def memory_too_late(gradient, x, learning_rate, decay, eps):
    s = 0 * x
    while True:
        g = gradient(x)
        x = x - learning_rate * g / (np.sqrt(s) + eps)
        s = decay * s + (1 - decay) * g**2
        yield x


def draw_settings(rng: np.random.Generator, largest: float, place: str) -> dict:
    # So short that no coordinate gets near its minimum, where RMSprop rattles and amplifies rounding.
    rate = rng.uniform(0.01, 0.02) if place == "valley" else rng.uniform(0.03, 0.05)
    return {"learning_rate": rate, "decay": rng.uniform(0.8, 0.92), "eps": rng.uniform(0.5e-8, 2e-8)}


def first_step(hyperparameters: dict) -> float:
    """The size of every coordinate's first step: s is (1 - decay) * g**2 then."""
    return hyperparameters["learning_rate"] / np.sqrt(1 - hyperparameters["decay"])


def advice(question: dict, step: int) -> str:
    if step == 1:
        size = first_step(question["hyperparameters"])
        return (
            "After the first gradient, s is (1 - decay) * g**2. So every coordinate whose gradient is not 0 moves by "
            f"learning_rate / sqrt(1 - decay), here {size:.3g}, however steep it is."
        )
    return "So s is right after one gradient: look at how it is carried on to the next step."


def first_step_is(size: Callable, why: str) -> Callable:
    """An explanation that begins with the first step's size, `size(lr, decay)`, beside the right one."""

    def explain(asked: list[dict]) -> str:
        given = settings(asked)
        got = size(given["learning_rate"], given["decay"])
        return f"Your first step is {got:.3g} in every coordinate where {first_step(given):.3g} is right. {why}"

    return explain


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
        "else is right. Add eps to the root, in brackets: / (sqrt(s) + eps). In training, a unit that is switched off "
        "has such gradients.",
        with_squares(average, lambda g, s, eps, decay, t: g / np.sqrt(s)),
    ),
    Mistake(
        "no square root",
        "Your steps are longest where the gradient is smallest: you divide by s, which grows with the square of the "
        "gradient. Divide by its root. Then the gradient's size cancels, and every coordinate takes steps of about "
        "the same length.",
        with_squares(average, lambda g, s, eps, decay, t: g / (s + eps)),
    ),
    Mistake(
        "averages gradients, not their squares",
        "Where the gradient is negative, your point becomes nan: you average g, and a negative average has no root. "
        "Average g**2; its root is the typical size of g, whatever its sign.",
        with_squares(lambda s, g, decay: decay * s + (1 - decay) * g, divide),
    ),
    Mistake(
        "is gradient descent",
        "Your path is gradient descent's: the gradient is not divided by sqrt(s) + eps.",
        with_squares(average, lambda g, s, eps, decay, t: g),
    ),
    Mistake(
        "sums the squares, as AdaGrad",
        first_step_is(
            lambda lr, decay: lr,
            "You add up all squares, s + g**2, which is AdaGrad: s can only grow, so the steps shrink for ever. "
            "RMSprop forgets old squares: decay * s + (1 - decay) * g**2.",
        ),
        with_squares(lambda s, g, decay: s + g**2, divide),
    ),
    Mistake(
        "the new square has no weight",
        first_step_is(
            lambda lr, decay: lr,
            "Your memory is decay * s + g**2, whose weights add up to more than 1: a steady gradient would fill it "
            "with far more than its square. The new square needs the weight 1 - decay.",
        ),
        with_squares(lambda s, g, decay: decay * s + g**2, divide),
    ),
    Mistake(
        "memory starts with the first square",
        first_step_is(
            lambda lr, decay: lr,
            "Your s starts as the square of the first gradient. It starts at 0 here, as in Optax and PyTorch, and that "
            "makes the first steps long.",
        ),
        with_squares(average, divide, initial=lambda g: g**2),
    ),
    Mistake(
        "memory starts at one",
        "Your first step is too short: s starts at 1 in your code, and so it remembers a gradient that never was. "
        "Start with zeros.",
        with_squares(average, divide, initial=np.ones_like),
    ),
    Mistake(
        "bias correction",
        first_step_is(
            lambda lr, decay: lr,
            "You divide s by 1 - decay**t. That is Adam's bias correction; RMSprop has none, and its first steps are "
            "long because s starts at 0.",
        ),
        with_squares(average, lambda g, s, eps, decay, t: g / (np.sqrt(s / (1 - decay**t)) + eps)),
    ),
    Mistake(
        "weights swapped",
        first_step_is(
            lambda lr, decay: lr / np.sqrt(decay),
            "The two weights are swapped: decay is how much of the old s is kept, and 1 - decay is the share of the "
            "new square. Yours forgets almost everything at once.",
        ),
        with_squares(lambda s, g, decay: (1 - decay) * s + decay * g**2, divide),
    ),
    Mistake(
        "memory used too late",
        "Your first step is millions of times too long: you divide by the root of s before the first square is in it, "
        "so by eps alone. Update s first, then step.",
        memory_too_late,
    ),
    Mistake(
        "memory is lost",
        "Your first step is right, and every other is just as long: s is (1 - decay) * g**2 with the newest gradient "
        "only. Is s set to 0 inside the loop? It has to live from one step to the next.",
        with_squares(lambda s, g, decay: (1 - decay) * g**2, divide),
    ),
    Mistake(
        "divides by the newest gradient",
        first_step_is(
            lambda lr, decay: lr,
            "So are all others: you divide the gradient by its own size, which leaves nothing but its sign. Divide by "
            "the root of an average over past squares.",
        ),
        with_squares(lambda s, g, decay: g**2, divide),
    ),
    Mistake(
        "one memory for all coordinates",
        "Your first step points along the gradient: all coordinates share one s, the sum of the squares. Each "
        "coordinate needs an s of its own, so that flat ones take steps as long as steep ones. Use g**2 without a sum.",
        with_squares(lambda s, g, decay: decay * s + (1 - decay) * np.sum(g**2), divide),
    ),
)

RMSPROP = path_exercise(
    "rmsprop",
    "optimizer_intuition",
    optimizer=functools.partial(optimizers.rmsprop, eps_in_sqrt=False),
    make_questions=lambda rng: walks(rng, draw_settings),
    advice=advice,
    mistakes=MISTAKES,
)
