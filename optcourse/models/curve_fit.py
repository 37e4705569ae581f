"""A tanh network that fits a curve through a few points: small enough to compute its whole Hessian."""

import numpy as np

from optcourse.arrays import namespace
from optcourse.models.networks import like_weights, outputs
from optcourse.surfaces.loss_surface import LossSurface


def curve_fit_loss(degree: int = 4, points: int = 20) -> LossSurface:
    """Half the mean squared error of a tanh network on points of a Chebyshev polynomial, over its weights.

    f(params) = mean_n (network(x_n) - T(x_n))^2 / 2, with `points` x_n evenly spaced from -1 to 1. Every step sees
    all points. The network has as many layers as the params that it starts from, such as
    `initial_params((1, 24, 24, 1), gain=1)`.

    Args:
        degree: of the polynomial T.
        points: how many.

    Raises:
        ValueError: for fewer than 2 points, or a negative degree.

    Source: the polynomial as target for a study of sharpness: Cohen, Kaur, Li, Kolter and Talwalkar 2021,
    arXiv:2103.00065.
    """
    if points < 2 or degree < 0:
        raise ValueError(f"points must be 2 or more and degree 0 or more, got {points} and {degree}.")
    return LossSurface(_loss, name="curve_fit", dim=None, constants={"degree": int(degree), "points": int(points)})


def _loss(params, degree, points):
    xp = namespace(params["layer 1"]["weight"])
    x = np.linspace(-1, 1, points)[:, None]
    target = np.cos(degree * np.arccos(x))
    said = outputs(params, like_weights(params, x), xp.tanh)
    return xp.mean((said - like_weights(params, target)) ** 2) / 2
