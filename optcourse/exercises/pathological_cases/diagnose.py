"""A program that names the case behind a training log."""

import numpy as np

from optcourse.exercises.log_reading import log_exercise, taken_for
from optcourse.exercises.pathological_cases.logs import CASES, make_log


def diagnose(loss, gradient, update, cosine) -> str:
    at = gradient.argmax()
    if at > 0 and gradient[at] > 50 * gradient[at - 1]:
        stays_short = np.median(update[at + 10 :]) < 0.5 * np.median(update[:at])
        as_before = np.median(gradient[at + 10 :]) > 0.5 * np.median(gradient[:at])
        return "memory" if stays_short and as_before else "cliff"
    late = cosine[-40:]
    if np.median(late) < -0.9:
        return "cone"
    if np.median(np.abs(late)) < 0.9:
        return "noise"
    return "saddle" if gradient.min() < gradient[0] / 1000 else "plateau"


MISTAKES = (
    taken_for(
        diagnose,
        "every spike is a cliff",
        "You call every log with a spike of the gradient a cliff. In some of them the loss does not jump after it, the "
        "gradients are as before, and only the updates stay short: that is another case.",
        {"memory": "cliff"},
    ),
    taken_for(
        diagnose,
        "every spike is a spoiled memory",
        "You call every log with a spike of the gradient a spoiled memory. In some of them the update has a spike as "
        "well and the loss jumps.",
        {"cliff": "memory"},
    ),
    taken_for(
        diagnose,
        "noise taken for a cone",
        "You take noise for a cone. Both stay level with gradients that are not small. On a cone the cosine is -1 in "
        "step after step, with noise it is scattered.",
        {"noise": "cone"},
    ),
    taken_for(
        diagnose,
        "a cone taken for noise",
        "You take cones for noise. Both stay level with gradients that are not small. With noise the cosine is "
        "scattered, on a cone it is -1 in step after step.",
        {"cone": "noise"},
    ),
    taken_for(
        diagnose,
        "a saddle taken for a plateau",
        "You take saddles for plateaus. In both the gradient is tiny at some time. On a plateau it is so from the "
        "first step; at a saddle it has fallen by orders of magnitude, and comes back.",
        {"saddle": "plateau"},
    ),
    taken_for(
        diagnose,
        "a plateau taken for a saddle",
        "You take plateaus for saddles. In both the gradient is tiny at some time. At a saddle it was large in the "
        "first step; on a plateau it never was.",
        {"plateau": "saddle"},
    ),
    taken_for(
        diagnose,
        "the start of a saddle taken for a spike",
        "You call saddles cliffs. There the gradient is largest in the first step and falls steadily. A spike is one "
        "step far above the step before it.",
        {"saddle": "cliff"},
    ),
)

DIAGNOSE = log_exercise(
    "diagnose",
    "pathological_cases",
    right=diagnose,
    cases=CASES,
    make_log=make_log,
    mistakes=MISTAKES,
)
