"""Four optimizers on one ravine, their names hidden behind the letters A to D."""

import functools
import itertools
import operator
from dataclasses import dataclass

import numpy as np

import optcourse as oc
from optcourse import optimizers, surfaces

LABELS = ("A", "B", "C", "D")
CURVATURES = (1.0, 12.0)
START = np.array([-3.0, 1.2])
STEPS = 20
DOMAIN = np.array([[-3.6, 2.0], [-1.5, 1.6]])
# Each with settings that show its character: SGD zigzags, momentum swings, RMSprop begins with a leap, Adam overshoots.
OPTIMIZERS = {
    "sgd": optimizers.sgd(0.155),
    "momentum": optimizers.momentum(0.04, momentum=0.8),
    "rmsprop": optimizers.rmsprop(0.25, decay=0.9),
    "adam": optimizers.adam(0.5, b1=0.9, b2=0.99),
}
# Not the colours that these optimizers have elsewhere in the book; marker and line repeat the distinction.
LOOKS = {
    "A": {"color": "#000000", "marker": "v", "linestyle": "-"},
    "B": {"color": "#7b3014", "marker": "P", "linestyle": "--"},
    "C": {"color": "#1d3f91", "marker": "X", "linestyle": "-."},
    "D": {"color": "#4d5358", "marker": "p", "linestyle": ":"},
}
ORDERS = tuple(itertools.permutations(OPTIMIZERS))


@dataclass(frozen=True)
class AnonymousPaths:
    """The four paths of one variant: `plot()` draws them, `paths` holds their points for measuring."""

    variant: int

    @property
    def paths(self) -> dict[str, np.ndarray]:
        """The points behind each letter: (steps + 1, 2), the start first."""
        return {label: mirrored(run(name).params, self.variant) for label, name in names_of(self.variant).items()}

    def plot(self, ax=None):
        """Draw the four paths, each with its letter; return the axes."""
        from optcourse import plotting

        domain = np.sort(mirrored(DOMAIN.T, self.variant).T, axis=1)
        title = f"Four optimizers, one start (variant {self.variant})"
        ax = plotting.plot_contours(ravine(), new_axes() if ax is None else ax, domain=domain, title=title)
        paths = self.paths
        for label, path in paths.items():
            ax.plot(*path.T, label=label, linewidth=1.3, markersize=5, markeredgewidth=0.5, **LOOKS[label])
        for label, (x, y) in letters_at(paths).items():
            frame = {"boxstyle": "circle,pad=0.15", "facecolor": "white", "edgecolor": LOOKS[label]["color"]}
            ax.text(x, y, label, ha="center", va="center", weight="bold", bbox=frame)
        ax.plot(*mirrored(START, self.variant), linestyle="none", label="start", **plotting.STYLE["start"])
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=6, frameon=False)
        return ax


def anonymous_paths(variant: int = 0) -> AnonymousPaths:
    """The paths of SGD, momentum, RMSprop and Adam on a ravine, in an order that depends on `variant`.

    >>> sorted(anonymous_paths(17).paths)
    ['A', 'B', 'C', 'D']

    Args:
        variant: a whole number, such as the last digits of a student number: neighbours have different figures.

    Raises:
        TypeError: for anything else.
    """
    if isinstance(variant, bool) or not hasattr(variant, "__index__"):
        raise TypeError(f"variant must be a whole number without quotes, such as 17, got {variant!r}.")
    return AnonymousPaths(operator.index(variant))


def new_axes():
    from matplotlib import pyplot as plt

    return plt.subplots(figsize=(7, 4.9), layout="constrained")[1]


def names_of(variant: int) -> dict[str, str]:
    """Which optimizer is behind each letter. In 24 variants one after the other, every order comes once."""
    return dict(zip(LABELS, ORDERS[(7 * variant + 5) % len(ORDERS)], strict=True))


def mirrored(points: np.ndarray, variant: int) -> np.ndarray:
    """The points as this variant sees them: all four methods mirror their path when the start is mirrored."""
    turn = variant + variant // len(ORDERS)
    return points * np.array([1 - 2 * (turn % 2), 1 - 2 * (turn // 2 % 2)])


def ravine():
    return surfaces.quadratic_bowl(CURVATURES)


@functools.cache
def run(name: str):
    """The production optimizer's path."""
    return oc.run(OPTIMIZERS[name], ravine(), START, steps=STEPS)


def letters_at(paths: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """For each letter the point of its path that is furthest from all other paths."""
    share, places = np.linspace(0, 1, 10)[:, None, None], {}
    lines = {label: (path[:-1] + share * np.diff(path, axis=0)).reshape(-1, 2) for label, path in paths.items()}
    for label, path in paths.items():
        others = np.concatenate([points for other, points in lines.items() if other != label])
        distance = np.linalg.norm(path[:, None] - others, axis=-1).min(axis=1)
        places[label] = path[np.argmax(distance)]
    return places
