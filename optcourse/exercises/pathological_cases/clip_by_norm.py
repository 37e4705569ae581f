"""Gradient clipping by norm: a gradient that is too long is shortened, and keeps its direction."""

import numpy as np

from optcourse.exercises.functions import function_exercise
from optcourse.exercises.mistake import Mistake


def clip_by_norm(gradient, max_norm) -> np.ndarray:
    return shortened(gradient, max_norm, np.linalg.norm(gradient))


def shortened(gradient, max_norm, norm):
    return gradient * (max_norm / norm) if norm > max_norm else gradient


def by_value(gradient, max_norm):
    return np.clip(gradient, -max_norm, max_norm)


def always(gradient, max_norm):
    return gradient * (max_norm / np.linalg.norm(gradient))


def only_the_short(gradient, max_norm):
    norm = np.linalg.norm(gradient)
    return gradient * (max_norm / norm) if norm < max_norm else gradient


def to_length_one(gradient, max_norm):
    norm = np.linalg.norm(gradient)
    return gradient / norm if norm > max_norm else gradient


def by_largest_entry(gradient, max_norm):
    return shortened(gradient, max_norm, np.abs(gradient).max())


def by_sum(gradient, max_norm):
    return shortened(gradient, max_norm, np.abs(gradient).sum())


def by_square(gradient, max_norm):
    return shortened(gradient, max_norm, np.sum(gradient**2))


def make_questions(rng: np.random.Generator) -> list[dict]:
    """Gradients that are too long by different factors, too short, and too long only in their norm."""
    questions = []
    for size, factor in ((3, 1.3), (2, 25.0), (5, 0.4), (4, 400.0), (6, 0.85)):
        gradient = rng.normal(size=size)
        max_norm = rng.uniform(0.3, 4)
        gradient *= factor * max_norm / np.linalg.norm(gradient)
        questions.append({"gradient": gradient, "max_norm": max_norm})
    return questions


def advice(arguments: dict, answer) -> str:
    if np.shape(answer) != np.shape(arguments["gradient"]):
        return "A clipped gradient has as many entries as the gradient."
    before, after = np.linalg.norm(arguments["gradient"]), np.linalg.norm(answer)
    return (
        f"The gradient's norm is {before:.4g}, the limit {arguments['max_norm']:.4g}, and what you return has the norm "
        f"{after:.4g}. Its direction must stay."
    )


MISTAKES = (
    Mistake(
        "clips every entry",
        "You cut off each entry at the limit. That is clipping by value: it changes the direction, and the norm may "
        "still be larger than the limit. Multiply the whole gradient by one number.",
        by_value,
    ),
    Mistake(
        "always scales",
        "You bring every gradient to the norm `max_norm`, short ones too. Near a minimum that makes steps of constant "
        "length, as on a cone. A gradient within the limit stays as it is.",
        always,
    ),
    Mistake(
        "clips the short ones",
        "You scale the gradients that are shorter than the limit, and leave the long ones. It is the other way round.",
        only_the_short,
    ),
    Mistake(
        "to length one",
        "Gradients that are too long come out with the norm 1. They should come out with the norm `max_norm`.",
        to_length_one,
    ),
    Mistake(
        "measures by the largest entry",
        "You compare and divide by the largest entry. The norm is the root of the sum of the squares of all entries.",
        by_largest_entry,
    ),
    Mistake(
        "measures by the sum",
        "You compare and divide by the sum of the absolute values. The norm meant here is the root of the sum of the "
        "squares.",
        by_sum,
    ),
    Mistake(
        "root forgotten",
        "You compare and divide by the square of the norm: the root is missing.",
        by_square,
    ),
)

CLIP_BY_NORM = function_exercise(
    "clip_by_norm",
    "pathological_cases",
    make_questions=make_questions,
    right=clip_by_norm,
    mistakes=MISTAKES,
    advice=advice,
)
