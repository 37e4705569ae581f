"""The schedule panel of a live figure: what is dragged there is what `run` follows."""

import re

import numpy as np
import pytest

import optcourse as oc
from optcourse import optimizers, schedules, surfaces
from optcourse.explorables import Explorable

BOWL = surfaces.quadratic_bowl((2.0, 20.0), rotation=30.0)
START, STEPS = [-4.0, 2.0], 60
POINTS = [(0, 0.02), (20, 0.04), (60, 0.0)]
COSINE = schedules.cosine(0.05, 50)
DRAWN = schedules.drawn(optimizers.momentum, POINTS)
METHODS = {
    "Drawn": DRAWN,
    "Cosine": optimizers.sgd(COSINE),
    "Shape": schedules.scheduled(optimizers.sgd, schedules.warmup_cosine(0.04, 60)),
    "Constant": optimizers.sgd(0.03),
}
FIGURE = "document.querySelector('[data-optcourse]').optcourse"
PATH = f"""() => {{
  const {{ path }} = {FIGURE}.model.methods[0];
  return Array.from({{ length: path.steps + 1 }}, (_, t) => Array.from(path.point(t)));
}}"""
RATES = (
    f"""() => Object.fromEntries({FIGURE}.panels[0].content.curves.map(({{ label, ys }}) => [label, Array.from(ys)]))"""
)


@pytest.fixture(scope="module")
def show(browser, tmp_path_factory):
    """Opens a figure from a file; errors and requests fail the test."""
    folder, complaints = tmp_path_factory.mktemp("schedule"), []

    def opened(figure, **options):
        (folder / "page.html").write_text(figure.to_page(), encoding="utf-8")
        page = browser.new_context(offline=True, **{"viewport": {"width": 900, "height": 1400}, **options}).new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text))
        page.goto((folder / "page.html").as_uri())
        page.wait_for_function(f"() => {FIGURE}?.drawn")
        return page

    yield opened
    assert not complaints


def figure_of(methods=None, **given):
    return Explorable(BOWL, methods or METHODS, **{"start": START, "steps": STEPS, "panels": ["schedule"], **given})


@pytest.fixture(scope="module")
def page(show):
    return show(figure_of(panels=["schedule", "share"], name="one"))


def settled(page):
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def rates_of(page):
    values = page.evaluate(f"() => {FIGURE}.settings().methods.Drawn")
    return [values[f"rate_{k}"] for k in range(len(POINTS))]


def knob(page, k):
    return page.locator(".point").nth(k)


def drag(page, k, up):
    """Drag a point by so many pixels."""
    box = knob(page, k).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for share in (0.5, 1):
        page.mouse.move(x, y - share * up)
    settled(page)
    page.mouse.up()
    settled(page)


def path_of(rates, **given):
    """What `run` does with this schedule, as a plain learning rate of the optimizer."""
    points = list(zip((step for step, _ in POINTS), rates, strict=True))
    optimizer = optimizers.momentum(schedules.from_points(points), **given)
    return oc.run(optimizer, BOWL, START, steps=STEPS).params


def test_the_rates_are_those_of_the_schedules(page):
    settled(page)
    shown = page.evaluate(RATES)
    steps = np.arange(STEPS + 1)
    expected = {
        "Drawn": np.interp(steps, *zip(*POINTS, strict=True)),
        "Cosine": [COSINE(int(t)) for t in steps],
        "Shape": [schedules.warmup_cosine(0.04, 60)(int(t)) for t in steps],
        "Constant": np.full(STEPS + 1, 0.03),
    }
    assert shown.keys() == expected.keys()
    for label, rates in expected.items():
        np.testing.assert_allclose(shown[label], rates, rtol=1e-12, atol=1e-17)


def test_dragging_a_point_moves_the_path_as_run_does(page):
    before = page.evaluate(PATH)
    np.testing.assert_allclose(before, path_of([rate for _, rate in POINTS]), rtol=1e-9, atol=1e-12)
    drag(page, 1, 30)
    rates = rates_of(page)
    assert rates[1] > 0.04 and (rates[0], rates[2]) == (0.02, 0.0)
    after = page.evaluate(PATH)
    np.testing.assert_allclose(after, path_of(rates), rtol=1e-9, atol=1e-12)
    assert np.abs(np.subtract(after, before)).max() > 0.01
    label = knob(page, 1).get_attribute("aria-valuetext")
    assert label == f"{rates[1]:.3g} at step 20"
    drag(page, 1, -2000)
    assert rates_of(page)[1] == 0.0
    page.get_by_role("button", name="Reset").click()
    settled(page)
    assert rates_of(page) == [rate for _, rate in POINTS]


def test_a_point_stays_under_the_pointer_and_the_axis_follows_afterwards(page):
    high = page.evaluate(f"() => {FIGURE}.panels[0].content.high")
    box = knob(page, 0).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    top = page.locator(".graph").bounding_box()["y"]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 40)
    settled(page)
    now = knob(page, 0).bounding_box()
    assert now["y"] + now["height"] / 2 == pytest.approx(y - 40, abs=1.5)
    page.mouse.move(x, top - 20)
    settled(page)
    assert page.evaluate(f"() => {FIGURE}.panels[0].content.high") == high
    assert rates_of(page)[0] == pytest.approx(high, rel=1e-2)
    page.mouse.up()
    settled(page)
    assert page.evaluate(f"() => {FIGURE}.panels[0].content.high") > high
    page.get_by_role("button", name="Reset").click()
    settled(page)


def test_points_are_moved_with_the_keyboard(page):
    point = knob(page, 2)
    point.focus()
    assert page.evaluate(f"() => {FIGURE}.shadow.activeElement.ariaLabel") == "Drawn: learning rate at step 60"
    seen = [rates_of(page)[2]]
    for key in ("ArrowUp", "Shift+ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
        settled(page)
        seen.append(rates_of(page)[2])
    assert seen[0] == 0 < seen[1] < seen[2] and seen[1] < seen[3] < seen[2]
    np.testing.assert_allclose(page.evaluate(PATH), path_of(rates_of(page)), rtol=1e-9, atol=1e-12)
    page.keyboard.press("Home")
    settled(page)
    assert rates_of(page)[2] == 0
    assert float(point.get_attribute("aria-valuenow")) == 0


def test_the_rates_have_no_sliders_where_they_are_drawn_and_the_panel_is_open(page, show):
    assert page.locator(".slider").all_inner_texts()[0].startswith("momentum")
    assert page.locator(".slider").count() == 1
    assert page.locator("details").first.get_attribute("open") is not None
    plain = show(figure_of({"Drawn": DRAWN}, panels=[]))
    shown = [text.split("\n")[0] for text in plain.locator(".slider").all_inner_texts()]
    assert shown == ["momentum", "rate 0", "rate 1", "rate 2"]
    folded = show(figure_of({"Drawn": DRAWN}, open=[]))
    assert folded.locator("details").first.get_attribute("open") is None


def test_the_step_and_the_rates_are_said(page):
    page.evaluate(f"() => {FIGURE}.goTo(20)")
    settled(page)
    said = page.locator(".panel .note").first.inner_text()
    assert said.startswith("Learning rate of step 20: Drawn 0.04, Cosine ")
    assert f"Cosine {COSINE(20):.3g}, " in said and "Constant 0.03." in said
    assert "At step 20: Drawn 0.04" in page.locator(".panel canvas[role=img]").get_attribute("aria-label")
    assert page.locator(".panel h1, .panel h2, .panel h3, .panel h4").count() == 0
    assert page.locator(".point").count() == 3


def test_points_belong_to_the_optimizer_in_focus(show):
    other = schedules.drawn(optimizers.sgd, [(0, 0.01), (40, 0.05)])
    page = show(figure_of({"Drawn": DRAWN, "Other": other}))
    assert page.locator(".point").count() == 3
    page.get_by_role("button", name="Tune Other").click()
    settled(page)
    assert page.locator(".point").count() == 2
    drag(page, 1, -20)
    settings = page.evaluate(f"() => {FIGURE}.settings().methods")
    assert settings["Other"]["rate_1"] < 0.05 and settings["Drawn"]["rate_1"] == 0.04


def test_python_that_repeats_it(page):
    page.evaluate(f"() => {FIGURE}.panels[1].element.setAttribute('open', '')")
    drag(page, 1, 20)
    page.wait_for_function(f"() => {FIGURE}.panels[1].content?.code.textContent")
    code = page.evaluate(f"() => {FIGURE}.panels[1].content.code.textContent")
    assert "plotting, schedules, surfaces" in code
    line = re.search(r'"Drawn": oc\.run\(\n\s+(schedules\..*),\n', code)[1]
    optimizer = eval(line, {"schedules": schedules, "optimizers": optimizers})
    params = oc.run(optimizer, BOWL, START, steps=STEPS).params
    np.testing.assert_allclose(page.evaluate(PATH), params, rtol=1e-9, atol=1e-12)


def test_on_a_phone(show):
    page = show(figure_of(), viewport={"width": 360, "height": 900}, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    box = knob(page, 0).bounding_box()
    assert min(box["width"], box["height"]) >= 44


def test_where_there_is_something_to_show():
    assert figure_of({"SGD": optimizers.sgd(0.1)}, panels=None)._panels[0] == "inspector"
    given = Explorable(BOWL, {"Cosine": optimizers.sgd(COSINE)}, steps=5)
    assert given._panels[0] == "schedule" and not given.spec["open"]
    with pytest.raises(ValueError, match="no optimizer here has one"):
        figure_of({"plateau": optimizers.sgd(schedules.plateau(0.1))})
