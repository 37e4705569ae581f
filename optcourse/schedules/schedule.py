"""`Schedule`: a learning rate over the steps, as one frozen value with a form in each library."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from optcourse.arrays import double_precision, weakly_typed
from optcourse.schedules import torch_values
from optcourse.schedules.checks import check_length


@dataclass(frozen=True, repr=False)
class Schedule:
    """A learning rate over the steps; made by the factories of `optcourse.schedules`.

    `schedule(step)` is the rate of that step as Optax has it, the first step being 0. It is a learning rate for
    every optimizer of the course, on either backend, and for Optax itself: `optax.adam(schedule)`.

    >>> from optcourse import schedules
    >>> schedule = schedules.cosine(0.1, 1000)
    >>> schedule(0), round(schedule(500), 12), schedule(1000)
    (0.1, 0.05, 0.0)
    >>> schedule.with_warmup(100)
    schedules.cosine(0.1, 1000).with_warmup(100)

    Args:
        entry: what the catalogue knows about its kind.
        peak: its largest learning rate; the schedule is linear in it.
        steps: how long it is; None for one that listens to the loss.
        settings: (name, value) pairs.
    """

    entry: Any
    peak: float
    steps: int | None
    settings: tuple[tuple[str, Any], ...] = ()

    @property
    def kind(self) -> str:
        """Its name in the catalogue."""
        return self.entry.name

    @property
    def listens(self) -> bool:
        """Whether the loss decides about the rate, and not the step alone."""
        return self.entry.listens

    def __call__(self, step):
        """The rate at a step: a number for a number, and traced for a traced step."""
        self._refuse_without_losses("schedule(step)")
        if isinstance(step, (int, float, np.integer, np.floating)) and not isinstance(step, bool):
            with jax.ensure_compile_time_eval(), double_precision():
                return float(self._rate(step))
        return self._rate(step)

    def _rate(self, step):
        # Optax divides an integer step in float32, also where everything else is in double precision.
        rate = self.optax(jnp.asarray(step).astype(float))
        return weakly_typed(jnp.asarray(rate))

    def rates(self, steps) -> np.ndarray:
        """Optax's rate of each of the first `steps` steps, (steps,), in double precision.

        A schedule that listens takes the losses instead, one for each step: (steps,).
        """
        if self.listens:
            return self.entry.rates(self, check_losses(steps))
        with double_precision():
            return np.asarray(_rates(self, check_length(steps, least=0)))

    def torch_rates(self, steps) -> np.ndarray:
        """What PyTorch's scheduler sets for each of the first `steps` steps, or for each of the losses: (steps,).

        Raises:
            ValueError: past the end of a scheduler that refuses to go on, as OneCycleLR does.
        """
        if self.listens:
            follower = self.listener(self.peak)
            return np.array([follower.hear(loss) for loss in check_losses(steps)])
        return torch_values.rates(self, check_length(steps, least=0))

    def torch_rate(self, step: int) -> float:
        """The rate that PyTorch's scheduler sets for one step."""
        self._refuse_without_losses("torch_rate(step)")
        return torch_values.rate(self, step)

    @cached_property
    def optax(self):
        """Optax's own schedule, `count -> rate`; of one that listens, the transformation that scales updates."""
        return self.entry.optax(self.peak, self.steps, **dict(self.settings))

    def torch(self, optimizer):
        """The real `torch.optim.lr_scheduler` on a torch optimizer, whose learning rates become those of the schedule.

        Call its `step()` after each `optimizer.step()`; `step(loss)` for one that listens.
        """
        return torch_values.scheduler(self, optimizer)

    def listener(self, peak):
        """What a torch optimizer asks for the rate of each step, for a schedule that listens."""
        return self.entry.listener(self, peak)

    def with_peak(self, peak: float) -> "Schedule":
        """The same shape with another largest rate."""
        if self.entry.scaled is None:
            return replace(self, peak=float(peak))
        return self.entry.scaled(self, float(peak) / self.peak)

    def with_warmup(self, steps: int, start: float = 0.01) -> "Schedule":
        """The schedule behind a linear warmup of so many steps, from the share `start` of its first rate."""
        return self.entry.compose("warmup", self, steps, start)

    def with_cooldown(self, steps: int, end: float = 0.0) -> "Schedule":
        """The schedule, and then so many steps straight down to the share `end` of its last rate."""
        return self.entry.compose("cooldown", self, steps, end)

    def plot(self, ax=None, *, steps: int | None = None, torch: bool = False):
        """Draw the rate against the step on a matplotlib Axes and return it; see `schedules.plot`."""
        from optcourse.schedules.pictures import plot

        return plot([self], ax, steps=steps, torch=torch)

    def __repr__(self):
        return self.entry.write(self)

    def _refuse_without_losses(self, what: str) -> None:
        if self.listens:
            raise TypeError(
                f"{self.kind} listens to the loss, so {what} has no answer; use it in run, or rates(losses)."
            )


@partial(jax.jit, static_argnums=(0, 1))
def _rates(schedule, steps):
    return jax.vmap(lambda step: jnp.asarray(schedule.optax(step)).astype(float))(jnp.arange(steps, dtype=float))


def check_losses(losses: Sequence[float]) -> np.ndarray:
    """Losses as an array (steps,); raise TypeError for anything else."""
    try:
        losses = np.asarray(losses, dtype=float)
    except (TypeError, ValueError):
        losses = np.asarray(0.0)
    if losses.ndim != 1:
        raise TypeError("a schedule that listens takes the losses it heard, one number for each step.")
    return losses
