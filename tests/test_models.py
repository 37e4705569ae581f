"""Small real models as loss surfaces: the same numbers in both libraries, mini-batches that belong to step and seed."""

import hashlib

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch

import optcourse as oc
from optcourse import models, optimizers, surfaces
from optcourse.arrays import double_precision, to_numpy, to_torch
from optcourse.models import classifier, curvature, transformer
from optcourse.models.networks import outputs

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


def test_layers_come_by_number_also_where_a_dict_is_sorted_by_name():
    params, x = models.initial_params([3] + [4] * 11 + [2], gain=1.0), np.ones((5, 3))
    compiled = jax.jit(lambda params: outputs(params, x, jnp.tanh))(params)
    np.testing.assert_allclose(compiled, outputs(params, x, np.tanh), rtol=1e-5)


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


SMALL = models.transformer_params(layers=2, width=8, heads=2, context=12, seed=1)


def test_the_text_is_the_same_in_every_python():
    text = models.load_text()
    assert len(text) == 8684 and set(text) == set(" abcdefghijklmnopqrstuvwxyz")
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert digest == "40910323c076e1b0ed87b6f3202adc2d86497daede691803590cc3ab8c9822f1"


@pytest.mark.parametrize("norm", ["post", "pre"])
@pytest.mark.parametrize("batch", [4, None])
def test_the_transformer_is_the_same_in_both_libraries(norm, batch):
    loss, at = models.text_loss(batch=batch, norm=norm), (3, 1) if batch else ()
    tensors = to_torch(SMALL)
    assert float(loss(SMALL, *at)) == pytest.approx(float(loss(tensors, *at)), abs=1e-12)
    ours, theirs = loss.gradient(SMALL, *at), to_numpy(loss.gradient(tensors, *at))
    for mine, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        assert np.abs(mine).max() > 0  # every weight is used
        assert np.abs(mine - other).max() < 1e-12


@pytest.mark.parametrize("norm", ["post", "pre"])
def test_a_layer_is_that_of_torch(norm):
    params, width = models.transformer_params(layers=1, width=8, heads=2, context=12, seed=2), 8
    weights = {name: torch.tensor(leaf[0]) for name, leaf in params["layers"].items()}
    layer = torch.nn.TransformerEncoderLayer(
        width, 2, 4 * width, dropout=0, batch_first=True, norm_first=norm == "pre", dtype=torch.float64
    )
    for name, value in layer.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.zeros_(value)
    projected = weights["query, key, value"].transpose(-1, -2).reshape(3 * width, width)
    layer.self_attn.in_proj_weight.data = projected
    layer.self_attn.out_proj.weight.data = weights["mix"].reshape(width, width).T
    layer.linear1.weight.data, layer.linear2.weight.data = weights["expand"].T, weights["contract"].T
    chosen = np.eye(27)[np.random.default_rng(0).integers(0, 27, (3, 12))]

    def normed(x):
        return torch.nn.functional.layer_norm(x, (width,))

    with torch.no_grad():
        x = torch.tensor(chosen @ params["embedding"]["character"] + params["embedding"]["position"]) * width**0.5
        mask = torch.nn.Transformer.generate_square_subsequent_mask(12, dtype=torch.float64)
        x = normed(layer(x, mask)) if norm == "pre" else layer(normed(x), mask)
        theirs = x.numpy() @ params["output"]["weight"]
    assert np.abs(transformer.transformer_outputs(params, chosen, norm) - theirs).max() < 1e-12


def test_no_character_sees_those_after_it():
    chosen = np.eye(27)[np.random.default_rng(0).integers(0, 27, (2, 12))]
    changed = chosen.copy()
    changed[:, 7:] = np.roll(changed[:, 7:], 1, axis=-1)
    before, after = (transformer.transformer_outputs(SMALL, text, "post") for text in (chosen, changed))
    same = np.abs(before - after).max(axis=(0, 2)) < 1e-12
    assert same.tolist() == [True] * 7 + [False] * 5


def test_a_sweep_of_the_transformer_is_as_many_runs_and_learns():
    start, loss = jax.tree.map(np.float32, SMALL), models.text_loss(batch=8)
    grid = oc.sweep(optimizers.adam, loss, start, steps=60, learning_rate=[0.003, 0.01], seed=[0, 4], record="loss")
    path = oc.run(optimizers.adam(0.01), loss, start, steps=60, seed=4, record="loss")
    assert path.loss.dtype == np.float32
    assert np.abs(grid.loss.sel(learning_rate=0.01, seed=4) - path.loss).max() < 1e-3
    assert (grid.loss[..., -10:].mean("step") < grid.loss[..., 0] - 0.3).all()


def test_what_is_kept_in_float32_is_more_exact_in_half_precision():
    narrow = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float16), SMALL)
    exact = float(models.text_loss(batch=None)(jax.tree.map(lambda leaf: np.asarray(leaf, float), narrow)))
    kept, plain = models.text_loss(batch=None), models.text_loss(batch=None, keep_float32=())
    assert kept(narrow).dtype == jnp.float32 and plain(narrow).dtype == jnp.float16
    assert all(leaf.dtype == jnp.float16 for leaf in jax.tree.leaves(kept.gradient(narrow)))
    assert abs(float(kept(narrow)) - exact) < min(1e-3, abs(float(plain(narrow)) - exact))


def test_a_layer_norm_in_float32_survives_what_float16_cannot_square():
    x = jnp.full((1, 8), 300.0, jnp.float16) * jnp.arange(8, dtype=jnp.float16)
    scale, bias = jnp.ones(8, jnp.float16), jnp.zeros(8, jnp.float16)
    assert (transformer.layer_norm(x, scale, bias) == 0).all()  # the variance is above 65504
    wide = transformer.layer_norm(x, scale, bias, wide=True)
    assert wide.dtype == jnp.float16 and np.asarray(wide, float).std() == pytest.approx(1, abs=2e-3)


def test_bad_settings_of_the_transformer_are_told():
    with pytest.raises(ValueError, match="width a multiple of heads"):
        models.transformer_params(width=10, heads=4)
    for wrong in ({"batch": 0}, {"context": 0}, {"norm": "middle"}, {"keep_float32": ("weights",)}):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} must"):
            models.text_loss(**wrong)
