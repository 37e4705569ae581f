"""Small real models as loss surfaces: the same numbers in both libraries, mini-batches that belong to step and seed."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch

import optcourse as oc
from optcourse import models, optimizers, surfaces
from optcourse.arrays import double_precision
from optcourse.models import classifier, curvature

START = models.initial_params((64, 16, 10), seed=3)


def test_the_loss_is_that_of_both_frameworks():
    train, _ = models.load_digits()
    said = np.maximum(train.images @ START["layer 1"]["weight"], 0) @ START["layer 2"]["weight"]
    ours = float(models.digits_loss(batch=None)(START))
    with double_precision():
        assert ours == pytest.approx(
            float(optax.softmax_cross_entropy_with_integer_labels(jnp.asarray(said), train.digits).mean()), rel=1e-12
        )
    theirs = torch.nn.functional.cross_entropy(torch.tensor(said), torch.tensor(train.digits).long())
    assert ours == pytest.approx(float(theirs), rel=1e-12)


@pytest.mark.parametrize("batch", [16, None])
def test_optax_and_torch_train_the_same_network(batch):
    loss = models.digits_loss(batch=batch)
    ours, theirs = (
        oc.run(optimizers.adam(0.01, backend=backend), loss, START, steps=15, seed=2) for backend in ("optax", "torch")
    )
    assert np.abs(ours.loss - theirs.loss).max() < 1e-12
    assert ours.loss[-1] < ours.loss[0]


def test_a_mini_batch_belongs_to_its_step_and_seed():
    loss = models.digits_loss(batch=16)
    assert loss(START, step=0, seed=0) == loss(START, step=0, seed=0)
    assert len({float(loss(START, step=step, seed=seed)) for step in range(3) for seed in range(3)}) == 9
    whole = float(models.digits_loss(batch=None)(START))
    drawn = [float(loss(START, step=step)) for step in range(400)]
    assert abs(np.mean(drawn) - whole) < 4 * np.std(drawn) / 20


def test_a_sweep_over_seeds_is_as_many_runs():
    loss = models.digits_loss(batch=16)
    grid = oc.sweep(optimizers.sgd, loss, START, steps=12, learning_rate=[0.1, 0.3], seed=[0, 5], record="loss")
    for rate in (0.1, 0.3):
        for seed in (0, 5):
            path = oc.run(optimizers.sgd(rate), loss, START, steps=12, seed=seed)
            assert np.abs(grid.loss.sel(learning_rate=rate, seed=seed) - path.loss).max() < 1e-12


def test_networks_of_a_sweep_are_evaluated_as_single_ones_are():
    loss = models.digits_loss(batch=16)
    grid = oc.sweep(optimizers.adam, loss, START, steps=30, learning_rate=[1e-3, 0.03], seed=[0, 1], record="last")
    judged = models.evaluate(grid)
    assert dict(judged.sizes) == {"learning_rate": 2, "seed": 2}
    path = oc.run(optimizers.adam(0.03), loss, START, steps=30, seed=1)
    one, alone = judged.sel(learning_rate=0.03, seed=1), models.evaluate(path.final_params)
    for name in ("train_loss", "held_out_loss", "held_out_accuracy"):
        assert float(one[name]) == pytest.approx(float(alone[name]), rel=1e-9)
    full = models.digits_loss(batch=None)
    assert float(alone.train_loss) == pytest.approx(float(full(path.final_params)), rel=1e-12)
    _, held_out = models.load_digits()
    hidden = np.maximum(
        held_out.images @ path.final_params["layer 1"]["weight"] + path.final_params["layer 1"]["bias"], 0
    )
    said = hidden @ path.final_params["layer 2"]["weight"] + path.final_params["layer 2"]["bias"]
    assert models.accuracy(path.final_params) == pytest.approx(np.mean(said.argmax(1) == held_out.digits))


def test_a_network_that_diverged_names_nothing_rightly():
    lost = jax.tree.map(lambda leaf: np.full_like(leaf, np.nan), START)
    assert models.accuracy(lost) == 0
    assert np.isnan(models.evaluate(lost).train_loss)


def test_bad_input_is_told_what_to_do():
    with pytest.raises(ValueError, match="batch must be 1 or more, or None"):
        models.digits_loss(batch=0)
    with pytest.raises(ValueError, match="points must be 2 or more"):
        models.curve_fit_loss(points=1)
    bowl = oc.sweep(optimizers.sgd, surfaces.booth(), [0.0, 0.0], steps=2, learning_rate=[0.1])
    with pytest.raises(ValueError, match="holds no networks"):
        models.evaluate(bowl)


def test_curve_fit_is_half_the_mean_squared_error():
    start = models.initial_params((1, 5, 1), gain=1)
    x = np.linspace(-1, 1, 20)
    said = np.tanh(x[:, None] @ start["layer 1"]["weight"]) @ start["layer 2"]["weight"]
    target = 8 * x**4 - 8 * x**2 + 1  # T4
    assert float(models.curve_fit_loss()(start)) == pytest.approx(np.mean((said[:, 0] - target) ** 2) / 2, rel=1e-12)


@pytest.mark.parametrize("sizes", [(1, 30, 1), (1, 16, 16, 1)])
def test_sharpness_of_large_networks_agrees_with_the_whole_hessian(sizes, monkeypatch):
    loss, params = models.curve_fit_loss(), models.initial_params(sizes, seed=1, gain=1)
    exact = models.sharpness(loss, params)
    flat, _ = jax.flatten_util.ravel_pytree(params)
    assert flat.size <= curvature.WHOLE
    monkeypatch.setattr(curvature, "WHOLE", 0)
    assert models.sharpness(loss, params) == pytest.approx(exact, rel=1e-6)


def test_sharpness_of_a_bowl_is_its_largest_curvature():
    assert models.sharpness(surfaces.quadratic_bowl((2.0, 20.0)), [3.0, 1.0]) == pytest.approx(20)


def test_mini_batches_are_drawn_evenly():
    drawn = np.concatenate([classifier._drawn(step, 0, 64, 1347) for step in range(300)])
    assert drawn.min() >= 0 and drawn.max() < 1347
    counts = np.bincount(drawn, minlength=1347)
    assert abs(counts.var() / counts.mean() - 1) < 0.2  # as independent draws have it
