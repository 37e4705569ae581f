"""Six reports on comparisons of optimizers, each with one flaw to be named."""

from optcourse.exercises.mistake import Mistake
from optcourse.exercises.values import value_exercise, word

FLAWS_KNOWN = (
    "same rate for all",
    "unequal trials",
    "range too short",
    "one seed",
    "reported where tuned",
    "unequal budget",
)


def of(right: str, hint: str, *mistakes: Mistake):
    return word(right, FLAWS_KNOWN, mistakes=mistakes, hint=hint)


FLAWS = value_exercise(
    "flaws",
    "hyperparameter_sensitivity",
    parts={
        "A": of(
            "range too short",
            "Look at where SGD's best value lies among those that were tried.",
            Mistake(
                "trials are equal",
                "is not that: both had five trials. Where among its five does SGD's best lie?",
                "unequal trials",
            ),
        ),
        "B": of(
            "same rate for all",
            "What did each optimizer get to choose?",
            Mistake(
                "the rate itself is not the trouble",
                "is not that: 0.001 is no edge of anything, nothing was searched at all.",
                "range too short",
            ),
        ),
        "C": of(
            "reported where tuned",
            "Which seeds decided which setting won, and which seeds are in the table?",
            Mistake(
                "there are three seeds",
                "is not that: there are three seeds. But which three are they?",
                "one seed",
            ),
        ),
        "D": of(
            "unequal trials",
            "Count what was tried for each.",
            Mistake(
                "the steps are equal",
                "is not that: a run has the same number of steps for both. How many runs were there?",
                "unequal budget",
            ),
        ),
        "E": of(
            "one seed",
            "How large is the difference, and against what could you hold it?",
            Mistake(
                "other images are reported",
                "is not that: the report is on images that the tuning had not seen. How sure is the difference?",
                "reported where tuned",
            ),
        ),
        "F": of(
            "unequal budget",
            "How many steps did each of the two get?",
            Mistake(
                "trials are equal here",
                "is not that: both had twenty trials. How long was each of them?",
                "unequal trials",
            ),
        ),
    },
    remark="Now you can read the next table of optimizers that you meet.",
)
