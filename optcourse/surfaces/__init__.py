"""Loss surfaces small enough to see: every factory, and the contract they share."""

from optcourse.suggestions import did_you_mean, missing_attribute
from optcourse.surfaces.adversarial import cliff, cone, nonsmooth, ravine, sharp_and_flat
from optcourse.surfaces.convex import booth, matyas, quadratic_bowl
from optcourse.surfaces.counterexamples import edge_of_stability, heavy_ball_cycle, reddi_online
from optcourse.surfaces.from_text import from_text
from optcourse.surfaces.loss_surface import LossSurface, Minimum
from optcourse.surfaces.neural_toy import network_filter_normalized, network_slice
from optcourse.surfaces.rastrigin import (
    ackley,
    easom,
    goldstein_price,
    himmelblau,
    mccormick,
    rastrigin,
    styblinski_tang,
    three_hump_camel,
)
from optcourse.surfaces.rosenbrock import beale, rosenbrock
from optcourse.surfaces.saddle_point import monkey_saddle, plateau, saddle

_FACTORIES = (
    quadratic_bowl,
    booth,
    matyas,
    rosenbrock,
    beale,
    rastrigin,
    ackley,
    himmelblau,
    styblinski_tang,
    goldstein_price,
    easom,
    three_hump_camel,
    mccormick,
    saddle,
    monkey_saddle,
    plateau,
    network_slice,
    network_filter_normalized,
    ravine,
    cliff,
    cone,
    nonsmooth,
    sharp_and_flat,
    heavy_ball_cycle,
    edge_of_stability,
    reddi_online,
)


def get(name: str):
    """The factory called `name`; a KeyError suggests the nearest right name."""
    factories = catalogue()
    if name not in factories:
        raise KeyError(f"no surface {name!r}.{did_you_mean(name, factories)} There are: {', '.join(factories)}.")
    return factories[name]


def catalogue():
    """Every factory by name, in the order of the gallery: {"quadratic_bowl": quadratic_bowl, ...}."""
    return {factory.__name__: factory for factory in _FACTORIES}


__all__ = [
    "LossSurface",
    "Minimum",
    "ackley",
    "beale",
    "booth",
    "catalogue",
    "cliff",
    "cone",
    "easom",
    "edge_of_stability",
    "from_text",
    "get",
    "goldstein_price",
    "heavy_ball_cycle",
    "himmelblau",
    "matyas",
    "mccormick",
    "monkey_saddle",
    "network_filter_normalized",
    "network_slice",
    "nonsmooth",
    "plateau",
    "quadratic_bowl",
    "rastrigin",
    "ravine",
    "reddi_online",
    "rosenbrock",
    "saddle",
    "sharp_and_flat",
    "styblinski_tang",
    "three_hump_camel",
]

__getattr__ = missing_attribute(__name__, __all__)
