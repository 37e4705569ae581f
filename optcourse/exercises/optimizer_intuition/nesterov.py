"""Nesterov's momentum: v <- momentum * v + g, x <- x - learning_rate * (g + momentum * v)."""

import itertools

import numpy as np
import optax

from optcourse import optimizers
from optcourse.exercises.mistake import Mistake
from optcourse.exercises.path_questions import walks
from optcourse.exercises.path_rules import settings, uphill, with_velocity
from optcourse.exercises.paths import OtherForm, follow, path_exercise

CLASSICAL = (
    "You return the points x of the classical form, which takes its gradients at the points x + momentum * v ahead. "
    "The chapter's form returns those points ahead. Both are Nesterov's method."
)


def ahead(velocity, g, beta, lr):
    return lr * (g + beta * velocity)


RIGHT = with_velocity(lambda v, g, beta, lr: beta * v + g, ahead)


def classical(trajectory) -> np.ndarray:
    """The points x whose look-ahead points, x + momentum * v, are the production optimizer's params.

    Its memory is the trace of gradients, and v = -learning_rate * trace.
    """
    settings = trajectory.optimizer.hyperparams
    trace = optax.tree_utils.tree_get(trajectory.opt_state, "trace")
    return trajectory.params + settings["momentum"] * settings["learning_rate"] * trace


def looking_ahead(look, move=lambda x, y, v, beta: x + v):
    """A classical form: v = momentum * v - learning_rate * gradient(y), where y = look(x, v, momentum)."""

    @follow
    def rule(gradient, x, learning_rate, momentum):
        v = 0 * x
        while True:
            y = look(x, v, momentum)
            v = momentum * v - learning_rate * gradient(y)
            x = move(x, y, v, momentum)
            yield x

    return rule


@follow
def both_forms_at_once(gradient, x, learning_rate, momentum):
    v = 0 * x
    while True:
        g = gradient(x - learning_rate * momentum * v)
        v = momentum * v + g
        x = x - learning_rate * (g + momentum * v)
        yield x


@follow
def growing_momentum(gradient, x, learning_rate, momentum):
    before = x
    for t in itertools.count(1):
        y = x + (t - 1) / (t + 2) * (x - before)
        before, x = x, y - learning_rate * gradient(y)
        yield x


def draw_settings(rng: np.random.Generator, largest: float, place: str) -> dict:
    return {"learning_rate": rng.uniform(0.15, 0.4) / largest, "momentum": rng.uniform(0.6, 0.95)}


def advice(question: dict, step: int) -> str:
    if step == 1:
        return (
            "The first step is -learning_rate * (1 + momentum) * gradient(start), since v is the gradient then. (In "
            "the classical form, whose gradient is taken at x + momentum * v, it is gradient descent's.)"
        )
    return "The first step is the same for v = 0, so look at what is carried on: momentum * v, and the new gradient."


def averages(asked) -> str:
    beta = settings(asked)["momentum"]
    return (
        f"Your first step is {(1 + beta * (1 - beta)) / (1 + beta):.3g} times as long as it should be: the new "
        f"gradient enters your velocity with a weight of 1 - momentum, {1 - beta:.3g}, as in an average. Here "
        "gradients are added up: momentum * v + g."
    )


def no_gradient_on_top(asked) -> str:
    beta = settings(asked)["momentum"]
    return (
        f"Your first step is {beta / (1 + beta):.3g} times as long as it should be, momentum / (1 + momentum): the "
        "step momentum * v looks ahead along the velocity and leaves out the newest gradient itself. Take "
        "g + momentum * v."
    )


MISTAKES = (
    Mistake(
        "goes uphill",
        "Your path goes uphill from the first step on: gradients point to where the loss grows, so the step "
        "g + momentum * v has to be subtracted.",
        uphill(RIGHT),
    ),
    Mistake(
        "is heavy ball",
        "You take heavy ball's steps, learning_rate * v. Nesterov's look one step ahead: with the velocity already "
        "updated, take learning_rate * (g + momentum * v), or take the gradient at the point where the velocity alone "
        "would lead. That is what damps the swinging.",
        with_velocity(lambda v, g, beta, lr: beta * v + g),
    ),
    Mistake(
        "no memory",
        "Your path is gradient descent's: no velocity is carried from one step to the next. Is it set to 0 inside the "
        "loop?",
        with_velocity(lambda v, g, beta, lr: g),
    ),
    Mistake(
        "velocity never kept",
        "All your steps are -learning_rate * (1 + momentum) * g. That is right for the first only: v has to be "
        "momentum * v + g, and yours is g, as if the velocity were 0 before each step.",
        with_velocity(lambda v, g, beta, lr: g, ahead),
    ),
    Mistake(
        "looks backwards",
        "You take the gradient behind you, at x - momentum * v, where v is the way you are going. Look ahead, at "
        "x + momentum * v; if your velocity adds up positive gradients, ahead is the minus sign. Looking back makes "
        "the swinging worse, where it should damp it.",
        looking_ahead(lambda x, v, beta: x - beta * v),
    ),
    Mistake(
        "looks too far ahead",
        "You take the gradient at x + v. The old velocity will have faded by the time it moves you: the point ahead is "
        "x + momentum * v.",
        looking_ahead(lambda x, v, beta: x + v),
    ),
    Mistake(
        "momentum counted twice",
        "You start each step from the point ahead, x + momentum * v, and then add the new velocity, which contains "
        "momentum * v already. Either go on from x, or add only the gradient step to the point ahead.",
        looking_ahead(lambda x, v, beta: x + beta * v, lambda x, y, v, beta: y + v),
    ),
    Mistake(
        "looks ahead twice",
        "You mix two forms: the gradient is taken at the point ahead, and then the step is g + momentum * v, which "
        "looks ahead once more. Take the gradient where you stand; or keep the point ahead for it, and step by "
        "learning_rate * v.",
        both_forms_at_once,
    ),
    Mistake(
        "momentum grows",
        "Your momentum is (t - 1) / (t + 2), from Nesterov's proof for convex functions. Here it is the number that "
        "the function is given, the same in every step.",
        growing_momentum,
    ),
    Mistake("averages the gradients", averages, with_velocity(lambda v, g, beta, lr: beta * v + (1 - beta) * g, ahead)),
    Mistake(
        "newest gradient left out",
        no_gradient_on_top,
        with_velocity(lambda v, g, beta, lr: beta * v + g, lambda v, g, beta, lr: lr * beta * v),
    ),
)

NESTEROV = path_exercise(
    "nesterov",
    "optimizer_intuition",
    optimizer=optimizers.nesterov,
    make_questions=lambda rng: walks(rng, draw_settings),
    advice=advice,
    also_right=(OtherForm("the classical form", CLASSICAL, classical),),
    mistakes=MISTAKES,
)
