"""A classifier of handwritten digits, as a loss surface."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from optcourse.arrays import double_precision, framework, namespace
from optcourse.models.digits import load_digits
from optcourse.models.networks import like_weights, outputs
from optcourse.models.transformer import widened
from optcourse.surfaces.loss_surface import LossSurface

CLASSES = 10


def digits_loss(*, batch: int | None = 64, keep_float32=("loss",)) -> LossSurface:
    """The mean cross-entropy of a ReLU network on scikit-learn's digits, over its weights.

    With `batch` images, which are drawn with replacement for each step of a run and for its seed; the same ones in
    JAX and PyTorch. How many layers the network has is decided by the params that it starts from.

    >>> import optcourse as oc
    >>> from optcourse import models, optimizers
    >>> start = models.initial_params((64, 32, 10))
    >>> path = oc.run(optimizers.adam(0.01), models.digits_loss(), start, steps=100, record="loss", seed=1)
    >>> bool(path.loss[-20:].mean() < path.loss[0] / 3)
    True

    Args:
        batch: images in a mini-batch; None for all 1347 in every step.
        keep_float32: what is computed in float32 where the weights are narrower: ("loss",) or nothing, ().

    Raises:
        ValueError: for a batch that is smaller than 1, or an unknown name.
        ImportError: without scikit-learn.
    """
    if not {*keep_float32} <= {"loss"}:
        raise ValueError(f'keep_float32 must be ("loss",) or (), got {keep_float32!r}.')
    keep = tuple(keep_float32)
    if batch is None:
        return LossSurface(_full_loss, name="digits", dim=None, constants={"keep": keep})
    if batch < 1:
        raise ValueError(f"batch must be 1 or more, or None for all images, got {batch}.")
    return LossSurface(_batch_loss, name="digits", dim=None, constants={"batch": int(batch), "keep": keep}, seeded=True)


def evaluate(grid):
    """How good the networks at the end of a sweep are; returns an `xarray.Dataset` with the sweep's own axes.

    `train_loss` is on all images to train on, `held_out_loss` and `held_out_accuracy` are on those held out. A
    network whose weights are not finite has nan, and an accuracy of 0.

    Args:
        grid: what `sweep` returned for `digits_loss`; or the params of one network, for which the dataset has no axes.
    """
    import xarray

    params, axes = (_as_one(grid), {}) if isinstance(grid, dict) else _networks(grid)
    with double_precision():
        values = [np.asarray(value) for value in _evaluate_each(params)]
    shape, names = tuple(axes.values()), ("train_loss", "held_out_loss", "held_out_accuracy")
    judged = {name: (tuple(axes), value.reshape(shape)) for name, value in zip(names, values, strict=True)}
    return xarray.Dataset(judged, coords={axis: grid[axis] for axis in axes if axis in grid.coords})


def accuracy(params) -> float:
    """Share of the images held out that a network names rightly.

    >>> from optcourse import models
    >>> bool(0 <= models.accuracy(models.initial_params((64, 32, 10))) < 0.4)
    True
    """
    return float(evaluate(params).held_out_accuracy)


def _as_one(params):
    """Params of several networks along axis 0, of which there is one."""
    return jax.tree.map(lambda leaf: np.asarray(leaf)[None], params)


def _networks(grid) -> tuple[dict, dict]:
    """The params of all networks of a sweep, one after the other along axis 0, and the sizes of the sweep's axes."""
    params, axes = {}, {}
    for name, values in grid.data_vars.items():
        if name.startswith("final_params["):
            layer, kind = name.removeprefix("final_params['").removesuffix("']").split("']['")
            axes = {dim: size for dim, size in values.sizes.items() if not dim.startswith("final_params")}
            params.setdefault(layer, {})[kind] = np.asarray(values).reshape(-1, *values.shape[len(axes) :])
    if not params:
        raise ValueError("this dataset holds no networks: it must come from sweep(..., models.digits_loss(), ...).")
    return params, axes


@jax.jit
def _evaluate_each(params):
    train, held_out = load_digits()

    def one(params):
        said = outputs(params, jnp.asarray(held_out.images), jax.nn.relu)
        right = jnp.mean(jnp.argmax(said, axis=1) == held_out.digits)
        finite = jnp.isfinite(said).all()
        on_train = outputs(params, jnp.asarray(train.images), jax.nn.relu)
        losses = [
            _cross_entropy(said, jnp.asarray(split.digits)) for said, split in ((on_train, train), (said, held_out))
        ]
        return *losses, jnp.where(finite, right, 0.0)

    return jax.lax.map(one, params)


def _full_loss(params, keep):
    train, _ = load_digits()
    return _loss(params, train.images, train.digits, keep)


def _batch_loss(params, step, seed, batch, keep):
    train, _ = load_digits()
    chosen = _drawn(step, seed, batch, len(train.digits))
    if framework(params["layer 1"]["weight"]) != "torch":
        return _loss(params, jnp.asarray(train.images)[chosen], jnp.asarray(train.digits)[chosen], keep)
    chosen = np.asarray(chosen)
    return _loss(params, train.images[chosen], train.digits[chosen], keep)


@partial(jax.jit, static_argnums=(2, 3))
def _drawn(step, seed, batch, count):
    key = jax.random.fold_in(jax.random.key(seed), step)
    return jax.random.randint(key, (batch,), 0, count, dtype=jnp.int32)


def _loss(params, images, digits, keep):
    xp = namespace(params["layer 1"]["weight"])
    said = outputs(params, like_weights(params, images), lambda x: xp.where(x > 0, x, xp.zeros_like(x)))
    return _cross_entropy(widened(said) if "loss" in keep else said, like_weights(params, digits))


def _cross_entropy(said, digits):
    """Mean of log sum exp(outputs) - output of the right class."""
    xp = namespace(said)
    shifted = said - xp.max(said, axis=1, keepdims=True)
    right = digits[:, None] == xp.arange(CLASSES)[None, :]
    of_right = xp.sum(xp.where(right, shifted, xp.zeros_like(shifted)), axis=1)
    return xp.mean(xp.log(xp.sum(xp.exp(shifted), axis=1)) - of_right)
