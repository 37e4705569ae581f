"""Piecewise linear schedules: from points, as a value or, for live figures, with the points as hyperparameters."""

import inspect
import itertools
from collections.abc import Sequence

import jax.numpy as jnp

from optcourse.optimizers.contract import check_names
from optcourse.schedules.checks import check_length
from optcourse.schedules.entries import Entry
from optcourse.schedules.schedule import Schedule


def from_points(points: Sequence[tuple[int, float]]) -> Schedule:
    """Straight lines between (step, rate) points; before the first and after the last it stays.

    >>> triangle = from_points([(0, 0.0), (100, 0.1), (1000, 0.0)])
    >>> triangle(50), triangle.peak, triangle.steps
    (0.05, 0.1, 1000)

    Neither library has it: in Optax it is a function of the step, in torch `LambdaLR`, with the same rates.

    Raises:
        TypeError, ValueError: for what are no points, steps that do not increase, rates below 0, or none above 0.
    """
    points = check_points(points)
    return Schedule(POINTS, max(rate for _, rate in points), points[-1][0], (("points", points),))


def check_points(points) -> tuple[tuple[int, float], ...]:
    """(step, rate) points with increasing steps and rates of 0 or more."""
    try:
        pairs = [(step, float(rate)) for step, rate in points]
    except (TypeError, ValueError):
        raise TypeError(f"points are pairs (step, rate), as in [(0, 0.0), (100, 0.1)], got {points!r}.") from None
    pairs = tuple((check_length(step, least=0), rate) for step, rate in pairs)
    if len(pairs) < 2:
        raise ValueError(f"a schedule has two points or more, got {len(pairs)}.")
    for (before, _), (after, _) in itertools.pairwise(pairs):
        if after <= before:
            raise ValueError(f"the steps of the points must increase, got {after} after {before}.")
    if not all(0 <= rate < float("inf") for _, rate in pairs) or not any(rate for _, rate in pairs):
        raise ValueError(f"rates must be finite, 0 or more, and not all 0, got {[rate for _, rate in pairs]}.")
    return pairs


def piecewise_linear(steps: Sequence[int], rates: Sequence, step):
    """The rate at a step, as a sum of clipped pieces: it is compiled for the page too, with traced rates."""
    rate = rates[0]
    for (begin, end), (low, high) in zip(itertools.pairwise(steps), itertools.pairwise(rates), strict=True):
        rate = rate + (high - low) * jnp.clip((step - begin) / (end - begin), 0.0, 1.0)
    return rate


def _optax_points(peak, steps, points):
    at, rates = zip(*points, strict=True)
    return lambda count: piecewise_linear(at, rates, jnp.asarray(count).astype(float))


def _torch_points(lr_scheduler, optimizer, peak, steps, points):
    def share(step):
        rate = points[0][1]
        for (begin, low), (end, high) in itertools.pairwise(points):
            rate += (high - low) * min(max((step - begin) / (end - begin), 0.0), 1.0)
        return rate / peak

    return lr_scheduler.LambdaLR(optimizer, share)


def _scaled(schedule, factor):
    return from_points([(step, rate * factor) for step, rate in dict(schedule.settings)["points"]])


POINTS = Entry(
    name="from_points",
    title="From points",
    optax=_optax_points,
    torch=_torch_points,
    optax_name="a function of the step",
    torch_name="LambdaLR",
    scaled=_scaled,
    write=lambda schedule: f"schedules.from_points({list(dict(schedule.settings)['points'])})",
)


def drawn(factory, points):
    """A factory whose learning rate is drawn: its hyperparameters `rate_0`, `rate_1` ... are the rates of the points.

    They are numbers like all hyperparameters, so a live figure drags them and `sweep` takes them as axes; the steps
    of the points stay. The factory knows them as `rate_steps`.

    >>> import optcourse as oc
    >>> make = drawn(oc.optimizers.momentum, [(0, 0.1), (50, 0.1), (200, 0.0)])
    >>> make.rate_steps, make(rate_1=0.2)
    ((0, 50, 200), <momentum (optax): rate_0=0.1, rate_1=0.2, rate_2=0.0, momentum=0.9>)

    Args:
        factory: a factory of the catalogue with a `learning_rate`, `optimizers.sgd`.
        points: (step, rate) pairs.
    """
    from optcourse.schedules.scheduling import DrawnRecipe, check_factory, with_recipe

    parameters = check_factory(factory)
    steps, rates = zip(*check_points(points), strict=True)
    own = {f"rate_{i}": rate for i, rate in enumerate(rates)}
    others = [p for p in parameters.values() if p.name != "learning_rate"]
    keyword = inspect.Parameter.KEYWORD_ONLY
    shown = [inspect.Parameter(name, keyword, default=rate) for name, rate in own.items()]
    shown += [p.replace(kind=keyword) for p in others]

    def make(**settings):
        check_names(make.__name__, settings, make.__signature__.parameters)
        given = {name: settings.pop(name, rate) for name, rate in own.items()}
        made = factory(**settings)
        rest = {name: value for name, value in made.hyperparams.items() if name != "learning_rate"}
        return with_recipe(made, DrawnRecipe(made.recipe, steps), given | rest)

    make.__name__ = make.__qualname__ = factory.__name__
    make.__doc__ = f"{factory.__name__} whose learning rate follows {len(steps)} points."
    make.__signature__ = inspect.Signature(shown)
    make.rate_steps = steps
    return make
