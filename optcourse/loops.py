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
from optcourse.optimizers.torch_backend import Session
from optcourse.surfaces.loss_surface import LossSurface

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
    steps: int
    record: tuple[str, ...]


def scan_path(plan: Plan, hyperparams, start, opt_state, seed, first_step) -> Record:
    """Run an Optax optimizer for `plan.steps` steps in one `lax.scan`; everything but the plan may be traced."""
    surface, record = plan.surface, plan.record
    optimizer = plan.recipe({**weakly_typed(hyperparams), **dict(plan.schedules)})
    if opt_state is None:
        opt_state = optimizer.init(start)
    changes = surface.step_dependent or surface.noise_scale

    def step(carry, index):
        params, state = carry
        at = first_step + index if changes else None

        def value_fn(p):
            return scalar_loss(surface, p, at)

        loss, gradients = jax.value_and_grad(value_fn)(params)
        gradients = surface.add_noise(gradients, at, seed)
        updates, new_state = optimizer.update(gradients, state, params, value=loss, grad=gradients, value_fn=value_fn)
        seen = {"params": params, "loss": loss, "opt_state": state, "gradients": gradients, "updates": updates}
        if "step_size" in record:
            seen["step_size"] = l2_norm(updates)
        new_carry = (optax.apply_updates(params, updates), _with_dtypes_of(state, new_state))
        return new_carry, {name: seen[name] for name in record}

    # A history that reaches past the last step needs the loop once more; its surplus is cut off as a view.
    length = plan.steps + 1 if record else plan.steps
    indices = jnp.arange(length) if changes else None
    (params, state), history = jax.lax.scan(step, (start, opt_state), indices, length=length)
    if record:
        return Record(history, {})
    last = first_step + plan.steps if surface.step_dependent else None
    return Record({}, {"params": params, "loss": surface(params, last), "opt_state": state})


jitted_scan = jax.jit(scan_path, static_argnums=0)


def torch_path(optimizer, surface, start, *, steps, record, opt_state, seed, first_step, progress) -> Record:
    """Run a torch optimizer in its native, stateful way; `progress` wraps the range of steps."""
    import torch

    session: Session = optimizer.transformation.open(start, opt_state)
    leaves = session.leaves
    history = {name: [] for name in record}
    keep = {name: values.append for name, values in history.items()}
    changes = surface.step_dependent or surface.noise_scale

    def loss_at(index):
        at = first_step + index if changes else None
        return scalar_loss(surface, jax.tree.unflatten(session.structure, leaves), at), at

    def keep_state_between(loss):
        for name, value in (("params", session.params), ("loss", loss.detach), ("opt_state", session.state)):
            if name in keep:
                keep[name](value())

    before = None
    for index in progress(range(steps)):
        loss, at = loss_at(index)
        grads = torch.autograd.grad(loss, leaves, allow_unused=True, materialize_grads=True)
        grads = surface.add_noise(list(grads), at, seed)
        keep_state_between(loss)
        if "updates" in keep or "step_size" in keep:
            before = [leaf.detach().clone() for leaf in leaves]
        if "gradients" in keep:
            keep["gradients"](jax.tree.unflatten(session.structure, [grad.clone() for grad in grads]))
        session.step(grads, lambda params, at=at: surface(params, at))
        if before is not None:
            updates = [leaf.detach() - old for leaf, old in zip(leaves, before, strict=True)]
            if "updates" in keep:
                keep["updates"](jax.tree.unflatten(session.structure, updates))
            if "step_size" in keep:
                keep["step_size"](torch.sqrt(sum((update * update).sum() for update in updates)))
    with torch.no_grad():
        loss, _ = loss_at(steps)
    keep_state_between(loss)
    final = {"params": session.params(), "loss": loss.detach(), "opt_state": session.state()}
    stacked = {name: _stack(values, steps) for name, values in history.items() if name != "opt_state"}
    if "opt_state" in history:
        stacked["opt_state"] = [to_numpy(state) for state in history["opt_state"]]
    return Record(stacked, {name: to_numpy(value) for name, value in final.items()})


def scalar_loss(surface, params, step):
    """The loss, or a ValueError if the surface returns anything but one number."""
    loss = surface(params, step)
    shape = getattr(loss, "shape", None)
    if shape != () and not isinstance(loss, (int, float)):
        got = f"shape {tuple(shape)}" if shape else type(loss).__name__
        raise ValueError(
            f"the surface {surface.name} must return a single number, got {got}; "
            "reduce it, for example with .sum() or .mean()."
        )
    return loss


def l2_norm(tree):
    """Euclidean norm over all entries of a pytree."""
    return jnp.sqrt(sum(jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(tree)))


def _with_dtypes_of(state, new_state):
    return jax.tree.map(lambda old, new: jnp.asarray(new).astype(jnp.asarray(old).dtype), state, new_state)


def _stack(values, steps):
    import torch

    if not values:  # no steps: keep the shape that stacking would have given
        return np.zeros((0,))
    return to_numpy(jax.tree.map(lambda *leaves: torch.stack(leaves), *values))
