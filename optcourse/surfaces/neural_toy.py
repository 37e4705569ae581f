"""A real two-layer network, small enough to see: its loss along two of its weights or two directions.

Three tanh units with biases and three output weights fit 16 noisy points of a sine. The network is trained
once, to convergence in double precision, when the first of these surfaces is made.
"""

from functools import lru_cache

import numpy as np

from optcourse.arrays import namespace
from optcourse.surfaces.loss_surface import LossSurface, Minimum
from optcourse.surfaces.parts import at_least

HIDDEN = 3
WEIGHTS = 3 * HIDDEN  # incoming weights, biases, outgoing weights, in this order


def network_slice(weights: tuple[int, int] = (1, 7)) -> LossSurface:
    r"""The network's loss as a function of two of its weights, the others as training left them.

    f(p) = mean_n (\sum_j v_j tanh(w_j x_n + b_j) - y_n)^2, where p replaces two entries of (w, b, v).

    In standard form these are the weights into and out of one hidden unit with a small bias. Turning both signs
    gives nearly the same network, hence two valleys with a saddle between them.

    Args:
        weights: positions of two different weights in the nine of (w, b, v).

    Raises:
        ValueError: for positions that are equal or out of range.
    """
    first, second = (at_least("every position in weights", i, 0) for i in weights)
    if first == second or max(first, second) >= WEIGHTS:
        raise ValueError(f"weights must be two different positions from 0 to {WEIGHTS - 1}, got {tuple(weights)}.")
    trained, loss = trained_network()
    axes = np.eye(WEIGHTS)[[first, second]]
    names = [f"{group}_{unit + 1}" for group in "wbv" for unit in range(HIDDEN)]
    return LossSurface(
        _network_plane,
        name="network_slice",
        minima=(Minimum((trained[first], trained[second]), loss),),
        formula=_FORMULA + rf"\quad \text{{along }} {names[first]}, {names[second]}",
        start=(3.0, 0.5),
        source="this course",
        constants=_plane(trained * (1 - axes.sum(axis=0)), axes),
    )


def network_filter_normalized(seed: int = 0) -> LossSurface:
    """The network's loss along two random directions through the trained weights, scaled filter by filter.

    f(p) = loss(trained + p_1 d_1 + p_2 d_2), where the part of each Gaussian direction d that belongs to one
    filter (the weights into one unit) has the norm of that filter. So a distance of 1 means the same
    for every unit. (In ReLU networks, where rescaling a layer leaves the function alone, the sharpness that is seen
    does not change with it either.)

    Args:
        seed: of the directions.

    Source: Li, Xu, Taylor, Studer & Goldstein 2018, section 4, arXiv:1712.09913.
    """
    trained, loss = trained_network()
    directions = np.random.default_rng(at_least("seed", seed, 0)).standard_normal((2, WEIGHTS))
    for direction in directions:
        for filter_ in _filters():
            direction[filter_] *= np.linalg.norm(trained[filter_]) / np.linalg.norm(direction[filter_])
    return LossSurface(
        _network_plane,
        name="network_filter_normalized",
        domain=((-1.0, 1.0),) * 2,
        minima=(Minimum((0.0, 0.0), loss),),
        formula=_FORMULA + r"\quad \text{at } \theta^* + p_1 d_1 + p_2 d_2",
        start=(-0.8, 0.7),
        source="Li, Xu, Taylor, Studer & Goldstein 2018, Visualizing the loss landscape of neural nets, "
        "section 4, arXiv:1712.09913",
        constants=_plane(trained, directions),
    )


@lru_cache(maxsize=1)
def trained_network() -> tuple[np.ndarray, float]:
    """The nine trained weights (w, b, v) and the loss there, computed in NumPy from a seeded start.

    Levenberg-Marquardt finds the minimum and Newton's method then takes the gradient down to rounding error,
    so that every machine prints the same digits.
    """
    weights, damping = np.random.default_rng(1).standard_normal(WEIGHTS), 1.0
    for _ in range(200):
        residuals, jacobian = _residuals(weights)
        step = np.linalg.solve(jacobian.T @ jacobian + damping * np.eye(WEIGHTS), jacobian.T @ residuals)
        better = np.sum(_residuals(weights - step)[0] ** 2) < np.sum(residuals**2)
        weights, damping = (weights - step, max(damping / 3, 1e-6)) if better else (weights, damping * 4)
    for _ in range(5):
        nudges = 1e-20j * np.eye(WEIGHTS)  # a complex step differentiates to the last digit
        hessian = np.stack([_gradient(weights + nudge).imag / 1e-20 for nudge in nudges])
        weights = weights - np.linalg.solve(hessian, _gradient(weights))
    weights.flags.writeable = False
    return weights, float(np.mean(_residuals(weights)[0] ** 2))


_FORMULA = r"\operatorname{mean}_n \big(\sum_j v_j \tanh(w_j x_n + b_j) - y_n\big)^2"


def _network_plane(params, inputs, targets, origin, axis_0, axis_1):
    xp = namespace(params)
    inputs, targets, origin, axis_0, axis_1 = (
        xp.asarray(values, dtype=params.dtype) for values in (inputs, targets, origin, axis_0, axis_1)
    )
    weights = origin + params[0] * axis_0 + params[1] * axis_1
    w, b, v = (weights[i : i + HIDDEN, None] for i in (0, HIDDEN, 2 * HIDDEN))
    outputs = xp.sum(v * xp.tanh(w * inputs + b), axis=0)
    return xp.mean((outputs - targets) ** 2)


def _plane(origin, axes):
    inputs, targets = _data()
    arrays = {"inputs": inputs, "targets": targets, "origin": origin, "axis_0": axes[0], "axis_1": axes[1]}
    return {name: tuple(values.tolist()) for name, values in arrays.items()}  # tuples compare and hash


def _data():
    inputs = np.linspace(-2, 2, 16)
    return inputs, np.sin(2 * inputs) + 0.1 * np.random.default_rng(0).standard_normal(16)


def _filters():
    units = [np.array([unit, HIDDEN + unit]) for unit in range(HIDDEN)]
    return [*units, np.arange(2 * HIDDEN, WEIGHTS)]


def _residuals(weights):
    inputs, targets = _data()
    w, b, v = weights.reshape(3, HIDDEN)
    hidden = np.tanh(np.outer(inputs, w) + b)
    slope = v * (1 - hidden**2)
    return hidden @ v - targets, np.hstack([slope * inputs[:, None], slope, hidden])


def _gradient(weights):
    residuals, jacobian = _residuals(weights)
    return jacobian.T @ residuals
