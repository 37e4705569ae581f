"""The log of a run that is stuck, to be diagnosed without knowing what made it."""

import numpy as np

STEPS, BAD_BATCH = 4000, 1200


def stuck_run() -> dict[str, np.ndarray]:
    """Loss, gradient norm, update norm and cosine of a run of Adam with learning rate 0.003, of 4000 steps.

    >>> from optcourse.exercises.pathological_cases import stuck_run
    >>> list(stuck_run())
    ['loss', 'gradient', 'update', 'cosine']
    """
    rng = np.random.default_rng(6)
    curvatures = np.geomspace(0.1, 10, 20)
    x, m, s = rng.normal(size=20) * 3, np.zeros(20), np.zeros(20)
    columns = {"loss": [], "gradient": [], "update": [], "cosine": []}
    previous = None
    for t in range(STEPS):
        gradient = curvatures * x + 0.3 * rng.normal(size=20)
        if t == BAD_BATCH:
            gradient = 50_000 * rng.normal(size=20)
        m, s = 0.9 * m + 0.1 * gradient, 0.999 * s + 0.001 * gradient**2
        update = -0.003 * m / (1 - 0.9 ** (t + 1)) / np.sqrt(s / (1 - 0.999 ** (t + 1)))
        columns["loss"].append(np.sum(curvatures * x**2) / 2)
        columns["gradient"].append(np.linalg.norm(gradient))
        columns["update"].append(np.linalg.norm(update))
        norms = np.nan if previous is None else np.linalg.norm(gradient) * np.linalg.norm(previous)
        columns["cosine"].append(np.nan if previous is None else gradient @ previous / norms)
        x, previous = x + update, gradient
    return {name: np.array(values) for name, values in columns.items()}
