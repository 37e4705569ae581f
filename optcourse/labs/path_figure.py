"""What a path lab shows: paths, losses and learning rates; and the code that shows the same."""

from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure

from optcourse import optimizers, plotting, schedules
from optcourse.explorables.figure import python_of_surface
from optcourse.plotting.contours import dress
from optcourse.plotting.style import LIGHT
from optcourse.schedules import Schedule

CODE = """\
{imports}
surface = {surface}
start, steps = {start}, {steps}
paths = {{
{paths}
}}

fig, axes = plt.subplots(1, 3, figsize=(13, 4.6), layout="constrained")
plotting.plot_comparison(paths, surface, axes[0], overlay=True)
plotting.plot_loss_curves(paths, axes[1])
styles = plotting.path_styles([path.optimizer.name for path in paths.values()])
for (label, path), style in zip(paths.items(), styles):
    rates = [optimizers.get_learning_rate(path.optimizer, step=t) for t in range(steps)]
    axes[2].plot(rates, label=label, markevery=0.12, **style)
axes[2].set(xlabel="step", ylabel="learning rate")
plt.show()
"""


def draw_paths(paths) -> Figure:
    """Paths over their surface, their losses, their learning rates, side by side."""
    figure = Figure(figsize=(13, 4.6), layout="constrained")
    ground, loss, rate = figure.subplots(1, 3)
    plotting.plot_comparison(paths, axes=ground, overlay=True)
    plotting.plot_loss_curves(paths, loss)
    styles = plotting.path_styles([path.optimizer.name for path in paths.values()])
    for (label, path), style in zip(paths.items(), styles, strict=True):
        rate.plot(learning_rates(path.optimizer, len(path)), label=label, markevery=0.12, **style)
    rate.set(xlabel="step", ylabel="learning rate")
    rate.grid(visible=True, color=LIGHT["rule"], linewidth=0.6)
    dress(rate)
    return figure


def learning_rates(optimizer, steps: int) -> np.ndarray:
    """The learning rate of each step, (steps,)."""
    rate = optimizer.hyperparams["learning_rate"]
    if not isinstance(rate, Schedule):
        return np.full(steps, float(rate))
    return rate.torch_rates(steps) if optimizer.backend == "torch" else rate.rates(steps)


def code_of(lab) -> str:
    """The lines that make the lab's figure without it."""
    choices = {label: choice.python(lab.steps) for label, choice in lab.labelled_choices().items()}
    seed = f", seed={lab.seed}" if lab.noise else ""
    paths = "\n".join(
        f"    {label!r}: oc.run(\n        {python},\n        surface, start, steps=steps{seed},\n    ),"
        for label, python in choices.items()
    )
    surface = python_of_surface(lab.surface) or f"...  # your own surface, {lab.surface.name}"
    imports = ["from matplotlib import pyplot as plt", ""]
    used = ["schedules"] if any("schedules." in python for python in choices.values()) else []
    names = ", ".join(["optimizers", "plotting", *used, "surfaces"])
    imports += ["import optcourse as oc", f"from optcourse import {names}", ""]
    return CODE.format(
        imports="\n".join(imports),
        surface=surface + (f".with_noise({lab.noise!r})" if lab.noise else ""),
        start=list(lab.start),
        steps=lab.steps,
        paths=paths,
    )


def live_optimizers(lab) -> tuple[dict, list[str]]:
    """Those of the lab's optimizers that a page can compute, by label, and the labels of the others.

    A page has Optax only. PyTorch's optimizer is the same algorithm where the catalogue says so, and so is its
    schedule.
    """
    live, others = {}, []
    for label, choice in lab.labelled_choices().items():
        if choice.backend == "optax" or _is_the_same(choice):
            live[label] = replace(choice, backend="optax").build(lab.steps)
        else:
            others.append(label)
    return live, others


def _is_the_same(choice) -> bool:
    schedule = schedules.entries()[choice.schedule]
    return optimizers.entries()[choice.name].agreement == "equal" and schedule.agreement != "different"
