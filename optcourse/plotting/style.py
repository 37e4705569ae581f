"""The look of every figure, as data: which colour and marker an optimizer has, how contours and marks are drawn."""

from collections.abc import Iterable

from optcourse import optimizers

# What a figure is made of, once for matplotlib, for 3-D and for live figures. Pictures of matplotlib have a light
# ground everywhere; the others follow the page. #rrggbbaa where something shows through.
THEMES = {
    "light": {
        "low": "#ffffff",  # bands of equal loss, from the lowest
        "high": "#a3a9af",  # to the highest
        "line": "#ffffffbf",  # between them
        "halo": "#ffffffd9",  # behind a path, so that bands do not swallow it
        "ink": "#24292e",
        "faint": "#59626b",
        "rule": "#c9d0d6",
        "paper": "#ffffff",
        "soft": "#f2f4f6",
        "accent": "#1d5f86",
        # Told apart with every kind of colour vision, and 3 to 1 or more against the halo: a blue, a green and a
        # vermilion of Okabe and Ito (Wong 2011, Nature Methods 8:441, doi:10.1038/nmeth.1618), the others found by a
        # search for the largest smallest difference, because orange, sky and yellow are swallowed by a light ground.
        "palette": {
            "blue": "#0072B2",
            "brown": "#814A1D",
            "green": "#009E73",
            "plum": "#AB4B7C",
            "vermilion": "#D55E00",
            "violet": "#8374F4",
            "black": "#000000",
        },
    },
    "dark": {
        "low": "#464d55",
        "high": "#161a1e",
        "line": "#ffffff29",
        "halo": "#0a0c0ecc",
        "ink": "#e4e8ec",
        "faint": "#a7b0b9",
        "rule": "#4a525a",
        "paper": "#121417",
        "soft": "#1e2327",
        "accent": "#7cc0e4",
        "palette": {  # the same hues, light; black becomes white
            "blue": "#599BFF",
            "brown": "#FFCC43",
            "green": "#60E6AA",
            "plum": "#CE85AB",
            "vermilion": "#FD7028",
            "violet": "#BDC5FE",
            "black": "#F2F4F6",
        },
    },
}
PALETTE = THEMES["light"]["palette"]
LIGHT = THEMES["light"]

STYLE = {
    "size": 4.6,  # inches, one panel
    "ground": (LIGHT["low"], LIGHT["high"]),  # contour bands, from the lowest loss to the highest
    "contour": {"colors": LIGHT["line"], "linewidths": 0.75, "linestyles": "solid"},
    "path": {"linewidth": 1.6, "markersize": 3.8, "markeredgewidth": 0.0},
    "halo": {"linewidth": 3.2, "foreground": LIGHT["halo"], "dashes": {"dash_offset": 0, "dash_list": None}},
    "start": {"marker": "o", "markersize": 9, "color": "#ffffff", "markeredgecolor": "#000000", "markeredgewidth": 1.8},
    "end": {"markersize": 9, "markeredgecolor": LIGHT["ink"], "markeredgewidth": 1.0},
    "lost": {"marker": "x", "markersize": 8, "markeredgewidth": 2.3},  # where a path leaves the view or diverges
    "minimum": {
        "marker": "*",
        "markersize": 13,
        "color": LIGHT["paper"],
        "markeredgecolor": LIGHT["ink"],
        "markeredgewidth": 0.9,
    },
    "curve": {"color": LIGHT["faint"], "linewidth": 1.2},  # a one-dimensional loss
    "spine": {"color": LIGHT["faint"], "linewidth": 0.8},
    "font": {"title": 11, "label": 9, "legend": 9},  # points: 15 and 12 pixels in a browser
}

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p", "<", "h", ">")
GLYPHS = dict(zip(MARKERS, "●■▲◆▼✚✖⬟◄⬢►", strict=True))  # the same in text, where a library has few marks
LOST = "✕"
LINES = ("-", "--", "-.", ":")
DASHES = {"-": [], "--": [7, 4], "-.": [8, 3, 2, 3], ":": [2, 3]}  # in pixels, about as matplotlib draws them

# These meet most often in one figure, so each has a colour of its own; the others follow in catalogue order.
_FIRST = ("sgd", "momentum", "nesterov", "rmsprop", "adam", "adagrad", "lion")


def path_styles(names: Iterable[str], theme: str = "light") -> list[dict]:
    """Colour, marker and line style for each of the optimizers `names` in one figure.

    An optimizer looks the same in every figure. Where two would share a colour, the later takes a free one.
    On a dark ground each colour has a lighter counterpart.

    >>> [style["color"] for style in path_styles(["adam", "sgd", "adam"])]
    ['#D55E00', '#0072B2', '#814A1D']
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
    return [_look(slot, THEMES[theme]["palette"]) for slot in slots]


def _look(slot, palette) -> dict:
    return {
        "color": list(palette.values())[slot % len(palette)],
        "marker": MARKERS[slot % len(MARKERS)],
        "linestyle": LINES[slot // len(PALETTE) % len(LINES)],
    }
