"""What schedules do to a cloud, and where they are: numbers to predict, and then to run."""

import numpy as np

from optcourse.exercises.mistake import Mistake
from optcourse.exercises.values import number, value_exercise

RATE, LOWER, CURVATURE = 0.5, 0.05, 1.0


def cloud(rate):
    """Variance around the minimum, in units of the noise's: of gradient descent on a parabola."""
    return rate / (CURVATURE * (2 - rate * CURVATURE))


FALLS = cloud(RATE) / cloud(LOWER)
FACTOR = 1 - LOWER * CURVATURE
WAIT = np.log(0.1 / (FALLS - 1)) / np.log(FACTOR**2)

SCHEDULE_FORECAST = value_exercise(
    "schedule_forecast",
    "schedulers",
    parts={
        "floor": number(
            FALLS,
            tolerance=0.02,
            mistakes=(
                Mistake(
                    "in proportion to the rate",
                    "is 10 where learning rate times curvature is small. Here it is 0.5, which is not: take the 2 - "
                    "rate * curvature of the formula along.",
                    10,
                ),
                Mistake(
                    "the square of the rate",
                    "is not 100. One step adds rate**2 to the variance, but a smaller rate also forgets more slowly.",
                    100,
                ),
                Mistake(
                    "the width, not the variance",
                    "is the factor of the standard deviation. The loss goes with its square.",
                    lambda value: abs(value / np.sqrt(FALLS) - 1) < 0.02 or abs(value / np.sqrt(10) - 1) < 0.02,
                ),
            ),
            hint="The variance is rate / (curvature * (2 - rate * curvature)), times the noise.",
        ),
        "wait": number(
            WAIT,
            tolerance=0.06,
            mistakes=(
                Mistake(
                    "forgets the square",
                    "is about twice as long as it takes: a deviation shrinks by 0.95 per step, a loss by its square.",
                    2 * WAIT,
                ),
                Mistake(
                    "with the old rate",
                    "would be right if the old rate, 0.5, shrank the cloud. It is the new one that has to.",
                    lambda value: 1 < value < 6,
                ),
            ),
            hint="What is above the new floor shrinks by (1 - rate * curvature)**2 per step. How high is it at first?",
        ),
        "peak in Optax": number(
            60,
            tolerance=0,
            absolute=0.01,
            mistakes=(
                Mistake("a step early for Optax", "is 59 in PyTorch. Optax counts 30 % of 200 from step 0.", 59),
                Mistake("in the middle", "is not in the middle: one-cycle rises in the first 30 %.", 100),
            ),
            hint="It rises in the first 30 % of the steps.",
        ),
        "peak in PyTorch": number(
            59,
            tolerance=0,
            absolute=0.01,
            mistakes=(
                Mistake(
                    "a step late for PyTorch",
                    "is 60 in Optax. PyTorch lets its last phase end with the last step, 199, and moves all of its "
                    "phases a step forward for that.",
                    60,
                ),
            ),
            hint="The two libraries are one step apart.",
        ),
        "last cycle": number(
            80,
            tolerance=0,
            absolute=0.01,
            mistakes=(
                Mistake("all cycles equal", "would be right if each cycle had 10 steps. Each is twice as long.", 10),
                Mistake("the cycle before", "is the cycle before the last: 10 + 20 + 40 are only 70 steps.", 40),
            ),
            hint="10 + 20 + ... until there are 150.",
        ),
    },
    remark="The floor fell at once in the formula, and 47 steps later in the run: lower the rate before the end.",
)
