"""Loss scales: a fixed one, and the dynamic one of `torch.amp.GradScaler`, as pure functions of a small state."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp


class ScaleState(NamedTuple):
    """The scale of the next step, good steps since it last changed, and steps skipped so far."""

    scale: Any
    good_steps: Any
    skipped: Any


@dataclass(frozen=True)
class StaticScale:
    """One scale for all steps; those whose gradients overflow are skipped.

    >>> state = StaticScale(1024.0).update(StaticScale(1024.0).init(), finite=False)
    >>> float(state.scale), int(state.skipped)
    (1024.0, 1)
    """

    loss_scale: float = 1024.0

    def __post_init__(self):
        _check(self, loss_scale=0)

    def init(self) -> ScaleState:
        """The state before the first step."""
        return _fresh(self.loss_scale)

    def update(self, state: ScaleState, finite) -> ScaleState:
        """The state after a step whose gradients were finite or not; `finite` may be traced."""
        finite = jnp.asarray(finite)
        return ScaleState(state.scale, jnp.where(finite, state.good_steps + 1, 0), state.skipped + ~finite)


@dataclass(frozen=True)
class DynamicScale:
    """A scale that is halved after each overflow, and doubled after many good steps in a row.

    >>> scale = DynamicScale(initial=8.0, interval=2)
    >>> state = scale.init()
    >>> for finite in (True, True, True, False, True, True):
    ...     state = scale.update(state, finite)
    ...     print(float(state.scale), int(state.good_steps))
    8.0 1
    16.0 0
    16.0 1
    8.0 0
    8.0 1
    16.0 0

    Args:
        initial: the scale of the first step.
        growth: by what it is multiplied after `interval` good steps in a row.
        backoff: by what it is multiplied after an overflow.
        interval: good steps before it grows.
    """

    initial: float = 65536.0
    growth: float = 2.0
    backoff: float = 0.5
    interval: float = 2000

    def __post_init__(self):
        _check(self, initial=0, growth=1, backoff=0, interval=0)
        if _plain(self.backoff) and self.backoff >= 1:
            raise ValueError(f"backoff must be smaller than 1, got {self.backoff!r}.")

    def init(self) -> ScaleState:
        """The state before the first step."""
        return _fresh(self.initial)

    def update(self, state: ScaleState, finite) -> ScaleState:
        """The state after a step whose gradients were finite or not; `finite` may be traced."""
        finite = jnp.asarray(finite)
        good = state.good_steps + 1
        grows = good >= self.interval
        larger = _times(state.scale, self.growth)
        larger = jnp.where(jnp.isfinite(larger), larger, state.scale)
        kept = jnp.where(grows, larger, state.scale)
        return ScaleState(
            jnp.where(finite, kept, _times(state.scale, self.backoff)),
            jnp.where(finite & ~grows, good, 0),
            state.skipped + ~finite,
        )


def _fresh(scale) -> ScaleState:
    return ScaleState(_as_scale(scale), jnp.zeros((), jnp.int32), jnp.zeros((), jnp.int32))


def _as_scale(value):
    return jnp.asarray(value).astype(jnp.float32)


def _times(scale, factor):
    """Multiplied in double precision where JAX has it, then rounded to float32, as in torch."""
    return _as_scale(jnp.asarray(scale).astype(float) * factor)


def _plain(value) -> bool:
    return isinstance(value, (int, float))


def _check(scale, **least):
    for name, bound in least.items():
        value = getattr(scale, name)
        if _plain(value) and not value > bound:
            raise ValueError(f"{name} must be larger than {bound}, got {value!r}.")
