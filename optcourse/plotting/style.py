"""The look of every figure, as data: which colour and marker an optimizer has, how contours and marks are drawn."""

from collections.abc import Iterable

from optcourse import optimizers

# Okabe and Ito's colours, distinguishable without colour vision (Wong 2011, Nature Methods 8:441,
# doi:10.1038/nmeth.1618), without yellow, which a light ground swallows.
PALETTE = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "vermilion": "#D55E00",
    "sky": "#56B4E9",
    "black": "#000000",
}

STYLE = {
    "size": 4.6,  # inches, one panel
    "ground": ("#ffffff", "#a3a9af"),  # contour bands, from the lowest loss to the highest
    "relief": ("#eef1f4", "#5f6a75"),  # the same in 3-D, where shading lightens
    "contour": {"colors": "#ffffff", "linewidths": 0.6, "linestyles": "solid", "alpha": 0.75},
    "path": {"linewidth": 1.6, "markersize": 4.2, "markeredgewidth": 0.0},
    "halo": {"linewidth": 3.2, "foreground": "#ffffff", "alpha": 0.8},  # behind a path, so that bands don't swallow it
    "start": {"marker": "o", "markersize": 9, "color": "#ffffff", "markeredgecolor": "#000000", "markeredgewidth": 1.4},
    "end": {"markersize": 9, "markeredgecolor": "#000000", "markeredgewidth": 1.0},
    "lost": {"marker": "x", "markersize": 10, "markeredgewidth": 2.6},  # where a path leaves the view or diverges
    "minimum": {
        "marker": "*",
        "markersize": 13,
        "color": "#ffffff",
        "markeredgecolor": "#000000",
        "markeredgewidth": 0.9,
    },
    "curve": {"color": "#4d5358", "linewidth": 1.4},  # a one-dimensional loss
    "font": {"title": 11, "legend": 9},
}

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p", "<", "h", ">")
LINES = ("-", "--", "-.", ":")

# These meet most often in one figure, so each has a colour of its own; the others follow in catalogue order.
_FIRST = ("sgd", "momentum", "nesterov", "rmsprop", "adam", "adagrad", "lion")


def path_styles(names: Iterable[str]) -> list[dict]:
    """Colour, marker and line style for each of the optimizers `names` in one figure.

    An optimizer looks the same in every figure. Where two would share a colour, the later takes a free one.

    >>> [style["color"] for style in path_styles(["adam", "sgd", "adam"])]
    ['#D55E00', '#0072B2', '#E69F00']
    """
    names = list(names)
    order = [*_FIRST, *(name for name in optimizers.catalogue() if name not in _FIRST)]
    slots = [order.index(name.lower()) if name.lower() in order else None for name in names]
    taken: set[int] = set()
    colors: set[int] = set()
    for i, slot in enumerate(slots):
        if slot is not None and slot % len(PALETTE) in colors:
            slots[i] = None
        elif slot is not None:
            taken.add(slot)
            colors.add(slot % len(PALETTE))
    for i, slot in enumerate(slots):
        if slot is None:
            free = (s for s in range(len(names) + len(order)) if s not in taken)
            slots[i] = next((s for s in range(len(PALETTE)) if s not in colors), None)
            if slots[i] is None:
                slots[i] = next(free)
            taken.add(slots[i])
            colors.add(slots[i] % len(PALETTE))
    return [_look(slot) for slot in slots]


def _look(slot) -> dict:
    return {
        "color": list(PALETTE.values())[slot % len(PALETTE)],
        "marker": MARKERS[slot % len(MARKERS)],
        "linestyle": LINES[slot // len(PALETTE) % len(LINES)],
    }
