"""A live chart shows what JAX computes, in a real browser, opened from a file, with no network."""

import json
import re
from urllib.parse import unquote

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optcourse as oc
from optcourse.explorables import CompileError, LiveCurves
from optcourse.plotting import PALETTE

FIGURE = "document.querySelector('[data-optcourse]').optcourse"
FORMATS = {"float16": 65504.0, "bfloat16": 3.3895313892515355e38}


def loss_scale(initial=65536.0, interval=20, spread=3.0, *, format="float16"):
    """A scale that is halved after an overflow, and doubled after `interval` steps without one."""
    gradients = jnp.exp(spread * jnp.sin(jnp.arange(300.0) / 17))

    def step(state, gradient):
        scale, good = state
        bad, due = scale * gradient > FORMATS[format], good + 1 >= interval
        return (jnp.where(bad, scale / 2, jnp.where(due, scale * 2, scale)), jnp.where(bad | due, 0.0, good + 1)), (
            scale,
            bad,
        )

    _, (scale, bad) = jax.lax.scan(step, (initial, 0.0), gradients)
    return {"scale": scale, "skipped": jnp.where(bad, scale, jnp.nan), "skipped steps": bad.sum(), "share": bad.mean()}


def schedules_of(warmup=0.1, cooldown=0.2, *, shape="linear"):
    at = jnp.linspace(0.0, 1.0, 101)
    down = jnp.clip((1 - at) / cooldown, 0, 1)
    down = down if shape == "linear" else jnp.sqrt(down)
    cosine = optax.cosine_decay_schedule(1.0, 100)(jnp.arange(101))
    return {"flat": (at, jnp.minimum(at / warmup, down)), "cosine": (at, cosine * jnp.minimum(at / warmup, 1))}


def histogram(exponent=0.0):
    edges = np.linspace(-4, 4, 17)
    values = jnp.sin(jnp.arange(1.0, 200.0)) * 3 + exponent
    counts = ((values[:, None] >= edges[:-1]) & (values[:, None] < edges[1:])).sum(0)
    return {"values": ((edges[1:] + edges[:-1]) / 2, counts), "inside": counts.sum(), "median": jnp.median(values)}


def number_line(x=1.0):
    """Numbers with 3 and 2 mantissa bits around x."""
    near = x * (1 + jnp.linspace(-0.5, 0.5, 60))
    return {f"{m} bits": (jax.lax.reduce_precision(near, 11, m), jnp.full(60, float(m))) for m in (3, 2)}


GIVEN = {
    "scale": (
        loss_scale,
        {
            "choices": {"format": tuple(FORMATS)},
            "styles": {"scale": "steps", "skipped": "dots"},
            "ranges": {"spread": (0.5, 10.0)},
            "names": {"spread": "spread of the gradients"},
            "y_log": True,
            "x_label": "step",
            "y_label": "loss scale",
        },
    ),
    "schedules": (schedules_of, {"choices": {"shape": ("linear", "root")}, "x_label": "share of the steps"}),
    "histogram": (histogram, {"styles": "bars", "ranges": {"exponent": (-2.0, 2.0)}, "y_limits": (0, None)}),
    "line": (number_line, {"styles": "dots", "y_ticks": {2: "two", 3: "three"}, "y_limits": (1.5, 3.5)}),
}


def figure_of(which, **more):
    function, given = GIVEN[which]
    return LiveCurves(function, **{"name": which, **given, **more})


@pytest.fixture(scope="module")
def show(browser, tmp_path_factory):
    """Opens a figure from a file in a fresh page; errors and requests elsewhere fail the test."""
    folder, complaints = tmp_path_factory.mktemp("curves"), []

    def opened(figure, *, address="", awake=True, **options):
        text = figure if isinstance(figure, str) else figure.to_page()
        (folder / "page.html").write_text(text, encoding="utf-8")
        context = browser.new_context(offline=True, **{"viewport": {"width": 900, "height": 700}, **options})
        page = context.new_page()
        page.set_default_timeout(8000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        page.goto((folder / "page.html").as_uri() + address)
        if awake:
            page.wait_for_function(f"() => {FIGURE}?.drawn")
        return page

    yield opened
    assert not complaints


def settled(page):
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def shown(page) -> dict:
    """What the page shows, in the form of a call of the figure."""
    settled(page)
    text = page.evaluate(
        f"""() => [
          {FIGURE}.curves.map(({{ label, xs, ys }}) => [label, Array.from(xs, String), Array.from(ys, String)]),
          {FIGURE}.results.map(([label, value]) => [label, String(value)]),
        ]"""
    )

    def numbers(texts):
        return np.array([float(text.replace("Infinity", "inf")) for text in texts])

    curves, results = text
    return {label: (numbers(x), numbers(y)) for label, x, y in curves} | {label: float(x) for label, x in results}


def check(page, figure, **settings):
    """The page shows what JAX computes at these settings."""
    mine, right = shown(page), figure(**settings)
    assert list(mine) != [] and mine.keys() == right.keys()
    for label, value in right.items():
        if isinstance(value, (int, float)):
            assert mine[label] == pytest.approx(value, rel=1e-12, nan_ok=True)
            continue
        x, y = value if isinstance(value, tuple) else (np.arange(len(value)), value)
        np.testing.assert_allclose(mine[label][0], x, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(mine[label][1], y, rtol=1e-12, atol=1e-12 * np.abs(y[np.isfinite(y)]).max(initial=0))


def set_slider(page, name, position):
    page.locator(".slider", has_text=name).locator("input").evaluate(
        "(input, to) => { input.value = to; input.dispatchEvent(new Event('input')); }", position
    )
    settled(page)


def values_of(page):
    return page.evaluate(f"() => {FIGURE}.settings().values")


# --- the numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GIVEN)
def test_it_shows_what_jax_computes(show, name):
    figure = figure_of(name)
    page = show(figure)
    check(page, figure)
    for k, text in enumerate(page.locator(".slider span").all_inner_texts()):
        before = shown(page)
        for position in (0.2, 0.9):
            set_slider(page, text, position)
            check(page, figure, **values_of(page))
        assert json.dumps(before, default=list) != json.dumps(shown(page), default=list), f"slider {k} moves nothing"


def test_every_choice_is_compiled(show):
    figure = figure_of("scale")
    page = show(figure)
    set_slider(page, "initial", 0.95)
    assert values_of(page)["initial"] > 1e6
    skipped = {}
    for text in FORMATS:
        page.get_by_role("combobox", name="format").select_option(text)
        check(page, figure, format=text, **values_of(page))
        skipped[text] = page.locator(".numbers dd").first.inner_text()
    assert skipped["float16"] != skipped["bfloat16"] == "0"


def test_a_chart_of_something_else_is_noticed(show):
    figure = figure_of("histogram")
    page = show(figure)
    with pytest.raises(AssertionError):
        check(page, figure, exponent=0.5)
    page.evaluate(f"() => ({FIGURE}.curves[0].ys[3] += 1)")
    with pytest.raises(AssertionError, match="Mismatched elements: 1 "):
        check(page, figure)


def test_whole_numbers_stay_whole_and_sliders_move_with_the_keyboard(show):
    page = show(figure_of("scale"))
    slider = page.get_by_role("slider", name="interval")
    slider.focus()
    seen = []
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft", "ArrowLeft", "PageUp"):
        page.keyboard.press(key)
        seen.append(values_of(page)["interval"])
    assert seen == [21, 22, 21, 20, 19, pytest.approx(30, abs=6)] and seen[-1] == int(seen[-1])
    assert slider.get_attribute("aria-valuetext") == str(int(seen[-1]))


# --- reading it off -----------------------------------------------------------------------------------------------


def test_pointing_at_a_curve_reads_it_off(show):
    figure = figure_of("schedules")
    page = show(figure)
    x, y = figure()["flat"]
    left, top = page.evaluate(f"() => {FIGURE}.graph.place({x[50]}, {y[50]})")
    box = page.locator(".reader").bounding_box()
    page.mouse.move(box["x"] + left + 1, box["y"] + top + 3)
    settled(page)
    assert page.locator(".readout").inner_text() == "flat: share of the steps 0.5, 1"
    assert page.locator(".reader").get_attribute("aria-valuetext") == "flat: share of the steps 0.5, 1"
    page.mouse.move(5, 690)
    settled(page)
    assert page.locator(".readout").inner_text() == ""


def test_the_keyboard_walks_along_the_curves_over_gaps(show):
    figure = figure_of("scale")
    page = show(figure)
    reader, values = page.locator(".reader"), figure()
    reader.focus()

    def press(key):
        page.keyboard.press(key)
        settled(page)
        return reader.get_attribute("aria-valuetext")

    assert press("ArrowRight") == "scale: step 0, 65536"
    assert press("ArrowRight") == f"scale: step 1, {int(values['scale'][1])}"
    there = np.flatnonzero(np.isfinite(values["skipped"]))
    assert press("ArrowDown") == f"skipped: step {there[1]}, {int(values['skipped'][there[1]])}"
    assert press("ArrowRight") == f"skipped: step {there[2]}, {int(values['skipped'][there[2]])}"
    assert press("End") == f"skipped: step {there[-1]}, {int(values['skipped'][there[-1]])}"
    assert reader.get_attribute("aria-valuenow") == str(there[-1])
    assert press("ArrowUp").startswith(f"scale: step {there[-1]}, ")
    assert page.locator(".readout").inner_text() == reader.get_attribute("aria-valuetext")


def test_where_the_axis_has_names_the_value_is_not_said(show):
    page = show(figure_of("line"))
    page.locator(".reader").focus()
    page.keyboard.press("ArrowRight")
    settled(page)
    assert page.locator(".readout").inner_text() == "3 bits: x 0.5"
    x, _ = figure_of("line")()["3 bits"]
    said = page.evaluate(f"() => {FIGURE}.describe()")
    assert f"3 bits: {len(np.unique(x))} points from 0.5 to 1.5." in said


def test_it_says_what_it_shows(show):
    figure = figure_of("scale", digits=3)
    page = show(figure)
    page.wait_for_function(f"() => {FIGURE}.live.textContent")
    values = figure()
    said = page.evaluate(f"() => {FIGURE}.describe()")
    assert said.startswith(
        "With format float16, initial 65536, interval 20, spread of the gradients 3. scale: 300 points"
    )
    skipped = np.isfinite(values["skipped"])
    assert f"skipped: {skipped.sum()} points" in said and f"skipped steps: {skipped.sum()}" in said
    assert f"lowest {int(values['scale'].min())} at {values['scale'].argmin()}" in said
    assert page.locator("canvas[role=img]").get_attribute("aria-label") == said
    assert page.evaluate(f"() => {FIGURE}.live.textContent") == said
    names = page.evaluate(
        f"""() => Array.from({FIGURE}.root.querySelectorAll("input, select, button, .reader"), (part) =>
          part.getAttribute("aria-label") || part.labels?.[0]?.textContent || part.textContent)"""
    )
    assert all(name.strip() for name in names) and len(names) == 7
    assert page.locator("h1, h2, h3, h4").count() == 0


# --- the drawing ------------------------------------------------------------------------------------------------------

INK = """(color) => {
  const canvas = document.querySelector("[data-optcourse]").optcourse.graph.canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const wanted = color.match(/\\w\\w/g).map((part) => parseInt(part, 16));
  const columns = new Set();
  for (let k = 0; k < data.length; k += 4) {
    const there = data[k + 3] === 255 && wanted.every((part, c) => Math.abs(data[k + c] - part) < 3);
    if (there) columns.add((k / 4) % canvas.width);
  }
  return Array.from(columns);
}"""


def gap(x=0.0):
    y = jnp.ones(5).at[2].set(jnp.where(x > 0, jnp.nan, 1.0)) + 0 * x
    return {"curve": y, "other": y + 1}


@pytest.mark.parametrize("style", ["line", "steps", "dots", "bars"])
def test_nan_leaves_a_gap(show, style):
    figure = LiveCurves(gap, styles=style, colors={"curve": "black", "other": "black"}, ranges={"x": (-1.0, 1.0)})
    page = show(figure)
    middle = page.evaluate(f"() => {FIGURE}.graph.place(2, 1)[0]")
    seen = []
    for position in (0.2, 0.8):
        set_slider(page, "x", position)
        # Half transparent bars on nothing: look at what is there at all.
        ink = (
            page.evaluate(
                f"""(x) => Array.from({FIGURE}.graph.canvas.getContext("2d").getImageData(x, 40, 1, 150).data)
                  .filter((part, k) => k % 4 === 3 && part > 60).length""",
                round(middle) + 3,
            )
            if style == "bars"
            else sum(abs(x - middle) < 2 for x in page.evaluate(INK, "000000"))
        )
        seen.append(ink)
    assert seen[0] > 0 and seen[1] < seen[0]
    check(page, figure, x=0.5)


def test_light_and_dark(show):
    for scheme in ("light", "dark"):
        page = show(figure_of("schedules"), color_scheme=scheme)
        color = page.evaluate(f"() => colorOf = {FIGURE}.theme.palette['{PALETTE['blue']}'] ?? '{PALETTE['blue']}'")
        assert len(page.evaluate(INK, color)) > 100
        assert page.evaluate(f"() => {FIGURE}.root.dataset.theme") == scheme
    page.emulate_media(color_scheme="light")
    page.wait_for_function(f"() => {FIGURE}.root.dataset.theme === 'light'")
    settled(page)
    assert len(page.evaluate(INK, PALETTE["blue"])) > 100


def test_on_a_phone(show):
    page = show(figure_of("scale"), viewport={"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator(".graph").bounding_box()["height"] >= 240


def test_axes_and_limits(show):
    page = show(figure_of("line", x_limits=(None, 4)))
    scale = page.evaluate(f"() => [{FIGURE}.graph.x.low, {FIGURE}.graph.x.high, {FIGURE}.graph.y.low]")
    assert scale[0] < 0.5 and scale[1:] == [4, 1.5]
    assert [text for _, text in page.evaluate(f"() => {FIGURE}.graph.y.ticks")] == ["two", "three"]
    page = show(figure_of("scale"))
    ticks = [text for _, text in page.evaluate(f"() => {FIGURE}.graph.y.ticks")]
    assert ticks == ["2000", "5000", "10000", "20000", "50000"]


# --- on pages -----------------------------------------------------------------------------------------------------


def test_links_and_reset(show):
    figure = figure_of("scale")
    page = show(figure, permissions=["clipboard-read", "clipboard-write"])
    set_slider(page, "initial", 0.4)
    page.get_by_role("combobox", name="format").select_option("bfloat16")
    settled(page)
    wanted = page.evaluate(f"() => {FIGURE}.settings()")
    page.get_by_role("button", name="Copy link").click()
    page.wait_for_function(f"() => {FIGURE}.told.textContent === 'Copied.'")
    link = page.evaluate("() => navigator.clipboard.readText()")
    assert json.loads(unquote(link.split("#scale=")[1])) == wanted
    other = show(figure, address="#" + link.split("#")[1])
    assert other.evaluate(f"() => {FIGURE}.settings()") == wanted
    assert other.get_by_role("combobox", name="format").input_value() == "bfloat16"
    check(other, figure, format="bfloat16", **wanted["values"])
    other.get_by_role("button", name="Reset").click()
    settled(other)
    check(other, figure)
    assert other.get_by_role("combobox", name="format").input_value() == "float16"
    assert other.get_by_role("slider", name="initial").get_attribute("aria-valuetext") == "65536"


def test_a_link_that_makes_no_sense_is_ignored(show):
    figure = figure_of("schedules")
    for settings in ('{"values":{"warmup":"x"},"choices":{"shape":7}}', "%7B"):
        check(show(figure, address=f"#schedules={settings}"), figure)


def test_with_scripts_off_there_is_a_picture(show):
    figure = figure_of("scale", caption="Try it.")
    page = show(figure, awake=False, java_script_enabled=False)
    picture = page.locator("img")
    assert picture.bounding_box()["width"] > 300
    skipped = figure()["skipped steps"]
    assert picture.get_attribute("alt").startswith(f"Loss scale: scale, skipped; skipped steps {skipped:g}; share")
    assert page.get_by_text("Try it.").is_visible()
    html = figure.to_html(runtime=False, paths=False)
    assert 'alt="Loss scale."' in html and "optcourse-runtime" not in html


def test_it_lives_beside_an_explorable(show):
    surface = oc.surfaces.booth()
    path = oc.Explorable(surface, oc.optimizers.sgd(0.01), steps=5, panels=[])
    chart = figure_of("histogram")
    body = f"<!doctype html><title>Both</title>{path.to_html()}{chart.to_html(runtime=False)}"
    page = show(body)
    page.wait_for_function(
        "() => Array.from(document.querySelectorAll('[data-optcourse]')).every((h) => h.optcourse?.drawn)"
    )
    assert page.evaluate("() => document.querySelectorAll('[data-optcourse]')[1].optcourse.curves.length") == 1


def test_as_an_output_of_a_notebook():
    figure = figure_of("histogram")
    data = figure._repr_mimebundle_()
    assert data["text/plain"] == "<LiveCurves of histogram: values, inside, median>"
    assert 'data-optcourse="histogram"' in data["text/html"] and "optcourse-runtime" in data["text/html"]
    assert oc.LiveCurves is LiveCurves


# --- what it is given -------------------------------------------------------------------------------------------------


def test_defaults_of_the_function_become_sliders():
    def given(a=1.0, b=3, c="text", d=True):
        return {"y": a * jnp.arange(3.0)}

    figure = LiveCurves(given)
    assert [slider["name"] for slider in figure.spec["sliders"]] == ["a", "b"]
    assert figure.spec["sliders"][1]["range"]["whole"] and "whole" not in figure.spec["sliders"][0]["range"]
    np.testing.assert_array_equal(figure(a=2.0)["y"], [0, 2, 4])
    assert LiveCurves(given, sliders={"b": 2.0}).spec["sliders"][0]["value"] == 2


def test_half_precision_stays_half_precision():
    def given(x=0.1):
        return {"y": (jnp.ones(3, jnp.float16) * x).astype(jnp.float64)}

    assert LiveCurves(given)()["y"][0] == np.float16(0.1)


def of(result):
    return lambda x=1.0: result(x) if callable(result) else result


@pytest.mark.parametrize(
    ("result", "options", "error", "message"),
    [
        ([1, 2], {}, TypeError, "must return a dict by label, got list"),
        ({"y": jnp.ones((2, 2))}, {}, ValueError, "'y' must be an array of y values"),
        ({"y": (jnp.ones(2), jnp.ones(3))}, {}, ValueError, r"got shapes \(2,\), \(3,\)"),
        ({"y": (1.0, 2.0)}, {}, ValueError, "'y' must be an array"),
        ({"y": jnp.ones(2)}, {"styles": "wavy"}, ValueError, "no style 'wavy'"),
        ({"curve": jnp.ones(2)}, {"styles": {"curv": "dots"}}, ValueError, "Did you mean 'curve'"),
        ({"y": jnp.ones(2)}, {"colors": {"y": "blu"}}, ValueError, "Did you mean 'blue'"),
        ({"y": jnp.ones(2)}, {"ranges": {"z": (0, 1)}}, ValueError, "ranges: there is no 'z'"),
        ({"y": jnp.ones(2)}, {"ranges": {"x": (2, 3)}}, ValueError, "around its value 1"),
        ({"y": jnp.ones(2)}, {"sliders": {"w": 1.0}}, ValueError, "there is no 'w'"),
        ({"y": jnp.ones(2)}, {"choices": {"x": ()}}, ValueError, "x: a slider and a choice at once"),
        ({"y": jnp.ones(2)}, {"choices": {"x": ()}, "sliders": {}}, ValueError, "1 to 32, got 0"),
        ({"y": jnp.ones(2)}, {"y_limits": (2, 1)}, ValueError, r"limits of an axis must be \(low, high\)"),
        ({"y": jnp.ones(2)}, {"x_log": True, "x_limits": (0, 1)}, ValueError, "must be positive"),
        (lambda x: {"y": jax.lax.lgamma(x * jnp.ones(2))}, {}, CompileError, "'lgamma' has no translation"),
    ],
)
def test_bad_input_is_refused(result, options, error, message):
    with pytest.raises(error, match=message):
        LiveCurves(of(result), **options)


def test_a_parameter_without_a_value_is_refused():
    with pytest.raises(TypeError, match="steps needs a slider or a choice"):
        LiveCurves(lambda steps: {"y": steps * jnp.ones(2)})


def test_bad_settings_are_refused():
    figure = figure_of("schedules")
    with pytest.raises(ValueError, match="Did you mean 'warmup'"):
        figure(warmpu=0.1)
    with pytest.raises(ValueError, match="shape must be one of linear, root"):
        figure(shape="round")


def test_names_of_figures_follow_their_contents():
    first, same, other = (figure_of("histogram", name=None, digits=digits) for digits in (5, 5, 4))
    assert first.name == same.name != other.name and re.fullmatch(r"histogram-\w{6}", first.name)
