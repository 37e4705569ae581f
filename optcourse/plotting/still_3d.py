"""The still picture of a 3-D figure: what Plotly would draw at first, drawn by matplotlib.

It takes the Plotly figure itself, its camera included, so that the two lie on one another.
"""

import io
import math

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from optcourse.plotting.contours import contour_lines
from optcourse.plotting.style import GLYPHS, LOST, STYLE

DPI = 96  # so that a pixel here is one in a browser
FIELD_OF_VIEW = math.pi / 4  # Plotly's
MARKERS = {glyph: marker for marker, glyph in GLYPHS.items()} | {"★": "*", LOST: "x"}
LINES = {"solid": "-", "dash": "--", "dashdot": "-.", "dot": ":"}


def still_3d(figure, width: int = 640, height: int = 480) -> bytes:
    """The Plotly figure of `plot_surface_3d` as PNG."""
    picture = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    canvas = FigureCanvasAgg(picture)
    ax = picture.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    ax.axis("off")
    view = _View(figure.layout, width, height)
    ground, *others = figure.data
    _draw_box(ax, view, figure.layout)
    relief = _Relief(view, ground)
    relief.draw(ax, ground)
    lines = [trace for trace in others if "lines" in trace.mode]
    for trace in lines:
        points = np.column_stack([trace.x, trace.y, trace.z]).astype(float)
        relief.draw_line(ax, points, color=trace.line.color, linewidth=2.4, linestyle=LINES[trace.line.dash])
        if "markers" in trace.mode:
            relief.draw_line(ax, points, color=trace.line.color, linestyle="none", marker="o", markersize=3.4)
    for trace in (trace for trace in others if trace.mode == "text" and trace.hoverinfo != "skip"):
        colors = trace.textfont.color
        for glyph, color, *point in zip(trace.text, colors, trace.x, trace.y, trace.z, strict=True):
            look = STYLE["lost"] if glyph == LOST else STYLE["minimum"] if glyph == "★" else STYLE["end"]
            at = view.place(np.array([point], float))
            ax.plot(*at.T, **look | {"marker": MARKERS[glyph], "color": color, "linestyle": "none"}, zorder=6)
    ink = figure.layout.font.color
    ax.text(width / 2, 10, figure.layout.title.text, ha="center", va="top", size=STYLE["font"]["title"], color=ink)
    _draw_legend(ax, lines, figure.layout.legend.title.text, ink)
    file = io.BytesIO()
    canvas.print_png(file)
    return file.getvalue()


class _View:
    """The camera: from points (n, 3) in the units of the axes to pixels."""

    def __init__(self, layout, width, height):
        scene = layout.scene
        self.low, self.high = np.array([scene[axis].range for axis in ("xaxis", "yaxis", "zaxis")], dtype=float).T
        self.aspect = np.array([scene.aspectratio[axis] for axis in "xyz"])
        self.eye, center = (
            np.array([part[axis] for axis in "xyz"]) for part in (scene.camera.eye, scene.camera.center)
        )
        top = layout.margin.t
        back = self.eye - center
        back /= np.linalg.norm(back)
        right = np.cross([0, 0, 1], back)
        right /= np.linalg.norm(right)
        self.axes = np.stack([right, np.cross(back, right), back])
        self.zoom = (height - top) / 2 / math.tan(FIELD_OF_VIEW / 2)
        self.middle = np.array([width / 2, (height + top) / 2])

    def scaled(self, points) -> np.ndarray:
        """Points (n, 3) in the camera's units, around the middle of the box."""
        return ((points - self.low) / (self.high - self.low) - 0.5) * self.aspect

    def project(self, scaled) -> np.ndarray:
        """Pixels from the left and from the top, and the distance from the camera, (n, 3)."""
        right, up, back = self.axes @ (scaled - self.eye).T
        return np.column_stack(
            [self.middle[0] - right / back * self.zoom, self.middle[1] + up / back * self.zoom, -back]
        )

    def place(self, points) -> np.ndarray:
        return self.project(self.scaled(points))[:, :2]


class _Relief:
    """The surface as it is seen, and what of other lines it hides."""

    def __init__(self, view, ground):
        self.view = view
        self.x, self.y, self.z = (np.asarray(ground[axis], dtype=float) for axis in "xyz")
        grid = np.stack([*np.meshgrid(self.x, self.y), self.z], axis=-1)
        self.grid = view.scaled(grid.reshape(-1, 3)).reshape(grid.shape)

    def draw(self, ax, ground):
        corners = np.stack([self.grid[:-1, :-1], self.grid[:-1, 1:], self.grid[1:, 1:], self.grid[1:, :-1]], axis=2)
        quads = corners.reshape(-1, 4, 3)
        quads = quads[np.isfinite(quads).all(axis=(1, 2))]
        seen = self.view.project(quads.reshape(-1, 3)).reshape(quads.shape)
        order = np.argsort(-seen[..., 2].mean(axis=1))  # from far to near
        normals = np.cross(quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1])
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        light = ground.lighting.ambient + ground.lighting.diffuse * np.abs(normals @ self.view.axes[1]) ** 0.5
        share = quads[..., 2].mean(axis=1)
        share = (share - share.min()) / (np.ptp(share) or 1)
        low, high = (np.array(to_rgb(color)) for _, color in ground.colorscale)
        colors = np.clip((low + share[:, None] * (high - low)) * light[:, None], 0, 1)
        ax.add_collection(
            PolyCollection(
                seen[order, :, :2], facecolors=colors[order], edgecolors=colors[order], linewidths=0.5, zorder=2
            )
        )
        lines = ground.contours.z
        if lines.start is not None:
            levels = np.arange(lines.start, lines.end + lines.size / 2, lines.size)
            for line, level in contour_lines(self.x, self.y, self.z, levels):
                self.draw_line(ax, np.column_stack([line, np.full(len(line), level)]), color=lines.color, linewidth=0.5)

    def draw_line(self, ax, points, **look):
        """Draw a line through points (n, 3) where it is in sight."""
        scaled = self.view.scaled(points)
        at = self.view.project(scaled)[:, :2]
        at[self._hidden(scaled)] = np.nan
        ax.plot(*at.T, zorder=3, solid_capstyle="round", **look)

    def _hidden(self, scaled, steps=80) -> np.ndarray:
        """Which of the points (n, 3) have the surface between them and the camera."""
        share = np.linspace(0, 0.6, steps)[1:, None, None]
        way = scaled + share * (self.view.eye - scaled)  # (steps, n, 3)
        rows, columns = self.grid.shape[:2]
        column = (way[..., 0] / self.view.aspect[0] + 0.5) * (columns - 1)
        row = (way[..., 1] / self.view.aspect[1] + 0.5) * (rows - 1)
        inside = (column >= 0) & (column <= columns - 1) & (row >= 0) & (row <= rows - 1)
        i, j = (np.nan_to_num(np.clip(place, 0, None)).round().astype(int) for place in (row, column))
        above = self.grid[np.minimum(i, rows - 1), np.minimum(j, columns - 1), 2] - way[..., 2]
        return (inside & (above > 0.02)).any(axis=0)


def _draw_box(ax, view, layout):
    """Grid lines on the walls behind the surface, ticks and names of the axes before it."""
    scene, ink, rule = layout.scene, layout.font.color, layout.scene.xaxis.gridcolor
    near = np.where(view.eye < 0, view.low, view.high)
    far = np.where(view.eye < 0, view.high, view.low)
    near[2], far[2] = view.low[2], view.low[2]
    edges = {0: (None, near[1], near[2]), 1: (near[0], None, near[2])}
    sides = [(near[0], far[1], None), (far[0], near[1], None)]
    edges[2] = min(sides, key=lambda edge: view.place(np.array([[edge[0], edge[1], near[2]]]))[0, 0])
    middle = view.place(((view.low + view.high) / 2)[None])[0]
    for k, name in enumerate(("xaxis", "yaxis", "zaxis")):
        axis = scene[name]
        ticks = (
            MaxNLocator(axis.nticks, steps=[1, 2, 5, 10]).tick_values(view.low[k], view.high[k])
            if axis.tickvals is None
            else np.array(axis.tickvals)
        )
        texts = [f"{tick:g}" for tick in ticks] if axis.ticktext is None else axis.ticktext
        for tick, text in zip(ticks, texts, strict=True):
            if not view.low[k] <= tick <= view.high[k]:
                continue
            walls = [w for w in range(3) if w != k]
            lines = []
            for wall in walls:
                ends = np.array([view.low, view.high])
                ends[:, k], ends[:, wall] = tick, far[wall]
                lines.append(view.place(ends))
            ax.add_collection(LineCollection(lines, colors=rule, linewidths=0.6, zorder=1))
            _write_beside(ax, view, edges[k], k, tick, text, middle, 13, ink, STYLE["font"]["label"] - 1)
        _write_beside(
            ax,
            view,
            edges[k],
            k,
            (view.low[k] + view.high[k]) / 2,
            axis.title.text,
            middle,
            38,
            ink,
            STYLE["font"]["label"],
        )


def _write_beside(ax, view, edge, k, value, text, middle, away, ink, size):
    at = np.array([[value if part is None else part for part in edge]])
    place = view.place(at)[0]
    outwards = np.array([-1.0, 0.0]) if k == 2 else np.array([np.sign(place[0] - middle[0]) * 0.6, 0.8])
    ax.text(*(place + away * outwards), text, ha="center", va="center", size=size, color=ink, zorder=4)


def _draw_legend(ax, lines, key, ink):
    look = {"linewidth": 3, "solid_capstyle": "butt"}
    handles = [Line2D([], [], color=line.line.color, linestyle=LINES[line.line.dash], **look) for line in lines]
    options = {"loc": "upper left", "bbox_to_anchor": (0, 30), "bbox_transform": ax.transData, "frameon": False}
    legend = ax.legend(
        handles,
        [line.name for line in lines],
        title=key,
        alignment="left",
        labelcolor=ink,
        fontsize=STYLE["font"]["legend"],
        **options,
    )
    legend.get_title().set(color=ink, fontsize=STYLE["font"]["legend"])
