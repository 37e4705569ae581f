"""Gradient descent: x <- x - learning_rate * g."""

import numpy as np

from optcourse import optimizers
from optcourse.exercises.mistake import Mistake
from optcourse.exercises.path_questions import walks
from optcourse.exercises.path_rules import settings, uphill, without_memory
from optcourse.exercises.paths import follow, path_exercise

RIGHT = without_memory(lambda x, g, lr, t: x - lr * g)


@follow
def at_the_start(gradient, start, learning_rate):
    x, g = start, gradient(start)
    while True:
        x = x - learning_rate * g
        yield x


@follow
def steps_along_the_path(gradient, start, learning_rate):
    x = start
    while True:
        step = -learning_rate * gradient(x)
        x = x + step
        yield step


def draw_settings(rng: np.random.Generator, largest: float, place: str) -> dict:
    return {"learning_rate": rng.uniform(0.2, 0.7) / largest}


def advice(question: dict, step: int) -> str:
    if step == 1:
        return "The first step is -learning_rate * gradient(start)."
    return "Each step is -learning_rate times the gradient at the newest point. Is it taken there?"


def no_rate(asked) -> str:
    lr = settings(asked)["learning_rate"]
    return (
        f"Your first step is {1 / lr:.3g} times too long. That is 1 / learning_rate: the gradient is not multiplied by "
        "it. Such steps leap over the minimum, and grow where they should shrink."
    )


def rate_twice(asked) -> str:
    lr = settings(asked)["learning_rate"]
    return (
        f"Your first step points the right way and is {lr:.3g} times as long as it should be. That is learning_rate: "
        "you multiply by it twice, so you get almost nowhere."
    )


MISTAKES = (
    Mistake(
        "goes uphill",
        "Your steps have the right length and the wrong sign: you add the gradient. It points to where the loss "
        "grows fastest, so subtract it.",
        uphill(RIGHT),
    ),
    Mistake("no learning rate", no_rate, without_memory(lambda x, g, lr, t: x - g)),
    Mistake("learning rate twice", rate_twice, without_memory(lambda x, g, lr, t: x - lr**2 * g)),
    Mistake(
        "gradient at the start only",
        "Your first step is right and all others repeat it, because each uses the gradient at the start. The "
        "gradient changes along the way: ask for it at the newest point, inside the loop.",
        at_the_start,
    ),
    Mistake(
        "steps of one length",
        "All your steps are exactly learning_rate long: you divide the gradient by its length. Gradient descent "
        "leaves it as long as it is, so its steps get shorter near a minimum, and it can settle there.",
        without_memory(lambda x, g, lr, t: x - lr * g / np.linalg.norm(g)),
    ),
    Mistake(
        "signs of the gradient",
        "Every coordinate moves by learning_rate in each step: you use only the gradient's signs. How long a step "
        "is has to follow how steep the surface is there.",
        without_memory(lambda x, g, lr, t: x - lr * np.sign(g)),
    ),
    Mistake(
        "learning rate fades",
        "Your first step is right, then the learning rate is divided by the number of the step: by 2, by 3, and so "
        "on. Here it stays as it is.",
        without_memory(lambda x, g, lr, t: x - lr * g / t),
    ),
    Mistake(
        "the point is forgotten",
        "Your second row is the step, not where it leads: you set the point to -learning_rate * g. Add the step to "
        "the point that you stand on.",
        without_memory(lambda x, g, lr, t: -lr * g),
    ),
    Mistake(
        "steps in place of points",
        "The rows after the first are the steps that lead along the right path. Return the points that they lead "
        "to: append the new point, not the step.",
        steps_along_the_path,
    ),
)

GRADIENT_DESCENT = path_exercise(
    "gradient_descent",
    "optimizer_intuition",
    optimizer=optimizers.sgd,
    make_questions=lambda rng: walks(rng, draw_settings),
    advice=advice,
    mistakes=MISTAKES,
)
