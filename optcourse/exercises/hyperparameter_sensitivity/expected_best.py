"""The lowest loss that so many random trials would have found, expected, out of the losses of more trials."""

import itertools

import numpy as np

from optcourse.exercises.functions import function_exercise
from optcourse.exercises.mistake import Mistake


def expected_best(losses, trials):
    """Source: Dodge, Gururangan, Card, Schwartz and Smith 2019, section 3, doi:10.18653/v1/D19-1224."""
    worse = 1 - np.arange(len(losses) + 1) / len(losses)
    return float((worse[:-1] ** trials - worse[1:] ** trials) @ np.sort(losses))


def not_sorted(losses, trials):
    worse = 1 - np.arange(len(losses) + 1) / len(losses)
    return float((worse[:-1] ** trials - worse[1:] ** trials) @ np.asarray(losses))


def of_the_highest(losses, trials):
    return -expected_best(-np.asarray(losses), trials)


def without_replacement(losses, trials):
    draws = itertools.combinations(np.asarray(losses).tolist(), int(trials))
    return float(np.mean([min(draw) for draw in draws]))


def first_ones(losses, trials):
    return float(np.min(np.asarray(losses)[: int(trials)]))


def of_all(losses, trials):
    return float(np.min(losses))


def mean_of_all(losses, trials):
    return float(np.mean(losses))


def mean_of_best(losses, trials):
    return float(np.mean(np.sort(losses)[: int(trials)]))


def one_trial_more(losses, trials):
    return expected_best(losses, trials + 1)


def make_questions(rng: np.random.Generator) -> list[dict]:
    """Between 5 and 9 losses, of which the lowest comes neither among the first trials nor last."""
    questions = []
    for size, trials in ((5, 2), (6, 3), (8, 4), (9, 2)):
        lowest, *others = np.sort(rng.uniform(0.1, 2.4, size=size))
        losses = rng.permutation(others).tolist()
        losses.insert(rng.integers(trials, size - 1), lowest)
        questions.append({"losses": losses, "trials": trials})
    return questions


MISTAKES = (
    Mistake(
        "not sorted",
        "Your weights are right, and meet the losses in the order in which they came. The weight of rank i belongs to "
        "the i-th lowest loss: sort first.",
        not_sorted,
    ),
    Mistake(
        "the highest in place of the lowest",
        "That is the expected highest loss. For scores, where more is better, it would be right.",
        of_the_highest,
    ),
    Mistake(
        "without replacement",
        "You draw without replacement. That is a good estimate too, and the unbiased one. Here the formula of Dodge et "
        "al. is asked: with replacement, so that a trial may come twice.",
        without_replacement,
    ),
    Mistake(
        "the first trials only",
        "You take the lowest of the first trials. Their order is chance: average over all draws.",
        first_ones,
    ),
    Mistake(
        "the lowest of all",
        "You return the lowest of all losses, whatever the number of trials. That is what a search with many more "
        "trials would have found.",
        of_all,
    ),
    Mistake(
        "the mean of all",
        "You return the mean of all losses. That is what one trial finds; of several, the lowest counts.",
        mean_of_all,
    ),
    Mistake(
        "the mean of the lowest",
        "You average the lowest losses, as if a search found the best of all every time.",
        mean_of_best,
    ),
    Mistake(
        "one trial too many",
        "Your number is that for one trial more than asked. Look at the powers: the lowest of N losses has the weight "
        "1 - (1 - 1/N)**trials.",
        one_trial_more,
    ),
)

EXPECTED_BEST = function_exercise(
    "expected_best",
    "hyperparameter_sensitivity",
    make_questions=make_questions,
    right=expected_best,
    mistakes=MISTAKES,
    advice="Check it by hand: for one trial it is the mean of the losses, and it falls towards the lowest.",
)
