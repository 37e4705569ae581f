"""Many minima: surfaces on which where one starts decides where one ends."""

import math

from optcourse.arrays import namespace
from optcourse.surfaces.convex import SURVEY
from optcourse.surfaces.loss_surface import LossSurface, Minimum
from optcourse.surfaces.parts import at_least, tip_sqrt


def rastrigin(*, dim: int = 2) -> LossSurface:
    r"""A bowl covered by a regular grid of dimples, about 11^dim of them in its domain.

    f(x) = \sum_i x_i^2 + 10 (1 - cos 2 pi x_i); every Hessian eigenvalue at 0 is 2 + 40 pi^2 = 396.78.

    Args:
        dim: number of parameters.

    Raises:
        ValueError: for a dim below 1.
    """
    dim = at_least("dim", dim, 1)
    return LossSurface(
        _rastrigin,
        name="rastrigin",
        dim=dim,
        domain=((-5.12, 5.12),) * dim,
        minima=(Minimum((0.0,) * dim, 0.0),),
        formula=r"\sum_i x_i^2 + 10\,(1 - \cos 2 \pi x_i)",
        start=tuple((3.3, -2.4)[i % 2] for i in range(dim)),
        source="Rastrigin 1974, Systems of extremal control (in Russian), Nauka",
    )


def ackley(*, dim: int = 2) -> LossSurface:
    r"""A nearly flat, rippled shelf around one deep funnel.

    f(x) = 20 + e - 20 exp(-0.2 sqrt(mean x_i^2)) - exp(mean cos 2 pi x_i)

    The minimum is the tip of a cone. A plain square root makes automatic differentiation answer NaN there; here
    the gradient at 0 is the subgradient 0 in every library. There is no Hessian at 0: it stays NaN.

    Args:
        dim: number of parameters.

    Raises:
        ValueError: for a dim below 1.
    """
    dim = at_least("dim", dim, 1)
    return LossSurface(
        _ackley,
        name="ackley",
        dim=dim,
        minima=(Minimum((0.0,) * dim, 0.0),),
        formula=r"20 + e - 20\,e^{-0.2 \sqrt{\operatorname{mean} x_i^2}} - e^{\operatorname{mean} \cos 2 \pi x_i}",
        start=tuple((-3.6, 2.4)[i % 2] for i in range(dim)),
        source="Ackley 1987, A connectionist machine for genetic hillclimbing, doi:10.1007/978-1-4613-1997-9",
    )


def himmelblau() -> LossSurface:
    """Four minima of equal depth and unequal sharpness.

    f(x, y) = (x^2 + y - 11)^2 + (x + y^2 - 7)^2
    """
    minima = (
        (3.0, 2.0),
        (-2.8051180869527448, 3.1313125182505730),
        (-3.7793102533777469, -3.2831859912861694),
        (3.5844283403304917, -1.8481265269644036),
    )
    return LossSurface(
        _himmelblau,
        name="himmelblau",
        minima=tuple(Minimum(params, 0.0) for params in minima),
        formula="(x^2 + y - 11)^2 + (x + y^2 - 7)^2",
        start=(-0.5, -0.5),
        source="Himmelblau 1972, Applied nonlinear programming, McGraw-Hill",
    )


def styblinski_tang(*, dim: int = 2) -> LossSurface:
    r"""A double well along every axis: 2^dim minima, one of them the deepest.

    f(x) = 1/2 \sum_i x_i^4 - 16 x_i^2 + 5 x_i

    Args:
        dim: number of parameters.

    Raises:
        ValueError: for a dim below 1.
    """
    dim = at_least("dim", dim, 1)
    return LossSurface(
        _styblinski_tang,
        name="styblinski_tang",
        dim=dim,
        minima=(Minimum((-2.9035340277711771,) * dim, -39.166165703771416 * dim),),
        formula=r"\frac{1}{2} \sum_i x_i^4 - 16 x_i^2 + 5 x_i",
        start=tuple((-0.5, 4.0)[i % 2] for i in range(dim)),
        source="Styblinski & Tang 1990, Neural Networks 3(4), doi:10.1016/0893-6080(90)90029-K",
    )


def goldstein_price() -> LossSurface:
    """Four minima, and losses from 3 to a million within four units.

    f(x, y) = (1 + (s + 1)^2 (3 s^2 - 14 s + 19)) (30 + t^2 (3 t^2 - 16 t + 18)), with s = x + y, t = 2x - 3y.
    """
    return LossSurface(
        _goldstein_price,
        name="goldstein_price",
        domain=((-2.0, 2.0),) * 2,
        minima=(Minimum((0.0, -1.0), 3.0),),
        formula=r"(1 + (s + 1)^2 (3 s^2 - 14 s + 19))(30 + t^2 (3 t^2 - 16 t + 18)), \quad s = x + y,\ t = 2x - 3y",
        start=(1.0, -1.5),
        source="Goldstein & Price 1971, On descent from local minima, doi:10.1090/S0025-5718-1971-0312365-X",
    )


def easom() -> LossSurface:
    """One narrow well in a plain so flat that the gradient all but vanishes.

    f(x, y) = -cos x cos y exp(-(x - pi)^2 - (y - pi)^2)
    """
    return LossSurface(
        _easom,
        name="easom",
        domain=((-1.0, 7.0),) * 2,
        minima=(Minimum((math.pi, math.pi), -1.0),),
        formula=r"-\cos x \cos y \; e^{-(x - \pi)^2 - (y - \pi)^2}",
        start=(1.8, 2.2),
        source="Easom 1990, A survey of global optimization techniques, University of Louisville",
    )


def three_hump_camel() -> LossSurface:
    """A valley with three dips, the middle one deepest.

    f(x, y) = 2 x^2 - 1.05 x^4 + x^6 / 6 + x y + y^2
    """
    return LossSurface(
        _three_hump_camel,
        name="three_hump_camel",
        domain=((-2.5, 2.5),) * 2,
        minima=(Minimum((0.0, 0.0), 0.0),),
        formula=r"2 x^2 - 1.05 x^4 + \frac{x^6}{6} + x y + y^2",
        start=(-1.0, 2.2),
        source=SURVEY,
    )


def mccormick() -> LossSurface:
    """A parabolic trough along the diagonal with a wave running down it.

    f(x, y) = sin(x + y) + (x - y)^2 - 1.5 x + 2.5 y + 1

    The trough falls for ever towards negative x = y: the minimum is the lowest point of the domain only.
    Usually attributed to McCormick 1976 (doi:10.1007/BF01580665).
    """
    x = 0.5 - math.pi / 3
    return LossSurface(
        _mccormick,
        name="mccormick",
        domain=((-1.5, 4.0), (-3.0, 4.0)),
        minima=(Minimum((x, x - 1), -math.sqrt(3) / 2 - math.pi / 3),),
        formula=r"\sin(x + y) + (x - y)^2 - 1.5 x + 2.5 y + 1",
        start=(3.5, 0.0),
        source=SURVEY,
    )


def _rastrigin(params):
    xp = namespace(params)
    return xp.sum(params**2 + 10 * (1 - xp.cos(2 * math.pi * params)))


def _ackley(params):
    xp = namespace(params)
    funnel = xp.exp(-0.2 * tip_sqrt(xp, xp.mean(params**2)))
    ripples = xp.exp(xp.mean(xp.cos(2 * math.pi * params)) - 1)
    return 20 * (1 - funnel) + math.e * (1 - ripples)  # factored so that the minimum is exactly 0


def _himmelblau(params):
    x, y = params[0], params[1]
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def _styblinski_tang(params):
    return 0.5 * namespace(params).sum(params**4 - 16 * params**2 + 5 * params)


def _goldstein_price(params):
    x, y = params[0], params[1]
    s, t = x + y, 2 * x - 3 * y
    return (1 + (s + 1) ** 2 * (3 * s**2 - 14 * s + 19)) * (30 + t**2 * (3 * t**2 - 16 * t + 18))


def _easom(params):
    xp = namespace(params)
    x, y = params[0], params[1]
    return -xp.cos(x) * xp.cos(y) * xp.exp(-((x - math.pi) ** 2) - (y - math.pi) ** 2)


def _three_hump_camel(params):
    x, y = params[0], params[1]
    return 2 * x**2 - 1.05 * x**4 + x**6 / 6 + x * y + y**2


def _mccormick(params):
    x, y = params[0], params[1]
    return namespace(params).sin(x + y) + (x - y) ** 2 - 1.5 * x + 2.5 * y + 1
