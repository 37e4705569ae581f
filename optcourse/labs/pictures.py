"""Figures as pictures with a text for those who do not see them."""

import base64
import html
import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image


def picture(figure, alt: str, *, colors: int | None = None, dpi: float = 90) -> str:
    """An `<img>` of a matplotlib figure. With `colors`, a palette of so many makes it small enough to be stored."""
    file = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(file, format="png", dpi=dpi)
    if colors:
        few = Image.open(file).convert("RGB").quantize(colors, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=0)
        file = io.BytesIO()
        few.save(file, "PNG", optimize=True)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return f'<img src="data:image/png;base64,{data}" alt="{html.escape(alt)}" style="max-width: 100%; height: auto">'
