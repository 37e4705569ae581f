"""The longest step that Adam can take in a coordinate, in learning rates: from Cauchy and Schwarz."""

import numpy as np

from optcourse.exercises.functions import function_exercise
from optcourse.exercises.mistake import Mistake


def longest_step(b1, b2) -> float:
    return (1 - b1) / np.sqrt(1 - b2) / np.sqrt(1 - b1**2 / b2)


def make_questions(rng: np.random.Generator) -> list[dict]:
    pairs = [(rng.uniform(0.8, 0.93), rng.uniform(0.995, 0.9995)) for _ in range(3)]
    pairs += [(0.0, rng.uniform(0.9, 0.99)), (rng.uniform(0.5, 0.7), rng.uniform(0.6, 0.8))]
    return [{"b1": b1, "b2": b2} for b1, b2 in pairs]


def advice(arguments: dict, answer) -> str:
    b1, b2 = arguments["b1"], arguments["b2"]
    gradients = (b2 / b1) ** np.arange(400) if b1 else np.ones(1)
    gradients = gradients / gradients.max()
    steps = (1 - b1) * gradients @ b1 ** np.arange(len(gradients))[::-1]
    size = np.sqrt((1 - b2) * gradients**2 @ b2 ** np.arange(len(gradients))[::-1])
    return (
        f"Gradients that grow by b2 / b1 per step, after a long silence, lead to a step of {steps / size:.4g} learning "
        "rates here."
    )


MISTAKES = (
    Mistake(
        "the bound of the paper",
        "That is (1 - b1) / sqrt(1 - b2), the step at a single gradient after a long silence. A gradient that grows "
        "for some steps leads to a longer one: the memory of m adds to it.",
        lambda b1, b2: (1 - b1) / np.sqrt(1 - b2),
    ),
    Mistake(
        "always one",
        "One learning rate is the length of the first step, and of every step under a constant gradient. It is not the "
        "longest.",
        lambda b1, b2: 1.0,
    ),
    Mistake(
        "the second root forgotten",
        "The sum of the geometric series is right, but its root is missing: Cauchy and Schwarz bound a sum of products "
        "by the product of two roots.",
        lambda b1, b2: (1 - b1) / np.sqrt(1 - b2) / (1 - b1**2 / b2),
    ),
    Mistake(
        "b1 not squared",
        "Your series has the ratio b1 / b2. Write b1**k as (b1**k / b2**(k/2)) times b2**(k/2): the first factor "
        "squared is (b1**2 / b2)**k.",
        lambda b1, b2: (1 - b1) / np.sqrt(1 - b2) / np.sqrt(1 - b1 / b2),
    ),
    Mistake(
        "ratio without b2",
        "Your series has the ratio b1**2. The weights of the squares, b2**k, are missing in it: the ratio is b1**2 / "
        "b2.",
        lambda b1, b2: (1 - b1) / np.sqrt(1 - b2) / np.sqrt(1 - b1**2),
    ),
    Mistake(
        "the root of 1 - b2 forgotten",
        "You divide by 1 - b2 and not by its root: s is a mean of squares, and the step has its root below it.",
        lambda b1, b2: (1 - b1) / (1 - b2) / np.sqrt(1 - b1**2 / b2),
    ),
    Mistake(
        "the factors in front forgotten",
        "That is the root of the geometric series. The factors in front of both sums are missing: 1 - b1 of m, and the "
        "root of 1 - b2 of s.",
        lambda b1, b2: 1 / np.sqrt(1 - b1**2 / b2),
    ),
    Mistake(
        "upside down",
        "Your answer is one over the right one: what is above the line, and what below it?",
        lambda b1, b2: 1 / longest_step(b1, b2),
    ),
)

LONGEST_STEP = function_exercise(
    "longest_step",
    "adaptive_methods",
    make_questions=make_questions,
    right=longest_step,
    mistakes=MISTAKES,
    tolerance=1e-3,
    advice=advice,
)
