"""Which path is whose? A figure to read, marked label by label."""

import numpy as np

from optcourse.exercises import verdict
from optcourse.exercises.exercise import Exercise
from optcourse.exercises.optimizer_intuition.anonymous_paths import (
    CURVATURES,
    LABELS,
    OPTIMIZERS,
    anonymous_paths,
    names_of,
)
from optcourse.exercises.plain import kind_of
from optcourse.exercises.values import whole_number
from optcourse.suggestions import did_you_mean

NAME = "which_path"
ALSO_CALLED = {
    "gradient descent": "sgd",
    "gd": "sgd",
    "stochastic gradient descent": "sgd",
    "heavy ball": "momentum",
    "heavyball": "momentum",
    "sgd with momentum": "momentum",
    "sgd momentum": "momentum",
    "rms prop": "rmsprop",
    "rms": "rmsprop",
}
TITLES = {"sgd": "SGD", "momentum": "momentum", "rmsprop": "RMSprop", "adam": "Adam"}


def judge(asked: list[dict], given: list[dict]) -> verdict.Verdict:
    """The share of the labels that are right; for each wrong one, what in its path speaks against it."""
    value = given[0].get("value") if isinstance(given[0], dict) else None
    if not isinstance(value, dict):
        return verdict.not_attempted(NAME, f"There is no `{NAME}` in your notebook: was its cell deleted or renamed?")
    problem = check_form(value.get(NAME)) or whole_number(
        NAME, "variant", value.get("variant"), ", the one your figure was drawn with"
    )
    if problem:
        return problem
    return compare(read(value[NAME]), int(value["variant"]))


def check_form(labels) -> verdict.Verdict | None:
    """A verdict where there are no labels to compare."""
    if labels is None:
        return verdict.not_attempted(NAME, f"`{NAME}` has no value yet.")
    if not isinstance(labels, dict) or "strange" in labels:
        kind = labels["strange"] if isinstance(labels, dict) else kind_of(labels)
        message = f'It should be a dict, {{"A": "...", "B": "...", "C": "...", "D": "..."}}; it is {kind}.'
        return verdict.not_yet(NAME, message, mistake="is not a dict")
    if any(spelled(key) in OPTIMIZERS for key in labels):
        message = 'It is the other way round: the letters are the keys, as in {"A": "sgd", ...}.'
        return verdict.not_yet(NAME, message, mistake="names and letters the wrong way round")
    if not any(read(labels).values()):
        return verdict.not_attempted(NAME, f"{', '.join(LABELS)} are all still empty.")
    return None


def read(labels: dict) -> dict[str, str]:
    """The name given to each label, in the spelling of the catalogue; empty where there is none."""
    by_label = {str(label).strip().upper(): name for label, name in labels.items()}
    return {label: spelled(by_label.get(label)) for label in LABELS}


def spelled(name) -> str:
    if name is None:
        return ""
    if isinstance(name, dict) and "strange" in name:
        return str(name["strange"])
    name = " ".join(str(name).lower().replace("-", " ").replace("_", " ").split())
    return ALSO_CALLED.get(name, name)[:40]


def compare(labels: dict[str, str], variant: int) -> verdict.Verdict:
    right = names_of(variant)
    twice = sorted(name for name in OPTIMIZERS if list(labels.values()).count(name) > 1)
    found = [label for label in LABELS if labels[label] == right[label] and labels[label] not in twice]
    if len(found) == len(LABELS):
        return verdict.passed(NAME, "All four are right.")
    counted = f"{len(found)} of {len(LABELS)} {'is' if len(found) == 1 else 'are'} right"
    listed = f"{counted}: {', '.join(found)}." if found else "None is right yet."
    empty = [label for label in LABELS if not labels[label]]
    unknown = {label: name for label, name in labels.items() if name and name not in OPTIMIZERS}
    said = [listed]
    if empty:
        said.append(f"Still empty: {', '.join(empty)}.")
    if twice:
        several = " and ".join(TITLES[name] for name in twice)
        said.append(f"Each name occurs once; you use {several} more than once, which counts for none of them.")
    for label, name in unknown.items():
        said.append(f"{label} is {name!r}, which is none of the four.{did_you_mean(name, OPTIMIZERS)}")
    if unknown:
        said.append(f"There are: {', '.join(OPTIMIZERS)}.")
    paths = anonymous_paths(variant).paths
    wrong = {label: name for label, name in labels.items() if name in OPTIMIZERS and name != right[label]}
    said += [f"{label} is not {TITLES[name]}: {sign_against(name, paths[label])}" for label, name in wrong.items()]
    mistake = "unknown name" if unknown else kind_of_mistake(wrong, bool(empty), bool(twice))
    return verdict.not_yet(NAME, " ".join(said), mistake=mistake, score=len(found) / len(LABELS))


def kind_of_mistake(wrong: dict, empty: bool, twice: bool) -> str:
    if empty:
        return "some are empty"
    if twice:
        return "one name several times"
    if len(wrong) == 2:
        return "takes {} and {} for each other".format(*sorted(wrong.values()))
    return "no label right" if len(wrong) == len(LABELS) else "mixes up three"


def sign_against(name: str, path: np.ndarray) -> str:
    """What can be measured on a path that speaks against its being the optimizer `name`'s."""
    steps = np.diff(path, axis=0)
    first, downhill = np.abs(steps[0]), -path[:-1] * CURVATURES
    ratio, leap = first.max() / first.min(), np.linalg.norm(steps[0]) / np.linalg.norm(steps[1])
    cosines = np.sum(steps * downhill, axis=1) / (np.linalg.norm(steps, axis=1) * np.linalg.norm(downhill, axis=1))
    away = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    if name in ("sgd", "momentum"):
        if ratio < 1.01:
            return (
                "its first step is equally long in both coordinates. The first step of SGD, and of momentum, which has "
                "no velocity yet, follows the gradient, and that is much larger across the ravine than along it."
            )
        if name == "sgd":
            late = int(np.argmax(away[:8]))
            return (
                f"its step {late + 1} points {away[late]:.0f} degrees away from straight downhill. SGD remembers "
                "nothing, so each of its steps goes straight downhill, across the contours."
            )
        return (
            "all of its steps go straight downhill, across the contours. Momentum carries old steps along, so from the "
            "second step on it points elsewhere, and it rounds the bends."
        )
    if ratio > 1.01:
        return (
            f"its first step is {ratio:.1f} times as long in one coordinate as in the other. {TITLES[name]} divides "
            "each coordinate's gradient by its size, so its first step is equally long in both."
        )
    if name == "rmsprop":
        return (
            f"its first step is about as long as its second ({leap:.2f} times). RMSprop has no bias correction, so it "
            "begins with a leap: its memory is almost empty, and it divides by it."
        )
    return (
        f"its first step is {leap:.1f} times as long as its second. Adam's bias correction makes its first steps "
        "equally long, and its momentum carries it past the minimum."
    )


WHICH_PATH = Exercise(
    NAME, "optimizer_intuition", lambda rng: [{"value": NAME}], judge, needs=("variant",), parts=LABELS
)
