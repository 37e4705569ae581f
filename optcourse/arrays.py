"""The array libraries the course speaks: recognise them, convert between them, compute in double.

Everything here works on single arrays and on pytrees of them (dicts, lists, tuples).
"""

import math
import sys
from contextlib import contextmanager, nullcontext
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from array_api_compat import array_namespace

try:
    from jax import enable_x64 as _enable_x64
except ImportError:  # before JAX 0.8
    from jax.experimental import enable_x64 as _enable_x64

FRAMEWORKS = ("numpy", "jax", "torch")


def framework(params) -> str:
    """Which library the arrays in `params` belong to: "jax", "torch" or "numpy".

    Plain Python numbers count as NumPy. Mixing JAX arrays and torch tensors is a `TypeError`.
    """
    found = {_library(leaf) for leaf in jax.tree.leaves(params)} - {"numpy"}
    if len(found) > 1:
        raise TypeError("params mix JAX arrays and torch tensors; convert them to one of the two first.")
    return found.pop() if found else "numpy"


def namespace(params):
    """The array-API functions (`exp`, `sum`, `where` ...) of the library that `params` belongs to.

    Write a surface with them and it runs on JAX, torch and NumPy alike:

    >>> def bumps(params):
    ...     xp = namespace(params)
    ...     return xp.sum(1 - xp.cos(params))
    >>> float(bumps(np.zeros(2)))
    0.0
    """
    return array_namespace(*(leaf for leaf in jax.tree.leaves(params) if hasattr(leaf, "dtype")))


@contextmanager
def double_precision(device=None):
    """A context in which JAX honours float64 and plain numbers go to `device`; outside it the user's settings hold.

    Without a device it is the one that the user has set in JAX, or else the CPU, also on a machine with a GPU: the
    steps of a path follow each other, a few numbers each, and starting one on a GPU takes longer than computing it.
    """
    device = device or (None if jax.config.jax_default_device else _cpu_beside_others())
    with _enable_x64(True), jax.default_device(device) if device else nullcontext():
        yield


def device_of(params):
    """The device that JAX arrays were put on, as `jax.device_put(params, device)` does it, or None.

    An array that JAX itself has put somewhere, on a GPU where there is one, says nothing about its owner's wishes.
    """
    arrays = (leaf for leaf in jax.tree.leaves(params) if isinstance(leaf, jax.Array))
    places = [array.devices() for array in arrays if not isinstance(array, jax.core.Tracer) and array.committed]
    return next((device for devices in places if len(devices) == 1 for device in devices), None)


def to_numpy(tree):
    """The same pytree with every array as NumPy, without a copy where possible; Python numbers stay as they are."""
    return jax.tree.map(_leaf_to_numpy, tree)


def to_torch(tree):
    """The same pytree with every array as a fresh torch tensor of the same dtype."""
    return jax.tree.map(_leaf_to_torch, tree)


def weakly_typed(values):
    """Mark traced scalars as Python numbers, which take the dtype of what they meet.

    A learning rate from a float64 grid must not turn float32 parameters into float64 ones, and
    `1 - b2` must still be computed in double, as it is where Optax is given Python floats.
    """
    from jax._src.lax.lax import _convert_element_type  # JAX has no public function for this

    return jax.tree.map(lambda value: _convert_element_type(value, weak_type=True), values)


@cache
def _cpu_beside_others():
    """The CPU where JAX would compute elsewhere by itself, or None."""
    if jax.default_backend() == "cpu":
        return None
    try:
        return jax.local_devices(backend="cpu")[0]
    except RuntimeError:  # JAX was told to do without it
        return None


def _library(leaf) -> str:
    if isinstance(leaf, jax.Array):
        return "jax"
    torch = sys.modules.get("torch")
    return "torch" if torch is not None and isinstance(leaf, torch.Tensor) else "numpy"


def _leaf_to_numpy(leaf):
    if isinstance(leaf, (bool, int, float)):
        return leaf
    if _library(leaf) != "torch":
        return np.asarray(leaf)
    leaf = leaf.detach().cpu()
    if str(leaf.dtype) == "torch.bfloat16":  # NumPy knows bfloat16 only through JAX's ml_dtypes
        return leaf.float().numpy().astype(jnp.bfloat16)
    return leaf.numpy()


def _leaf_to_torch(leaf):
    import torch

    if isinstance(leaf, torch.Tensor):
        return leaf.detach().clone()
    leaf = np.array(leaf)
    if leaf.dtype == jnp.bfloat16:
        return torch.from_numpy(leaf.astype(np.float32)).to(torch.bfloat16)
    return torch.from_numpy(leaf)


def finite_number(value, what: str) -> float:
    """The value as a float; raise TypeError or ValueError, which call it `what`, for what is no finite number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{what} must be a number, got {value!r}.") from None
    if not math.isfinite(number):
        raise ValueError(f"{what} must be finite, got {value!r}.")
    return number
