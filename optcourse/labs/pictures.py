"""Figures as pictures with a text for those who do not see them."""

import base64
import html
import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from optcourse.plotting.pictures import packed


def picture(figure, alt: str, *, stored: bool = False) -> str:
    """An `<img>` of a matplotlib figure: made fast, to be looked at now, or small, to be `stored`."""
    file = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(file, format="png", dpi=80)
    width, height = (int(size * 80) for size in figure.get_size_inches())
    if stored:
        kind, data = "webp", packed(Image.open(file).convert("RGB"))
    else:
        kind, data = "png", base64.b64encode(file.getvalue()).decode("ascii")
    look = 'style="max-width: 100%; height: auto"'
    return (
        f'<img src="data:image/{kind};base64,{data}" alt="{html.escape(alt)}" width="{width}" height="{height}" {look}>'
    )
