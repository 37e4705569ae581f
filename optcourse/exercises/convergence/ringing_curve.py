"""A loss curve that rings, to be diagnosed without knowing what made it."""

import numpy as np

from optcourse import optimizers, surfaces
from optcourse.tracing import run

RATE, MOMENTUM = 0.01, 0.98
CURVATURES = (0.002, 1.5)


def ringing_curve() -> np.ndarray:
    """The loss of a run of heavy ball with learning rate 0.01 and momentum 0.98, before each of 600 steps and after.

    >>> from optcourse.exercises.convergence import ringing_curve
    >>> ringing_curve().shape
    (601,)
    """
    bowl = surfaces.quadratic_bowl(CURVATURES)
    return run(optimizers.momentum(RATE, momentum=MOMENTUM), bowl, [6.0, 2.0], steps=600, record="loss").loss
