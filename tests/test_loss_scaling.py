"""Loss scaling: step for step what torch.amp.GradScaler does, on the same gradients and on a real network."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import optcourse as oc
from optcourse import models, optimizers, precision, surfaces
from optcourse.arrays import double_precision

SETTINGS = {
    "standard": (65536.0, 2.0, 0.5, 2000),
    "grows soon": (65536.0, 2.0, 0.5, 3),
    "grows at once": (8.0, 2.0, 0.5, 1),
    "strong": (2.0**20, 4.0, 0.25, 2),
    "no powers of two": (3.0, 1.5, 0.7, 2),
    "very large": (2.0**100, 2.0, 0.5, 1),
}
OPTIMIZERS = {
    "sgd": (optimizers.sgd, torch.optim.SGD, {}),
    "momentum": (optimizers.momentum, torch.optim.SGD, {"momentum": 0.9}),
    "adam": (optimizers.adam, torch.optim.Adam, {}),
    "adamw": (optimizers.adamw, torch.optim.AdamW, {"weight_decay": 0.01}),
}


def gradients(seed, steps=14):
    """What an unscaled loss would give at each step, and where the scaled gradient is not finite."""
    rng = np.random.default_rng(seed)
    broken = rng.choice([None, np.inf, -np.inf, np.nan], size=steps, p=[0.7, 0.1, 0.1, 0.1])
    return [(rng.normal(size=3), broken[i], rng.integers(3)) for i in range(steps)]


def scaled_gradient(gradient, broken, place, scale, dtype):
    values = (gradient * min(scale, 1e30)).astype(dtype)
    if broken is not None:
        values[place] = broken
    return values


def by_grad_scaler(make, settings, sequence, dtype):
    """torch's own loop: scale and params after each step, and which steps were taken."""
    initial, growth, backoff, interval = settings
    scaler = torch.amp.GradScaler(
        "cpu", init_scale=initial, growth_factor=growth, backoff_factor=backoff, growth_interval=interval
    )
    leaf = torch.tensor(np.ones(3, dtype), requires_grad=True)
    optimizer = make([leaf])
    given, seen = [], []
    for entry in sequence:
        scaler.scale(torch.zeros(()))
        given.append(scaled_gradient(*entry, scaler.get_scale(), dtype))
        leaf.grad = torch.from_numpy(given[-1].copy())
        scaler.step(optimizer)
        scaler.update()
        seen.append((scaler.get_scale(), scaler.state_dict()["_growth_tracker"], leaf.detach().numpy().copy()))
    return given, seen


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_equal_step_for_step_to_grad_scaler(name, setting, dtype):
    factory, torch_class, arguments = OPTIMIZERS[name]
    initial, growth, backoff, interval = SETTINGS[setting]
    optimizer = precision.scaled(factory, precision.DynamicScale(initial, growth, backoff, interval))(0.01)
    with double_precision():
        update = jax.jit(optimizer.update)
        for seed in range(3):
            given, seen = by_grad_scaler(
                lambda leaves: torch_class(leaves, lr=0.01, **arguments), SETTINGS[setting], gradients(seed), dtype
            )
            params = jnp.ones(3, dtype)
            state, skipped = optimizer.init(params), 0
            for scaled_gradient_, (scale, good, torch_params), (_, broken, _) in zip(
                given, seen, gradients(seed), strict=True
            ):
                before = params, state.inner
                updates, state = update(jnp.asarray(scaled_gradient_), state, params)
                params = params + updates
                if broken is not None:
                    skipped += 1
                    jax.tree.map(np.testing.assert_array_equal, (params, state.inner), before)
                assert float(state.scaling.scale) == scale
                assert int(state.scaling.good_steps) == good
                assert int(state.scaling.skipped) == skipped
                assert params.dtype == dtype
                np.testing.assert_allclose(params, torch_params, rtol=2e-6 if dtype == "float32" else 1e-12)


def test_growth_stops_before_the_scale_overflows():
    scale = precision.DynamicScale(initial=2.0**126, interval=1)
    state = scale.init()
    for _ in range(5):
        state = scale.update(state, True)
    assert float(state.scale) == 2.0**127


def test_a_static_scale_stays_and_skips():
    optimizer = precision.scaled(optimizers.momentum, precision.StaticScale(256.0))(learning_rate=0.1)
    params = jnp.ones(2)
    state = optimizer.init(params)
    for gradient, skipped in (([256.0, 0.0], 0), ([np.inf, 0.0], 1), ([256.0, 0.0], 1)):
        updates, state = optimizer.update(jnp.asarray(gradient), state, params)
        params = params + updates
        assert float(state.scaling.scale) == 256 and int(state.scaling.skipped) == skipped
    np.testing.assert_allclose(params, [1 - 0.1 - 0.19, 1], rtol=1e-6)


def test_scaling_by_a_power_of_two_changes_nothing_in_wide_formats():
    start, surface = [-1.0, 1.0], surfaces.rosenbrock()
    for factory in (optimizers.sgd, optimizers.adam):
        plain = oc.run(factory(1e-3), surface, start, steps=50)
        path = oc.run(precision.scaled(factory, precision.StaticScale(2.0**16))(1e-3), surface, start, steps=50)
        np.testing.assert_array_equal(path.params, plain.params)


def test_scales_are_hyperparameters():
    surface = precision.in_precision(surfaces.LossSurface(lambda p: (1e-3 * p[0]) ** 2 / 2, dim=1), "float16")
    factory = precision.scaled(optimizers.sgd, precision.StaticScale())
    grid = oc.sweep(factory, surface, np.float32([0.01]), steps=1, learning_rate=1e5, loss_scale=[1.0, 2.0**15])
    moved = 0.01 - grid.final_params.values[:, 0]
    assert moved[0] == 0 and moved[1] == pytest.approx(1e-3, rel=0.02)
    optimizer = precision.scaled(optimizers.adam(0.01), precision.DynamicScale())
    assert optimizer.replace(growth=4.0).hyperparams["growth"] == 4
    assert dict(optimizer.hyperparams) | {"b1": 0.9} == dict(optimizer.hyperparams)


@pytest.mark.parametrize("backend", ["optax", "torch"])
def test_a_path_goes_on_where_it_stopped(backend):
    surface = precision.in_precision(surfaces.LossSurface(lambda p: 3e4 * (p[0] ** 2 + p[1] ** 2), dim=2), "float16")
    factory = precision.scaled(optimizers.adam, precision.DynamicScale(initial=64.0, interval=3))
    optimizer, start = factory(0.01, backend=backend), np.float32([1.0, 0.5])
    whole = oc.run(optimizer, surface, start, steps=12)
    first = oc.run(optimizer, surface, start, steps=5)
    rest = oc.run(optimizer, surface, first.final_params, steps=7, opt_state=first.final_opt_state, first_step=5)
    np.testing.assert_array_equal(rest.params, whole.params[5:])
    history, later = precision.scaling_history(whole), precision.scaling_history(rest)
    for values, ending in zip(history, later, strict=True):
        np.testing.assert_array_equal(values[5:], ending)
    assert history.skipped[-1] > 0 and history.scale.min() < 64


@pytest.mark.parametrize("kind", ["dynamic", "static"])
def test_the_two_frameworks_skip_the_same_steps_of_a_real_float16_run(kind):
    surface = precision.in_precision(models.digits_loss(), "float16")
    start = models.initial_params((64, 32, 10), dtype="float32")
    scale = precision.DynamicScale(2.0**24, interval=20) if kind == "dynamic" else precision.StaticScale(2.0**18)
    factory = precision.scaled(optimizers.adam, scale)
    ours = oc.run(factory(0.01), surface, start, steps=60, record=("loss", "opt_state"))
    theirs = oc.run(factory(0.01, backend="torch"), surface, start, steps=60, record=("loss", "opt_state"))
    mine, torchs = precision.scaling_history(ours), precision.scaling_history(theirs)
    for a, b in zip(mine, torchs, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype
    assert mine.skipped[-1] >= (4 if kind == "dynamic" else 0)
    assert np.abs(ours.loss - theirs.loss).max() < 0.02
    assert ours.loss[-5:].mean() < 0.3 * ours.loss[0]


def test_bad_settings_are_told():
    with pytest.raises(ValueError, match="growth must be larger than 1"):
        precision.DynamicScale(growth=1.0)
    with pytest.raises(ValueError, match="backoff must be smaller than 1"):
        precision.DynamicScale(backoff=2.0)
    with pytest.raises(ValueError, match="loss_scale must be larger than 0"):
        precision.StaticScale(0.0)
    with pytest.raises(TypeError, match="StaticScale or a DynamicScale"):
        precision.scaled(optimizers.adam, 1024.0)
    with pytest.raises(TypeError, match="factory such as"):
        precision.scaled(3)
    with pytest.raises(TypeError, match="no loss scale"):
        precision.scaling_history(oc.run(optimizers.sgd(0.1), surfaces.booth(), [0.0, 0.0], steps=1))
    with pytest.raises(TypeError, match="Did you mean 'growth'"):
        precision.scaled(optimizers.adam)(0.1).replace(grwth=2.0)
