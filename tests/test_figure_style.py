"""One look for three drawers: matplotlib, Plotly in 3-D, and live figures in the browser; in light and in dark."""

import io
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from PIL import Image

from optcourse import optimizers, plotting, run, surfaces
from optcourse.explorables import Explorable, bundle
from optcourse.explorables.program import colors
from optcourse.plotting.contours import loss_levels
from optcourse.plotting.paths import draw_path
from optcourse.plotting.paths_3d import PLOTLY_DASHES
from optcourse.plotting.style import DASHES, GLYPHS, LINES, MARKERS, PALETTE, THEMES
from optcourse.plotting.view import sample
from optcourse.tracing import Trajectory

BOWL = surfaces.quadratic_bowl()
START = [-4.0, 2.0]
CATALOGUE = list(optimizers.catalogue())
RUN = {"SGD": optimizers.sgd(0.02), "Adam": optimizers.adam(0.1), "AdamW": optimizers.adamw(0.2)}  # the last has dashes


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def walk():
    """A path, to be drawn as if another optimizer had walked it: this is about looks."""
    path = run(optimizers.sgd(0.02), BOWL, START, steps=6)
    return lambda name: Trajectory(optimizers.get(name)(), BOWL, 6, 0, path.record)


def of_the_runtime(name):
    """A constant of the runtime of live figures that it has from Python."""
    return json.loads(re.search(rf"^const {name} = (.*);$", bundle.runtime(), re.MULTILINE).group(1))


def rgb(color: str) -> tuple[int, ...]:
    return tuple(int(color[k : k + 2], 16) for k in (1, 3, 5))


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_optimizer_looks_the_same_in_all_three(walk, name):
    path = {"it": walk(name)}
    ax = plotting.plot_comparison(path, overlay=True, resolution=5)
    (drawn,) = (line for line in ax.get_lines() if len(line.get_xdata()) == 7)
    (live,) = colors([SimpleNamespace(name=name)])
    assert to_hex(drawn.get_color()) == live["color"].lower()
    assert (drawn.get_linestyle(), drawn.get_marker()) == (live["line"], live["marker"])
    for theme in THEMES:
        ground, line, *_, marks = plotting.plot_surface_3d(path, resolution=5, theme=theme).data
        shown = of_the_runtime("THEMES")[theme]["palette"].get(live["color"], live["color"])
        assert shown == plotting.path_styles([name], theme)[0]["color"]
        assert (line.line.color, line.line.dash) == (shown, PLOTLY_DASHES[live["line"]])
        assert (marks.text[-1], marks.textfont.color[-1]) == (GLYPHS[live["marker"]], shown)
        assert [color for _, color in ground.colorscale] == [THEMES[theme]["low"], THEMES[theme]["high"]]


def test_every_line_and_marker_has_a_counterpart_in_all_three():
    assert set(LINES) == set(DASHES) == set(PLOTLY_DASHES) and of_the_runtime("DASHES") == DASHES
    assert set(MARKERS) == set(GLYPHS) and len(set(GLYPHS.values())) == len(MARKERS)
    assert list(THEMES["dark"]["palette"]) == list(PALETTE)
    assert set(THEMES["dark"]) == set(THEMES["light"])
    for theme, data in of_the_runtime("THEMES").items():
        assert [tuple(data[end]) for end in ("low", "high")] == [rgb(THEMES[theme][end]) for end in ("low", "high")]
        assert data["ink"] == THEMES[theme]["ink"]


@pytest.fixture(scope="module")
def live(browser, tmp_path_factory):
    """The plane of one live figure in both themes: as pictures; and the levels of its contour lines."""
    page = tmp_path_factory.mktemp("style") / "page.html"
    page.write_text(Explorable(BOWL, RUN, start=START, steps=40, panels=[]).to_page(), encoding="utf-8")
    pictures = {}
    for theme in THEMES:
        tab = browser.new_page(color_scheme=theme, viewport={"width": 900, "height": 800})
        tab.goto(page.as_uri())
        tab.wait_for_function("document.querySelector('[data-optcourse]').optcourse?.methods.rows[0].loss.textContent")
        tab.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        pictures[theme] = np.array(Image.open(io.BytesIO(tab.locator(".plane").screenshot())).convert("RGB"))
        levels = tab.evaluate("Array.from(document.querySelector('[data-optcourse]').optcourse.plane.levels)")
        tab.close()
    return pictures, levels


def has(picture, color, pixels=8) -> bool:
    return int((picture == rgb(color)).all(axis=-1).sum()) >= pixels


def test_live_figures_are_drawn_in_these_colours(live):
    pictures, _ = live
    for theme, picture in pictures.items():
        for look in plotting.path_styles(["sgd", "adam", "adamw"], theme):
            assert has(picture, look["color"]), (theme, look)
        assert has(picture, THEMES[theme]["high"], pixels=1000)
        other = next(name for name in THEMES if name != theme)
        assert not has(picture, THEMES[other]["high"])


def test_a_still_has_the_colours_of_the_live_figure(live):
    pictures, _ = live
    paths = {label: run(optimizer, BOWL, START, steps=40) for label, optimizer in RUN.items()}
    canvas = plotting.plot_comparison(paths, BOWL, overlay=True).figure.canvas
    canvas.draw()
    still = np.asarray(canvas.buffer_rgba())[..., :3]
    for look in plotting.path_styles(["sgd", "adam", "adamw"]):
        assert has(still, look["color"]) and has(pictures["light"], look["color"])
    assert has(still, THEMES["light"]["high"], pixels=1000)


def test_contour_lines_are_the_same_in_all_three(live):
    _, levels = live
    np.testing.assert_allclose(
        levels, loss_levels(sample(BOWL, BOWL.domain, 181), 14), rtol=0.03
    )  # their quantiles differ
    valley = surfaces.rosenbrock()
    lines = plotting.plot_surface_3d(None, valley, height="log", resolution=101).data[0].contours.z
    expected = np.log10(loss_levels(sample(valley, valley.domain, 101), 14))
    np.testing.assert_allclose(lines.start + lines.size * np.arange(14), expected, atol=1e-6)


def test_a_halo_lies_around_lines_and_not_around_marks():
    # Around marks close to one another it would cut the line into pieces.
    _, ax = plt.subplots(figsize=(4, 4), dpi=144)
    ax.set(xlim=(0, 10), ylim=(0, 10))
    x = np.linspace(1, 9, 41)  # a mark every 5 points
    (look,) = plotting.path_styles(["sgd"])
    draw_path(ax, np.column_stack([x, np.full(41, 5.0)]), ((0, 10), (0, 10)), look)
    ax.figure.canvas.draw()
    picture = np.asarray(ax.figure.canvas.buffer_rgba())[..., :3].astype(int)
    between = ax.transData.transform(np.column_stack([(x[1:] + x[:-1]) / 2, np.full(40, 5.0)]))
    seen = picture[(picture.shape[0] - between[:, 1]).astype(int), between[:, 0].astype(int)]
    assert np.abs(seen - rgb(look["color"])).max() < 60
