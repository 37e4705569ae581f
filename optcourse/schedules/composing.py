"""Schedules made of schedules: one after the other, behind a warmup, before a cooldown."""

from collections.abc import Sequence

import optax

from optcourse.schedules.catalogue import linear, warmup
from optcourse.schedules.checks import check_length
from optcourse.schedules.entries import Entry
from optcourse.schedules.schedule import Schedule


def join(schedules: Sequence[Schedule], at: Sequence[int]) -> Schedule:
    """One schedule after the other, each beginning anew at its boundary.

    By `optax.join_schedules`, and torch's `SequentialLR`. It ends as the last one does.

    >>> from optcourse import schedules
    >>> whole = join([schedules.constant(0.1, 100), schedules.constant(0.01, 100)], at=[100])
    >>> whole(99), whole(100), whole.steps
    (0.1, 0.01, 200)

    Args:
        schedules: those that follow the step; one that listens cannot be joined.
        at: the step at which each but the first begins.

    Raises:
        TypeError, ValueError: for what is no schedule, or boundaries that do not increase.
    """
    schedules = tuple(check_schedule(schedule) for schedule in schedules)
    if not schedules:
        raise ValueError("join needs one schedule or more.")
    boundaries = tuple(check_length(boundary) for boundary in at)
    if len(boundaries) != len(schedules) - 1:
        raise ValueError(
            f"{len(schedules)} schedules meet at {len(schedules) - 1} boundaries, got {len(boundaries)}: {list(at)}."
        )
    if list(boundaries) != sorted(set(boundaries)):
        raise ValueError(f"the boundaries must increase, got {list(at)}.")
    if not boundaries:
        return schedules[0]
    return _made(JOIN, schedules, boundaries)


def check_schedule(given, *, listening: bool = False) -> Schedule:
    """The given schedule; raise TypeError if it is none, or one that listens where that makes no sense."""
    if not isinstance(given, Schedule):
        raise TypeError(
            f"expected a schedule such as schedules.cosine(0.1, 1000), got {given!r}. "
            "A function step -> rate of your own is a learning rate as it is."
        )
    if given.listens and not listening:
        raise TypeError(f"{given.kind} listens to the loss: it cannot be joined, nor warmed up, nor drawn.")
    return given


def _made(entry, parts, boundaries) -> Schedule:
    """A schedule of parts; its peak is the largest of theirs."""
    peak = max(part.peak for part in parts)
    return Schedule(entry, peak, boundaries[-1] + parts[-1].steps, (("parts", parts), ("at", boundaries)))


def _parts(_, __, parts, at):
    return parts, at


def _optax_join(_, __, parts, at):
    return optax.join_schedules([part.optax for part in parts], at)


def _scaled(schedule, factor):
    parts, at = (value for _, value in schedule.settings)
    return _made(schedule.entry, tuple(part.with_peak(part.peak * factor) for part in parts), at)


def _write_join(schedule) -> str:
    parts, at = (value for _, value in schedule.settings)
    return f"schedules.join([{', '.join(map(repr, parts))}], at={list(at)})"


def _write_warmup(schedule) -> str:
    (rise, inner), _ = (value for _, value in schedule.settings)
    start = dict(rise.settings)["start"]
    return f"{inner!r}.with_warmup({rise.steps}{'' if start == 0.01 else f', start={start!r}'})"


def _write_cooldown(schedule) -> str:
    (inner, fall), _ = (value for _, value in schedule.settings)
    end = dict(fall.settings)["end"]
    return f"{inner!r}.with_cooldown({fall.steps}{'' if end == 0 else f', end={end!r}'})"


def _composite(name, title, write) -> Entry:
    return Entry(
        name=name,
        title=title,
        optax=_optax_join,
        torch=None,
        optax_name="optax.join_schedules",
        torch_name="SequentialLR",
        parts=_parts,
        scaled=_scaled,
        write=write,
    )


JOIN = _composite("join", "Joined", _write_join)
WITH_WARMUP = _composite("with_warmup", "With warmup", _write_warmup)
WITH_COOLDOWN = _composite("with_cooldown", "With cooldown", _write_cooldown)


def _with_warmup(schedule, steps, start):
    check_schedule(schedule)
    steps = check_length(steps)
    rise = warmup(schedule(0), steps, warmup=steps, start=start)
    return _made(WITH_WARMUP, (rise, schedule), (steps,))


def _with_cooldown(schedule, steps, end):
    check_schedule(schedule)
    last = schedule(schedule.steps)
    if last <= 0:
        raise ValueError(f"{schedule!r} ends at 0 by itself: there is nothing left to cool down from.")
    return _made(WITH_COOLDOWN, (schedule, linear(last, steps, end=end)), (schedule.steps,))


COMPOSED = {"warmup": _with_warmup, "cooldown": _with_cooldown}
