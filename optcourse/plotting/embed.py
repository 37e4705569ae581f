"""An animation inside a notebook page, with its play button and slider."""

import html
import re
import tempfile
from pathlib import Path

from optcourse.plotting.animation import create_animation
from optcourse.plotting.text import describe, labelled

CONTROLS = 64  # pixels below the picture


def show_animation(paths, surface=None, *, frames: int = 20, dpi: int = 72, **options):
    """The animation of `create_animation` as the output of a cell; it is part of the page and loads nothing.

    Args:
        paths, surface, frames, dpi, options: as for `create_animation`.
    """
    from IPython.display import HTML  # only notebooks need it

    with tempfile.TemporaryDirectory() as folder:
        file = create_animation(paths, surface, Path(folder) / "animation.html", frames=frames, dpi=dpi, **options)
        page = file.read_text("utf-8")
    width, height = map(int, re.search(r'<img width="(\d+)" height="(\d+)"', page).groups())
    title = html.escape(describe(labelled(paths)), quote=True)
    source = html.escape(page, quote=True)
    return HTML(
        f'<div><iframe title="{title}" srcdoc="{source}" sandbox="allow-scripts" loading="lazy" '
        f'style="border: 0; width: 100%; max-width: {width + 16}px; height: {height + CONTROLS}px"></iframe></div>'
    )
