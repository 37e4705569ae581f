"""A 3-D figure inside a notebook page: a still, which the course's site lets a reader turn."""

import hashlib
import html
import io
import json
import sys

from optcourse.plotting.pictures import packed
from optcourse.plotting.surface_3d import plot_surface_3d

SIZE = (520, 420)  # of the still, in pixels
HEIGHT = 480  # in JupyterLab, as wide as the notebook; on the site it has the proportions of the still
STILL = "A still of a 3-D figure. In a notebook, run its cell to turn it."
# The mode bar has links, and a wheel that zooms would stop a reader who scrolls past.
CONFIG = {"displayModeBar": False, "displaylogo": False, "scrollZoom": False, "responsive": True}
PLOTLY = "application/vnd.plotly.v1+json"


def show_surface_3d(paths, surface=None, *, alt: str | None = None, resolution: int = 41, **options):
    """The figure of `plot_surface_3d` as the output of a cell.

    JupyterLab shows it with its own Plotly, Colab as Plotly does there. The site shows a still, and loads plotly.js
    when a reader asks to turn it. Where no script runs, the still remains.

    Args:
        paths, surface, resolution, options: as for `plot_surface_3d`; the colours follow the page.
        alt: what the figure shows, for those who do not see it; by default from the paths.
    """
    light, dark = (
        plot_surface_3d(paths, surface, resolution=resolution, theme=t, **options) for t in ("light", "dark")
    )
    return Surface3D(light, dark, alt or light.layout.meta["description"])


class Surface3D:
    """A 3-D figure in light and dark; `figure` is the Plotly figure, to change or to save."""

    def __init__(self, figure, dark, alt: str):
        self.figure, self.alt = figure, alt
        self.name = hashlib.sha256(alt.encode()).hexdigest()[:10]
        self._dark = dark

    def __repr__(self):
        return f"<Surface3D: {self.alt}>"

    def to_html(self) -> str:
        """The still, with the place where a page that can may show the figure itself."""
        from PIL import Image

        from optcourse.plotting.still_3d import still_3d

        picture = Image.open(io.BytesIO(still_3d(self.figure, *SIZE)))
        size = f'width="{picture.width}" height="{picture.height}"'
        image = f'<img src="data:image/webp;base64,{packed(picture)}" alt="{html.escape(self.alt)}" {size}>'
        return f'<div class="optcourse-surface-3d" data-surface-3d="{self.name}">{image}<p>{STILL}</p></div>'

    def to_plotly(self) -> dict:
        """The figure as Plotly's renderers take it; `layout.meta` names it and says what a dark page changes."""
        light, dark = (json.loads(figure.to_json()) for figure in (self.figure, self._dark))
        changes = {
            "data": [_changes(one, other) for one, other in zip(light["data"], dark["data"], strict=True)],
            "layout": _changes(light["layout"], dark["layout"]),
        }
        light["layout"]["meta"] |= {"name": self.name, "alt": self.alt, "dark": changes}
        return {"data": light["data"], "layout": light["layout"] | {"height": HEIGHT}, "config": CONFIG}

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        if "google.colab" in sys.modules:  # whose outputs know no such type
            from plotly.io import renderers

            return renderers["colab"].to_mimebundle(self.figure.to_dict()) | {"text/plain": repr(self)}
        return {"text/html": self.to_html(), PLOTLY: self.to_plotly(), "text/plain": repr(self)}


def _changes(one: dict, other: dict) -> dict:
    """What makes `other` of `one`, as deep as they are dicts with the same keys."""
    return {
        key: _changes(value, other[key]) if isinstance(value, dict) else other[key]
        for key, value in one.items()
        if value != other[key]
    }
