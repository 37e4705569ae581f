"""The learning-rate schedules that the labs offer: Optax's own, each with its code."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import jax
import numpy as np
import optax

from optcourse.arrays import double_precision
from optcourse.suggestions import did_you_mean

# How each is written, in terms of the largest rate and the number of steps it is made for. Both frameworks take it:
# Optax as `learning_rate=`, torch's optimizers because ours set their rate from it before each step.
TABLE = {
    "constant": "optax.constant_schedule({peak})",
    "linear": "optax.linear_schedule({peak}, 0.0, {steps})",
    "cosine": "optax.cosine_decay_schedule({peak}, {steps})",
    "cosine with warmup": "optax.warmup_cosine_decay_schedule(0.0, {peak}, {warmup}, {steps})",
    "exponential": "optax.exponential_decay({peak}, {steps}, 0.01)",
    "step": "optax.piecewise_constant_schedule({peak}, {{{half}: 0.1, {three_quarters}: 0.1}})",
    "one-cycle": "optax.cosine_onecycle_schedule({steps}, {peak})",
}


@dataclass(frozen=True)
class Schedule:
    """A learning rate over the steps, `schedule(step) -> rate`; equal and hashable for equal settings.

    >>> float(Schedule("linear", peak=0.5, steps=10)(5))
    0.25
    >>> Schedule("linear", peak=0.5, steps=10).python
    'optax.linear_schedule(0.5, 0.0, 10)'

    Args:
        kind: a name in `TABLE`.
        peak: the largest rate.
        steps: how long it is; afterwards it stays where it is.
    """

    kind: str
    peak: float
    steps: int

    def __post_init__(self):
        check_kind(self.kind)
        if not isinstance(self.peak, (int, float)) or isinstance(self.peak, bool):
            raise TypeError(f"the peak of a schedule is a number, got {self.peak!r}.")
        if not isinstance(self.steps, int) or self.steps < 1:
            raise ValueError(f"a schedule has 1 step or more, got {self.steps!r}.")

    def __call__(self, step):
        return self._function(step)

    def rates(self, steps: int) -> np.ndarray:
        """The rate at each of the first steps, (steps,), in double precision."""
        with double_precision():
            return np.asarray(_rates(self, steps))

    @property
    def python(self) -> str:
        """How to write it with Optax alone."""
        steps = max(self.steps, 10)  # shorter ones have no warm-up, and no three quarters
        return TABLE[self.kind].format(
            peak=self.peak, steps=steps, warmup=steps // 10, half=steps // 2, three_quarters=3 * steps // 4
        )

    @cached_property
    def _function(self) -> Callable:
        return eval(self.python, {"optax": optax})  # so that the code shown is the code that runs


@partial(jax.jit, static_argnums=(0, 1))
def _rates(schedule, steps):
    return jax.vmap(schedule._function)(jax.numpy.arange(steps))


def check_kind(kind: str) -> str:
    """The name of a schedule; raise ValueError for any other."""
    if kind not in TABLE:
        raise ValueError(f"no schedule {kind!r}.{did_you_mean(str(kind), TABLE)} There are: {', '.join(TABLE)}.")
    return kind
