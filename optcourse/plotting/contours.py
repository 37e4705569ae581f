"""A surface from above: bands of equal loss, minima marked; a curve where there is one parameter."""

import numpy as np
from contourpy import contour_generator
from matplotlib import pyplot as plt
from matplotlib.colors import LinearSegmentedColormap

from optcourse.plotting.style import LIGHT, STYLE
from optcourse.plotting.text import surface_name
from optcourse.plotting.view import Box, Field, contains, sample, view_box
from optcourse.surfaces import LossSurface


def plot_contours(
    surface: LossSurface,
    ax=None,
    *,
    domain=None,
    levels=14,
    resolution: int = 201,
    filled: bool = True,
    colorbar: bool = False,
    title: str | None = None,
):
    """Draw a surface of two parameters as bands of equal loss (of one parameter: as a curve); returns the Axes.

    The lines are spaced evenly in the logarithm of the height above the lowest loss in view; where that lies on the
    edge of the view (a saddle), evenly in the loss itself, unless most of the view lies in its lowest hundredth.

    Args:
        ax: where to draw; by default on a new figure.
        domain: a (low, high) pair per parameter; by default the surface's own.
        levels: how many lines, or the losses at which to draw them.
        resolution: grid points per axis.
        filled: bands in grey, darker upwards; otherwise lines alone.
        colorbar: add a scale of losses.
        title: by default the surface's name.

    Raises:
        ValueError: for a surface of more parameters, or a domain that is none.
    """
    box = view_box(surface, (), domain)
    ax = ax if ax is not None else new_axes()
    draw_surface(ax, surface, box, levels=levels, resolution=resolution, filled=filled, colorbar=colorbar)
    ax.set_title(surface_name(surface) if title is None else title, fontsize=STYLE["font"]["title"])
    return ax


def new_axes(rows=1, columns=1, *, below=0):
    """Axes of a new figure of our size, one or an array, each with room for `below` lines of legend under it."""
    size = STYLE["size"]
    height = size + (0.4 + 0.22 * below if below else 0)
    _, axes = plt.subplots(rows, columns, figsize=(size * columns, height * rows), layout="constrained")
    return axes


def draw_surface(ax, surface, box, *, levels=14, resolution=201, filled=True, colorbar=False) -> Box:
    """Draw bands or curve, minima, axis labels and limits; returns the box in the plane of the figure."""
    if surface.dim == 1:
        box = _draw_curve(ax, surface, box, resolution)
    else:
        field = sample(surface, box, resolution)
        _draw_bands(ax, field, levels, filled, colorbar)
        ax.set_xlabel("x")
        ax.set_ylabel("y")
        (left, right), (bottom, top) = box
        if 1 / 3 <= (top - bottom) / (right - left) <= 3:
            ax.set_aspect("equal", adjustable="box", anchor="N")  # at the top: below comes the legend
    ax.set_xlim(*box[0])
    ax.set_ylim(*box[1])
    _draw_minima(ax, surface, box)
    dress(ax)
    return box


def dress(ax) -> None:
    """Give an Axes our ink, lines and sizes of letters."""
    ink, size = LIGHT["ink"], STYLE["font"]["label"]
    for spine in ax.spines.values():
        spine.set(**STYLE["spine"])
    ax.tick_params(color=STYLE["spine"]["color"], labelcolor=ink, labelsize=size)
    for text in (ax.xaxis.label, ax.yaxis.label):
        text.set(color=ink, fontsize=size)
    ax.title.set(color=ink)


def loss_levels(field: Field, count: int) -> np.ndarray:
    """`count` losses, spaced as `plot_contours` says; none for a constant."""
    height = field.losses[np.isfinite(field.losses)] - field.lowest
    height = height[height > 0]
    if not height.size:
        return np.array([])
    top = height.max()
    if not _has_minimum(field) and np.median(height) > 0.01 * top:
        return np.linspace(field.lowest, field.lowest + top, count + 2)[1:-1]
    # The lowest line encloses about half a percent of the view, or it would be a dot.
    bottom = max(np.quantile(height, 0.005), 1e-200 * top)
    levels = field.lowest + (np.geomspace(bottom, top, count + 1)[:-1] if bottom < top else np.array([bottom]))
    return np.unique(levels)


def contour_lines(x, y, heights, levels):
    """The lines on which a grid has the given heights: pairs of points (n, 2) and the height."""
    lines = contour_generator(x, y, np.ma.masked_invalid(heights))
    return [(line, level) for level in levels for line in lines.lines(level)]


def _has_minimum(field) -> bool:
    """Whether the lowest loss in view is a minimum, not merely where the view ends."""
    row, column = np.unravel_index(np.nanargmin(field.losses), field.losses.shape)
    edges = (0, len(field.x) - 1)
    return field.lowest < field.losses[row, column] or (row not in edges and column not in edges)


def _draw_bands(ax, field, levels, filled, colorbar):
    levels = (
        loss_levels(field, levels) if isinstance(levels, (int, np.integer)) else np.unique(np.asarray(levels, float))
    )
    ax.set_facecolor(STYLE["ground"][0])
    if not levels.size:
        return
    shown = np.ma.masked_invalid(field.losses)
    ramp = LinearSegmentedColormap.from_list("ground", STYLE["ground"])(np.linspace(0, 1, len(levels) + 1))
    if filled:
        bands = ax.contourf(field.x, field.y, shown, levels=levels, colors=ramp, extend="both")
        if colorbar:
            ax.figure.colorbar(bands, ax=ax, label="loss", format="%.3g")
        ax.contour(field.x, field.y, shown, levels=levels, **STYLE["contour"])
    else:
        ax.contour(field.x, field.y, shown, levels=levels, **STYLE["contour"] | {"colors": [*ramp[1:]]})


def _draw_curve(ax, surface, box, resolution) -> Box:
    x = np.linspace(*box[0], 4 * resolution)
    losses = np.array(surface.losses(x[:, None]))
    losses[~np.isfinite(losses)] = np.nan
    ax.plot(x, losses, zorder=1, **STYLE["curve"])
    ax.set_xlabel("x")
    ax.set_ylabel("loss")
    low, high = (np.nanmin(losses), np.nanmax(losses)) if np.isfinite(losses).any() else (0.0, 1.0)
    pad = 0.08 * (high - low) or 1.0
    return (box[0], (low - pad, high + pad))


def _draw_minima(ax, surface, box):
    places = [(*m.params, m.loss) if surface.dim == 1 else m.params for m in surface.minima]
    places = np.array([place for place in places if contains(box, place)], dtype=float)
    if len(places):
        look = STYLE["minimum"] | ({} if len(places) <= 6 else {"markersize": 6})  # a curve of minima, sampled
        ax.plot(*places.T, linestyle="none", zorder=4, clip_on=False, label="minimum", **look)
