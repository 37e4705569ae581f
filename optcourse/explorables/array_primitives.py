"""Rules for what gives arrays another shape: nothing is computed, elements are only named anew."""

import jax
import jax.numpy as jnp
import numpy as np

from optcourse.explorables.code import literal
from optcourse.explorables.primitives import result_of, rule
from optcourse.explorables.values import LARGEST_UNROLLED, Known, Scalars, View, scalars


@rule("reshape", "squeeze", "expand_dims")
def _reshape(low, eqn, x):
    return x.rearranged(lambda a: a.reshape(result_of(eqn)[0]))


@rule("broadcast_in_dim")
def _broadcast_in_dim(low, eqn, x, *dynamic):
    shape, axes = eqn.params["shape"], eqn.params["broadcast_dimensions"]
    inner = [1] * len(shape)
    for axis, size in zip(axes, x.shape, strict=True):
        inner[axis] = size
    return x.rearranged(lambda a: np.broadcast_to(a.reshape(inner), shape))


@rule("slice")
def _slice(low, eqn, x):
    p = eqn.params
    strides = p["strides"] or (1,) * len(x.shape)
    cut = tuple(slice(*bounds) for bounds in zip(p["start_indices"], p["limit_indices"], strides, strict=True))
    return x.rearranged(lambda a: a[cut])


@rule("transpose")
def _transpose(low, eqn, x):
    return x.rearranged(lambda a: np.transpose(a, eqn.params["permutation"]))


@rule("rev")
def _rev(low, eqn, x):
    return x.rearranged(lambda a: np.flip(a, eqn.params["dimensions"]))


@rule("tile")
def _tile(low, eqn, x):
    return x.rearranged(lambda a: np.tile(a, eqn.params["reps"]))


@rule("split")
def _split(low, eqn, x):
    ends = np.cumsum(eqn.params["sizes"])[:-1]
    return [
        x.rearranged(lambda a, k=k: np.split(a, ends, axis=eqn.params["axis"])[k])
        for k in range(len(eqn.params["sizes"]))
    ]


def joined(low, shape, dtype, parts):
    """An array of this shape out of (places, value) pairs, `places` being the flat positions of the elements."""
    size = int(np.prod(shape, dtype=int))
    if size <= LARGEST_UNROLLED:
        nodes = [None] * size
        for places, value in parts:
            for k, place in enumerate(places.reshape(-1)):
                nodes[place] = low.element(value, k)
        return scalars(nodes, shape, dtype)
    array = low.new_array(size, low.hint or "a")
    for places, value in parts:
        if not places.size:
            continue
        if isinstance(value, Scalars) and len({id(node) for node in value.nodes.flat}) > 1:
            for place, node in zip(places.reshape(-1).tolist(), value.nodes.reshape(-1), strict=True):
                low.store(array, literal(place), low.as_number(node, dtype))
            continue
        read = low.reader(value)
        table = low.positions(places.reshape(-1))

        def body(i, read=read, table=table):
            return [low.store(array, table(i), low.as_number(read(i), dtype), own=False)]

        array.needs.append(low.loop(places.size, body))
    return View(array, np.arange(size).reshape(shape), np.dtype(dtype))


@rule("concatenate")
def _concatenate(low, eqn, *values):
    shape, dtype = result_of(eqn)
    axis = eqn.params["dimension"]
    positions = np.arange(int(np.prod(shape, dtype=int))).reshape(shape)
    ends = np.cumsum([value.shape[axis] for value in values])[:-1]
    return joined(low, shape, dtype, list(zip(np.split(positions, ends, axis=axis), values, strict=True)))


@rule("stack")
def _stack(low, eqn, *values):
    return stacked(low, *result_of(eqn), values, eqn.params["axis"])


def stacked(low, shape, dtype, values, axis: int):
    """Arrays side by side along a new axis of the result."""
    positions = np.moveaxis(np.arange(int(np.prod(shape, dtype=int))).reshape(shape), axis, 0)
    return joined(low, shape, dtype, list(zip(positions, values, strict=True)))


@rule("unstack")
def _unstack(low, eqn, x):
    axis = eqn.params["axis"]
    return [x.rearranged(lambda a, k=k: np.take(a, k, axis)) for k in range(x.shape[axis])]


@rule("pad")
def _pad(low, eqn, x, filling):
    shape, dtype = result_of(eqn)
    # Where each element of the operand ends up: pad its flat positions with -1.
    positions = np.asarray(
        jax.lax.pad(
            jnp.arange(int(np.prod(x.shape, dtype=int)), dtype=int).reshape(x.shape),
            jnp.asarray(-1, dtype=int),
            [tuple(map(int, edge)) for edge in eqn.params["padding_config"]],
        )
    )
    flat = positions.reshape(-1)
    inside, outside = np.flatnonzero(flat >= 0), np.flatnonzero(flat < 0)
    kept = x.rearranged(lambda a: a.reshape(-1)[flat[inside]])
    around = filling.rearranged(lambda a: np.broadcast_to(a.reshape(1), outside.shape))
    return joined(low, shape, dtype, [(inside, kept), (outside, around)])


@rule("iota")
def _iota(low, eqn):  # always known, so that JAX itself computes it
    raise low.unsupported()


@rule("empty", "empty2")
def _empty(low, eqn):
    """What one branch keeps for the gradient of another: nobody reads it."""
    return Known(np.zeros(*result_of(eqn)))
