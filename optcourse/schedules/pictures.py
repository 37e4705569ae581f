"""Schedules as curves: the rate against the step."""

import numpy as np


def plot(schedules, ax=None, *, steps: int | None = None, torch: bool = False, labels=None):
    """Draw the rates of several schedules on a matplotlib Axes and return it.

    Args:
        schedules: a list of schedules, or a dict of them by label. None of them listens to the loss.
        ax: where to draw; by default on a new figure.
        steps: how many steps to show; by default as many as the longest has, and the one after.
        torch: PyTorch's rates instead of Optax's.
        labels: for a list; by default the code of each.
    """
    from optcourse.plotting.contours import dress, new_axes
    from optcourse.plotting.paths import legend_below
    from optcourse.plotting.style import LIGHT, STYLE, path_styles
    from optcourse.schedules.composing import check_schedule

    if isinstance(schedules, dict):
        labels, schedules = list(schedules), list(schedules.values())
    schedules = [check_schedule(schedule) for schedule in schedules]
    labels = [repr(schedule).replace("schedules.", "") for schedule in schedules] if labels is None else labels
    steps = steps or 1 + max(schedule.steps for schedule in schedules)
    ax = ax if ax is not None else new_axes(below=len(schedules))
    for schedule, label, style in zip(schedules, labels, path_styles(labels), strict=True):
        rates = schedule.torch_rates(steps) if torch else schedule.rates(steps)
        # A flat piece between two steps would look like a slope where the rate jumps.
        ax.plot(np.arange(steps), rates, label=label, drawstyle="steps-post", markevery=0.12, **STYLE["path"] | style)
    ax.set_xlim(0, steps - 1)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("step")
    ax.set_ylabel("learning rate")
    ax.grid(visible=True, color=LIGHT["rule"], linewidth=0.6)
    ax.set_axisbelow(True)
    dress(ax)
    legend_below(ax)
    return ax
