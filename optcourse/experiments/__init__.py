"""The experiments of the course, as functions: each returns labelled data, from which `plot` draws its figure.

From the command line: python -m optcourse.experiments learning_rate_sweep --optimizer adam --surface rosenbrock
"""

from optcourse.experiments import adaptive, convergence, learning_rates, momentum
from optcourse.experiments.adaptive import adaptive_lr_behavior
from optcourse.experiments.convergence import convergence_analysis
from optcourse.experiments.learning_rates import learning_rate_sweep, plot_ranges, successful_range
from optcourse.experiments.momentum import momentum_effects

CATALOGUE = {
    experiment.__name__: (experiment, module.draw)
    for experiment, module in (
        (learning_rate_sweep, learning_rates),
        (momentum_effects, momentum),
        (adaptive_lr_behavior, adaptive),
        (convergence_analysis, convergence),
    )
}


def plot(data, ax=None):
    """Draw the figure that belongs to an experiment's data, also when they were saved and loaded; returns the Axes.

    Args:
        data: what one of the experiments returned.
        ax: where to draw; by default on a new figure.

    Raises:
        ValueError: for a dataset that no experiment has made.
    """
    name = data.attrs.get("experiment")
    if name not in CATALOGUE:
        raise ValueError(f"these data are of no experiment; there are: {', '.join(CATALOGUE)}.")
    return CATALOGUE[name][1](data, ax)


__all__ = [
    "CATALOGUE",
    "adaptive_lr_behavior",
    "convergence_analysis",
    "learning_rate_sweep",
    "momentum_effects",
    "plot",
    "plot_ranges",
    "successful_range",
]
