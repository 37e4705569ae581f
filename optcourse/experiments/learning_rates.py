"""Which learning rates work, for one optimizer or many."""

import math

import numpy as np

from optcourse import metrics
from optcourse.experiments.subjects import minimum_loss_of, optimizers_of, shared_among, start_of, surface_of
from optcourse.plotting import STYLE, path_styles
from optcourse.plotting.contours import dress, new_axes
from optcourse.plotting.paths import legend_below
from optcourse.progress import with_bar
from optcourse.sweeps import sweep

RATES = np.logspace(-5, 1, 61)
CLOSE = 1e-3  # of the height at the start, above the minimum: the default target


def learning_rate_sweep(
    optimizers=("sgd", "momentum", "rmsprop", "adam"),
    surface="rosenbrock",
    *,
    start=None,
    learning_rates=RATES,
    steps: int = 1000,
    target: float | None = None,
    seeds=None,
    devices=None,
    progress: bool = True,
):
    """Run every optimizer at every learning rate; returns an `xarray.Dataset`.

    Axes: `optimizer`, `learning_rate`, and `start` or `seed` where several are given. Variables: `steps_to_target`, the
    first step from which on the loss stays at or below the target (inf if it is above at the end), `final_loss`,
    and `diverged`, whether the loss was ever not finite.

    >>> data = learning_rate_sweep("sgd", "booth", learning_rates=[0.05, 0.1, 0.2], steps=300)
    >>> data.steps_to_target.values
    array([[ 2., 16., inf]])

    Args:
        optimizers: a name, a factory or an Optimizer, a list of them, or a dict by label.
        surface: a LossSurface, or a name of the catalogue.
        start: one or several; by default the surface's own.
        learning_rates: by default 61 from 1e-5 to 10, ten in each decade.
        steps: the budget of every run.
        target: a loss; by default a thousandth of the way up from the lowest loss known to the highest start.
        seeds: of the gradient noise or mini-batches, one or several.
        devices: JAX devices that share the runs; by default all CPU devices.
        progress: show a progress bar.

    Raises:
        TypeError, ValueError, KeyError: for bad input.
    """
    import xarray

    surface, chosen = surface_of(surface), optimizers_of(optimizers)
    start = start_of(surface, start)
    target = _target(surface, start) if target is None else float(target)
    parts = []
    for one in with_bar(list(chosen.values()), "learning_rate_sweep", shown=progress):
        grid = sweep(
            one,
            surface,
            start,
            steps=steps,
            record="loss",
            seed=0 if seeds is None else seeds,
            progress=False,
            devices=shared_among(devices, one),
            learning_rate=np.atleast_1d(learning_rates),
        )
        measured = {
            "steps_to_target": metrics.settling_step(grid.loss, target),
            "final_loss": grid.final_loss,
            "diverged": ~np.isfinite(grid.loss).all("step"),
        }
        parts.append(xarray.Dataset(measured))
    data = xarray.concat(parts, xarray.Variable("optimizer", list(chosen)))
    data.attrs = {"experiment": "learning_rate_sweep", "surface": surface.name, "steps": steps, "target": target}
    return data


def successful_range(data):
    """The range of learning rates that reach the target, by optimizer: `lowest`, `highest`, `decades`, `best`.

    A rate counts where the target is reached from every start and with every seed. `decades` is log10(highest /
    lowest) over the longest run of such rates on the grid; 0 for a single one, nan for none. `best` is the rate in it
    that takes the fewest steps, in the worst case.

    Args:
        data: from `learning_rate_sweep`.
    """
    import xarray

    worst = data.steps_to_target
    worst = worst.max([dim for dim in worst.dims if dim not in ("optimizer", "learning_rate")])
    rates = data.learning_rate.values
    rows = [_longest(rates, steps) for steps in worst.transpose("optimizer", "learning_rate").values]
    names = ("lowest", "highest", "decades", "best")
    return xarray.Dataset(
        {name: ("optimizer", list(column)) for name, column in zip(names, zip(*rows, strict=True), strict=True)},
        coords={"optimizer": data.optimizer},
    )


def _longest(rates, steps):
    runs, first = [], None
    for i, works in enumerate([*np.isfinite(steps), False]):
        if works and first is None:
            first = i
        elif not works and first is not None:
            runs.append((first, i))
            first = None
    if not runs:
        return (math.nan,) * 4
    low, end = max(runs, key=lambda run: rates[run[1] - 1] / rates[run[0]])
    best = rates[low:end][np.argmin(steps[low:end])]
    return rates[low], rates[end - 1], math.log10(rates[end - 1] / rates[low]), best


def _target(surface, start) -> float:
    lowest = minimum_loss_of(surface)
    highest = float(np.max(surface.losses(np.atleast_2d(start))))
    return lowest + CLOSE * (highest - lowest)


def draw(data, ax=None):
    """The steps that each optimizer needs, against the learning rate: the median, and a band from best to worst."""
    ax = ax if ax is not None else new_axes(below=data.sizes["optimizer"])
    names = [str(name) for name in data.optimizer.values]
    others = [dim for dim in data.steps_to_target.dims if dim not in ("optimizer", "learning_rate")]
    for name, style in zip(names, path_styles(names), strict=True):
        needed = data.steps_to_target.sel(optimizer=name)
        middle = needed.median(others) if others else needed
        shown = middle.where(np.isfinite(middle)).clip(min=1)  # a start at the target has no place on this axis
        ax.plot(data.learning_rate, shown, label=name, **STYLE["path"] | style)
        if others:
            least, most = needed.min(others), needed.max(others)
            ax.fill_between(
                data.learning_rate,
                least,
                most.where(np.isfinite(most), data.attrs["steps"]),
                where=np.isfinite(least),
                color=style["color"],
                alpha=0.15,
                linewidth=0,
            )
    ax.set(xscale="log", yscale="log", xlabel="learning rate", ylabel=f"steps to loss {data.attrs['target']:.2g}")
    ax.set_xlim(data.learning_rate.min(), data.learning_rate.max())
    finite = data.steps_to_target.values[np.isfinite(data.steps_to_target.values)]
    ax.set_ylim(max(1, finite.min(initial=data.attrs["steps"])) / 1.2, data.attrs["steps"] * 1.2)
    dress(ax)
    legend_below(ax)
    return ax


def plot_ranges(data, ax=None):
    """A bar for each optimizer over the learning rates that reach the target; a mark at the best; returns the Axes."""
    names = [str(name) for name in data.optimizer.values]
    ax = ax if ax is not None else new_axes()
    ranges = successful_range(data)
    for row, (name, style) in enumerate(zip(names, path_styles(names), strict=True)):
        found = ranges.sel(optimizer=name)
        if np.isfinite(found.decades):
            ax.plot([found.lowest, found.highest], [row, row], color=style["color"], linewidth=6, alpha=0.45)
            ax.plot(found.best, row, linestyle="none", color=style["color"], marker=style["marker"], markersize=7)
        else:
            ax.annotate("at none of these rates", (data.learning_rate.min(), row), va="center", fontsize=8)
    ax.set(xscale="log", xlabel="learning rate", yticks=range(len(names)), yticklabels=names)
    ax.set_xlim(data.learning_rate.min(), data.learning_rate.max())
    ax.set_ylim(len(names) - 0.4, -0.6)
    dress(ax)
    return ax
