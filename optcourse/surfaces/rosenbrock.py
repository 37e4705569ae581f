"""Curved valleys: easy to get into, slow to follow."""

from optcourse.arrays import namespace
from optcourse.surfaces.loss_surface import LossSurface, Minimum
from optcourse.surfaces.parts import at_least, positive


def rosenbrock(steepness: float = 100.0, *, dim: int = 2) -> LossSurface:
    r"""Rosenbrock's valley along the parabola y = x^2.

    f(x) = \sum_i (1 - x_i)^2 + steepness (x_{i+1} - x_i^2)^2

    From four dimensions on there is a second, local minimum with x_1 < 0, in four near (-0.776, 0.613, 0.382, 0.146);
    `minima` holds the global one.

    >>> float(rosenbrock()([1.0, 1.0]))
    0.0

    Args:
        steepness: how steep the walls are against the floor; 100 is Rosenbrock's own.
        dim: number of parameters, two or more.

    Raises:
        ValueError: for a steepness that is not positive or a dim below 2.

    Source: Rosenbrock 1960, The Computer Journal 3(3), doi:10.1093/comjnl/3.3.175.
    """
    steepness, dim = positive("steepness", steepness), at_least("dim", dim, 2)
    term = rf"(1 - x)^2 + {steepness:g}\,(y - x^2)^2"
    if dim > 2:
        term = rf"\sum_{{i=1}}^{{{dim - 1}}} (1 - x_i)^2 + {steepness:g}\,(x_{{i+1}} - x_i^2)^2"
    return LossSurface(
        _rosenbrock,
        name="rosenbrock",
        dim=dim,
        domain=((-2.0, 2.0),) + ((-1.0, 3.0),) * (dim - 1),
        minima=(Minimum((1.0,) * dim, 0.0),),
        formula=term,
        start=tuple(-1.2 if i % 2 == 0 else 1.0 for i in range(dim)),
        source="Rosenbrock 1960, The Computer Journal 3(3), doi:10.1093/comjnl/3.3.175",
        constants={"steepness": steepness},
    )


def beale() -> LossSurface:
    """Flat valleys that cross near a minimum, with steep corners: gradients span many orders of magnitude.

    f(x, y) = (1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2

    Source: Beale 1958, On an iterative method for finding a local minimum of a function of more than one
    variable, Princeton University, Statistical Techniques Research Group, Technical Report 25.
    """
    return LossSurface(
        _beale,
        name="beale",
        domain=((-4.5, 4.5),) * 2,
        minima=(Minimum((3.0, 0.5), 0.0),),
        formula="(1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2",
        start=(1.0, 1.5),
        source="Beale 1958, Princeton Statistical Techniques Research Group, Technical Report 25",
    )


def _rosenbrock(params, steepness):
    here, ahead = params[:-1], params[1:]
    return namespace(params).sum((1 - here) ** 2 + steepness * (ahead - here**2) ** 2)


def _beale(params):
    x, y = params[0], params[1]
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2
