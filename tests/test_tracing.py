"""`run`, `Trajectory`, `OptimizerStep`, `OptimizerTrace`: what is recorded, in which dtype, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from tqdm import tqdm

import optcourse as oc
from optcourse import optimizers, surfaces
from optcourse.progress import with_bar
from optcourse.surfaces import LossSurface

ROSENBROCK = surfaces.rosenbrock()
START = [-2.0, 2.0]


def same(left, right):
    """Equal pytrees to the bit, nan included."""
    assert jax.tree.structure(left) == jax.tree.structure(right)
    for one, other in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True):
        np.testing.assert_array_equal(one, other)


def close(left, right):
    """Equal to rounding: what else is recorded changes how the compiler fuses a step."""
    jax.tree.map(lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-12), left, right)


@pytest.fixture(scope="module", params=optimizers.BACKENDS)
def path(request):
    return oc.run(optimizers.adam(0.01, backend=request.param), ROSENBROCK, START, steps=40)


def test_shapes(path):
    assert len(path) == 40
    assert path.params.shape == (41, 2) and path.loss.shape == (41,)
    assert path.gradients.shape == path.updates.shape == (40, 2) and path.step_size.shape == (40,)
    assert all(leaf.shape[0] == 41 for leaf in jax.tree.leaves(path.opt_state))
    np.testing.assert_array_equal(path.params[0], START)
    np.testing.assert_array_equal(path.final_params, path.params[-1])
    assert path.final_loss == path.loss[-1] and isinstance(path.final_loss, float)


def test_the_record_is_what_the_surface_says(path):
    np.testing.assert_allclose(path.loss, ROSENBROCK.losses(path.params), rtol=1e-13)
    np.testing.assert_allclose(path.gradients, [ROSENBROCK.gradient(p) for p in path.params[:-1]], rtol=1e-13)
    np.testing.assert_allclose(path.step_size, np.linalg.norm(path.updates, axis=1), rtol=1e-13)


def test_a_step_can_be_reproduced_from_its_record(path):
    from optcourse.arrays import double_precision, to_numpy, to_torch
    from optcourse.optimizers.torch_backend import as_tensors

    for i in (0, 1, 17, -1):
        step = path[i]
        given = (step.gradients, step.params)
        with double_precision():
            if path.optimizer.backend == "torch":
                grads, params = to_torch(given)
                updates, state = path.optimizer.update(grads, as_tensors(step.opt_state), params)
            else:
                grads, params = given
                updates, state = path.optimizer.update(grads, step.opt_state, params)
        np.testing.assert_allclose(to_numpy(updates), step.updates, rtol=1e-12)
        for one, other in zip(jax.tree.leaves(to_numpy(state)), jax.tree.leaves(step.new_opt_state), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12)


def test_before_and_after_are_views_of_one_array(path):
    first, second = path[0], path[1]
    same(first.new_params, second.params)
    assert np.shares_memory(first.new_params, second.params)
    assert path[-1].new_params is not None and path[39].loss == path.loss[39]


def test_a_trajectory_is_a_sequence(path):
    assert [step.loss for step in path] == [path[i].loss for i in range(40)]
    assert len(path[2:5]) == 3 and path[2:5][0].loss == path[2].loss
    for outside in (40, -41, 10**9):
        with pytest.raises(IndexError, match="40 steps"):
            path[outside]


def test_numpy_start_follows_its_dtype():
    for dtype in (np.float32, np.float64, np.float16):
        path = oc.run(optimizers.adam(0.01), ROSENBROCK, np.array(START, dtype), steps=5)
        assert path.params.dtype == path.updates.dtype == path.loss.dtype == dtype
        assert path.opt_state[0].mu.dtype == dtype
    for start in (START, [-2, 2], (-2.0, 2.0), torch.tensor(START, dtype=torch.float64)):
        assert oc.run(optimizers.adam(0.01), ROSENBROCK, start, steps=1).params.dtype == np.float64
    bfloat = oc.run(optimizers.sgd(1e-4), ROSENBROCK, jnp.array(START, jnp.bfloat16), steps=3)
    assert bfloat.params.dtype == jnp.bfloat16
    assert jnp.ones(1).dtype == jnp.float32, "run changed JAX's own precision"


@pytest.mark.parametrize("backend", optimizers.BACKENDS)
@pytest.mark.parametrize("name", optimizers.catalogue())
def test_resuming_gives_the_same_path_to_the_bit(name, backend, tmp_path):
    """15 steps, through a file, and 25 more are 40 steps, in float64 and float32; so is a step-by-step trace."""
    factory, entry = optimizers.catalogue()[name], optimizers.entries()[name]
    if backend == "torch" and (entry.torch is None or entry.matrices_only):
        pytest.skip("torch has no such optimizer for vectors")
    optimizer = factory(backend=backend)
    for dtype in (np.float64, np.float32):
        whole = oc.run(optimizer, surfaces.beale(), np.array([1.0, 1.0], dtype), steps=40)
        begun = oc.run(optimizer, surfaces.beale(), np.array([1.0, 1.0], dtype), steps=15)
        file = tmp_path / f"{dtype.__name__}.npz"
        optimizers.save_state(file, optimizer, begun.final_params, begun.final_opt_state, step=15)
        saved = optimizers.load_state(file, optimizer, like=begun.final_params)
        rest = oc.run(
            optimizer, surfaces.beale(), saved.params, opt_state=saved.opt_state, first_step=saved.step, steps=25
        )
        same(rest.params, whole.params[15:])
        same(rest.loss, whole.loss[15:])
        same(rest.updates, whole.updates[15:])


@pytest.mark.parametrize("backend", optimizers.BACKENDS)
def test_a_trace_is_run_a_step_at_a_time(backend):
    optimizer = optimizers.rmsprop(0.01, backend=backend)
    trace = oc.OptimizerTrace(optimizer, ROSENBROCK, START)
    first = trace.step()
    trace.run_optimization(3)
    trace.chunk = 4
    path = trace.run_optimization(9)
    whole = oc.run(optimizer, ROSENBROCK, START, steps=13)
    assert len(trace) == len(path) == 13
    same(path.params, whole.params)
    same(path.opt_state, whole.opt_state)
    same(trace.steps[3].updates, whole[3].updates)
    same(first.new_params, whole.params[1])
    same(trace.params, whole.final_params)


def test_an_interrupted_trace_keeps_what_was_done(monkeypatch):
    trace = oc.OptimizerTrace(optimizers.sgd(1e-4), ROSENBROCK, START)
    trace.chunk = 5
    real, calls = oc.tracing.run, []

    def interrupted(*args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(oc.tracing, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trace.run_optimization(20)
    monkeypatch.undo()
    assert len(trace) == 10
    trace.run_optimization(10)
    same(trace.get_trajectory_data().params, oc.run(optimizers.sgd(1e-4), ROSENBROCK, START, steps=20).params)


def test_params_may_be_any_pytree():
    def two_layers(params):
        return ((params["hidden"]["w"] * params["out"] - 3.0) ** 2).sum()

    surface = LossSurface(two_layers, dim=None)
    start = {"hidden": {"w": np.array([0.5, 0.1, -0.2])}, "out": np.array([[1.0], [2.0]])}
    for backend in optimizers.BACKENDS:
        path = oc.run(optimizers.adam(0.05, backend=backend), surface, start, steps=400)
        assert path.params["hidden"]["w"].shape == (401, 3) and path.updates["out"].shape == (400, 2, 1)
        assert path.final_loss < 1e-3 * path.loss[0]
        assert path[7].params["out"].shape == (2, 1)
    ours, theirs = (
        oc.run(optimizers.adam(0.05, backend=backend), surface, start, steps=50) for backend in optimizers.BACKENDS
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12), ours.params, theirs.params)


@pytest.mark.parametrize("backend", optimizers.BACKENDS)
def test_what_is_recorded_can_be_chosen(backend):
    optimizer = optimizers.adam(0.01, backend=backend)
    whole = oc.run(optimizer, ROSENBROCK, START, steps=20)
    last = oc.run(optimizer, ROSENBROCK, START, steps=20, record="last")
    same(last.final_params, whole.final_params)
    assert last.final_loss == pytest.approx(whole.final_loss, rel=1e-14)
    same(last.final_opt_state, whole.final_opt_state)
    with pytest.raises(AttributeError, match="gradients was not recorded"):
        last.gradients  # noqa: B018
    some = oc.run(optimizer, ROSENBROCK, START, steps=20, record=["loss", "gradients"])
    same(some.gradients, whole.gradients)
    close(some.final_params, whole.final_params)
    close(some.final_opt_state, whole.final_opt_state)
    assert some.final_loss == pytest.approx(whole.final_loss, rel=1e-12)
    with pytest.raises(AttributeError, match="params was not recorded"):
        some[0]
    path_only = oc.run(optimizer, ROSENBROCK, START, steps=20, record="params")
    assert path_only.final_loss == pytest.approx(whole.final_loss, rel=1e-12)
    close(path_only.final_opt_state, whole.final_opt_state)


@pytest.mark.parametrize("backend", optimizers.BACKENDS)
def test_no_steps_is_a_path_of_one_point(backend):
    path = oc.run(optimizers.adam(backend=backend), ROSENBROCK, START, steps=0)
    assert len(path) == 0 and list(path) == []
    assert path.params.shape == (1, 2) and path.loss.shape == (1,) and path.updates.shape == (0, 2)


@pytest.mark.parametrize("backend", optimizers.BACKENDS)
def test_divergence_is_recorded_not_raised(backend):
    path = oc.run(optimizers.sgd(0.1, backend=backend), ROSENBROCK, START, steps=50)
    assert np.isfinite(path.loss[0]) and not np.isfinite(path.loss[-1])


def test_noise_is_seeded_and_the_same_in_both_libraries():
    surface = surfaces.quadratic_bowl().with_noise(0.3)
    paths = [oc.run(optimizers.sgd(0.05), surface, [1.0, 1.0], steps=30, seed=seed) for seed in (0, 0, 1)]
    same(paths[0].params, paths[1].params)
    assert np.abs(paths[0].params - paths[2].params).max() > 0.01
    noise = paths[0].gradients - [surface.gradient(p) for p in paths[0].params[:-1]]
    assert 0.2 < noise.std() < 0.4
    twin = oc.run(optimizers.sgd(0.05, backend="torch"), surface, [1.0, 1.0], steps=30)
    np.testing.assert_allclose(twin.params, paths[0].params, rtol=1e-12, atol=1e-14)
    assert twin.gradients.shape == paths[0].gradients.shape


@pytest.mark.parametrize("backend", optimizers.BACKENDS)
def test_a_loss_may_change_with_the_step(backend):
    surface = surfaces.reddi_online()
    path = oc.run(optimizers.sgd(1e-6, backend=backend), surface, [0.0], steps=103, record=["gradients", "params"])
    gradients = path.gradients[:, 0]
    np.testing.assert_array_equal(np.flatnonzero(gradients == 1010.0), [1, 102])
    assert (np.delete(gradients, [1, 102]) == -10.0).all()
    later = oc.run(optimizers.sgd(1e-6, backend=backend), surface, [0.0], steps=3, first_step=100)
    np.testing.assert_array_equal(later.gradients[:, 0], [-10.0, -10.0, 1010.0])


NOT_SCALAR = LossSurface(lambda params: params * 2.0, name="doubled")


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"start": [1.0, 2.0, 3.0]}, ValueError, "shape (2,) on rosenbrock, got (3,)"),
        ({"start": [[1.0, 2.0], [0.0, 0.0]]}, ValueError, "sweep(start=[...])"),
        ({"start": [[1.0], [2.0, 3.0]]}, ValueError, "array of numbers"),
        ({"start": ["a", "b"]}, TypeError, "real floating-point numbers"),
        ({"start": [1j, 2.0]}, TypeError, "complex"),
        ({"start": [True, False]}, TypeError, "bool"),
        ({"start": [np.nan, 0.0]}, ValueError, "finite"),
        ({"start": [np.inf, 0.0]}, ValueError, "finite"),
        ({"steps": -1}, ValueError, "0 or more"),
        ({"steps": 2.5}, TypeError, "whole number"),
        ({"steps": "10"}, TypeError, "whole number"),
        ({"record": "losses"}, ValueError, "Did you mean 'loss'"),
        ({"record": ["params", "grads"]}, ValueError, "cannot record 'grads'"),
        ({"optimizer": optimizers.adam}, TypeError, "Call the factory"),
        ({"optimizer": torch.optim.Adam}, TypeError, "from_torch"),
        ({"surface": surfaces.rosenbrock}, TypeError, "surfaces.rosenbrock()"),
        ({"surface": lambda params: params[0]}, TypeError, "LossSurface(function)"),
        ({"surface": NOT_SCALAR}, ValueError, "must return a single number"),
        (
            {"surface": NOT_SCALAR, "optimizer": optimizers.sgd(backend="torch")},
            ValueError,
            "must return a single number",
        ),
        ({"surface": LossSurface(lambda params: None)}, ValueError, "must return a single number, got NoneType"),
    ],
)
def test_bad_input_says_what_to_do(arguments, error, says):
    given = {"optimizer": optimizers.adam(), "surface": ROSENBROCK, "start": START, "steps": 3} | arguments
    with pytest.raises(error) as raised:
        oc.run(given.pop("optimizer"), given.pop("surface"), given.pop("start"), **given)
    assert says in str(raised.value)


def test_a_bar_can_be_declined_and_executed_chapters_show_none(monkeypatch):
    steps = range(3)
    monkeypatch.delenv("TQDM_DISABLE")  # set for all tests and chapters
    assert isinstance(with_bar(steps, "a path"), tqdm)
    assert with_bar(steps, "a path", shown=False) is steps
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert with_bar(steps, "a path") is steps
