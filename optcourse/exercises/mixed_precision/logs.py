"""Training logs of small runs in half precision, each with one thing wrong; operations are rounded as there."""

import jax.numpy as jnp
import numpy as np

CASES = ("healthy", "underflow", "stagnation", "overflow", "eps", "b2")
STEPS = 80
HALF, BRAIN, SINGLE = np.dtype("float16"), jnp.dtype("bfloat16"), np.dtype("float32")


def make_log(case: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The log of a run that is one of `CASES`; data and settings are drawn from `rng`.

    `loss` and `gradient` (the norm, unscaled) before each step, `zeros` (share of the gradient's entries that are
    exactly 0), `update` (the norm of what the optimizer asked for), `moved` (the norm of what the weights changed by).
    What is nan stands there as inf.

    >>> log = make_log("stagnation", np.random.default_rng(0))
    >>> list(log), log["loss"].shape
    (['loss', 'gradient', 'zeros', 'update', 'moved'], (80,))
    >>> bool(np.median(log["moved"]) < 0.2 * np.median(log["update"]))
    True
    """
    with np.errstate(all="ignore"):
        return {name: _keep_digits(values) for name, values in RUNS[case](rng).items()}


def healthy(rng) -> dict:
    """float16 with a scaled loss and main weights in float32; by SGD or Adam."""
    task = _task(rng)
    step = _sgd(rng.uniform(0.1, 0.3)) if rng.random() < 0.5 else _adam(rng.uniform(0.05, 0.1), SINGLE)
    return _train(task, step, compute=HALF, weights=SINGLE, scale=lambda t: 2.0**10)


def underflow(rng) -> dict:
    """float16 without a scale: the gradients are a few times the smallest number that it has."""
    size = rng.uniform(4e-4, 8e-4)
    step = _sgd(0.3 / size**2) if rng.random() < 0.5 else _adam(rng.uniform(0.04, 0.08), SINGLE)
    return _train(_task(rng, size=size), step, compute=HALF, weights=SINGLE)


def stagnation(rng) -> dict:
    """Weights in bfloat16, of about 100: the spacing there is half a unit."""
    task = _task(rng, far=rng.uniform(80, 120), off=rng.uniform(2, 6))
    return _train(task, _sgd(rng.uniform(0.01, 0.03)), compute=SINGLE, weights=BRAIN)


def overflow(rng) -> dict:
    """A scale that is doubled every few steps, and nobody looks whether the gradients are finite."""
    every = int(rng.integers(3, 6))
    step = _sgd(rng.uniform(0.02, 0.06)) if rng.random() < 0.5 else _adam(rng.uniform(0.02, 0.05), SINGLE)
    return _train(_task(rng), step, compute=HALF, weights=SINGLE, scale=lambda t: 2.0 ** (8 + t // every))


def eps(rng) -> dict:
    """Adam in float16 throughout, where eps = 1e-8 is 0, and one input that is always 0."""
    return _train(_task(rng, dead=1), _adam(rng.uniform(0.01, 0.03), HALF, b2=0.99), compute=HALF, weights=HALF)


def b2(rng) -> dict:
    """Adam in bfloat16 throughout, where b2 = 0.999 is 1, so that the second moment stays 0; no bias correction."""
    return _train(_task(rng), _adam(rng.uniform(0.001, 0.01), BRAIN, corrected=False), compute=BRAIN, weights=BRAIN)


RUNS = {
    "healthy": healthy,
    "underflow": underflow,
    "stagnation": stagnation,
    "overflow": overflow,
    "eps": eps,
    "b2": b2,
}


def _task(rng, *, size=1.0, far=0.0, off=1.0, dead=0):
    """Least squares: inputs (32, 8), targets, and weights to start from."""
    inputs = size * rng.normal(size=(32, 8))
    inputs[:, :dead] = 0
    right = far * rng.choice([-1, 1], size=8) * rng.uniform(0.9, 1.1, size=8)
    start = right + off * rng.normal(size=8)
    return inputs, inputs @ right + 0.02 * size * rng.normal(size=32), start


def _train(task, step, *, compute, weights, scale=lambda t: 1.0) -> dict:
    inputs, targets, w = task
    narrow_inputs, narrow_targets = inputs.astype(compute), targets.astype(compute)
    w, rows, state = w.astype(weights), [], None
    for t in range(STEPS):
        exact = w.astype(float)
        residual = _product(narrow_inputs, w.astype(compute)) - narrow_targets
        scaled = _product(narrow_inputs.T, residual * np.asarray(scale(t) / 32).astype(compute))
        gradient = scaled.astype(SINGLE) / SINGLE.type(scale(t))
        update, state = step(gradient, state)
        new = (w.astype(SINGLE) + update.astype(SINGLE)).astype(weights)
        loss = np.mean((inputs @ exact - targets) ** 2) / 2
        rows.append((loss, gradient, np.mean(gradient == 0), update, new.astype(float) - exact))
        w = new
    loss, gradients, zeros, updates, moves = (np.array(column).astype(float) for column in zip(*rows, strict=True))
    norms = {"gradient": gradients, "update": updates, "moved": moves}
    norm = {name: np.sqrt(np.sum(np.square(values), axis=1)) for name, values in norms.items()}
    return {
        "loss": loss,
        "gradient": norm["gradient"],
        "zeros": zeros,
        "update": norm["update"],
        "moved": norm["moved"],
    }


def _sgd(learning_rate):
    return lambda gradient, state: (SINGLE.type(-learning_rate) * gradient, state)


def _adam(learning_rate, dtype, *, b1=0.9, b2=0.999, eps=1e-8, corrected=True):
    """Adam with every number of its own in the dtype."""
    rate, b1, b2, eps, one = (np.asarray(value).astype(dtype) for value in (learning_rate, b1, b2, eps, 1.0))

    def step(gradient, state):
        g = gradient.astype(dtype)
        m, s, t = state or (np.zeros(8, dtype), np.zeros(8, dtype), 0)
        m, s, t = b1 * m + (one - b1) * g, b2 * s + (one - b2) * g * g, t + 1
        if corrected:
            first, second = (np.asarray(1 - float(b) ** t).astype(dtype) for b in (b1, b2))
            return -rate * (m / first) / (np.sqrt(s / second) + eps), (m, s, t)
        return -rate * m / (np.sqrt(s) + eps), (m, s, t)

    return step


def _product(matrix, vector):
    """Multiplied in the dtype, added in float32, rounded once: as hardware does it."""
    return (matrix.astype(SINGLE) @ vector.astype(SINGLE)).astype(matrix.dtype)


def _keep_digits(values) -> np.ndarray:
    return np.array([float(f"{value:.4g}") if np.isfinite(value) else np.inf for value in values])
