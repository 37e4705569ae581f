"""What training keeps in memory, in bytes per parameter, counted from the real state of an optimizer."""

import math
from typing import NamedTuple

import jax
import numpy as np

from optcourse.arrays import double_precision, to_torch
from optcourse.optimizers.contract import Optimizer
from optcourse.precision.catalogue import get
from optcourse.precision.formats import Format
from optcourse.precision.weights import KeptState


class Memory(NamedTuple):
    """Bytes per parameter. What is beside them, activations above all, depends on the batch and is not counted."""

    weights: float
    gradients: float
    optimizer_state: float
    main_weights: float

    @property
    def total(self) -> float:
        """All four together."""
        return sum(self)


def memory(
    optimizer: Optimizer,
    params,
    *,
    weights: str | Format | None = None,
    gradients: str | Format | None = None,
) -> Memory:
    """Bytes per parameter that an optimizer needs for these params: weights, gradients, its state, main weights.

    The state is the one that `optimizer.init` makes, or torch's after a step; nothing is computed for Optax, so that
    params may be `jax.ShapeDtypeStruct`s of any size. Main weights are those of `kept_in(..., update="main weights")`;
    its compensation for "kahan" counts as state, as do counters and scales, a few bytes in all.

    >>> from optcourse import optimizers, precision
    >>> params = jax.ShapeDtypeStruct((1000, 1000), "float32")
    >>> memory(optimizers.adam(), params)
    Memory(weights=4.0, gradients=4.0, optimizer_state=8.000004, main_weights=0.0)
    >>> half = jax.ShapeDtypeStruct((1000, 1000), "bfloat16")
    >>> mixed = precision.kept_in(optimizers.adam, "bfloat16", update="main weights")
    >>> round(memory(mixed(), half).total, 3)
    16.0

    Args:
        optimizer: an Optimizer.
        params: arrays, or shapes and dtypes, in a pytree: as the weights are stored.
        weights: the format that weights are stored in, where it is not the dtype of params, as of numbers of float8
            in float32 arrays.
        gradients: the format of the gradients; by default that of the weights.
    """
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"expected an Optimizer, as optimizers.adam(), got {type(optimizer).__name__}.")
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), params)
    count = sum(leaf.size for leaf in jax.tree.leaves(shapes))
    state = _state(optimizer, shapes)
    kept = [part for part in jax.tree.leaves(state, is_leaf=_is_kept) if _is_kept(part)]
    main = sum(_bytes(part.main) for part in kept)
    stored = count * get(weights).bytes if weights is not None else _bytes(shapes)
    derived = count * get(gradients).bytes if gradients is not None else stored
    return Memory(*(size / count for size in (stored, derived, _bytes(state) - main, main)))


def _state(optimizer, shapes):
    """The optimizer's state as arrays or their shapes."""
    if optimizer.backend == "optax":
        with double_precision():
            return jax.eval_shape(optimizer.init, shapes)
    zeros = to_torch(jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes))
    return optimizer.update(zeros, optimizer.init(zeros), zeros)[1].per_param  # torch makes its state in the first step


def _is_kept(part) -> bool:
    return isinstance(part, KeptState)


def _bytes(tree) -> int:
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree) if hasattr(leaf, "dtype"))
