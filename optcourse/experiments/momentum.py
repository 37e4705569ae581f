"""The phase diagram of momentum: how fast each pair of learning rate and momentum contracts, measured and predicted."""

import jax
import jax.numpy as jnp
import numpy as np

from optcourse import theory
from optcourse.arrays import double_precision
from optcourse.experiments.subjects import optimizers_of, shared_among, start_of, surface_of
from optcourse.plotting.contours import dress, new_axes
from optcourse.plotting.style import LIGHT, PALETTE
from optcourse.surfaces import quadratic_bowl
from optcourse.sweeps import sweep

ROUNDING = 1e-12  # of the distance at the start: below it rounding decides
FAR = 1e100  # times that distance: beyond it squares overflow


def momentum_effects(
    surface=None,
    *,
    optimizer="momentum",
    start=None,
    learning_rates=None,
    momenta=None,
    steps: int = 300,
    devices=None,
    progress: bool = True,
):
    """Run momentum for every pair of learning rate and momentum; returns an `xarray.Dataset`.

    Axes: `momentum`, `learning_rate`. Variables: `measured_rate`, the factor by which a step changes the distance to
    the nearest minimum, over the later part of the path; `predicted_rate`, the same from the Hessian's eigenvalues
    there; `oscillation`, the share of steps that turn back.

    >>> data = momentum_effects(learning_rates=[0.02, 0.05], momenta=[0.0, 0.8], steps=200)
    >>> (abs(data.measured_rate - data.predicted_rate) < 0.01).values
    array([[ True,  True],
           [ True,  True]])

    Args:
        surface: a LossSurface whose minimum is known, or a name; by default a bowl with curvatures 1 and 25.
        optimizer: one with a `momentum`: "momentum" or "nesterov", on either backend.
        start: by default the surface's own; every direction should be in it.
        learning_rates: by default 60 up to 4.2 / L, where L is the largest curvature at the minimum.
        momenta: by default 50 from 0 to 0.98.
        steps: of every run. The slowest contraction that is told from 1 is about 1 - 1 / steps.
        devices: JAX devices that share the runs; by default all CPU devices.
        progress: show a progress bar.

    Raises:
        TypeError, ValueError, KeyError: for bad input.
    """
    import xarray

    surface = quadratic_bowl((1.0, 25.0)) if surface is None else surface_of(surface)
    ((_, optimizer),) = optimizers_of([optimizer]).items()
    if "momentum" not in optimizer.hyperparams:
        raise ValueError(f"{optimizer.name} has no momentum to change; momentum and nesterov have.")
    if not surface.minima:
        raise ValueError(f"no minimum is known of {surface.name}, so there is no distance to measure.")
    start = start_of(surface, start)
    minima = np.array([minimum.params for minimum in surface.minima])
    target = minima[np.argmin(np.linalg.norm(minima - np.asarray(start), axis=1))]
    curvatures = np.linalg.eigvalsh(surface.hessian(target))
    rates = np.linspace(4.2 / 60, 4.2, 60) / curvatures[-1] if learning_rates is None else np.atleast_1d(learning_rates)
    momenta = np.linspace(0, 0.98, 50) if momenta is None else np.atleast_1d(momenta)
    grid = sweep(
        optimizer,
        surface,
        start,
        steps=steps,
        record="params",
        progress=progress,
        devices=shared_among(devices, optimizer),
        momentum=momenta,
        learning_rate=rates,
    )
    measured, oscillation = _measure(grid.params.transpose("momentum", "learning_rate", "step", "coordinate") - target)
    axes = ("momentum", "learning_rate")
    return xarray.Dataset(
        {
            "measured_rate": (axes, measured),
            "predicted_rate": (axes, _predict(optimizer.name, curvatures, rates, momenta)),
            "oscillation": (axes, oscillation),
        },
        coords={"momentum": momenta, "learning_rate": rates},
        attrs={
            "experiment": "momentum_effects",
            "optimizer": optimizer.name,
            "surface": surface.name,
            "steps": steps,
            "largest_curvature": curvatures[-1],
        },
    )


def _measure(away) -> tuple[np.ndarray, np.ndarray]:
    """Contraction and share of steps that turn back, for paths (..., steps + 1, dim) relative to the minimum."""
    away = np.asarray(away)
    with np.errstate(all="ignore"):
        distance = np.linalg.norm(away, axis=-1)
        moves = np.diff(away, axis=-2)
        turns = np.sum(moves[..., 1:, :] * moves[..., :-1, :], axis=-1) < 0
    return np.apply_along_axis(contraction_of, -1, distance), turns.mean(axis=-1)


def contraction_of(distance) -> float:
    """The factor per step by which a path's distance to the minimum changes, over the later two thirds of it.

    The slope of a line through the logarithm of sqrt(distance[t]^2 + distance[t + 1]^2): two points in a row are the
    state of momentum, which does not vanish when the path swings through the minimum. The path ends where rounding, or
    overflow, begins.
    """
    first = distance[0]
    usable = (distance > ROUNDING * first) & (distance < FAR * first)
    end = len(distance) if usable.all() else int(np.argmin(usable))
    if end < 6:
        return 0.0 if distance[min(end, len(distance) - 1)] <= ROUNDING * first else np.inf
    state = np.log(np.hypot(distance[: end - 1], distance[1:end]))[end // 3 :]
    time = np.arange(len(state)) - (len(state) - 1) / 2
    return float(np.exp(time @ state / (time @ time)))


def _predict(name, curvatures, rates, momenta):
    def one(momentum, rate):
        return theory.contraction(name, curvatures, {"learning_rate": rate, "momentum": momentum})

    with double_precision():
        each = jax.vmap(jax.vmap(one, (None, 0)), (0, None))
        return np.asarray(each(jnp.asarray(momenta), jnp.asarray(rates)))


def draw(data, ax=None):
    """The measured contraction as shades, darker is faster, hatched where it diverges; the predicted limit, a line."""
    ax = ax if ax is not None else new_axes()
    x, y = data.learning_rate.values, data.momentum.values
    speed = -np.log(np.clip(data.measured_rate.values, 1e-3, 1e3))  # per step; below 0 it diverges
    contracting = np.ma.masked_less_equal(speed, 0)
    shades = ax.pcolormesh(x, y, contracting, cmap="Blues", vmin=0, shading="nearest", rasterized=True)
    ax.contourf(x, y, -speed, levels=[0, np.inf], colors="none", hatches=["///"])
    if data.predicted_rate.notnull().all():
        predicted = data.predicted_rate.values
        ax.contour(x, y, predicted, levels=[1], colors=PALETTE["vermilion"], linewidths=1.8)
        row, column = np.unravel_index(np.argmin(predicted), predicted.shape)
        look = {"marker": "*", "markersize": 13, "markeredgecolor": LIGHT["ink"], "color": LIGHT["paper"]}
        ax.plot(x[column], y[row], linestyle="none", label="fastest, predicted", **look)
        ax.plot([], [], color=PALETTE["vermilion"], label="stability limit, predicted")
        ax.legend(loc="lower right", fontsize=8)
    ax.figure.colorbar(shades, ax=ax, label="measured: −ln(contraction)")
    ax.set(xlabel="learning rate", ylabel="momentum")
    dress(ax)
    return ax
