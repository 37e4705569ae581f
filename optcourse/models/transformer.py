"""A small decoder-only transformer: its first weights and its outputs, in whichever library the weights belong to.

Params are a dict: {"embedding": {"character": (characters, width), "position": (context, width), ...}, "layers":
{"query, key, value": (layers, 3, heads, width, width / heads), "expand": (layers, width, 4 width), ...}, "output":
{"weight": (width, characters)}}. Their shapes say how many layers and heads there are.
"""

import math
from functools import partial

import jax
import numpy as np

from optcourse.arrays import framework, namespace

NORM_EPSILON = 1e-5  # added to the variance


def transformer_params(
    *,
    layers: int = 4,
    width: int = 16,
    heads: int = 2,
    context: int = 16,
    characters: int = 27,
    seed: int = 0,
    dtype="float64",
) -> dict:
    """First weights of a transformer for `text_loss`; NumPy.

    Matrices have the standard deviation sqrt(2 / (inputs + outputs)) and embeddings 1 / sqrt(width), to be multiplied
    by sqrt(width) when they are used; biases are 0, scales 1.

    >>> params = transformer_params(layers=4, width=16)
    >>> list(params), params["layers"]["expand"].shape
    (['embedding', 'layers', 'output'], (4, 16, 64))

    Args:
        layers: each an attention and a feed-forward network of 4 width units; in each leaf, they lie along axis 0.
        width: numbers by which a character is represented; a multiple of heads.
        heads: of each attention.
        context: the most characters that it can see at once.
        characters: how many different ones there are.
        seed: of the weights.
        dtype: of the arrays.

    Raises:
        ValueError: for a width that is no multiple of heads, or a size below 1.

    Source: Vaswani et al. 2017, arXiv:1706.03762, but positions are learned; the standard deviation is that of Glorot
    and Bengio 2010, eq. 16.
    """
    if min(layers, width, heads, context, characters) < 1 or width % heads:
        raise ValueError(
            "layers, width, heads, context and characters must be 1 or more and width a multiple of heads, "
            f"got {layers}, {width}, {heads}, {context} and {characters}."
        )
    rng = np.random.default_rng(seed)

    def matrix(inputs, outputs, shape=None):
        return rng.standard_normal(shape or (inputs, outputs)) * math.sqrt(2 / (inputs + outputs))

    def embedding(count):
        return rng.standard_normal((count, width)) / math.sqrt(width)

    def norm(name):
        return {f"{name} scale": np.ones(width), f"{name} bias": np.zeros(width)}

    def layer():
        return {
            "query, key, value": matrix(width, width, (3, heads, width, width // heads)),
            "mix": matrix(width, width, (heads, width // heads, width)),
            **norm("attention norm"),
            "expand": matrix(width, 4 * width),
            "contract": matrix(4 * width, width),
            **norm("feed-forward norm"),
        }

    each = [layer() for _ in range(layers)]
    params = {
        "embedding": {"character": embedding(characters), "position": embedding(context), **norm("norm")},
        "layers": {name: np.stack([layer[name] for layer in each]) for name in each[0]},
        "output": {"weight": matrix(width, characters)},
    }
    return {name: {kind: leaf.astype(dtype) for kind, leaf in part.items()} for name, part in params.items()}


def transformer_outputs(params, chosen, norm: str, keep=()):
    """What the network says of the next character: (texts, length, characters) in, the same shape out.

    Args:
        params: as `transformer_params` makes them.
        chosen: one-hot characters in the dtype of the weights.
        norm: "post", x = norm(x + part(x)) for each part, as Vaswani et al. 2017 have it; or "pre",
            x = x + part(norm(x)). The one norm that is left follows the embedding of "post" and comes before the
            output of "pre".
        keep: which of "norm" and "softmax" are computed in float32 where the weights are narrower.
    """
    embedding, layers, output = params["embedding"], params["layers"], params["output"]
    length, width = chosen.shape[1], embedding["character"].shape[1]
    x = (chosen @ embedding["character"] + embedding["position"][:length]) * math.sqrt(width)

    def normed(x, part, name):
        return layer_norm(x, part[f"{name} scale"], part[f"{name} bias"], wide="norm" in keep)

    def add(part, layer, x, name):
        if norm == "pre":
            return x + part(layer, normed(x, layer, name))
        return normed(x + part(layer, x), layer, name)

    def through(layer, x):
        x = add(partial(_attention, wide="softmax" in keep), layer, x, "attention norm")
        return add(_feed_forward, layer, x, "feed-forward norm")

    if norm == "post":
        x = normed(x, embedding, "norm")
    x = _one_after_the_other(layers, x, through)
    if norm == "pre":
        x = normed(x, embedding, "norm")
    return x @ output["weight"]


def layer_norm(x, scale, bias, *, wide: bool = False):
    """(x - mean) / sqrt(variance + 1e-5) along the last axis, times scale, plus bias; `wide`: inside in float32.

    >>> layer_norm(np.array([1.0, 3.0]), np.ones(2), np.zeros(2)).round(4)
    array([-1.,  1.])

    Source: Ba, Kiros and Hinton 2016, arXiv:1607.06450.
    """
    xp, dtype = namespace(x), x.dtype
    x = widened(x) if wide else x
    centred = x - xp.mean(x, axis=-1, keepdims=True)
    variance = xp.mean(centred * centred, axis=-1, keepdims=True)
    return xp.astype(centred / xp.sqrt(variance + NORM_EPSILON), dtype) * scale + bias


def softmax(x, *, wide: bool = False):
    """exp(x) / sum exp(x) along the last axis; `wide`: inside in float32.

    >>> softmax(np.array([0.0, np.log(3.0)])).round(4)
    array([0.25, 0.75])
    """
    xp, dtype = namespace(x), x.dtype
    x = widened(x) if wide else x
    powers = xp.exp(x - xp.max(x, axis=-1, keepdims=True))
    return xp.astype(powers / xp.sum(powers, axis=-1, keepdims=True), dtype)


def widened(x):
    """The array in float32, if its dtype is narrower."""
    xp = namespace(x)
    return xp.astype(x, xp.float32) if x.dtype.itemsize < 4 else x


def _attention(layer, x, wide):
    """Each character looks at itself and those before it."""
    xp, length = namespace(x), x.shape[1]
    projected = x[None, :, None] @ layer["query, key, value"][:, None]  # (3, texts, heads, length, width / heads)
    query, key, value = projected[0], projected[1], projected[2]
    scores = query @ xp.matrix_transpose(key) / math.sqrt(query.shape[-1])
    seen = xp.tril(xp.ones((length, length), dtype=xp.bool))
    scores = xp.where(seen, scores, xp.full_like(scores, -math.inf))
    return xp.sum(softmax(scores, wide=wide) @ value @ layer["mix"], axis=1)


def _feed_forward(layer, x):
    xp = namespace(x)
    hidden = x @ layer["expand"]
    return xp.where(hidden > 0, hidden, xp.zeros_like(hidden)) @ layer["contract"]


def _one_after_the_other(layers, x, through):
    """x after all layers. JAX compiles one layer then, and not each."""
    if framework(x) == "jax":
        return jax.lax.scan(lambda x, layer: (through(layer, x), None), x, layers)[0]
    for i in range(len(layers["mix"])):
        x = through({name: leaf[i] for name, leaf in layers.items()}, x)
    return x
