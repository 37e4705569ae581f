"""The gallery of schedules: a page with every schedule of the course, drawn in both libraries, and how they differ."""

import inspect
import io
import re
from pathlib import Path

import chapters
import numpy as np
from PIL import Image

PICTURES = chapters.BOOK / "images" / "schedules"
STEPS, SHOWN = 100, 131  # what lies behind the last step is where the libraries part
SETTINGS = {"warm_restarts": {"first": 0.5, "growth": 1}, "plateau": {"factor": 0.5}}  # others are shown as they are
INTRODUCTION = """\
# Schedules

Every learning-rate schedule of the course, each defined once with its Optax and its PyTorch form. What is said about \
their agreement is the data that the tests assert, step by step over a thousand steps. The pictures have a peak of 1 \
and {steps} steps, and go on to step {last}: the line is Optax, the dashes are what the real \
`torch.optim.lr_scheduler` sets.

All take a peak and a number of steps, `schedules.cosine(0.1, 1000)`. What comes after the star in a signature has a \
default: a share of the peak, a share of the steps or a number of them, or a plain number. Any of them is a learning \
rate, on either backend: `optimizers.adam(schedules.cosine(0.1, 1000), backend="torch")`.
"""
AGREEMENT = {
    "equal": "the same",
    "different": "different",
    "one library": "the same; one library has no name for it",
}


def example(entry):
    """The schedule that is drawn."""
    from optcourse import schedules

    return schedules.get(entry.name)(1.0, STEPS, **SETTINGS.get(entry.name, {}))


def losses() -> np.ndarray:
    """What a schedule that listens is shown with: three falls, each onto a floor, (SHOWN,)."""
    steps = np.arange(SHOWN)
    floors = np.select([steps < 50, steps < 90], [1.0, 0.5], 0.25)
    since = np.select([steps < 50, steps < 90], [steps, steps - 50], steps - 90)
    return floors * (1 + np.exp(-since / 1.5))


def rates_of(entry) -> tuple[np.ndarray, np.ndarray]:
    """Optax's and PyTorch's rates, as far as each goes: one-cycle's scheduler refuses to go on."""
    schedule = example(entry)
    if entry.listens:
        return schedule.rates(losses()), schedule.torch_rates(losses())
    try:
        theirs = schedule.torch_rates(SHOWN)
    except ValueError:
        theirs = schedule.torch_rates(STEPS + 1)
    return schedule.rates(SHOWN), theirs


def draw(entry, path: Path) -> None:
    """The picture of a schedule, as a small PNG."""
    from matplotlib.figure import Figure

    from optcourse.plotting.contours import dress
    from optcourse.plotting.style import LIGHT, PALETTE

    ours, theirs = rates_of(entry)
    figure = Figure(figsize=(7.2, 2.3), layout="constrained", dpi=120)
    ax = figure.subplots()
    ax.plot(ours, color=PALETTE["blue"], linewidth=3.2, alpha=0.55, drawstyle="steps-post", label="Optax")
    look = {"color": PALETTE["black"], "linewidth": 1.3, "linestyle": (0, (4, 2.5)), "drawstyle": "steps-post"}
    ax.plot(theirs, label="PyTorch", **look)
    if entry.listens:
        heard = losses() / losses().max()
        ax.plot(heard, color=PALETTE["vermilion"], linewidth=1.0, linestyle=":", label="loss, scaled")
    ax.axvline(STEPS, color=LIGHT["rule"], linewidth=1.0, zorder=0)
    ax.set(xlim=(0, SHOWN - 1), ylim=(-0.03, 1.06), xlabel="step", ylabel="learning rate")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9)
    dress(ax)
    data = io.BytesIO()
    figure.savefig(data, format="png")
    picture = Image.open(data).convert("RGB").quantize(32, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    small = io.BytesIO()
    picture.save(small, "PNG", optimize=True)
    if not path.exists() or path.read_bytes() != small.getvalue():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(small.getvalue())


def words_for(entry) -> str:
    """The picture in words: the rates at some steps."""
    ours, theirs = rates_of(entry)
    at = (0, 25, 50, 75, STEPS - 1, SHOWN - 1)
    said = ", ".join(f"{ours[step]:.3g} at step {step}" for step in at)
    length = min(STEPS, len(theirs))
    apart = float(np.abs(ours[:length] - theirs[:length]).max())
    beside = "is the same" if apart < 1e-9 else f"differs by up to {apart:.2g}"
    return f"Learning rate against the step. Optax: {said}. Through step {STEPS - 1}, PyTorch's {beside}."


def section(entry) -> str:
    """One schedule, as MyST Markdown."""
    from galleries import cell, formula

    from optcourse import schedules

    factory = schedules.get(entry.name)
    doc = re.sub(r"\\\((.*?)\\\)([.,;]?)", formula, " ".join(inspect.getdoc(factory).split()))
    homes = f"`{entry.optax_name}`" if " " not in entry.optax_name else entry.optax_name
    lines = [f"## {entry.title}\n", f"{doc}\n", f"- `schedules.{entry.name}{signature_of(factory)}`"]
    lines += [f"- Optax: {homes}", f"- PyTorch: `{entry.torch_name}`", f"- rates: {AGREEMENT[entry.agreement]}"]
    if entry.source:
        lines.append(f"- source: {entry.source}")
    if entry.differences:
        rows = [f"| {cell(d.what)} | {cell(d.optax)} | {cell(d.torch)} |" for d in entry.differences]
        lines += ["\n| | Optax | PyTorch |\n|---|---|---|", *rows]
    caption = f"`{example(entry)!r}`" + (" beside the loss that it hears." if entry.listens else ".")
    place = f"{PICTURES.relative_to(chapters.BOOK).as_posix()}/{entry.name}.png"
    return "\n".join([*lines, f"\n```{{figure}} {place}\n:alt: {words_for(entry)}\n\n{caption}\n```\n"])


def signature_of(factory) -> str:
    """The signature with numbers as people write them: 1/3, not sixteen digits."""
    text = str(inspect.signature(factory))
    return text.replace(repr(1 / 3), "1/3").replace(repr(1 / 7), "1/7")


def page(header: str) -> str:
    """The whole page; its pictures are drawn beside it."""
    from optcourse import schedules

    entries = schedules.entries().values()
    for entry in entries:
        draw(entry, PICTURES / f"{entry.name}.png")
    return "\n".join([header, INTRODUCTION.format(steps=STEPS, last=SHOWN - 1), *map(section, entries)])
