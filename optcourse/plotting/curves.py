"""Loss against steps."""

import math

import numpy as np

from optcourse.metrics import divergence_step
from optcourse.plotting.contours import dress, new_axes
from optcourse.plotting.paths import legend_below
from optcourse.plotting.style import LIGHT, STYLE, path_styles
from optcourse.plotting.text import labelled

DECADES_UP, DECADES_DOWN = 4, 18  # around the largest start: one path that diverges must not flatten the others


def plot_loss_curves(paths, ax=None, *, log: bool = True, minimum_loss: float | None = None, legend: bool = True):
    """Draw the loss of each path against the step; returns the Axes.

    On the logarithmic scale, it is the loss above the minimum: the given one, or the surfaces' where all know theirs.
    Without any, it is the loss itself, or where that is negative its height above the lowest one seen. A loss at
    or below the minimum (it has reached rounding) is drawn on the lower edge; a path that diverges ends in a cross.

    Args:
        paths: a path, a list of paths, or a dict of them by label.
        ax: where to draw; by default on a new figure.
        log: logarithmic scale; otherwise the loss as it is.
        minimum_loss: the loss to measure from.
        legend: below the Axes.
    """
    paths = labelled(paths)
    losses = [np.asarray(path.loss, dtype=float) for path in paths.values()]
    ax = ax if ax is not None else new_axes(below=len(paths) * legend)
    lowests, axis_label = _reference(list(paths.values()), losses, minimum_loss, log)
    heights = [_finite(loss - lowest) for loss, lowest in zip(losses, lowests, strict=True)]
    bottom, top = _limits(heights) if log else (-math.inf, math.inf)
    styles = path_styles(path.optimizer.name for path in paths.values())
    for height, style, (label, path) in zip(heights, styles, paths.items(), strict=True):
        shown = np.clip(height, bottom, top)
        shown[1:][(height[:-1] > top) & (height[1:] > top)] = np.nan  # once above the figure, it stays away
        lost = divergence_step(path)
        name = label if lost is None else f"{label}, diverges at step {lost}"
        marked = {"markevery": 0.12} if np.isfinite(shown).any() else {}  # which nothing at all cannot be
        ax.plot(np.arange(len(shown)), shown, label=name, **marked, **STYLE["path"] | style)
        if lost is not None:
            last = np.flatnonzero(np.isfinite(shown))[-1:]
            ax.plot(last, shown[last], linestyle="none", color=style["color"], clip_on=False, **STYLE["lost"])
    if log:
        ax.set_yscale("log")
        ax.set_ylim(bottom, top)
    ax.set_xlim(0, max(1, *(len(height) - 1 for height in heights)))
    ax.set_xlabel("step")
    ax.set_ylabel(axis_label)
    ax.grid(visible=True, color=LIGHT["rule"], linewidth=0.6)
    ax.set_axisbelow(True)
    dress(ax)
    if legend:
        legend_below(ax)
    return ax


def _reference(paths, losses, minimum_loss, log):
    """What each loss is measured from, and the axis label that says so."""
    if not log:
        return [0.0] * len(paths), "loss"
    if minimum_loss is not None:
        return [float(minimum_loss)] * len(paths), f"loss above {minimum_loss:.3g}"
    if all(path.surface.minima for path in paths):
        lowests = [min(minimum.loss for minimum in path.surface.minima) for path in paths]
        return lowests, "loss" if not any(lowests) else "loss above the minimum"
    seen = np.concatenate([_finite(loss) for loss in losses])
    lowest = float(np.nanmin(seen, initial=math.inf))
    if 0 < lowest < math.inf:
        return [0.0] * len(paths), "loss"
    lowest = lowest if math.isfinite(lowest) else 0.0
    return [lowest] * len(paths), "loss above the lowest seen"


def _limits(heights):
    values = np.concatenate(heights)
    values = values[values > 0]  # nan compares False
    starts = [height[0] for height in heights if height[0] > 0] or [values.max(initial=1.0)]
    most, least = 10.0**DECADES_UP * max(starts), 10.0**-DECADES_DOWN * max(starts)
    top = min(values.max(initial=0.0) or 1.0, most)
    bottom = max(values.min(initial=top), least)
    return bottom / 2, top * 2


def _finite(values):
    return np.where(np.isfinite(values), values, np.nan)
