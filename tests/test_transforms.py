"""Clipping, accumulation, groups, boxes, learning rates and state files: one spelling, two libraries."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import optcourse as oc
from optcourse import optimizers, surfaces
from optcourse.surfaces import LossSurface

BOTH = pytest.mark.parametrize("backend", optimizers.BACKENDS)
ROSENBROCK = surfaces.rosenbrock()
LAYERS = LossSurface(
    lambda params: (params["encoder"]["w"] ** 2).sum() + (params["head"]["w"] ** 2).sum(), dim=None, name="layers"
)
LAYERS_START = {"encoder": {"w": np.ones(3)}, "head": {"w": np.ones((2, 2))}}


@BOTH
def test_clipping_limits_the_norm_and_keeps_the_direction(backend):
    path = oc.run(
        optimizers.clip_by_global_norm(optimizers.sgd(0.1, backend=backend), 2.0), ROSENBROCK, [-2, 2], steps=1
    )
    gradient = path.gradients[0]
    np.testing.assert_allclose(path.updates[0], -0.1 * 2.0 * gradient / np.linalg.norm(gradient), rtol=1e-8)
    assert np.linalg.norm(gradient) > 1000, "the recorded gradient is the one before clipping"


def test_clipping_differs_as_stated():
    """torch multiplies by max_norm / (norm + 1e-6): with a gradient of norm 1e-3 that is one part in a thousand."""
    assert optimizers.CLIPPING_DIFFERENCES[0].torch == "max_norm / (norm + 1e-6)"
    line = LossSurface(lambda params: 1e-3 * params[0], dim=1)
    lengths = [
        -oc.run(
            optimizers.clip_by_global_norm(optimizers.sgd(1.0, backend=backend), 1e-4), line, [0.0], steps=1
        ).updates[0, 0]
        for backend in optimizers.BACKENDS
    ]
    np.testing.assert_allclose(lengths, [1e-4, 1e-4 * 1e-3 / (1e-3 + 1e-6)], rtol=1e-12)


@BOTH
def test_accumulated_micro_batches_are_one_large_batch(backend):
    """The mean gradient of four noisy evaluations at one point, then one Adam step with it."""
    noisy = surfaces.quadratic_bowl().with_noise(1.0)
    optimizer = optimizers.accumulate(optimizers.adam(0.1, backend=backend), every=4)
    path = oc.run(optimizer, noisy, [1.0, 1.0], steps=8)
    moved = np.abs(path.updates).max(-1) > 0
    np.testing.assert_array_equal(np.flatnonzero(moved), [3, 7])
    np.testing.assert_array_equal(path.params[4], path.params[5])
    mean = path.gradients[:4].mean(0)
    expected = -0.1 * mean / (np.abs(mean) + 1e-8)  # Adam's first step
    np.testing.assert_allclose(path.updates[3], expected, rtol=1e-12)


def test_accumulation_agrees_between_the_libraries():
    ours, theirs = (
        oc.run(optimizers.accumulate(optimizers.adam(0.05, backend=backend), 3), ROSENBROCK, [-2.0, 2.0], steps=40)
        for backend in optimizers.BACKENDS
    )
    np.testing.assert_allclose(ours.params, theirs.params, rtol=1e-10)


@BOTH
def test_a_learning_rate_per_layer(backend):
    groups = optimizers.parameter_groups(
        {"encoder": optimizers.sgd(0.1, backend=backend), "head": optimizers.sgd(0.01, backend=backend)}
    )
    path = oc.run(groups, LAYERS, LAYERS_START, steps=1)
    np.testing.assert_allclose(path.updates["encoder"]["w"], -0.2, rtol=1e-12)
    np.testing.assert_allclose(path.updates["head"]["w"], -0.02, rtol=1e-12)
    assert optimizers.get_learning_rate(groups) == {"encoder": 0.1, "head": 0.01}
    other = optimizers.set_learning_rate(groups, {"head": 0.5})
    assert optimizers.get_learning_rate(other) == {"encoder": 0.1, "head": 0.5}
    np.testing.assert_allclose(oc.run(other, LAYERS, LAYERS_START, steps=1).updates["head"]["w"], -1.0, rtol=1e-12)


@BOTH
def test_groups_by_a_rule_of_ones_own(backend):
    groups = optimizers.parameter_groups(
        {"small": optimizers.adam(0.001, backend=backend), "large": optimizers.adam(0.1, backend=backend)},
        label_of=lambda name: "small" if name == "head/w" else "large",
    )
    path = oc.run(groups, LAYERS, LAYERS_START, steps=1)
    np.testing.assert_allclose(path.updates["head"]["w"], -0.001, rtol=1e-6)
    np.testing.assert_allclose(path.updates["encoder"]["w"], -0.1, rtol=1e-6)


def test_a_label_may_begin_like_another():
    groups = optimizers.parameter_groups(
        {"encoder": optimizers.sgd(0.1), "encoder.head": optimizers.sgd(0.01)},
        label_of=lambda name: "encoder.head" if name == "head/w" else "encoder",
    )
    path = oc.run(groups, LAYERS, LAYERS_START, steps=1)
    np.testing.assert_allclose(path.updates["head"]["w"], -0.02, rtol=1e-12)
    np.testing.assert_allclose(path.updates["encoder"]["w"], -0.2, rtol=1e-12)


@BOTH
def test_a_box_holds_the_params(backend):
    boxed = optimizers.project_to_box(optimizers.sgd(0.1, backend=backend), -1.0, 1.0)
    path = oc.run(boxed, LossSurface(lambda params: -3.0 * params[0] + params[1], name="slope"), [0.0, 0.0], steps=20)
    np.testing.assert_allclose(path.final_params, [1.0, -1.0], atol=1e-15)
    assert np.abs(path.params).max() <= 1 + 1e-15


@BOTH
def test_learning_rate_can_change_mid_run(backend):
    optimizer = optimizers.adam(0.1, backend=backend)
    begun = oc.run(optimizer, ROSENBROCK, [-2.0, 2.0], steps=5)
    slower = optimizers.set_learning_rate(optimizer, 0.01)
    assert optimizers.get_learning_rate(slower) == 0.01 and optimizers.get_learning_rate(optimizer) == 0.1
    fast, slow = (
        oc.run(o, ROSENBROCK, begun.final_params, opt_state=begun.final_opt_state, first_step=5, steps=1)
        for o in (optimizer, slower)
    )
    np.testing.assert_allclose(slow.updates * 10, fast.updates, rtol=1e-12)


def test_invalid_gradients_are_seen_in_every_library():
    for make in (np.array, jnp.array, torch.tensor):
        assert optimizers.has_invalid_gradients({"a": make([1.0]), "b": make([0.0, float("nan")])}) is True
        assert optimizers.has_invalid_gradients([make([float("inf")])]) is True
        assert optimizers.has_invalid_gradients({"a": make([1.0]), "b": make([[2.0]])}) is False
    assert jax.jit(optimizers.has_invalid_gradients)(jnp.array([jnp.nan]))


@pytest.mark.parametrize(
    ("attempt", "error", "says"),
    [
        (lambda: optimizers.accumulate(optimizers.sgd(), 0), ValueError, "1 or more"),
        (lambda: optimizers.accumulate(optimizers.sgd(), 2.5), ValueError, "whole number"),
        (lambda: optimizers.clip_by_global_norm(optimizers.sgd()).replace(maxnorm=1.0), TypeError, "max_norm"),
        (lambda: optimizers.parameter_groups({}), ValueError, "at least one"),
        (
            lambda: optimizers.parameter_groups({"a": optimizers.sgd(), "b": optimizers.sgd(backend="torch")}),
            TypeError,
            "same backend",
        ),
        (
            lambda: oc.run(optimizers.parameter_groups({"a": optimizers.sgd()}), LAYERS, LAYERS_START, steps=1),
            KeyError,
            "encoder",
        ),
        (
            lambda: oc.run(
                optimizers.parameter_groups(
                    {"encoder": optimizers.sgd(backend="torch"), "head": optimizers.adam(backend="torch")}
                ),
                LAYERS,
                LAYERS_START,
                steps=1,
            ),
            TypeError,
            "one class for all its groups",
        ),
        (
            lambda: optimizers.get_learning_rate(optimizers.from_optax(__import__("optax").lion(0.1))),
            TypeError,
            "sealed",
        ),
        (
            lambda: optimizers.set_learning_rate(optimizers.parameter_groups({"a": optimizers.sgd()}), {"b": 0.1}),
            KeyError,
            "no parameter group 'b'",
        ),
    ],
)
def test_bad_input_says_what_to_do(attempt, error, says):
    with pytest.raises(error) as raised:
        attempt()
    assert says in str(raised.value)


# --- State files ------------------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path):
    optimizer = optimizers.adam(0.1)
    path = oc.run(optimizer, ROSENBROCK, [-2.0, 2.0], steps=3)
    file = tmp_path / "adam.npz"
    optimizers.save_state(file, optimizer, path.final_params, path.final_opt_state, step=3)
    return file


@BOTH
@pytest.mark.parametrize("wrap", ["groups", "clipped", "accumulated"])
def test_transformed_optimizers_resume_to_the_bit(tmp_path, backend, wrap):
    adam = optimizers.adam(0.05, backend=backend)
    optimizer = {
        "groups": optimizers.parameter_groups({"encoder": adam, "head": optimizers.adam(0.01, backend=backend)}),
        "clipped": optimizers.clip_by_global_norm(adam, 0.5),
        "accumulated": optimizers.accumulate(adam, 3),
    }[wrap]
    whole = oc.run(optimizer, LAYERS, LAYERS_START, steps=10)
    begun = oc.run(optimizer, LAYERS, LAYERS_START, steps=4)
    file = tmp_path / "state.npz"
    optimizers.save_state(file, optimizer, begun.final_params, begun.final_opt_state, step=4)
    params, state, step = optimizers.load_state(file, optimizer, like=LAYERS_START)
    rest = oc.run(optimizer, LAYERS, params, opt_state=state, first_step=step, steps=6)
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a, b[4:]), rest.params, whole.params)


def test_low_precision_survives_the_file(tmp_path):
    optimizer = optimizers.momentum(0.01)
    start = jnp.array([1.0, -1.0], jnp.bfloat16)
    path = oc.run(optimizer, surfaces.booth(), start, steps=2)
    optimizers.save_state(tmp_path / "s.npz", optimizer, path.final_params, path.final_opt_state)
    params, state, _ = optimizers.load_state(tmp_path / "s.npz", optimizer)
    assert params.dtype == jnp.bfloat16 and jax.tree.leaves(state)[0].dtype == jnp.bfloat16
    np.testing.assert_array_equal(params.astype(float), path.final_params.astype(float))


def test_a_state_file_holds_no_pickle(saved):
    with np.load(saved, allow_pickle=False) as archive:
        assert json.loads(str(archive["header"]))["optimizer"] == "adam"
        assert all(archive[name].dtype != object for name in archive.files)


def test_a_failed_save_leaves_the_old_file(saved):
    before = saved.read_bytes()
    with pytest.raises(TypeError, match="dicts, lists or tuples"):
        optimizers.save_state(saved, optimizers.adam(), {"w": object()}, ())
    assert saved.read_bytes() == before and list(saved.parent.iterdir()) == [saved]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda data: data[: len(data) // 2], "damaged"),
        (lambda data: b"not a zip archive", "damaged"),
        (lambda data: b"", "damaged"),
        (lambda data: data[:200] + bytes([data[200] ^ 255]) + data[201:], "damaged"),
    ],
)
def test_a_spoilt_file_is_an_error(saved, spoil, says):
    saved.write_bytes(spoil(saved.read_bytes()))
    with pytest.raises(ValueError, match=says):
        optimizers.load_state(saved, optimizers.adam())


@pytest.mark.parametrize(
    ("optimizer", "like", "says"),
    [
        (optimizers.sgd(), None, "optimizer 'adam', not 'sgd'"),
        (optimizers.adam(backend="torch"), None, "backend 'optax', not 'torch'"),
        (optimizers.adam(), np.zeros(3), "other shapes"),
        (optimizers.adam(), {"w": np.zeros(2)}, "other shapes"),
    ],
)
def test_a_file_of_something_else_is_an_error(saved, optimizer, like, says):
    with pytest.raises(ValueError) as raised:
        optimizers.load_state(saved, optimizer, like=like)
    assert says in str(raised.value)


def test_a_missing_file_is_called_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        optimizers.load_state(tmp_path / "none.npz", optimizers.adam())


def test_an_archive_of_something_else_is_no_state_file(tmp_path):
    np.savez(tmp_path / "other.npz", header=np.array(json.dumps({"format": "other"})))
    with pytest.raises(ValueError, match="not a state file"):
        optimizers.load_state(tmp_path / "other.npz", optimizers.adam())


def test_around_a_factory_stands_a_factory_whose_numbers_can_be_swept():
    grid = oc.sweep(
        optimizers.clip_by_global_norm(optimizers.sgd),
        ROSENBROCK,
        [-2, 2],
        steps=3,
        learning_rate=0.1,
        max_norm=[0.5, 2.0],
    )
    for max_norm in (0.5, 2.0):
        path = oc.run(optimizers.clip_by_global_norm(optimizers.sgd(0.1), max_norm), ROSENBROCK, [-2, 2], steps=3)
        np.testing.assert_allclose(grid.final_params.sel(max_norm=max_norm), path.final_params, rtol=1e-12)
