"""The still picture of a live figure: for print, for viewers of repositories, wherever scripts do not run."""

import html
import io

import numpy as np
from PIL import Image

from optcourse.plotting.pictures import packed


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
    text = alt or (plotting.describe(paths) if paths else f"The surface {surface.name.replace('_', ' ')} from above.")
    size = f'width="{picture.width}" height="{picture.height}"'
    return f'<img src="data:image/webp;base64,{packed(picture)}" alt="{html.escape(text)}" {size}>'
