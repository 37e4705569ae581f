"""Schedules inside optimizers, with their rates as hyperparameters: `scheduled`, and the recipe behind `drawn`."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from optcourse.arrays import weakly_typed
from optcourse.optimizers.contract import Optimizer, Recipe
from optcourse.schedules.composing import check_schedule
from optcourse.schedules.points import piecewise_linear
from optcourse.schedules.schedule import Schedule


def scheduled(optimizer: Optimizer | Callable[..., Optimizer], schedule: Schedule):
    """A factory, or an optimizer, whose learning rate follows the shape of `schedule`.

    Its `learning_rate` stays a number, the peak: it can be swept, set and moved by a slider, and nothing is compiled
    anew. Where it is not given, the schedule's own peak is taken.

    >>> import optcourse as oc
    >>> sgd = scheduled(oc.optimizers.sgd, oc.schedules.cosine(1.0, 100))
    >>> grid = oc.sweep(sgd, oc.surfaces.booth(), [0.0, 0.0], steps=100, learning_rate=[0.01, 0.1])
    >>> float(grid.final_loss.idxmin())
    0.1

    Args:
        optimizer: a factory of the catalogue or one of your own with a `learning_rate`, or an optimizer.
        schedule: of any kind, also one that listens to the loss.

    Raises:
        TypeError: for an optimizer without a `learning_rate`, or what is no schedule.
    """
    check_schedule(schedule, listening=True)
    if isinstance(optimizer, Optimizer):
        if "learning_rate" not in optimizer.hyperparams or callable(optimizer.hyperparams["learning_rate"]):
            raise TypeError(f"scheduled needs an optimizer whose learning_rate is a number, got {optimizer!r}.")
        return with_recipe(optimizer, ScheduledRecipe(optimizer.recipe, schedule.with_peak(1.0)))
    parameters = check_factory(optimizer)

    @functools.wraps(optimizer)
    def factory(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return scheduled(optimizer(*bound.args, **bound.kwargs), schedule)

    rate = parameters["learning_rate"].replace(default=schedule.peak)
    signature = factory.__signature__ = inspect.Signature(list((parameters | {"learning_rate": rate}).values()))
    return factory


def check_factory(factory) -> dict[str, inspect.Parameter]:
    """The parameters of a factory; raise TypeError if it has no `learning_rate`."""
    parameters = dict(inspect.signature(factory).parameters) if callable(factory) else {}
    if "learning_rate" not in parameters:
        raise TypeError(f"expected a factory with a learning_rate, such as optimizers.sgd, got {factory!r}.")
    return parameters


def with_recipe(optimizer: Optimizer, recipe: Recipe, hyperparams=None) -> Optimizer:
    """The same optimizer built by another recipe."""
    return Optimizer(optimizer.name, optimizer.backend, hyperparams or optimizer.hyperparams, recipe)


@dataclass(frozen=True)
class Scaled:
    """A schedule times a number, which may be traced: what the recipe inside takes as its learning rate."""

    schedule: Schedule
    peak: Any

    @property
    def listens(self) -> bool:
        return self.schedule.listens

    @property
    def optax(self):
        return self.schedule.optax

    def __call__(self, step):
        return weakly_typed(self.peak * self.schedule(step))

    def torch_rate(self, step):
        return self.peak * self.schedule.torch_rate(step)

    def listener(self, peak):
        return self.schedule.listener(peak)


@dataclass(frozen=True)
class Drawn:
    """Straight lines between points whose rates may be traced."""

    steps: tuple[int, ...]
    rates: tuple[Any, ...]

    def __call__(self, step):
        return weakly_typed(piecewise_linear(self.steps, self.rates, step * 1.0))

    def torch_rate(self, step):
        return float(np.interp(step, self.steps, self.rates))


class _Follows:
    """A recipe that gives the one inside a learning rate which follows the step."""

    def __call__(self, hyperparams):
        return self.inner(self.with_rate(hyperparams))

    def group(self, hyperparams, positions=None):
        """For parameter groups of torch."""
        return self.inner.group(self.with_rate(hyperparams), positions)

    def rate_at(self, hyperparams):
        """The learning rate that the optimizer follows, `step -> rate`."""
        return self.with_rate(hyperparams)["learning_rate"]


@dataclass(frozen=True)
class ScheduledRecipe(_Follows):
    """The recipe inside, with a schedule's shape times its learning rate."""

    inner: Recipe
    shape: Schedule

    def with_rate(self, hyperparams):
        return {**hyperparams, "learning_rate": Scaled(self.shape, hyperparams["learning_rate"])}


@dataclass(frozen=True)
class DrawnRecipe(_Follows):
    """The recipe inside, with a learning rate between points."""

    inner: Recipe
    steps: tuple[int, ...]

    def with_rate(self, hyperparams):
        own = [f"rate_{i}" for i in range(len(self.steps))]
        rates = tuple(hyperparams[name] for name in own)
        rest = {name: value for name, value in hyperparams.items() if name not in own}
        return {"learning_rate": Drawn(self.steps, rates), **rest}
