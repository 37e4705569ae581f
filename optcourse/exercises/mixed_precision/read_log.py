"""A program that says what is wrong with a run in half precision, from its log."""

import numpy as np

from optcourse.exercises.log_reading import log_exercise, taken_for
from optcourse.exercises.mixed_precision.logs import CASES, make_log


def read_log(loss, gradient, zeros, update, moved) -> str:
    if 1000 < update[0] < np.inf:
        return "b2"
    broken = ~np.isfinite(update)
    if broken.any():
        return "eps" if np.isfinite(gradient[broken.argmax()]) else "overflow"
    if np.median(moved) < 0.5 * np.median(update):
        return "stagnation"
    return "underflow" if zeros.max() > 0.3 else "healthy"


MISTAKES = (
    taken_for(
        read_log,
        "every nan is an overflow",
        "You call every log with inf or nan an overflow. In some of them the gradient is finite in the step in which "
        "the update no longer is: the optimizer itself divides by 0.",
        {"eps": "overflow"},
    ),
    taken_for(
        read_log,
        "every nan is eps",
        "You call every log with inf or nan eps. In some of them the gradient is the first that is not finite.",
        {"overflow": "eps"},
    ),
    taken_for(
        read_log,
        "stagnation taken for underflow",
        "You take stagnation for underflow. Both stop. But in some logs no entry of the gradient is 0, and the "
        "optimizer asks for updates that the weights do not follow.",
        {"stagnation": "underflow"},
    ),
    taken_for(
        read_log,
        "underflow taken for stagnation",
        "You take underflow for stagnation. Both stop. But in some logs the weights move by as much as the optimizer "
        "asks for, and entries of the gradient are 0.",
        {"underflow": "stagnation"},
    ),
    taken_for(
        read_log,
        "stagnation not seen",
        "You call stagnation healthy. Compare `update` with `moved`: what was asked for, and what became of it.",
        {"stagnation": "healthy"},
    ),
    taken_for(
        read_log,
        "underflow not seen",
        "You call underflow healthy. Look at `zeros`: in a healthy run hardly any entry of the gradient is exactly 0.",
        {"underflow": "healthy"},
    ),
    taken_for(
        read_log,
        "b2 taken for an overflow",
        "You call logs overflow that were lost before anything overflowed: the very first update is finite and huge, "
        "with a gradient as in other logs. The optimizer divided by almost nothing.",
        {"b2": "overflow"},
    ),
    taken_for(
        read_log,
        "b2 taken for eps",
        "You call logs eps whose first update is finite and huge. With eps rounded to 0 it is infinite or nan at once; "
        "here eps is what saved the division, and the second moment is 0.",
        {"b2": "eps"},
    ),
)

READ_LOG = log_exercise(
    "read_log",
    "mixed_precision",
    right=read_log,
    cases=CASES,
    make_log=make_log,
    mistakes=MISTAKES,
)
