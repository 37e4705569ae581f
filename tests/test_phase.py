"""The phase diagram of a live figure shows what `sweep`, `run` and `optcourse.theory` compute."""

import jax.numpy as jnp
import numpy as np
import pytest
import visits

import optcourse as oc
from optcourse import optimizers, surfaces
from optcourse.explorables import Explorable, figure
from optcourse.metrics import linear_rate
from optcourse.plotting import style
from optcourse.theory import contraction, stability_limit

STEPS = 120
METHODS = {
    "Heavy ball": optimizers.momentum(0.02),
    "Nesterov": optimizers.nesterov(0.02),
    "Adam": optimizers.adam(0.05),
    "SGD": optimizers.sgd(0.01),
}
EIGENVALUES = np.array([2.0, 20.0])
BOWL = surfaces.quadratic_bowl(tuple(EIGENVALUES), rotation=30.0)
START = [-4.0, 2.0]
RANGES = {"learning_rate": (1e-3, 30.0)}
# The panel, once it has computed all its cells, drawn them, and said so.
READY = """() => {
  window.figure = document.querySelector("[data-optcourse]")?.optcourse;
  window.phase = window.figure?.panels[0].content;
  return phase && !figure.frame && (!phase.method || (phase.raster.key && phase.raster.done && phase.telling));
}"""
CELLS = """(every) => {
  const { raster, x, y, method, predicted } = phase;
  const { columns, rows, values } = raster;
  const some = (count) => Array.from({ length: count }, (_, k) => k).filter((k) => k % every === 0);
  const [is, js] = [some(columns), some(rows)];
  const cells = (of) => js.map((j) => is.map((i) => String(of[j * columns + i])));
  return {
    names: [x, y].map((k) => method.spec.hyperparams[k].name),
    across: is.map((i) => phase._value(x, i, columns)), up: js.map((j) => phase._value(y, j, rows)),
    measured: cells(values), predicted: predicted && cells(predicted.cells),
  };
}"""


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):
    """Opens a figure with the panel unfolded and no network; in the end no page may have complained."""
    folder, complaints = tmp_path_factory.mktemp("phase"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figure, "still_picture", lambda *_: "")  # it has its own tests, and takes long

        def open_page(
            surface=BOWL, methods=METHODS, start=START, focus=None, steps=STEPS, precisions=("float64",), **options
        ):
            explorable = Explorable(
                surface,
                methods,
                start=start,
                steps=steps,
                precisions=precisions,
                ranges=RANGES,
                panels=["phase"],
                open=["phase"],
                name="one",
            )
            (folder / "page.html").write_text(explorable.to_page(), encoding="utf-8")
            page = browser.new_context(
                offline=True, **{"viewport": {"width": 900, "height": 1600}, **options}
            ).new_page()
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda message: complaints.append(message.text))
            page.goto((folder / "page.html").as_uri())
            settle(page)
            if focus:
                look_at(page, focus)
            return page

        yield open_page
    assert not complaints


@pytest.fixture(scope="module")
def bowl(opened):
    return opened()


def settle(page):
    page.evaluate("() => new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(then)))")
    page.wait_for_function(READY)


def look_at(page, label):
    page.evaluate("(label) => figure.focusOn(figure.model.methods.find((m) => m.label === label))", label)
    settle(page)


def text_of(page, expected):
    """What the panel says, once it says this."""
    page.wait_for_function("(expected) => phase.text.textContent.includes(expected)", arg=expected)
    return page.evaluate("() => phase.text.textContent")


def numbers(cells) -> np.ndarray:
    return np.array([[float(value.replace("Infinity", "inf")) for value in row] for row in cells])


def measured_factor(points, losses, minimum):
    """The factor per step of one path, by the rule that the panel states."""
    if not np.isfinite(losses).all():
        return np.inf
    away = np.linalg.norm(points - minimum, axis=1)
    floor = 1e3 * np.finfo(float).eps * max(away[0], np.linalg.norm(minimum))
    last = len(away) - 1
    arrived = int(np.argmax(away <= floor)) if away[-1] <= floor else last
    last = arrived - 1 if away[-1] <= floor else last
    first = max(last - 100, -(-last // 3))
    window = away[first : last + 1]
    if len(window) < 12:
        return (away[arrived] / away[0]) ** (1 / arrived)
    logs, shrinks = np.log(window), window[-1] < window[0]
    while shrinks and len(logs) > len(window) / 2 and (np.diff(window) > 0).any() and logs[-1] < logs[-2]:
        logs = logs[:-1]
    logs = np.maximum.accumulate(logs[::-1])[::-1] if shrinks else np.maximum.accumulate(logs)
    factor = np.exp(np.polyfit(np.arange(len(logs)), logs, 1)[0])
    peak = int(window.argmax())
    left = window[peak] / away[0]
    average = min(left ** (1 / (first + peak)), 1)
    if factor > 1 and left < 2:
        return average
    return max(factor, average) if left > 0.1 else factor


def check_cells(page, label, *, every=8, steps=STEPS):
    """A sample of the cells against `sweep`, and what is predicted against `theory`."""
    found = page.evaluate(CELLS, every)
    settings = page.evaluate("() => figure.settings()")
    given = {name: value for name, value in settings["methods"][label].items() if name != "shown"}
    (x, y), optimizer = found["names"], METHODS[label]
    given |= {x: found["across"], y: found["up"]}
    # The last bits of the start tell where rounding decides what becomes of a path.
    start = np.array(settings["start"])
    factors = []
    for near in (start, start * (1 + 1e-13)):
        grid = oc.sweep(optimizer, BOWL, near, steps=steps, record=("params", "loss"), **given)
        points = grid.params.transpose(y, x, "step", ...).values
        losses = grid.loss.transpose(y, x, "step").values
        with np.errstate(all="ignore"):
            cells = [measured_factor(points[k], losses[k], np.zeros(2)) for k in np.ndindex(losses.shape[:2])]
        factors.append(np.reshape(cells, losses.shape[:2]))
    expected, nearby = factors
    shown = numbers(found["measured"])
    tame = np.isclose(nearby, expected, rtol=0, atol=1e-9)
    assert tame.mean() > 0.8
    np.testing.assert_allclose(shown[tame], expected[tame], rtol=1e-7)
    if found["predicted"]:
        rates, seconds = np.meshgrid(found["across"], found["up"])
        predicted = [
            float(contraction(optimizer.name, jnp.array(EIGENVALUES), {x: rate, y: second}))
            for rate, second in zip(rates.ravel(), seconds.ravel(), strict=True)
        ]
        np.testing.assert_allclose(numbers(found["predicted"]).ravel(), predicted, rtol=1e-5)
    return shown


@pytest.mark.parametrize("label", ["Heavy ball", "Nesterov", "Adam"])
def test_cells_are_those_of_sweep_and_of_theory(bowl, label):
    look_at(bowl, label)
    shown = check_cells(bowl, label)
    assert len(np.unique(shown.round(2))) > 5, "all cells are alike: the comparison says little"
    if label != "Adam":
        assert (shown > 1.001).mean() > 0.1, "nothing diverges: the comparison of what does says nothing"
        assert np.isfinite(shown).mean() < 1


def test_a_map_of_something_else_is_noticed(bowl):
    look_at(bowl, "Heavy ball")
    with pytest.raises(AssertionError):
        check_cells(bowl, "Heavy ball", steps=STEPS - 20)
    kept = bowl.evaluate(
        "() => { const kept = phase.raster.values[8]; phase.raster.values[8] *= 1.00001; return kept; }"
    )
    with pytest.raises(AssertionError, match="Mismatched elements: 1 "):
        check_cells(bowl, "Heavy ball")
    bowl.evaluate("(kept) => (phase.raster.values[8] = kept)", kept)
    bowl.evaluate("() => { phase.predicted.cells[8] += 0.001; }")
    with pytest.raises(AssertionError, match="Mismatched elements: 1 "):
        check_cells(bowl, "Heavy ball")
    bowl.evaluate("() => { phase.predicted.cells[8] -= 0.001; }")
    check_cells(bowl, "Heavy ball")


@pytest.mark.parametrize("label", ["Heavy ball", "Nesterov"])
def test_the_stability_limit_is_where_theory_has_it_and_cells_diverge_beyond(bowl, label):
    look_at(bowl, label)
    hits = bowl.evaluate(
        """(limits) => {
          const context = document.createElement("canvas").getContext("2d");
          context.lineWidth = 3;
          const [, , width, height] = phase.field.area;
          const [rate, momentum] = [phase.x, phase.y].map((k) => (value) =>
            SCALE(phase.method.spec.hyperparams[k].range, value));
          const on = (x, y) => context.isPointInStroke(phase.predicted.limit, x, y);
          return limits.map(([beta, limit]) => {
            const [x, y] = [rate(limit) * width, height * (1 - momentum(beta))];
            return [on(x, y), on(x - 4, y), on(x + 4, y)];
          });
          function SCALE({ low, high, scale }, value) {
            if (scale === "log") return Math.log(value / low) / Math.log(high / low);
            return Math.log(1 - value) / Math.log(1 - high);
          }
        }""",
        [
            [beta, float(stability_limit(METHODS[label].name, EIGENVALUES.max(), {"momentum": beta}))]
            for beta in (0.2, 0.5, 0.9, 0.99)
        ],
    )
    assert hits == [[True, False, False]] * 4
    found = bowl.evaluate(CELLS, 1)
    rates, betas = np.meshgrid(found["across"], found["up"])
    share = rates / stability_limit(METHODS[label].name, EIGENVALUES.max(), {"momentum": betas})
    factors = numbers(found["measured"])
    assert (factors[share > 1.1] > 1.001).all()
    assert (factors[share < 0.9] <= 1.001).mean() > 0.99


def test_what_it_says(bowl):
    look_at(bowl, "Heavy ball")
    bowl.evaluate("() => { figure.set(figure.focus, 0, 0.02); figure.set(figure.focus, 1, 0.6); }")
    settle(bowl)
    text = text_of(bowl, "momentum 0.6: measured")
    factor = linear_rate(oc.run(optimizers.momentum(0.02, momentum=0.6), BOWL, START, steps=STEPS))
    predicted = float(contraction("momentum", jnp.array(EIGENVALUES), {"learning_rate": 0.02, "momentum": 0.6}))
    said = dict(
        zip(("measured", "predicted"), map(float, text_numbers(text, "measured factor", ", predicted")), strict=True)
    )
    assert said["measured"] == pytest.approx(factor, rel=5e-3)
    assert said["predicted"] == pytest.approx(predicted, abs=6e-5)
    assert "learning rate 0.02, momentum 0.6; measured factor" in bowl.evaluate("() => phase.field.handle.ariaLabel")
    found = bowl.evaluate(CELLS, 1)
    for which in ("measured", "predicted"):
        cells = numbers(found[which])
        if which == "measured":
            row, column = np.unravel_index(cells.argmin(), cells.shape)
            at = f"learning rate {found['across'][column]:.3g}, momentum {found['up'][row]:.6g}"
            assert f"Best measured: {cells.min():.4g}, at {at}." in text
        share = f"{round(100 * (cells >= 1.001).mean())} %"
        assert f"{share} of the map diverges" in text if which == "measured" else f"predicted {share}." in text
    # Polyak's best setting, whatever the cells are.
    low, high = np.sqrt(EIGENVALUES)
    factor = (high - low) / (high + low)
    rate, momentum = (2 / (high + low)) ** 2, factor**2
    assert f"Best predicted: {factor:.4f}, at learning rate {rate:.3g}, momentum {momentum:.2g}." in text
    note = bowl.locator(".map .note").inner_text()
    assert "Thick line: the predicted stability limit" in note and "at the minimum (0, 0)" in note
    shares = [float(share.split()[-2]) for share in bowl.locator(".map tbody td:last-child").all_inner_texts()]
    assert sum(shares) == pytest.approx(100, abs=4)


def text_numbers(text, *begins):
    return [text.split(begin)[1].split()[0].rstrip(".,") for begin in begins]


def test_arrow_keys_and_clicks_set_what_was_computed(bowl):
    look_at(bowl, "Heavy ball")
    box = bowl.evaluate(
        "() => { const r = phase.field.inside.getBoundingClientRect(); return [r.x, r.y, r.width, r.height]; }"
    )
    bowl.mouse.click(box[0] + box[2] * 30.5 / 64, box[1] + box[3] * (1 - 10.5 / 48))
    settle(bowl)

    def cell():
        return bowl.evaluate(
            """() => [[phase.x, 64], [phase.y, 48]].map(([k, cells]) =>
              Array.from({ length: cells }, (_, c) => phase._value(k, c, cells)).indexOf(figure.focus.values[k]))"""
        )

    def now():
        return bowl.evaluate("([i, j]) => [phase.raster.values[64 * j + i], phase._now()[0]]", cell())

    assert cell() == [30, 10]
    assert len(set(now())) == 1
    bowl.locator(".field .handle").focus()
    for key, expected in (("ArrowRight", [31, 10]), ("ArrowDown", [31, 9]), ("Shift+ArrowUp", [31, 14])):
        bowl.keyboard.press(key)
        settle(bowl)
        assert cell() == expected
        assert len(set(now())) == 1
        assert bowl.evaluate("() => figure.shadow.activeElement.ariaLabel").startswith("Setting: learning rate ")


def test_another_hyperparameter_can_be_chosen(bowl):
    look_at(bowl, "Adam")
    chooser = bowl.locator(".map select")
    assert chooser.locator("option").all_inner_texts() == ["b1", "b2", "eps"]
    assert chooser.input_value() == "0"
    chooser.select_option(label="b2")
    settle(bowl)
    check_cells(bowl, "Adam", every=16)
    assert "no linear theory of Adam here" in bowl.locator(".map .note").inner_text()
    assert "predicted" not in text_of(bowl, "b2 ").replace("nothing is predicted", "")
    look_at(bowl, "Nesterov")
    assert not chooser.is_visible(), "there is nothing to choose"
    assert bowl.evaluate("() => phase.method.spec.hyperparams[phase.y].name") == "momentum"


def test_without_a_second_hyperparameter_or_a_minimum_it_says_so(bowl, opened):
    bowl.evaluate("() => figure.focusOn(figure.model.methods[3])")
    settle(bowl)
    assert text_of(bowl, "SGD") == "SGD has no second hyperparameter, so there is no map to draw."
    assert not bowl.locator(".map .field").is_visible() and not bowl.locator(".map table").is_visible()
    look_at(bowl, "Heavy ball")
    assert bowl.locator(".map .field").is_visible() and bowl.locator(".map table").is_visible()
    saddle = opened(surfaces.saddle(), {"Heavy ball": optimizers.momentum(0.01)}, None)
    assert "No minimum of this surface is known" in text_of(saddle, "No minimum")


def test_a_start_on_the_minimum(bowl):
    look_at(bowl, "Heavy ball")
    bowl.evaluate("() => figure.moveStart([0, 0])")
    settle(bowl)
    text_of(bowl, "The start is the minimum")
    bowl.evaluate("(start) => figure.moveStart(start)", START)
    settle(bowl)
    text_of(bowl, "Best measured")


def test_the_prediction_is_for_the_minimum_that_the_path_goes_to(opened):
    surface = surfaces.himmelblau()
    optimizer = optimizers.nesterov(0.003, momentum=0.25)
    page = opened(surface, {"Nesterov": optimizer}, [-0.5, -0.5])
    seen = set()
    for start in ([-0.5, -0.5], [3.5, 1.0], [-0.5, 3.0]):
        page.evaluate("(start) => figure.moveStart(start)", start)
        settle(page)
        path = oc.run(optimizer, surface, start, steps=STEPS)
        nearest = min(surface.minima, key=lambda minimum: np.linalg.norm(path.params[-1] - minimum.params))
        eigenvalues = np.linalg.eigvalsh(np.asarray(surface.hessian(jnp.array(nearest.params))))
        predicted = contraction("nesterov", jnp.array(eigenvalues), {"learning_rate": 0.003, "momentum": 0.25})
        text = text_of(page, f", predicted {float(predicted):.4g}.")
        assert float(text_numbers(text, "measured factor")[0]) == pytest.approx(linear_rate(path), rel=0.02)
        name = ", ".join(f"{x:.3g}" for x in nearest.params).replace("-", "−")
        assert f"at the minimum ({name})" in page.locator(".map .note").inner_text()
        seen.add(name)
    assert len(seen) > 1


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_rough_formats(opened, precision):
    """There are too few numbers to fit: the mean of all steps, here that of the figure's own path."""
    page = opened(methods={"Heavy ball": optimizers.momentum(0.02)}, precisions=(precision,), steps=9)
    text = text_of(page, "Best measured")
    path = oc.run(optimizers.momentum(0.02), BOWL, np.array(START, jnp.dtype(precision)), steps=9)
    away = np.linalg.norm(np.asarray(path.params, float), axis=1)
    assert float(text_numbers(text, "measured factor")[0]) == pytest.approx((away[-1] / away[0]) ** (1 / 9), abs=6e-5)


@pytest.mark.parametrize(("scheme", "width"), [("light", 900), ("dark", 360)])
def test_everybody_can_use_it(opened, scheme, width):
    page = opened(focus="Adam", color_scheme=scheme, viewport={"width": width, "height": 1600}, reduced_motion="reduce")
    text_of(page, "Best measured")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    page.add_style_tag(content=f"body {{ background: {style.THEMES[scheme]['paper']} }}")  # what the browser has there
    faults, undecided = visits.run_axe(page, ["[data-optcourse]"])
    assert not faults and not undecided


def test_it_is_there_where_it_fits():
    def panels(surface, methods, **options):
        return Explorable(surface, methods, steps=10, **options).spec["panels"]

    assert "phase" in panels(BOWL, [optimizers.sgd, optimizers.adam])
    assert "phase" not in panels(BOWL, optimizers.sgd)
    assert "phase" not in panels(surfaces.saddle(), optimizers.adam)
    assert panels(surfaces.saddle(), optimizers.adam, panels=["phase"]) == ["phase"]
