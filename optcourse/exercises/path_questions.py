"""The questions that a method to write is asked: walks through bowls and a valley."""

import numpy as np

from optcourse import surfaces
from optcourse.exercises.paths import question

# The surfaces are always the same, so that each is compiled once; starts and settings are drawn.
BOWLS = (
    (12, {"curvatures": [1.0, 6.0], "rotation": 30.0}),
    (8, {"curvatures": [3.0]}),
    (28, {"curvatures": [0.5, 2.0, 5.0]}),
)
VALLEY_STEPS = 11
VALLEY_CURVATURE = 3000.0  # above the largest where the starts lie


def walks(rng: np.random.Generator, draw_settings) -> list[dict]:
    """Bowls in two, one and three dimensions, and a valley.

    Starts are drawn by their gradient, whose coordinates are from 1.5 to 4 in size in the bowls: where one is tiny, the
    place of eps and rounding would matter. In three dimensions the middle one is exactly 0.

    `draw_settings(rng, largest, place)` draws the hyperparameters for a largest curvature and "bowl" or "valley".
    """
    asked = []
    for steps, arguments in BOWLS:
        dim = len(arguments["curvatures"])
        gradient = signs(rng, dim) * rng.uniform(1.5, 4, size=dim)
        if dim == 3:
            gradient[1] = 0.0
        hessian = surfaces.quadratic_bowl(**arguments).hessian(np.zeros(dim))
        start = np.linalg.solve(hessian, gradient) + 0.0  # no -0.0
        settings = draw_settings(rng, max(arguments["curvatures"]), "bowl")
        asked.append(question("quadratic_bowl", start, steps=steps, arguments=arguments, **settings))
    (x,) = signs(rng, 1) * rng.uniform(0.7, 1.3, size=1)
    (aside,) = signs(rng, 1) * rng.uniform(0.3, 0.8, size=1)  # from the floor of the valley
    settings = draw_settings(rng, VALLEY_CURVATURE, "valley")
    asked.append(question("rosenbrock", [x, x**2 + aside], steps=VALLEY_STEPS, **settings))
    return asked


def signs(rng: np.random.Generator, size: int) -> np.ndarray:
    return rng.choice([-1.0, 1.0], size=size)
