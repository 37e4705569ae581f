"""Paths in half precision are, bit for bit, those of JAX when it computes one operation after the other.

Not those of a jitted loop: there XLA leaves out roundings between operations that it fuses.
"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from javascript import Task, flat_rows, run_tasks

from optcourse import optimizers, surfaces
from optcourse.arrays import double_precision, weakly_typed
from optcourse.explorables import Module
from optcourse.loops import take_step

STEPS = 16
SURFACES = {"rosenbrock": surfaces.rosenbrock(), "quadratic_bowl": surfaces.quadratic_bowl()}
# The line search of L-BFGS takes seconds in JAX one operation at a time.
OPTIMIZERS = {
    name: factory(**({"line_search": False} if name == "lbfgs" else {}))
    for name, factory in optimizers.catalogue().items()
}
DTYPES = ("float16", "bfloat16")
PATHS = [(name, surface, dtype) for name in OPTIMIZERS for surface in SURFACES for dtype in DTYPES]


def step_of(name, surface):
    """One step as `run` takes it, of params, state and hyperparameters."""

    def step(carry, hyperparams):
        return take_step(OPTIMIZERS[name].recipe(weakly_typed(hyperparams)), SURFACES[surface], *carry)[0]

    return step


def beginning(name, surface, dtype):
    """Params with their state, and hyperparameters in double precision, as a figure has them."""
    params = np.asarray(SURFACES[surface].start, jnp.dtype(dtype))
    hyperparams = {key: np.float64(value) for key, value in OPTIMIZERS[name].hyperparams.items()}
    return (params, OPTIMIZERS[name].init(jnp.asarray(params))), hyperparams


@cache
def javascript():
    """The params after each step of every path, all computed in one process."""
    module, tasks = Module(), {}
    with double_precision():
        for path in PATHS:
            given = beginning(*path)
            compiled = module.add(step_of(*path[:2]), *given, name="_".join(path))
            rows = [flat_rows(jax.tree.map(lambda leaf: np.asarray(leaf)[None], tree), 1) for tree in given]
            tasks[path] = Task(compiled, tuple(rows), steps=STEPS, keep=2)
    return {path: out[0] for path, out in zip(tasks, run_tasks(module, [*tasks.values()]), strict=True)}


@pytest.mark.parametrize(("name", "surface", "dtype"), PATHS)
def test_paths_are_those_of_jax_operation_by_operation(name, surface, dtype):
    """Up to where squares of what is left of params and updates would be subnormal, which XLA takes for zero."""
    with double_precision(), jax.disable_jit():
        carry, hyperparams = beginning(name, surface, dtype)
        history = []
        for _ in range(STEPS):
            carry = step_of(name, surface)(carry, hyperparams)
            history.append(np.asarray(carry[0]).astype(float))
    assert np.asarray(carry[0]).dtype == jnp.dtype(dtype)
    history = np.array(history)
    tiny = np.flatnonzero(((history != 0) & (np.abs(history) < 1e-15)).any(axis=1))
    compared = tiny[0] if tiny.size else STEPS
    assert compared >= 8
    np.testing.assert_array_equal(javascript()[name, surface, dtype][:compared], history[:compared])
