"""A known mistake: what somebody answers who makes it, and what is said about it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """A way to get an exercise wrong.

    Args:
        name: short, the same for everybody who makes it.
        explanation: what the student sees in the answer, what is probably wrong and why it matters; or a function that
            returns it, where it has numbers in it: of the questions where a function is asked for, of the value where a
            value is.
        answer: makes the mistake: where a function is asked for, one that is called as the student's is; where a value
            is, the wrong value, or a function that says of a value whether it is this mistake.
    """

    name: str
    explanation: str | Callable
    answer: object
