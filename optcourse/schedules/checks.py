"""What the settings of schedules may be: each check returns the value, or raises with what was expected."""

import math
import operator


def check_peak(value) -> float:
    """A learning rate above 0."""
    value = _number("the peak learning rate", value)
    if value <= 0:
        raise ValueError(f"the peak learning rate must be above 0, got {value!r}.")
    return value


def check_length(value, *, least: int = 1) -> int:
    """A number of steps."""
    return _count("steps", value, least)


def part(name, value, steps):
    """A part of the steps: a share from 0.0 to 1.0, or a whole number of steps."""
    if isinstance(value, float) and not isinstance(value, bool):
        if not 0 <= value <= 1:
            raise ValueError(
                f"{name} must be a share of the steps, 0.0 to 1.0, or a whole number of them, got {value!r}."
            )
        return value
    value = _count(name, value, 0)
    if steps is not None and value > steps:
        raise ValueError(f"{name} must not be longer than the schedule: {value} of {steps} steps.")
    return value


def parts(name, value, steps):
    """Parts of the steps in increasing order."""
    try:
        values = tuple(value)
    except TypeError:
        raise TypeError(f"{name} must be a sequence such as (0.5, 0.75), got {value!r}.") from None
    values = tuple(part(name, one, steps) for one in values)
    counts = [count_of(one, steps) for one in values]
    if counts != sorted(set(counts)) or 0 in counts:
        raise ValueError(f"{name} must increase from step to step, got {value!r} of {steps} steps.")
    return values


def share(name, value, _):
    """A share of the peak, 0 to 1."""
    value = _number(name, value)
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is a share of the peak and must be from 0 to 1, got {value!r}.")
    return value


def factor(name, value, _):
    """What a rate is multiplied by: above 0, below 1."""
    value = _number(name, value)
    if not 0 < value < 1:
        raise ValueError(f"{name} must be above 0 and below 1, got {value!r}.")
    return value


def positive(name, value, _):
    """Any number above 0."""
    value = _number(name, value)
    if value <= 0:
        raise ValueError(f"{name} must be above 0, got {value!r}.")
    return value


def above_one(name, value, _):
    """A number of 1 or more."""
    value = _number(name, value)
    if value < 1:
        raise ValueError(f"{name} must be 1 or more, got {value!r}.")
    return value


def count(name, value, _):
    """A whole number, 1 or more."""
    return _count(name, value, 1)


def count_or_none(name, value, _):
    """A whole number, 0 or more."""
    return _count(name, value, 0)


CHECKS = {
    "at": parts,
    "average": count,
    "base": share,
    "cooldown": count_or_none,
    "cycles": count,
    "decay": part,
    "div_factor": above_one,
    "end": share,
    "every": part,
    "factor": factor,
    "final_div_factor": above_one,
    "first": part,
    "growth": count,
    "patience": count_or_none,
    "pct_start": factor,
    "power": positive,
    "start": share,
    "threshold": share,
    "warmup": part,
}


def count_of(value, steps: int) -> int:
    """A part of the steps as a number of steps."""
    return round(value * steps) if isinstance(value, float) else value


def _number(name, value) -> float:
    try:
        if isinstance(value, (bool, str)):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, got {value!r}.") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {value!r}.")
    return number


def _count(name, value, least) -> int:
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, got {value!r}.") from None
    if number < least:
        raise ValueError(f"{name} must be {least} or more, got {value!r}.")
    return number
