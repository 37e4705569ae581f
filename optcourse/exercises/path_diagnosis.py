"""What went wrong in a path that has the right form: a known mistake, or the first wrong step in numbers."""

from collections.abc import Callable

import numpy as np

from optcourse.exercises import answers, verdict
from optcourse.exercises.same_path import same


def diagnose(name, asked, given, forms, mistakes, advice) -> verdict.Verdict:
    """The verdict on points that have the right form and are not the right ones.

    `forms` has the paths that count as right, by the name of the method's form. The path is compared with those of the
    form that it follows longest.
    """
    form = max(forms, key=lambda name: sum(map(steps_shared, given, forms[name])))
    right = forms[form]
    wrong = [i for i, (path, points) in enumerate(zip(given, right, strict=True)) if not same(path, points)]
    flat = next((i for i in wrong if right[i].shape[1] == 2), None)
    found = len(asked) - len(wrong)
    counted = f" {found} of {len(asked)} questions {'is' if found == 1 else 'are'} right." if found else ""

    def draw(ax):
        return draw_both(asked[flat], given[flat], right[flat], ax)

    def not_yet(message, mistake):
        return verdict.not_yet(name, message + counted, mistake=mistake, draw=None if flat is None else draw)

    for more, changed in (("", {}), (" And eps is missing: it is added to the root.", {"eps": 0.0})):
        for mistake in mistakes:
            if all(
                same(path, walk(mistake.answer, question, changed)) for question, path in zip(asked, given, strict=True)
            ):
                said = mistake.explanation
                return not_yet((said(asked) if callable(said) else said) + more, mistake.name)
    first = wrong[0]
    return not_yet(describe(asked[first], given[first], right[first], advice, form), "another mistake")


def steps_shared(path: np.ndarray, right: np.ndarray) -> int:
    """How many steps two paths have in common before they part."""
    return next((i - 1 for i in range(1, len(right)) if not same(path[: i + 1], right[: i + 1])), len(right) - 1)


def walk(path: Callable, question: dict, changed: dict) -> np.ndarray:
    """The points that a mistake leads through, with some of the settings changed, as far as the method has them."""
    settings = question["hyperparameters"]
    settings = {**settings, **{key: value for key, value in changed.items() if key in settings}}
    gradient = answers.surface_of(question).gradient
    return path(gradient, np.array(question["start"]), steps=question["steps"], **settings)


def describe(question: dict, path: np.ndarray, right: np.ndarray, advice: Callable | None, form: str = "") -> str:
    """The first step that is wrong, in numbers, and what to look at."""
    step = steps_shared(path, right) + 1
    settings = ", ".join(f"{key} {value:.3g}" for key, value in question["hyperparameters"].items())
    place = f"on {question['surface']} from {point(right[0])} with {settings}"
    before = (
        "Your first step is not right" if step == 1 else f"Your first {step - 1} steps are right, step {step} is not"
    )
    if step == 2:
        before = "Your first step is right, the second is not"
    if form:
        before = f"As {form}, {before[0].lower()}{before[1:]}"
    law = f" {advice(question, step)}" if advice else ""
    if not np.isfinite(path[step]).all():
        coordinate = int(np.argmin(np.isfinite(path[step])))
        gradient = answers.surface_of(question).gradient(right[step - 1])[coordinate]
        why = ", where the gradient is exactly 0" if gradient == 0 else ""
        return f"{before}: {place}, coordinate {coordinate} becomes {path[step, coordinate]}{why}.{law}"
    shape = compare(path[step] - path[step - 1], right[step] - right[step - 1])
    there, here = apart(lambda digits: (point(right[step], digits), point(path[step], digits)))
    return f"{before}: {place}, it should lead to {there} and leads to {here}. {shape}{law}"


def compare(step: np.ndarray, expected: np.ndarray) -> str:
    """How a wrong step differs from the right one."""
    if not step.any():
        return "It does not move at all."
    length, wanted = np.linalg.norm(step), np.linalg.norm(expected)
    along = step @ expected / (length * wanted) if wanted else 0.0
    if along > 0.99999 and abs(length / wanted - 1) < 0.01:
        factor, _ = apart(lambda digits: (f"{length / wanted:.{digits + 1}g}", "1"))
        how = "points a little another way" if factor == "1" else f"differs by a factor of {factor}"
        return f"It {how}: rounding, or a setting typed in by hand?"
    if along > 0.99999:
        return f"It points the right way and is {length / wanted:.3g} times as long as it should be."
    if along < -0.99999:
        return f"It points the opposite way, and is {length / wanted:.3g} times as long."
    return "It points another way."


def apart(texts: Callable) -> tuple[str, str]:
    """Two texts, written with as many digits as it takes to tell one from the other."""
    return next((pair for pair in map(texts, range(4, 9)) if pair[0] != pair[1]), texts(8))


def point(params, digits: int = 4) -> str:
    return "(" + ", ".join(f"{x:.{digits}g}" for x in params) + ")"


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
