"""Training logs of small runs, each of one case of the chapter: loss, gradient norm, update norm and cosine."""

from functools import partial

import numpy as np

CASES = ("plateau", "saddle", "cliff", "cone", "noise", "memory")
STEPS = 120


def make_log(case: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The log of a run that meets one of `CASES`; settings are drawn from `rng`.

    >>> log = make_log("cone", np.random.default_rng(0))
    >>> list(log), log["loss"].shape
    (['loss', 'gradient', 'update', 'cosine'], (120,))
    >>> bool(np.median(log["cosine"][-30:]) < -0.99)
    True
    """
    return {name: _keep_digits(values) for name, values in RUNS[case](rng).items()}


def plateau(rng) -> dict:
    start = rng.uniform(3.8, 4.4) * _direction(rng)
    return _descend(_shelf, start, rate=rng.uniform(0.05, 0.15))


def saddle(rng) -> dict:
    """From a distance off the ridge that has grown to about 1 at the end."""
    rate = rng.uniform(0.065, 0.08)
    distance = rng.uniform(0.4, 0.9) / (1 + 2 * rate) ** STEPS
    start = np.array([rng.uniform(0.7, 1.3), distance])
    return _descend(partial(_saddle, height=rng.uniform(1, 2)), start, rate=rate)


def cliff(rng) -> dict:
    """The recurrent unit of the chapter, from starts that do meet its wall."""
    while True:
        start = np.array([rng.uniform(4.9, 5.1), rng.uniform(-2.37, -2.33)])
        log = _descend(_recurrent, start, rate=0.05)
        at = log["gradient"].argmax()
        if 30 < at < 100 and log["gradient"][at] > 300 * log["gradient"][at - 1]:
            return log


def cone(rng) -> dict:
    return _descend(_cone, rng.uniform(0.6, 1.6) * _direction(rng), rate=rng.uniform(0.08, 0.12))


def noise(rng) -> dict:
    noisy = partial(_bowl, curvatures=rng.uniform(0.7, 1.5, size=4), noise=rng)
    return _descend(noisy, rng.normal(size=4), rate=rng.uniform(0.05, 0.12))


def memory(rng) -> dict:
    """Adam on a long slope, with one gradient that is far too long."""
    at, size = int(rng.integers(35, 55)), 10.0 ** rng.uniform(2.5, 3.2)
    slope = rng.uniform(0.5, 2) * _direction(rng)
    x, m, s = np.zeros(2), np.zeros(2), np.zeros(2)
    rows = []
    for t in range(STEPS):
        gradient = slope * (1 + 0.1 * rng.normal(size=2)) * (size if t == at else 1)
        m, s = 0.9 * m + 0.1 * gradient, 0.999 * s + 0.001 * gradient**2
        update = -0.01 * m / (1 - 0.9 ** (t + 1)) / np.sqrt(s / (1 - 0.999 ** (t + 1)))
        rows.append((20 + slope @ x, gradient, update))
        x = x + update
    return _log(rows)


RUNS = {"plateau": plateau, "saddle": saddle, "cliff": cliff, "cone": cone, "noise": noise, "memory": memory}


def _descend(loss_and_gradient, start, *, rate) -> dict:
    x, rows = start, []
    for _ in range(STEPS):
        loss, gradient = loss_and_gradient(x)
        rows.append((loss, gradient, -rate * gradient))
        x = x - rate * gradient
    return _log(rows)


def _log(rows) -> dict:
    loss, gradients, updates = (np.array(column) for column in zip(*rows, strict=True))
    norms = np.linalg.norm(gradients, axis=1)
    cosine = np.zeros(len(rows))
    products = norms[1:] * norms[:-1]
    np.divide((gradients[1:] * gradients[:-1]).sum(axis=1), products, out=cosine[1:], where=products > 0)
    return {"loss": loss, "gradient": norms, "update": np.linalg.norm(updates, axis=1), "cosine": cosine}


def _keep_digits(values) -> np.ndarray:
    return np.array([float(f"{value:.4g}") for value in values])


def _direction(rng) -> np.ndarray:
    angle = rng.uniform(0.2, 1.3) + np.pi / 2 * rng.integers(4)
    return np.array([np.cos(angle), np.sin(angle)])


def _shelf(x):
    fallen = np.exp(-x @ x / 2)
    return 1 - fallen, x * fallen


def _saddle(x, height):
    return height + x[0] ** 2 - x[1] ** 2, np.array([2 * x[0], -2 * x[1]])


def _cone(x):
    norm = np.linalg.norm(x)
    return norm, x / norm


def _bowl(x, curvatures, noise):
    return np.sum(curvatures * x**2) / 2, curvatures * x + noise.normal(size=len(x))


def _recurrent(params):
    """Loss (s(x_50) - 0.7)^2 of x_t = w s(x_{t-1}) + b from x_0 = 0.5, s the sigmoid, and its gradient."""
    w, b = params
    x, by_w, by_b = 0.5, 0.0, 0.0
    for _ in range(50):
        s = _sigmoid(x)
        inner = w * s * (1 - s)
        x, by_w, by_b = w * s + b, s + inner * by_w, 1 + inner * by_b
    s = _sigmoid(x)
    outer = 2 * (s - 0.7) * s * (1 - s)
    return (s - 0.7) ** 2, np.array([outer * by_w, outer * by_b])


def _sigmoid(x):
    return 0.5 * (1 + np.tanh(x / 2))
