"""The Hessian at a point, drawn: which way the surface curves, how strongly, and what that allows a learning rate."""

import numpy as np

from optcourse.plotting.contours import draw_surface, new_axes
from optcourse.plotting.paths import legend_below
from optcourse.plotting.style import PALETTE, STYLE
from optcourse.plotting.text import point, short, surface_name
from optcourse.plotting.view import view_box
from optcourse.surfaces import LossSurface

REACH = 0.3  # of the view's smaller side: how far the longest axis reaches


def plot_hessian(surface: LossSurface, params, ax=None, *, domain=None, legend: bool = True, **contour_options):
    """Draw the Hessian at `params` over the contours: eigenvectors and the local ellipse; returns the Axes.

    Along an eigenvector of eigenvalue lambda, the ellipse 1/2 d^T H d = const reaches as far as 1 / sqrt(|lambda|):
    long where the surface is flat. At a saddle there is no ellipse, and the axis that curves downwards is dashed.
    The legend says the eigenvalues; the title the condition number and the learning rate 2/L, for the largest
    eigenvalue L, above which gradient descent is unstable there; at a saddle it always is.

    Args:
        params: the point, (2,).
        ax, domain, legend, contour_options: as for `plot_trajectory`.

    Raises:
        ValueError: for a surface that does not have two parameters, or a point where the Hessian is not finite.
    """
    if surface.dim != 2:
        raise ValueError(f"the Hessian is drawn on surfaces of two parameters, {surface.name} has {surface.dim}.")
    center = np.asarray(params, dtype=float)
    if center.shape != (2,):
        raise ValueError(f"params must have shape (2,), got {center.shape}.")
    hessian = np.asarray(surface.hessian(center))
    if not np.isfinite(hessian).all():
        raise ValueError(f"{surface.name} has no finite Hessian at {point(center)}: choose another point.")
    eigenvalues, vectors = np.linalg.eigh(hessian)
    box = view_box(surface, (), domain)
    ax = ax if ax is not None else new_axes(below=2 * legend)
    draw_surface(ax, surface, box, **contour_options)
    lengths = _half_axes(eigenvalues, REACH * min(high - low for low, high in box))
    if (eigenvalues > 0).all() or (eigenvalues < 0).all():
        turn = np.linspace(0, 2 * np.pi, 361)
        ellipse = center[:, None] + vectors @ (lengths[:, None] * np.stack([np.cos(turn), np.sin(turn)]))
        ax.plot(*ellipse, color=PALETTE["black"], linewidth=1.3, zorder=3, label="local quadratic")
    for eigenvalue, vector, length, color in zip(
        eigenvalues, vectors.T, lengths, (PALETTE["blue"], PALETTE["vermilion"]), strict=True
    ):
        ends = center[:, None] + np.outer(vector, [-length, length])
        look = {"color": color, "linestyle": "--" if eigenvalue < 0 else "-", "linewidth": 2.4}
        ax.plot(*ends, zorder=4, label=f"eigenvalue {short(eigenvalue, 4)}", **look)
    ax.plot(*center[:, None], linestyle="none", zorder=5, **STYLE["start"] | {"markersize": 6})
    ax.set_title(
        f"Hessian of {surface_name(surface)} at {point(center)}\n{_stability(eigenvalues)}",
        fontsize=STYLE["font"]["title"],
    )
    if legend:
        legend_below(ax)
    return ax


def _half_axes(eigenvalues, longest):
    """Lengths in proportion to 1 / sqrt(|eigenvalue|); a flat direction is as long as the longest."""
    size = np.abs(eigenvalues)
    size = np.maximum(size, 1e-12 * size.max() or 1.0)
    lengths = 1 / np.sqrt(size)
    return longest * lengths / lengths.max()


def _stability(eigenvalues) -> str:
    smallest, largest = eigenvalues
    if smallest > 1e-12 * largest:
        return f"condition number {short(largest / smallest, 4)}, stable below 2/L = {short(2 / largest, 4)}"
    if smallest >= -1e-12 * largest and largest > 0:
        return f"flat in one direction, stable below 2/L = {short(2 / largest, 4)}"
    if smallest == largest == 0:
        return "no curvature"
    return ("saddle" if largest > 0 else "curves downwards") + ": no learning rate is stable"
