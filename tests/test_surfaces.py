"""Laws of the surfaces: what is published about them holds, in every library."""

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from optcourse import surfaces
from optcourse.arrays import double_precision
from optcourse.surfaces import LossSurface
from optcourse.surfaces.neural_toy import HIDDEN, WEIGHTS, network_slice, trained_network

CATALOGUE = {name: factory() for name, factory in surfaces.catalogue().items()}
SADDLES = {"saddle", "monkey_saddle"}
# Minima that are a tip or a crease, or lie on the border of the domain.
NOT_SMOOTH = {"ackley", "cone", "nonsmooth", "reddi_online"}

every_surface = pytest.mark.parametrize("surface", CATALOGUE.values(), ids=CATALOGUE)
smooth_minima = pytest.mark.parametrize("name", [name for name in CATALOGUE if name not in SADDLES | NOT_SMOOTH])


def _sample(surface, count=4):
    low, high = np.array(surface.domain).T
    return np.random.default_rng(0).uniform(low, high, (count, surface.dim))


def _derivatives(surface, points):
    """Loss, gradient and Hessian at every point; padded to one shape so that each surface compiles once."""
    padded = np.resize(points, (12, surface.dim))
    with double_precision():
        return tuple(np.asarray(answer)[: len(points)] for answer in _compiled(surface)(padded))


@lru_cache
def _compiled(surface):
    def twice(params):
        loss, gradient = jax.value_and_grad(surface)(params)
        return gradient, (loss, gradient)

    def at_one_point(params):
        hessian, (loss, gradient) = jax.jacfwd(twice, has_aux=True)(params)
        return loss, gradient, hessian

    return jax.jit(jax.vmap(at_one_point))


@lru_cache
def _at_minima(name):
    surface = CATALOGUE[name]
    return _derivatives(surface, np.array([minimum.params for minimum in surface.minima]))


def test_the_catalogue_is_what_the_package_exports():
    others = {"LossSurface", "Minimum", "catalogue", "from_text", "get"}
    assert set(surfaces.catalogue()) | others == set(surfaces.__all__)
    assert all(getattr(surfaces, name) is factory for name, factory in surfaces.catalogue().items())


@every_surface
def test_everything_a_surface_tells_fits_together(surface):
    assert surface.name in surfaces.catalogue()
    assert surface.formula
    assert surface.source
    assert len(surface.domain) == len(surface.start) == surface.dim
    assert all(low < high for low, high in surface.domain)
    for params in (surface.start, *(minimum.params for minimum in surface.minima)):
        assert all(low <= x <= high for x, (low, high) in zip(params, surface.domain, strict=True))
    assert bool(surface.minima) == (surface.name not in SADDLES)
    assert len({minimum.loss for minimum in surface.minima}) <= 1


@every_surface
def test_two_calls_make_equal_surfaces(surface):
    again = surfaces.catalogue()[surface.name]()
    assert surface == again
    assert hash(surface) == hash(again)


@pytest.mark.parametrize("name", [name for name in CATALOGUE if name not in SADDLES])
def test_stated_loss_is_the_loss_at_every_minimum(name):
    losses, _, _ = _at_minima(name)
    np.testing.assert_allclose(losses, [minimum.loss for minimum in CATALOGUE[name].minima], rtol=1e-13, atol=1e-13)


@smooth_minima
def test_every_minimum_is_stationary_without_negative_curvature(name):
    _, gradients, hessians = _at_minima(name)
    eigenvalues = np.linalg.eigvalsh(hessians)
    sharpness = eigenvalues[:, -1]
    assert np.all(sharpness > 0)
    assert np.all(np.linalg.norm(gradients, axis=1) < 1e-12 * (1 + sharpness))
    assert np.all(eigenvalues[:, 0] > -1e-10 * sharpness)


@pytest.mark.parametrize("name", [name for name in CATALOGUE if name not in SADDLES])
@settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(data=st.data())
def test_no_point_of_the_domain_lies_below_the_minimum(name, data):
    surface = CATALOGUE[name]
    point = [data.draw(st.floats(low, high)) for low, high in surface.domain]
    floor = surface.minima[0].loss
    assert surface(point) >= floor - 1e-12 * (1 + abs(floor))


@every_surface
def test_libraries_agree_on_loss_gradient_and_hessian(surface):
    points = _sample(surface)
    for point, loss, gradient, hessian in zip(points, *_derivatives(surface, points), strict=True):
        tensor = torch.from_numpy(point)
        close = {"rtol": 1e-9, "atol": 1e-10 * (1 + np.abs(hessian).max())}
        np.testing.assert_allclose(surface(point), loss, **close)
        np.testing.assert_allclose(surface(tensor), loss, **close)
        np.testing.assert_allclose(surface.gradient(tensor), gradient, **close)
        np.testing.assert_allclose(surface.hessian(tensor), hessian, **close)


@every_surface
def test_gradient_is_the_limit_of_finite_differences(surface):
    points = _sample(surface)
    _, gradients, hessians = _derivatives(surface, points)
    for point, gradient, hessian in zip(points, gradients, hessians, strict=True):
        h = 1e-5
        differences = [(surface(point + h * e) - surface(point - h * e)) / (2 * h) for e in np.eye(surface.dim)]
        np.testing.assert_allclose(differences, gradient, rtol=1e-5, atol=1e-7 * (1 + np.abs(hessian).max()))


@every_surface
def test_a_surface_keeps_the_precision_of_its_params(surface):
    with double_precision():  # where a stray double would win
        for dtype in (jnp.bfloat16, jnp.float16, jnp.float32, jnp.float64):
            params = jax.ShapeDtypeStruct((surface.dim,), dtype)
            step = jax.ShapeDtypeStruct((), jnp.int32) if surface.step_dependent else None
            assert jax.eval_shape(surface, params, step).dtype == dtype
            assert jax.eval_shape(jax.grad(surface), params, step).dtype == dtype
    for dtype in (torch.bfloat16, torch.float32):
        params = torch.tensor(surface.start, dtype=dtype)
        assert surface(params).dtype == surface.gradient(params).dtype == dtype
    assert surface(np.array(surface.start, dtype=np.float32)).dtype == np.float32


# Known values: a minimum, Hessian eigenvalues there to the digits printed, largest stable learning rate 2 / L.
PUBLISHED = [
    ("rosenbrock", (1, 1), 0, (0.3994, 1001.6), 0.0019968),
    ("beale", (3, 0.5), 0, (0.3015, 48.98), 0.0408),
    ("himmelblau", (3, 2), 0, None, 0.0243),
    ("himmelblau", (-2.805118, 3.131313), 0, None, 0.0248),
    ("himmelblau", (-3.779310, -3.283186), 0, None, 0.0149),
    ("himmelblau", (3.584428, -1.848127), 0, None, 0.0190),
    ("booth", (1, 3), 0, (2, 18), 0.111),
    ("styblinski_tang", (-2.903534, -2.903534), -78.33233, (34.58, 34.58), 0.0578),
    ("goldstein_price", (0, -1), 3, (402.8, 965.2), 0.00207),
    ("three_hump_camel", (0, 0), 0, (1.586, 4.414), 0.453),
    ("mccormick", (-0.547198, -1.547198), -1.913223, (np.sqrt(3), 4), 0.5),
    ("matyas", (0, 0), 0, (0.04, 1), 2),
    ("easom", (np.pi, np.pi), -1, (3, 3), 0.667),
    ("rastrigin", (0, 0), 0, (396.78, 396.78), 0.00504),
]


def _significant(value, printed):
    """`value` rounded to as many digits as `printed` shows."""
    digits = len(f"{printed:g}".replace(".", "").replace("-", "").lstrip("0"))
    return float(f"{value:.{max(digits, 1)}g}")


@pytest.mark.parametrize(("name", "at", "loss", "eigenvalues", "limit"), PUBLISHED)
def test_published_minima_eigenvalues_and_stability_limits(name, at, loss, eigenvalues, limit):
    surface = CATALOGUE[name]
    index = int(np.argmin([np.linalg.norm(np.subtract(m.params, at)) for m in surface.minima]))
    np.testing.assert_allclose(surface.minima[index].params, at, atol=5.1e-7)
    assert surface.minima[index].loss == pytest.approx(loss, abs=5.1e-6)
    computed = np.linalg.eigvalsh(_at_minima(name)[2][index])
    if eigenvalues is not None:
        for value, printed in zip(computed, eigenvalues, strict=True):
            assert _significant(value, printed) == pytest.approx(printed, rel=1e-5)
    assert _significant(2 / computed[-1], limit) == pytest.approx(limit, rel=1e-9)


# Losses away from the global minima: local minima and a maximum from the literature, the rest by hand.
ELSEWHERE = [
    ("quadratic_bowl", (2, -1), 14.0),
    ("booth", (0, 0), 74.0),
    ("matyas", (1, 2), 0.34),
    ("rosenbrock", (-1.2, 1), 24.2),
    ("beale", (0, 0), 14.203125),
    ("rastrigin", (0.5, 0.5), 40.5),
    ("ackley", (1, 1), 20 * (1 - np.exp(-0.2))),
    ("himmelblau", (-0.270845, -0.923039), 181.6165),
    ("styblinski_tang", (2.746803, -2.903534), -64.1956),
    ("goldstein_price", (1.2, 0.8), 840.0),
    ("goldstein_price", (1.8, 0.2), 84.0),
    ("goldstein_price", (-0.6, -0.4), 30.0),
    ("easom", (np.pi, np.pi + 1), -np.cos(1) / np.e),
    ("three_hump_camel", (1.747552, -0.873776), 0.298638),
    ("mccormick", (0.5 + 2 * np.pi / 3, -0.5 + 2 * np.pi / 3), 1.228370),
    ("saddle", (1, 2), -3.0),
    ("monkey_saddle", (1, 2), -11.0),
    ("plateau", (1, 0), 1 - np.exp(-0.5)),
    ("ravine", (np.pi / 2, 0), np.pi**2 / 80 + 25),
    ("cone", (3, -4), 5.0),
    ("nonsmooth", (1, -2), 11.0),
    ("sharp_and_flat", (0, 0), 1.125 * 22.5 / 23.625),
    ("edge_of_stability", (2, 1), 2.25),
]


@pytest.mark.parametrize(("name", "at", "loss"), ELSEWHERE)
def test_losses_known_elsewhere(name, at, loss):
    assert CATALOGUE[name](at) == pytest.approx(loss, rel=2e-6)


@pytest.mark.parametrize("dim", [3, 5])
def test_surfaces_of_any_dimension(dim):
    members = [
        surfaces.rosenbrock(dim=dim),
        surfaces.rastrigin(dim=dim),
        surfaces.ackley(dim=dim),
        surfaces.styblinski_tang(dim=dim),
        surfaces.quadratic_bowl(range(1, dim + 1)),
    ]
    for surface in members:
        assert surface.dim == len(surface.domain) == len(surface.start) == len(surface.minima[0].params) == dim
        assert surface(surface.minima[0].params) == pytest.approx(surface.minima[0].loss, abs=1e-12)
        assert surface(surface.start) > surface.minima[0].loss


@pytest.mark.parametrize("rotation", [0.0, 30.0, 45.0, 90.0, -120.0])
def test_rotation_keeps_the_curvatures_of_a_bowl(rotation):
    bowl = surfaces.quadratic_bowl((1.0, 50.0), rotation=rotation)
    eigenvalues, vectors = np.linalg.eigh(bowl.hessian([0.3, -0.7]))
    np.testing.assert_allclose(eigenvalues, [1.0, 50.0])
    flat = np.array([np.cos(np.radians(rotation)), np.sin(np.radians(rotation))])
    assert abs(flat @ vectors[:, 0]) == pytest.approx(1.0)


def test_the_textbook_rotation_by_45_degrees_is_not_doubled():
    x, y = 1.3, -0.4
    true_rotation = 0.05 * (x + y) ** 2 + (x - y) ** 2
    assert surfaces.quadratic_bowl((0.2, 4.0), rotation=45)([x, y]) == pytest.approx(true_rotation)
    assert surfaces.quadratic_bowl((0.2, 4.0))([x, y]) == pytest.approx(0.1 * x**2 + 2 * y**2)


@pytest.mark.parametrize("name", ["cone", "ackley"])
def test_at_a_tip_the_gradient_is_zero_and_there_is_no_hessian(name):
    surface = CATALOGUE[name]
    with double_precision():
        np.testing.assert_array_equal(surface.gradient(jnp.zeros(2)), 0.0)
        assert np.isnan(surface.hessian(jnp.zeros(2))).all()
    np.testing.assert_array_equal(surface.gradient(torch.zeros(2)), 0.0)
    assert torch.isnan(surface.hessian(torch.zeros(2))).all()
    np.testing.assert_array_equal(surface.gradient([0.0, 0.0]), 0.0)
    assert np.isnan(surface.hessian([0.0, 0.0])).all()


def test_a_plain_square_root_has_no_gradient_at_its_tip():
    assert np.isnan(LossSurface(lambda p: jnp.sqrt((p**2).sum())).gradient([0.0, 0.0])).all()
    assert torch.isnan(LossSurface(lambda p: (p**2).sum().sqrt()).gradient(torch.zeros(2))).all()


def test_the_slope_of_a_cone_is_one_everywhere_else():
    points = np.random.default_rng(1).normal(size=(12, 2)) * np.logspace(-8, 3, 12)[:, None]
    _, gradients, _ = _derivatives(CATALOGUE["cone"], points)
    np.testing.assert_allclose(np.linalg.norm(gradients, axis=1), 1.0)


def test_on_a_crease_the_gradient_is_zero_in_every_library():
    crease = surfaces.nonsmooth()
    np.testing.assert_array_equal(crease.gradient([1.0, 0.0]), [1.0, 0.0])
    np.testing.assert_array_equal(crease.gradient(torch.tensor([0.0, 2.0])), [0.0, 5.0])


def test_saddles_go_up_and_down_and_the_monkey_has_no_curvature():
    np.testing.assert_allclose(np.linalg.eigvalsh(CATALOGUE["saddle"].hessian([0.0, 0.0])), [-2.0, 2.0])
    monkey = CATALOGUE["monkey_saddle"]
    np.testing.assert_array_equal(monkey.gradient([0.0, 0.0]), 0.0)
    np.testing.assert_array_equal(monkey.hessian([0.0, 0.0]), 0.0)
    turns = np.radians([0, 60, 120, 180, 240, 300])
    np.testing.assert_allclose([monkey([np.cos(a), np.sin(a)]) for a in turns], [1, -1, 1, -1, 1, -1])


def test_on_the_plateau_loss_is_high_and_gradient_is_gone():
    plateau = CATALOGUE["plateau"]
    assert plateau(plateau.start) > 0.99
    assert np.linalg.norm(plateau.gradient(plateau.start)) < 0.02 * np.linalg.norm(plateau.gradient([1.0, 0.0]))


def test_at_the_cliff_gradients_explode():
    cliff = CATALOGUE["cliff"]
    low, high = -3.0, cliff.start[1]
    for _ in range(50):  # the wall below the start: there the output jumps across 0.7
        middle = (low + high) / 2
        low, high = (middle, high) if cliff([5.6, middle]) > 0.08 else (low, middle)
    steepest = np.linalg.norm(cliff.gradient([5.6, low]))
    assert steepest > 1e4 * np.linalg.norm(cliff.gradient(cliff.start))


def test_the_cliff_is_a_recurrent_network():
    w, b = 5.0, -2.5
    state = 0.5
    for _ in range(50):
        state = w / (1 + np.exp(-state)) + b
    assert CATALOGUE["cliff"]([w, b]) == pytest.approx((1 / (1 + np.exp(-state)) - 0.7) ** 2)


def test_sharp_and_flat_minima_have_the_stated_curvatures():
    sharp, flat = _at_minima("sharp_and_flat")[2]
    np.testing.assert_allclose(sharp, 20 * np.eye(2), atol=1e-12)
    np.testing.assert_allclose(flat, np.eye(2), atol=1e-12)


@pytest.mark.parametrize(("learning_rate", "end"), [(0.09, 1.5), (0.3, -1.5)])
def test_a_large_learning_rate_leaves_the_sharp_minimum_for_the_flat_one(learning_rate, end):
    surface = CATALOGUE["sharp_and_flat"]
    params = np.array(surface.start)
    for _ in range(300):
        params = params - learning_rate * surface.gradient(params)
    np.testing.assert_allclose(params, [end, 0.0], atol=1e-6)


def test_sharpness_along_the_minima_of_edge_of_stability():
    surface = CATALOGUE["edge_of_stability"]
    expected = [2 * (x**2 + y**2) for x, y in (minimum.params for minimum in surface.minima)]
    np.testing.assert_allclose(np.linalg.eigvalsh(_at_minima("edge_of_stability")[2])[:, -1], expected)
    assert min(expected) == 4.0


def test_heavy_ball_cycles_on_a_strongly_convex_function():
    surface = CATALOGUE["heavy_ball_cycle"]
    x, velocity, visited = 3.25, 0.0, []
    for _ in range(303):
        velocity = 4 / 9 * velocity - surface.gradient([x])[0] / 9
        x += velocity
        visited.append(x)
    np.testing.assert_allclose(visited[-3:], [-1.8024, 2.1159, 0.6465], atol=5.1e-5)
    np.testing.assert_allclose(visited[-6:-3], visited[-3:], rtol=1e-12)


def test_pieces_of_heavy_ball_cycle_join_smoothly_with_curvatures_1_and_25():
    surface, tiny = CATALOGUE["heavy_ball_cycle"], 1e-9
    for joint in (1.0, 2.0):
        np.testing.assert_allclose(surface([joint - tiny]), surface([joint]), atol=1e-6)
        np.testing.assert_allclose(surface.gradient([joint - tiny]), surface.gradient([joint]), atol=1e-6)
    _, gradients, hessians = _derivatives(surface, np.array([[-2.0], [1.5], [3.0]]))
    np.testing.assert_allclose(gradients.ravel(), [-50.0, 25.5, 51.0])
    np.testing.assert_allclose(hessians.ravel(), [25.0, 1.0, 25.0])


def test_reddi_has_one_large_slope_per_period_and_points_left_on_average():
    surface = CATALOGUE["reddi_online"]
    slopes = [surface.gradient(torch.tensor([0.3]), step=t).item() for t in range(202)]
    assert [t for t, slope in enumerate(slopes) if slope == 1010.0] == [1, 102]
    assert set(slopes) == {1010.0, -10.0}
    np.testing.assert_allclose(surface.gradient([0.3]), [10 / 101])
    with double_precision():
        traced = jax.jit(surface.gradient)(jnp.array([0.3]), jnp.arange(3)[1])
        np.testing.assert_array_equal(traced, [1010.0])


def test_the_network_is_trained_to_a_minimum_of_all_its_weights():
    weights, loss = trained_network()
    for first in range(0, WEIGHTS - 1, 2):
        plane = network_slice((first, first + 1))
        np.testing.assert_allclose(plane.gradient(weights[[first, first + 1]]), 0.0, atol=1e-13)
        assert plane(weights[[first, first + 1]]) == pytest.approx(loss, rel=1e-12)
    w, b, v = weights.reshape(3, HIDDEN)
    inputs = np.linspace(-2, 2, 16)
    outputs = [sum(v * np.tanh(w * x + b)) for x in inputs]
    assert np.std(outputs - np.sin(2 * inputs)) < 0.1  # closer to the sine than the noise it was fitted to
    assert loss == pytest.approx(0.0035431184, abs=1e-10)


def test_filter_normalised_directions_have_the_norm_of_each_filter():
    weights, _ = trained_network()
    constants = dict(surfaces.network_filter_normalized(seed=3).constants)
    for axis in ("axis_0", "axis_1"):
        direction = np.array(constants[axis])
        for unit in range(HIDDEN):
            filter_ = [unit, HIDDEN + unit]
            assert np.linalg.norm(direction[filter_]) == pytest.approx(np.linalg.norm(weights[filter_]))
        assert np.linalg.norm(direction[-HIDDEN:]) == pytest.approx(np.linalg.norm(weights[-HIDDEN:]))
    assert surfaces.network_filter_normalized(seed=3) != surfaces.network_filter_normalized(seed=4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: surfaces.quadratic_bowl((1.0, -2.0)), "every curvature must be a positive, finite number, got -2"),
        (lambda: surfaces.quadratic_bowl(()), "curvatures must hold at least one number"),
        (lambda: surfaces.quadratic_bowl((1.0, 2.0, 3.0), rotation=45), "rotation needs two curvatures, got 3"),
        (lambda: surfaces.quadratic_bowl(rotation=float("nan")), "rotation must be a finite angle"),
        (lambda: surfaces.rosenbrock(0.0), "steepness must be a positive, finite number, got 0"),
        (lambda: surfaces.rosenbrock(dim=1), "dim must be a whole number, 2 or more, got 1"),
        (lambda: surfaces.rastrigin(dim=0), "dim must be a whole number, 1 or more, got 0"),
        (lambda: surfaces.ackley(dim=2.5), "dim must be a whole number, 1 or more, got 2.5"),
        (lambda: surfaces.styblinski_tang(dim=-1), "dim must be a whole number"),
        (lambda: surfaces.saddle(-1.0), "curvature must be a positive"),
        (lambda: surfaces.plateau(0.0), "width must be a positive"),
        (lambda: surfaces.ravine(float("inf")), "steepness must be a positive, finite number, got inf"),
        (lambda: surfaces.cliff(steps=0), "steps must be a whole number, 1 or more"),
        (lambda: surfaces.nonsmooth(-5.0), "slope must be a positive"),
        (lambda: surfaces.sharp_and_flat(1.0, 2.0), "sharp must be larger than flat"),
        (lambda: surfaces.reddi_online(1000.0), r"large must exceed \(period - 1\) \* small = 1000, got 1000"),
        (lambda: surfaces.network_slice((3, 3)), "weights must be two different positions from 0 to 8"),
        (lambda: surfaces.network_slice((0, 9)), "weights must be two different positions from 0 to 8"),
    ],
)
def test_bad_arguments_are_refused_in_words(make, message):
    with pytest.raises(ValueError, match=message):
        make()
