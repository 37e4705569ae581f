"""Live figures in a real browser, opened from a file, with no network: every way to move them, and what they say."""

import gzip
import json
import re
from contextlib import contextmanager
from urllib.parse import unquote

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.lax import lgamma

import optcourse as oc
from optcourse import optimizers, surfaces
from optcourse.explorables import CompileError, Explorable, bundle

MODEL = "document.querySelector('[data-optcourse]').optcourse.model"
FIGURE = "document.querySelector('[data-optcourse]').optcourse"
NO_EVAL = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data:\">"
)


@pytest.fixture(scope="module")
def race() -> Explorable:
    methods = {"SGD": optimizers.sgd(0.001), "Adam": optimizers.adam(0.1)}
    return Explorable(surfaces.rosenbrock(), methods, steps=120, name="race", panels=["share"])


@pytest.fixture
def show(browser, tmp_path):
    """Opens HTML from a file in a fresh page where anything fetched from elsewhere and any error fails the test."""

    @contextmanager
    def opened(html, *, address="", awake=True, **options):
        file = tmp_path / "figure.html"
        file.write_text(html.to_page() if isinstance(html, Explorable) else html, encoding="utf-8")
        context = browser.new_context(**{"viewport": {"width": 900, "height": 900}, **options})
        troubles = []
        context.on("request", lambda r: r.url.startswith(("file:", "data:", "blob:")) or troubles.append(r.url))
        context.on("weberror", lambda error: troubles.append(str(error.error)))
        context.on("console", lambda message: message.type == "error" and troubles.append(message.text))
        page = context.new_page()
        page.goto(file.as_uri() + address)
        if awake:
            page.wait_for_function(f"() => {FIGURE}?.methods.rows[0].loss.textContent")
        yield page
        assert not troubles
        context.close()

    return opened


def settled(page):
    """Wait until everything that was asked for has been drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def end_of(page, label="Adam"):
    """Where a path of the figure ends, and its settings."""
    return page.evaluate(
        f"""(label) => {{
            const method = {MODEL}.methods.find((m) => m.label === label);
            const {{ path }} = method;
            return {{
                start: Array.from({MODEL}.start), end: Array.from(path.point(path.steps)),
                loss: path.losses[path.steps], values: Array.from(method.values),
            }};
        }}""",
        label,
    )


def centre(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


# --- moving the start ---------------------------------------------------------------------------------------------


def test_dragging_the_start_gives_the_path_that_run_gives(show, race):
    with show(race) as page:
        before = end_of(page)
        picture = page.locator(".plane").screenshot()
        page.mouse.move(*centre(page.locator(".handle")))
        page.mouse.down()
        page.mouse.move(300, 120, steps=5)
        page.mouse.up()
        settled(page)
        after = end_of(page)
        assert page.locator(".plane").screenshot() != picture
    assert before["start"] == pytest.approx([-1.2, 1.0])
    assert after["start"] != before["start"]
    path = oc.run(optimizers.adam(0.1), surfaces.rosenbrock(), after["start"], steps=120)
    np.testing.assert_allclose(after["end"], path.final_params, rtol=1e-8)
    np.testing.assert_allclose(after["loss"], path.final_loss, rtol=1e-6)


def test_a_click_on_the_plane_takes_the_start_there(show, race):
    with show(race) as page:
        box = page.locator(".plane").bounding_box()
        page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.25 * box["height"])
        settled(page)
        assert end_of(page)["start"] == pytest.approx([1.0, 2.0], abs=0.02)


def test_arrow_keys_move_the_start_and_are_told(show, race):
    with show(race) as page:
        handle = page.locator(".handle")
        handle.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Shift+ArrowUp")
        settled(page)
        assert end_of(page)["start"] == pytest.approx([-1.2 + 4 / 200, 1.0 + 4 / 20])
        assert handle.get_attribute("aria-label") == "Starting point (−1.18, 1.2)"
        page.wait_for_function("() => true", timeout=1000)
        page.locator("[aria-live]").get_by_text("From (−1.18, 1.2), after 120 steps").wait_for(state="attached")


def test_a_finger_drags_the_start_and_scrolls_elsewhere(show, race):
    with show(race, has_touch=True, viewport={"width": 360, "height": 500}) as page:
        touch = page.context.new_cdp_session(page)

        def swipe(x, y, dx, dy):
            touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
            for part in (0.25, 0.5, 0.75, 1):
                at = {"x": x + part * dx, "y": y + part * dy}
                touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [at]})
            touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
            settled(page)

        before = end_of(page)["start"]
        swipe(250, 300, 0, -150)  # beside the handle: the page scrolls, the start stays
        page.wait_for_function("() => window.scrollY > 50")
        assert end_of(page)["start"] == before
        page.wait_for_timeout(500)  # until the page has stopped gliding
        page.evaluate("() => window.scrollTo(0, 0)")
        settled(page)
        swipe(*centre(page.locator(".handle")), 60, 0)
        moved = end_of(page)["start"]
        assert moved[0] > before[0] + 0.4 and moved[1] == pytest.approx(before[1], abs=0.05)
        page.touchscreen.tap(270, 90)  # a tap is a choice
        settled(page)
        assert end_of(page)["start"][0] > 0.8


# --- settings -----------------------------------------------------------------------------------------------------


def test_sliders_change_the_hyperparameters_of_the_optimizer_in_focus(show, race):
    with show(race) as page:
        page.get_by_role("button", name="Tune Adam").click()
        slider = page.get_by_role("slider", name="learning rate")
        slider.focus()
        for _ in range(5):
            page.keyboard.press("ArrowLeft")
        settled(page)
        after = end_of(page)
        names = sorted(optimizers.adam(0.1).hyperparams)
        values = dict(zip(names, after["values"], strict=True))
        assert 0.05 < values["learning_rate"] < 0.1
        assert float(slider.get_attribute("aria-valuetext")) == values["learning_rate"]
    path = oc.run(optimizers.adam(**values), surfaces.rosenbrock(), after["start"], steps=120)
    np.testing.assert_allclose(after["end"], path.final_params, rtol=1e-8)


def test_every_slider_reaches_its_ends_and_shows_where_it_is(show):
    methods = {"AdamW": optimizers.adamw(weight_decay=0.0), "Momentum": optimizers.momentum}
    with show(Explorable(surfaces.quadratic_bowl(), methods, panels=[], steps=5)) as page:
        for label in methods:
            page.get_by_role("button", name=f"Tune {label}").click()
            hyperparams = page.evaluate(
                f"(label) => {MODEL}.methods.find((m) => m.label === label).spec.hyperparams", label
            )
            assert page.locator(".slider input").count() == len(hyperparams)
            assert page.locator(".slider").first.text_content().startswith("learning rate")
            for k, hyperparam in enumerate(hyperparams):
                name, limits = hyperparam["name"].replace("_", " "), hyperparam["range"]
                slider = page.get_by_role("slider", name=name, exact=True)
                for key, end in (("0", "low"), ("1", "high")):
                    slider.evaluate(f"(s) => {{ s.value = {key}; s.dispatchEvent(new Event('input')); }}")
                    settled(page)
                    expected = 0.0 if limits["scale"] == "log0" and end == "low" else limits[end]
                    assert end_of(page, label)["values"][k] == pytest.approx(expected)


def test_an_optimizer_can_be_hidden_but_one_always_stays(show, race):
    with show(race) as page:
        boxes = page.get_by_role("checkbox")
        boxes.nth(0).uncheck()
        settled(page)
        assert page.locator(".loss").nth(0).text_content() == "hidden"
        boxes.nth(1).click()
        settled(page)
        assert boxes.nth(1).is_checked()


def test_a_path_that_amplifies_rounding_is_named(show):
    chaotic = {"RMSprop": optimizers.rmsprop(0.001), "SGD": optimizers.sgd(0.0001)}
    figure = Explorable(surfaces.rosenbrock(), chaotic, start=[-1.5, 2.0], steps=300, open=["share"])
    with show(figure) as page:
        told = page.locator(".share .note")
        assert re.search(r"changes the path of RMSprop from about step 1\d\d\. ", told.text_content())


def test_reset_brings_everything_back(show, race):
    with show(race) as page:
        first = page.evaluate(f"() => {FIGURE}.settings()")
        page.locator(".handle").focus()
        page.keyboard.press("ArrowUp")
        page.get_by_role("spinbutton", name="Number of steps").fill("40")
        page.keyboard.press("Enter")
        page.get_by_role("slider", name="learning rate").press("ArrowRight")
        settled(page)
        changed = page.evaluate(f"() => {FIGURE}.settings()")
        assert changed["steps"] == 40 and changed["start"] != first["start"] and changed["methods"] != first["methods"]
        page.get_by_role("button", name="Reset").click()
        settled(page)
        assert page.evaluate(f"() => {FIGURE}.settings()") == first


# --- time ---------------------------------------------------------------------------------------------------------


def test_play_runs_to_the_end_and_the_slider_goes_to_any_step(show, race):
    with show(race) as page:
        play = page.get_by_role("button", name="Play")
        play.click()
        page.wait_for_function(f"() => {FIGURE}.step > 0 && {FIGURE}.step < 60")
        page.get_by_role("button", name="Pause").wait_for()
        page.wait_for_function(f"() => {FIGURE}.step === 120", timeout=15_000)
        play.wait_for()
        page.get_by_role("spinbutton", name="Go to step").fill("7")
        page.keyboard.press("Enter")
        settled(page)
        path = oc.run(optimizers.adam(0.1), surfaces.rosenbrock(), [-1.2, 1.0], steps=7)
        shown = page.locator(".loss").nth(1).text_content()
        assert float(shown.removeprefix("loss ")) == pytest.approx(path.final_loss, rel=1e-2)


def test_without_motion_play_shows_still_pictures(show, race):
    with show(race, reduced_motion="reduce") as page:
        page.evaluate(
            f"""() => {{
                const figure = {FIGURE};
                window.seen = new Set();
                const goTo = figure.goTo.bind(figure);
                figure.goTo = (step) => {{ goTo(step); window.seen.add(figure.step); }};
            }}"""
        )
        page.get_by_role("button", name="Play").click()
        page.wait_for_function(f"() => window.seen.size > 2 && {FIGURE}.step === 120", timeout=15_000)
        assert page.evaluate("() => window.seen.size") <= 11


# --- take it with you ---------------------------------------------------------------------------------------------


def test_a_link_restores_the_figure(show, race):
    with show(race) as page:
        page.locator(".handle").focus()
        page.keyboard.press("Shift+ArrowLeft")
        page.get_by_role("slider", name="learning rate").press("PageDown")
        page.get_by_role("slider", name="Step", exact=True).fill("33")
        settled(page)
        page.get_by_text("Take it with you").click()
        page.evaluate("() => { navigator.clipboard.writeText = async (text) => { window.copied = text; }; }")
        page.get_by_role("button", name="Copy link").click()
        link = page.evaluate("() => window.copied")
        chosen = page.evaluate(f"() => {FIGURE}.settings()")
    address = "#" + link.split("#")[1]
    assert json.loads(unquote(address.removeprefix("#race="))) == chosen
    with show(race, address=address) as page:
        assert page.evaluate(f"() => {FIGURE}.settings()") == chosen


@pytest.mark.parametrize("address", ["#race=%7B", "#race={}", '#race={"start":["x"],"methods":{"Adam":{"b1":"no"}}}'])
def test_a_broken_link_does_no_harm(show, race, address):
    with show(race, address=address) as page:
        assert end_of(page)["start"] == pytest.approx([-1.2, 1.0])


def test_the_python_under_the_figure_gives_the_same_path(show, race):
    with show(race) as page:
        page.locator(".handle").focus()
        page.keyboard.press("Shift+ArrowRight")
        page.get_by_role("slider", name="learning rate").press("ArrowRight")
        page.get_by_text("Take it with you").click()
        settled(page)
        code = page.locator(".share code").text_content()
        ends = {label: end_of(page, label) for label in ("SGD", "Adam")}
    surroundings = {}
    exec(code, surroundings)
    for label, path in surroundings["paths"].items():
        np.testing.assert_allclose(ends[label]["end"], path.final_params, rtol=1e-8)


# --- where it lives -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_light_and_dark(show, race, scheme):
    with show(race, color_scheme=scheme) as page:
        section = page.locator("section.figure")
        assert section.get_attribute("data-theme") == scheme
        other = "dark" if scheme == "light" else "light"
        page.evaluate(f"() => {{ document.documentElement.dataset.theme = '{other}'; }}")  # the reader's own choice
        page.wait_for_function(f"() => {FIGURE}.root.dataset.theme === '{other}'")


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_nothing_sticks_out(show, race, width):
    with show(race, viewport={"width": width, "height": 800}) as page:
        page.get_by_text("Take it with you").click()
        settled(page)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
        for control in page.locator("button:visible, input:visible, summary:visible").all():
            box = control.bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= width + 0.5
            assert box["height"] >= 18  # WCAG 2.5.8 asks for 24 px of target, which the labels around them give


def test_everything_has_a_name_for_screen_readers(show, race):
    with show(race) as page:
        tree = page.locator("body").aria_snapshot()
    assert 'region "Live figure: SGD and Adam on rosenbrock"' in tree
    assert re.search(r'img "From \(−1\.2, 1\), after 120 steps: SGD is at .* Adam is at .*"', tree)
    assert 'button "Starting point (−1.2, 1)"' in tree
    assert "Here rounding decides" not in tree
    for role in ("button", "slider", "checkbox", "img"):
        assert not re.search(rf"- {role}(?:\s*\[|:|$)", tree, re.MULTILINE), f"a {role} without a name in\n{tree}"


def test_without_eval_and_without_scripts(show, race):
    strict = race.to_page().replace("<head>", f"<head>{NO_EVAL}")
    with show(strict) as page:
        assert np.isfinite(end_of(page)["loss"])
        assert not page.locator(".still").is_visible()
    with show(race, java_script_enabled=False, awake=False) as page:
        picture = page.locator(".still img")
        assert picture.is_visible()
        assert "Adam on rosenbrock from (-1.2, 1)" in picture.get_attribute("alt")


def test_several_figures_share_one_runtime(show, race):
    other = Explorable(surfaces.saddle(), optimizers.sgd(0.1), panels=[], name="other")
    html = race.to_page().replace("</body>", other.to_html(runtime=False) + race.to_html() + "</body>")
    with show(html) as page:
        page.wait_for_function(
            "() => [...document.querySelectorAll('[data-optcourse]')].every((host) => host.optcourse)", timeout=5000
        )
        assert page.locator("[data-optcourse]").count() == 3


def test_names_with_anything_in_them(show):
    name = 'my loss <!-- <script> "ö" </script>'
    figure = Explorable(surfaces.LossSurface(surfaces.saddle(), name=name), {name: optimizers.sgd(0.1)}, steps=5)
    assert figure.name.startswith("my loss <!-- <script>")
    with show(figure) as page:
        page.locator(".handle").focus()
        page.keyboard.press("ArrowUp")
        settled(page)
        chosen = page.evaluate(f"() => {FIGURE}.settings()")
        page.get_by_text("Take it with you").click()
        page.evaluate("() => { navigator.clipboard.writeText = async (text) => { window.copied = text; }; }")
        page.get_by_role("button", name="Copy link").click()
        address = "#" + page.evaluate("() => window.copied").split("#")[1]
    with show(figure, address=address) as page:
        assert page.evaluate(f"() => {FIGURE}.settings()") == chosen


def test_two_figures_of_one_name_stay_themselves(show, race):
    other = Explorable(surfaces.beale(), optimizers.sgd(0.01), panels=[], name="race", steps=7)
    html = race.to_page().replace("</body>", other.to_html(runtime=False) + "</body>")
    with show(html) as page:
        page.wait_for_function(
            "() => [...document.querySelectorAll('[data-optcourse]')].every((host) => host.optcourse)", timeout=5000
        )
        steps = "() => [...document.querySelectorAll('[data-optcourse]')].map((host) => host.optcourse.model.steps)"
        assert page.evaluate(steps) == [120, 7]


def test_a_figure_that_left_the_page_stops_listening_until_it_comes_back(show, race):
    with show(race) as page:
        page.evaluate("() => { window.host = document.querySelector('[data-optcourse]'); window.host.remove(); }")
        page.wait_for_function("() => window.host.optcourse.listening === null")
        page.evaluate("() => document.body.append(window.host)")
        page.wait_for_function("() => window.host.optcourse.listening !== null")


def test_it_wakes_up_only_when_it_comes_near(show, race):
    html = race.to_page().replace("<body>", '<body><div style="height: 5000px"></div>')
    with show(html, awake=False) as page:
        page.wait_for_timeout(300)
        assert page.evaluate("() => !document.querySelector('[data-optcourse]').optcourse")
        page.evaluate("() => window.scrollTo(0, 4800)")
        page.wait_for_function(f"() => {FIGURE}")


# --- what can be shown --------------------------------------------------------------------------------------------


def test_ones_own_surface_and_optimizer(show):
    def clipped(learning_rate=0.1, max_norm=1.0):
        return optax.chain(optax.clip_by_global_norm(max_norm), optax.adam(learning_rate))

    mine = surfaces.LossSurface(lambda p: jnp.log1p(p[0] ** 2) + jnp.abs(p[1]), name="mine")
    figure = Explorable(mine, {"Clipped": clipped, "Plain": optax.sgd(0.05)}, start=[2.0, 1.5], steps=50)
    with show(figure) as page:
        ours = end_of(page, "Clipped")
        assert page.locator(".slider").count() == 2
    path = oc.run(optimizers.from_optax(clipped()), mine, [2.0, 1.5], steps=50)
    np.testing.assert_allclose(ours["end"], path.final_params, rtol=1e-10)


def test_noise_is_that_of_run(show):
    noisy = surfaces.quadratic_bowl().with_noise(2.0)
    with show(Explorable(noisy, optimizers.adam(0.1), steps=60, panels=[])) as page:
        ours = end_of(page)
    path = oc.run(optimizers.adam(0.1), noisy, ours["start"], steps=60)
    np.testing.assert_allclose(ours["end"], path.final_params, rtol=1e-10)


@pytest.mark.parametrize("name", ["heavy_ball_cycle", "reddi_online"])
def test_a_loss_of_one_parameter_is_a_curve(show, name):
    surface = surfaces.get(name)()
    with show(Explorable(surface, optimizers.adam(0.1), steps=60, panels=[])) as page:
        ours = end_of(page)
        page.locator(".handle").focus()
        page.keyboard.press("ArrowRight")
        settled(page)
        assert end_of(page)["start"] != ours["start"]
    path = oc.run(optimizers.adam(0.1), surface, ours["start"], steps=60)
    np.testing.assert_allclose(ours["end"], path.final_params, rtol=1e-9)


def test_divergence_is_shown_and_told(show):
    figure = Explorable(surfaces.quadratic_bowl(), optimizers.sgd(0.11), steps=20_000, panels=[])
    path = oc.run(optimizers.sgd(0.11), figure.surface, figure.start, steps=20_000)
    expected = int(np.flatnonzero(~np.isfinite(path.loss))[0])
    with show(figure) as page:
        page.locator("[aria-live]").get_by_text(f"SGD overflows at step {expected}").wait_for(state="attached")


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"optimizers": optimizers.adam(backend="torch")}, TypeError, "compiled from Optax"),
        ({"optimizers": {}}, ValueError, "no optimizer"),
        ({"optimizers": 3}, TypeError, "expected optimizers such as"),
        ({"optimizers": lambda rate: optax.sgd(rate)}, TypeError, "needs a default for rate"),
        ({"optimizers": lambda rate=0.1: rate}, TypeError, "must return an Optax optimizer"),
        ({"surface": surfaces.rosenbrock(dim=3)}, ValueError, "one or two parameters"),
        ({"surface": lambda p: p[0]}, TypeError, "LossSurface"),
        ({"start": [1.0]}, ValueError, "shape"),
        ({"steps": 0}, ValueError, "1 or more"),
        ({"steps": 5, "step": 6}, ValueError, "0 to 5"),
        ({"panels": ["inspektor"]}, ValueError, "Did you mean 'inspector'"),
        ({"precisions": ()}, ValueError, "one number format at least"),
        ({"panels": ["precision"]}, ValueError, "compares number formats"),
        ({"ranges": {"learning_rat": (0, 1)}}, ValueError, "Did you mean 'learning_rate'"),
        ({"precisions": ["float8"]}, ValueError, "There are: float64"),
        ({"ranges": {"learning_rate": (1, 2)}}, ValueError, "around its value"),
    ],
)
def test_bad_input_is_answered_with_what_to_do(wrong, error, says):
    given = {"surface": surfaces.rosenbrock(), "optimizers": optimizers.adam, **wrong}
    with pytest.raises(error, match=re.escape(says)):
        Explorable(given.pop("surface"), given.pop("optimizers"), **given)


def test_what_cannot_be_compiled_is_named_with_its_place():
    def factorial_loss(params):
        return lgamma(params)[0] ** 2

    with pytest.raises(CompileError, match=r"lgamma.*test_explorable\.py:\d+ \(.*factorial_loss\)"):
        Explorable(surfaces.LossSurface(factorial_loss), optimizers.sgd)


def test_the_same_figure_is_the_same_text(race):
    methods = {"SGD": optimizers.sgd(0.001), "Adam": optimizers.adam(0.1)}
    again = Explorable(surfaces.rosenbrock(), methods, steps=120, name="race", panels=["share"])
    assert again.to_html() == race.to_html()


def test_the_runtime_is_small():
    assert len(gzip.compress(bundle.runtime().encode())) <= bundle.LARGEST
    assert not re.search(r"\beval\(|new Function|https?://", bundle.runtime())
