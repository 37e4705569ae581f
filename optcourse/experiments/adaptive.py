"""What adaptive methods do to each coordinate: the learning rate that it effectively gets, step by step."""

import numpy as np

from optcourse.experiments.subjects import optimizers_of, start_of, surface_of
from optcourse.plotting.contours import dress, new_axes
from optcourse.plotting.paths import legend_below
from optcourse.plotting.style import LINES, path_styles
from optcourse.progress import with_bar
from optcourse.tracing import run


def adaptive_lr_behavior(
    optimizers=("adagrad", "rmsprop", "adam"),
    surface="quadratic_bowl",
    *,
    start=None,
    steps: int = 200,
    seed: int = 0,
    progress: bool = True,
):
    """Follow every optimizer and divide its updates by the gradients; returns an `xarray.Dataset`.

    Axes: `optimizer`, `update` (0 ... steps - 1), `coordinate`. Variables: `effective_rate`, -update / gradient in each
    coordinate, nan where the gradient is 0; `gradients`, `updates`; `params` and `loss` before the update. For SGD
    it is the learning rate. With momentum, the update also contains earlier gradients, so that the effective rate may
    be negative, or large, where the gradient changes its sign.

    >>> data = adaptive_lr_behavior(["sgd", "adagrad"], steps=3)
    >>> data.effective_rate.sel(optimizer="sgd").values.round(4).tolist()
    [[0.01, 0.01], [0.01, 0.01], [0.01, 0.01]]

    Args:
        optimizers: a name, a factory or an Optimizer, a list of them, or a dict by label.
        surface: a LossSurface over an array, or a name of the catalogue.
        start: by default the surface's own.
        steps: of every path.
        seed: of the gradient noise.
        progress: show a progress bar.

    Raises:
        TypeError, ValueError, KeyError: for bad input.
    """
    import xarray

    surface, chosen = surface_of(surface), optimizers_of(optimizers)
    start = start_of(surface, start)
    names = ("params", "loss", "gradients", "updates")
    parts = []
    for one in with_bar(list(chosen.values()), "adaptive_lr_behavior", shown=progress):
        path = run(one, surface, start, steps=steps, record=names, seed=seed, progress=False)
        gradients, updates = np.asarray(path.gradients), np.asarray(path.updates)
        with np.errstate(divide="ignore", invalid="ignore"):
            effective = np.where(gradients != 0, -updates / gradients, np.nan)
        during = ("update", "coordinate")
        variables = {
            "effective_rate": (during, effective),
            "gradients": (during, gradients),
            "updates": (during, updates),
            "params": (during, np.asarray(path.params)[:steps]),
            "loss": ("update", np.asarray(path.loss)[:steps]),
        }
        parts.append(xarray.Dataset(variables))
    data = xarray.concat(parts, xarray.Variable("optimizer", list(chosen)))
    data.attrs = {"experiment": "adaptive_lr_behavior", "surface": surface.name, "steps": steps}
    return data


def draw(data, ax=None):
    """The effective rate of each coordinate against the step: a colour for the optimizer, a line for the coordinate."""
    names = [str(name) for name in data.optimizer.values]
    ax = ax if ax is not None else new_axes(below=len(names) * data.sizes["coordinate"])
    for name, style in zip(names, path_styles(names), strict=True):
        for coordinate in range(data.sizes["coordinate"]):
            rate = data.effective_rate.sel(optimizer=name).isel(coordinate=coordinate)
            line = LINES[coordinate % len(LINES)]
            label = f"{name}, coordinate {coordinate}"
            ax.plot(data["update"], rate.where(rate > 0), color=style["color"], linestyle=line, label=label)
    ax.set(yscale="log", xlabel="step", ylabel="effective learning rate")
    dress(ax)
    legend_below(ax)
    return ax
