"""What puts something around an optimizer: a factory stays a factory, an optimizer an optimizer."""

import functools
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType

from optcourse.optimizers.contract import Optimizer, check_value


def around(given, prefix: str, recipe_of: Callable, own: Mapping[str, float] = MappingProxyType({})):
    """The factory (or Optimizer) `given` with something around what it makes.

    Args:
        given: a factory of optimizers, such as `optimizers.adam`, or an Optimizer.
        prefix: of the name, such as "scaled ".
        recipe_of: takes the Optimizer inside to the recipe around its own.
        own: further hyperparameters with their values; of a factory, they become keyword arguments.

    Raises:
        TypeError: for anything else; when called, for a hyperparameter that is not a number.
    """

    def wrapped(optimizer, values):
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"the factory must return an Optimizer, got {type(optimizer).__name__}.")
        name = prefix + optimizer.name
        values = {key: check_value(name, key, value) for key, value in values.items()}
        return Optimizer(name, optimizer.backend, {**optimizer.hyperparams, **values}, recipe_of(optimizer))

    if isinstance(given, Optimizer):
        return wrapped(given, own)
    if not callable(given):
        raise TypeError(
            f"expected a factory such as optimizers.adam, or an optimizer such as optimizers.adam(0.01), got {given!r}."
        )

    @functools.wraps(given)
    def factory(*args, **kwargs):
        values = {name: kwargs.pop(name, value) for name, value in own.items()}
        return wrapped(given(*args, **kwargs), values)

    factory.__name__ = prefix + getattr(given, "__name__", "optimizer")
    signature = inspect.signature(given)
    further = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=value) for name, value in own.items()]
    known = [p for p in signature.parameters.values() if p.name not in own]
    variable = [p for p in known if p.kind is p.VAR_KEYWORD]
    factory.__signature__ = signature.replace(
        parameters=[*(p for p in known if p not in variable), *further, *variable]
    )
    return factory


def split(hyperparams: Mapping, own) -> tuple[dict, dict]:
    """Hyperparameters of the optimizer inside, and those of what is around it."""
    inner = {name: value for name, value in hyperparams.items() if name not in own}
    return inner, {name: hyperparams[name] for name in own}
