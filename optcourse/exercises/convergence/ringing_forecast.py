"""A forecast for one pair of settings on one parabola, to be compared with the run."""

import numpy as np

from optcourse.exercises.mistake import Mistake
from optcourse.exercises.values import number, value_exercise

RATE, MOMENTUM, CURVATURE = 0.01, 0.95, 4.0
PRODUCT = RATE * CURVATURE
PERIOD = 2 * np.pi / np.arccos((1 + MOMENTUM - PRODUCT) / (2 * np.sqrt(MOMENTUM)))
LIMIT = 2 * (1 + MOMENTUM) / CURVATURE
CLOUD = (1 + MOMENTUM) / ((1 - MOMENTUM) * (2 * (1 + MOMENTUM) - PRODUCT)) * (2 - PRODUCT)

RINGING_FORECAST = value_exercise(
    "ringing_forecast",
    "convergence",
    parts={
        "effective rate": number(
            RATE / (1 - MOMENTUM),
            mistakes=(
                Mistake(
                    "multiplies by 1 - momentum",
                    "you multiply by 1 - momentum, as if a memory made steps shorter. A velocity adds up gradients.",
                    RATE * (1 - MOMENTUM),
                ),
                Mistake(
                    "the learning rate itself",
                    "that is the learning rate itself, which is right for an average of gradients. This is a sum.",
                    RATE,
                ),
            ),
            hint="What is 1 + momentum + momentum**2 + ... for ever?",
        ),
        "rate": number(
            np.sqrt(MOMENTUM),
            tolerance=0.002,
            mistakes=(
                Mistake(
                    "the product of the roots",
                    "that is the product of the two roots. In the ringing regime both have the same size.",
                    MOMENTUM,
                ),
                Mistake(
                    "the factor without momentum",
                    "that is gradient descent's factor, 1 - learning rate * curvature.",
                    1 - PRODUCT,
                ),
            ),
            hint="Which regime is it? There, the rate depends on one of the three numbers only.",
        ),
        "period": number(
            PERIOD,
            tolerance=0.05,
            mistakes=(
                Mistake(
                    "half a period",
                    "that is half of it, from one crossing of the minimum to the next. A period comes back to the same "
                    "side.",
                    PERIOD / 2,
                ),
                Mistake(
                    "two pi forgotten",
                    "that is 1 / sqrt(learning rate * curvature): a full turn is 2 pi times as long.",
                    1 / np.sqrt(PRODUCT),
                ),
            ),
            hint="The rule of thumb is good enough: 2 pi over a root.",
        ),
        "limit": number(
            LIMIT,
            mistakes=(
                Mistake(
                    "the limit without momentum",
                    "that is gradient descent's limit, 2 / curvature. Momentum moves it outwards.",
                    2 / CURVATURE,
                ),
                Mistake(
                    "limit on the effective rate",
                    "you let the effective rate go up to 2 / curvature. That would be safe everywhere; on a parabola "
                    "far more is stable.",
                    2 * (1 - MOMENTUM) / CURVATURE,
                ),
                Mistake("the curvature forgotten", "the curvature is missing: divide by it.", LIMIT * CURVATURE),
            ),
            hint="At the limit one root is -1. Put z = -1 into the equation.",
        ),
        "cloud": number(
            CLOUD,
            tolerance=0.06,
            mistakes=(
                Mistake(
                    "no larger",
                    "with momentum the cloud is not the same: it grows as the effective learning rate does.",
                    1.0,
                ),
                Mistake(
                    "the deviation, not the variance",
                    "that is how much wider the cloud is. Its variance is the square of that.",
                    np.sqrt(CLOUD),
                ),
                Mistake(
                    "squared once too often",
                    "that is the square of it. The variance grows in proportion to the effective learning rate.",
                    CLOUD**2,
                ),
            ),
            hint="Divide the variance with momentum by the one with momentum 0, at the same learning rate.",
        ),
    },
    remark="Now run it, and see.",
)
