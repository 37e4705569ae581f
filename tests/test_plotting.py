"""Figures: what is drawn where, what is said, and that nothing else changes."""

import re
import subprocess
import sys
import warnings

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from PIL import Image

from optcourse import optimizers, plotting, run, surfaces
from optcourse.loops import Record
from optcourse.plotting.view import clipped
from optcourse.surfaces import LossSurface
from optcourse.tracing import Trajectory

BOWL = surfaces.quadratic_bowl()
SADDLE = surfaces.saddle()
PLANE = LossSurface(lambda p: p[0] * 0.0 + 2.0, name="plane")
HUGE = LossSurface(lambda p: 10.0 ** (100 * p[0]) * p[1] ** 2, name="huge")


def through(params, surface=BOWL, optimizer="sgd", loss=None):
    """A path made by hand, with params and loss alone."""
    params = np.asarray(params, dtype=float)
    loss = surface.losses(params) if loss is None else np.asarray(loss, dtype=float)
    record = Record({"params": params, "loss": loss}, {})
    return Trajectory(optimizers.get(optimizer)(), surface, len(loss) - 1, 0, record)


SPIRAL = through([[-4 * 0.9**t * np.cos(t), 3 * 0.9**t * np.sin(t + 1)] for t in range(50)])
STRAIGHT = through(np.linspace([-4.0, 3.0], [0.0, 0.0], 20), optimizer="adam")
EXPLODING = through(
    np.outer([(-10.0) ** min(t, 307) for t in range(320)], [0.5, 1.0]),
    loss=[1.0] * 300 + [np.inf] * 10 + [np.nan] * 10,
)
LEAVING = through(np.linspace([0, 0], [40, 3], 21), optimizer="momentum")
NAN = through([[1, 1], [np.nan, 1], [np.nan, np.nan]], optimizer="rmsprop")
PATHS = {"spiral": SPIRAL, "straight": STRAIGHT, "exploding": EXPLODING, "leaving": LEAVING, "nan": NAN}


@pytest.fixture(autouse=True)
def nothing_else_changes(monkeypatch):
    """No warning, no setting changed, nothing shown; figures are closed afterwards."""
    before = dict(mpl.rcParams)
    monkeypatch.setattr(plt, "show", lambda *_, **__: pytest.fail("a plot called show"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    assert dict(mpl.rcParams) == before
    plt.close("all")


def drawn(axes):
    axes.figure.canvas.draw()
    return axes


def legend_texts(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def lines_of_color(axes, color):
    return [line for line in axes.get_lines() if to_hex(line.get_color()).upper() == color]


def test_plotting_libraries_are_imported_when_used():
    code = "import sys, optcourse; print([m in sys.modules for m in ('matplotlib', 'plotly', 'torch')]); "
    code += "import optcourse.plotting; print('plotly' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert answer.split("\n")[:2] == ["[False, False, False]", "False"]


@pytest.mark.parametrize("surface", [BOWL, SADDLE, PLANE, HUGE, surfaces.easom(), surfaces.heavy_ball_cycle()])
def test_contours_of_any_range(surface):
    ax = drawn(plotting.plot_contours(surface, resolution=41))
    assert ax.get_xlim() == surface.domain[0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y" if surface.dim == 2 else "loss")
    assert ax.get_title() == surface.name.replace("_", " ")
    stars = [line for line in ax.get_lines() if line.get_marker() == "*"]
    assert len(stars) == bool(surface.minima)
    if stars:
        np.testing.assert_allclose(np.column_stack(stars[0].get_data())[0, : surface.dim], surface.minima[0].params)


def contour_levels(ax):
    return np.unique(np.concatenate([drawn.levels for drawn in ax.collections]))


def test_levels_are_logarithmic_above_a_minimum_even_a_negative_one():
    lowered = LossSurface(lambda p: p[0] ** 2 + 10 * p[1] ** 2 - 7, name="lowered")
    levels = contour_levels(plotting.plot_contours(lowered)) + 7
    steps = np.diff(np.log(levels))
    assert len(levels) == 14 and np.allclose(steps, steps[0], rtol=1e-2)


def test_levels_are_even_where_the_lowest_loss_is_at_the_edge():
    steps = np.diff(contour_levels(plotting.plot_contours(SADDLE)))
    assert np.allclose(steps, steps[0])


def test_levels_resolution_and_domain_can_be_given():
    ax = plotting.plot_contours(BOWL, domain=[(0, 1), (0, 2)], levels=[1, 2, 3], filled=False, colorbar=False)
    assert contour_levels(ax).tolist() == [1, 2, 3]
    assert ax.get_xlim() == (0, 1) and ax.get_ylim() == (0, 2)
    colorbar = plotting.plot_contours(BOWL, colorbar=True).figure.axes[1]
    assert colorbar.get_ylabel() == "loss"


def test_given_axes_are_used_and_no_figure_is_made():
    _, (one, two, three, four) = plt.subplots(1, 4)
    assert plotting.plot_contours(BOWL, one) is one
    assert BOWL.plot_contours(ax=one) is one
    assert plotting.plot_trajectory(SPIRAL, BOWL, two) is two
    assert plotting.plot_loss_curves([SPIRAL], three) is three
    assert plotting.plot_hessian(BOWL, [1, 1], four) is four
    assert list(plotting.plot_comparison([SPIRAL, STRAIGHT], axes=[one, two])) == [one, two]
    assert plotting.plot_comparison([SPIRAL, STRAIGHT], axes=two, overlay=True) is two
    assert len(plt.get_fignums()) == 1


def test_a_trajectory_is_drawn_through_every_step_with_its_ends():
    ax = drawn(plotting.plot_trajectory(SPIRAL))
    path, end = lines_of_color(ax, plotting.PALETTE["blue"].upper())
    np.testing.assert_array_equal(np.column_stack(path.get_data()), SPIRAL.params)
    np.testing.assert_array_equal(np.ravel(end.get_data()), SPIRAL.params[-1])
    (start,) = [line for line in ax.get_lines() if line.get_label().startswith("start")]
    np.testing.assert_array_equal(np.ravel(start.get_data()), SPIRAL.params[0])
    assert ax.get_title() == "SGD on quadratic bowl"
    texts = legend_texts(ax)
    assert texts[0] == "start (-4, 2.52)" and texts[1].startswith("49 steps: (") and texts[2] == "minimum"


def test_the_view_widens_for_a_path_just_outside_but_not_for_one_that_leaves():
    near = through([[-6, 0], [0, 0]])
    assert plotting.plot_trajectory(near).get_xlim()[0] < -6
    assert plotting.plot_trajectory(LEAVING).get_xlim() == BOWL.domain[0]


@pytest.mark.parametrize("name", PATHS)
def test_every_path_is_drawn_within_the_view(name):
    ax = drawn(plotting.plot_trajectory(PATHS[name], domain=BOWL.domain))
    for line in ax.get_lines():
        points = np.column_stack(line.get_data())
        inside = np.abs(points[np.isfinite(points).all(axis=1)]) <= 5 + 1e-9
        assert inside.all()


def test_what_is_clipped_is_said():
    ax = drawn(plotting.plot_comparison(PATHS, overlay=True))
    texts = legend_texts(ax)
    assert texts == [
        "spiral",
        "straight",
        "exploding, diverges at step 300",
        "leaving, outside from step 3",
        "nan, diverges at step 1",
        "start",
        "minimum",
    ]
    crosses = [line for line in ax.get_lines() if line.get_marker() == "x"]
    assert [np.round(np.ravel(line.get_data()), 3).tolist() for line in crosses] == [[-2.5, -5.0], [5.0, 0.375], [1, 1]]


def test_clipping_cuts_at_the_edge_and_breaks_the_line():
    box = ((0, 1), (0, 1))
    points = np.array([[0.5, 0.5], [2.5, 0.5], [0.5, 2.5], [0.5, 0.5], [np.nan, 0], [0.2, 0.2], [1e300, 0.2]])
    expected = [[0.5, 0.5], [1, 0.5], [np.nan, np.nan], [0.5, 1], [0.5, 0.5], [np.nan, np.nan], [0.2, 0.2], [1, 0.2]]
    np.testing.assert_allclose(clipped(points, box), expected)
    np.testing.assert_array_equal(clipped(points[:1], box), points[:1])
    assert clipped(points[1:2], box).shape == (0, 2)


def test_side_by_side_panels_share_one_scale():
    axes = plotting.plot_comparison([SPIRAL, STRAIGHT, LEAVING, NAN])
    assert axes.shape == (4,)
    assert len({(ax.get_xlim(), ax.get_ylim()) for ax in axes}) == 1
    assert [ax.get_title() for ax in axes] == ["SGD", "Adam", "Momentum", "RMSprop"]
    assert len(axes[0].figure.axes) == 4
    drawn(axes[0])


def test_side_by_side_each_path_may_have_its_own_surface():
    other = through([[1, 1], [0, 0]], SADDLE)
    axes = plotting.plot_comparison([SPIRAL, other])
    assert [ax.get_title() for ax in axes] == [
        "SGD, on quadratic bowl on quadratic bowl",
        "SGD, on saddle on saddle",
    ] or [ax.get_title() for ax in axes] == ["SGD on quadratic bowl", "SGD on saddle"]
    with pytest.raises(ValueError, match=r"different surfaces \(quadratic_bowl, saddle\): say which"):
        plotting.plot_comparison([SPIRAL, other], overlay=True)
    plotting.plot_comparison([SPIRAL, other], SADDLE, overlay=True)


def test_an_optimizer_has_one_colour_and_namesakes_get_their_own():
    for name in optimizers.catalogue():
        assert plotting.path_styles([name, "something_else"])[0] == plotting.path_styles([name])[0]
    names = list(optimizers.catalogue())
    looks = {(s["color"], s["marker"], s["linestyle"]) for s in plotting.path_styles(names)}
    assert len(looks) == len(names)
    seven = plotting.path_styles(["sgd"] * 7)
    assert len({style["color"] for style in seven}) == len({style["marker"] for style in seven}) == 7
    assert len(plotting.path_styles(["sgd"] * 40)) == 40


def test_namesakes_are_told_apart_by_what_differs():
    record = SPIRAL.record
    fast, slow = (Trajectory(optimizers.sgd(learning_rate=rate), BOWL, len(SPIRAL), 0, record) for rate in (0.1, 0.001))
    ax = plotting.plot_loss_curves([fast, slow, STRAIGHT, STRAIGHT])
    assert legend_texts(ax) == ["SGD, learning rate 0.1", "SGD, learning rate 0.001", "Adam (1)", "Adam (2)"]


def test_loss_curves_are_the_loss_above_the_minimum_on_a_log_scale():
    bottomed = through([[0, 0]] * 4, surfaces.styblinski_tang(), loss=[0, -70, -78.33233140754283, -79])
    ax = drawn(plotting.plot_loss_curves(bottomed))
    assert ax.get_yscale() == "log" and ax.get_xlabel() == "step"
    assert ax.get_ylabel() == "loss above the minimum"
    values = ax.get_lines()[0].get_ydata()
    np.testing.assert_allclose(values[:2], [78.33233140754283, 8.33233140754283])
    assert (values > 0).all() and (values >= ax.get_ylim()[0]).all()


def test_loss_curves_without_a_known_minimum():
    falling = through([[0, 0]] * 3, SADDLE, loss=[2, -1, -3])
    ax = drawn(plotting.plot_loss_curves(falling))
    assert ax.get_ylabel() == "loss above the lowest seen"
    assert drawn(plotting.plot_loss_curves(falling, log=False)).get_lines()[0].get_ydata().tolist() == [2, -1, -3]
    assert plotting.plot_loss_curves(falling, minimum_loss=-4).get_lines()[0].get_ydata().tolist() == [6, 3, 1]
    positive = through([[0, 0]] * 3, SADDLE, loss=[3, 2, 1])
    assert plotting.plot_loss_curves(positive).get_ylabel() == "loss"


def test_loss_curves_of_paths_that_diverge_leave_the_others_readable():
    blown = through([[1, 1]] * 5, loss=[1, 1e100, 1e300, np.inf, np.nan])
    ax = drawn(plotting.plot_loss_curves({"blown": blown, "spiral": SPIRAL}))
    assert legend_texts(ax) == ["blown, diverges at step 3", "spiral"]
    assert ax.get_ylim()[1] < 1e8
    assert [line.get_marker() for line in ax.get_lines()].count("x") == 1
    nothing = through([[1, 1]] * 2, loss=[np.nan, np.nan])
    drawn(plotting.plot_loss_curves(nothing))
    drawn(plotting.plot_loss_curves(through([[0, 0]], loss=[0])))


def test_hessian_of_a_bowl_turned_by_thirty_degrees():
    bowl = surfaces.quadratic_bowl((2.0, 50.0), rotation=30.0)
    ax = drawn(plotting.plot_hessian(bowl, [0.5, 0.0]))
    assert legend_texts(ax)[:3] == ["local quadratic", "eigenvalue 2", "eigenvalue 50"]
    assert "condition number 25, stable below 2/L = 0.04" in ax.get_title()
    by_label = {line.get_label(): np.column_stack(line.get_data()) for line in ax.get_lines()}
    flat, steep = (np.diff(by_label[f"eigenvalue {value}"], axis=0)[0] for value in (2, 50))
    assert abs(flat[1] / flat[0]) == pytest.approx(np.tan(np.radians(30)))
    assert flat @ steep == pytest.approx(0, abs=1e-9)
    assert np.linalg.norm(flat) / np.linalg.norm(steep) == pytest.approx(5)
    offsets = by_label["local quadratic"] - [0.5, 0.0]
    heights = np.einsum("ni,ij,nj->n", offsets, bowl.hessian([0.0, 0.0]), offsets)
    assert np.allclose(heights, heights[0])


def test_hessian_without_an_ellipse():
    ax = drawn(plotting.plot_hessian(SADDLE, [0, 0]))
    assert "saddle: no learning rate is stable" in ax.get_title()
    assert "local quadratic" not in legend_texts(ax)
    assert "no curvature" in plotting.plot_hessian(PLANE, [0, 0]).get_title()


def test_a_one_dimensional_path_is_drawn_on_its_curve():
    surface = surfaces.heavy_ball_cycle()
    path = through([[3.25], [-1.8], [2.1]], surface)
    ax = drawn(plotting.plot_trajectory(path))
    line = lines_of_color(ax, plotting.PALETTE["blue"].upper())[0]
    np.testing.assert_allclose(line.get_ydata(), surface.losses(path.params))


def test_figures_in_three_dimensions_hold_the_path():
    figure = plotting.plot_surface_3d({"spiral": SPIRAL, "exploding": EXPLODING}, BOWL, resolution=21)
    ground, line, clipped_line, _, marks = figure.data
    assert ground.type == "surface" and ground.z.shape == (21, 21)
    assert (line.name, clipped_line.name) == ("spiral", "exploding")
    assert marks.hovertext == ("minimum", "spiral start", "spiral end", "exploding start", "exploding last seen")
    assert "".join(marks.text) == "★●●●✕"
    np.testing.assert_allclose(np.column_stack([line.x, line.y]), SPIRAL.params, rtol=1e-6)
    lifted = line.z - SPIRAL.loss
    assert (lifted > 0).all() and lifted.max() < 0.1 * np.ptp(ground.z)
    shown = np.isfinite(np.asarray(clipped_line.x, dtype=float))
    assert shown.sum() == 1
    assert figure.layout.meta["description"] == plotting.describe({"spiral": SPIRAL, "exploding": EXPLODING})
    figure.to_json()


def test_height_is_logarithmic_where_the_range_is_huge():
    assert plotting.plot_surface_3d(SPIRAL, resolution=21).layout.scene.zaxis.tickvals is None
    figure = plotting.plot_surface_3d(None, surfaces.goldstein_price(), resolution=21)
    assert "1000" in figure.layout.scene.zaxis.ticktext
    assert figure.layout.scene.zaxis.title.text == "loss above 3"
    assert plotting.plot_surface_3d(None, BOWL, height="log", resolution=21).layout.scene.zaxis.ticktext
    plotting.plot_surface_3d(None, PLANE, height="log", resolution=5).to_json()


def test_a_gif_has_its_frames(tmp_path):
    file = plotting.create_animation(SPIRAL, BOWL, tmp_path / "spiral.gif", fps=20, frames=12, progress=False)
    assert file == tmp_path / "spiral.gif" and list(tmp_path.iterdir()) == [file]
    with Image.open(file) as gif:
        assert gif.n_frames == 12
        assert gif.size[0] == round(4.6 * 90)
        assert gif.info["duration"] == 50 and gif.info["loop"] == 0
        assert gif.info["comment"].decode() == plotting.describe(SPIRAL)
        last = (gif.seek(11), gif.convert("RGB").getcolors(1 << 20))[1]
    assert (0x00, 0x72, 0xB2) in [color for _, color in last]
    assert file.stat().st_size < 100_000
    assert not plt.get_fignums()


def test_a_html_animation_needs_no_network(tmp_path):
    several = {"<one>": SPIRAL, "leaving": LEAVING, "nan": NAN}
    page = plotting.create_animation(several, None, tmp_path / "a.html", frames=8, progress=False).read_text()
    assert not re.search(r"https?:|//\w", re.sub(r"base64,[^\"]*|frames = \[.*?\]", "", page))
    assert len(re.findall(r'"iVBOR', page)) == 8
    assert 'alt="&lt;one&gt; on quadratic bowl' in page and "<one>" not in page
    assert re.search(r"steps = \[0, 7, .*49\]", page)
    assert len(page) < 150_000


def test_a_default_animation_is_small(tmp_path):
    file = plotting.create_animation([SPIRAL, STRAIGHT], BOWL, tmp_path / "a.html", progress=False)
    assert file.stat().st_size < 600_000


def test_an_animation_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    kept = tmp_path / "kept.gif"
    kept.write_bytes(b"old")
    monkeypatch.setattr(Image.Image, "save", lambda *_, **__: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        plotting.create_animation(STRAIGHT, BOWL, kept, frames=2, progress=False)
    assert list(tmp_path.iterdir()) == [kept] and kept.read_bytes() == b"old"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"filename": "a.mp4"}, ValueError, r"a \.gif or an \.html file, got 'a.mp4'"),
        ({"filename": None}, TypeError, "say where to write it"),
        ({"filename": "/no/such/folder/a.gif"}, FileNotFoundError, "no folder"),
        ({"filename": "a.gif", "fps": 0}, ValueError, "fps must be positive"),
        ({"filename": "a.gif", "frames": 0}, ValueError, "frames must be 1 or more"),
        ({"surface": "a.gif"}, TypeError, "filename comes after the surface"),
    ],
)
def test_bad_animations(options, error, message):
    with pytest.raises(error, match=message):
        plotting.create_animation(SPIRAL, **options)


def test_bad_input_says_what_to_do():
    with pytest.raises(ValueError, match="one or two parameters can be drawn, quadratic_bowl has 3 parameters"):
        plotting.plot_contours(surfaces.quadratic_bowl((1.0, 2.0, 3.0)))
    with pytest.raises(ValueError, match=r"domain must hold 2 \(low, high\) pairs"):
        plotting.plot_contours(BOWL, domain=[(0, 1)])
    with pytest.raises(TypeError, match="For several, use plot_comparison"):
        plotting.plot_trajectory([SPIRAL])
    with pytest.raises(TypeError, match="expected a Trajectory"):
        plotting.plot_comparison([SPIRAL, BOWL])
    with pytest.raises(ValueError, match="no path to draw"):
        plotting.plot_comparison([])
    with pytest.raises(ValueError, match="need 2 axes, got 1"):
        plotting.plot_comparison([SPIRAL, STRAIGHT], axes=[plt.figure().add_subplot()])
    with pytest.raises(ValueError, match=r"params on quadratic bowl have shape \(2,\), this path's have shape \(1,\)"):
        plotting.plot_trajectory(through([[1.0]], surfaces.heavy_ball_cycle()), BOWL)
    with pytest.raises(ValueError, match="no finite Hessian at"):
        plotting.plot_hessian(LossSurface(lambda p: (p[0] ** 2 + p[1] ** 2) ** 0.5), [0, 0])
    with pytest.raises(ValueError, match=r"params must have shape \(2,\)"):
        plotting.plot_hessian(BOWL, [0, 0, 0])
    with pytest.raises(ValueError, match='height must be "auto", "loss" or "log"'):
        plotting.plot_surface_3d(SPIRAL, height="tall")
    with pytest.raises(ValueError, match="nothing to draw"):
        plotting.plot_surface_3d(None)


def test_params_and_loss_are_all_that_has_to_be_recorded():
    path = run(optimizers.sgd(learning_rate=0.05), BOWL, [-4, 2], steps=10, record=("params", "loss"))
    plotting.plot_trajectory(path)
    plotting.plot_loss_curves(path)
    assert plotting.describe(path) == "SGD on quadratic bowl from (-4, 2) in 10 steps to (-1.39, 0.00), loss 1.9."
    ended = run(optimizers.sgd(learning_rate=0.05), BOWL, [-4, 2], steps=10, record="last")
    with pytest.raises(AttributeError, match=r"params was not recorded .*; add it to record="):
        plotting.plot_trajectory(ended)


def test_descriptions():
    assert plotting.describe(NAN) == "RMSprop on quadratic bowl from (1, 1) diverges at step 1."
    both = plotting.describe([SPIRAL, STRAIGHT])
    assert both.startswith("SGD on quadratic bowl from")
    assert both.endswith(". Adam on quadratic bowl from (-4, 3) in 19 steps to (0.00, 0.00), loss 0.")


def test_an_animation_in_a_page_is_sealed_in_a_frame():
    path = run(optimizers.sgd(0.05), surfaces.quadratic_bowl(), [-4.0, 2.0], steps=5)
    page = plotting.show_animation(path, frames=3).data
    assert page.startswith("<div><iframe") and 'sandbox="allow-scripts"' in page and "SGD" in page.split("srcdoc")[0]
    assert not re.search(r"(?:src|href)=(?:&quot;|\")(?!data:)", page)
