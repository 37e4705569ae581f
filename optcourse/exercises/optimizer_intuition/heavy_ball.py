"""Heavy ball: v <- momentum * v + g, x <- x - learning_rate * v."""

import numpy as np

from optcourse import optimizers
from optcourse.exercises.mistake import Mistake
from optcourse.exercises.path_questions import walks
from optcourse.exercises.path_rules import settings, uphill, with_velocity
from optcourse.exercises.paths import follow, path_exercise

RIGHT = with_velocity(lambda v, g, beta, lr: beta * v + g)


@follow
def difference_too_old(gradient, x, learning_rate, momentum):
    points = [x, x, x]
    while True:
        points.append(points[-1] - learning_rate * gradient(points[-1]) + momentum * (points[-2] - points[-3]))
        yield points[-1]


def draw_settings(rng: np.random.Generator, largest: float, place: str) -> dict:
    return {"learning_rate": rng.uniform(0.2, 0.5) / largest, "momentum": rng.uniform(0.6, 0.95)}


def advice(question: dict, step: int) -> str:
    if step == 1:
        return "The velocity is 0 before, so the first step is gradient descent's: -learning_rate * gradient(start)."
    return (
        "The first step needs the gradient alone, the second is the first that needs the velocity. How much of it is "
        "kept from step to step, and what is added to it?"
    )


def averages(asked) -> str:
    beta = settings(asked)["momentum"]
    return (
        f"Your first step is {1 - beta:.3g} times as long as it should be. That is 1 - momentum: your velocity is the "
        "average of the gradients, momentum * v + (1 - momentum) * g, as in Adam. Heavy ball adds them up: "
        f"momentum * v + g. Where the gradient stays the same, it becomes {1 / (1 - beta):.3g} times as fast."
    )


def weighs_the_gradient(asked) -> str:
    beta = settings(asked)["momentum"]
    return (
        f"Your first step is {beta:.3g} times as long as it should be. That is momentum: it multiplies the gradient, "
        "and the velocity is kept whole. It should multiply the velocity, so that old gradients fade."
    )


def rate_twice(asked) -> str:
    lr = settings(asked)["learning_rate"]
    return (
        f"Your path is that of a learning rate of {lr**2:.3g} where {lr:.3g} was asked for. The one is the other's "
        "square: it multiplies the gradient on its way into the velocity, and the velocity again. Once is enough."
    )


def never_fades(asked) -> str:
    beta = settings(asked)["momentum"]
    return (
        "Your first step is right, then the ball is too fast: the velocity adds up all gradients and keeps them for "
        f"ever. Multiply the old velocity by momentum, here {beta:.3g}, or the ball swings without end."
    )


MISTAKES = (
    Mistake(
        "goes uphill",
        "Your path goes uphill from the first step on, to where the gradient points. There is one minus sign too many "
        "or too few: either v adds up g and is subtracted, or it adds up -g and is added.",
        uphill(RIGHT),
    ),
    Mistake(
        "no memory",
        "Your path is gradient descent's: the velocity of the last step is lost. Is it set to 0 inside the loop, or "
        "computed and not used? It has to live from one step to the next.",
        with_velocity(lambda v, g, beta, lr: g),
    ),
    Mistake("averages the gradients", averages, with_velocity(lambda v, g, beta, lr: beta * v + (1 - beta) * g)),
    Mistake("momentum on the gradient", weighs_the_gradient, with_velocity(lambda v, g, beta, lr: v + beta * g)),
    Mistake("learning rate twice", rate_twice, with_velocity(lambda v, g, beta, lr: beta * v + lr * g)),
    Mistake(
        "learning rate shrinks the memory",
        "Your first step is right, then the memory is gone almost at once: learning_rate multiplies the old velocity "
        "too, in learning_rate * (momentum * v + g), and again in every later step. Keep v without the learning rate, "
        "or multiply only the new gradient by it.",
        with_velocity(lambda v, g, beta, lr: lr * (beta * v + g), lambda v, g, beta, lr: v),
    ),
    Mistake("velocity never fades", never_fades, with_velocity(lambda v, g, beta, lr: v + g)),
    Mistake(
        "is Nesterov's method",
        "You take Nesterov's steps, which look one step ahead: learning_rate * (g + momentum * v). Heavy ball's are "
        "learning_rate * v, with the gradient where you stand.",
        with_velocity(lambda v, g, beta, lr: beta * v + g, lambda v, g, beta, lr: lr * (g + beta * v)),
    ),
    Mistake(
        "momentum brakes",
        "Your first step is right, then the velocity acts against the way you came from: its sign is wrong. Momentum "
        "carries on in the old direction, momentum * (the newest point - the one before it).",
        with_velocity(lambda v, g, beta, lr: g - beta * v),
    ),
    Mistake(
        "difference of older points",
        "Your first two steps are gradient descent's: the momentum comes a step late. The difference that carries on "
        "is that of the two newest points, path[-1] - path[-2]; yours is one further back.",
        difference_too_old,
    ),
)

HEAVY_BALL = path_exercise(
    "heavy_ball",
    "optimizer_intuition",
    optimizer=optimizers.momentum,
    make_questions=lambda rng: walks(rng, draw_settings),
    advice=advice,
    mistakes=MISTAKES,
)
