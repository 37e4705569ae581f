"""Figures in 3-D on the pages of the site, in a real browser: what they load and when, how they turn, what stays."""

import io
import json
import logging
import re
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import chapters
import nbformat
import numpy as np
import pytest
import visits
from PIL import Image

from optcourse import optimizers, plotting, run, surfaces
from optcourse.plotting.show_3d import PLOTLY

sys.path.append(str(chapters.BOOK / "_ext"))
import three_d

PAGE = "book/optimizer_intuition.html"
FIGURE = ".optcourse-surface-3d"
SCENE = f"document.querySelector('{FIGURE} .plot')"


@contextmanager
def opened(browser, address, name=PAGE, start=None, **options):
    """The chapter's page, scrolled to its 3-D figure; afterwards nothing was asked of others, and no error shown."""
    context = browser.new_context(viewport={"width": 800, "height": 700}, **options)
    page, asked, errors = context.new_page(), [], []
    context.on("request", lambda request: asked.append(request.url))
    context.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: errors.append(str(error.error)))
    if start:
        page.add_init_script(start)
    page.goto(f"{address}/{name}")
    page.locator(FIGURE).scroll_into_view_if_needed()
    yield page, asked
    away = [url for url in asked if not url.startswith((address, "data:", "blob:"))]
    assert (away, errors) == ([], [])
    context.close()


@pytest.fixture(scope="module")
def address(site):
    """A server of the site whose pages allow no script to be made from text."""
    with visits.address_of(site, visits.WAYS["desk"]) as address:
        assert "unsafe-eval" not in visits.POLICY
        yield address


def picture(page) -> np.ndarray:
    """What is seen of the figure, without its axes and letters: (height, width, 3)."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    shot = Image.open(io.BytesIO(page.locator(f"{FIGURE} .frame").screenshot())).convert("RGB")
    return np.asarray(shot.resize((260, 210)), dtype=float)[60:150, 80:210]


def turn(page):
    page.get_by_role("button", name="Turn it in 3-D").click()
    page.get_by_role("button", name="Turn left").wait_for(timeout=60_000)


def eye(page) -> tuple[float, ...]:
    camera = page.evaluate(f"{SCENE}.layout.scene.camera.eye")
    return tuple(camera[axis] for axis in "xyz")


def test_a_reader_asks_for_a_figure_and_turns_it(browser, address):
    with opened(browser, address) as (page, asked):
        page.wait_for_load_state("networkidle")
        assert not [url for url in asked if "plotly" in url], "plotly.js is loaded though nobody asked for it"
        still = picture(page)
        turn(page)
        assert len([url for url in asked if "plotly" in url]) == 1
        first = picture(page)
        assert len(np.unique(first.reshape(-1, 3), axis=0)) > 500  # drawn, not blank
        assert np.abs(first - still).mean() < 12, "the still shows something else than what Plotly draws at first"

        # With the pointer, the keyboard, and back.
        begun = eye(page)
        box = page.locator(f"{FIGURE} .plot").bounding_box()
        page.mouse.move(box["x"] + 200, box["y"] + 200)
        page.mouse.down()
        page.mouse.move(box["x"] + 320, box["y"] + 200, steps=4)
        page.mouse.up()
        assert page.wait_for_function(f"{SCENE}.layout.scene.camera.eye.x !== {begun[0]}")
        assert np.abs(picture(page) - first).mean() > 3
        assert eye(page)[2] == pytest.approx(begun[2], abs=1e-6)  # a horizontal drag keeps the height
        page.get_by_role("button", name="Reset").click()
        assert eye(page) == pytest.approx(begun)
        page.get_by_role("button", name="Look from higher").focus()
        page.keyboard.press("Enter")
        assert eye(page)[2] > begun[2] + 0.1

        # Another theme changes colours and leaves the view.
        seen_from, light = eye(page), picture(page)
        page.evaluate("() => { document.documentElement.dataset.theme = 'dark'; }")
        page.wait_for_function(f"{SCENE}.layout.paper_bgcolor === '#121417'")
        assert eye(page) == pytest.approx(seen_from)
        assert picture(page).mean() < light.mean() - 80

        # On paper there is the picture.
        page.emulate_media(media="print")
        assert not page.locator(f"{FIGURE} .plot").is_visible()
        assert page.locator(f"{FIGURE} img").is_visible()
        page.emulate_media(media="screen")
        page.get_by_role("button", name="Still picture").click()
        assert page.locator(f"{FIGURE} .plot").count() == 0
        page.evaluate("() => { document.documentElement.dataset.theme = 'light'; }")
        assert np.abs(picture(page) - still).mean() < 3
        assert page.evaluate("document.activeElement.textContent") == "Turn it in 3-D"


def test_in_a_sandboxed_frame(browser, site):
    with visits.address_of(site, visits.WAYS["frame"]) as address:
        page = browser.new_page()
        source = f"{address}/{PAGE}"
        page.set_content(
            f'<iframe sandbox="allow-scripts" src="{source}" style="width: 790px; height: 700px"></iframe>'
        )
        frame = page.frame_locator("iframe")
        frame.get_by_role("button", name="Turn it in 3-D").click()
        frame.get_by_role("button", name="Turn left").wait_for(timeout=60_000)
        assert frame.locator(f"{FIGURE} canvas").count()
        page.close()


def test_without_scripts_there_is_a_still_with_words(browser, address):
    with opened(browser, address, java_script_enabled=False) as (page, _):
        image = page.locator(f"{FIGURE} img")
        assert image.is_visible() and "saddle" in image.get_attribute("alt")
        assert page.get_by_text("A still of a 3-D figure").is_visible()
        assert page.get_by_role("button", name="Turn it in 3-D").count() == 0


def test_without_webgl_the_picture_stays_and_says_why(browser, address):
    blind = "HTMLCanvasElement.prototype.getContext = new Proxy(HTMLCanvasElement.prototype.getContext, { apply: "
    blind += "(f, self, given) => given[0].startsWith('webgl') ? null : Reflect.apply(f, self, given) });"
    with opened(browser, address, start=blind) as (page, asked):
        page.get_by_role("button", name="Turn it in 3-D").click()
        page.get_by_text("WebGL is missing or switched off. The picture stays still.").wait_for()
        assert page.locator(f"{FIGURE} img").is_visible()
        assert not [url for url in asked if "plotly" in url]


# --- the output of a cell


@pytest.fixture(scope="module")
def shown():
    paths = [run(optimizers.get(name)(0.05), surfaces.saddle(), [-1.5, 0.1], steps=24) for name in ("sgd", "adam")]
    return plotting.show_surface_3d(paths, alt='Two paths, "seen" <from> above.')


def test_an_output_is_small_and_the_same_every_time(shown):
    bundle = shown._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain", PLOTLY}
    assert len(bundle["text/html"]) < 15_000 and len(json.dumps(bundle[PLOTLY])) < 20_000
    assert 'alt="Two paths, &quot;seen&quot; &lt;from&gt; above."' in bundle["text/html"]
    assert not re.search(r"https?:|<script", bundle["text/html"])
    assert bundle == shown._repr_mimebundle_()


def test_a_dark_page_changes_colours_and_nothing_else(shown):
    def leaves(value, path=()):
        if isinstance(value, dict):
            return [leaf for key, inner in value.items() for leaf in leaves(inner, (*path, key))]
        return [path]

    dark = shown.to_plotly()["layout"]["meta"]["dark"]
    changed = {path[-1] for part in [dark["layout"], *dark["data"]] for path in leaves(part)}
    assert {"paper_bgcolor", "color", "colorscale"} <= changed
    assert changed <= {"paper_bgcolor", "color", "colorscale", "gridcolor", "zerolinecolor", "bgcolor", "bordercolor"}


def test_colab_gets_what_plotly_has_for_it(shown, monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    bundle = shown._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"} and "Plotly.newPlot" in bundle["text/html"]


def test_a_figure_without_its_data_fails_the_build(shown, tmp_path, caplog):
    cell = nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("display_data", shown._repr_mimebundle_())])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "page.ipynb")
    app = SimpleNamespace(
        outdir=tmp_path,
        env=SimpleNamespace(doc2path=lambda page: tmp_path / f"{page}.ipynb"),
        add_css_file=lambda *_, **__: None,
        add_js_file=lambda *_, **__: None,
    )
    context = {"body": shown.to_html()}
    three_d.add_figures(app, "page", "", context, None)
    data = re.search(r'<script type="application/json">(.*?)</script>', context["body"]).group(1)
    assert json.loads(data) == json.loads(json.dumps(shown.to_plotly()))
    assert (tmp_path / "_static" / three_d.SCRIPT).exists()
    context = {"body": shown.to_html().replace(shown.name, "another")}
    with caplog.at_level(logging.WARNING):
        three_d.add_figures(app, "page", "", context, None)
    assert "no data are stored for the 3-D figure another" in caplog.text
