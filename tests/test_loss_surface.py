"""The LossSurface contract: one formula, three libraries, each answered in kind."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from optcourse import surfaces
from optcourse.arrays import double_precision
from optcourse.surfaces import LossSurface

POINT = np.array([0.5, -1.5])


def _valley(params):
    return (1 - params[0]) ** 2 + 3 * (params[1] - params[0] ** 2) ** 2


def _scaled(params, scale):
    return scale * (params[0] ** 2 + params[1] ** 2)


def _swinging(params, step):
    return params[0] * (step % 4)


@pytest.fixture
def valley():
    return LossSurface(_valley)


def test_a_function_of_ones_own_is_a_surface_in_one_line(valley):
    assert valley.name == "_valley"
    assert valley.domain == ((-5.0, 5.0), (-5.0, 5.0))
    assert valley([1.0, 1.0]) == 0.0
    assert LossSurface(lambda params: params[0] ** 2, name="parabola").name == "parabola"


def test_every_library_is_answered_in_kind(valley):
    with double_precision():
        on_jax = jnp.asarray(POINT)
        answers = valley(on_jax), valley.gradient(on_jax), valley.hessian(on_jax)
        assert all(isinstance(answer, jax.Array) and answer.dtype == jnp.float64 for answer in answers)
    on_torch = torch.from_numpy(POINT)
    assert all(isinstance(f(on_torch), torch.Tensor) for f in (valley, valley.gradient, valley.hessian))
    assert all(isinstance(f(POINT), np.ndarray) for f in (valley.gradient, valley.hessian))
    assert isinstance(valley.gradient(POINT.tolist()), np.ndarray)


def test_the_libraries_agree(valley):
    for compute in (valley, valley.gradient, valley.hessian):
        expected = compute(POINT)
        np.testing.assert_allclose(compute(torch.from_numpy(POINT)), expected, rtol=1e-14)
        with double_precision():
            np.testing.assert_allclose(compute(jnp.asarray(POINT)), expected, rtol=1e-14)


def test_torch_leaves_no_trace_on_the_parameters(valley):
    params = torch.from_numpy(POINT).clone().requires_grad_()
    valley.gradient(params)
    assert params.grad is None
    with torch.no_grad():
        assert torch.equal(valley.gradient(params), valley.gradient(params.detach()))


def test_params_may_be_a_pytree():
    layer = LossSurface(lambda params: (params["w"] ** 2).sum() + 3 * params["b"] ** 2, dim=None)
    params = {"w": np.array([1.0, 2.0]), "b": np.array(2.0)}
    gradient = layer.gradient(params)
    np.testing.assert_array_equal(gradient["w"], [2.0, 4.0])
    np.testing.assert_array_equal(gradient["b"], 12.0)
    np.testing.assert_array_equal(layer.hessian(params), np.diag([6.0, 2.0, 2.0]))
    on_torch = layer.gradient({key: torch.from_numpy(np.asarray(value)) for key, value in params.items()})
    np.testing.assert_array_equal(on_torch["w"], gradient["w"])


def test_losses_at_many_points_are_the_loss_at_each(valley):
    points = np.random.default_rng(0).uniform(-2, 2, (3, 4, 2))
    losses = valley.losses(points)
    assert losses.shape == (3, 4)
    assert losses.dtype == np.float64
    np.testing.assert_allclose(losses, [[valley(point) for point in row] for row in points], rtol=1e-14)


def test_constants_reach_the_function_and_tell_surfaces_apart():
    three = LossSurface(_scaled, constants={"scale": 3.0})
    assert three([1.0, 1.0]) == 6.0
    np.testing.assert_array_equal(three.gradient([1.0, 2.0]), [6.0, 12.0])
    assert three == LossSurface(_scaled, constants={"scale": 3.0})
    assert hash(three) == hash(LossSurface(_scaled, constants={"scale": 3.0}))
    assert three != LossSurface(_scaled, constants={"scale": 4.0})


def test_equal_surfaces_are_compiled_once():
    traced = []

    def counted(params):
        traced.append(1)
        return params[0] ** 2

    for _ in range(3):
        LossSurface(counted, name="counted").gradient([1.0, 2.0])
    assert len(traced) == 1


def test_a_surface_is_frozen(valley):
    with pytest.raises(dataclasses.FrozenInstanceError):
        valley.name = "other"


def test_what_is_not_a_function_is_refused():
    with pytest.raises(TypeError, match="made from a function of params, got ndarray"):
        LossSurface(POINT)


def test_a_step_dependent_loss_needs_its_step_or_a_period():
    endless = LossSurface(_swinging, dim=1, step_dependent=True)
    assert endless([2.0], step=3) == 6.0
    with pytest.raises(ValueError, match=r"_swinging changes with the step.*step=0"):
        endless([2.0])
    periodic = dataclasses.replace(endless, period=4)
    assert periodic([2.0]) == pytest.approx(2.0 * (0 + 1 + 2 + 3) / 4)
    np.testing.assert_allclose(periodic.gradient([2.0]), [1.5])
    np.testing.assert_allclose(periodic.gradient(torch.tensor([2.0]), step=2), [2.0])


def test_without_a_noise_scale_sampled_gradients_are_exact():
    bowl = surfaces.quadratic_bowl()
    np.testing.assert_array_equal(bowl.sampled_gradient(POINT, 0, seed=0), bowl.gradient(POINT))


def test_noise_depends_on_seed_and_step_alone():
    bowl = surfaces.quadratic_bowl().with_noise(2.0)

    def noise(params, step, seed):
        return np.asarray(bowl.sampled_gradient(params, step, seed=seed)) - np.asarray(bowl.gradient(params))

    first = noise(POINT, 3, 7)
    np.testing.assert_array_equal(noise(POINT, 3, 7), first)
    np.testing.assert_allclose(noise(3 * POINT, 3, 7), first, rtol=1e-12)
    np.testing.assert_allclose(noise(torch.from_numpy(POINT), 3, 7), first, rtol=1e-12)
    with double_precision():
        np.testing.assert_allclose(noise(jnp.asarray(POINT), 3, 7), first, rtol=1e-12)
    assert not np.allclose(noise(POINT, 4, 7), first)
    assert not np.allclose(noise(POINT, 3, 8), first)
    assert first[0] != first[1]


def test_noise_has_the_stated_scale_and_no_bias():
    dim, scale = 20_000, 0.3
    flat = LossSurface(_flat, dim=dim).with_noise(scale)
    noise = flat.sampled_gradient(np.zeros(dim), 0, seed=1)
    assert abs(noise.mean()) < 5 * scale / np.sqrt(dim)
    assert noise.std() == pytest.approx(scale, rel=5 / np.sqrt(2 * dim))


def _flat(params):
    return 0.0 * params.sum()


def test_bad_functions_are_named_with_what_to_do():
    import math

    start = [1.0, 2.0]
    for function in (
        lambda params: np.sin(params[0]),
        lambda params: math.sin(params[0]),
        lambda params: params[0] if params[0] > 0 else -params[0],
    ):
        with pytest.raises(TypeError, match=r"jax\.numpy"):
            LossSurface(function).gradient(start)
    with pytest.raises(TypeError, match="all parameters in params"):
        LossSurface(lambda x, y: x + y)
    with pytest.raises(TypeError, match=r"as in surface\(\[1.0, 2.0\]\)"):
        LossSurface(lambda params: params[0])(1.0, 2.0)
    assert LossSurface(lambda params: params[0], domain=np.array([[0, 1], [2, 3]])).domain == ((0.0, 1.0), (2.0, 3.0))
    with pytest.raises(ValueError, match=r"2 \(low, high\) pairs"):
        LossSurface(lambda params: params[0], domain=[-1, 1])


def test_misspelt_surfaces_are_recognised():
    with pytest.raises(AttributeError, match="Did you mean 'rosenbrock'"):
        surfaces.rosenbrok  # noqa: B018
    with pytest.raises(KeyError, match="Did you mean 'rosenbrock'"):
        surfaces.get("Rosenbrock!")
    assert surfaces.get("booth") is surfaces.booth
    assert repr(surfaces.saddle()) == "<LossSurface saddle: x^2 - y^2>"
