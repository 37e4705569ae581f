"""What the page is told about a live chart: its sliders, how its curves look, its axes; and what is refused."""

import inspect

import numpy as np

from optcourse.explorables.program import slider
from optcourse.plotting.style import PALETTE, path_styles
from optcourse.suggestions import did_you_mean

STYLES = ("line", "dots", "bars", "steps")


def default_sliders(function) -> dict[str, float]:
    """The parameters with a number as default."""
    parameters = inspect.signature(function).parameters.values()
    number = (int, float, np.integer, np.floating)
    return {
        p.name: p.default
        for p in parameters
        if isinstance(p.default, number) and not isinstance(p.default, (bool, np.bool_))
    }


def check_parameters(function, sliders, choices) -> None:
    """Raise unless the function takes just these sliders and choices."""
    if both := sliders.keys() & choices.keys():
        raise ValueError(f"{', '.join(sorted(both))}: a slider and a choice at once.")
    parameters = inspect.signature(function).parameters.values()
    if not any(p.kind is p.VAR_KEYWORD for p in parameters):
        check_known("sliders and choices", [*sliders, *choices], [p.name for p in parameters])
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    for p in parameters:
        if p.kind in kinds and p.default is p.empty and p.name not in sliders and p.name not in choices:
            raise TypeError(f"{p.name} needs a slider or a choice: sliders={{{p.name!r}: 0.1}}.")


def check_known(what, given, known) -> None:
    """Raise ValueError for a name that is not known, with the nearest right one."""
    for name in given:
        if name not in known:
            near = did_you_mean(str(name), known)
            raise ValueError(f"{what}: there is no {name!r}.{near} There are: {', '.join(known) or 'none'}.")


def is_number(variants, label) -> bool:
    """Whether the label stands for a number whatever is chosen."""
    return all(part["number"] for variant in variants for part in variant["parts"] if part["label"] == label)


def slider_range(name, value, ranges) -> dict:
    """Where a slider begins and ends: as a hyperparameter's, or in whole numbers."""
    if not isinstance(value, (int, np.integer)):
        return slider(name, float(value), ranges.get(name))
    given = ranges.get(name) or (min(1, 2 * value), max(10, 10 * abs(value)))
    return slider(name, int(value), given) | {"whole": True}


def looks_of(labels, styles, colors) -> dict:
    """How each curve is drawn, by label; `styles` is one for all, or by label."""
    styles = dict.fromkeys(labels, styles) if isinstance(styles, str) else dict(styles)
    check_known("styles", styles, labels)
    check_known("colors", colors, labels)
    for what, given, known in (("style", styles, STYLES), ("colour", colors, PALETTE)):
        for one in given.values():
            if one not in known:
                raise ValueError(f"no {what} {one!r}.{did_you_mean(str(one), known)} There are: {', '.join(known)}.")
    return {
        label: {
            "style": styles.get(label, "line"),
            "color": PALETTE[colors[label]] if label in colors else look["color"],
            "line": look["linestyle"],
            "marker": look["marker"],
        }
        for label, look in zip(labels, path_styles(labels), strict=True)
    }


def axis_of(label, log, limits, ticks) -> dict:
    """An axis as the page draws it."""
    low, high = limits or (None, None)
    if low is not None and high is not None and not low < high:
        raise ValueError(f"the limits of an axis must be (low, high), got {limits!r}.")
    if log and any(limit is not None and limit <= 0 for limit in (low, high)):
        raise ValueError(f"the limits of a logarithmic axis must be positive, got {limits!r}.")
    return {
        "label": label,
        "log": bool(log),
        "limits": [None if limit is None else float(limit) for limit in (low, high)],
        "ticks": [[float(value), str(text)] for value, text in ticks.items()] if ticks else None,
    }
