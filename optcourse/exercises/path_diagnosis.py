"""What went wrong in a path that has the right form: a known mistake, or the first wrong step in numbers."""

from collections.abc import Callable

import numpy as np

from optcourse.exercises import answers, verdict
from optcourse.exercises.same_path import same


def diagnose(name, asked, given, right, mistakes, advice) -> verdict.Verdict:
    """The verdict on points that have the right form and are not the right ones."""
    wrong = [i for i, (path, points) in enumerate(zip(given, right, strict=True)) if not same(path, points)]
    flat = next((i for i in wrong if right[i].shape[1] == 2), None)

    def draw(ax):
        return draw_both(asked[flat], given[flat], right[flat], ax)

    def not_yet(message, mistake):
        return verdict.not_yet(name, message, mistake=mistake, draw=None if flat is None else draw)

    for mistake in mistakes:
        if all(same(path, walk(mistake.path, question)) for question, path in zip(asked, given, strict=True)):
            said = mistake.explanation
            return not_yet(said(asked) if callable(said) else said, mistake.name)
    first = wrong[0]
    return not_yet(describe(asked[first], given[first], right[first], advice), "another mistake")


def walk(path: Callable, question: dict) -> np.ndarray:
    """The points that a mistake leads through."""
    gradient = answers.surface_of(question).gradient
    return path(gradient, np.array(question["start"]), steps=question["steps"], **question["hyperparameters"])


def describe(question: dict, path: np.ndarray, right: np.ndarray, advice: Callable | None) -> str:
    """The first step that is wrong, in numbers, and what to look at."""
    step = next(i for i in range(1, len(right)) if not same(path[: i + 1], right[: i + 1]))
    settings = ", ".join(f"{key} {value:.3g}" for key, value in question["hyperparameters"].items())
    place = f"on {question['surface']} from {point(right[0])} with {settings}"
    before = (
        "Your first step is not right" if step == 1 else f"Your first {step - 1} steps are right, step {step} is not"
    )
    if step == 2:
        before = "Your first step is right, the second is not"
    law = f" {advice(question, step)}" if advice else ""
    if not np.isfinite(path[step]).all():
        coordinate = int(np.argmin(np.isfinite(path[step])))
        gradient = answers.surface_of(question).gradient(right[step - 1])[coordinate]
        why = ", where the gradient is exactly 0" if gradient == 0 else ""
        return f"{before}: {place}, coordinate {coordinate} becomes {path[step, coordinate]}{why}.{law}"
    shape = compare(path[step] - path[step - 1], right[step] - right[step - 1])
    return f"{before}: {place}, it should lead to {point(right[step])} and leads to {point(path[step])}. {shape}{law}"


def compare(step: np.ndarray, expected: np.ndarray) -> str:
    """How a wrong step differs from the right one."""
    if not step.any():
        return "It does not move at all."
    length, wanted = np.linalg.norm(step), np.linalg.norm(expected)
    along = step @ expected / (length * wanted) if wanted else 0.0
    if along > 0.99999:
        return f"It points the right way and is {length / wanted:.3g} times as long as it should be."
    if along < -0.99999:
        return f"It points the opposite way, and is {length / wanted:.3g} times as long."
    return "It points another way."


def point(params) -> str:
    return "(" + ", ".join(f"{x:.4g}" for x in params) + ")"


def draw_both(question: dict, path: np.ndarray, right: np.ndarray, ax=None):
    """The path that was returned and the right one, on the surface."""
    from optcourse import plotting

    path = path[np.isfinite(path).all(axis=1)]
    near = np.vstack([right, path[(np.abs(path) < 10 * np.abs(right).max()).all(axis=1)]])
    low, high = near.min(axis=0), near.max(axis=0)
    margin = 0.15 * (high - low).max()
    domain = tuple(zip(low - margin, high + margin, strict=True))
    ax = plotting.plot_contours(answers.surface_of(question), ax, domain=domain)
    blue, vermilion = plotting.PALETTE["blue"], plotting.PALETTE["vermilion"]
    for points, color, style, label in ((right, blue, "o-", "right"), (path, vermilion, "s--", "yours")):
        ax.plot(*points.T, style, color=color, markersize=3, linewidth=1.2, label=label)
    ax.set(xlim=domain[0], ylim=domain[1])
    ax.legend()
    return ax
