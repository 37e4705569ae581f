"""What part of a surface a figure shows, the losses there, and the part of a path inside it."""

import math
from typing import NamedTuple

import numpy as np

from optcourse.metrics import divergence_step
from optcourse.plotting.text import surface_name
from optcourse.surfaces import LossSurface
from optcourse.surfaces.loss_surface import check_domain

HIGHEST = 1e200  # matplotlib's contours know nothing higher
Box = tuple[tuple[float, float], ...]


class Field(NamedTuple):
    """Losses on a grid: x and y (resolution,), losses (resolution, resolution), row by row along y."""

    x: np.ndarray
    y: np.ndarray
    losses: np.ndarray
    lowest: float


def check_drawable(surface) -> None:
    """Raise TypeError unless it is a surface, ValueError unless it has one or two parameters."""
    if not isinstance(surface, LossSurface):
        raise TypeError(f"expected a LossSurface, got {type(surface).__name__}; wrap your function: LossSurface(f).")
    if surface.dim not in (1, 2):
        has = "params that are a pytree" if surface.dim is None else f"{surface.dim} parameters"
        raise ValueError(
            f"only surfaces of one or two parameters can be drawn, {surface.name} has {has}. "
            "Draw a slice: LossSurface(lambda p: surface(...)), with two of them free."
        )


def view_box(surface, paths=(), domain=None) -> Box:
    """The given domain; or the surface's, widened for the paths that stay within half its width around it."""
    check_drawable(surface)
    if domain is not None:
        return check_domain(domain, surface.dim)
    low, high = np.array(surface.domain, dtype=float).T
    width = high - low
    room = tuple(zip(low - width / 2, high + width / 2, strict=True))
    near = [points for points in (drawn_params(path, surface) for path in paths) if inside_of(points, room).all()]
    if near:
        reached = np.concatenate(near)
        low = np.minimum(low, reached.min(axis=0) - 0.03 * width)  # a little room, so that marks are seen whole
        high = np.maximum(high, reached.max(axis=0) + 0.03 * width)
    return tuple(zip(low.tolist(), high.tolist(), strict=True))


def sample(surface, box, resolution) -> Field:
    """Losses on a grid over a two-dimensional box."""
    x, y = (np.linspace(low, high, resolution) for low, high in box)
    losses = np.array(surface.losses(np.stack(np.meshgrid(x, y), axis=-1)))
    losses[~np.isfinite(losses)] = np.nan
    losses = np.clip(losses, -HIGHEST, HIGHEST)
    inside = [minimum.loss for minimum in surface.minima if contains(box, minimum.params)]
    return Field(x, y, losses, min([*inside, np.nanmin(losses, initial=math.inf)]))


def contains(box, params) -> bool:
    """Whether a point lies in the box, edges included."""
    return all(low <= value <= high for (low, high), value in zip(box, np.ravel(params), strict=True))


def inside_of(points, box) -> np.ndarray:
    """Which of the points lie in the box; those that are not finite do not."""
    low, high = np.array(box, dtype=float).T
    return ((points >= low) & (points <= high)).all(axis=1)


def drawn_params(path, surface) -> np.ndarray:
    """The path's params as (steps + 1, dim) in double precision; ValueError if they don't fit the surface."""
    params = path.params
    if not isinstance(params, np.ndarray) or params.shape[1:] != (surface.dim,):
        have = f"shape {params.shape[1:]}" if isinstance(params, np.ndarray) else "several arrays"
        raise ValueError(f"params on {surface_name(surface)} have shape ({surface.dim},), this path's have {have}.")
    return params.astype(float)


def drawn_points(path, surface) -> np.ndarray:
    """The path's points in the plane of the figure, (steps + 1, 2): its params, or on a curve (x, loss)."""
    params = drawn_params(path, surface)
    return params if surface.dim == 2 else np.column_stack([params[:, 0], surface.losses(params)])


def clipped(points, box) -> np.ndarray:
    """The polyline through `points` cut at the edges of the box, (n, 2), with rows of nan where it is interrupted.

    Of a segment that begins or ends inside, the part inside is kept. One that crosses from outside to outside is left
    out: at the scale of a path that diverges (1e300) it says nothing.
    """
    inside = inside_of(points, box)
    rows = []
    for runs in np.split(np.arange(len(points)), np.flatnonzero(np.diff(inside)) + 1):
        if not inside[runs[0]]:
            continue
        first, last = runs[0], runs[-1]
        before = [_edge(points[first], points[first - 1], box)] if first > 0 else []
        after = [_edge(points[last], points[last + 1], box)] if last + 1 < len(points) else []
        gap = [np.full((1, 2), np.nan)] if rows else []
        rows += [*gap, *before, points[first : last + 1], *after]
    return np.concatenate([np.empty((0, 2)), *rows])


def _edge(inside, outside, box) -> np.ndarray:
    """Where the way from a point inside to one outside meets the edge, (1, 2); none if the latter is not finite."""
    low, high = np.array(box, dtype=float).T
    if not np.isfinite(outside).all():
        return np.empty((0, 2))
    with np.errstate(all="ignore"):
        way = outside - inside
        share = (np.where(way > 0, high, low) - inside) / way
    return (inside + np.min(share[way != 0]) * way)[None]


def outside_note(path, points, box) -> str:
    """What a clipped picture does not show: "diverges at step 7", "outside from step 3", or nothing."""
    lost = divergence_step(path)
    if lost is not None:
        return f"diverges at step {lost}"
    inside = inside_of(points, box)
    if inside.all():
        return ""
    if inside[-1]:
        return "partly outside"
    return f"outside from step {int(np.flatnonzero(inside)[-1]) + 1}" if inside.any() else "outside"
