"""What a class got wrong: the common mistakes, counted, and as a figure."""

import textwrap
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from grading.results import Result
from optcourse.exercises.verdict import NOT_ATTEMPTED, NOT_JUDGED, NOT_YET, PASSED

WIDTH = 5.2  # inches; narrow, so that the words can still be read on a phone
MOST = 7  # mistakes with a bar of their own; rarer ones share the last
# Told apart by lightness and hatching as well as by colour.
LOOKS = {
    PASSED: {"color": "#009E73", "hatch": ""},
    NOT_YET: {"color": "#E69F00", "hatch": "///"},
    NOT_ATTEMPTED: {"color": "#BBBBBB", "hatch": "..."},
    NOT_JUDGED: {"color": "#FFFFFF", "hatch": "xxx"},
}
INK = {"light": ("#1c2026", "#ffffff"), "dark": ("#e5e8ec", "#14171c")}


def count_mistakes(results: Iterable[Result]) -> dict[str, dict[tuple[str, str], int]]:
    """For each exercise, how many submissions came to what: (status, mistake) -> number, the most common mistake first.

    The numbers of an exercise add up to the number of submissions. What could not be run counts as not judged.
    """
    results = list(results)
    names = dict.fromkeys(name for result in results for name in result.verdicts)
    counted = {}
    for name in names:
        found = Counter()
        for result in results:
            judged = result.verdicts.get(name, {"status": NOT_JUDGED, "mistake": ""})
            found[judged["status"], judged["mistake"] if judged["status"] == NOT_YET else ""] += 1
        order = list(LOOKS)
        counted[name] = dict(sorted(found.items(), key=lambda item: (order.index(item[0][0]), -item[1], item[0][1])))
    return counted


def bars(counts: dict[tuple[str, str], int]) -> list[tuple[str, str, int]]:
    """The bars of an exercise: status, label and length."""
    mistakes = [key for key in counts if key[0] == NOT_YET]
    rare = mistakes[MOST:] if len(mistakes) > MOST + 1 else []
    drawn = [(status, mistake or status, number) for (status, mistake), number in counts.items()]
    drawn = [bar for bar, key in zip(drawn, counts, strict=True) if key not in rare]
    if rare:
        at = len(drawn) - sum(status in (NOT_ATTEMPTED, NOT_JUDGED) for status, _, _ in drawn)
        drawn.insert(at, (NOT_YET, f"{len(rare)} further mistakes", sum(counts[key] for key in rare)))
    return drawn


def write_mistakes(results: Iterable[Result], path: Path, *, theme: str = "light") -> str:
    """Write the figure, as PNG or SVG, and what it shows in words into a text file beside it; return the words.

    The words are in the PNG file too, as its Description.
    """
    counted = count_mistakes(results)
    words = in_words(counted)
    figure = draw_mistakes(counted, theme=theme)
    figure.savefig(path, metadata={"Title": "Common mistakes", "Description": words})
    Path(path).with_suffix(".txt").write_text(words + "\n", encoding="utf-8")
    return words


def draw_mistakes(counted: dict[str, dict[tuple[str, str], int]], *, theme: str = "light") -> Figure:
    """One panel of bars for each exercise, all to the same scale."""
    ink, paper = INK[theme]
    panels = {name: bars(counts) for name, counts in counted.items()}
    heights = [len(drawn) + 1.2 for drawn in panels.values()]
    figure = Figure(figsize=(WIDTH, 0.31 * sum(heights) + 0.4), dpi=150, facecolor=paper, layout="constrained")
    FigureCanvasAgg(figure)
    if not panels:
        figure.set_size_inches(WIDTH, 1)
        figure.text(0.5, 0.5, "Nothing could be judged.", color=ink, ha="center", va="center")
        return figure
    axes = figure.subplots(len(panels), 1, squeeze=False, sharex=True, height_ratios=heights)[:, 0]
    total = max(sum(counts.values()) for counts in counted.values())
    figure.suptitle(f"What became of each exercise in {submissions(total)}", fontsize=9, color=ink, x=0.02, ha="left")
    for ax, (name, drawn) in zip(axes, panels.items(), strict=True):
        draw_bars(ax, drawn, total, ink)
        ax.set_title(name.replace("_", " "), loc="left", fontsize=10, fontweight="bold", color=ink, x=0.0)
    return figure


def draw_bars(ax, drawn: list[tuple[str, str, int]], total: int, ink: str):
    """The bars of one exercise, with their labels and numbers; return the axes."""
    for place, (status, _, number) in enumerate(drawn):
        look = LOOKS[status]
        ax.barh(place, number, height=0.72, edgecolor="#333333", linewidth=0.8, **look)
        ax.text(number + 0.01 * total, place, f"{number}", va="center", fontsize=9, color=ink)
    labels = [textwrap.fill(label, 27, max_lines=2, placeholder=" ...") for _, label, _ in drawn]
    ax.set_yticks(range(len(drawn)), labels, fontsize=8, linespacing=1.15, color=ink, parse_math=False)
    ax.set(xlim=(0, 1.12 * total), ylim=(len(drawn) - 0.4, -0.6), xticks=[])
    ax.tick_params(length=0)
    ax.set_facecolor("none")
    ax.spines[["top", "right", "bottom"]].set_visible(False)
    ax.spines["left"].set_color(ink)
    return ax


def in_words(counted: dict[str, dict[tuple[str, str], int]]) -> str:
    """What the figure shows, for those who do not see it."""
    if not counted:
        return "Nothing could be judged."
    lines = [
        f"{name.replace('_', ' ')}: " + ", ".join(f"{label} {number}" for _, label, number in bars(counts)) + "."
        for name, counts in counted.items()
    ]
    total = max(sum(counts.values()) for counts in counted.values())
    return "\n".join([f"What became of each exercise in {submissions(total)}.", *lines])


def submissions(number: int) -> str:
    return f"{number} submission{'s' * (number != 1)}"
