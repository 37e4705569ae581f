"""A small network in the two frameworks: the same weights, the same loss, each with its own autodiff and optimizers.

A `Network` takes steps. Its params are a dict by layer, {"layer 1": {"weight": (in, out), "bias": (out,)}, ...};
between layers is a ReLU, and the loss is the mean cross-entropy of the last layer's outputs.
"""

import math
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax

from optcourse.arrays import double_precision, to_numpy, to_torch
from optcourse.loops import l2_norm
from optcourse.models.networks import outputs
from optcourse.optimizers.contract import Optimizer


class Step(NamedTuple):
    """What a step leaves: the new params and state, and what was measured during it."""

    params: dict
    state: object
    loss: float
    gradients: np.ndarray  # L2 norm for each layer
    updates: np.ndarray
    weights: np.ndarray  # before the step


class Network(Protocol):
    """The engine of one framework. Arrays are placed first; steps and evaluations happen inside `stepping()`."""

    def place(self, array): ...

    def stepping(self): ...

    def step(self, optimizer: Optimizer, params, state, images, digits) -> Step: ...

    def evaluate(self, params, images, digits) -> tuple[float, float]: ...


def network_of(optimizer: Optimizer) -> Network:
    """The framework that the optimizer belongs to."""
    return TorchNetwork() if optimizer.backend == "torch" else JaxNetwork()


# --- JAX -------------------------------------------------------------------------------------------------------


class JaxNetwork:
    """Loss, gradient and Optax's update as one compiled function; the hyperparameters are its arguments."""

    stepping = staticmethod(double_precision)

    def place(self, array):
        with double_precision():
            return jax.tree.map(jnp.asarray, array)

    def step(self, optimizer, params, state, images, digits) -> Step:
        if state is None:
            state = optimizer.init(params)
        params, state, loss, norms = _jax_step(optimizer, params, state, images, digits)
        return Step(params, state, float(loss), *np.asarray(norms))

    def evaluate(self, params, images, digits):
        return tuple(float(value) for value in _jax_evaluate(params, images, digits))


def _jax_loss(params, images, digits):
    return optax.softmax_cross_entropy_with_integer_labels(outputs(params, images, jax.nn.relu), digits).mean()


@jax.jit
def _jax_step(optimizer, params, state, images, digits):
    value_fn = partial(_jax_loss, images=images, digits=digits)
    loss, gradients = jax.value_and_grad(value_fn)(params)
    updates, new_state = optimizer.update(gradients, state, params, value=loss, grad=gradients, value_fn=value_fn)
    new_state = jax.tree.map(lambda old, new: jnp.asarray(new).astype(jnp.asarray(old).dtype), state, new_state)
    norms = [jnp.stack([l2_norm(tree[layer]) for layer in params]) for tree in (gradients, updates, params)]
    return optax.apply_updates(params, updates), new_state, loss, jnp.stack(norms)


@jax.jit
def _jax_evaluate(params, images, digits):
    said = outputs(params, images, jax.nn.relu)
    loss = optax.softmax_cross_entropy_with_integer_labels(said, digits).mean()
    return loss, jnp.mean(jnp.argmax(said, axis=1) == digits, dtype=said.dtype)


# --- PyTorch -----------------------------------------------------------------------------------------------------


class TorchNetwork:
    """torch's own arithmetic, its autograd and its optimizers."""

    @staticmethod
    @contextmanager
    def stepping():
        """On one thread: for matrices this small, several wait for one another, on a busy machine 20 times longer."""
        import torch

        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)

    def place(self, array):
        return to_torch(array)

    def step(self, optimizer, params, state, images, digits) -> Step:
        import torch

        def value_fn(params):
            return torch.nn.functional.cross_entropy(outputs(params, images, torch.relu), digits.long())

        if state is None:
            state = optimizer.init(params)
        leaves, structure = jax.tree.flatten(params)
        leaves = [leaf.detach().requires_grad_() for leaf in leaves]
        loss = value_fn(jax.tree.unflatten(structure, leaves))
        gradients = jax.tree.unflatten(structure, torch.autograd.grad(loss, leaves))
        updates, state = optimizer.update(gradients, state, params, value=loss.detach(), value_fn=value_fn)
        norms = [np.array([_torch_norm(tree[layer]) for layer in params]) for tree in (gradients, updates, params)]
        params = jax.tree.map(lambda leaf, update: leaf.detach() + update, params, updates)
        return Step(params, state, float(loss.detach()), *norms)

    def evaluate(self, params, images, digits):
        import torch

        with torch.no_grad():
            said = outputs(params, images, torch.relu)
            loss = torch.nn.functional.cross_entropy(said, digits.long())
            return float(loss), float((said.argmax(1) == digits).double().mean())


def _torch_norm(layer) -> float:
    return math.sqrt(sum(float((leaf.detach() ** 2).sum()) for leaf in layer.values()))


def as_numpy(params) -> dict:
    """A copy of params as NumPy."""
    return jax.tree.map(np.array, to_numpy(params))
