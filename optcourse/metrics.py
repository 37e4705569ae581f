"""What a trajectory says in numbers: rate, steps to tolerance, oscillation, length, divergence.

Every function takes a `Trajectory` and needs nothing recorded but `params` and `loss`. Distances are
Euclidean, in the units of the parameters; params that are a pytree are flattened first.

>>> from optcourse import optimizers, run, surfaces
>>> bowl = surfaces.quadratic_bowl((1.0, 4.0))
>>> path = run(optimizers.sgd(learning_rate=0.4), bowl, [2.0, 1.0], steps=40)
>>> steps_to_tolerance(path, 1e-6)
15
>>> round(linear_rate(path), 6)  # |1 - learning_rate * curvature| is 0.6 along both axes
0.6
>>> oscillation(path, coordinate=0), oscillation(path, coordinate=1)
(0.0, 1.0)
>>> round(path_length(path), 2), round(displacement(path), 2), round(efficiency(path), 2)
(4.47, 2.24, 0.5)
>>> distance_to_minimum(path)[:2].round(3)
array([2.236, 1.342])
>>> divergence_step(run(optimizers.sgd(learning_rate=1.0), bowl, [2.0, 1.0], steps=40), threshold=1e6)
6
"""

import math

import jax
import numpy as np
from jaxtyping import Float

from optcourse.tracing import Trajectory


def steps_to_tolerance(path: Trajectory, tolerance: float, *, minimum_loss: float | None = None) -> int | None:
    """First step t with loss[t] - minimum_loss <= tolerance; None if the path never gets there.

    Args:
        tolerance: in units of the loss, above the minimum.
        minimum_loss: by default that of the surface's known minima.

    Raises:
        ValueError: for a tolerance that is not positive and finite, or where no minimum is known and none is given.
    """
    if not (isinstance(tolerance, (int, float, np.number)) and 0 < tolerance < math.inf):
        raise ValueError(f"tolerance must be a positive number, got {tolerance!r}.")
    gap = np.asarray(path.loss, dtype=float) - _minimum_loss(path, minimum_loss)
    reached = np.flatnonzero(np.isfinite(gap) & (gap <= tolerance))  # a loss of -inf has diverged
    return int(reached[0]) if reached.size else None


def settling_step(loss, level: float):
    """First step from which on the loss stays at or below `level`; infinite where it is above it at the end.

    Unlike `steps_to_tolerance` it is not taken in by a path that passes the level and leaves again.

    >>> settling_step(np.array([4.0, 0.5, 2.0, 0.5, 0.1]), 1.0)
    3.0

    Args:
        loss: (steps + 1,), or an `xarray.DataArray` with the axis `step`, as `sweep` gives it.
        level: a loss, such as that of the minimum and a little more.

    Returns:
        A float, or an array over the other axes.
    """
    if not hasattr(loss, "dims"):
        return float(_settling(np.asarray(loss), level))
    axis = loss.dims.index("step")
    return loss.isel(step=0, drop=True).copy(data=_settling(np.moveaxis(loss.values, axis, -1), level))


def _settling(loss, level):
    above = ~(loss <= level)  # nan is above
    steps = loss.shape[-1]
    after = np.where(above.any(-1), steps - np.argmax(above[..., ::-1], axis=-1), 0)
    return np.where(after < steps, after, np.inf)


def linear_rate(path: Trajectory, *, minimum=None) -> float:
    r"""Factor by which a step shrinks the distance to the minimum, fitted to the later part of the path.

    Least squares of log ||params[t] - minimum|| = c + t log(rate) + log(1 + s t). The factor 1 + s t, s >= 0, is
    that of a double root, as optimally tuned momentum has on a quadratic; s is 0 unless that at least halves the
    residual. What is fitted is the distance's upper envelope (its maximum from each step on), so that oscillation
    through the minimum does no harm. The fit covers the second half of the decline, which ends before rounding does
    it: at 1,000 units of roundoff, or within a factor of 10 of the closest approach. A factor above 1 is growth.

    Args:
        minimum: distance to which point, (dim,); by default the known minimum nearest to where the path ended.

    Returns:
        The factor per step. 0 where the path lands on the minimum in a few steps; nan where there is nothing to
        fit: no steps, or a start on the minimum or at once diverged.

    Raises:
        ValueError: where no minimum is known and none is given.
    """
    distance = _norm(_positions(path) - _target(path, minimum))
    finite = np.isfinite(distance)
    distance = distance[: len(distance) if finite.all() else int(np.argmin(finite))]
    if len(distance) < 2 or distance[0] == 0:
        return math.nan
    if distance[-1] < distance[0]:
        ends = np.flatnonzero(distance <= _resolution(path, distance, minimum))
        distance = distance[: max(ends[0], 2)] if ends.size else distance
        rises = np.flatnonzero(np.diff(distance) > 0)
        # An oscillating path may stop in mid-swing, next to the minimum: its last peak is what counts.
        if rises.size and rises[-1] + 2 > len(distance) / 2:
            distance = distance[: rises[-1] + 2]
    distance = distance[: len(distance) - (distance[-1] == 0)]
    if len(distance) < 2:
        return 0.0
    growing = distance[-1] >= distance[0]
    envelope = np.maximum.accumulate(distance) if growing else np.maximum.accumulate(distance[::-1])[::-1]
    steps = np.arange(len(envelope))
    later = slice(len(envelope) // 2 if len(envelope) >= 8 else 0, None)
    return _fitted_factor(steps[later], np.log(envelope[later]))


def oscillation(path: Trajectory, *, coordinate: int | None = None) -> float:
    """Fraction of steps that turn back: the angle to the step before is more than 90 degrees.

    The mean over t of [d[t] . d[t-1] < 0], with d[t] = params[t+1] - params[t]. Steps that are not finite, or that
    did not move, are left out; nan where fewer than two steps are left. 0 is a path that never turns back,
    1 one that jumps to and fro all the time.

    Args:
        coordinate: look at this coordinate alone.
    """
    moves = _moves(path)
    if coordinate is not None:
        moves = moves[:, [coordinate]]
    size = _norm(moves)
    counted = np.isfinite(size) & (size > 0)
    moves = moves[counted] / size[counted, None]  # to unit length, so that products of tiny steps do not underflow
    if len(moves) < 2:
        return math.nan
    return float(np.mean(np.sum(moves[1:] * moves[:-1], axis=1) < 0))


def path_length(path: Trajectory) -> float:
    """Length of the path, sum over t of ||params[t+1] - params[t]||; inf for one that diverged."""
    return _total(_norm(_moves(path)))


def displacement(path: Trajectory) -> float:
    """Straight distance from start to end, ||params[-1] - params[0]||; inf for a path that diverged."""
    positions = _positions(path)
    return _total(_norm(positions[-1:] - positions[:1]))


def efficiency(path: Trajectory) -> float:
    """displacement / path_length: 1 is straight, near 0 wanders; nan for a path that stood still or diverged."""
    length = path_length(path)
    return displacement(path) / length if 0 < length < math.inf else math.nan


def distance_to_minimum(path: Trajectory) -> Float[np.ndarray, " points"]:
    """Distance to the nearest known minimum before each step and after the last: (steps + 1,).

    Raises:
        ValueError: where the surface knows no minimum.
    """
    positions = _positions(path)
    return np.min([_norm(positions - minimum) for minimum in _known_minima(path)], axis=0)


def divergence_step(path: Trajectory, *, threshold: float = math.inf) -> int | None:
    """First step at which the loss or a parameter is not finite, or the loss is above `threshold`; None if none is."""
    loss = np.asarray(path.loss, dtype=float)
    bad = ~np.isfinite(loss) | (loss > threshold)
    if "params" in path.record.history:
        bad |= ~np.isfinite(_positions(path)).all(axis=1)
    return int(np.argmax(bad)) if bad.any() else None


def summary(path: Trajectory, *, tolerance: float = 1e-6) -> dict:
    """All of the above as one dict, for a table. What needs a known minimum is None where there is none."""
    known = bool(path.surface.minima)
    return {
        "optimizer": path.optimizer.name,
        "surface": path.surface.name,
        "steps": len(path),
        "final_loss": path.final_loss,
        "steps_to_tolerance": steps_to_tolerance(path, tolerance) if known else None,
        "linear_rate": linear_rate(path) if known else None,
        "distance_to_minimum": float(distance_to_minimum(path)[-1]) if known else None,
        "oscillation": oscillation(path),
        "path_length": path_length(path),
        "efficiency": efficiency(path),
        "divergence_step": divergence_step(path),
    }


def _positions(path) -> Float[np.ndarray, "points dim"]:
    """params as (steps + 1, number of parameters) in double precision."""
    leaves = jax.tree.leaves(path.params)
    return np.concatenate([np.asarray(leaf, dtype=float).reshape(len(path) + 1, -1) for leaf in leaves], axis=1)


def _moves(path) -> Float[np.ndarray, "steps dim"]:
    with np.errstate(over="ignore", invalid="ignore"):  # between points of a path that has diverged
        return np.diff(_positions(path), axis=0)


def _norm(vectors: Float[np.ndarray, "*batch dim"]) -> Float[np.ndarray, "*batch"]:
    """Euclidean norm of each row, without overflow or underflow on the way."""
    with np.errstate(over="ignore"):
        return np.hypot.reduce(vectors, axis=1)


def _total(lengths) -> float:
    with np.errstate(over="ignore"):
        total = float(lengths.sum())
    return math.inf if math.isnan(total) else total


def _known_minima(path) -> Float[np.ndarray, "minima dim"]:
    if not path.surface.minima:
        raise ValueError(f"no minimum is known of {path.surface.name}: give the surface its minima.")
    return np.array([np.ravel(minimum.params) for minimum in path.surface.minima], dtype=float)


def _minimum_loss(path, given) -> float:
    if given is not None:
        return float(given)
    if not path.surface.minima:
        raise ValueError(f"no minimum is known of {path.surface.name}: give minimum_loss, or the surface its minima.")
    return min(minimum.loss for minimum in path.surface.minima)


def _target(path, minimum) -> np.ndarray:
    positions = _positions(path)
    if minimum is not None:
        target = np.asarray(minimum, dtype=float).ravel()
        if target.shape != positions.shape[1:]:
            raise ValueError(f"minimum must have {positions.shape[1]} coordinates, got {target.size}.")
        return target
    minima = _known_minima(path)
    finite = positions[np.isfinite(positions).all(axis=1)]
    return minima[np.argmin(_norm(minima - finite[-1]))]


def _resolution(path, distance, minimum) -> float:
    """Distance below which the path no longer tells the rate: rounding, or rattling about its closest approach."""
    roundoff = max(float(jax.numpy.finfo(leaf.dtype).eps) for leaf in jax.tree.leaves(path.params))
    scale = max(distance[0], float(np.linalg.norm(_target(path, minimum))))
    closest = distance.min()
    # A path that has come down by less than four decades keeps three quarters of its decline.
    rattling = closest * min(10.0, (distance[0] / closest) ** 0.25) if closest else 0.0
    return max(1e3 * roundoff * scale, rattling)


def _fitted_factor(t, log_distance) -> float:
    """exp of the slope of log_distance against t, after taking out log(1 + s t) for the best s >= 0."""
    t0 = t - t.mean()

    def fit(s):
        rest = log_distance - np.log1p(np.multiply.outer(s, t))
        rest = rest - rest.mean(axis=-1, keepdims=True)
        slope = rest @ t0 / (t0 @ t0)
        return slope, np.sum((rest - np.multiply.outer(slope, t0)) ** 2, axis=-1)

    plain, residual = fit(np.array(0.0))
    candidates = np.geomspace(1e-4, 1e4, 81)
    for _ in range(4):  # zoom in on the best s
        slopes, residuals = fit(candidates)
        best = int(np.argmin(residuals))
        candidates = np.geomspace(candidates[max(best - 1, 0)], candidates[min(best + 1, 80)], 81)
    exact = 1e-20 * len(t)  # residuals of pure rounding say nothing about s
    double_root = residual > exact and residuals[best] < 0.5 * residual
    return float(np.exp(slopes[best] if double_root else plain))
