"""Places where the gradient vanishes away from any minimum: saddles and plateaus."""

from optcourse.arrays import namespace
from optcourse.surfaces.loss_surface import LossSurface, Minimum
from optcourse.surfaces.parts import positive

SADDLES = "Dauphin et al. 2014, Identifying and attacking the saddle point problem, arXiv:1406.2572"


def saddle(curvature: float = 2.0) -> LossSurface:
    """The plain saddle: a minimum along x, a maximum along y, no minimum anywhere.

    f(x, y) = curvature/2 (x^2 - y^2); in standard form x^2 - y^2. It starts almost on the ridge, from which
    the way down shows itself only slowly.

    Args:
        curvature: the Hessian's eigenvalues are plus and minus this.

    Raises:
        ValueError: for a curvature that is not positive.
    """
    curvature = positive("curvature", curvature)
    return LossSurface(
        _saddle,
        name="saddle",
        domain=((-2.0, 2.0),) * 2,
        formula="x^2 - y^2" if curvature == 2 else rf"{curvature / 2:g}\,(x^2 - y^2)",
        start=(-1.8, 0.01),
        source=SADDLES,
        constants={"curvature": curvature},
    )


def monkey_saddle() -> LossSurface:
    """A saddle with three ways down (two legs and a tail), where the Hessian vanishes with the gradient.

    f(x, y) = x^3 - 3 x y^2. No curvature at the origin tells an optimizer which way to leave.
    """
    return LossSurface(
        _monkey_saddle,
        name="monkey_saddle",
        domain=((-1.5, 1.5),) * 2,
        formula="x^3 - 3 x y^2",
        start=(1.2, 0.01),
        source=SADDLES,
    )


def plateau(width: float = 1.0) -> LossSurface:
    """A flat shelf around one well: far away the gradient vanishes though the loss is at its highest.

    f(x, y) = 1 - exp(-(x^2 + y^2) / (2 width^2)). At distance r the slope is r / width^2 exp(-r^2 / (2 width^2)).

    Args:
        width: of the well; the Hessian at its bottom is the identity divided by width^2.

    Raises:
        ValueError: for a width that is not positive.
    """
    width = positive("width", width)
    scale = "2" if width == 1 else rf"2 \cdot {width:g}^2"
    return LossSurface(
        _plateau,
        name="plateau",
        domain=((-4.0, 4.0),) * 2,
        minima=(Minimum((0.0, 0.0), 0.0),),
        formula=rf"1 - e^{{-(x^2 + y^2) / ({scale})}}",
        start=(-3.0, 1.5),
        source="Goodfellow, Bengio & Courville 2016, Deep Learning, section 8.2.3",
        constants={"width": width},
    )


def _saddle(params, curvature):
    x, y = params[0], params[1]
    return curvature / 2 * (x**2 - y**2)


def _monkey_saddle(params):
    x, y = params[0], params[1]
    return x**3 - 3 * x * y**2


def _plateau(params, width):
    xp = namespace(params)
    return 1 - xp.exp(-xp.sum(params**2) / (2 * width**2))
