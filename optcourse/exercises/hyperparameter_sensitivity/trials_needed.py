"""How many random trials hit the best share of a search space with a given probability."""

import math

import numpy as np

from optcourse.exercises.functions import function_exercise
from optcourse.exercises.mistake import Mistake


def trials_needed(share, confidence):
    return math.ceil(math.log(1 - confidence) / math.log(1 - share))


def not_rounded(share, confidence):
    return math.log(1 - confidence) / math.log(1 - share)


def rounded_down(share, confidence):
    return math.floor(not_rounded(share, confidence))


def one_over_share(share, confidence):
    return math.ceil(1 / share)


def proportional(share, confidence):
    return math.ceil(confidence / share)


def exchanged(share, confidence):
    return math.ceil(math.log(1 - share) / math.log(1 - confidence))


def hit_for_miss(share, confidence):
    return math.ceil(math.log(confidence) / math.log(1 - share))


def make_questions(rng: np.random.Generator) -> list[dict]:
    """Shares and confidences whose exact number of trials lies well between two whole numbers, nearer to the lower."""
    questions = []
    ranges = (0.015, 0.03), (0.04, 0.07), (0.08, 0.15), (0.18, 0.3)
    for (low, high), confidence in zip(ranges, (0.8, 0.9, 0.99, 0.95), strict=True):
        trials = math.ceil(math.log(1 - confidence) / math.log(1 - rng.uniform(low, high)))
        share = 1 - (1 - confidence) ** (1 / (trials - 0.7))
        questions.append({"share": share, "confidence": confidence})
    return questions


MISTAKES = (
    Mistake(
        "not rounded up",
        "Your number is the right one before rounding. There are no fractions of trials: return the smallest whole "
        "number that is enough.",
        not_rounded,
    ),
    Mistake(
        "rounded down",
        "You round down, or to the nearest whole number. One trial fewer than needed does not reach the confidence: "
        "round up.",
        rounded_down,
    ),
    Mistake(
        "one over the share",
        "1 / share trials hit the best share once on average. Some searches hit it twice, and about a third of them "
        "never.",
        one_over_share,
    ),
    Mistake(
        "chances added up",
        "You add up the chances of the trials. Two trials can both hit, so the chances of n trials add up to too much. "
        "Multiply the chances to miss.",
        proportional,
    ),
    Mistake(
        "the two arguments exchanged",
        "You have exchanged the share and the confidence.",
        exchanged,
    ),
    Mistake(
        "the chance to miss is the confidence",
        "You let all trials miss with probability `confidence`. They may miss with probability 1 - confidence.",
        hit_for_miss,
    ),
)

TRIALS_NEEDED = function_exercise(
    "trials_needed",
    "hyperparameter_sensitivity",
    make_questions=make_questions,
    right=trials_needed,
    mistakes=MISTAKES,
    advice="With your n, compute (1 - share)**n: it must be at most 1 - confidence, and with n - 1 trials it must not.",
)
