"""Predict, then run: lengths of steps, and what decay leaves of a weight."""

import numpy as np

from optcourse.exercises.mistake import Mistake
from optcourse.exercises.values import number, value_exercise

RATE = 0.01

STEP_FORECAST = value_exercise(
    "step_forecast",
    "adaptive_methods",
    parts={
        "adam": number(
            RATE,
            mistakes=(
                Mistake(
                    "multiplied by the gradient",
                    "that is learning rate times gradient, SGD's step. In Adam the gradient's size cancels.",
                    50 * RATE,
                ),
                Mistake(
                    "not corrected",
                    "that is the step without bias correction, (1 - b1) / sqrt(1 - b2) learning rates.",
                    RATE * 0.1 / np.sqrt(0.001),
                ),
            ),
            hint="After bias correction, what are m and s in the first step?",
        ),
        "adam at a tiny gradient": number(
            RATE / 2,
            mistakes=(
                Mistake(
                    "eps ignored",
                    "that is the step where eps does not count. Here the gradient is no larger than eps.",
                    RATE,
                ),
                Mistake(
                    "eps under the root",
                    "you add eps to s before the root. In Adam it is added to the root: |g| + eps.",
                    RATE * 1e-8 / np.sqrt(1e-16 + 1e-8),
                ),
            ),
            hint="The step is g / (|g| + eps) learning rates long.",
        ),
        "rmsprop": number(
            10 * RATE,
            mistakes=(
                Mistake(
                    "as if corrected",
                    "that would be right with bias correction. PyTorch's and Optax's RMSprop have none by default.",
                    RATE,
                ),
                Mistake(
                    "no root",
                    "that is 1 / (1 - decay) learning rates. The step has the root of s below it.",
                    100 * RATE,
                ),
                Mistake(
                    "the decay of Optax",
                    "that is for a decay of 0.9, Optax's default. Here it is 0.99.",
                    RATE / np.sqrt(0.1),
                ),
            ),
            hint="s is (1 - decay) * g**2 after the first gradient.",
        ),
        "adagrad": number(
            RATE / 10,
            mistakes=(
                Mistake("the first step", "that is the first step. The question is about the hundredth.", RATE),
                Mistake(
                    "falls like 1/t",
                    "that falls like 1 / t. The sum of squares grows like t, and its root is below the step.",
                    RATE / 100,
                ),
            ),
            hint="s is t * g**2 after t equal gradients.",
        ),
        "adamw": number(
            np.exp(-1),
            tolerance=0.02,
            mistakes=(
                Mistake(
                    "the learning rate forgotten",
                    "you shrink by the decay itself in every step. It is multiplied by the learning rate.",
                    lambda value: abs(value) < 1e-6,
                ),
                Mistake(
                    "what is lost, not what is left",
                    "that is the share that is lost. The question is what is left.",
                    1 - np.exp(-1),
                ),
            ),
            hint="Each step multiplies the weight by 1 - learning_rate * weight_decay.",
        ),
        "adam with l2": number(
            0.8,
            tolerance=0.04,
            mistakes=(
                Mistake(
                    "as AdamW",
                    "that is what AdamW would leave. Here the decay is the whole gradient, and Adam divides it by its "
                    "own size.",
                    np.exp(-0.02),
                ),
                Mistake("nothing left", "so far it has not come: each step is at most about one learning rate.", 0.0),
            ),
            hint="How long is a step of Adam whose gradient never changes its sign?",
        ),
    },
    remark="Now run it, and see.",
)
