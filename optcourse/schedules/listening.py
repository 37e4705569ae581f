"""Schedules that listen to the loss: reduce on plateau, and any of one's own, in both libraries."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from optcourse.arrays import double_precision, to_numpy
from optcourse.optimizers.entries import Difference
from optcourse.schedules.checks import check_peak
from optcourse.schedules.entries import Entry, entry
from optcourse.schedules.schedule import Schedule
from optcourse.schedules.torch_values import dummy_optimizer


def optax_rates(schedule, losses) -> np.ndarray:
    """The rate of each step by Optax's transformation, which hears the loss before the step: (steps,)."""
    with double_precision():
        return np.asarray(_heard(schedule, losses)) * schedule.peak


@partial(jax.jit, static_argnums=0)
def _heard(schedule, losses):
    scaling = schedule.optax

    def step(state, loss):
        scale, new = scaling.update(jnp.ones_like(loss), state, value=loss)
        return jax.tree.map(lambda old, now: jnp.asarray(now).astype(jnp.asarray(old).dtype), state, new), scale

    return jax.lax.scan(step, scaling.init(jnp.ones_like(losses, shape=())), losses)[1]


# --- reduce on plateau --------------------------------------------------------------------------------------------


def _optax_plateau(peak, steps, patience, factor, threshold, cooldown, average, end):
    return optax.contrib.reduce_on_plateau(
        factor=factor,
        patience=patience,
        rtol=threshold,
        cooldown=cooldown,
        accumulation_size=average,
        min_scale=end,
    )


def _torch_plateau(lr, optimizer, peak, steps, patience, factor, threshold, cooldown, average, end):
    return lr.ReduceLROnPlateau(
        optimizer,
        factor=factor,
        patience=patience,
        threshold=threshold,
        cooldown=cooldown,
        min_lr=end * peak,
    )


class PlateauListener:
    """The real ReduceLROnPlateau on an optimizer of its own: called after each step, as a training loop does.

    It is given the mean of `average` losses at a time; Optax averages by itself.
    """

    KEPT = ("best", "num_bad_epochs", "cooldown_counter", "last_epoch")

    def __init__(self, schedule, peak):
        self.optimizer = dummy_optimizer()
        self.scheduler = schedule.with_peak(peak).torch(self.optimizer)
        self.average = dict(schedule.settings)["average"]
        self.total, self.heard = 0.0, 0

    def hear(self, loss) -> float:
        """The rate of the step whose loss this is; what was heard counts from the next step on."""
        rate = self.optimizer.param_groups[0]["lr"]
        self.total, self.heard = self.total + float(loss), self.heard + 1
        if self.heard == self.average:
            self.scheduler.step(self.total / self.average)
            self.total, self.heard = 0.0, 0
        return rate

    def state(self) -> dict:
        """What must be kept to go on: numbers by name."""
        kept = self.scheduler.state_dict()
        own = {"rate": self.optimizer.param_groups[0]["lr"], "total": self.total, "heard": self.heard}
        return {name: kept[name] for name in self.KEPT} | own

    def load(self, state) -> None:
        """Go on from a state."""
        state = {name: float(value) for name, value in state.items()}
        counts = {name: int(state[name]) for name in self.KEPT if name != "best"}
        self.scheduler.load_state_dict(self.scheduler.state_dict() | {"best": state["best"]} | counts)
        self.optimizer.param_groups[0]["lr"] = state["rate"]
        self.total, self.heard = state["total"], int(state["heard"])


@entry(
    "Reduce on plateau",
    optax=_optax_plateau,
    torch=_torch_plateau,
    optax_name="optax.contrib.reduce_on_plateau",
    torch_name="ReduceLROnPlateau",
    agreement="different",
    differences=(
        Difference("lowers the rate at the loss without improvement, in a row, number", "patience", "patience + 1"),
        Difference("step of the first lower rate, where no loss improves, patience 3", 3, 5),
        Difference("the lower rate is for", "the step whose loss was heard", "the next step"),
        Difference("patience 0", "lower whenever the loss improves", "lower whenever it does not"),
        Difference("changes of less than 1e-8", "are made", "are left out"),
        Difference("improvement", "by rtol and atol together", "by threshold, relative or absolute"),
        Difference("noise of mini-batches", "accumulation_size losses are averaged", "average them yourself"),
        Difference("the lowest rate is given as", "min_scale, a share of the peak", "min_lr, a rate"),
    ),
    listens=True,
    rates=optax_rates,
    listener=PlateauListener,
)
def plateau(peak, steps=None, *, patience=10, factor=0.1, threshold=1e-4, cooldown=0, average=1, end=0.0):
    r"""Multiplied by `factor` when the loss, or the mean of `average` losses, has not improved by the share `threshold`
    for `patience` times; then deaf for `cooldown` times, and never below the share `end` of the peak."""


# --- one's own ----------------------------------------------------------------------------------------------------


def listening(peak: float, init, update) -> Schedule:
    """A schedule of your own that listens to the loss, from two pure functions; the same in both libraries.

    >>> from jax import numpy as jnp
    >>> def update(loss, best):  # half the rate wherever the loss is no better than the best one
    ...     return jnp.where(loss < best, 1.0, 0.5), jnp.minimum(loss, best)
    >>> halve = listening(0.1, lambda: jnp.inf, update)
    >>> halve.rates([3.0, 2.0, 2.5, 1.0])
    array([0.1 , 0.1 , 0.05, 0.1 ])

    Args:
        peak: the learning rate that the scale multiplies.
        init: `init() -> state`, numbers or a pytree of them.
        update: `update(loss, state) -> (scale, state)`, written with `jax.numpy`. It hears the loss of a step, and its
            scale is for that step.
    """
    for name, function in (("init", init), ("update", update)):
        if not callable(function):
            raise TypeError(f"{name} must be a function, got {function!r}.")
    return Schedule(OWN, check_peak(peak), None, (("init", init), ("update", update)))


def _optax_own(peak, steps, init, update):
    def update_fn(updates, state, params=None, *, value, **_):
        scale, state = update(value, state)
        return jax.tree.map(lambda leaf: jnp.asarray(scale).astype(leaf.dtype) * leaf, updates), state

    return optax.GradientTransformationExtraArgs(lambda _: jax.tree.map(jnp.asarray, init()), update_fn)


def _torch_own(*_, **__):
    raise TypeError("PyTorch has no scheduler for functions that listen: give the schedule to an optimizer of ours.")


class OwnListener:
    """Two functions of one's own beside a torch optimizer."""

    def __init__(self, schedule, peak):
        settings = dict(schedule.settings)
        self.peak, self.update = float(peak), settings["update"]
        with double_precision():
            self.now = to_numpy(settings["init"]())

    def hear(self, loss) -> float:
        """The rate of the step whose loss this is."""
        with double_precision():
            scale, now = self.update(jnp.asarray(float(loss)), jax.tree.map(jnp.asarray, self.now))
            self.now = to_numpy(now)
        return self.peak * float(scale)

    def state(self):
        return jax.tree.map(np.asarray, self.now)

    def load(self, state) -> None:
        self.now = to_numpy(state)


OWN = Entry(
    name="listening",
    title="One's own, listening",
    optax=_optax_own,
    torch=_torch_own,
    optax_name="a GradientTransformationExtraArgs",
    torch_name="",
    agreement="equal",
    listens=True,
    rates=optax_rates,
    listener=OwnListener,
    write=lambda schedule: (
        f"schedules.listening({schedule.peak!r}, "
        + ", ".join(function.__name__ for _, function in schedule.settings)
        + ")"
    ),
)
