"""How the speed of convergence depends on the condition number, with each method at its best settings."""

import math

import jax.numpy as jnp
import numpy as np

from optcourse import metrics, theory
from optcourse.arrays import double_precision
from optcourse.optimizers.lookup import get
from optcourse.plotting.contours import dress, new_axes
from optcourse.plotting.paths import legend_below
from optcourse.plotting.style import path_styles
from optcourse.progress import with_bar
from optcourse.surfaces import quadratic_bowl
from optcourse.tracing import run

DECLINE = 1e-9  # of the distance, which a path is given the steps for


def convergence_analysis(
    optimizers=("sgd", "momentum", "nesterov"),
    *,
    condition_numbers=(10.0, 100.0, 1000.0, 10_000.0),
    progress: bool = True,
):
    """Run each method at its best settings on bowls of growing condition number; returns an `xarray.Dataset`.

    Axes: `optimizer`, `condition_number`. Variables: `learning_rate` and `momentum`, the best ones
    (`theory.best_settings`); `predicted_rate` and `measured_rate`, the factor by which a step shrinks the distance to
    the minimum in the long run; `steps`, until the distance is a millionth of the first.

    >>> data = convergence_analysis("sgd", condition_numbers=[10.0])
    >>> round(float(data.predicted_rate[0, 0]), 6), round(float(data.measured_rate[0, 0]), 6)
    (0.818182, 0.818182)

    Args:
        optimizers: names of methods with a theory: "sgd", "momentum", "nesterov".
        condition_numbers: the largest curvature; the smallest is 1. Of 1e5, gradient descent takes a million steps.
        progress: show a progress bar.

    Raises:
        ValueError: for a method without theory, or a condition number below 1.
    """
    import xarray

    names = [optimizers] if isinstance(optimizers, str) else list(optimizers)
    kappas = np.atleast_1d(np.asarray(condition_numbers, dtype=float))
    pairs = [(name, kappa) for name in names for kappa in kappas]
    rows = [_one(name, kappa) for name, kappa in with_bar(pairs, "convergence_analysis", shown=progress)]
    axes, shape = ("optimizer", "condition_number"), (len(names), len(kappas))
    return xarray.Dataset(
        {key: (axes, np.reshape([row[key] for row in rows], shape)) for key in rows[0]},
        coords={"optimizer": names, "condition_number": kappas},
        attrs={"experiment": "convergence_analysis"},
    )


def _one(name, kappa) -> dict:
    settings = theory.best_settings(name, 1.0, kappa)
    with double_precision():
        predicted = float(theory.contraction(name, jnp.array([1.0, kappa]), settings))
    steps = 100 + math.ceil(2 * math.log(DECLINE) / math.log(predicted)) if 0 < predicted < 1 else 100
    bowl = quadratic_bowl((1.0, kappa))
    path = run(get(name)(**settings), bowl, [1.0, 1.0], steps=steps, record=("params", "loss"))
    distance = metrics.distance_to_minimum(path)
    return {
        "learning_rate": settings["learning_rate"],
        "momentum": settings.get("momentum", 0.0),
        "predicted_rate": predicted,
        "measured_rate": metrics.linear_rate(path),
        "steps": float(metrics.settling_step(distance, 1e-6 * distance[0])),
    }


def draw(data, ax=None):
    """The steps that each method needs, measured, and what the predicted rate says, against the condition number."""
    names = [str(name) for name in data.optimizer.values]
    ax = ax if ax is not None else new_axes(below=len(names) + 1)
    for name, style in zip(names, path_styles(names), strict=True):
        found = data.sel(optimizer=name)
        ax.plot(found.condition_number, found.steps, label=name, **style)
        predicted = math.log(1e-6) / np.log(found.predicted_rate)
        ax.plot(found.condition_number, predicted, color=style["color"], linestyle=":", linewidth=1)
    ax.plot([], [], color="black", linestyle=":", linewidth=1, label="from the predicted rate alone")
    ax.set(xscale="log", yscale="log", xlabel="condition number", ylabel="steps to a millionth of the distance")
    dress(ax)
    legend_below(ax)
    return ax
