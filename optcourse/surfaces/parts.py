"""What several families share: argument checks, and a square root that survives the tip of a cone."""

import math


def positive(name: str, value) -> float:
    """`value` as a float if it is positive and finite, else a `ValueError` that names the argument."""
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a positive, finite number, got {value}.")
    return float(value)


def at_least(name: str, value, least: int) -> int:
    """`value` as an int if it is a whole number of `least` or more, else a `ValueError`."""
    if value != int(value) or value < least:
        raise ValueError(f"{name} must be a whole number, {least} or more, got {value}.")
    return int(value)


def tip_sqrt(xp, square):
    """sqrt(square) whose first derivative at 0 is 0, where autodiff of a plain sqrt gives 0 * inf = NaN.

    A cone has no gradient at its tip, but every slope up to its own is a subgradient there and 0 is the one
    that lets an optimizer rest. There is no second derivative to choose, so that one stays NaN.
    """
    away = square > 0
    safe = xp.where(away, square, xp.ones_like(square))  # the branch not taken is differentiated too
    return xp.where(away, xp.sqrt(safe), square**1.5)  # 0 with slope 0 and no curvature at 0
