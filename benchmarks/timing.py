"""Measure two things that are to be compared, in turns, so that a busy machine slows both alike."""

import time
from collections.abc import Callable
from typing import NamedTuple


class Times(NamedTuple):
    """What several repeats of one thing took, in seconds."""

    seconds: list[float]

    @property
    def best(self) -> float:
        return min(self.seconds)

    @property
    def median(self) -> float:
        return sorted(self.seconds)[len(self.seconds) // 2]

    @property
    def spread(self) -> float:
        """How far the median lies above the best: 0 on a quiet machine."""
        return self.median / self.best - 1


def in_turns(*things: Callable[[], object], repeats: int) -> list[Times]:
    """Run each thing once unmeasured, then all of them in turns, `repeats` times."""
    for thing in things:
        thing()
    seconds = [[] for _ in things]
    for _ in range(repeats):
        for thing, record in zip(things, seconds, strict=True):
            began = time.perf_counter()
            result = thing()
            record.append(time.perf_counter() - began)
            del result  # its memory is given back before the next one starts
    return [Times(record) for record in seconds]
