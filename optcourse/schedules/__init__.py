"""Learning-rate schedules: each defined once, with its form in Optax and in `torch.optim.lr_scheduler`."""

from optcourse.optimizers.entries import Difference
from optcourse.schedules.catalogue import (
    constant,
    cosine,
    cyclic,
    exponential,
    linear,
    multistep,
    one_cycle,
    polynomial,
    step,
    warm_restarts,
    warmup,
    warmup_cosine,
    warmup_stable_decay,
)
from optcourse.schedules.composing import join
from optcourse.schedules.entries import Entry, catalogue, entries, get
from optcourse.schedules.listening import listening, plateau
from optcourse.schedules.pictures import plot
from optcourse.schedules.points import drawn, from_points
from optcourse.schedules.schedule import Schedule
from optcourse.schedules.scheduling import scheduled
from optcourse.suggestions import missing_attribute

__all__ = [
    "Difference",
    "Entry",
    "Schedule",
    "catalogue",
    "constant",
    "cosine",
    "cyclic",
    "drawn",
    "entries",
    "exponential",
    "from_points",
    "get",
    "join",
    "linear",
    "listening",
    "multistep",
    "one_cycle",
    "plateau",
    "plot",
    "polynomial",
    "scheduled",
    "step",
    "warm_restarts",
    "warmup",
    "warmup_cosine",
    "warmup_stable_decay",
]

__getattr__ = missing_attribute(__name__, __all__)
