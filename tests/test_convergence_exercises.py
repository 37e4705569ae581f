"""What the exercises of the chapter `convergence` say in their answers is what the runs show."""

import numpy as np
import pytest

import optcourse as oc
from optcourse import metrics, optimizers, surfaces, theory
from optcourse.exercises.convergence import ringing_curve
from optcourse.exercises.convergence.momentum_regime import momentum_regime
from optcourse.exercises.convergence.ringing_curve import CURVATURES, MOMENTUM, RATE
from optcourse.exercises.convergence.tail_averages import tail_averages


def test_directions_in_between_cost_nothing():
    def steps(eigenvalues):
        start = np.ones(len(eigenvalues))
        rate = theory.best_settings("sgd", 1.0, 50.0)["learning_rate"]
        path = oc.run(optimizers.sgd(rate), surfaces.quadratic_bowl(eigenvalues), start, steps=400)
        return metrics.settling_step(np.linalg.norm(path.params, axis=1) / np.linalg.norm(start), 1e-4)

    assert steps([1.0, 50.0]) - steps(np.linspace(1, 50, 42)) == pytest.approx(40, abs=5)


def test_a_wrong_largest_curvature_is_worse_than_a_wrong_smallest():
    best = theory.best_settings("momentum", 1.0, 100.0)

    def rate(m, largest):
        bowl = surfaces.quadratic_bowl((m, largest))
        return metrics.linear_rate(oc.run(optimizers.momentum(**best), bowl, [1.0, 1.0], steps=300))

    assert [round(rate(*pair), 2) for pair in ((1.0, 100.0), (0.25, 100.0))] == [0.82, 0.97]
    assert rate(1.0, 120.0) > 1


def test_within_the_ringing_regime_the_learning_rate_buys_nothing():
    critical = (1 - np.sqrt(0.81)) ** 2
    for times in (2, 50):
        assert momentum_regime(times * critical, 0.81, 1.0) == "ringing"
        path = oc.run(
            optimizers.momentum(times * critical, momentum=0.81), surfaces.quadratic_bowl((1.0,)), [1.0], steps=250
        )
        assert metrics.linear_rate(path) == pytest.approx(0.9, abs=0.005)


def test_a_burn_in_pays_at_once_and_without_it_the_start_is_still_there_at_the_end():
    bowl = surfaces.quadratic_bowl((1.0, 10.0))
    grid = oc.sweep(optimizers.sgd(0.05), bowl.with_noise(1.0), [-4.0, 2.0], steps=2000, seed=np.arange(50))

    def loss(burn_in, step):
        means = np.array([tail_averages(points[: step + 1], burn_in)[-1] for points in grid.params.values])
        return bowl.losses(means).mean()

    assert loss(100, 101) < loss(0, 101) / 5
    noise = (1 / 1.0 + 1 / 10.0) / 2 / 2000
    start = 0.5 * (4 / (0.05 * 1.0 * 2000)) ** 2
    assert start > 2 * noise
    assert loss(0, 2000) == pytest.approx(start + noise, rel=0.2)
    assert loss(100, 2000) == pytest.approx(noise, rel=0.3)


def test_the_ringing_curve_can_be_diagnosed():
    loss = ringing_curve()
    peaks = np.flatnonzero((loss[1:-1] > loss[:-2]) & (loss[1:-1] > loss[2:])) + 1
    beat = (peaks[9] - peaks[0]) / 9
    assert (np.pi / beat) ** 2 / RATE == pytest.approx(CURVATURES[1], rel=0.05)
    ringing = loss - loss[-1]
    assert ringing[peaks[4]] / ringing[peaks[0]] == pytest.approx(MOMENTUM ** (peaks[4] - peaks[0]), rel=0.15)
    shrinking = -np.log(loss[600] / loss[500]) / 200
    assert shrinking * (1 - MOMENTUM) / RATE == pytest.approx(CURVATURES[0], rel=0.1)
    assert np.log(10) / -np.log(MOMENTUM) == pytest.approx(115, abs=2)
    assert np.log(10) / -np.log(0.9) == pytest.approx(22, abs=1)
