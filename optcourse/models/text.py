"""A transformer that predicts the next character of a text, as a loss surface."""

import re
from functools import cache, partial
from importlib import resources

import jax
import jax.numpy as jnp
import numpy as np

from optcourse.arrays import framework, namespace
from optcourse.models.transformer import transformer_outputs, widened
from optcourse.surfaces.loss_surface import LossSurface

ALPHABET = " abcdefghijklmnopqrstuvwxyz"
NORMS, PARTS = ("post", "pre"), ("norm", "softmax", "loss")


@cache
def load_text() -> str:
    """English text that comes with Python: how its email package is built, in 8684 letters and spaces.

    It is the file `email/architecture.rst`, which is the same from Python 3.6 to 3.13, in lower case and with one space
    for whatever is no letter.

    >>> load_text()[4:47]
    'email package architecture overview the ema'

    Raises:
        FileNotFoundError: where Python was installed without this file.
    """
    raw = resources.files("email").joinpath("architecture.rst").read_text(encoding="utf-8")
    return " ".join(re.findall("[a-z]+", raw.lower()))


def text_loss(
    *, batch: int | None = 16, context: int | None = None, norm: str = "post", keep_float32=PARTS
) -> LossSurface:
    """The mean cross-entropy of a transformer that predicts each next character of `load_text`, over its weights.

    With `batch` pieces of the text, drawn with replacement for each step of a run and for its seed; the same ones in
    JAX and PyTorch. How many layers and heads there are is decided by the params that it starts from.

    >>> import optcourse as oc
    >>> from optcourse import models, optimizers
    >>> start = models.transformer_params(layers=1, dtype="float32")
    >>> path = oc.run(optimizers.adam(0.01), models.text_loss(), start, steps=60, record="loss")
    >>> bool(path.loss[-10:].mean() < path.loss[0] - 0.5)
    True

    Args:
        batch: pieces of text in a mini-batch; None for the whole text, cut into pieces, in every step.
        context: characters in a piece; by default as many as the params have positions for.
        norm: "post", where layer norms follow each part of a layer (Vaswani et al. 2017, arXiv:1706.03762), or "pre",
            where they come before it.
        keep_float32: what is computed in float32 where the weights are narrower: any of "norm", "softmax" and "loss".

    Raises:
        ValueError: for a batch or context smaller than 1, or an unknown name.
    """
    for name, value in (("batch", batch), ("context", context)):
        if value is not None and value < 1:
            raise ValueError(f"{name} must be 1 or more, or None, got {value}.")
    if norm not in NORMS:
        raise ValueError(f'norm must be "post" or "pre", got {norm!r}.')
    if not {*keep_float32} <= {*PARTS}:
        raise ValueError(f"keep_float32 must name some of {', '.join(PARTS)}, got {keep_float32!r}.")
    constants = {"context": context, "norm": norm, "keep": tuple(keep_float32)}
    if batch is None:
        return LossSurface(_full_loss, name="text", dim=None, constants=constants)
    return LossSurface(_batch_loss, name="text", dim=None, constants={"batch": batch, **constants}, seeded=True)


@cache
def _characters() -> np.ndarray:
    """The text as indices into the alphabet."""
    return np.array([ALPHABET.index(character) for character in load_text()], np.int32)


def _full_loss(params, context, norm, keep):
    length = context or params["embedding"]["position"].shape[0]
    first = np.arange(0, len(_characters()) - length, length)
    return _loss(params, _characters()[first[:, None] + np.arange(length + 1)], norm, keep)


def _batch_loss(params, step, seed, batch, context, norm, keep):
    length = context or params["embedding"]["position"].shape[0]
    first = _drawn(step, seed, batch, len(_characters()) - length)
    if framework(params["output"]["weight"]) == "torch":
        first = np.asarray(first)
        return _loss(params, _characters()[first[:, None] + np.arange(length + 1)], norm, keep)
    return _loss(params, jnp.asarray(_characters())[first[:, None] + jnp.arange(length + 1)], norm, keep)


@partial(jax.jit, static_argnums=(2, 3))
def _drawn(step, seed, batch, count):
    key = jax.random.fold_in(jax.random.key(seed), step)
    return jax.random.randint(key, (batch,), 0, count, dtype=jnp.int32)


def _loss(params, pieces, norm, keep):
    """Pieces (texts, length + 1): each character is predicted from those before it in its piece."""
    weight = params["output"]["weight"]
    xp = namespace(weight)
    one_hot = xp.asarray(pieces)[:, :, None] == xp.arange(weight.shape[1])
    said = transformer_outputs(params, xp.astype(one_hot[:, :-1], weight.dtype), norm, keep)
    said = widened(said) if "loss" in keep else said
    shifted = said - xp.max(said, axis=-1, keepdims=True)
    of_right = xp.sum(xp.where(one_hot[:, 1:], shifted, xp.zeros_like(shifted)), axis=-1)
    return xp.mean(xp.log(xp.sum(xp.exp(shifted), axis=-1)) - of_right)
