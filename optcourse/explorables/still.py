"""The still picture of a live figure: for print, for viewers of repositories, wherever scripts do not run."""

import base64
import html
import io

import numpy as np
from PIL import Image


def still_picture(surface, paths: dict, alt: str = "") -> str:
    """An `<img>` of a surface with paths on it by label, or without any; `alt` is by default made from the paths."""
    from matplotlib import pyplot as plt

    from optcourse import plotting

    with plt.ioff():
        if paths:
            figure = np.ravel(plotting.plot_comparison(paths, surface, overlay=True))[0].figure
        else:
            figure = plotting.plot_contours(surface).figure
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=72)
    plt.close(figure)
    picture = Image.open(file).convert("RGB")
    small = io.BytesIO()
    # Few colours are needed, and bytes count: a page may hold many figures.
    few = picture.quantize(32, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
    few.save(small, "PNG", optimize=True)
    data = base64.b64encode(small.getvalue()).decode("ascii")
    text = alt or (plotting.describe(paths) if paths else f"The surface {surface.name.replace('_', ' ')} from above.")
    size = f'width="{picture.width}" height="{picture.height}"'
    return f'<img src="data:image/png;base64,{data}" alt="{html.escape(text)}" {size}>'
