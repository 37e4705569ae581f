"""Optimizers people really train with, on loss surfaces small enough to see.

LossSurface --+
              +--> run / sweep --> Trajectory --> metrics, figures, live figures, chapters
Optimizer  ---+
"""

import importlib

from optcourse import optimizers, precision, schedules, surfaces
from optcourse.suggestions import did_you_mean
from optcourse.sweeps import sweep
from optcourse.tracing import OptimizerStep, OptimizerTrace, Trajectory, run

__all__ = [
    "Explorable",
    "LiveCurves",
    "OptimizerStep",
    "OptimizerTrace",
    "Trajectory",
    "labs",
    "optimizers",
    "precision",
    "run",
    "schedules",
    "surfaces",
    "sweep",
]


def __getattr__(name):
    if name in ("Explorable", "LiveCurves"):  # they bring matplotlib, for which nobody need wait
        return getattr(importlib.import_module("optcourse.explorables"), name)
    if name == "labs":  # and these bring ipywidgets
        return importlib.import_module("optcourse.labs")
    raise AttributeError(f"optcourse has no {name!r}.{did_you_mean(name, __all__)}")
