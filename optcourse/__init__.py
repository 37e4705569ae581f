"""Optimizers people really train with, on loss surfaces small enough to see.

LossSurface --+
              +--> run / sweep --> Trajectory --> metrics, figures, live figures, chapters
Optimizer  ---+
"""

import importlib

from optcourse import optimizers, surfaces
from optcourse.suggestions import did_you_mean
from optcourse.sweeps import sweep
from optcourse.tracing import OptimizerStep, OptimizerTrace, Trajectory, run

__all__ = [
    "Explorable",
    "OptimizerStep",
    "OptimizerTrace",
    "Trajectory",
    "labs",
    "optimizers",
    "run",
    "surfaces",
    "sweep",
]


def __getattr__(name):
    if name == "Explorable":  # it brings matplotlib, which whoever only runs optimizers need not wait for
        return importlib.import_module("optcourse.explorables").Explorable
    if name == "labs":  # and these bring ipywidgets
        return importlib.import_module("optcourse.labs")
    raise AttributeError(f"optcourse has no {name!r}.{did_you_mean(name, __all__)}")
