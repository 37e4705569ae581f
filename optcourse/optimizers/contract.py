"""The optimizer contract: a frozen value with `init` and `update`, whose hyperparameters are data."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

import jax

from optcourse.suggestions import did_you_mean

BACKENDS = ("optax", "torch")


@runtime_checkable
class Transformation(Protocol):
    """What a recipe builds: Optax's GradientTransformation, or a torch optimizer made pure."""

    def init(self, params): ...

    def update(self, grads, state, params, **extra): ...


@runtime_checkable
class Recipe(Protocol):
    """Builds the transformation from the hyperparameters; hashable, so that compiled code can be found again."""

    def __call__(self, hyperparams: Mapping[str, Any]) -> Transformation: ...


@jax.tree_util.register_pytree_node_class
@dataclass(frozen=True, eq=False)
class Optimizer:
    """An optimizer: a pair of pure functions, `init(params) -> state` and
    `update(grads, state, params) -> (updates, state)`, where new params = params + updates.

    It is a pytree whose leaves are its hyperparameters: under `jit`, `vmap` and `grad` they are traced,
    so changing a learning rate recompiles nothing.

    Made by the factories of `optcourse.optimizers`; your own optimizer comes in through `from_optax`.

    Args:
        name: what figures and errors call it.
        backend: "optax" or "torch".
        hyperparams: learning rate and the like, by name; numbers, or a schedule `step -> learning rate`.
        recipe: makes the library's optimizer out of them.
    """

    name: str
    backend: str
    hyperparams: Mapping[str, Any]
    recipe: Recipe

    def __post_init__(self):
        object.__setattr__(self, "hyperparams", MappingProxyType(dict(self.hyperparams)))

    def __repr__(self):
        settings = ", ".join(f"{name}={value!r}" for name, value in self.hyperparams.items())
        return f"<{self.name} ({self.backend}){': ' + settings if settings else ''}>"

    @property
    def transformation(self) -> Transformation:
        """The library's own optimizer with these hyperparameters."""
        return self.recipe(self.hyperparams)

    def init(self, params):
        """State before the first step."""
        return self.transformation.init(params)

    def update(self, grads, state, params, **extra):
        """One step: the updates to add to `params`, and the new state. Nothing given is changed.

        Line searches and the like also need `value`, `grad` and `value_fn`, as in Optax's extra-args convention.
        """
        return self.transformation.update(grads, state, params, **extra)

    def replace(self, **hyperparams) -> "Optimizer":
        """The same optimizer with other hyperparameters; its state stays valid."""
        check_names(self.name, hyperparams, self.hyperparams)
        values = {name: check_value(self.name, name, value) for name, value in hyperparams.items()}
        return Optimizer(self.name, self.backend, {**self.hyperparams, **values}, self.recipe)

    def traced_and_fixed(self):
        """Hyperparameters split into numbers, which are traced, and schedules, which are compiled in."""
        traced = {name: value for name, value in self.hyperparams.items() if not callable(value)}
        fixed = tuple((name, value) for name, value in self.hyperparams.items() if callable(value))
        return traced, fixed

    def tree_flatten(self):
        traced, fixed = self.traced_and_fixed()
        return tuple(traced.values()), (self.name, self.backend, tuple(traced), fixed, self.recipe)

    @classmethod
    def tree_unflatten(cls, static, leaves):
        name, backend, names, fixed, recipe = static
        return cls(name, backend, {**dict(zip(names, leaves, strict=True)), **dict(fixed)}, recipe)


def check_names(optimizer: str, given, known) -> None:
    """Raise TypeError for a hyperparameter that `optimizer` does not have, with the nearest right name."""
    for name in given:
        if name not in known:
            raise TypeError(
                f"{optimizer} has no hyperparameter {name!r}.{did_you_mean(name, known)} "
                f"It has: {', '.join(known) or 'none'}."
            )


def check_value(optimizer: str, name: str, value):
    """A hyperparameter is one number (traced or not) or a schedule; anything else is a TypeError."""
    if callable(value):
        return value
    shape = getattr(value, "shape", ())
    if isinstance(value, (str, list, tuple, dict)) or value is None or shape != ():
        raise TypeError(
            f"{name} of {optimizer} must be a number or a schedule (step -> value), got {value!r}. "
            f"For several values at once, use sweep({name}=[...])."
        )
    return value


def check_backend(backend: str) -> None:
    """Raise ValueError for a backend other than "optax" and "torch"."""
    if backend not in BACKENDS:
        raise ValueError(
            f"unknown backend {backend!r}.{did_you_mean(backend, BACKENDS)} Choose from: {', '.join(BACKENDS)}."
        )
