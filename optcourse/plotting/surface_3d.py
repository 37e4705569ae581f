"""A surface in perspective, to turn with the pointer: Plotly, imported only here."""

import math

import numpy as np

from optcourse.plotting.paths import check_paths
from optcourse.plotting.style import STYLE, path_styles
from optcourse.plotting.text import describe, labelled, short, surface_name
from optcourse.plotting.view import contains, drawn_points, sample, view_box
from optcourse.surfaces import LossSurface

SYMBOLS = {"o": "circle", "s": "square", "D": "diamond", "X": "x", "P": "cross"}  # the 3-D ones Plotly has
DASHES = {"-": "solid", "--": "dash", "-.": "dashdot", ":": "dot"}
POINTS = 1000  # of a long path: its file stays small


def plot_surface_3d(
    paths,
    surface: LossSurface | None = None,
    *,
    domain=None,
    height: str = "auto",
    resolution: int = 81,
    title: str | None = None,
):
    """An interactive 3-D view of a surface with paths on it, as a Plotly figure.

    A path is drawn at the losses it recorded, lifted a little above the surface. Its part outside the
    domain is left out; a long one is thinned to 1,000 points. `figure.layout.meta["description"]` says it in words.

    Args:
        paths: a path, a list of paths, or a dict of them by label; or None for the surface alone.
        surface: by default the first path's.
        domain: a (low, high) pair per parameter; by default the surface's own, widened for a path that leaves it.
        height: "loss", or "log" for the logarithm of the loss above the lowest, or "auto": "log" where the
            highest loss in view is more than 5 times the median one, both above the lowest.
        resolution: grid points per axis.
        title: by default the surface's name.

    Raises:
        ImportError: without plotly.
        ValueError: for a surface that does not have two parameters, or another height.
    """
    try:
        import plotly.graph_objects as go
    except ImportError as error:
        raise ImportError('3-D figures need plotly: pip install "optcourse[plotly]".') from error
    if height not in ("auto", "loss", "log"):
        raise ValueError(f'height must be "auto", "loss" or "log", got {height!r}.')
    paths = {} if paths is None else labelled(paths)
    if surface is None and not paths:
        raise ValueError("there is nothing to draw: give a path, or surface=...")
    surface = next(iter(paths.values())).surface if surface is None else surface
    if surface.dim != 2:
        raise ValueError(f"3-D needs a surface of two parameters, {surface.name} has {surface.dim}.")
    check_paths(paths, surface)
    box = view_box(surface, list(paths.values()), domain)
    field = sample(surface, box, resolution)
    logarithmic = height == "log" or (height == "auto" and _is_huge(field))
    raise_to = _log_height(field) if logarithmic else np.asarray
    lift = 0.01 * float(np.ptp(raise_to(field.losses[np.isfinite(field.losses)])))
    traces = [_surface_trace(go, field, raise_to)]
    for style, (label, path) in zip(path_styles(p.optimizer.name for p in paths.values()), paths.items(), strict=True):
        traces += _path_traces(go, path, surface, box, style, label, field, raise_to, lift)
    figure = go.Figure(traces)
    name = surface_name(surface)
    figure.update_layout(
        title=name if title is None else title,
        template="plotly_white",
        scene={
            "xaxis": {"title": "x"},
            "yaxis": {"title": "y"},
            "zaxis": _height_axis(field, raise_to) if logarithmic else {"title": "loss"},
            "aspectratio": {"x": 1, "y": 1, "z": 0.5},
            "camera": {"eye": {"x": -0.7, "y": -1.1, "z": 1.7}},
        },
        margin={"l": 0, "r": 0, "t": 40, "b": 0},
        legend={"x": 0.01, "y": 0.99},
        meta={"description": describe(paths) if paths else f"The surface {name}, in perspective."},
    )
    return figure


def _surface_trace(go, field, raise_to):
    low, high = STYLE["relief"]
    return go.Surface(
        x=field.x,
        y=field.y,
        z=raise_to(field.losses).astype(np.float32),
        customdata=field.losses.astype(np.float32),
        colorscale=[[0, low], [1, high]],
        showscale=False,
        name="loss",
        contours={"z": {"show": True, "color": "#ffffff", "width": 1}},
        hovertemplate="x %{x:.3g}<br>y %{y:.3g}<br>loss %{customdata:.3g}<extra></extra>",
    )


def _path_traces(go, path, surface, box, style, label, field, raise_to, lift):
    points, steps = drawn_points(path, surface), np.arange(len(path) + 1)
    if len(steps) > POINTS:
        steps = np.unique(np.linspace(0, len(path), POINTS).round().astype(int))
    points, loss = points[steps].copy(), np.asarray(path.loss, dtype=float)[steps]
    hidden = ~np.array([contains(box, p) for p in points]) | ~np.isfinite(loss)
    points[hidden] = np.nan
    # In a valley narrower than the grid, the path would run beneath the drawn surface.
    ground = _between_grid_points(field, raise_to(field.losses), points)
    heights = np.fmax(raise_to(np.where(hidden, np.nan, loss)), ground) + lift
    line = go.Scatter3d(
        x=points[:, 0],
        y=points[:, 1],
        z=heights,
        customdata=np.column_stack([steps, loss]),
        mode="lines+markers",
        name=label,
        line={"color": style["color"], "width": 6, "dash": DASHES[style["linestyle"]]},
        marker={"color": style["color"], "size": 2.5, "symbol": SYMBOLS.get(style["marker"], "circle")},
        hovertemplate=label
        + "<br>step %{customdata[0]:d}<br>x %{x:.4g}<br>y %{y:.4g}<br>loss %{customdata[1]:.3g}<extra></extra>",
    )
    seen = np.flatnonzero(~hidden)[[0, -1]] if (~hidden).any() else []
    ends = go.Scatter3d(
        x=points[seen, 0],
        y=points[seen, 1],
        z=heights[seen],
        mode="markers",
        marker={
            "size": 6,
            "color": ["#ffffff", style["color"]][: len(seen)],
            "symbol": ["circle", "diamond"][: len(seen)],
            "line": {"color": "#000000", "width": 2},
        },
        text=["start", "end"][: len(seen)],
        hovertemplate=label + " %{text}<extra></extra>",
        showlegend=False,
        name=f"{label}, start and end",
    )
    return [line, ends]


def _between_grid_points(field, heights, points):
    """Bilinear interpolation of the grid's heights at points (n, 2); nan at those that are nan."""
    known = np.isfinite(points).all(axis=1)
    column, row = (
        np.interp(points[known, axis], grid, np.arange(len(grid))) for axis, grid in enumerate((field.x, field.y))
    )
    i, j = (np.minimum(place.astype(int), len(field.x) - 2) for place in (row, column))
    down, right = row - i, column - j
    result = np.full(len(points), np.nan)
    result[known] = (1 - down) * ((1 - right) * heights[i, j] + right * heights[i, j + 1])
    result[known] += down * ((1 - right) * heights[i + 1, j] + right * heights[i + 1, j + 1])
    return result


def _is_huge(field) -> bool:
    above = field.losses[np.isfinite(field.losses)] - field.lowest
    return bool(above.size) and above.max() > 5 * np.median(above)


def _log_height(field):
    """losses -> log10 of their height above the lowest, level below what the grid can resolve."""
    above = field.losses[np.isfinite(field.losses)] - field.lowest
    floor = max(np.quantile(above[above > 0], 0.002), 1e-12 * above.max()) if (above > 0).any() else 1.0
    return lambda losses: np.log10(np.maximum(np.asarray(losses) - field.lowest, floor))


def _height_axis(field, raise_to):
    heights = raise_to(field.losses)
    decades = np.arange(math.ceil(np.nanmin(heights)), math.floor(np.nanmax(heights)) + 1)
    return {
        "title": "loss" if field.lowest == 0 else f"loss above {short(field.lowest)}",
        "tickvals": decades.tolist(),
        "ticktext": [f"{10.0**decade:g}" for decade in decades],
    }
