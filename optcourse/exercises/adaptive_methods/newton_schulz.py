"""Muon's matrix step: divide by the Frobenius norm, then a X + b (X X') X + c (X X')**2 X, some times."""

from collections.abc import Callable

import numpy as np

from optcourse.exercises.functions import function_exercise
from optcourse.exercises.mistake import Mistake

A, B, C = 3.4445, -4.7750, 2.0315


def quintic(x):
    gram = x @ x.T
    return A * x + B * gram @ x + C * gram @ gram @ x


def frobenius(x):
    return x / np.linalg.norm(x)


def iterated(step: Callable = quintic, scale: Callable = frobenius) -> Callable:
    def newton_schulz(matrix, steps):
        x = scale(np.asarray(matrix))
        for _ in range(int(steps)):
            x = step(x)
        return x

    return newton_schulz


def one_step_more(matrix, steps):
    return iterated()(matrix, steps + 1)


def make_questions(rng: np.random.Generator) -> list[dict]:
    """Wide, tall and square; larger than a unit, so that a missing norm shows."""
    shapes = ((3, 5), (4, 4), (5, 2), (2, 6))
    return [
        {"matrix": rng.normal(size=shape) * rng.uniform(2, 5), "steps": steps}
        for shape, steps in zip(shapes, (1, 2, 3, 5), strict=True)
    ]


def advice(arguments: dict, answer) -> str:
    sigma = np.linalg.svd(arguments["matrix"], compute_uv=False)
    wanted = np.linalg.svd(iterated()(**arguments), compute_uv=False)
    said = f"The singular values of `matrix` are {listed(sigma)}; those of the result should be {listed(wanted)}"
    readable = isinstance(answer, np.ndarray) and answer.shape == np.shape(arguments["matrix"])
    if not readable or not np.isfinite(answer).all():
        return f"{said}."
    return f"{said}, and yours are {listed(np.linalg.svd(answer, compute_uv=False))}."


def listed(values) -> str:
    return ", ".join(f"{value:.3g}" for value in values)


MISTAKES = (
    Mistake(
        "not divided by the norm",
        "Your polynomial is right, but it gets the matrix as it is. Its singular values have to lie between 0 and 1: "
        "divide by the Frobenius norm before the first step, `np.linalg.norm(matrix)`. Outside of that range the fifth "
        "power takes over.",
        iterated(scale=lambda x: x),
    ),
    Mistake(
        "divided by the largest singular value",
        "You divide by the largest singular value. That is a good idea, and costs what Muon wants to save; Muon "
        "divides by the Frobenius norm, the root of the sum of all squares.",
        iterated(scale=lambda x: x / np.linalg.norm(x, 2)),
    ),
    Mistake(
        "divided by the largest entry",
        "You divide by the largest entry. The singular values may still be above 1 then; divide by the Frobenius norm.",
        iterated(scale=lambda x: x / np.abs(x).max()),
    ),
    Mistake(
        "powers of the entries",
        "You take powers of the entries, with `*` or `**`. The polynomial is one of matrices: use `@`, so that it acts "
        "on the singular values.",
        iterated(step=lambda x: A * x + B * x**3 + C * x**5),
    ),
    Mistake(
        "the last term is missing",
        "The term with the fifth power is missing: c times (X X')**2 X.",
        iterated(step=lambda x: A * x + B * x @ x.T @ x),
    ),
    Mistake(
        "the last term has the third power",
        "Your last term is c (X X') X, the third power again. It needs X X' twice: c (X X') (X X') X.",
        iterated(step=lambda x: A * x + (B + C) * x @ x.T @ x),
    ),
    Mistake(
        "the square of the entries",
        "In your last term, (X X')**2 squares the entries of X X', one by one. Here the square is that of a matrix: "
        "(X X') @ (X X').",
        iterated(step=lambda x: A * x + B * x @ x.T @ x + C * (x @ x.T) ** 2 @ x),
    ),
    Mistake(
        "the sign of b",
        "Your b is positive. It is -4.7750: the third power takes away what the first has made too large.",
        iterated(step=lambda x: A * x - B * x @ x.T @ x + C * x @ x.T @ x @ x.T @ x),
    ),
    Mistake(
        "divided in every step",
        "You divide by the norm in every step, inside the loop. Once, before the first, is enough: later on, the "
        "singular values are where they should be.",
        iterated(step=lambda x: quintic(frobenius(x))),
    ),
    Mistake(
        "the classical cubic",
        "You use the classical Newton-Schulz step, 1.5 X - 0.5 (X X') X. It ends at exactly 1, and needs many more "
        "steps for small singular values. Muon's polynomial has the coefficients of the text.",
        iterated(step=lambda x: 1.5 * x - 0.5 * x @ x.T @ x),
    ),
    Mistake(
        "one step too many",
        "You take one step more than `steps`: how often does your loop run?",
        one_step_more,
    ),
)

NEWTON_SCHULZ = function_exercise(
    "newton_schulz",
    "adaptive_methods",
    make_questions=make_questions,
    right=iterated(),
    mistakes=MISTAKES,
    tolerance=2e-3,
    absolute=1e-5,
    advice=advice,
)
