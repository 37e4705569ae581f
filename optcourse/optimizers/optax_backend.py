"""Recipes that build Optax optimizers. Optax's contract is ours, so there is little to do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import optax


@dataclass(frozen=True)
class OptaxRecipe:
    """Calls an Optax factory with fixed settings and the (perhaps traced) hyperparameters.

    Behind it comes the transformation of a learning rate that listens to the loss, as Optax chains it.
    """

    factory: Callable[..., optax.GradientTransformation]
    settings: tuple[tuple[str, Any], ...] = ()

    def __call__(self, hyperparams):
        rate = hyperparams.get("learning_rate")
        if getattr(rate, "listens", False):
            inner = self.factory(**dict(self.settings), **{**hyperparams, "learning_rate": rate.peak})
            return optax.with_extra_args_support(optax.chain(inner, rate.optax))
        return optax.with_extra_args_support(self.factory(**dict(self.settings), **hyperparams))


@dataclass(frozen=True, eq=False)
class GivenTransformation:
    """An Optax transformation that was built elsewhere: its hyperparameters are sealed inside."""

    given: optax.GradientTransformation

    def __call__(self, hyperparams):
        return optax.with_extra_args_support(self.given)
