"""Optimizers people really train with, on loss surfaces small enough to see.

LossSurface --+
              +--> run / sweep --> Trajectory --> metrics, figures, chapters
Optimizer  ---+
"""

from optcourse import optimizers, surfaces
from optcourse.sweeps import sweep
from optcourse.tracing import OptimizerStep, OptimizerTrace, Trajectory, run

__all__ = ["OptimizerStep", "OptimizerTrace", "Trajectory", "optimizers", "run", "surfaces", "sweep"]
