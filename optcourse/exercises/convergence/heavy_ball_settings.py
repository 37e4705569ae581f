"""Heavy ball's best learning rate and momentum for curvatures from m to L."""

import numpy as np

from optcourse import theory
from optcourse.exercises.functions import function_exercise
from optcourse.exercises.mistake import Mistake


def heavy_ball_settings(m, L) -> tuple[float, float]:
    best = theory.best_settings("momentum", float(m), float(L))
    return best["learning_rate"], best["momentum"]


def not_squared(m, L):
    rate, momentum = heavy_ball_settings(m, L)
    return rate, np.sqrt(momentum)


def without_roots(m, L):
    return heavy_ball_settings(m, L)[0], ((L - m) / (L + m)) ** 2


def rate_of_descent(m, L):
    return 2 / (L + m), heavy_ball_settings(m, L)[1]


def sum_under_root(m, L):
    return 4 / (L + m), heavy_ball_settings(m, L)[1]


def nesterov(m, L):
    best = theory.best_settings("nesterov", float(m), float(L))
    return best["learning_rate"], best["momentum"]


def denominator_not_squared(m, L):
    return 4 / (np.sqrt(L) + np.sqrt(m)), heavy_ball_settings(m, L)[1]


def exchanged(m, L):
    return heavy_ball_settings(m, L)[::-1]


def make_questions(rng: np.random.Generator) -> list[dict]:
    return [{"m": rng.uniform(0.1, 3), "L": rng.uniform(4, 40) * size} for size in (1, 5, 25, 125)]


def advice(arguments: dict, answer) -> str:
    law = "With the best pair, rate * m is (1 - sqrt(momentum))**2 and rate * L is (1 + sqrt(momentum))**2."
    numbers = np.array(answer, dtype=float) if np.shape(answer) == (2,) else np.full(2, np.nan)
    if not (np.isfinite(numbers).all() and 0 <= numbers[1] <= 1):
        return law
    rate, root = numbers[0], np.sqrt(numbers[1])
    return (
        f"{law} For this answer these are {rate * arguments['m']:.4g} and {(1 - root) ** 2:.4g}, and "
        f"{rate * arguments['L']:.4g} and {(1 + root) ** 2:.4g}."
    )


MISTAKES = (
    Mistake(
        "momentum not squared",
        "Your learning rate is right. Your momentum is (sqrt(kappa) - 1) / (sqrt(kappa) + 1): that is the rate. In the "
        "ringing regime the rate is the root of the momentum, so the momentum is the square of it.",
        not_squared,
    ),
    Mistake(
        "no roots in the momentum",
        "Your learning rate is right. Your momentum has the condition number itself in it. Its root belongs there: "
        "that is what heavy ball gains.",
        without_roots,
    ),
    Mistake(
        "the learning rate of gradient descent",
        "Your momentum is right. Your learning rate, 2 / (L + m), is gradient descent's best. With momentum the limit "
        "is higher, and so is the best learning rate.",
        rate_of_descent,
    ),
    Mistake(
        "root of the sum",
        "Your momentum is right. Your learning rate is 4 / (L + m): the roots are taken first, then added, then "
        "squared, which is more than L + m.",
        sum_under_root,
    ),
    Mistake(
        "Nesterov's settings",
        "These are the usual settings of Nesterov's method. Heavy ball has a larger learning rate and a smaller "
        "momentum: for these two the ringing regime of all directions begins.",
        nesterov,
    ),
    Mistake(
        "denominator not squared",
        "Your momentum is right. In your learning rate the denominator, sqrt(L) + sqrt(m), is not squared. Check the "
        "unit: a learning rate times a curvature is a plain number.",
        denominator_not_squared,
    ),
    Mistake(
        "the two answers exchanged",
        "Your two numbers are right, and in the other order. Return the learning rate first, then the momentum.",
        exchanged,
    ),
)

HEAVY_BALL_SETTINGS = function_exercise(
    "heavy_ball_settings",
    "convergence",
    make_questions=make_questions,
    right=heavy_ball_settings,
    mistakes=MISTAKES,
    advice=advice,
)
