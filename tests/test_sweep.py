"""`sweep`: every point of the grid is the path that `run` takes, under the right label."""

import numpy as np
import pytest

import optcourse as oc
from optcourse import optimizers, surfaces

SURFACE = surfaces.beale()
START = [1.0, 1.0]
RATES, B1 = [0.001, 0.01, 0.1], [0.0, 0.9]


@pytest.mark.parametrize("backend", optimizers.BACKENDS)
def test_every_point_is_a_run(backend):
    grid = oc.sweep(
        optimizers.adam,
        SURFACE,
        START,
        steps=20,
        learning_rate=RATES,
        b1=B1,
        eps=1e-6,
        backend=backend,
        record="everything",
    )
    assert grid.loss.dims == ("learning_rate", "b1", "step") and grid.loss.shape == (3, 2, 21)
    assert grid.params.dims[-1] == "coordinate" and grid.updates.sizes["update"] == 20
    assert grid.attrs["eps"] == 1e-6 and grid.attrs["backend"] == backend
    for rate in RATES:
        for b1 in B1:
            path = oc.run(optimizers.adam(rate, b1, eps=1e-6, backend=backend), SURFACE, START, steps=20)
            here = grid.sel(learning_rate=rate, b1=b1)
            for name in ("params", "loss", "gradients", "updates", "step_size"):
                np.testing.assert_allclose(here[name], getattr(path, name), rtol=1e-10, atol=1e-13, err_msg=name)
            np.testing.assert_allclose(here.final_params, path.final_params, rtol=1e-10)


@pytest.mark.parametrize("backend", optimizers.BACKENDS)
def test_starts_and_seeds_are_axes_too(backend):
    noisy = SURFACE.with_noise(0.1)
    starts = [[1.0, 1.0], [0.5, -0.5], [2.0, 0.0]]
    grid = oc.sweep(optimizers.sgd(1e-3, backend=backend), noisy, starts, steps=10, seed=[3, 5])
    assert grid.loss.dims == ("start", "seed", "step") and list(grid.seed.values) == [3, 5]
    np.testing.assert_array_equal(grid.start_params, starts)
    path = oc.run(optimizers.sgd(1e-3, backend=backend), noisy, starts[1], steps=10, seed=5)
    np.testing.assert_allclose(grid.params.isel(start=1).sel(seed=5), path.params, rtol=1e-12)


def test_a_grid_larger_than_one_piece_is_the_same_grid():
    rates = np.logspace(-4, -1, 6001)
    grid = oc.sweep(optimizers.adam, SURFACE, START, steps=5, learning_rate=rates, record="last")
    few = oc.sweep(optimizers.adam, SURFACE, START, steps=5, learning_rate=rates[::1000], record="last")
    assert set(grid.data_vars) == {"final_params", "final_loss"} and grid.final_loss.shape == (6001,)
    np.testing.assert_allclose(grid.final_params[::1000], few.final_params, rtol=1e-13)


def test_a_large_record_of_a_large_grid_is_the_same_grid():
    rates = np.logspace(-4, -1, 6001)
    grid = oc.sweep(optimizers.adam, SURFACE, START, steps=5, learning_rate=rates, record="everything")
    few = oc.sweep(optimizers.adam, SURFACE, START, steps=5, learning_rate=rates[::1000], record="everything")
    for name in few.data_vars:
        np.testing.assert_allclose(grid[name][::1000], few[name], rtol=1e-12, atol=1e-14, err_msg=name)


def test_float32_stays_float32_and_equals_run():
    start = np.array(START, np.float32)
    grid = oc.sweep(optimizers.adam, SURFACE, start, steps=30, b2=[0.9, 0.999], learning_rate=0.01)
    assert grid.params.dtype == np.float32
    path = oc.run(optimizers.adam(0.01, b2=0.999), SURFACE, start, steps=30)
    np.testing.assert_allclose(grid.params.sel(b2=0.999), path.params, rtol=1e-6)


def test_no_axis_is_a_grid_of_one_point():
    grid = oc.sweep(optimizers.sgd, SURFACE, START, steps=3, learning_rate=0.01)
    assert grid.loss.dims == ("step",)


def test_transforms_can_be_swept():
    clipped = optimizers.clip_by_global_norm(optimizers.sgd(0.01))
    grid = oc.sweep(clipped, SURFACE, START, steps=10, max_norm=[0.1, 1.0, 100.0])
    path = oc.run(optimizers.clip_by_global_norm(optimizers.sgd(0.01), 0.1), SURFACE, START, steps=10)
    np.testing.assert_allclose(grid.params.sel(max_norm=0.1), path.params, rtol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"learning_rte": [0.1, 0.2]}, TypeError, "Did you mean 'learning_rate'"),
        ({"learning_rate": []}, ValueError, "sequence of numbers"),
        ({"learning_rate": [[0.1], [0.2]]}, ValueError, "sequence of numbers"),
        ({"learning_rate": ["a", "b"]}, ValueError, "sequence of numbers"),
        ({"start": [[1.0, 2.0, 3.0]]}, ValueError, "shape (2,)"),
        ({"optimizer": optimizers.lbfgs, "memory_size": [5, 10]}, TypeError, "call sweep once for each"),
        ({"steps": -5}, ValueError, "0 or more"),
        ({"steps": 10**6, "learning_rate": np.ones(10**6)}, MemoryError, 'record="last"'),
    ],
)
def test_bad_input_says_what_to_do(arguments, error, says):
    given = {"optimizer": optimizers.adam, "surface": SURFACE, "start": START, "steps": 3} | arguments
    with pytest.raises(error) as raised:
        oc.sweep(given.pop("optimizer"), given.pop("surface"), given.pop("start"), **given)
    assert says in str(raised.value)


@pytest.mark.parametrize("record", ["loss", "params", "updates", "last", "everything"])
@pytest.mark.parametrize("backend", optimizers.BACKENDS)
def test_where_it_ended_is_always_there(backend, record):
    grid = oc.sweep(optimizers.adam(backend=backend), SURFACE, START, steps=7, learning_rate=RATES, record=record)
    path = oc.run(optimizers.adam(RATES[1], backend=backend), SURFACE, START, steps=7)
    here = grid.sel(learning_rate=RATES[1])
    np.testing.assert_allclose(here.final_params, path.final_params, rtol=1e-12)
    np.testing.assert_allclose(here.final_loss, path.final_loss, rtol=1e-12)
