"""A surface in perspective, to turn with the pointer: Plotly, imported only here."""

import math

import numpy as np
from matplotlib.colors import to_hex, to_rgb

from optcourse.plotting.contours import loss_levels
from optcourse.plotting.paths import check_paths
from optcourse.plotting.paths_3d import Mark, end_marks, key_of, line_trace, mark_traces
from optcourse.plotting.style import STYLE, THEMES, path_styles
from optcourse.plotting.text import describe, labelled, short, surface_name
from optcourse.plotting.view import contains, sample, view_box
from optcourse.surfaces import LossSurface

LEVELS = 14
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif'


def plot_surface_3d(
    paths,
    surface: LossSurface | None = None,
    *,
    domain=None,
    height: str = "auto",
    resolution: int = 81,
    title: str | None = None,
    theme: str = "light",
):
    """An interactive 3-D view of a surface with paths on it, as a Plotly figure.

    A path is drawn at the losses it recorded, lifted a little above the surface. Its part outside the
    domain is left out; a long one is thinned to 1,000 points. `figure.layout.meta["description"]` says it in words.
    On a page of the course, use `show_surface_3d`.

    Args:
        paths: a path, a list of paths, or a dict of them by label; or None for the surface alone.
        surface: by default the first path's.
        domain: a (low, high) pair per parameter; by default the surface's own, widened for a path that leaves it.
        height: "loss", or "log" for the logarithm of the loss above the lowest, or "auto": "log" where the
            highest loss in view is more than 5 times the median one, both above the lowest.
        resolution: grid points per axis.
        title: by default the surface's name.
        theme: "light" or "dark".

    Raises:
        ImportError: without plotly.
        ValueError: for a surface that does not have two parameters, or another height or theme.
    """
    try:
        import plotly.graph_objects as go
    except ImportError as error:
        raise ImportError('3-D figures need plotly: pip install "optcourse[plotly]".') from error
    if height not in ("auto", "loss", "log"):
        raise ValueError(f'height must be "auto", "loss" or "log", got {height!r}.')
    if theme not in THEMES:
        raise ValueError(f'theme must be "light" or "dark", got {theme!r}.')
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
    heights = raise_to(field.losses)
    low, high = (np.nanmin(heights), np.nanmax(heights)) if np.isfinite(heights).any() else (0.0, 0.0)
    lift = 0.015 * float(high - low)
    styles = path_styles((p.optimizer.name for p in paths.values()), theme)
    lines = [
        line_trace(path, surface, box, style, label, field, raise_to, lift)
        for style, (label, path) in zip(styles, paths.items(), strict=True)
    ]
    minima = [m for m in surface.minima if contains(box, m.params)]
    marks = [Mark("★", THEMES[theme]["paper"], *m.params, float(raise_to(m.loss)) + lift, "minimum") for m in minima]
    for style, line, path in zip(styles, lines, paths.values(), strict=True):
        marks += end_marks(line, path, surface, box, style)
    name = surface_name(surface)
    layout = _layout(field, raise_to, (low - lift, high + 2 * lift), logarithmic, theme)
    return go.Figure(
        [_ground(field, raise_to, logarithmic, theme), *lines, *mark_traces(marks, lift, theme)],
        layout
        | {
            "title": {
                "text": name if title is None else title,
                "font": {"size": _pixels("title")},
                "x": 0.5,
                "y": 0.98,
            },
            "meta": {"description": describe(paths) if paths else f"The surface {name}, in perspective."},
            "legend": layout["legend"] | {"title": {"text": key_of(marks), "font": layout["font"]}},
        },
    )


def _layout(field, raise_to, reach, logarithmic, theme) -> dict:
    look = THEMES[theme]
    axis = {
        "color": look["ink"],
        "gridcolor": look["rule"],
        "zerolinecolor": look["rule"],
        "showbackground": False,
        "showspikes": False,
        "tickfont": {"size": 11},
        "nticks": 7,
    }
    reach = [float(end) for end in reach] if reach[0] < reach[1] else None
    return {
        "template": "none",
        "font": {"family": FONT, "size": _pixels("label"), "color": look["ink"]},
        "paper_bgcolor": look["paper"],
        "hoverlabel": {"bgcolor": look["soft"], "bordercolor": look["faint"], "font": {"color": look["ink"]}},
        "scene": {
            "xaxis": axis | {"title": {"text": "x"}, "range": [float(x) for x in field.x[[0, -1]]]},
            "yaxis": axis | {"title": {"text": "y"}, "range": [float(y) for y in field.y[[0, -1]]]},
            "zaxis": axis
            | {"range": reach, "nticks": 6}
            | (_height_axis(field, raise_to) if logarithmic else {"title": {"text": "loss"}}),
            "aspectmode": "manual",
            "aspectratio": {"x": 1, "y": 1, "z": 0.5},
            "camera": {"eye": {"x": -0.72, "y": -1.13, "z": 1.5}, "center": {"x": 0, "y": 0, "z": -0.13}},
        },
        "margin": {"l": 0, "r": 0, "t": 30, "b": 0},
        "legend": {"x": 0, "y": 1, "yanchor": "top", "bgcolor": "rgba(0,0,0,0)"},
        "uirevision": "same",  # a change of colours leaves the camera where the reader has it
    }


def _ground(field, raise_to, logarithmic, theme) -> dict:
    """The surface: greys as in `plot_contours`, and its contour lines where they are evenly spaced in height."""
    look = THEMES[theme]
    heights = raise_to(field.losses)
    levels = raise_to(loss_levels(field, LEVELS))
    spaces = np.diff(levels)
    if not levels.size or not np.allclose(spaces, spaces[:1], rtol=1e-2):
        levels = np.linspace(np.nanmin(heights), np.nanmax(heights), LEVELS + 2)[1:-1]
    lines = {"show": True, "color": _solid(look["line"], look["low"], look["high"]), "width": 1}
    if len(levels) > 1 and levels[1] > levels[0]:
        lines |= {
            "start": float(levels[0]),
            "end": float(levels[-1]) * (1 + 1e-9),
            "size": float(levels[1] - levels[0]),
        }
    return {
        "type": "surface",
        "x": field.x.astype(np.float32),
        "y": field.y.astype(np.float32),
        "z": heights.astype(np.float32),
        **({"customdata": field.losses.astype(np.float32)} if logarithmic else {}),
        "colorscale": [[0, look["low"]], [1, look["high"]]],
        "showscale": False,
        "lighting": {"ambient": 0.65, "diffuse": 0.45, "specular": 0.03, "roughness": 0.9, "fresnel": 0},
        "name": "loss",
        "contours": {"z": lines},
        "hovertemplate": "x %{x:.3g}<br>y %{y:.3g}<br>loss %{"
        + ("customdata" if logarithmic else "z")
        + ":.3g}<extra></extra>",
    }


def _solid(color, low, high) -> str:
    """A colour with an alpha, #rrggbbaa, over the middle between two others: Plotly's contour lines know no alpha."""
    over, alpha = np.array(to_rgb(color[:7])), int(color[7:], 16) / 255
    return to_hex(alpha * over + (1 - alpha) * (np.array(to_rgb(low)) + to_rgb(high)) / 2)


def _pixels(which) -> int:
    return round(STYLE["font"][which] * 96 / 72)


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
