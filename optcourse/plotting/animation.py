"""Paths that grow step by step, in one file: `.gif`, or `.html` that needs no network."""

import base64
import html
import io
import json
import operator
import os
import tempfile
from importlib import resources
from pathlib import Path
from string import Template

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from optcourse.plotting.contours import draw_surface
from optcourse.plotting.paths import check_paths, draw_path, legend_below, legend_lines, named
from optcourse.plotting.style import STYLE, path_styles
from optcourse.plotting.text import describe, labelled, short, surface_name
from optcourse.plotting.view import clipped, contains, drawn_points, view_box
from optcourse.progress import with_bar
from optcourse.surfaces import LossSurface

LAST_FRAME_MS = 2000
UNUSED = 255  # the palette's last place is kept for "transparent"


def create_animation(
    paths,
    surface: LossSurface | None = None,
    filename: str | os.PathLike | None = None,
    *,
    fps: float = 10,
    frames: int = 100,
    domain=None,
    dpi: int = 90,
    progress: bool = True,
    **contour_options,
) -> Path:
    """Write an animation of one or several paths and return where it is.

    The file is complete or not there at all: it is written beside its place and then moved.

    Args:
        paths: a path, a list of paths, or a dict of them by label.
        surface: by default the first path's.
        filename: ending in .gif, or in .html for a page with a slider and a play button, all in the one file.
        fps: frames per second.
        frames: at most this many; the steps shown are spread evenly, the first and last among them.
        domain, contour_options: as for `plot_trajectory`.
        dpi: dots per inch, of a figure 4.6 inches wide.
        progress: show a progress bar when it takes more than two seconds.

    Raises:
        ValueError: for another ending, or fps or frames that are not positive.
        FileNotFoundError: where the folder does not exist.
    """
    if isinstance(surface, (str, os.PathLike)):
        raise TypeError("filename comes after the surface: create_animation(path, surface, filename), or filename=...")
    paths = labelled(paths)
    target = _check_target(filename)
    if not fps > 0:
        raise ValueError(f"fps must be positive, got {fps!r}.")
    if operator.index(frames) < 1:
        raise ValueError(f"frames must be 1 or more, got {frames!r}.")
    surface = next(iter(paths.values())).surface if surface is None else surface
    check_paths(paths, surface)
    movie = _Movie(paths, surface, view_box(surface, list(paths.values()), domain), dpi, contour_options)
    last = max(len(path) for path in paths.values())
    steps = np.unique(np.linspace(0, last, frames).round().astype(int)) if frames > 1 else np.array([last])
    pictures = [movie.picture(step) for step in with_bar(steps, target.name, shown=progress)]
    if target.suffix.lower() == ".gif":
        _write_whole(target, lambda file: _write_gif(file, pictures, fps, describe(paths)))
    else:
        _write_whole(target, lambda file: _write_html(file, movie.background, pictures, steps, fps, describe(paths)))
    return target


class _Movie:
    """The figure whose paths grow. What stays is drawn once: `background`; `picture(step)` adds the rest."""

    def __init__(self, paths, surface, box, dpi, contour_options):
        size = STYLE["size"]
        figure = Figure(
            figsize=(size, size + 0.3 + 0.22 * legend_lines(paths, surface, box)), dpi=dpi, layout="constrained"
        )
        self.canvas, self.paths, self.name = FigureCanvasAgg(figure), paths, surface_name(surface)
        self.ax = figure.add_subplot()
        self.box = draw_surface(self.ax, surface, box, **contour_options)
        self.lines, self.heads, self.points = [], [], []
        styles = path_styles(path.optimizer.name for path in paths.values())
        for style, (label, path) in zip(styles, paths.items(), strict=True):
            points = drawn_points(path, surface)
            self.points.append(points)
            name = named(label, path, points, self.box)
            self.lines.append(draw_path(self.ax, points, self.box, style, label=name))
            look = {"marker": style["marker"], "color": style["color"], **STYLE["end"]}
            self.heads += self.ax.plot([], [], linestyle="none", zorder=6, animated=True, **look)
            if contains(self.box, points[0]):
                self.ax.plot(*points[:1].T, linestyle="none", zorder=3, label="start", **STYLE["start"])
        self.title = self.ax.set_title(" ", fontsize=STYLE["font"]["title"])
        legend_below(self.ax)
        self.canvas.draw()
        figure.set_layout_engine("none")  # laid out once: frames must not jiggle
        self.palette = _palette([line.get_color() for line in self.lines])
        for artist in (*self.lines, self.title):
            artist.set_animated(True)
        for line in self.lines:
            line.set_marker("")
        self.canvas.draw()
        self.still = self.canvas.copy_from_bbox(figure.bbox)
        self.background = self._image().quantize(palette=self.palette, dither=0)

    def picture(self, step):
        """The figure at `step`, as a Pillow image in the palette of all of them."""
        self.canvas.restore_region(self.still)
        for points, line, head in zip(self.points, self.lines, self.heads, strict=True):
            until = points[: step + 1]
            shown = clipped(until, self.box)
            line.set_data(*shown.T)
            head.set_data(*(until if contains(self.box, until[-1]) else shown)[-1:].T)  # or last seen at the edge
        self.title.set_text(self._heading(step))
        for artist in (*self.lines, *self.heads, self.title):
            self.ax.draw_artist(artist)
        return self._image().quantize(palette=self.palette, dither=0)

    def _image(self):
        from PIL import Image

        return Image.fromarray(np.asarray(self.canvas.buffer_rgba())).convert("RGB")

    def _heading(self, step):
        if len(self.paths) > 1:
            return f"{self.name}, step {step}"
        ((label, path),) = self.paths.items()
        return f"{label} on {self.name}, step {step}, loss {short(path.loss[step], 2)}"


def _palette(colors):
    """A Pillow palette with greys for the ground and, for each path colour, the shades of its soft edges.

    Colours picked by frequency would merge the thin paths, and Pillow confuses greys closer than four units.
    """
    from PIL import Image

    low, high = STYLE["ground"]
    mixed = [(low, high, 15), (high, "black", 10), *((color, "white", 5) for color in colors)]
    mixed += [(color, "black", 3) for color in colors] + [(color, high, 4) for color in colors]
    ramps = [np.linspace(to_rgb(a), to_rgb(b), count) for a, b, count in mixed]
    shades = np.unique((255 * np.concatenate(ramps)).round().astype(np.uint8), axis=0)[:UNUSED]
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.concatenate([shades, np.repeat(shades[-1:], 256 - len(shades), axis=0)]).ravel().tolist())
    return palette


def _check_target(filename) -> Path:
    if filename is None:
        raise TypeError('say where to write it: create_animation(path, surface, "adam.gif").')
    target = Path(filename)
    if target.suffix.lower() not in (".gif", ".html"):
        raise ValueError(f"an animation is a .gif or an .html file, got {target.name!r}.")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {target.parent} to write {target.name} to.")
    return target


def _write_gif(file, pictures, fps, description):
    frame = max(20, round(100 / fps) * 10)  # the format counts hundredths of a second, and browsers slow down 10 ms
    durations = [frame] * (len(pictures) - 1) + [max(frame, LAST_FRAME_MS)]
    comment = description.encode("ascii", "replace")
    options = {"save_all": True, "append_images": pictures[1:], "duration": durations, "loop": 0, "comment": comment}
    pictures[0].save(file, format="GIF", **options)


def _write_html(file, background, pictures, steps, fps, description):
    template = Template(resources.files("optcourse.plotting").joinpath("player.html").read_text("utf-8"))
    page = template.substitute(
        description=html.escape(description, quote=True),
        width=background.width,
        height=background.height,
        last=len(pictures) - 1,
        interval=1000 / fps,
        background=_png(background),
        frames=json.dumps([_png(_difference(picture, background)) for picture in pictures]),
        steps=json.dumps([int(step) for step in steps]),
    )
    file.write(page.encode("utf-8"))


def _difference(picture, background):
    """The picture where it differs from the background, transparent elsewhere: a tenth of the bytes."""
    from PIL import Image

    indices = np.asarray(picture)
    difference = Image.fromarray(np.where(indices == np.asarray(background), UNUSED, indices).astype(np.uint8))
    difference.putpalette(picture.getpalette())
    difference.info["transparency"] = UNUSED
    return difference


def _png(picture) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _write_whole(target, write):
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem}-", suffix=target.suffix)
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
        os.chmod(name, 0o644)  # mkstemp lets nobody else read
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise
