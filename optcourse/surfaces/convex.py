"""Convex bowls: the surfaces on which everything about convergence can be worked out by hand."""

import math

from optcourse.arrays import namespace
from optcourse.surfaces.loss_surface import LossSurface, Minimum
from optcourse.surfaces.parts import positive

SURVEY = "Jamil & Yang 2013, A literature survey of benchmark functions, doi:10.1504/IJMMNO.2013.055204"


def quadratic_bowl(curvatures=(2.0, 20.0), *, rotation: float = 0.0) -> LossSurface:
    r"""A quadratic whose Hessian has exactly the eigenvalues `curvatures`.

    f(x) = 1/2 \sum_i c_i z_i^2, where z is x or, in two dimensions, x turned by `rotation`.
    The standard form is x^2 + 10 y^2, of condition number 10.

    >>> import numpy as np
    >>> quadratic_bowl((2.0, 20.0)).hessian(np.zeros(2))
    array([[ 2.,  0.],
           [ 0., 20.]])

    Args:
        curvatures: Hessian eigenvalues, all positive; as many as there are parameters. The condition number
            is their largest ratio, and gradient descent is stable below 2 / max(curvatures).
        rotation: degrees, counter-clockwise, that the axes of the bowl are turned by; two dimensions only.

    Raises:
        ValueError: for curvatures that are not positive, none at all, or a rotation outside two dimensions.
    """
    curvatures = tuple(positive("every curvature", c) for c in curvatures)
    dim = len(curvatures)
    if dim == 0:
        raise ValueError("curvatures must hold at least one number, got none.")
    if not math.isfinite(rotation):
        raise ValueError(f"rotation must be a finite angle in degrees, got {rotation}.")
    if rotation and dim != 2:
        raise ValueError(f"rotation needs two curvatures, got {dim}. Leave it at 0 in other dimensions.")
    if dim != 2:
        formula = r"\frac{1}{2} \sum_i c_i x_i^2"
    elif rotation:
        formula = (
            rf"{curvatures[0] / 2:g} u^2 + {curvatures[1] / 2:g} v^2, \quad "
            rf"(u, v) = (x, y) \text{{ turned by }} {rotation:g}^\circ"
        )
    else:
        formula = " + ".join(f"{_coefficient(c / 2)}{x}^2" for c, x in zip(curvatures, "xy", strict=True))
    return LossSurface(
        _quadratic_bowl,
        name="quadratic_bowl",
        dim=dim,
        minima=(Minimum((0.0,) * dim, 0.0),),
        formula=formula,
        start=(-4.0,) + (2.0,) * (dim - 1),
        source="Polyak 1964, Some methods of speeding up the convergence of iteration methods, "
        "doi:10.1016/0041-5553(64)90137-5",
        constants={"curvatures": curvatures, "rotation": float(rotation)},
    )


def booth() -> LossSurface:
    """A quadratic bowl whose minimum is off the origin and whose axes lie on the diagonals.

    f(x, y) = (x + 2y - 7)^2 + (2x + y - 5)^2; Hessian eigenvalues 2 and 18.
    """
    return LossSurface(
        _booth,
        name="booth",
        domain=((-10.0, 10.0),) * 2,
        minima=(Minimum((1.0, 3.0), 0.0),),
        formula="(x + 2y - 7)^2 + (2x + y - 5)^2",
        start=(-8.0, -6.0),
        source=SURVEY,
    )


def matyas() -> LossSurface:
    """A nearly flat valley along the diagonal, closed so gently that gradient descent crawls.

    f(x, y) = 0.26 (x^2 + y^2) - 0.48 x y; Hessian eigenvalues 0.04 and 1.
    """
    return LossSurface(
        _matyas,
        name="matyas",
        domain=((-10.0, 10.0),) * 2,
        minima=(Minimum((0.0, 0.0), 0.0),),
        formula=r"0.26\,(x^2 + y^2) - 0.48\,x y",
        start=(-9.0, -2.0),
        source=SURVEY,
    )


def _quadratic_bowl(params, curvatures, rotation):
    xp = namespace(params)
    if rotation:
        cos, sin = math.cos(math.radians(rotation)), math.sin(math.radians(rotation))
        x, y = params[0], params[1]
        params = xp.stack([cos * x + sin * y, cos * y - sin * x])
    return 0.5 * xp.sum(xp.asarray(curvatures, dtype=params.dtype) * params**2)


def _booth(params):
    x, y = params[0], params[1]
    return (x + 2 * y - 7) ** 2 + (2 * x + y - 5) ** 2


def _matyas(params):
    x, y = params[0], params[1]
    return 0.26 * (x**2 + y**2) - 0.48 * x * y


def _coefficient(value):
    return "" if value == 1 else rf"{value:g}\,"
