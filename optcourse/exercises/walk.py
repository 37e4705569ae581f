"""The points that a student's function visits on any surface, called and read as `check` does it."""

import numpy as np

from optcourse.exercises import answers, path_form


def walk(function, surface, start, *, steps: int, **settings) -> np.ndarray:
    """Every point that an exercise's function visits, as an array: (steps + 1, dim).

    The function is called as `check` calls it: with a fresh copy of the start, with settings by name or in order. It
    may return its points in any form that `check` reads.

    >>> from optcourse import surfaces
    >>> from optcourse.exercises import walk
    >>> def stay(gradient, start, learning_rate, steps):
    ...     return [start] * (steps + 1)
    >>> walk(stay, surfaces.quadratic_bowl(), [-1.0, 2.0], learning_rate=0.1, steps=2).shape
    (3, 2)

    Raises:
        ValueError: when what comes back are not `steps + 1` points. What the function itself raises is passed on.
    """
    start = [float(x) for x in start]
    try:
        question = {"start": start, "hyperparameters": settings, "steps": steps}
        answer = answers.follow(function, surface, question)
    except answers.TooManyGradients:
        limit = answers.GRADIENTS_PER_STEP * steps
        message = f"The function asked for more than {limit} gradients for {steps} steps: does its loop end?"
        raise ValueError(message) from None
    if answer["kind"] != "numbers":
        raise ValueError(f"There are no points to draw: there should be {path_form.WANTED}")
    shape = (steps + 1, len(start))
    points = path_form.points_of({**answer, "values": np.array(answer["values"])}, shape)
    if points.shape != shape:
        raise ValueError(f"The points should have the shape {shape}, the start included; theirs is {points.shape}.")
    return points
