"""Paths on a surface in perspective, and the marks of their starts, ends and of minima, as traces for Plotly."""

from typing import NamedTuple

import numpy as np

from optcourse.plotting.paths import MARKS
from optcourse.plotting.style import GLYPHS, LOST, THEMES
from optcourse.plotting.view import contains, drawn_points

PLOTLY_DASHES = {"-": "solid", "--": "dash", "-.": "dashdot", ":": "dot"}
START = "#ffffff"  # with a black edge, whatever the theme: as the handle of a live figure
POINTS = 1000  # of a long path: its file stays small


class Mark(NamedTuple):
    """A glyph in space, and what it stands for."""

    glyph: str
    color: str
    x: float
    y: float
    z: float
    says: str


def line_trace(path, surface, box, style, label, field, raise_to, lift) -> dict:
    """The part of a path in the box, at the heights `raise_to` makes of its losses, not below the drawn ground."""
    points, steps = drawn_points(path, surface), np.arange(len(path) + 1)
    if len(steps) > POINTS:
        steps = np.unique(np.linspace(0, len(path), POINTS).round().astype(int))
    points, loss = points[steps].copy(), np.asarray(path.loss, dtype=float)[steps]
    hidden = ~np.array([contains(box, p) for p in points]) | ~np.isfinite(loss)
    points[hidden] = np.nan
    # In a valley narrower than the grid, the path would run beneath the drawn surface.
    ground = _between_grid_points(field, raise_to(field.losses), points)
    heights = np.fmax(raise_to(np.where(hidden, np.nan, loss)), ground) + lift
    few = len(points) <= MARKS + 1  # then every step is a mark, as in `plot_trajectory`
    return {
        "type": "scatter3d",
        "x": points[:, 0].astype(np.float32),
        "y": points[:, 1].astype(np.float32),
        "z": heights.astype(np.float32),
        "customdata": np.column_stack([steps, loss]).astype(np.float32),
        "mode": "lines+markers" if few else "lines",
        "name": label,
        "line": {"color": style["color"], "width": 5, "dash": PLOTLY_DASHES[style["linestyle"]]},
        "marker": {"color": style["color"], "size": 3},
        "hovertemplate": label
        + "<br>step %{customdata[0]:d}<br>x %{x:.4g}<br>y %{y:.4g}<br>loss %{customdata[1]:.3g}<extra></extra>",
    }


def end_marks(line, path, surface, box, style) -> list[Mark]:
    """The marks of a path's start, and of its end or where it was last seen."""
    seen = np.flatnonzero(np.isfinite(line["x"]))
    if not seen.size:
        return []
    first, last = (tuple(float(line[axis][k]) for axis in "xyz") for k in seen[[0, -1]])
    start = [Mark("●", START, *first, f"{line['name']} start")] if seen[0] == 0 else []
    if seen[-1] + 1 == len(line["x"]) and contains(box, drawn_points(path, surface)[-1]):
        return [*start, Mark(GLYPHS[style["marker"]], style["color"], *last, f"{line['name']} end")]
    return [*start, Mark(LOST, style["color"], *last, f"{line['name']} last seen")]


def mark_traces(marks, lift, theme) -> list[dict]:
    """Marks as glyphs, which always face the reader: outlines, and before them what fills them."""
    outlined = [mark for mark in marks if mark.glyph != LOST]
    ink = THEMES[theme]["ink"]
    outlines = _glyphs(outlined, 1.5 * lift, 5) | {"hoverinfo": "skip"}
    outlines["textfont"]["color"] = ["#000000" if mark.color == START else ink for mark in outlined]
    says = {"hovertext": [mark.says for mark in marks], "hovertemplate": "%{hovertext}<extra></extra>"}
    return [*([outlines] if outlined else []), *([_glyphs(marks, 2.5 * lift, 0) | says] if marks else [])]


def _glyphs(marks, lift, more) -> dict:
    return {
        "type": "scatter3d",
        "mode": "text",
        "textposition": "middle center",
        "x": [mark.x for mark in marks],
        "y": [mark.y for mark in marks],
        "z": [mark.z + lift for mark in marks],
        "text": [mark.glyph for mark in marks],
        "textfont": {
            "size": [more + (15 if mark.glyph in GLYPHS.values() else 18) for mark in marks],
            "color": [mark.color for mark in marks],
        },
        "showlegend": False,
    }


def key_of(marks) -> str:
    """What the marks mean, in one line of text."""
    found = {"○ start": "●", "☆ minimum": "★", f"{LOST} last seen": LOST}
    return "   ".join(text for text, glyph in found.items() if any(mark.glyph == glyph for mark in marks))


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
