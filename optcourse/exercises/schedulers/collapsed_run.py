"""A plateau that listened to mini-batches, to be diagnosed."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from optcourse import optimizers, schedules
from optcourse.surfaces.loss_surface import LossSurface
from optcourse.tracing import run

PEAK, PATIENCE, FACTOR, BATCH, STEPS = 0.05, 3, 0.5, 4, 400
DATA = np.random.default_rng(0).normal(size=(500, 6))
TARGETS = DATA @ np.array([3.0, -2.0, 1.0, 0.5, -1.0, 2.0]) + np.random.default_rng(1).normal(size=500)


class CollapsedRun(NamedTuple):
    """Of each step: the loss of its mini-batch, its learning rate, and the loss on all data before it."""

    batch_loss: np.ndarray
    rate: np.ndarray
    loss: np.ndarray


def collapsed_run(average: int = 1, patience: int = PATIENCE, seed: int = 0) -> CollapsedRun:
    """SGD on a linear regression with mini-batches of 4, with `schedules.plateau(0.05, patience=3, factor=0.5)`.

    >>> from optcourse.exercises.schedulers import collapsed_run
    >>> collapsed_run().rate.shape
    (400,)
    """
    schedule = schedules.plateau(PEAK, patience=patience, factor=FACTOR, average=average)
    path = run(
        optimizers.sgd(schedule), LossSurface(batch_loss, dim=6, seeded=True), np.zeros(6), steps=STEPS, seed=seed
    )
    residuals = path.params[:-1] @ DATA.T - TARGETS
    return CollapsedRun(path.loss[:-1], schedule.rates(path.loss[:-1]), 0.5 * (residuals**2).mean(axis=1))


def batch_loss(params, step, seed):
    """Half the mean squared error on a mini-batch, which the step and the seed draw."""
    import jax

    key = jax.random.fold_in(jax.random.key(seed), step)
    chosen = jax.random.randint(key, (BATCH,), 0, len(TARGETS))
    residuals = jnp.asarray(DATA)[chosen] @ params - jnp.asarray(TARGETS)[chosen]
    return 0.5 * jnp.mean(residuals**2)
