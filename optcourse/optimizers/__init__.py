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
from optcourse.optimizers.contract import BACKENDS, Optimizer
from optcourse.optimizers.entries import Difference, Entry
from optcourse.optimizers.lookup import catalogue, entries, from_optax, from_torch, get
from optcourse.optimizers.state_files import SavedState, load_state, save_state
from optcourse.optimizers.transforms import (
    CLIPPING_DIFFERENCES,
    accumulate,
    clip_by_global_norm,
    get_learning_rate,
    has_invalid_gradients,
    parameter_groups,
    project_to_box,
    set_learning_rate,
)
from optcourse.suggestions import missing_attribute

__all__ = [
    "BACKENDS",
    "CLIPPING_DIFFERENCES",
    "Difference",
    "Entry",
    "Optimizer",
    "SavedState",
    "accumulate",
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "amsgrad",
    "catalogue",
    "clip_by_global_norm",
    "entries",
    "from_optax",
    "from_torch",
    "get",
    "get_learning_rate",
    "has_invalid_gradients",
    "lbfgs",
    "lion",
    "load_state",
    "momentum",
    "muon",
    "nadam",
    "nesterov",
    "parameter_groups",
    "project_to_box",
    "radam",
    "rmsprop",
    "rprop",
    "save_state",
    "schedule_free",
    "set_learning_rate",
    "sgd",
]

__getattr__ = missing_attribute(__name__, __all__)
