"""The still picture of a live figure: for print, for viewers of repositories, wherever scripts do not run."""

import html
import io

import numpy as np
from PIL import Image

from optcourse.plotting.pictures import packed
from optcourse.plotting.style import LIGHT


def still_picture(surface, paths: dict, alt: str = "") -> str:
    """An `<img>` of a surface with paths on it by label, or without any; `alt` is by default made from the paths."""
    from matplotlib import pyplot as plt

    from optcourse import plotting

    with plt.ioff():
        if paths:
            figure = np.ravel(plotting.plot_comparison(paths, surface, overlay=True))[0].figure
        else:
            figure = plotting.plot_contours(surface).figure
    text = alt or (plotting.describe(paths) if paths else f"The surface {surface.name.replace('_', ' ')} from above.")
    return _picture(figure, text)


def still_chart(spec: dict, values: dict, alt: str = "") -> str:
    """An `<img>` of a `LiveCurves` with these values; `alt` is by default made from them."""
    from matplotlib import pyplot as plt

    with plt.ioff():
        figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
    numbers, curves = [], 0
    for label, value in values.items():
        if isinstance(value, (float, int)):
            numbers.append(f"{label} {value:.{spec['digits']}g}")
            continue
        x, y = value if isinstance(value, tuple) else (np.arange(len(value)), value)
        _draw(axes, label, np.asarray(x, float), np.asarray(y, float), spec["curves"][label])
        curves += 1
    _set_axes(axes, spec["axes"])
    if curves > 1:
        axes.legend(fontsize=9)
    shown = [label for label in values if label in spec["curves"]]
    title = f"{spec['title'][:1].upper()}{spec['title'][1:]}"
    said = "; ".join(filter(None, [", ".join(shown), *numbers]))
    return _picture(figure, alt or (f"{title}: {said}." if said else f"{title}."))


def _draw(axes, label, x, y, look) -> None:
    given = {"color": look["color"], "label": label}
    with np.errstate(all="ignore"):
        y = np.where(np.isfinite(y), y, np.nan)
    if look["style"] == "bars":
        gaps = np.diff(np.unique(x[np.isfinite(x)]))
        axes.bar(x, y, width=0.9 * gaps.min() if gaps.size else 0.8, alpha=0.75, **given)
    elif look["style"] == "dots":
        axes.plot(x, y, linestyle="", marker="o", markersize=4, **given)
    else:
        drawstyle = "steps-post" if look["style"] == "steps" else "default"
        axes.plot(x, y, linestyle=look["line"], drawstyle=drawstyle, linewidth=1.8, **given)


def _set_axes(axes, both) -> None:
    for name, axis in zip("xy", both, strict=True):
        if axis["log"]:
            getattr(axes, f"set_{name}scale")("log")
        getattr(axes, f"set_{name}lim")(*axis["limits"])
        getattr(axes, f"set_{name}label")(axis["label"])
        if axis["ticks"]:
            values, texts = zip(*axis["ticks"], strict=True)
            getattr(axes, f"set_{name}ticks")(values, texts, minor=False)
    axes.grid(color=LIGHT["rule"], linewidth=0.6)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))


def _picture(figure, text: str) -> str:
    from matplotlib import pyplot as plt

    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=72)
    plt.close(figure)
    picture = Image.open(file).convert("RGB")
    size = f'width="{picture.width}" height="{picture.height}"'
    return f'<img src="data:image/webp;base64,{packed(picture)}" alt="{html.escape(text)}" {size}>'
