"""A multilayer perceptron: its first weights, and its outputs, in whichever library the weights belong to.

Params are a dict by layer, {"layer 1": {"weight": (in, out), "bias": (out,)}, ...}.
"""

import math
from itertools import pairwise

import numpy as np

from optcourse.arrays import framework, namespace


def initial_params(sizes, seed: int = 0, dtype="float64", *, gain: float = math.sqrt(2)) -> dict:
    """Weights of standard deviation gain / sqrt(inputs), and biases of zero; NumPy.

    >>> initial_params((64, 32, 10))["layer 2"]["weight"].shape
    (32, 10)

    Args:
        sizes: units in each layer, from the inputs to the outputs.
        seed: of the weights.
        dtype: of the arrays.
        gain: sqrt(2) suits ReLU, 1 suits tanh.

    Source: He, Zhang, Ren and Sun 2015, section 2.2, arXiv:1502.01852.
    """
    rng = np.random.default_rng(seed)
    return {
        f"layer {i}": {
            "weight": (rng.standard_normal((inputs, outputs)) * gain / math.sqrt(inputs)).astype(dtype),
            "bias": np.zeros(outputs, dtype),
        }
        for i, (inputs, outputs) in enumerate(pairwise(sizes), start=1)
    }


def outputs(params, inputs, activation):
    """What the network says of each input: (n, in) -> (n, out). Between layers is the activation."""
    # By number: JAX sorts the names of a dict, which puts "layer 10" before "layer 2".
    *hidden, last = (params[f"layer {i}"] for i in range(1, len(params) + 1))
    for layer in hidden:
        inputs = activation(inputs @ layer["weight"] + layer["bias"])
    return inputs @ last["weight"] + last["bias"]


def like_weights(params, array):
    """The array in the library and dtype of the weights."""
    weight = params["layer 1"]["weight"]
    if framework(weight) == "torch":
        array = np.array(array)  # torch warns of arrays that cannot be written to
    return namespace(weight).asarray(array, dtype=weight.dtype)
