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


def in_turns(*things: Callable[[], object], repeats: int, warm: int = 1) -> list[Times]:
    """Run each thing once unmeasured, then all of them in turns, `repeats` times.

    In its turn a thing that takes microseconds is best run `warm` times in a row, each of them measured: the first
    finds the caches full of what the others did.
    """
    for thing in things:
        thing()
    seconds = [[] for _ in things]
    for _ in range(repeats):
        for thing, record in zip(things, seconds, strict=True):
            turn = []
            while not turn or (len(turn) < warm and sum(turn) < 0.1):
                began = time.perf_counter()
                result = thing()
                turn.append(time.perf_counter() - began)
                del result  # its memory is given back before the next one starts
            record.extend(turn)
    return [Times(record) for record in seconds]
