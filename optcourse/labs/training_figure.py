"""What a training session shows: six panels of curves, and the same in words."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from optcourse import optimizers
from optcourse.labs.choices import LIBRARIES
from optcourse.labs.training import TrainingSession
from optcourse.plotting.style import LIGHT, LINES, MARKERS, PALETTE
from optcourse.plotting.text import short

MOST_POINTS = 1000  # of a curve; more cannot be told apart
GREY = LIGHT["faint"]


def draw_training(session: TrainingSession, earlier: TrainingSession | None = None) -> Figure:
    """The curves of a session so far, in a figure of its own; those of an earlier one in grey behind its losses."""
    figure = Figure(figsize=(9.6, 5.4))
    figure.subplots_adjust(left=0.07, right=0.985, top=0.93, bottom=0.09, wspace=0.28, hspace=0.42)
    loss, accuracy, rate, norm, ratio, effective = figure.subplots(2, 3).flat
    record = session.record
    steps, evaluated = record.step.values, record.evaluated_at.values
    blue, vermilion = PALETTE["blue"], PALETTE["vermilion"]
    if earlier is not None and earlier.step:
        before = earlier.record
        _line(loss, before.evaluated_at.values, before.held_out_loss.values, GREY, ":", "the run before, held out")
        _line(accuracy, before.evaluated_at.values, before.held_out_accuracy.values, GREY, ":", "the run before")
    _line(loss, steps, record.loss.values, blue, "-", "mini-batch", width=0.8)
    _line(loss, evaluated, record.held_out_loss.values, vermilion, "--", "held out")
    _line(accuracy, evaluated, record.held_out_accuracy.values, vermilion, "--")
    _line(rate, steps, record.learning_rate.values, LIGHT["ink"], "-")
    _line(norm, steps, record.gradient_norm.values, blue, "-", width=0.8)
    colors = [blue, vermilion, *(color for color in PALETTE.values() if color not in (blue, vermilion))]
    for i, layer in enumerate(session.layers):
        look = {"color": colors[i % len(colors)], "style": LINES[i % len(LINES)], "marker": MARKERS[i % len(MARKERS)]}
        for ax, name in ((ratio, "update_to_weight"), (effective, "effective_rate")):
            _line(ax, steps, record[name].sel(layer=layer).values, label=layer, width=1.0, **look)
    for ax, title, log in (
        (loss, "loss", True),
        (accuracy, "held out: share of digits right", False),
        (rate, "learning rate", True),
        (norm, "norm of the gradient", True),
        (ratio, "update / weights, by layer", True),
        (effective, "update / gradient, by layer", True),
    ):
        _frame(ax, title, session, log)
    loss.legend(loc="upper right", fontsize=7, framealpha=0.7)
    ratio.legend(loc="upper right", fontsize=7, framealpha=0.7)
    accuracy.set_ylim(0, 1.02)
    if session.diverged_at is not None:
        for ax in (loss, norm):
            ax.axvline(session.diverged_at, color=vermilion, linewidth=2.5, alpha=0.5)
        loss.text(0.03, 0.04, f"diverged at step {session.diverged_at}", transform=loss.transAxes, color=vermilion)
    return figure


def describe_training(session: TrainingSession) -> str:
    """A sentence or two that can stand in for the curves."""
    record, optimizer = session.record, session.optimizer
    who = f"{optimizers.entries()[optimizer.name].title} ({LIBRARIES[optimizer.backend]}) on the digits"
    if not session.step:
        return f"{who}, not yet trained: empty axes for loss, accuracy, learning rate, gradient norm and ratios."
    if session.diverged_at is not None:
        return f"{who}: the run diverged at step {session.diverged_at}."
    first, last = (short(record.held_out_loss.values[i], 2) for i in (0, -1))
    right = record.held_out_accuracy.values[-1]
    ratios = record.update_to_weight.isel(step=slice(-50, None)).median("step").values
    by_layer = ", ".join(short(value, 1) for value in ratios)
    return (
        f"{who} after {session.step} steps: the held-out loss went from {first} to {last}, {right:.0%} of the held-out "
        f"digits are right. Layer by layer, an update is {by_layer} of the weights."
    )


def _line(ax, x, y, color, style, label=None, width=1.6, marker=None):
    stride = max(1, -(-len(x) // MOST_POINTS))
    y = np.where(np.isfinite(y), y, np.nan)[::stride]
    marked = {"marker": marker, "markersize": 4, "markevery": max(1, len(y) // 6)} if marker and len(y) else {}
    ax.plot(x[::stride], y, color=color, linestyle=style, linewidth=width, label=label, **marked)


def _frame(ax, title, session, log):
    ax.set_title(title, fontsize=9)
    ax.tick_params(labelsize=7, which="both")
    ax.grid(visible=True, color=LIGHT["rule"], linewidth=0.6)
    ax.set_xlim(0, max(100, session.step))
    heights = np.concatenate([np.zeros(0), *(line.get_ydata() for line in ax.lines)])
    if log and (heights > 0).any():
        ax.set_ylim(np.min(heights[heights > 0]) / 1.5, np.nanmax(heights) * 1.5)
        ax.set_yscale("log", nonpositive="mask")
        # Plain numbers: powers of ten go through the parser of formulas, which takes time at every drawing.
        ax.yaxis.set_major_formatter(LogFormatter())
        ax.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1.5, 0.5)))
    if not len(heights):
        ax.set_yticks([])
    for change in session.changes:
        ax.axvline(change.step, color=GREY, linewidth=0.8, linestyle="--")
    if ax.get_subplotspec().is_last_row():
        ax.set_xlabel("step", fontsize=8)
