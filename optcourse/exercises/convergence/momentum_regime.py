"""Which of its four regimes heavy ball is in, along a direction of given curvature."""

import numpy as np

from optcourse.exercises.functions import function_exercise
from optcourse.exercises.mistake import Mistake

REGIMES = ("monotone", "ringing", "jumping", "divergent")


def momentum_regime(learning_rate, momentum, curvature) -> str:
    product, root = learning_rate * curvature, np.sqrt(momentum)
    return between(product, (1 - root) ** 2, (1 + root) ** 2, 2 * (1 + momentum))


def between(product, *borders) -> str:
    return REGIMES[sum(product > border for border in borders)]


def limit_of_descent(learning_rate, momentum, curvature):
    return "divergent" if learning_rate * curvature > 2 else momentum_regime(learning_rate, momentum, curvature)


def no_roots(learning_rate, momentum, curvature):
    borders = (1 - momentum) ** 2, (1 + momentum) ** 2, 2 * (1 + momentum)
    return between(learning_rate * curvature, *borders)


def no_curvature(learning_rate, momentum, curvature):
    return momentum_regime(learning_rate, momentum, 1.0)


def no_jumping(learning_rate, momentum, curvature):
    regime = momentum_regime(learning_rate, momentum, curvature)
    return "ringing" if regime == "jumping" else regime


def no_divergence(learning_rate, momentum, curvature):
    regime = momentum_regime(learning_rate, momentum, curvature)
    return "jumping" if regime == "divergent" else regime


def discriminant_reversed(learning_rate, momentum, curvature):
    regime = momentum_regime(learning_rate, momentum, curvature)
    return {"monotone": "ringing", "ringing": "monotone", "jumping": "ringing"}.get(regime, regime)


def make_questions(rng: np.random.Generator) -> list[dict]:
    """Each regime twice, far from the borders, in an order of chance."""
    questions = []
    for momentum in (rng.uniform(0.1, 0.3), rng.uniform(0.3, 0.6)):
        root = np.sqrt(momentum)
        low, high, limit = (1 - root) ** 2, (1 + root) ** 2, 2 * (1 + momentum)
        products = (
            rng.uniform(0.3, 0.7) * low,
            low + rng.uniform(0.25, 0.5) * ((1 - momentum) ** 2 - low),  # ringing, and (1 - momentum)**2 is above it
            high + rng.uniform(0.3, 0.7) * (limit - high),
            rng.uniform(1.2, 2) * limit,
        )
        for product in products:
            curvature = rng.uniform(3, 40)
            setting = {"learning_rate": product / curvature, "momentum": momentum, "curvature": curvature}
            questions.append(setting)
    questions.append({"learning_rate": rng.uniform(0.04, 0.08), "momentum": 0.9, "curvature": rng.uniform(5, 12)})
    return [questions[i] for i in rng.permutation(len(questions))]


def advice(arguments: dict, answer) -> str:
    product, momentum = arguments["learning_rate"] * arguments["curvature"], arguments["momentum"]
    roots = np.roots([1, -(1 + momentum - product), momentum])
    if np.iscomplex(roots).any():
        return f"The roots of its equation are complex, {roots[0].real:.3g} ± {abs(roots[0].imag):.3g} i."
    return f"The roots of its equation are {roots[0].real:.3g} and {roots[1].real:.3g}."


MISTAKES = (
    Mistake(
        "the limit of gradient descent",
        "You call it divergent as soon as the learning rate times the curvature is above 2. That is the limit of "
        "gradient descent. Momentum moves it.",
        limit_of_descent,
    ),
    Mistake(
        "roots of the momentum forgotten",
        "Your borders are (1 - momentum)**2 and (1 + momentum)**2. Set the discriminant of the quadratic equation to 0 "
        "and solve it once more: the root of the momentum comes out.",
        no_roots,
    ),
    Mistake(
        "curvature forgotten",
        "Your answer does not depend on the curvature. What decides is the learning rate times the curvature.",
        no_curvature,
    ),
    Mistake(
        "jumping taken for ringing",
        "You have no regime in which the error jumps across the minimum in every step. Above (1 + sqrt(momentum))**2 "
        "the roots are real again, and negative.",
        no_jumping,
    ),
    Mistake(
        "nothing diverges",
        "You call everything above (1 + sqrt(momentum))**2 jumping. Further up one root lies beyond -1, and each jump "
        "is longer than the one before.",
        no_divergence,
    ),
    Mistake(
        "discriminant the wrong way round",
        "You have ringing and its neighbours the wrong way round. A negative discriminant means complex roots, and "
        "those turn: that is ringing.",
        discriminant_reversed,
    ),
)

MOMENTUM_REGIME = function_exercise(
    "momentum_regime",
    "convergence",
    make_questions=make_questions,
    right=momentum_regime,
    mistakes=MISTAKES,
    words=REGIMES,
    partial=True,
    advice=advice,
)
