"""Adam whose two moments are kept in 8 bits each, in blocks with a scale of their own.

Source: Dettmers, Lewis, Shleifer and Zettlemoyer 2021, "8-bit Optimizers via Block-wise Quantization",
arXiv:2110.02861; the levels are those of its authors' implementation.
"""

import math
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from optcourse.optimizers.contract import Optimizer
from optcourse.optimizers.lookup import from_optax

DECADES = 7  # that the levels reach down from the largest number of a block


class Quantized(NamedTuple):
    """Numbers as levels times the largest of their block: codes in the shape of the numbers, one scale per block."""

    codes: Any  # uint8
    largest: Any  # float32, (blocks,)


class Adam8bitState(NamedTuple):
    """Steps so far, and the two moments, `Quantized` for each array of params."""

    count: Any
    mu: Any
    nu: Any


def adam_8bit(learning_rate=0.001, b1=0.9, b2=0.999, eps=1e-8, *, block: int = 256) -> Optimizer:
    """Adam with its moments in 8 bits: two bytes of state per parameter, and 8 / block for the scales.

    In each step the moments are taken out of their codes, updated and used in float32, and rounded to the nearest
    level when they are stored again: m in levels of both signs, v in positive ones.

    >>> import optcourse as oc
    >>> from optcourse import surfaces
    >>> path = oc.run(adam_8bit(0.1), surfaces.booth(), [0.0, 0.0], steps=200)
    >>> path.final_params.round(1)
    array([1., 3.])

    Args:
        learning_rate, b1, b2, eps: as for `optimizers.adam`.
        block: numbers that share a scale. The paper has 2048; small networks want smaller blocks.
    """
    return from_optax(
        _adam_8bit, name="adam_8bit", learning_rate=_number(learning_rate), b1=b1, b2=b2, eps=eps, block=block
    )


def quantize(values, *, signed: bool, block: int = 256) -> Quantized:
    """Each number as the nearest level of its block; blocks are runs of `block` numbers, row by row."""
    values = jnp.asarray(values)
    blocks = _in_blocks(values, block)
    largest = jnp.max(jnp.abs(blocks), axis=1)
    shares = blocks / jnp.where(largest > 0, largest, 1)[:, None]
    levels = dynamic_levels(signed=signed)
    between = jnp.asarray((levels[1:] + levels[:-1]) / 2, shares.dtype)
    codes = jnp.searchsorted(between, shares.reshape(-1)[: values.size]).astype(jnp.uint8)
    return Quantized(codes.reshape(values.shape), largest.astype(jnp.float32))


def dequantize(stored: Quantized, *, signed: bool, block: int = 256):
    """The numbers that codes stand for, in float32."""
    shares = jnp.asarray(dynamic_levels(signed=signed), jnp.float32)[stored.codes]
    blocks = _in_blocks(shares, block) * stored.largest[:, None]
    return blocks.reshape(-1)[: shares.size].reshape(shares.shape)


@cache
def dynamic_levels(*, signed: bool) -> np.ndarray:
    """The 256 levels from -1 or 0 to 1: in each decade below 1 twice as many as in the one below it.

    Decade i, from 10^(i-7) to 10^(i-6), has 2^i levels of each sign, or 2^(i+1) where all are positive, in the middle
    of as many equal parts of (0.1, 1), i = 0 ... 6; then 0 and 1.
    """
    found = [0.0, 1.0]
    for i in range(DECADES):
        edges = np.linspace(0.1, 1, 2 ** (i if signed else i + 1) + 1)
        middles = 10.0 ** (i - DECADES + 1) * (edges[1:] + edges[:-1]) / 2
        found.extend([*middles, *-middles] if signed else middles)
    levels = np.sort(found)
    levels.flags.writeable = False
    return levels


def _adam_8bit(learning_rate, b1, b2, eps, block):
    moments = {"mu": {"signed": True, "block": block}, "nu": {"signed": False, "block": block}}

    def init(params):
        stored = {
            name: jax.tree.map(lambda leaf, how=how: quantize(jnp.zeros(jnp.shape(leaf), jnp.float32), **how), params)
            for name, how in moments.items()
        }
        return Adam8bitState(jnp.zeros((), jnp.int32), **stored)

    def update(grads, state, params=None):
        count = state.count + 1
        leaves, structure = jax.tree.flatten(grads)
        mu, nu = (
            [dequantize(part, **how) for part in structure.flatten_up_to(getattr(state, name))]
            for name, how in moments.items()
        )
        mu = [b1 * m + (1 - b1) * g for m, g in zip(mu, leaves, strict=True)]
        nu = [b2 * v + (1 - b2) * g**2 for v, g in zip(nu, leaves, strict=True)]
        first, second = 1 - b1**count, 1 - b2**count
        updates = [(m / first) / (jnp.sqrt(v / second) + eps) for m, v in zip(mu, nu, strict=True)]
        stored = {
            name: jax.tree.unflatten(structure, [quantize(part, **moments[name]) for part in parts])
            for name, parts in (("mu", mu), ("nu", nu))
        }
        return jax.tree.unflatten(structure, updates), Adam8bitState(count, **stored)

    return optax.chain(optax.GradientTransformation(init, update), optax.scale_by_learning_rate(learning_rate))


def _in_blocks(values, block):
    """(blocks, block), the last one filled up with zeros."""
    blocks = math.ceil(values.size / block)
    return jnp.pad(values.reshape(-1), (0, blocks * block - values.size)).reshape(blocks, block)


def _number(rate):
    return float(rate) if isinstance(rate, int) else rate
