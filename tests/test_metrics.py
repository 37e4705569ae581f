"""Metrics against closed forms: quadratics, straight lines, known divergence."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optcourse import metrics, optimizers, run, surfaces, sweep
from optcourse.loops import Record
from optcourse.surfaces import LossSurface
from optcourse.tracing import Trajectory

M, L = 1.0, 100.0  # condition number 100
ROOT = math.sqrt(L / M)
BOWL = surfaces.quadratic_bowl((M, L))


def descend(learning_rate, curvatures=(M, L), start=(1.0, 1.0), steps=400, **record):
    bowl = surfaces.quadratic_bowl(curvatures)
    return run(optimizers.sgd(learning_rate=learning_rate), bowl, start, steps=steps, **record)


def through(params, loss, surface=BOWL):
    """A path made by hand."""
    history = {"params": np.asarray(params, dtype=float), "loss": np.asarray(loss, dtype=float)}
    return Trajectory(optimizers.sgd(), surface, len(loss) - 1, 0, Record(history, {}))


TUNED = {
    "gradient descent": (optimizers.sgd(learning_rate=2 / (L + M)), (L - M) / (L + M)),
    "heavy ball": (
        optimizers.momentum(
            learning_rate=4 / (math.sqrt(L) + math.sqrt(M)) ** 2, momentum=((ROOT - 1) / (ROOT + 1)) ** 2
        ),
        (ROOT - 1) / (ROOT + 1),
    ),
    "Nesterov": (optimizers.nesterov(learning_rate=1 / L, momentum=(ROOT - 1) / (ROOT + 1)), 1 - 1 / ROOT),
}


@pytest.mark.parametrize("steps", [150, 600])
@pytest.mark.parametrize("name", TUNED)
def test_linear_rate_of_optimally_tuned_methods(name, steps):
    optimizer, rate = TUNED[name]
    path = run(optimizer, BOWL, [1.0, 1.0], steps=steps, record=("params", "loss"))
    assert metrics.linear_rate(path) == pytest.approx(rate, abs=1e-5)


@pytest.mark.parametrize("rotation", [0.0, 30.0])
@pytest.mark.parametrize("name", ["heavy ball", "Nesterov"])
def test_linear_rate_does_not_depend_on_rotation(name, rotation):
    optimizer, rate = TUNED[name]
    path = run(optimizer, surfaces.quadratic_bowl((M, L), rotation=rotation), [1.0, -0.3], steps=400)
    assert metrics.linear_rate(path) == pytest.approx(rate, abs=1e-4)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.02, 1.98), st.floats(0.1, 1.0))
def test_linear_rate_of_gradient_descent_is_the_larger_factor(learning_rate, y):
    path = descend(learning_rate, (0.25, 1.0), start=(1.0, y), steps=2000)
    fast, slow = sorted([abs(1 - learning_rate), abs(1 - 0.25 * learning_rate)])
    # Where the two are close, no path shows the slower one alone before rounding ends it.
    close = 2e-3 if fast < 0.9 * slow else slow - fast + 1e-3
    assert metrics.linear_rate(path) == pytest.approx(slow, abs=close)


def test_linear_rate_above_one_is_growth():
    assert metrics.linear_rate(descend(2.01 / L)) == pytest.approx(1.01, abs=1e-6)
    assert metrics.linear_rate(descend(0.03, steps=5000)) == pytest.approx(2.0, abs=1e-6)  # ends in inf


def test_linear_rate_of_an_oscillating_path_is_the_roots_modulus():
    slow = run(optimizers.momentum(learning_rate=0.01, momentum=0.95), BOWL, [1.0, 1.0], steps=1000)
    assert metrics.linear_rate(slow) == pytest.approx(math.sqrt(0.95), abs=2e-4)


def test_linear_rate_stops_before_rounding_off_the_origin_and_in_single_precision():
    slow = optimizers.sgd(learning_rate=0.9 / 18)  # along the curvature 2: 1 - 0.1
    for dtype in (np.float64, np.float32):
        path = run(slow, surfaces.booth(), np.array([-8.0, 9.0], dtype), steps=3000)
        assert metrics.linear_rate(path) == pytest.approx(0.9, abs=1e-3)


def test_linear_rate_on_rosenbrock_is_that_of_the_hessian():
    learning_rate = 0.0019
    smallest = np.linalg.eigvalsh(surfaces.rosenbrock().hessian([1.0, 1.0]))[0]
    descent = optimizers.sgd(learning_rate=learning_rate)
    path = run(descent, surfaces.rosenbrock(), [1.05, 1.1], steps=20000, record=("params",))
    assert metrics.linear_rate(path) == pytest.approx(1 - learning_rate * smallest, abs=1e-6)


def test_linear_rate_at_the_ends():
    assert math.isnan(metrics.linear_rate(through([[1, 1]], [1])))
    assert math.isnan(metrics.linear_rate(through(np.zeros((6, 2)), np.zeros(6))))
    assert metrics.linear_rate(through([[1, 1], [0, 0], [0, 0]], [1, 0, 0])) == 0  # lands in one step
    powers = 0.5 ** np.arange(30)
    assert metrics.linear_rate(through(np.outer(powers, [3, 4]) + 7, powers), minimum=[7, 7]) == pytest.approx(0.5)


def test_steps_to_tolerance_is_the_first_step_of_the_closed_form():
    path = descend(0.5, (1.0,), start=(1.0,), steps=60)  # loss 1/2 4^-t
    for tolerance in (0.3, 1e-3, 1e-8):
        assert metrics.steps_to_tolerance(path, tolerance) == math.ceil(math.log(0.5 / tolerance) / math.log(4))
    assert metrics.steps_to_tolerance(path, 1.0) == 0
    assert metrics.steps_to_tolerance(descend(0.5, (1.0,), (1.0,), steps=3), 1e-8) is None
    assert metrics.steps_to_tolerance(path, 0.5 / 4, minimum_loss=-0.5 * 3 / 4**3) == 2


def test_a_loss_of_minus_infinity_is_not_a_success():
    path = through([[1, 0], [9, 0], [99, 0]], [-1, -81, -np.inf], surfaces.saddle())
    assert metrics.steps_to_tolerance(path, 1e-3, minimum_loss=-100) is None
    assert metrics.divergence_step(path) == 2


def test_divergence_step():
    path = descend(3.0, (1.0,), start=(1.0,), steps=2000)  # params (-2)^t, loss 1/2 4^t
    assert metrics.divergence_step(path) == 512  # 1/2 4^512 = 2^1023, but x^2 is 2^1024 on the way
    assert metrics.divergence_step(path, threshold=1e6) == 11
    assert metrics.divergence_step(descend(0.1, (1.0,), (1.0,))) is None
    loss_only = descend(3.0, (1.0,), start=(1.0,), steps=2000, record=("loss",))
    assert metrics.divergence_step(loss_only) == 512


def test_params_that_diverge_under_a_finite_loss_are_divergence():
    assert metrics.divergence_step(through([[0, 0], [1, 0], [np.inf, 0]], [1, 1, 1])) == 2


def test_a_straight_path_has_efficiency_one():
    path = descend(0.1, (1.0, 1.0), start=(3.0, 4.0), steps=500)
    assert metrics.path_length(path) == pytest.approx(5)
    assert metrics.displacement(path) == pytest.approx(5)
    assert metrics.efficiency(path) == pytest.approx(1)
    assert metrics.oscillation(path) == 0
    np.testing.assert_allclose(metrics.distance_to_minimum(path), 5 * 0.9 ** np.arange(501), rtol=1e-9)


def test_a_path_to_and_fro():
    path = descend(1.5, (1.0,), start=(1.0,), steps=60)  # params (-1/2)^t
    assert metrics.oscillation(path) == 1
    assert metrics.path_length(path) == pytest.approx(3)  # 1.5 (1 + 1/2 + 1/4 + ...)
    assert metrics.efficiency(path) == pytest.approx(1 / 3)


def test_oscillation_of_one_coordinate():
    path = descend(1.5, (0.1, 1.0), start=(1.0, 1.0), steps=20)
    assert metrics.oscillation(path, coordinate=0) == 0
    assert metrics.oscillation(path, coordinate=1) == 1


@settings(max_examples=20, deadline=None)
@given(st.floats(-2, 2), st.floats(-1, 3), st.floats(1e-4, 0.3))
def test_no_path_is_shorter_than_the_straight_line(x, y, learning_rate):
    path = run(optimizers.adam(learning_rate=learning_rate), surfaces.rosenbrock(), [x, y], steps=30)
    assert metrics.displacement(path) <= metrics.path_length(path) * (1 + 1e-12)
    oscillation = metrics.oscillation(path)
    assert 0 <= oscillation <= 1 or math.isnan(oscillation)
    assert (metrics.distance_to_minimum(path) >= 0).all()


def test_a_path_that_diverged_has_infinite_length_and_no_efficiency():
    path = descend(3.0, (1.0,), start=(1.0,), steps=2000)
    assert metrics.path_length(path) == metrics.displacement(path) == math.inf
    assert math.isnan(metrics.efficiency(path))


def test_a_path_that_stands_still():
    path = through(np.ones((10, 2)), np.ones(10))
    assert metrics.path_length(path) == 0
    assert math.isnan(metrics.efficiency(path)) and math.isnan(metrics.oscillation(path))


def test_the_nearest_of_several_minima():
    himmelblau = surfaces.himmelblau()
    path = run(optimizers.adam(learning_rate=0.05), himmelblau, [-3.0, 3.0], steps=500)
    assert metrics.distance_to_minimum(path)[-1] < 1e-3
    assert metrics.distance_to_minimum(path)[0] == pytest.approx(math.hypot(3 - 2.805118, 3 - 3.131313), abs=1e-5)


def test_params_may_be_a_pytree():
    surface = LossSurface(lambda p: (p["a"] ** 2).sum() + p["b"] ** 2, dim=None)
    path = run(optimizers.sgd(learning_rate=0.25), surface, {"a": np.ones(3), "b": np.array(1.0)}, steps=100)
    assert metrics.path_length(path) == pytest.approx(2)
    assert metrics.linear_rate(path, minimum=np.zeros(4)) == pytest.approx(0.5)


def test_summary_holds_every_metric():
    path = descend(0.01, steps=50)
    summary = metrics.summary(path)
    assert summary["linear_rate"] == metrics.linear_rate(path)
    assert summary["final_loss"] == path.final_loss and summary["steps"] == 50
    unknown = through([[0, 0], [1, 0]], [1, 2], surfaces.saddle())
    assert metrics.summary(unknown)["linear_rate"] is None


def test_bad_input_says_what_to_do():
    path, unknown = through([[0, 0], [1, 0]], [1, 2]), through([[0, 0], [1, 0]], [1, 2], surfaces.saddle())
    for tolerance in (0, -1, math.nan, "small"):
        with pytest.raises(ValueError, match="tolerance must be a positive number"):
            metrics.steps_to_tolerance(path, tolerance)
    with pytest.raises(ValueError, match="no minimum is known of saddle: give minimum_loss"):
        metrics.steps_to_tolerance(unknown, 0.1)
    for metric in (metrics.linear_rate, metrics.distance_to_minimum):
        with pytest.raises(ValueError, match="no minimum is known of saddle"):
            metric(unknown)
    with pytest.raises(ValueError, match="minimum must have 2 coordinates, got 3"):
        metrics.linear_rate(path, minimum=[0, 0, 0])
    with pytest.raises(AttributeError, match="params was not recorded"):
        metrics.path_length(descend(0.01, steps=5, record=("loss",)))


def test_settling_is_for_good():
    assert metrics.settling_step([3.0, 2.0, 1.0], 5.0) == 0
    assert metrics.settling_step([3.0, 0.5, 1.0], 0.7) == np.inf
    assert metrics.settling_step([3.0, 0.5, 0.4], 0.7) == 1
    assert metrics.settling_step([3.0, np.nan, np.nan], 5.0) == np.inf
    grid = sweep(
        optimizers.sgd, surfaces.quadratic_bowl(), [1.0, 1.0], steps=100, learning_rate=[0.01, 0.05, 0.2], record="loss"
    )
    settled = metrics.settling_step(grid.loss, 1e-6)
    assert settled.dims == ("learning_rate",)
    for rate in (0.01, 0.05, 0.2):
        assert settled.sel(learning_rate=rate) == metrics.settling_step(grid.loss.sel(learning_rate=rate).values, 1e-6)
    assert np.isinf(settled.sel(learning_rate=0.2)) and np.isfinite(settled.sel(learning_rate=0.05))
