"""What figures say in words: names of paths, numbers, and a sentence that can stand in for the picture."""

import math
from collections.abc import Mapping

import numpy as np

from optcourse import optimizers
from optcourse.metrics import divergence_step
from optcourse.tracing import Trajectory


def describe(path) -> str:
    """One sentence about a path, or one for each of several: the alternative text of its figure.

    >>> from optcourse import run, surfaces
    >>> describe(run(optimizers.adam(learning_rate=0.02), surfaces.rosenbrock(), [-2, 2], steps=1000))
    'Adam on rosenbrock from (-2, 2) in 1000 steps to (-1.39, 1.93), loss 5.7.'

    Args:
        path: a Trajectory, a list of them, or a dict of them by label.
    """
    return " ".join(_sentence(label, path) for label, path in labelled(path).items())


def labelled(paths) -> dict[str, Trajectory]:
    """{label: path} out of a path, a list of paths or such a dict; raise TypeError or ValueError for anything else.

    A list is labelled by the optimizers' titles, with the hyperparameters in which namesakes differ.
    """
    if isinstance(paths, Trajectory):
        paths = [paths]
    if isinstance(paths, Mapping):
        found = {str(label): path for label, path in paths.items()}
    elif isinstance(paths, (list, tuple)):
        found = dict(enumerate(paths))
    else:
        raise TypeError(f"expected a Trajectory (from run), a list or a dict of them, got {type(paths).__name__}.")
    if not found:
        raise ValueError("there is no path to draw: the list is empty.")
    for path in found.values():
        if not isinstance(path, Trajectory):
            raise TypeError(f"expected a Trajectory (from run), got {type(path).__name__}.")
    return found if isinstance(paths, Mapping) else dict(zip(_labels(list(paths)), paths, strict=True))


def surface_name(surface) -> str:
    """The surface's name as it is read."""
    return surface.name.replace("_", " ").strip("<>")


def optimizer_title(path) -> str:
    """The optimizer's name as people write it."""
    entry = optimizers.entries().get(path.optimizer.name)
    return entry.title if entry else path.optimizer.name


def short(value, digits=3) -> str:
    """A number in a few digits: 0.0000316 as 3.16e-05, 4.0 as 4."""
    return f"{float(value):.{digits}g}"


def point(params, scale=None) -> str:
    """A point as (1.00, -2.00), to a hundredth of `scale`, or in as few digits as it needs."""
    values = np.ravel(params).astype(float)
    more = ", ..." if values.size > 4 else ""
    if scale is None or not 0 < scale < math.inf:
        texts = [short(value) for value in values[:4]]
    else:
        decimals = max(0, 2 - math.floor(math.log10(scale)))
        large = decimals == 0 and scale >= 1e4
        texts = [
            short(v) if large or not np.isfinite(v) else f"{round(v, decimals) + 0.0:.{decimals}f}" for v in values[:4]
        ]
    return f"({', '.join(texts)}{more})"


def ending(path) -> str:
    """How a path ended: where and at which loss, or at which step it diverged."""
    lost = divergence_step(path)
    if lost is not None:
        return f"diverges at step {lost}"
    start, end = (np.ravel(params).astype(float) for params in (path.params[0], path.final_params))
    scale = float(np.max(np.abs([start, end])))
    return f"to {point(end, scale)}, loss {short(path.final_loss, 2)}"


def _sentence(label, path):
    title = f"{label} on {surface_name(path.surface)} from {point(path.params[0])}"
    how = ending(path)
    return f"{title} {how}." if how.startswith("diverges") else f"{title} in {len(path)} steps {how}."


def _labels(paths) -> list[str]:
    titles = [optimizer_title(path) for path in paths]
    return _told_apart(
        [
            _with_settings(title, path, _namesakes(title, titles, paths))
            for title, path in zip(titles, paths, strict=True)
        ]
    )


def _namesakes(title, titles, paths):
    return [path for other, path in zip(titles, paths, strict=True) if other == title]


def _with_settings(title, path, namesakes) -> str:
    """The title, and whatever tells this path from the others of that title: backend, hyperparameters, start."""
    parts = []
    if len({other.optimizer.backend for other in namesakes}) > 1:
        parts.append(path.optimizer.backend)
    for name, value in path.optimizer.hyperparams.items():
        values = [other.optimizer.hyperparams.get(name) for other in namesakes]
        if any(other is not value and other != value for other in values):
            setting = getattr(value, "__name__", "schedule") if callable(value) else short(value)
            parts.append(f"{name.replace('_', ' ')} {setting}")
    where = f" on {surface_name(path.surface)}" if any(other.surface != path.surface for other in namesakes) else ""
    return ", ".join([title + where, *parts])


def _told_apart(labels) -> list[str]:
    return [
        f"{label} ({labels[:i].count(label) + 1})" if labels.count(label) > 1 else label
        for i, label in enumerate(labels)
    ]
