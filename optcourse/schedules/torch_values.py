"""What PyTorch's schedulers set: the real ones, stepped along on a parameter of their own, a step ahead at a time."""

from functools import lru_cache

import numpy as np


def scheduler(schedule, optimizer):
    """The real scheduler of a schedule on a torch optimizer, whose learning rates become those of the schedule."""
    from torch.optim import lr_scheduler

    parts, at = flat_parts(schedule)
    if len(parts) == 1:
        return _single(lr_scheduler, optimizer, parts[0])
    built = [_single(lr_scheduler, optimizer, part) for part in parts]
    cycles = [one for one in built if isinstance(one, lr_scheduler.OneCycleLR)]
    if len(cycles) > 1:
        raise ValueError(
            "PyTorch's OneCycleLR keeps its rates in the optimizer: only one of them fits in a SequentialLR."
        )
    _set_initial_rates(optimizer, built[0])
    sequence = lr_scheduler.SequentialLR(optimizer, built, list(at))
    for one_cycle in cycles:  # which reads its first rate there in every step
        _set_initial_rates(optimizer, one_cycle)
    return sequence


def flat_parts(schedule):
    """The simple schedules that a schedule is made of, one after the other, and the steps at which they change."""
    if schedule.entry.parts is None:
        return [schedule], []
    whole, boundaries = [], []
    parts, at = schedule.entry.parts(schedule.peak, schedule.steps, **dict(schedule.settings))
    for part, start in zip(parts, (0, *at), strict=True):
        inner, inside = flat_parts(part)
        if whole:
            boundaries.append(start)
        boundaries += [start + boundary for boundary in inside]
        whole += inner
    return whole, boundaries


def _single(lr_scheduler, optimizer, schedule):
    _set_rate(optimizer, schedule.peak)
    return schedule.entry.torch(lr_scheduler, optimizer, schedule.peak, schedule.steps, **dict(schedule.settings))


def _set_rate(optimizer, rate: float) -> None:
    """The rate that the next scheduler takes as the base of its own."""
    for group in optimizer.param_groups:
        group["lr"] = rate
        group.pop("initial_lr", None)


def _set_initial_rates(optimizer, scheduler) -> None:
    for group, rate in zip(optimizer.param_groups, scheduler.base_lrs, strict=True):
        group["initial_lr"] = rate


def dummy_optimizer():
    """A torch optimizer whose learning rate is all that matters."""
    import torch

    return torch.optim.SGD([torch.zeros(1, dtype=torch.float64)], lr=1.0)


class Table:
    """The rates that a scheduler sets, found by stepping it as far as was asked for."""

    def __init__(self, schedule):
        self.schedule = schedule
        self.optimizer = dummy_optimizer()
        try:
            self.scheduler = schedule.torch(self.optimizer)
        except ZeroDivisionError as error:
            raise ValueError(f"PyTorch cannot make {schedule!r}: it divides by zero.") from error
        self.rates = [self._now()]

    def up_to(self, steps: int) -> list[float]:
        """The rates, at least `steps` of them."""
        while len(self.rates) < steps:
            self.optimizer.step()
            try:
                self.scheduler.step()
            except ValueError as error:
                raise ValueError(
                    f"{type(self.scheduler).__name__} of PyTorch has no rate for step {len(self.rates)}: "
                    f"{self.schedule!r} ends after {self.schedule.steps} steps. Give it as many steps as the run has."
                ) from error
            self.rates.append(self._now())
        return self.rates

    def _now(self) -> float:
        return float(self.optimizer.param_groups[0]["lr"])


table = lru_cache(maxsize=256)(Table)


def rates(schedule, steps: int) -> np.ndarray:
    """The first `steps` rates: (steps,)."""
    return np.array(table(schedule).up_to(steps)[:steps])


def rate(schedule, step: int) -> float:
    """The rate of one step."""
    return table(schedule).up_to(step + 1)[step]
