"""Figures: contours, paths, loss curves, curvature, interactive 3-D, animation.

Every function draws on the Axes it is given (or on a new figure), returns the Axes, never calls `show` and
changes no global setting. `plot_surface_3d` returns a Plotly figure, and only it needs plotly.
"""

from optcourse.plotting.animation import create_animation
from optcourse.plotting.contours import plot_contours
from optcourse.plotting.curvature import plot_hessian
from optcourse.plotting.curves import plot_loss_curves
from optcourse.plotting.embed import show_animation
from optcourse.plotting.paths import plot_comparison, plot_trajectory
from optcourse.plotting.show_3d import show_surface_3d
from optcourse.plotting.style import PALETTE, STYLE, path_styles
from optcourse.plotting.surface_3d import plot_surface_3d
from optcourse.plotting.text import describe

__all__ = [
    "PALETTE",
    "STYLE",
    "create_animation",
    "describe",
    "path_styles",
    "plot_comparison",
    "plot_contours",
    "plot_hessian",
    "plot_loss_curves",
    "plot_surface_3d",
    "plot_trajectory",
    "show_animation",
    "show_surface_3d",
]
