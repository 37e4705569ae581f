"""Gradient descent with dynamic loss scaling, as `torch.amp.GradScaler` does it."""

import numpy as np

from optcourse.exercises.functions import function_exercise
from optcourse.exercises.mistake import Mistake

GROWTH, BACKOFF = 2.0, 0.5


def scaled_descent(gradients, learning_rate, scale, interval):
    """Weights and scales before each step and after the last, from weights of zero."""
    return variant()(gradients, learning_rate, scale, interval)


def variant(
    *,
    skips=True,
    by_entry=False,
    unscale="old",
    backs_off=True,
    grows_on_overflow=False,
    resets_on_overflow=True,
    resets_on_growth=True,
    late=0,
):
    """The solution, or with one setting changed, a wrong one."""

    def answer(gradients, learning_rate, scale, interval):
        weights = np.zeros(np.shape(gradients)[1])
        good, path, scales = 0, [weights], [scale]
        for gradient in np.asarray(gradients, dtype=float):
            finite = bool(np.isfinite(gradient).all())
            old = scale
            if finite or grows_on_overflow:
                good += 1
                if good >= interval + late:
                    scale = scale * GROWTH
                    good = 0 if resets_on_growth else good
            else:
                scale = scale * BACKOFF if backs_off else scale
                good = 0 if resets_on_overflow else good
            divisor = {"old": old, "new": scale, "never": 1.0}[unscale]
            if by_entry:
                weights = weights - learning_rate * np.where(np.isfinite(gradient), gradient, 0) / divisor
            elif finite or not skips:
                weights = weights - learning_rate * gradient / divisor
            path.append(weights)
            scales.append(scale)
        return np.array(path), np.array(scales)

    return answer


def make_questions(rng: np.random.Generator) -> list[dict]:
    """Runs in which the scale grows twice in a row, overflows with some good steps counted, and grows again."""
    asked = []
    for interval in (2, 3, 4):
        steps = 5 * interval + 4
        scale = 2.0 ** rng.integers(8, 17)
        gradients = rng.normal(size=(steps, 2)) * scale
        overflow = 2 * interval + int(rng.integers(1, interval))  # good steps are counted, and not enough
        gradients[overflow, rng.integers(2)] = rng.choice([np.inf, -np.inf])
        if interval > 2:  # two in a row
            gradients[overflow + 1, rng.integers(2)] = np.inf
        asked.append(
            {"gradients": gradients, "learning_rate": rng.uniform(0.01, 0.1), "scale": scale, "interval": interval}
        )
    return asked


def advice(arguments: dict, answer) -> str:
    return (
        "Try the gradients [[8, 8], [inf, 8], [8, 8]] with scale 8, interval 2 and learning rate 1: the weights are "
        "[0, 0], [-1, -1], [-1, -1] and [-3, -3], the scales 8, 8, 4 and 4."
    )


def same_array(gradients, learning_rate, scale, interval):
    """What `weights -= ...` makes of a list of weights: every entry is the same array, the last."""
    weights, scales = scaled_descent(gradients, learning_rate, scale, interval)
    return np.broadcast_to(weights[-1], weights.shape), scales


MISTAKES = (
    Mistake(
        "weights changed in place",
        "Every row of your weights is the last one. `weights -= ...` changes the array that is in your list already: "
        "write `weights = weights - ...`, or keep a copy.",
        same_array,
    ),
    Mistake(
        "steps not skipped",
        "Your weights become infinite or nan. A step whose gradient has an entry that is not finite must not be taken "
        "at all: `np.isfinite(gradient).all()`.",
        variant(skips=False),
    ),
    Mistake(
        "skips entries only",
        "You leave out the entries that are not finite and step with the others. Such a step goes into a direction "
        "that no loss has. Skip it as a whole.",
        variant(by_entry=True),
    ),
    Mistake(
        "not unscaled",
        "Your scales are right. Your steps are those of the scaled loss: divide the gradient by the scale.",
        variant(unscale="never"),
    ),
    Mistake(
        "unscales with the new scale",
        "Your scales are right. But the gradient belongs to the scale with which the loss was multiplied: divide by "
        "that one, and change the scale afterwards.",
        variant(unscale="new"),
    ),
    Mistake(
        "never backs off",
        "Your scale never falls. After a step that is not finite it is halved.",
        variant(backs_off=False),
    ),
    Mistake(
        "counts overflows as good",
        "You count a step that overflowed as a good one, and your scale does not fall. It counts as none: the scale is "
        "halved.",
        variant(grows_on_overflow=True),
    ),
    Mistake(
        "counter not reset after overflow",
        "After an overflow your scale grows too early. It takes `interval` good steps in a row: the overflow sets the "
        "counter back to 0.",
        variant(resets_on_overflow=False),
    ),
    Mistake(
        "counter not reset after growth",
        "Once your scale has grown, it grows in every step. After it has grown, the counter starts from 0 again.",
        variant(resets_on_growth=False),
    ),
    Mistake(
        "grows one step late",
        "Your scale grows one step late. It has to be larger as soon as `interval` good steps have been taken.",
        variant(late=1),
    ),
    Mistake(
        "grows one step early",
        "Your scale grows one step early. It takes `interval` good steps, the last one included.",
        variant(late=-1),
    ),
)

SCALED_DESCENT = function_exercise(
    "scaled_descent",
    "mixed_precision",
    make_questions=make_questions,
    right=scaled_descent,
    mistakes=MISTAKES,
    advice=advice,
)
