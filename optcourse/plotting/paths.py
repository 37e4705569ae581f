"""Paths over contours: one, several side by side, several overlaid."""

import math

import numpy as np
from matplotlib import patheffects

from optcourse.plotting.contours import draw_surface, new_axes
from optcourse.plotting.style import LIGHT, STYLE, path_styles
from optcourse.plotting.text import ending, labelled, point, surface_name
from optcourse.plotting.view import (
    check_drawable,
    clipped,
    contains,
    drawn_params,
    drawn_points,
    outside_note,
    view_box,
)
from optcourse.surfaces import LossSurface
from optcourse.tracing import Trajectory

MARKS = 60  # on a path, about; up to here each step has one
COLUMN = 24  # letters: labels longer than that stand below one another


def plot_trajectory(
    path: Trajectory,
    surface: LossSurface | None = None,
    ax=None,
    *,
    domain=None,
    legend: bool = True,
    title: str | None = None,
    **contour_options,
):
    """Draw a path over its surface, start and end marked; returns the Axes.

    Args:
        path: with at least params and loss recorded.
        surface: what to draw beneath; by default the one it was run on.
        ax: where to draw; by default on a new figure.
        domain: a (low, high) pair per parameter; by default the surface's own, widened for a path that leaves it.
        legend: below the Axes.
        title: by default optimizer and surface.
        contour_options: levels, resolution, filled, colorbar of `plot_contours`.

    Raises:
        AttributeError: for a path recorded without params or loss.
        TypeError, ValueError: for anything but a path, or a surface that cannot be drawn.
    """
    if not isinstance(path, Trajectory):
        raise TypeError(
            f"expected a Trajectory (from run), got {type(path).__name__}. For several, use plot_comparison."
        )
    paths, surface = labelled(path), path.surface if surface is None else surface
    check_paths(paths, surface)
    box = view_box(surface, [path], domain)
    ax = ax if ax is not None else new_axes(below=3 * legend)
    (label,) = paths
    _draw_panel(ax, surface, box, paths, path_styles([path.optimizer.name]), contour_options, legend)
    ax.set_title(f"{label} on {surface_name(surface)}" if title is None else title, fontsize=STYLE["font"]["title"])
    return ax


def plot_comparison(
    paths,
    surface: LossSurface | None = None,
    axes=None,
    *,
    overlay: bool = False,
    domain=None,
    legend: bool = True,
    title: str | None = None,
    **contour_options,
):
    """Draw several paths side by side, on one scale, or with `overlay` over one another.

    Args:
        paths: a list of paths, or a dict of them by label.
        surface: by default the one they were run on; side by side, each path may have its own.
        axes: as many Axes as paths, or a single one to overlay on; by default a new figure.
        overlay: all paths on one Axes.
        domain, legend, title, contour_options: as for `plot_trajectory`; the title is above each panel's label.

    Returns:
        An array of Axes, one for each path; with `overlay` one Axes.

    Raises:
        AttributeError, TypeError, ValueError: as `plot_trajectory`; too few axes; surfaces that differ with `overlay`.
    """
    paths = labelled(paths)
    grounds = [path.surface if surface is None else surface for path in paths.values()]
    one_surface = all(ground == grounds[0] for ground in grounds)
    if overlay and not one_surface:
        names = ", ".join(sorted({ground.name for ground in grounds}))
        raise ValueError(f"these paths are on different surfaces ({names}): say which to draw with surface=...")
    for ground, (label, path) in zip(grounds, paths.items(), strict=True):
        check_paths({label: path}, ground)
    styles = path_styles([path.optimizer.name for path in paths.values()])
    if overlay:
        box = view_box(grounds[0], list(paths.values()), domain)
        ax = axes if axes is not None else new_axes(below=legend_lines(paths, grounds[0], box) * legend)
        _draw_panel(ax, grounds[0], box, paths, styles, contour_options, legend)
        ax.set_title(surface_name(grounds[0]) if title is None else title, fontsize=STYLE["font"]["title"])
        return ax
    axes = _grid(len(paths), below=3 * legend) if axes is None else np.ravel(axes)
    if len(axes) < len(paths):
        raise ValueError(
            f"{len(paths)} paths side by side need {len(paths)} axes, got {len(axes)}; or use overlay=True."
        )
    for ax, ground, style, (label, path) in zip(axes, grounds, styles, paths.items(), strict=False):
        box = view_box(ground, list(paths.values()) if one_surface else [path], domain)
        _draw_panel(ax, ground, box, {label: path}, [style], contour_options, legend)
        said = one_surface or f"on {surface_name(ground)}" in label
        where = label if said else f"{label} on {surface_name(ground)}"
        ax.set_title(where if title is None else f"{title}\n{where}", fontsize=STYLE["font"]["title"])
    return axes[: len(paths)]


def check_paths(paths, surface) -> None:
    """Raise unless every path can be drawn on the surface."""
    check_drawable(surface)
    for path in paths.values():
        drawn_points(path, surface)
        path.loss  # noqa: B018  AttributeError if it was not recorded


def draw_path(ax, points, box, style, *, label=None):
    """Draw the part of a path inside the box, every so many steps marked; returns the line."""
    shown = clipped(points, box)
    halo = [_Halo(**STYLE["halo"]), patheffects.Normal()]
    every = math.ceil((len(points) - 1) / MARKS) or 1
    (line,) = ax.plot(*shown.T, zorder=3, label=label, path_effects=halo, markevery=every, **STYLE["path"] | style)
    return line


class _Halo(patheffects.Stroke):
    """What lightens the ground around a line; around the marks on it, it would cut the line into pieces."""

    def draw_path(self, renderer, gc, tpath, affine, rgbFace=None):
        if rgbFace is None:
            super().draw_path(renderer, gc, tpath, affine, rgbFace)


def draw_ends(ax, points, box, style, *, start_label=None, end_label=None):
    """Mark the start, and the end or the place where the path was last seen."""
    if contains(box, points[0]):
        ax.plot(*points[:1].T, linestyle="none", zorder=5, clip_on=False, label=start_label, **STYLE["start"])
    if contains(box, points[-1]):
        look = {"marker": style["marker"], "color": style["color"], **STYLE["end"]}
        ax.plot(*points[-1:].T, linestyle="none", zorder=6, clip_on=False, label=end_label, **look)
        return
    seen = clipped(points, box)
    last = seen[-1:] if len(seen) else points[:0]
    look = {"color": style["color"], **STYLE["lost"]}
    ax.plot(*last.T, linestyle="none", zorder=6, label=end_label, clip_on=False, **look)


def named(label, path, points, box) -> str:
    """The label, and what the picture does not show of the path."""
    note = outside_note(path, points, box)
    return f"{label}, {note}" if note else label


def legend_lines(paths, surface, box) -> int:
    """How many lines the legend of these paths, start and minimum takes."""
    names = [named(label, path, drawn_params(path, surface), box) for label, path in paths.items()]
    return len(names) + 2 if max(map(len, names)) > COLUMN else math.ceil(len(names) / 2) + 1


def legend_below(ax):
    """A legend under the Axes, where it covers nothing, in one column if labels are long; paths come first."""
    handles, labels = ax.get_legend_handles_labels()
    entries = dict(zip(labels, handles, strict=True))  # a label that occurs twice is said once
    entries |= {mark: entries.pop(mark) for mark in ("start", "minimum") if mark in entries}
    columns = 1 if max(map(len, entries), default=0) > COLUMN else 2
    if not entries:
        return
    ax.legend(
        entries.values(),
        entries.keys(),
        loc="upper center",
        bbox_to_anchor=(0.5, -0.13),
        ncols=columns,
        frameon=False,
        fontsize=STYLE["font"]["legend"],
        labelcolor=LIGHT["ink"],
    )


def _draw_panel(ax, surface, box, paths, styles, contour_options, legend):
    box = draw_surface(ax, surface, box, **contour_options)
    single = len(paths) == 1
    for style, (label, path) in zip(styles, paths.items(), strict=True):
        points = drawn_points(path, surface)
        draw_path(ax, points, box, style, label=None if single else named(label, path, points, box))
        ended = outside_note(path, points, box) or ending(path).removeprefix("to ")
        draw_ends(
            ax,
            points,
            box,
            style,
            start_label=f"start {point(path.params[0])}" if single else "start",
            end_label=f"{len(path)} steps: {ended}" if single else None,
        )
    if legend:
        legend_below(ax)


def _grid(count, below):
    columns = min(count, 3)
    axes = np.ravel(new_axes(math.ceil(count / columns), columns, below=below))
    for spare in axes[count:]:
        spare.remove()
    return axes[:count]
