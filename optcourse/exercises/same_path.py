"""When two paths count as equal."""

import numpy as np

# How far rounding may move a path, relative to its size. Single precision has to pass, and may hide in an array of
# doubles: tests/test_exercises.py measures that it stays far below, and that every mistake is far above.
TOLERANCE = 3e-5
FAR = 1e4  # beyond this a path diverges, and its rounding errors with it


def same(path: np.ndarray, other: np.ndarray) -> bool:
    """Whether two paths, (steps + 1, dim), are equal up to rounding, as far as the other one stays near."""
    if path.shape != other.shape:
        return False
    sizes = np.where(np.isfinite(other), np.abs(other), 0).max(axis=1)
    lost = ~np.isfinite(other).all(axis=1) | (sizes > FAR)
    end = int(np.argmax(lost)) + 1 if lost.any() else len(other)
    path, other, sizes = path[:end], other[:end], np.maximum.accumulate(sizes[:end])[:, None]
    close = np.abs(path - other) <= TOLERANCE * (1 + sizes)
    return bool((close | (path == other) | (np.isnan(path) & np.isnan(other))).all())
