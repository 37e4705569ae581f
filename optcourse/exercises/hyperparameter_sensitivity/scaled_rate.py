"""From one batch size to another: the linear rule, the square-root rule, and the noise scale where both end."""

import numpy as np

from optcourse.exercises.functions import function_exercise
from optcourse.exercises.mistake import Mistake

POWERS = {"sgd": 1.0, "adam": 0.5}


def scaled_rate(rate, batch, new_batch, optimizer, noise_scale):
    factor = min(new_batch, noise_scale) / min(batch, noise_scale)
    return rate * factor ** POWERS[optimizer]


def always_linear(rate, batch, new_batch, optimizer, noise_scale):
    return scaled_rate(rate, batch, new_batch, "sgd", noise_scale)


def always_root(rate, batch, new_batch, optimizer, noise_scale):
    return scaled_rate(rate, batch, new_batch, "adam", noise_scale)


def exchanged(rate, batch, new_batch, optimizer, noise_scale):
    other = {"sgd": "adam", "adam": "sgd"}[optimizer]
    return scaled_rate(rate, batch, new_batch, other, noise_scale)


def without_cap(rate, batch, new_batch, optimizer, noise_scale):
    return scaled_rate(rate, batch, new_batch, optimizer, np.inf)


def cap_on_new(rate, batch, new_batch, optimizer, noise_scale):
    return rate * (min(new_batch, noise_scale) / batch) ** POWERS[optimizer]


def upside_down(rate, batch, new_batch, optimizer, noise_scale):
    return rate**2 / scaled_rate(rate, batch, new_batch, optimizer, noise_scale)


def only_upwards(rate, batch, new_batch, optimizer, noise_scale):
    return max(rate, scaled_rate(rate, batch, new_batch, optimizer, noise_scale))


def make_questions(rng: np.random.Generator) -> list[dict]:
    """Below the noise scale, across it in both directions, and above it; for both optimizers."""
    questions = []
    for optimizer in POWERS:
        scale = rng.uniform(150, 400)
        below = rng.permutation([8, 16, 32, 64, 128])[:3].tolist()
        above = rng.permutation([512, 1024, 2048, 4096])[:3].tolist()
        pairs = ((below[0], below[1]), (below[2], above[0]), (above[1], below[0]), (above[1], above[2]))
        for batch, new_batch in pairs:
            questions.append(
                {
                    "rate": rng.uniform(0.01, 0.1),
                    "batch": batch,
                    "new_batch": new_batch,
                    "optimizer": optimizer,
                    "noise_scale": scale,
                }
            )
    return questions


MISTAKES = (
    Mistake(
        "the linear rule for both",
        'You use the linear rule for "adam" as well. Adam divides by the noise too, so its rate follows the root of '
        "the batch size.",
        always_linear,
    ),
    Mistake(
        "the square-root rule for both",
        'You use the square-root rule for "sgd" as well. SGD\'s rate is proportional to the batch size.',
        always_root,
    ),
    Mistake(
        "the two rules exchanged",
        'You have the rules the other way round: "sgd" is linear, "adam" has the root.',
        exchanged,
    ),
    Mistake(
        "no end at the noise scale",
        "Your rule goes on above the noise scale. From there on larger batches hardly make the gradient any better, "
        "and the rate stays where it is.",
        without_cap,
    ),
    Mistake(
        "the old batch is not capped",
        "You cap the new batch at the noise scale, and not the old one. A rate that was tuned at a batch above the "
        "noise scale is that of the noise scale.",
        cap_on_new,
    ),
    Mistake(
        "upside down",
        "Your rate falls where it should rise. A larger batch has less noise, and bears a larger rate.",
        upside_down,
    ),
    Mistake(
        "only upwards",
        "You never lower the rate. When the batch becomes smaller, the rate has to follow.",
        only_upwards,
    ),
)

SCALED_RATE = function_exercise(
    "scaled_rate",
    "hyperparameter_sensitivity",
    make_questions=make_questions,
    right=scaled_rate,
    mistakes=MISTAKES,
    advice="Take the smaller of each batch and the noise scale first, then the ratio of the two, then the power.",
)
