"""The maps in a live figure show what `run` and `sweep` compute, and answer to mouse, touch and keys."""

import numpy as np
import pytest

import optcourse as oc
from optcourse import optimizers, surfaces
from optcourse.explorables import Explorable, figure

FIGURES = {
    "rosenbrock": (surfaces.rosenbrock(), {"Adam": optimizers.adam(0.05), "SGD": optimizers.sgd(0.001)}, {}),
    "himmelblau": (surfaces.himmelblau(), {"SGD": optimizers.sgd(0.01)}, {"learning_rate": (1e-4, 1.0)}),
    "rastrigin": (surfaces.rastrigin(), {"SGD": optimizers.sgd(0.001)}, {}),
    "saddle": (surfaces.saddle(), {"SGD": optimizers.sgd(0.05)}, {}),
    "cycle": (surfaces.heavy_ball_cycle(), {"Momentum": optimizers.momentum(1 / 9, momentum=4 / 9)}, {}),
    "bowl": (surfaces.quadratic_bowl(), {"Momentum": optimizers.momentum(0.05)}, {"learning_rate": (1e-4, 1e4)}),
    "online": (surfaces.reddi_online(), {"Adam": optimizers.adam(0.01)}, {}),
}
STEPS = 60
MAPS = ("sensitivity", "basins")
# What the tests look at: each map's panel, once it has computed all its cells.
READY = """() => {
  const figure = document.querySelector("[data-optcourse]")?.optcourse;
  window.panels = Object.fromEntries((figure?.panels ?? []).map((d) => [d.panel.name, d.content]));
  window.figure = figure;
  const ready = (panel) => panel?.raster.key && panel.raster.done;
  return ["sensitivity", "basins"].every((name) => ready(panels[name])) && !figure.frame;
}"""
SENSITIVITY = """([every]) => {
  const { raster, x, y, method } = panels.sensitivity;
  const { columns, rows, values } = raster;
  const some = (count) => Array.from({ length: count }, (_, k) => k).filter((k) => k % every === 0);
  const [is, js] = [some(columns), some(rows)];
  const at = (k, cells, chosen) => (k < 0 ? [] : chosen.map((cell) => panels.sensitivity._value(k, cell, cells)));
  return {
    names: method.spec.hyperparams.map((h) => h.name), x, y,
    across: at(x, columns, is), up: at(y, rows, js),
    losses: js.map((j) => is.map((i) => String(values[j * columns + i]))),
  };
}"""
BASINS = """([every]) => {
  const { raster, endings } = panels.basins;
  const cells = [];
  for (let j = 0; j < raster.rows; j += every) {
    for (let i = 0; i < raster.columns; i += every) {
      const kind = endings.kinds[Math.floor(raster.values[j * raster.columns + i])].name;
      cells.push([[i, j].slice(0, figure.model.dim).map((cell, k) => panels.basins._at(k, cell)), kind]);
    }
  }
  return { cells, reach: endings.reach };
}"""


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):
    """Opens a figure's page, with both maps unfolded and no network; in the end no page may have complained."""
    folder, complaints = tmp_path_factory.mktemp("maps"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figure, "still_picture", lambda *_: "")  # it has its own tests, and takes long
        files = {}

        def open_page(name, **options):
            if name not in files:
                surface, methods, ranges = FIGURES[name]
                explorable = Explorable(surface, methods, steps=STEPS, open=MAPS, ranges=ranges, name=name)
                files[name] = folder / f"{name}.html"
                files[name].write_text(explorable.to_page(), encoding="utf-8")
            options = {"viewport": {"width": 800, "height": 2400}, **options}
            page = browser.new_context(offline=True, **options).new_page()
            page.on("pageerror", lambda error: complaints.append(f"{name}: {error}"))
            page.on("console", lambda message: complaints.append(f"{name}: {message.text}"))
            page.goto(files[name].as_uri())
            page.wait_for_function(READY)
            return page

        yield open_page
    assert not complaints


@pytest.fixture(scope="module")
def rosenbrock(opened):
    return opened("rosenbrock")


def settle(page):
    page.evaluate("() => new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(then)))")
    page.wait_for_function(READY)


def check_sensitivity(page, name, *, every):
    """A sample of the cells against `sweep`; returns the losses."""
    surface, methods, _ = FIGURES[name]
    found = page.evaluate(SENSITIVITY, [every])
    settings = page.evaluate("() => figure.settings()")
    label, optimizer = next(iter(methods.items()))
    given = {k: v for k, v in settings["methods"][label].items() if k != "shown"}
    given[found["names"][found["x"]]] = found["across"]
    order = [found["names"][found["x"]]]
    if found["up"]:
        given[found["names"][found["y"]]] = found["up"]
        order.insert(0, found["names"][found["y"]])
    # Some paths are chaotic, and rounding decides where they end: a start with other last bits tells which.
    start = np.array(settings["start"])
    grids = [
        oc.sweep(optimizer, surface, near, steps=settings["steps"], record="last", **given)
        for near in (start, start * (1 + 1e-13) + 1e-14)
    ]
    expected, nearby = (g.final_loss.transpose(*order).values.reshape(len(found["losses"]), -1) for g in grids)
    shown = np.array([[float(loss.replace("Infinity", "inf")) for loss in row] for row in found["losses"]])
    finite = np.isfinite(expected)
    tame = (finite == np.isfinite(nearby)) & ~(finite & (abs(nearby - expected) > 1e-8 * abs(expected) + 1e-27))
    assert tame.mean() > 0.8
    np.testing.assert_array_equal(np.isfinite(shown)[tame], finite[tame])
    np.testing.assert_allclose(shown[tame & finite], expected[tame & finite], rtol=1e-6, atol=1e-25)
    return expected


@pytest.mark.parametrize("name", ["himmelblau", "saddle", "cycle", "online"])
def test_sensitivity_cells_are_those_of_sweep(opened, name):
    expected = check_sensitivity(opened(name), name, every=9)
    if name == "himmelblau":
        assert not np.isfinite(expected).all(), "nothing overflows: the comparison of what does says nothing"


def test_sensitivity_of_adam_and_after_a_change(rosenbrock):
    check_sensitivity(rosenbrock, "rosenbrock", every=7)
    rosenbrock.evaluate("() => { figure.moveStart([0.5, 2]); figure.set(figure.focus, 1, 0.9); }")
    settle(rosenbrock)
    check_sensitivity(rosenbrock, "rosenbrock", every=7)


def ending(surface, params, loss, reach):
    """What the basin map calls the end of a path, by the rule that it states."""
    if not np.isfinite([*params, loss]).all():
        return "overflows (inf or nan)"
    away = [np.linalg.norm(params - minimum.params) for minimum in surface.minima]
    if away and min(away) < reach:
        return f"minimum {int(np.argmin(away))}"
    low, high = np.transpose(surface.domain)
    out = (2 * params - low - high) / (high - low)
    if abs(out).max() > 1:
        axis = int(abs(out).argmax())
        inside = any((low + reach < m.params).all() and (m.params < high - reach).all() for m in surface.minima)
        return "left the view" if inside else f"left the view {'←→↓↑'[2 * axis + int(out[axis] > 0)]}"
    at = np.array(params)
    for _ in range(8):
        if surface.step_dependent:
            return "on its way, or stuck"  # here: a straight line
        hessian = np.asarray(surface.hessian(at))
        if np.linalg.eigvalsh(hessian).min() <= 0:
            return "on its way, or stuck"
        by = np.linalg.solve(hessian, np.asarray(surface.gradient(at)))
        at = at - by
        if np.linalg.norm(at - params) >= reach:
            return "on its way, or stuck"
        if np.linalg.norm(by) < 1e-3 * reach:
            return "another minimum; darker is higher"
    return "on its way, or stuck"


@pytest.mark.parametrize("name", ["himmelblau", "rastrigin", "saddle", "cycle", "online"])
def test_basins_are_those_of_run(opened, name):
    surface, methods, _ = FIGURES[name]
    found = opened(name).evaluate(BASINS, [9 if surface.dim == 2 else 7])
    starts = np.array([start for start, _ in found["cells"]])
    optimizer = next(iter(methods.values()))
    grid = oc.sweep(optimizer, surface, starts, steps=STEPS, record="last")
    distances = [
        np.linalg.norm(np.subtract(a.params, b.params)) for a in surface.minima for b in surface.minima if a != b
    ]
    diagonal = np.linalg.norm(np.diff(surface.domain))
    assert found["reach"] == pytest.approx(min([0.02 * diagonal, *(d / 3 for d in distances)]))
    names = [f"minimum ({', '.join(f'{x:.3g}' for x in m.params)})".replace("-", "−") for m in surface.minima]
    kinds = []
    for (_, shown), params, loss in zip(found["cells"], grid.final_params.values, grid.final_loss.values, strict=True):
        kind = ending(surface, params, loss, found["reach"])
        kinds.append(kind)
        assert shown == (names[int(kind[8:])] if kind.startswith("minimum") else kind)
    assert len(set(kinds)) > 1, "all starts end alike: the comparison says little"


def test_every_kind_of_ending_adds_up(opened):
    page = opened("himmelblau")
    rows = page.locator(".map tbody tr").all_inner_texts()
    assert len(rows) >= 4
    assert sum(
        page.evaluate(
            "() => panels.basins.endings.kinds.map((_, k) => panels.basins.raster.share((v) => Math.floor(v) === k))"
        )
    ) == pytest.approx(1)


def click_cell(page, panel, column, row):
    spot = page.evaluate(
        """([panel, column, row]) => {
          const { field, raster } = panels[panel];
          const { left, top, width, height } = field.inside.getBoundingClientRect();
          return [left + ((column + 0.5) / raster.columns) * width, top + (1 - (row + 0.5) / raster.rows) * height];
        }""",
        [panel, column, row],
    )
    page.mouse.click(*spot)
    settle(page)


def test_a_click_sets_what_was_computed(rosenbrock):
    click_cell(rosenbrock, "sensitivity", 40, 12)
    cell, loss, values = rosenbrock.evaluate(
        """() => {
          const { raster } = panels.sensitivity;
          return [raster.values[12 * 60 + 40], figure.focus.path.losses.at(-1), Array.from(figure.focus.values)];
        }"""
    )
    assert cell == loss
    rate, b1 = rosenbrock.evaluate("() => [panels.sensitivity._value(3, 40, 60), panels.sensitivity._value(0, 12, 40)]")
    assert (values[3], values[0]) == (rate, b1)
    rosenbrock.wait_for_function("() => panels.sensitivity.text.textContent.includes('Your setting')")
    assert rosenbrock.evaluate("() => panels.sensitivity.text.textContent").startswith("Lowest last loss: ")

    click_cell(rosenbrock, "basins", 10, 40)
    low, high = np.transpose(surfaces.rosenbrock().domain)
    expected = low + (high - low) * (np.array([10, 40]) + 0.5) / [72, 54]
    np.testing.assert_allclose(rosenbrock.evaluate("() => Array.from(figure.model.start)"), expected)


def test_arrow_keys_move_by_a_cell(rosenbrock):
    click_cell(rosenbrock, "sensitivity", 30, 20)

    def press(key):
        rosenbrock.keyboard.press(key)
        settle(rosenbrock)
        values, at = rosenbrock.evaluate(
            "() => [Array.from(figure.focus.values), figure.shadow.activeElement.ariaLabel]"
        )
        assert at.startswith("Setting: learning rate ")
        return [rosenbrock.evaluate("([k, v]) => SCALE(k, v)", [k, values[k]]) for k in (3, 0)]

    rosenbrock.evaluate(
        """() => (window.SCALE = (k, v) => {
          const cells = k === 3 ? 60 : 40;
          return Array.from({ length: cells }, (_, c) => panels.sensitivity._value(k, c, cells)).indexOf(v);
        })"""
    )
    assert press("ArrowRight") == [31, 20]
    assert press("ArrowDown") == [31, 19]
    assert press("Shift+ArrowUp") == [31, 24]
    assert press("Shift+ArrowLeft") == [26, 24]


def test_a_change_stops_what_is_under_way(rosenbrock):
    """The second start interrupts the map of the first, and only the last one counts."""
    rosenbrock.evaluate("() => figure.setSteps(1000)")
    at = rosenbrock.evaluate(
        """async () => {
          const frame = () => new Promise((then) => requestAnimationFrame(then));
          const { raster } = panels.sensitivity;
          const cells = [];
          for (const start of [[-1, 1], [0.5, 1], [0.6, 1.1]]) {
            figure.moveStart(start);
            for (let k = 0; k < 4; k++) await frame();
            cells.push(raster.at);
          }
          return [...cells, raster.order.length];
        }"""
    )
    assert max(at[:3]) < at[3], at
    settle(rosenbrock)
    rosenbrock.evaluate(f"() => figure.setSteps({STEPS})")
    settle(rosenbrock)
    check_sensitivity(rosenbrock, "rosenbrock", every=11)


def test_nothing_is_computed_where_nobody_looks(rosenbrock):
    folded = rosenbrock.evaluate(
        """async () => {
          const drawer = figure.panels.find((d) => d.panel.name === "basins").element;
          const pause = () => new Promise((then) => setTimeout(then, 150));
          drawer.open = false;
          await pause();
          const before = panels.basins.raster.key;
          figure.setSteps(50);
          await pause();
          const same = panels.basins.raster.key === before;
          drawer.open = true;
          await pause();
          return [same, panels.basins.raster.key !== before];
        }"""
    )
    assert folded == [True, True]
    rosenbrock.evaluate(f"() => figure.setSteps({STEPS})")
    settle(rosenbrock)


def test_another_optimizer_brings_its_own_settings(rosenbrock):
    rosenbrock.evaluate("() => figure.focusOn(figure.model.methods[1])")
    settle(rosenbrock)
    curve = rosenbrock.evaluate("() => [panels.sensitivity.raster.rows, panels.sensitivity.up.options.length]")
    assert curve[0] == 1, "one setting is drawn as a curve"
    rosenbrock.evaluate("() => figure.focusOn(figure.model.methods[0])")
    settle(rosenbrock)
    page_map = rosenbrock.locator(".map select").nth(1)
    page_map.select_option(label="b2")
    settle(rosenbrock)
    check_sensitivity(rosenbrock, "rosenbrock", every=11)


def test_on_a_phone(opened):
    page = opened("cycle", viewport={"width": 360, "height": 2400}, has_touch=True, color_scheme="dark")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    before = page.evaluate("() => figure.model.start[0]")
    area = page.evaluate(
        "() => { const r = panels.basins.field.inside.getBoundingClientRect(); return [r.x, r.y, r.width, r.height]; }"
    )
    page.touchscreen.tap(area[0] + 0.25 * area[2], area[1] + 0.8 * area[3])
    settle(page)
    after = page.evaluate("() => figure.model.start[0]")
    assert after != before
    assert after == pytest.approx(-1.75, abs=0.05)


def test_what_ends_above_the_start_is_a_category(opened):
    page = opened("bowl")
    surface = FIGURES["bowl"][0]
    first, values = page.evaluate(
        "() => [panels.sensitivity.scale.first, Array.from(panels.sensitivity.raster.values, String)]"
    )
    assert first == pytest.approx(float(surface(np.array(page.evaluate("() => Array.from(figure.model.start)")))))
    page.wait_for_function("() => panels.sensitivity.text.textContent.includes('overflows (inf or nan)')")
    text = page.evaluate("() => panels.sensitivity.text.textContent")
    losses = np.array([float(value.replace("Infinity", "inf")) for value in values])
    for share, said in [
        ((np.isfinite(losses) & (losses > first)).mean(), "ends above where it began."),
        ((~np.isfinite(losses)).mean(), "overflows (inf or nan)."),
    ]:
        assert share > 0
        assert f"{'< 1' if share < 0.01 else round(100 * share)} % {said}" in text
    assert page.evaluate("() => panels.sensitivity.scale.high") <= np.ceil(np.log10(first)), "colours end at the start"
    assert "diverge" not in page.evaluate("() => figure.shadow.textContent")


def test_an_axis_ends_where_the_curves_end_it(opened):
    """Without a minimum losses fall for ever, and would squeeze the rest."""
    page = opened("saddle")
    low, high, first = page.evaluate(
        """() => {
          const { low, high, first } = panels.sensitivity.scale;
          return [...[low, high].map((at) => Math.sinh(at) * Math.abs(first)), first];
        }"""
    )
    assert page.evaluate("() => Math.min(...panels.sensitivity.raster.values)") < -1e6
    reach = 20 * max(abs(first), 1)
    assert first - reach - 1e-9 <= low < first <= high + 1e-9 <= first + reach
