"""The catalogue by name, and the way in for every other optimizer of the two libraries."""

from collections.abc import Callable

import optax

from optcourse.optimizers.contract import Optimizer, check_value
from optcourse.optimizers.entries import ENTRIES, FACTORIES, Entry
from optcourse.optimizers.optax_backend import GivenTransformation, OptaxRecipe
from optcourse.optimizers.torch_backend import TorchRecipe
from optcourse.suggestions import did_you_mean


def catalogue() -> dict[str, Callable[..., Optimizer]]:
    """Every optimizer factory of the course, by name."""
    return dict(FACTORIES)


def entries() -> dict[str, Entry]:
    """What is known about every optimizer: its two libraries, how far they agree, its source."""
    return dict(ENTRIES)


def get(name: str) -> Callable[..., Optimizer]:
    """The factory called `name`; a KeyError suggests the nearest right name."""
    if name not in FACTORIES:
        raise KeyError(f"no optimizer {name!r}.{did_you_mean(name, FACTORIES)} There are: {', '.join(FACTORIES)}.")
    return FACTORIES[name]


def from_optax(optimizer, *, name: str | None = None, **hyperparams) -> Optimizer:
    """Anything from Optax, or of Optax's kind: an optimizer of your own is a pair of functions.

    >>> import jax
    >>> def init(params):
    ...     return ()
    >>> def update(grads, state, params=None):  # the sign of the gradient, nothing else
    ...     return jax.tree.map(lambda g: -0.1 * jax.numpy.sign(g), grads), state
    >>> from_optax(optax.GradientTransformation(init, update), name="sign descent")
    <sign descent (optax)>

    Args:
        optimizer: a factory with its hyperparameters, `from_optax(optax.lion, learning_rate=1e-3)`, which
            keeps them as data that can be swept; or a finished one, `from_optax(optax.lion(1e-3))`.
        name: what figures call it.
    """
    if isinstance(optimizer, optax.GradientTransformation):
        if hyperparams:
            given = ", ".join(hyperparams)
            raise TypeError(
                f"this optimizer is already built, {given} came too late: use from_optax(factory, {given}=...)."
            )
        return Optimizer(name or "optax", "optax", {}, GivenTransformation(optimizer))
    if not callable(optimizer):
        raise TypeError(f"from_optax takes an Optax factory or GradientTransformation, got {optimizer!r}.")
    name = name or optimizer.__name__
    traced, settings = _split(name, hyperparams)
    return Optimizer(name, "optax", traced, OptaxRecipe(optimizer, settings))


def from_torch(optimizer_class, *, name: str | None = None, **arguments) -> Optimizer:
    """Any `torch.optim.Optimizer` class, with its own argument names: `from_torch(torch.optim.Rprop, lr=0.01)`.

    Its learning rate is called `lr`, as in torch; the other numbers are hyperparameters too.
    """
    if not (isinstance(optimizer_class, type) and hasattr(optimizer_class, "step")):
        raise TypeError(f"from_torch takes a torch.optim.Optimizer class, got {optimizer_class!r}.")
    name = name or optimizer_class.__name__
    traced, settings = _split(name, arguments)
    return Optimizer(name, "torch", traced, TorchRecipe(_KeepNames(optimizer_class), settings))


class _KeepNames:
    """Translates nothing; equal for the same class, so that recipes are."""

    def __init__(self, optimizer_class):
        self.optimizer_class = optimizer_class

    def __call__(self, **arguments):
        return self.optimizer_class, arguments

    def __eq__(self, other):
        return isinstance(other, _KeepNames) and other.optimizer_class is self.optimizer_class

    def __hash__(self):
        return hash(self.optimizer_class)


def _split(name, arguments):
    """Floats and learning-rate schedules are hyperparameters; the rest (flags, counts, masks) is fixed."""
    traced = {
        key: check_value(name, key, value)
        for key, value in arguments.items()
        if isinstance(value, float) or hasattr(value, "dtype") or (callable(value) and key in ("learning_rate", "lr"))
    }
    return traced, tuple((key, value) for key, value in arguments.items() if key not in traced)
