"""Optimizers: the contract, the catalogue, and what can be done to any of them, for Optax and PyTorch alike."""

from optcourse.optimizers.catalogue import (
    adadelta,
    adagrad,
    adam,
    adamax,
    adamw,
    amsgrad,
    lbfgs,
    lion,
    momentum,
    muon,
    nadam,
    nesterov,
    radam,
    rmsprop,
    rprop,
    schedule_free,
    sgd,
)
from optcourse.optimizers.contract import Optimizer
from optcourse.optimizers.entries import Difference, Entry
from optcourse.optimizers.lookup import catalogue, entries, from_optax, from_torch, get

__all__ = [
    "Difference",
    "Entry",
    "Optimizer",
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "amsgrad",
    "catalogue",
    "entries",
    "from_optax",
    "from_torch",
    "get",
    "lbfgs",
    "lion",
    "momentum",
    "muon",
    "nadam",
    "nesterov",
    "radam",
    "rmsprop",
    "rprop",
    "schedule_free",
    "sgd",
]
