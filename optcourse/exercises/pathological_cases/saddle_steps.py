"""How many steps a saddle holds a run that passes it at a given distance from the ridge."""

import numpy as np

from optcourse.exercises.functions import function_exercise
from optcourse.exercises.mistake import Mistake


def growths(learning_rate, curvature, momentum) -> np.ndarray:
    """Both factors per step of the distance from the ridge, the larger first."""
    total = 1 + momentum + learning_rate * curvature
    root = np.sqrt(total**2 - 4 * momentum)
    return np.array([(total + root) / 2, (total - root) / 2])


def saddle_steps(learning_rate, curvature, momentum, distance) -> float:
    return np.log(1 / distance) / np.log(growths(learning_rate, curvature, momentum)[0])


def without_momentum(learning_rate, curvature, momentum, distance):
    return saddle_steps(learning_rate, curvature, 0.0, distance)


def with_effective_rate(learning_rate, curvature, momentum, distance):
    return saddle_steps(learning_rate / (1 - momentum), curvature, 0.0, distance)


def as_at_a_minimum(learning_rate, curvature, momentum, distance):
    roots = np.roots([1, -(1 + momentum - learning_rate * curvature), momentum])
    return np.log(1 / distance) / np.log(np.abs(roots).max())


def adding_up(learning_rate, curvature, momentum, distance):
    return (1 / distance - 1) / (growths(learning_rate, curvature, momentum)[0] - 1)


def decimal_once(learning_rate, curvature, momentum, distance):
    return saddle_steps(learning_rate, curvature, momentum, distance) / np.log(10)


def smaller_root(learning_rate, curvature, momentum, distance):
    return np.log(1 / distance) / np.log(growths(learning_rate, curvature, momentum)[1])


def towards_the_ridge(learning_rate, curvature, momentum, distance):
    return -saddle_steps(learning_rate, curvature, momentum, distance)


def by_nesterov(learning_rate, curvature, momentum, distance):
    kept = 1 + learning_rate * curvature
    roots = np.roots([1, -(1 + momentum) * kept, momentum * kept])
    return np.log(1 / distance) / np.log(roots.max())


def make_questions(rng: np.random.Generator) -> list[dict]:
    return [
        {
            "learning_rate": rng.uniform(0.01, 0.1),
            "curvature": rng.uniform(0.5, 4),
            "momentum": momentum,
            "distance": 10.0 ** rng.uniform(-9, -2),
        }
        for momentum in (rng.uniform(0.3, 0.7), 0.9, 0.0, rng.uniform(0.8, 0.97))
    ]


MISTAKES = (
    Mistake(
        "momentum forgotten",
        "Your numbers are those of gradient descent: `momentum` has no effect. The velocity grows along with the "
        "distance, and the run leaves much sooner.",
        without_momentum,
    ),
    Mistake(
        "effective learning rate",
        "You take momentum for gradient descent with a learning rate 1 / (1 - momentum) times as large. That is the "
        "limit for small learning rates. Here the velocity has no time to build up fully: solve the quadratic.",
        with_effective_rate,
    ),
    Mistake(
        "curvature of a minimum",
        "Your factor is below 1: it is the one at a minimum. Here the curvature is negative, and `curvature` is its "
        "size: its sign in the equation turns round.",
        as_at_a_minimum,
    ),
    Mistake(
        "adds in place of multiplying",
        "You let the distance grow by the same amount in each step. It is multiplied by the same factor: take "
        "logarithms.",
        adding_up,
    ),
    Mistake(
        "two kinds of logarithm",
        "Your numbers are right but for a factor of 2.303: one of your logarithms is decimal, the other natural.",
        decimal_once,
    ),
    Mistake(
        "the smaller root",
        "You took the smaller root of the quadratic. In the long run the larger one decides.",
        smaller_root,
    ),
    Mistake(
        "Nesterov's equation",
        "You solved Nesterov's equation. The question is about momentum.",
        by_nesterov,
    ),
    Mistake(
        "negative steps",
        "Your numbers are right but for the sign. The logarithm of a distance below 1 is negative; that of 1 divided "
        "by it is not.",
        towards_the_ridge,
    ),
)

SADDLE_STEPS = function_exercise(
    "saddle_steps",
    "pathological_cases",
    make_questions=make_questions,
    right=saddle_steps,
    mistakes=MISTAKES,
    advice="With momentum 0 each step multiplies the distance by 1 + learning_rate * curvature, until it is 1.",
)
