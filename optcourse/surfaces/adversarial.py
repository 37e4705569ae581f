"""Surfaces made to break an optimizer, each in one particular way."""

import math

from optcourse.arrays import namespace
from optcourse.surfaces.loss_surface import LossSurface, Minimum
from optcourse.surfaces.parts import at_least, positive, tip_sqrt


def ravine(steepness: float = 25.0) -> LossSurface:
    """A narrow ravine that winds like a sine: the way down keeps turning, so momentum hits the walls.

    f(x, y) = x^2 / 20 + steepness (y - sin x)^2

    Args:
        steepness: of the walls.

    Raises:
        ValueError: for a steepness that is not positive.
    """
    steepness = positive("steepness", steepness)
    return LossSurface(
        _ravine,
        name="ravine",
        domain=((-7.0, 7.0), (-3.0, 3.0)),
        minima=(Minimum((0.0, 0.0), 0.0),),
        formula=rf"\frac{{x^2}}{{20}} + {steepness:g}\,(y - \sin x)^2",
        start=(-6.0, 2.0),
        source="this course",
        constants={"steepness": steepness},
    )


def cliff(*, steps: int = 50) -> LossSurface:
    r"""The wall in the loss of a recurrent network, where gradients explode.

    f(w, b) = (\sigma(x_T) - 0.7)^2, with x_t = w \sigma(x_{t-1}) + b and x_0 = 0.5: one hidden unit trained to
    show 0.7 after T = `steps` steps. Loss 0 is reached along a whole curve, which runs on into the wall;
    `minima` holds four points of it.

    Args:
        steps: T, how long the network runs.

    Raises:
        ValueError: for fewer than 1 step.

    Source: Pascanu, Mikolov & Bengio 2013, eq. 8 and figure 6, arXiv:1211.5063.
    """
    steps = at_least("steps", steps, 1)
    return LossSurface(
        _cliff,
        name="cliff",
        domain=((4.0, 6.0), (-3.0, -1.8)),
        minima=tuple(Minimum((w, _bias_of_zero_loss(w, steps)), 0.0) for w in (4.0, 4.2, 4.4, 4.6)),
        formula=rf"(\sigma(x_{{{steps}}}) - 0.7)^2, \quad x_t = w\,\sigma(x_{{t-1}}) + b, \quad x_0 = 0.5",
        start=(5.6, -2.4),
        source="Pascanu, Mikolov & Bengio 2013, On the difficulty of training recurrent neural networks, "
        "eq. 8 and figure 6, arXiv:1211.5063",
        constants={"steps": steps},
    )


def cone() -> LossSurface:
    """The distance to the origin: the slope is 1 however near the minimum, so fixed steps never settle.

    f(x, y) = sqrt(x^2 + y^2). At the tip there is no gradient; JAX, torch and NumPy all answer the
    subgradient 0 there (a plain sqrt would give NaN). The Hessian at the tip does not exist and is NaN.
    """
    return LossSurface(
        _cone,
        name="cone",
        domain=((-2.0, 2.0),) * 2,
        minima=(Minimum((0.0, 0.0), 0.0),),
        formula=r"\sqrt{x^2 + y^2}",
        start=(-1.5, 1.0),
        source="Shor 1985, Minimization methods for non-differentiable functions, doi:10.1007/978-3-642-82118-9",
    )


def nonsmooth(slope: float = 5.0) -> LossSurface:
    """Two creases that meet at the minimum: the gradient jumps where a parameter changes its sign.

    f(x, y) = |x| + slope |y|. On a crease the gradient's component is the subgradient 0 in every library.

    Args:
        slope: of the steeper crease.

    Raises:
        ValueError: for a slope that is not positive.
    """
    slope = positive("slope", slope)
    return LossSurface(
        _nonsmooth,
        name="nonsmooth",
        domain=((-2.0, 2.0),) * 2,
        minima=(Minimum((0.0, 0.0), 0.0),),
        formula="|x| + |y|" if slope == 1 else rf"|x| + {slope:g}\,|y|",
        start=(-1.5, 1.2),
        source="Shor 1985, Minimization methods for non-differentiable functions, doi:10.1007/978-3-642-82118-9",
        constants={"slope": slope},
    )


def sharp_and_flat(sharp: float = 20.0, flat: float = 1.0) -> LossSurface:
    """Two minima of equal depth, one sharp and one flat: the learning rate decides which of them can hold.

    f = a b / (a + b), with a = flat/2 ((x + 1.5)^2 + y^2) and b = sharp/2 ((x - 1.5)^2 + y^2)

    Above a learning rate of 2 / sharp gradient descent cannot rest in the sharp minimum: it first rattles around
    it, and from about 4.8 / sharp on leaves it for the flat one.

    Args:
        sharp: Hessian eigenvalue (twice) at (1.5, 0).
        flat: Hessian eigenvalue (twice) at (-1.5, 0).

    Raises:
        ValueError: unless sharp > flat > 0.
    """
    sharp, flat = positive("sharp", sharp), positive("flat", flat)
    if sharp <= flat:
        raise ValueError(f"sharp must be larger than flat, got sharp={sharp:g} and flat={flat:g}.")
    return LossSurface(
        _sharp_and_flat,
        name="sharp_and_flat",
        domain=((-3.5, 3.5), (-2.5, 2.5)),
        minima=(Minimum((1.5, 0.0), 0.0), Minimum((-1.5, 0.0), 0.0)),
        formula=rf"\frac{{a b}}{{a + b}}, \quad a = {flat / 2:g}\,((x + 1.5)^2 + y^2),\ "
        rf"b = {sharp / 2:g}\,((x - 1.5)^2 + y^2)",
        start=(2.5, 1.5),
        source="after Hochreiter & Schmidhuber 1997, Flat minima, doi:10.1162/neco.1997.9.1.1",
        constants={"sharp": sharp, "flat": flat},
    )


def _ravine(params, steepness):
    x, y = params[0], params[1]
    return x**2 / 20 + steepness * (y - namespace(params).sin(x)) ** 2


def _cliff(params, steps):
    xp = namespace(params)
    return (_recurrent_output(params[0], params[1], steps, xp.tanh) - 0.7) ** 2


def _recurrent_output(w, b, steps, tanh):
    # sigma(x) = (1 + tanh(x / 2)) / 2 cannot overflow; following x / 2 halves the work of a step.
    quarter, offset = w / 4, w / 4 + b / 2
    half_state = 0.25 + 0 * w  # an array from the first step on, of w's library and dtype
    for _ in range(steps):
        half_state = quarter * tanh(half_state) + offset
    return 0.5 * (1 + tanh(half_state))


def _bias_of_zero_loss(w, steps):
    low, high = -20.0, 20.0  # the output grows with b, so bisection finds the one b that gives 0.7
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _recurrent_output(w, middle, steps, math.tanh) < 0.7 else (low, middle)
    return (low + high) / 2


def _cone(params):
    xp = namespace(params)
    return tip_sqrt(xp, xp.sum(params**2))


def _nonsmooth(params, slope):
    xp = namespace(params)
    x, y = params[0], params[1]
    # |x| as x sign(x): on a crease JAX differentiates abs to 1 and torch to 0, but both differentiate this to 0.
    return x * xp.sign(x) + slope * y * xp.sign(y)


def _sharp_and_flat(params, sharp, flat):
    x, y = params[0], params[1]
    a = flat / 2 * ((x + 1.5) ** 2 + y**2)
    b = sharp / 2 * ((x - 1.5) ** 2 + y**2)
    return a * b / (a + b)
