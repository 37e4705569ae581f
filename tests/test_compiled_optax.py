"""Optax beyond the catalogue: what compiles, returns what JAX returns, over several steps of a small network."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from javascript import Task, flat_rows, run_tasks
from optax import contrib

from optcourse import optimizers, schedules
from optcourse.arrays import double_precision
from optcourse.explorables import CompileError, Module

STEPS = 6
PARAMS = {"w": np.random.default_rng(0).normal(size=(2, 3)), "b": np.array([0.1, -0.2, 0.3])}
INPUTS = np.array([[0.5, -1.0], [1.5, 0.3]])

SCHEDULES = {
    "cosine": optax.cosine_decay_schedule(0.1, 5),
    "warmup": optax.warmup_cosine_decay_schedule(0.0, 0.1, 2, 5, 0.01),
    "piecewise": optax.piecewise_constant_schedule(0.1, {2: 0.5, 4: 0.1}),
    "exponential": optax.exponential_decay(0.1, 2, 0.9, staircase=True),
    "polynomial": optax.polynomial_schedule(0.1, 0.01, 2, 4),
    "one cycle": optax.cosine_onecycle_schedule(6, 0.1),
    "sgdr": optax.sgdr_schedule(
        [dict(init_value=0.0, peak_value=0.1, decay_steps=3, warmup_steps=1, end_value=0.0)] * 2
    ),
}
CHAINS = {
    "clipped": optax.chain(optax.clip_by_global_norm(0.5), optax.adam(0.1)),
    "clipped by value": optax.chain(optax.clip(0.1), optax.sgd(0.1)),
    "clipped by block": optax.chain(optax.clip_by_block_rms(0.1), optax.sgd(0.1)),
    "clipped adaptively": optax.chain(optax.adaptive_grad_clip(0.01), optax.sgd(0.1)),
    "decayed": optax.chain(optax.add_decayed_weights(0.1), optax.sgd(0.1, momentum=0.9)),
    "centralized": optax.chain(optax.centralize(), optax.adam(0.1)),
    "trust ratio": optax.chain(optax.scale_by_adam(), optax.scale_by_trust_ratio(), optax.scale(-0.1)),
    "ema": optax.chain(optax.sgd(0.1), optax.ema(0.9)),
    "multi steps": optax.MultiSteps(optax.adam(0.1), 2),
    "apply if finite": optax.apply_if_finite(optax.adam(0.1), 3),
    "partitioned": optax.partition({"w": optax.adam(0.1), "b": optax.sgd(0.1)}, {"w": "w", "b": "b"}),
    "masked": optax.masked(optax.adam(0.1), {"w": True, "b": False}),
    "injected": optax.inject_hyperparams(optax.adam)(learning_rate=optax.linear_schedule(0.1, 0.0, 4)),
    "reduce on plateau": optax.chain(optax.sgd(0.1), contrib.reduce_on_plateau(patience=1)),
    "keep finite": optax.chain(optax.zero_nans(), optax.sgd(0.1)),
    "flattened": optax.flatten(optax.adam(0.1)),
    "skipped": optax.conditionally_transform(optax.adam(0.1), lambda step: step > 2),
}
SINGLE = {
    "adabelief": optax.adabelief(0.1),
    "adafactor": optax.adafactor(0.1),
    "adafactor factored": optax.adafactor(0.1, min_dim_size_to_factor=2),
    "adan": optax.adan(0.1),
    "amsgrad": optax.amsgrad(0.1),
    "fromage": optax.fromage(0.1),
    "lamb": optax.lamb(0.1),
    "lars": optax.lars(0.1),
    "nadamw": optax.nadamw(0.1),
    "novograd": optax.novograd(0.1),
    "noisy sgd": optax.noisy_sgd(0.1, key=jax.random.key(0)),
    "optimistic": optax.optimistic_gradient_descent(0.1),
    "optimistic adam": optax.optimistic_adam_v2(0.1),
    "polyak": optax.polyak_sgd(0.1),
    "rprop": optax.rprop(0.1),
    "sign": optax.sign_sgd(0.1),
    "sm3": optax.sm3(0.1),
    "yogi": optax.yogi(0.1),
    "backtracking": optax.chain(optax.sgd(1.0), optax.scale_by_backtracking_linesearch(10)),
    "acprop": contrib.acprop(0.1),
    "ademamix": contrib.ademamix(0.1),
    "simplified ademamix": contrib.simplified_ademamix(0.1),
    "adopt": contrib.adopt(0.1),
    "cocob": contrib.cocob(),
    "dadapt adamw": contrib.dadapt_adamw(),
    "dog": contrib.dog(),
    "dowg": contrib.dowg(),
    "momo": contrib.momo(0.1),
    "momo adam": contrib.momo_adam(0.1),
    "muon": contrib.muon(0.1),
    "prodigy": contrib.prodigy(),
    "sam": contrib.sam(optax.sgd(0.1), optax.sgd(0.05), sync_period=2),
    "schedule free": contrib.schedule_free_adamw(0.1),
    "sophia": contrib.sophia(0.1),
}
# Ours: every schedule of the catalogue, and what follows the loss or has its rates as hyperparameters.
OURS = {
    f"ours, {name}": optimizers.sgd(schedules.get(name)(0.1, 6, **({"patience": 1} if name == "plateau" else {})))
    for name in schedules.catalogue()
} | {
    "ours, joined": optimizers.sgd(schedules.linear(0.1, 3, end=0.5).with_warmup(2).with_cooldown(2)),
    "ours, points": schedules.drawn(optimizers.adam, [(0, 0.0), (2, 0.1), (6, 0.0)])(),
    "ours, scaled": schedules.scheduled(optimizers.momentum, schedules.cosine(1.0, 6))(0.1),
}
UNSUPPORTED = {
    "noisy sgd": ("key",),
}
OPTIMIZERS = {f"adam, {name}": optax.adam(schedule) for name, schedule in SCHEDULES.items()} | CHAINS | SINGLE
OPTIMIZERS |= {name: optimizer.transformation for name, optimizer in OURS.items()}


def loss(params):
    return jnp.mean((jnp.tanh(INPUTS @ params["w"] + params["b"]) - 0.5) ** 2)


# What `update` is given beside the gradient, where it takes no value and no function.
EXTRA = {"sam": {}, "sophia": {"obj_fn": loss}}


def whole_step(name):
    optimizer = optax.with_extra_args_support(OPTIMIZERS[name])

    def step(carry):
        params, state = carry
        value, grads = jax.value_and_grad(loss)(params)
        extra = EXTRA.get(name, {"value": value, "grad": grads, "value_fn": loss})
        updates, state = optimizer.update(grads, state, params, **extra)
        return optax.apply_updates(params, updates), state

    return step


@cache
def javascript():
    """The params after each step of each optimizer, or why it has no translation; all in one process."""
    module, tasks, found = Module(), {}, {}
    with double_precision():
        for name, optimizer in OPTIMIZERS.items():
            carry = PARAMS, optimizer.init(PARAMS)
            try:
                compiled = module.add(whole_step(name), carry, name=name)
            except CompileError as error:
                found[name] = error
                continue
            rows = flat_rows(jax.tree.map(lambda leaf: np.asarray(leaf)[None], carry), 1)
            tasks[name] = Task(compiled, (rows,), steps=STEPS)
    return found | dict(zip(tasks, (out[0] for out in run_tasks(module, [*tasks.values()])), strict=True))


@cache
def jaxs():
    """Params and state after each step of each optimizer, flat; compiled together, which takes half the time."""
    names = [name for name in OPTIMIZERS if name not in UNSUPPORTED]
    with double_precision():
        carries = {name: (PARAMS, OPTIMIZERS[name].init(PARAMS)) for name in names}
        step = jax.jit(lambda carries: {name: whole_step(name)(carries[name]) for name in names})
        history = [carries := step(carries) for _ in range(STEPS)]
    return {name: [jax.tree.leaves(carries[name]) for carries in history] for name in names}


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name not in UNSUPPORTED])
def test_steps_are_those_of_jax(name):
    """Params and state after each of several steps, within 1e-12 of the largest entry of each array."""
    for numbers, leaves in zip(javascript()[name], jaxs()[name], strict=True):
        at = 0
        for right in leaves:
            right = np.asarray(right, dtype=float).reshape(-1)
            mine = numbers[at : at + right.size]
            np.testing.assert_allclose(mine, right, rtol=1e-12, atol=1e-12 * np.abs(right).max(initial=0))
            at += right.size
        assert at == numbers.size


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_cannot_be_translated_says_so(name):
    """The error names what has no translation, and where in Optax it stands."""
    error = javascript()[name]
    assert isinstance(error, CompileError)
    assert all(part in str(error) for part in UNSUPPORTED[name]), error
