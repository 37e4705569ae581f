"""Weights kept in a narrow format, losses computed in one, and what all of it takes in memory."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from javascript import Task, run_tasks

import optcourse as oc
from optcourse import models, optimizers, precision, surfaces
from optcourse.arrays import double_precision
from optcourse.explorables import Module
from optcourse.surfaces import LossSurface

WAYS = ("nearest", "stochastic", "kahan", "main weights")
SLOPE = LossSurface(lambda params: -params[0], dim=1, name="slope")


def kept(way, form="bfloat16", factory=optimizers.sgd, **settings):
    return precision.kept_in(factory, form, update=way)(**settings)


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_a_thousand_small_updates_from_one(dtype):
    start = np.ones(1, jnp.dtype(dtype))
    ends = {way: oc.run(kept(way, learning_rate=1e-3), SLOPE, start, steps=1000).final_params for way in WAYS}
    assert float(ends["nearest"][0]) == 1 and float(ends["kahan"][0]) == float(ends["main weights"][0]) == 2
    assert 1.7 < float(ends["stochastic"][0]) < 2.3
    assert all(end.dtype == dtype for end in ends.values())


def test_stochastic_rounding_is_right_on_average_over_seeds():
    factory = precision.kept_in(optimizers.sgd, "bfloat16", update="stochastic")
    grid = oc.sweep(factory, SLOPE, [1.0], steps=1000, learning_rate=1e-3, rounding_seed=np.arange(64), record="last")
    ends = grid.final_params.values[:, 0]
    # A step of 1e-3 between numbers 2^-7 apart: variance 1e-3 (2^-7 - 1e-3) each, all independent.
    spread = np.sqrt(1000 * 1e-3 * (2.0**-7 - 1e-3))
    assert abs(ends.mean() - 2) < 3 * spread / np.sqrt(64)
    assert ends.std() == pytest.approx(spread, rel=0.25)
    assert len(np.unique(ends)) > 5


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("form", ["bfloat16", "float16"])
def test_native_arrays_and_numbers_in_wide_ones_go_the_same_way(form, way):
    start = np.array([0.5, -1.25])
    surface = surfaces.quadratic_bowl((1.0, 3.0))
    wide = oc.run(kept(way, form, optimizers.momentum, learning_rate=0.01), surface, start.astype("float32"), steps=40)
    native = jnp.asarray(start, jnp.dtype(form))
    narrow = oc.run(kept(way, form, optimizers.momentum, learning_rate=0.01), surface, native, steps=40)
    assert narrow.params.dtype == form
    np.testing.assert_array_equal(wide.params, precision.round_to(wide.params, form))
    # Gradients of native arrays are computed in the format themselves, so the two are near, not equal.
    assert np.abs(narrow.params.astype("float32") - wide.params).max() < 8 * precision.get(form).epsilon


def test_plain_rounding_is_what_native_arrays_do_by_themselves():
    start = jnp.asarray([0.5, -1.25], jnp.bfloat16)
    surface = surfaces.quadratic_bowl((1.0, 3.0))
    plain = oc.run(optimizers.sgd(0.05), surface, start, steps=30)
    path = oc.run(kept("nearest", learning_rate=0.05), surface, start, steps=30)
    assert np.abs(plain.params.astype(float) - path.params.astype(float)).max() < 0.02


def test_main_weights_are_those_of_float32_where_the_gradient_does_not_depend_on_rounding():
    optimizer = kept("main weights", factory=optimizers.adam, learning_rate=1e-3)
    path = oc.run(optimizer, SLOPE, np.float32([1.0]), steps=300)
    wide = oc.run(optimizers.adam(1e-3), SLOPE, np.float32([1.0]), steps=300)
    np.testing.assert_array_equal(path.opt_state.main, wide.params)
    np.testing.assert_array_equal(path.params[1:], precision.round_to(wide.params[1:], "bfloat16"))


def test_kahan_keeps_weight_plus_compensation_near_the_exact_sum():
    rng = np.random.default_rng(0)
    steps = rng.normal(size=200) * 1e-3
    optimizer = kept("kahan", learning_rate=1.0)
    params = jnp.float32([1.0])
    state = optimizer.init(params)
    update = jax.jit(optimizer.update)
    exact = 1.0
    for step in steps:
        updates, state = update(jnp.float32([-step]), state, params)
        params, exact = params + updates, exact + step
        assert abs(float(params[0] + state.compensation[0]) - exact) < 2e-3
        assert abs(float(params[0]) - exact) <= 2.0**-7
    assert params[0] == precision.round_to(params[0], "bfloat16")


@pytest.mark.parametrize("way", WAYS)
def test_an_optimizer_that_asks_for_the_loss_gets_that_of_the_narrow_weights(way):
    asked = LossSurface(lambda params: params[0] ** 2 / 2, dim=1)

    def update(grads, state, params, *, value_fn=None, **extra):
        return -0.5 * jax.grad(value_fn)(params), state

    asking = optimizers.from_optax(optax.GradientTransformationExtraArgs(lambda params: (), update), name="asking")
    path = oc.run(precision.kept_in(asking, "float8_e4m3", update=way), asked, [1.01], steps=1)
    assert path.final_params[0] == 0.5  # half of 1, which 1.01 is in the format; or the nearest to 1.01 - 1 / 2


def test_through_sweep_with_a_pytree_and_in_float8():
    start = models.initial_params((64, 16, 10), dtype="float32")
    factory = precision.kept_in(optimizers.adam, "float8_e5m2", update="main weights")
    grid = oc.sweep(factory, models.digits_loss(), start, steps=80, learning_rate=[0.003, 0.01], record="last")
    end = grid["final_params['layer 1']['weight']"].values
    np.testing.assert_array_equal(end, precision.round_to(end, "float8_e5m2"))
    assert float(grid.final_loss[1]) < 1.0


def test_live_figures_compute_the_same():
    module, start, tasks, expected = Module(), np.array([1.234, -0.0317]), [], []
    for form in ("bfloat16", "float16", "float8_e4m3", "tf32"):
        for way in WAYS:
            path = _few_steps(kept(way, form, optimizers.momentum, learning_rate=0.01))
            function = module.add(path, start, name=f"{form}_{way.split()[0]}")
            tasks.append(Task(function, (start[None],)))
            with double_precision():
                expected.append(np.asarray(jax.jit(path)(start)).ravel())
    for task, result, numbers in zip(tasks, run_tasks(module, tasks), expected, strict=True):
        assert np.array_equal(result.ravel(), numbers), task.function.name


def _few_steps(optimizer):
    def path(params):
        state, seen = optimizer.init(params), []
        for _ in range(4):
            updates, state = optimizer.update(params * jnp.array([1.0, 30.0]), state, params)
            params = params + updates
            seen.append(params)
        return jnp.stack(seen)

    return path


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_live_figures_round_to_the_same_numbers(dtype):
    rng = np.random.default_rng(0)
    x = (rng.normal(size=3000) * 2.0 ** rng.uniform(-30, 20, size=3000)).astype(dtype)
    x = np.concatenate([x, *(precision.round_to(x, name) for name in ("float16", "bfloat16"))])
    x = np.concatenate([x, [0.0, np.inf, -np.inf, 1e30, 2.0**-9, 3 * 2.0**-10, 464, 465, 65519, 65520]]).astype(dtype)
    module, tasks = Module(), []
    for form in precision.catalogue():
        function = module.add(
            lambda v, form=form: precision.round_to(v, form), jax.ShapeDtypeStruct((1,), dtype), name=f"to_{form}"
        )
        tasks.append(Task(function, (x[:, None],)))
    for form, result in zip(precision.catalogue(), run_tasks(module, tasks), strict=True):
        np.testing.assert_array_equal(result.ravel(), precision.round_to(x, form).astype(float))


def test_bad_requests_are_told():
    with pytest.raises(ValueError, match="Did you mean 'nearest'"):
        precision.kept_in(optimizers.sgd, "bfloat16", update="nearst")
    with pytest.raises(KeyError, match="no number format"):
        precision.kept_in(optimizers.sgd, "bf17")
    with pytest.raises(ValueError, match="runs on torch"):
        precision.kept_in(optimizers.sgd, "bfloat16")(backend="torch")
    with pytest.raises(TypeError, match="takes a LossSurface"):
        precision.in_precision(lambda p: p)


# --- policies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compute", precision.catalogue())
def test_a_loss_in_another_format_is_near_and_arrives_wide(compute):
    surface = surfaces.rosenbrock()
    narrow = precision.in_precision(surface, compute)
    for params in (np.float32([0.6, 0.4]), torch.tensor([0.6, 0.4]), jnp.float32([0.6, 0.4])):
        loss, gradient = narrow(params), narrow.gradient(params)
        assert str(loss.dtype).endswith("float32") and str(gradient.dtype).endswith("float32")
        assert type(gradient) is type(surface.gradient(params))
        assert float(loss) == pytest.approx(float(surface(params)), rel=0.1, abs=60 * precision.get(compute).epsilon)


def test_a_loss_of_plain_numbers_is_one():
    loss = precision.in_precision(surfaces.rosenbrock(), "bfloat16")([1.0, 2.0])
    assert isinstance(loss, np.ndarray) and loss.dtype == "float64" and loss == 100


def test_in_float32_nothing_changes():
    start, surface = np.float32([-1, 1]), surfaces.rosenbrock()
    same = precision.in_precision(surface, "float32")
    for backend in ("optax", "torch"):
        optimizer = optimizers.adam(0.01, backend=backend)
        a, b = (oc.run(optimizer, s, start, steps=30).params for s in (surface, same))
        np.testing.assert_allclose(a, b, rtol=1e-5)


@pytest.mark.parametrize("compute", ["float16", "bfloat16"])
def test_the_loss_curve_is_that_of_torch_autocast(compute):
    """The same digits, weights and batches: our policy in JAX and in torch, and torch's own autocast."""
    start = models.initial_params((64, 32, 10), dtype="float32")
    surface = models.digits_loss()
    ours = precision.in_precision(surface, compute)
    dtype = getattr(torch, compute)

    def autocast(params, step, seed):
        with torch.autocast("cpu", dtype=dtype):
            return surface(params, step, seed)

    theirs = LossSurface(autocast, name="digits under autocast", dim=None, seeded=True)
    paths = [
        oc.run(optimizers.adam(0.01, backend=backend), s, start, steps=60, record="loss")
        for backend, s in (("optax", ours), ("torch", ours), ("torch", theirs))
    ]
    wide = oc.run(optimizers.adam(0.01), surface, start, steps=60, record="loss")
    bound = 3 * precision.get(compute).epsilon
    for path in paths:
        assert path.loss.dtype == "float32"
        assert 0 < np.abs(path.loss - wide.loss).max() < bound


def test_small_gradients_vanish_in_float16_unless_the_loss_is_scaled():
    surface = precision.in_precision(LossSurface(lambda p: (1e-4 * p[0]) ** 2, dim=1), "float16")
    assert surface.gradient(np.float32([1.0]))[0] == 0
    scaled = precision.scaled(optimizers.sgd, precision.StaticScale(2.0**12))(learning_rate=1e5)
    path = oc.run(scaled, surface, np.float32([1.0]), steps=3)
    assert path.final_params[0] < 1


def test_what_a_model_keeps_in_float32_is_its_own_setting():
    start = jax.tree.map(lambda leaf: leaf.astype("float16"), models.initial_params((64, 16, 10), dtype="float32"))
    assert models.digits_loss()(start, 0).dtype == "float32"
    assert models.digits_loss(keep_float32=())(start, 0).dtype == "float16"
    with pytest.raises(ValueError, match="keep_float32"):
        models.digits_loss(keep_float32=("norm",))


# --- memory -----------------------------------------------------------------------------------------------------------

MILLION = jax.ShapeDtypeStruct((1000, 1000), jnp.float32)
HALF = jax.ShapeDtypeStruct((1000, 1000), jnp.bfloat16)


@pytest.mark.parametrize(
    ("optimizer", "params", "expected"),
    [
        (optimizers.sgd(), MILLION, (4, 4, 0, 0)),
        (optimizers.momentum(), MILLION, (4, 4, 4, 0)),
        (optimizers.adam(), MILLION, (4, 4, 8, 0)),
        (optimizers.adam(), HALF, (2, 2, 4, 0)),
        (precision.kept_in(optimizers.adam, "bfloat16", update="main weights")(), HALF, (2, 2, 8, 4)),
        (precision.kept_in(optimizers.adam, "bfloat16", update="kahan")(), HALF, (2, 2, 10, 0)),
        (precision.kept_in(optimizers.adam, "bfloat16")(), HALF, (2, 2, 8, 0)),
        (precision.scaled(precision.kept_in(optimizers.sgd, "float16", update="main weights"))(), HALF, (2, 2, 0, 4)),
        (precision.adam_8bit(), MILLION, (4, 4, 2 + 8 / 256, 0)),
        (precision.kept_in(precision.adam_8bit, "bfloat16", update="main weights")(), HALF, (2, 2, 2 + 8 / 256, 4)),
    ],
)
def test_bytes_per_parameter(optimizer, params, expected):
    counted = precision.memory(optimizer, params)
    np.testing.assert_allclose(counted, expected, atol=2e-4)
    assert counted.total == sum(counted)


def test_memory_is_that_of_the_arrays_that_training_holds():
    start = models.initial_params((64, 32, 10), dtype="float32")
    count = sum(leaf.size for leaf in jax.tree.leaves(start))
    optimizer = precision.adam_8bit(0.01)
    path = oc.run(optimizer, models.digits_loss(), start, steps=1, record="last")
    held = sum(leaf.nbytes for leaf in jax.tree.leaves(path.final_opt_state))
    assert precision.memory(optimizer, start).optimizer_state * count == held


def test_memory_of_torch_is_the_same():
    params = np.zeros((40, 50), np.float32)
    for factory in (optimizers.sgd, optimizers.momentum, optimizers.adam):
        ours, theirs = (precision.memory(factory(backend=backend), params) for backend in ("optax", "torch"))
        np.testing.assert_allclose(ours, theirs, atol=0.01)


def test_stored_formats_can_be_named():
    counted = precision.memory(optimizers.adam(), MILLION, weights="float8_e4m3", gradients="bfloat16")
    assert counted[:2] == (1, 2)
    with pytest.raises(TypeError, match="expected an Optimizer"):
        precision.memory(optimizers.adam, MILLION)


# --- Adam with 8-bit states -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signed", [True, False])
def test_levels_are_those_of_dynamic_quantization(signed):
    levels = precision.dynamic_levels(signed=signed)
    assert len(np.unique(levels)) == 256 and 0 in levels and levels.max() == 1
    assert np.all(np.diff(levels) > 0) and (levels.min() < -0.99 if signed else levels.min() == 0)
    positive = levels[levels > 0]
    assert 1e-7 < positive.min() < 1e-6
    # Seven decades; in the largest, as many levels as bits are left for the fraction.
    assert np.sum(positive > 0.1) == (64 + 1 if signed else 128 + 1)


def test_blocks_keep_an_outlier_to_themselves():
    values = np.random.default_rng(0).normal(size=(40, 30)).astype(np.float32) * 1e-3
    values[3, 7] = 1e3
    stored = precision.quantize(values, signed=True, block=100)
    back = precision.dequantize(stored, signed=True, block=100)
    assert stored.codes.dtype == "uint8" and stored.codes.shape == values.shape and stored.largest.shape == (12,)
    error = np.abs(np.asarray(back) - values).ravel()
    assert error[:100].max() > 1e-4
    assert error[100:].max() < 0.01 * np.abs(values.ravel()[100:]).max()
    np.testing.assert_allclose(back[3, 7], 1e3)
    assert not precision.dequantize(precision.quantize(np.zeros(5), signed=True), signed=True).any()


def test_adam_with_8_bit_states_trains_the_digits_as_well_as_adam():
    start, surface = models.initial_params((64, 32, 10), dtype="float32"), models.digits_loss()
    ends = {}
    for name, factory in (("8-bit", precision.adam_8bit), ("adam", optimizers.adam)):
        grid = oc.sweep(factory, surface, start, steps=300, learning_rate=0.01, seed=[0, 1, 2, 3], record="last")
        ends[name] = models.evaluate(grid)
    for measure, bound in (("train_loss", 0.01), ("held_out_accuracy", 0.01)):
        assert abs(float((ends["8-bit"][measure] - ends["adam"][measure]).mean())) < bound
    assert float(ends["8-bit"].held_out_accuracy.min()) > 0.94


def test_the_first_step_of_adam_with_8_bit_states_is_adams():
    """Its moments are rounded only when they are stored."""
    gradient = np.random.default_rng(0).normal(size=600)
    surface = LossSurface(lambda params: params @ jnp.asarray(gradient), dim=600)
    ours, theirs = (oc.run(f(0.01), surface, np.zeros(600), steps=2) for f in (precision.adam_8bit, optimizers.adam))
    np.testing.assert_allclose(ours.params[1], theirs.params[1], rtol=1e-6)
    assert 0 < np.abs(ours.params[2] - theirs.params[2]).max() < 0.003
