"""Adam: averages m of g and s of g**2, both corrected by 1 - b**t, and x <- x - learning_rate * m / (sqrt(s) + eps)."""

from collections.abc import Callable

import numpy as np

from optcourse import optimizers
from optcourse.exercises.mistake import Mistake
from optcourse.exercises.path_questions import walks
from optcourse.exercises.path_rules import settings, uphill, with_moments
from optcourse.exercises.paths import follow, path_exercise


def mean(m, g, b, t):
    return b * m + (1 - b) * g


def mean_square(s, g, b, t):
    return b * s + (1 - b) * g**2


def adam_step(m, s, eps, b1, b2, t):
    return (m / (1 - b1**t)) / (np.sqrt(s / (1 - b2**t)) + eps)


RIGHT = with_moments(mean, mean_square, adam_step)


def counted_from(first: int) -> Callable:
    return with_moments(mean, mean_square, lambda m, s, eps, b1, b2, t: adam_step(m, s, eps, b1, b2, t - 1 + first))


def forgetful(memory: Callable) -> Callable:
    """The same memory, set to 0 before each step."""
    return lambda old, g, b, t: memory(0 * old, g, b, t)


def swapped(gradient, start, *, b1, b2, **rest):
    return RIGHT(gradient, start, b1=b2, b2=b1, **rest)


@follow
def rmsprop_with_momentum(gradient, x, learning_rate, b1, b2, eps):
    v = s = 0 * x
    while True:
        g = gradient(x)
        s = b2 * s + (1 - b2) * g**2
        v = b1 * v + g / (np.sqrt(s) + eps)
        x = x - learning_rate * v
        yield x


def draw_settings(rng: np.random.Generator, largest: float, place: str) -> dict:
    rate = rng.uniform(0.01, 0.03) if place == "valley" else rng.uniform(0.05, 0.1)
    b1, b2 = rng.uniform(0.8, 0.92), rng.uniform(0.997, 0.9995)
    return {"learning_rate": rate, "b1": b1, "b2": b2, "eps": rng.uniform(0.5e-8, 2e-8)}


def advice(question: dict, step: int) -> str:
    if step == 1:
        rate = question["hyperparameters"]["learning_rate"]
        return (
            "After bias correction m is g and s is g**2 in the first step. So every coordinate whose gradient is not 0 "
            f"moves by the learning rate, {rate:.3g}, against the sign of its gradient."
        )
    return (
        "In the first step both corrections cancel the weights 1 - b1 and 1 - b2. What is kept of m and s from one "
        "step to the next, and does t count on?"
    )


def first_step_is(factor: Callable, formula: str, why: str) -> Callable:
    """An explanation that begins with the size of the first step in learning rates, `factor(b1, b2)`."""

    def explain(asked: list[dict]) -> str:
        b1, b2 = settings(asked)["b1"], settings(asked)["b2"]
        return (
            f"Your first step is {factor(b1, b2):.3g} learning rates long in every coordinate; Adam's is one. For b1 = "
            f"{b1:.3g} and b2 = {b2:.3g} that is {formula}: {why}"
        )

    return explain


MISTAKES = (
    Mistake(
        "goes uphill",
        "Your path goes uphill from the first step on, to where the gradient points. There is one minus sign too many "
        "or too few: either m averages g and the step is subtracted, or it averages -g and the step is added.",
        uphill(RIGHT),
    ),
    Mistake(
        "eps forgotten",
        "Where the gradient is exactly 0, your point becomes nan: m and s are 0 there, and 0 / 0 is not a number. "
        "Everything else is right. Add eps to the root, in brackets: / (sqrt(s) + eps). In training, a word that does "
        "not occur in a batch has such gradients.",
        with_moments(mean, mean_square, lambda m, s, eps, b1, b2, t: (m / (1 - b1**t)) / np.sqrt(s / (1 - b2**t))),
    ),
    Mistake(
        "no bias correction",
        first_step_is(
            lambda b1, b2: (1 - b1) / np.sqrt(1 - b2),
            "(1 - b1) / sqrt(1 - b2)",
            "the bias correction is missing. Both averages start at 0 and are too small at first, by 1 - b1**t and "
            "1 - b2**t: divide by these.",
        ),
        with_moments(mean, mean_square, lambda m, s, eps, b1, b2, t: m / (np.sqrt(s) + eps)),
    ),
    Mistake(
        "second moment not corrected",
        first_step_is(
            lambda b1, b2: 1 / np.sqrt(1 - b2),
            "1 / sqrt(1 - b2)",
            "the bias correction of the second moment is missing. Divide s by 1 - b2**t before you take the root, or "
            "the first steps are far too long; with the usual b2 of 0.999, 32 times.",
        ),
        with_moments(mean, mean_square, lambda m, s, eps, b1, b2, t: (m / (1 - b1**t)) / (np.sqrt(s) + eps)),
    ),
    Mistake(
        "first moment not corrected",
        first_step_is(
            lambda b1, b2: 1 - b1,
            "1 - b1",
            "the bias correction of the first moment is missing. Divide m by 1 - b1**t, or the first steps are too "
            "short.",
        ),
        with_moments(mean, mean_square, lambda m, s, eps, b1, b2, t: m / (np.sqrt(s / (1 - b2**t)) + eps)),
    ),
    Mistake(
        "t starts at 0",
        "All coordinates become nan in the first step: t is 0 there, so 1 - b1**t and 1 - b2**t are 0, and you divide "
        "by them. Count the steps from 1.",
        counted_from(0),
    ),
    Mistake(
        "t starts at 2",
        first_step_is(
            lambda b1, b2: (1 - b1) / (1 - b1**2) * np.sqrt((1 - b2**2) / (1 - b2)),
            "sqrt(1 + b2) / (1 + b1)",
            "t is 2 in the first step, so the averages are corrected too little. If you add 1 to t before you use it, "
            "start it at 0; if the loop counts from 1, use it as it is.",
        ),
        counted_from(2),
    ),
    Mistake(
        "corrected with b and not b**t",
        "Your first step is right, later ones are not: you divide by 1 - b1 and 1 - b2 in every step. The averages "
        "fill up, so the correction has to fade: 1 - b1**t and 1 - b2**t, with t the number of the step.",
        with_moments(mean, mean_square, lambda m, s, eps, b1, b2, t: adam_step(m, s, eps, b1, b2, 1)),
    ),
    Mistake(
        "the correction is kept in the memory",
        "Your first step is right, later ones are not: you write the corrected averages back into m and s, so that the "
        "next step corrects them again. Keep m and s as they are, and give the corrected ones names of their own: "
        "m_hat, s_hat.",
        with_moments(
            lambda m, g, b, t: mean(m, g, b, t) / (1 - b**t),
            lambda s, g, b, t: mean_square(s, g, b, t) / (1 - b**t),
            lambda m, s, eps, b1, b2, t: m / (np.sqrt(s) + eps),
        ),
    ),
    Mistake(
        "b1 and b2 swapped",
        "Your first step is right, since both corrections cancel there, then b1 and b2 are swapped: b1 is for the "
        "average of g, b2 for that of g**2. The squares need the longer memory, so b2 is the larger.",
        swapped,
    ),
    Mistake(
        "no square root",
        "Your first step is 1 / g learning rates long, longest where the gradient is smallest: you divide by s and not "
        "by its root. With the root, the gradient's size cancels.",
        with_moments(mean, mean_square, lambda m, s, eps, b1, b2, t: (m / (1 - b1**t)) / (s / (1 - b2**t) + eps)),
    ),
    Mistake(
        "averages gradients, not their squares",
        "Where the gradient is negative, your point becomes nan: your second moment averages g, and a negative average "
        "has no root. Average g**2.",
        with_moments(mean, mean, adam_step),
    ),
    Mistake(
        "is RMSprop with momentum",
        first_step_is(
            lambda b1, b2: 1 / np.sqrt(1 - b2),
            "1 / sqrt(1 - b2), RMSprop's",
            "you divide the gradient first and then add up the results with b1. Adam averages the gradients "
            "themselves, divides afterwards, and corrects both averages.",
        ),
        rmsprop_with_momentum,
    ),
    Mistake(
        "steps along the gradient",
        "Your first step is right, then you step along the gradient itself, divided by the root: m (or m_hat) is "
        "computed and not used, or each step's m holds nothing but the newest gradient.",
        with_moments(
            lambda m, g, b, t: g, mean_square, lambda m, s, eps, b1, b2, t: m / (np.sqrt(s / (1 - b2**t)) + eps)
        ),
    ),
    Mistake(
        "m is set to 0 in the loop",
        "Your first step is right, then the steps are too short: m is (1 - b1) * g with the newest gradient "
        "only, and the correction counts on memories that m does not have. Is m set to 0 inside the loop?",
        with_moments(forgetful(mean), mean_square, adam_step),
    ),
    Mistake(
        "s is set to 0 in the loop",
        "Your first step is right, then the steps are too long: s is (1 - b2) * g**2 with the newest gradient "
        "only, and the correction counts on memories that s does not have. Is s set to 0 inside the loop?",
        with_moments(mean, forgetful(mean_square), adam_step),
    ),
    Mistake(
        "both memories are set to 0 in the loop",
        "Your first step is right, then m and s hold nothing but the newest gradient, as if every step were the first, "
        "while t counts on. Are both set to 0 inside the loop? They have to live from one step to the next.",
        with_moments(forgetful(mean), forgetful(mean_square), adam_step),
    ),
    Mistake(
        "b1 for both averages",
        "Your first step is right, since both corrections cancel there, then your s forgets too fast: it is averaged "
        "and corrected with b1. The average of g**2 has a decay of its own, b2.",
        lambda gradient, start, *, b1, b2, **rest: RIGHT(gradient, start, b1=b1, b2=b1, **rest),
    ),
    Mistake(
        "corrected with b * t and not b**t",
        "Your first step is right, then the corrections are 1 - b1 * t and 1 - b2 * t, which are 0 or negative before "
        "long. The weight that is still on the zeros at the start is multiplied by b in each step: b**t.",
        with_moments(
            mean,
            mean_square,
            lambda m, s, eps, b1, b2, t: (m / (1 - b1 * t)) / (np.sqrt(s / (1 - b2 * t)) + eps),
        ),
    ),
    Mistake(
        "the new gradient has no weight",
        first_step_is(
            lambda b1, b2: np.sqrt(1 - b2) / (1 - b1),
            "sqrt(1 - b2) / (1 - b1)",
            "your memories are b1 * m + g and b2 * s + g**2. The bias correction fits averages, in which the new one "
            "has the weight 1 - b1 or 1 - b2.",
        ),
        with_moments(lambda m, g, b, t: b * m + g, lambda s, g, b, t: b * s + g**2, adam_step),
    ),
)

ADAM = path_exercise(
    "adam",
    "optimizer_intuition",
    optimizer=optimizers.adam,
    make_questions=lambda rng: walks(rng, draw_settings),
    advice=advice,
    mistakes=MISTAKES,
)
