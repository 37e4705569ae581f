"""What theory says about quadratics, against the optimizers' own paths on them."""

import jax.numpy as jnp
import numpy as np
import pytest

from optcourse import optimizers, run, surfaces
from optcourse.arrays import double_precision
from optcourse.theory import contraction, stability_limit

SETTINGS = [
    (optimizer, momentum, condition)
    for optimizer in ("sgd", "momentum", "nesterov")
    for momentum in ((0.0,) if optimizer == "sgd" else (0.0, 0.5, 0.9))
    for condition in (1.0, 10.0, 300.0)
]
SMALLEST = 0.5  # eigenvalue


def settings_of(optimizer, learning_rate, momentum):
    rest = {} if optimizer == "sgd" else {"momentum": momentum}
    return {"learning_rate": learning_rate, **rest}


def sizes(optimizer, hyperparams, condition, steps=3000):
    """Distance to the minimum of params and of those of the step before, after each step: all that the recursion has.

    The minimum is 0, so that rounding is relative; what under- or overflows is cut off.
    """
    bowl = surfaces.quadratic_bowl((SMALLEST, SMALLEST * condition))
    params = np.asarray(run(optimizers.catalogue()[optimizer](**hyperparams), bowl, [1.0, 1.0], steps=steps).params)
    with np.errstate(over="ignore", invalid="ignore"):
        size = np.hypot.reduce(np.hstack([params[1:], params[:-1]]), axis=1)
    inside = (size > 1e-280) & (size < 1e280)
    return size if inside.all() else size[: int(np.argmin(inside))]


@pytest.mark.parametrize(("optimizer", "momentum", "condition"), SETTINGS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.97, 1.1])
def test_contraction_is_that_of_the_path(optimizer, momentum, condition, share):
    # Crawling, oscillating, nearly unstable, diverging.
    eigenvalues = jnp.array([SMALLEST, SMALLEST * condition])
    limit = float(stability_limit(optimizer, eigenvalues[1], settings_of(optimizer, 1.0, momentum)))
    hyperparams = settings_of(optimizer, share * limit, momentum)
    predicted = float(contraction(optimizer, eigenvalues, hyperparams))
    assert (predicted < 1) == (share < 1)
    size = sizes(optimizer, hyperparams, condition)
    if len(size) < 20:  # there in a few steps
        assert predicted < 1e-10
        return
    first, last = len(size) // 2, len(size) - 1
    measured = np.log(size[last] / size[first]) / (last - first)
    # An oscillation is met at any of its phases, and a double root settles like 1 / steps.
    slack = min(6 / (last - first), 0.1 * abs(np.log(predicted)))
    assert measured == pytest.approx(np.log(predicted), abs=slack + 1e-6)


@pytest.mark.parametrize("optimizer", ["momentum", "nesterov"])
def test_contraction_is_the_spectral_radius_of_the_recursion(optimizer):
    for momentum in (0.0, 0.3, 0.9, 0.999):
        for rate in np.geomspace(1e-6, 10, 40):
            keeps = 1 - rate
            if optimizer == "momentum":
                recursion = [[1 + momentum - rate, -momentum], [1, 0]]
            else:
                recursion = [[(1 + momentum) * keeps, -momentum * keeps], [1, 0]]
            expected = np.max(np.abs(np.linalg.eigvals(recursion)))
            with double_precision():
                found = contraction(optimizer, jnp.array([1.0]), settings_of(optimizer, rate, momentum))
            assert found == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(("optimizer", "momentum", "condition"), SETTINGS)
def test_the_limit_parts_paths_that_shrink_from_paths_that_grow(optimizer, momentum, condition):
    limit = float(stability_limit(optimizer, SMALLEST * condition, settings_of(optimizer, 1.0, momentum)))
    for share, shrinks in ((0.995, True), (1.005, False)):
        size = sizes(optimizer, settings_of(optimizer, share * limit, momentum), condition)
        half = len(size) // 2
        assert (size[half:].max() < size[:half].max()) == shrinks


def test_without_momentum_all_are_gradient_descent():
    eigenvalues = jnp.array([0.3, 7.0])
    expected = contraction("sgd", eigenvalues, {"learning_rate": 0.2})
    for optimizer in ("momentum", "nesterov"):
        hyperparams = {"learning_rate": 0.2, "momentum": 0.0}
        assert contraction(optimizer, eigenvalues, hyperparams) == pytest.approx(float(expected), rel=1e-6)
        assert stability_limit(optimizer, 7.0, hyperparams) == pytest.approx(2 / 7)


def test_the_best_heavy_ball_contracts_by_polyaks_factor():
    # Polyak 1964: learning rate and momentum that are best for eigenvalues m and L give (√κ - 1) / (√κ + 1).
    m, L = 1.0, 100.0
    momentum = ((np.sqrt(L / m) - 1) / (np.sqrt(L / m) + 1)) ** 2
    hyperparams = {"learning_rate": 4 / (np.sqrt(L) + np.sqrt(m)) ** 2, "momentum": momentum}
    assert contraction("momentum", jnp.array([m, L]), hyperparams) == pytest.approx(9 / 11, abs=1e-3)


def test_downwards_every_learning_rate_leads_away():
    for optimizer in ("sgd", "momentum", "nesterov"):
        hyperparams = settings_of(optimizer, 0.01, 0.9)
        assert contraction(optimizer, jnp.array([-2.0, 3.0]), hyperparams) > 1


def test_no_theory_for_others():
    assert contraction("adam", jnp.ones(2), {"learning_rate": 0.1}) is None
    assert stability_limit("adam", 1.0, {"learning_rate": 0.1}) is None
