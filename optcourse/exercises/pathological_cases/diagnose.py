"""A program that names the case behind a training log."""

import numpy as np

from optcourse.exercises.functions import function_exercise
from optcourse.exercises.mistake import Mistake
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


def changed(said: dict[str, str]):
    """The diagnosis of somebody who takes some cases for others."""

    def answer(loss, gradient, update, cosine):
        case = diagnose(loss, gradient, update, cosine)
        return said.get(case, case)

    return answer


def make_questions(rng: np.random.Generator) -> list[dict]:
    """Each case twice, in an order of chance."""
    return [make_log(CASES[i % len(CASES)], rng) for i in rng.permutation(2 * len(CASES))]


MISTAKES = (
    Mistake(
        "every spike is a cliff",
        "You call every log with a spike of the gradient a cliff. In some of them the loss does not jump after it, the "
        "gradients are as before, and only the updates stay short: that is another case.",
        changed({"memory": "cliff"}),
    ),
    Mistake(
        "every spike is a spoiled memory",
        "You call every log with a spike of the gradient a spoiled memory. In some of them the update has a spike as "
        "well and the loss jumps.",
        changed({"cliff": "memory"}),
    ),
    Mistake(
        "noise taken for a cone",
        "You take noise for a cone. Both stay level with gradients that are not small. On a cone the cosine is -1 in "
        "step after step, with noise it is scattered.",
        changed({"noise": "cone"}),
    ),
    Mistake(
        "a cone taken for noise",
        "You take cones for noise. Both stay level with gradients that are not small. With noise the cosine is "
        "scattered, on a cone it is -1 in step after step.",
        changed({"cone": "noise"}),
    ),
    Mistake(
        "a saddle taken for a plateau",
        "You take saddles for plateaus. In both the gradient is tiny at some time. On a plateau it is so from the "
        "first step; at a saddle it has fallen by orders of magnitude, and comes back.",
        changed({"saddle": "plateau"}),
    ),
    Mistake(
        "a plateau taken for a saddle",
        "You take plateaus for saddles. In both the gradient is tiny at some time. At a saddle it was large in the "
        "first step; on a plateau it never was.",
        changed({"plateau": "saddle"}),
    ),
    Mistake(
        "the start of a saddle taken for a spike",
        "You call saddles cliffs. There the gradient is largest in the first step and falls steadily. A spike is one "
        "step far above the step before it.",
        changed({"saddle": "cliff"}),
    ),
)

DIAGNOSE = function_exercise(
    "diagnose",
    "pathological_cases",
    make_questions=make_questions,
    right=diagnose,
    mistakes=MISTAKES,
    words=CASES,
    partial=True,
    advice="`make_log` draws as many logs of each case as you like: try your rule on them.",
)
