"""Surfaces that theorems were proved on: what an optimizer guarantees, and what it does not.

They belong to the adversarial family; here each one is the exact example of a paper.
"""

from optcourse.arrays import namespace
from optcourse.surfaces.loss_surface import LossSurface, Minimum
from optcourse.surfaces.parts import at_least, positive


def heavy_ball_cycle() -> LossSurface:
    """Strongly convex in one dimension, and yet heavy ball, tuned for its curvatures 1 and 25, never arrives.

    f'(x) = 25x for x < 1, x + 24 for 1 <= x < 2, 25x - 24 beyond. With learning rate 1/9 and momentum 4/9
    the start 3.25 ends in a cycle through -1.8024, 2.1159 and 0.6465.

    Source: Lessard, Recht & Packard 2016, section 4.6, doi:10.1137/15M1009597.
    """
    return LossSurface(
        _heavy_ball_cycle,
        name="heavy_ball_cycle",
        dim=1,
        domain=((-3.5, 3.5),),
        minima=(Minimum((0.0,), 0.0),),
        formula=r"\begin{cases} 12.5 x^2 & x < 1 \\ 0.5 x^2 + 24 x - 12 & 1 \le x < 2 \\"
        r" 12.5 x^2 - 24 x + 36 & x \ge 2 \end{cases}",
        start=(3.25,),
        source="Lessard, Recht & Packard 2016, section 4.6, doi:10.1137/15M1009597",
    )


def edge_of_stability() -> LossSurface:
    """A deep linear network in miniature: gradient descent slides along its minima until its sharpness fits.

    f(x, y) = (1 - x^2 y^2)^2 / 4. Loss 0 is reached along the four branches of x y = 1 and x y = -1, where
    the sharpness is 2 (x^2 + y^2), least (4) at (1, 1); `minima` holds four points of them.

    Source: Zhu, Wang, Wang, Zhou & Ge 2023, arXiv:2210.03294.
    """
    on_one_branch = ((1.0, 1.0), (0.5, 2.0), (2.0, 0.5), (4.0, 0.25))
    return LossSurface(
        _edge_of_stability,
        name="edge_of_stability",
        domain=((0.0, 6.0), (-0.5, 2.0)),
        minima=tuple(Minimum(params, 0.0) for params in on_one_branch),
        formula=r"\frac{1}{4} (1 - x^2 y^2)^2",
        start=(4.8, 0.15),
        source="Zhu, Wang, Wang, Zhou & Ge 2023, Understanding edge-of-stability training dynamics with a "
        "minimalist example, arXiv:2210.03294",
    )


def reddi_online(large: float = 1010.0, small: float = 10.0, *, period: int = 101) -> LossSurface:
    """The online problem on which Adam walks away from the optimum, misled by rare large gradients.

    f_t(x) = large x if t mod period = 1, else -small x, on [-1, 1]. The average slope is 10/101 in standard form:
    the best point of the domain is its end, -1. `step` is t; keeping x on [-1, 1] is up to the optimizer.

    Args:
        large: the rare slope.
        small: the frequent slope, in the other direction.
        period: how often the rare slope comes.

    Raises:
        ValueError: unless the rare slope outweighs the frequent one over a period, or for a period below 2.

    Source: Reddi, Kale & Kumar 2018, On the convergence of Adam and beyond, section 5, arXiv:1904.09237.
    """
    large, small, period = positive("large", large), positive("small", small), at_least("period", period, 2)
    slope = (large - (period - 1) * small) / period
    if slope <= 0:
        raise ValueError(f"large must exceed (period - 1) * small = {(period - 1) * small:g}, got {large:g}.")
    return LossSurface(
        _reddi_online,
        name="reddi_online",
        dim=1,
        domain=((-1.0, 1.0),),
        minima=(Minimum((-1.0,), -slope),),
        formula=rf"\begin{{cases}} {large:g}\,x & t \bmod {period} = 1 \\ -{small:g}\,x & \text{{else}} \end{{cases}}",
        start=(0.0,),
        source="Reddi, Kale & Kumar 2018, On the convergence of Adam and beyond, section 5, arXiv:1904.09237",
        constants={"large": large, "small": small, "period": period},
        step_dependent=True,
        period=period,
    )


def _heavy_ball_cycle(params):
    xp = namespace(params)
    x = params[0]
    beyond = xp.where(x < 2, x**2 / 2 + 24 * x - 12, 12.5 * x**2 - 24 * x + 36)
    return xp.where(x < 1, 12.5 * x**2, beyond)


def _edge_of_stability(params):
    x, y = params[0], params[1]
    return (1 - x**2 * y**2) ** 2 / 4


def _reddi_online(params, step, large, small, period):
    rare = step % period == 1  # a Python bool or a traced one: both multiply
    return params[0] * (rare * (large + small) - small)
