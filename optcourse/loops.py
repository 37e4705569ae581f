"""The two loops under `run` and `sweep`: one compiled scan for Optax, one Python loop for torch.

Both return a `Record`. Its histories hold one entry more than there are steps, so that what was
before a step and what came after it are two views of one array.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from optcourse.arrays import to_numpy, weakly_typed
from optcourse.optimizers.contract import Optimizer
from optcourse.optimizers.torch_backend import Session
from optcourse.surfaces.loss_surface import LossSurface
from optcourse.xla_options import compile_small_loops_whole

compile_small_loops_whole()

BETWEEN_STEPS = ("params", "loss", "opt_state")  # steps + 1 entries: before the first step ... after the last
DURING_STEPS = ("gradients", "updates", "step_size")  # one entry for each step
EVERYTHING = BETWEEN_STEPS + DURING_STEPS


class Record(NamedTuple):
    """What a loop leaves behind: chosen histories, step on axis 0, and where it ended."""

    history: dict[str, Any]
    final: dict[str, Any]


class Plan(NamedTuple):
    """What is compiled in: everything about a path that is not a number. Hashable."""

    recipe: Any
    schedules: tuple[tuple[str, Any], ...]
    surface: LossSurface
    recorded_steps: int  # the length of what is recorded; 0 where nothing is
    record: tuple[str, ...]


def plan_path(optimizer: Optimizer, surface: LossSurface, steps: int, record) -> tuple[Plan, dict[str, Any]]:
    """What is compiled in, and the hyperparameters, which are not."""
    traced, schedules = optimizer.traced_and_fixed()
    hyperparams = {name: float(value) for name, value in traced.items()}
    return Plan(optimizer.recipe, schedules, surface, steps if record else 0, record), hyperparams


def scan_path(plan: Plan, hyperparams, start, opt_state, seed, first_step, steps) -> Record:
    """Run an Optax optimizer for `steps` steps in one compiled loop; everything but the plan may be traced."""
    surface, record = plan.surface, plan.record
    optimizer = plan.recipe({**weakly_typed(hyperparams), **dict(plan.schedules)})
    if opt_state is None:
        opt_state = optimizer.init(start)
    changes = surface.step_dependent or surface.noise_scale

    def step(carry, index):
        at = first_step + index if changes else None
        new_carry, seen = take_step(optimizer, surface, *carry, at, seed)
        if "step_size" in record:
            seen["step_size"] = l2_norm(seen["updates"])
        if not record:
            new_carry = jax.tree.map(lanes_innermost, new_carry)
        return new_carry, {name: seen[name] for name in record}

    if record:
        # A history that reaches past the last step needs the loop once more; its surplus is cut off as a view.
        # What has no history is carried along from before each step, so that it ends where the last step did.
        length = plan.recorded_steps + 1
        indices = jnp.arange(length) if changes else None
        before = {name: value for name, value in (("params", start), ("opt_state", opt_state)) if name not in record}

        def step_and_keep(carry, index):
            now, _ = carry
            kept = {name: value for name, value in zip(("params", "opt_state"), now, strict=True) if name in before}
            now, seen = step(now, index)
            return (now, kept), seen

        (_, final), history = jax.lax.scan(step_and_keep, ((start, opt_state), before), indices, length=length)
        steps = plan.recorded_steps
    else:
        # A number of steps that is not compiled in: one step cannot come out rounded otherwise than many.
        ends = jax.lax.fori_loop(0, steps, lambda index, carry: step(carry, index)[0], (start, opt_state))
        history, final = {}, dict(zip(("params", "opt_state"), ends, strict=True))
    if "loss" not in record:
        params = final["params"] if "params" in final else jax.tree.map(lambda leaf: leaf[steps], history["params"])
        final["loss"] = surface(params, first_step + steps if surface.step_dependent else None, seed)
    return Record(history, final)


def take_step(optimizer, surface: LossSurface, params, state, at=None, seed=0, *, value_and_grad=jax.value_and_grad):
    """One step of an Optax optimizer: (new params, new state), and what was seen of it by name.

    Everything that follows an optimizer (`run`, `sweep`, live figures) goes through here.
    """

    def value_fn(p):
        return scalar_loss(surface, p, at, seed)

    loss, gradients = value_and_grad(value_fn)(params)
    gradients = surface.add_noise(gradients, at, seed)
    updates, new_state = optimizer.update(gradients, state, params, value=loss, grad=gradients, value_fn=value_fn)
    seen = {"params": params, "loss": loss, "opt_state": state, "gradients": gradients, "updates": updates}
    return (optax.apply_updates(params, updates), _with_dtypes_of(state, new_state)), seen


jitted_scan = jax.jit(scan_path, static_argnums=0)


def torch_path(optimizer, surface, start, *, steps, record, opt_state, seed, first_step, progress) -> Record:
    """Run a torch optimizer in its native, stateful way; `progress` wraps the range of steps."""
    import torch

    session: Session = optimizer.transformation.open(start, opt_state)
    leaves = session.leaves
    kept = {"params", *record} if {"updates", "step_size"} & {*record} else {*record}
    history = {name: [] for name in kept - {"updates", "step_size"}}
    keep = {name: values.append for name, values in history.items()}
    changes = surface.step_dependent or surface.noise_scale

    def loss_at(index):
        at = first_step + index if changes else None
        return scalar_loss(surface, jax.tree.unflatten(session.structure, leaves), at, seed), at

    def keep_state_between(loss):
        for name, value in (("params", session.params), ("loss", loss.detach), ("opt_state", session.state)):
            if name in keep:
                keep[name](value())

    for index in progress(range(steps)):
        loss, at = loss_at(index)
        grads = torch.autograd.grad(loss, leaves, allow_unused=True, materialize_grads=True)
        gradients = surface.add_noise(jax.tree.unflatten(session.structure, grads), at, seed)
        keep_state_between(loss)
        if "gradients" in keep:
            keep["gradients"](jax.tree.map(torch.clone, gradients))
        session.step(jax.tree.leaves(gradients), lambda params, at=at: surface(params, at, seed), loss.detach())
    with torch.no_grad():
        loss, _ = loss_at(steps)
    keep_state_between(loss)
    final = {"params": session.params(), "loss": loss.detach(), "opt_state": session.state()}
    stacked = {name: _stack(values, start) for name, values in history.items() if name != "opt_state"}
    if "opt_state" in history:
        stacked["opt_state"] = [to_numpy(state) for state in history["opt_state"]]
    if kept != {*history}:  # what a step did is the difference of what was before and after it
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is recorded, not reported
            stacked["updates"] = jax.tree.map(lambda leaf: leaf[1:] - leaf[:-1], stacked["params"])
            stacked["step_size"] = _norm_of_each(stacked["updates"])
    return Record({name: stacked[name] for name in record}, {name: to_numpy(value) for name, value in final.items()})


def scalar_loss(surface, params, step, seed=0):
    """The loss, or a ValueError if the surface returns anything but one number."""
    loss = surface(params, step, seed)
    shape = getattr(loss, "shape", None)
    if shape != () and not isinstance(loss, (int, float)):
        got = f"shape {tuple(shape)}" if shape else type(loss).__name__
        raise ValueError(
            f"the surface {surface.name} must return a single number, got {got}; "
            "reduce it, for example with .sum() or .mean()."
        )
    return loss


@jax.custom_batching.custom_vmap
def lanes_innermost(array):
    """The same array; under `vmap` its lanes lie next to each other in memory, which is what SIMD code needs."""
    return array


@lanes_innermost.def_vmap
def _lanes_innermost(axis_size, batched, array):
    try:
        from jax.experimental.layout import Layout, with_layout_constraint
    except ImportError:  # before JAX 0.7: a little slower, the same numbers
        return array, batched[0]
    if batched[0] and array.ndim > 1:
        array = with_layout_constraint(array, Layout((*range(1, array.ndim), 0)))
    return array, batched[0]


def l2_norm(tree):
    """Euclidean norm over all entries of a pytree."""
    return jnp.sqrt(sum(jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(tree)))


def _with_dtypes_of(state, new_state):
    return jax.tree.map(lambda old, new: jnp.asarray(new).astype(jnp.asarray(old).dtype), state, new_state)


def _norm_of_each(updates):
    squares = [np.square(leaf).sum(axis=tuple(range(1, leaf.ndim))) for leaf in jax.tree.leaves(updates)]
    return np.sqrt(sum(squares))


def _stack(values, params):
    import torch

    if not values:  # no steps: what belongs to a step has the shape of params
        return jax.tree.map(lambda leaf: np.zeros((0, *leaf.shape)), to_numpy(params))
    return to_numpy(jax.tree.map(lambda *leaves: torch.stack(leaves), *values))
