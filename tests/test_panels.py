"""The panels of a live figure say what `run`, NumPy and `optcourse.theory` say."""

import gzip
import math
import random
import re

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import optax
import pytest

from optcourse import optimizers, run, surfaces
from optcourse.explorables import Explorable, bundle
from optcourse.theory import contraction, stability_limit

# Bring a figure to a step of one optimizer with a panel open, wait until it is drawn.
SHOW = """async ([panel, label, step]) => {
  const figure = document.querySelector("[data-optcourse]").optcourse;
  if (label) figure.focusOn(figure.model.methods.find((method) => method.label === label));
  if (step !== null) figure.goTo(step);
  const drawer = figure.panels.find((drawer) => drawer.panel.name === panel);
  drawer.element.open = true;
  for (let k = 0; k < 3; k++) await new Promise(requestAnimationFrame);
  drawer.element.dataset.shown = panel;
}"""
TABLES = """(panel) => Array.from(panel.querySelectorAll("table"), (table) =>
  Array.from(table.rows, (row) => Array.from(row.cells, (cell) => cell.textContent)))"""
LINES = """(panel) => Array.from(panel.querySelectorAll(".line"), (line) =>
  [".formula", ":scope > div > code"].flatMap((which) =>
    Array.from(line.querySelectorAll(which), (code) => code.textContent)))"""


class Page:
    """A page with one figure, and what a reader sees in its panels."""

    def __init__(self, browser, folder, figure, **context):
        (folder / "page.html").write_text(figure.to_page(), encoding="utf-8")
        self.errors = []
        self.page = browser.new_page(**context)
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto((folder / "page.html").as_uri())
        self.page.wait_for_function("document.querySelector('[data-optcourse]').optcourse")

    def show(self, panel, label=None, step=None):
        self.page.evaluate(SHOW, [panel, label, step])
        assert not self.errors
        return self.page.locator(f"details[data-shown={panel}]")

    def tables(self, panel, label=None, step=None):
        return self.show(panel, label, step).evaluate(TABLES)


def number(text: str) -> float:
    text = text.replace("−", "-").replace("∞", "inf").removesuffix(" ×")
    return math.nan if text == "–" else float(text)


def near(text: str, value, rel=6e-4) -> bool:
    """Whether a number that is written with four digits is this one."""
    return number(text) == pytest.approx(float(value), rel=rel, abs=1e-300, nan_ok=True)


def own(learning_rate=0.02, decay=0.9, clip=1.0):
    return optax.chain(
        optax.clip_by_global_norm(clip),
        optax.trace(decay),
        optax.add_decayed_weights(0.01),
        optax.scale_by_learning_rate(optax.cosine_decay_schedule(learning_rate, 100)),
    )


@pytest.fixture(scope="module")
def catalogue(browser, tmp_path_factory):
    """Every optimizer of the catalogue, and one of our own, on one page."""
    figure = Explorable(
        surfaces.rosenbrock(), {**optimizers.catalogue(), "own": own}, steps=12, panels=["inspector", "theory"]
    )
    page = Page(browser, tmp_path_factory.mktemp("catalogue"), figure)
    yield figure, page
    page.page.close()


LABELS = [*optimizers.catalogue(), "own"]


@pytest.mark.parametrize("label", LABELS)
def test_the_record_is_that_of_run(catalogue, label):
    figure, page = catalogue
    path = figure.paths()[label]
    for t in (0, 7):
        found, did = page.tables("inspector", label, t)[:2]
        step = path[t]
        rows = iter(found[2:])
        name, *cells = next(rows)
        assert name == "params"
        assert all(map(near, cells, [*step.params, *step.new_params]))
        name, *cells = next(rows)
        assert name == "loss"
        assert all(map(near, cells, [step.loss, path.loss[t + 1]]))
        leaves = [
            (np.asarray(before), np.asarray(after))
            for before, after in zip(jax.tree.leaves(step.opt_state), jax.tree.leaves(step.new_opt_state), strict=True)
            if np.shape(before) in ((), (2,))
        ]
        if leaves:
            assert next(rows) == ["opt_state"]
        for (_, *cells), (before, after) in zip(rows, leaves, strict=True):
            assert all(map(near, cells, [*before.ravel(), *after.ravel()]))
        rows = {name: cells for name, *cells in did[1:]}
        assert all(map(near, rows["gradient"], step.gradients))
        assert all(map(near, rows["update"], step.updates))
        assert near(rows["step size: L2 norm of the update"][0], step.step_size)
        with np.errstate(divide="ignore", invalid="ignore"):
            rates = np.abs(step.updates) / np.abs(step.gradients)
        assert all(map(near, rows["effective rate: |update| ÷ |gradient|"], rates))


def evaluated(text: str, off: float = 0.0, seed: int = 0) -> float:
    """What a line's arithmetic comes to, with its numbers off by up to this much, relatively."""
    noise = random.Random(seed)
    text = re.sub(r"\[.*\]$", "", text).replace("−", "-").replace("∞", "inf")
    shaken = re.sub(
        r"(?<![\w.])\d[\d.]*(?:e-?\d+)?", lambda hit: repr(float(hit[0]) * (1 + off * noise.uniform(-1, 1))), text
    )
    shaken = (
        re.sub(r"√(\d[\d.]*(?:e-?\d+)?)", r"√(\1)", shaken)
        .replace("√", "sqrt")
        .replace("^", "**")
        .replace("²", "**2.0")
    )
    shaken = re.sub(r"\|([^|]*)\|", r"abs(\1)", shaken).replace("×", "*").replace("mod", "%")
    names = {name: getattr(math, name) for name in ("sqrt", "cos", "inf")}
    names |= {"sign": np.sign, "min": min, "max": max, "abs": abs, "nan": math.nan}
    return float(eval(shaken, {"__builtins__": {}}, names))


@pytest.mark.parametrize("label", LABELS)
def test_the_arithmetic_comes_to_what_it_says(catalogue, label):
    _, page = catalogue
    checked = 0
    for formula, *numbers in page.show("inspector", label, 7).evaluate(LINES):
        assert "?" not in formula and "undefined" not in formula
        for line in numbers:
            expression, _, value = line.removeprefix("= ").rpartition(" = ")
            if not expression or value in ("yes", "no"):
                continue
            exact = evaluated(expression)
            if math.isfinite(exact):
                # As far as four digits of each number tell.
                shaken = [evaluated(expression, 6e-4, seed) for seed in range(12)]
                slack = 1.5 * max(abs(exact - other) for other in shaken) + 6e-4 * abs(exact)
                assert number(value) == pytest.approx(exact, abs=slack), (formula, line)
            checked += 1
    assert checked >= 4


def test_the_arithmetic_of_adam(catalogue):
    figure, page = catalogue
    lines = {formula: numbers for formula, *numbers in page.show("inspector", "adam", 7).evaluate(LINES)}
    assert "new_mu = (1 − b1) × gradient + b1 × mu" in lines
    assert "new_nu = (1 − b2) × gradient² + b2 × nu" in lines
    assert "mu_hat = new_mu / (1 − b1^new_count)" in lines
    assert "updates = mu_hat / (√nu_hat + eps)" in lines
    assert "update = −learning_rate × updates" in lines
    assert "params at step 8 = params + update" in lines
    moments = figure.paths()["adam"][7].new_opt_state[0]
    for formula, numbers in lines.items():
        if formula.startswith(("new_mu", "new_nu")):
            values = [line.rpartition(" = ")[2] for line in numbers]
            assert all(map(near, values, moments.mu if "mu" in formula else moments.nu))


def test_own_optimizers_are_explained_in_their_own_words(catalogue):
    _, page = catalogue
    panel = page.show("inspector", "own", 7)
    formulas = [formula for formula, *_ in panel.evaluate(LINES)]
    assert "updates = gradient if trigger, else gradient / √sums × clip" in formulas
    assert "new_trace = updates + decay × trace" in formulas
    headings = panel.locator(".subpart").all_text_contents()
    assert headings.index("clip_by_global_norm") < headings.index("trace") < headings.index("add_decayed_weights")


def test_loops_are_said_to_be_loops_and_long_arrays_are_folded(catalogue):
    figure, page = catalogue
    panel = page.show("inspector", "lbfgs", 7)
    assert panel.get_by_text("Here the code has a loop").count() >= 1
    panel.get_by_text("diff_params_memory, 10 × 2 numbers").click()
    path = figure.paths()["lbfgs"]
    memory = next(np.asarray(leaf) for leaf in jax.tree.leaves(path[7].opt_state) if np.shape(leaf) == (10, 2))
    rows = page.tables("inspector")[2][1:]
    assert len(rows) == 10
    for (_, *cells), values in zip(rows, memory, strict=True):
        assert all(map(near, cells[:2], values))


def test_steps_can_be_walked_through(catalogue):
    _, page = catalogue
    panel = page.show("inspector", "adam", 12)
    assert "The path ends here, so this is the step that led here." in panel.text_content()
    assert "adam, step 11" in panel.text_content()
    panel.get_by_role("button", name="Next step").is_disabled()
    panel.get_by_role("button", name="Previous step").click()
    assert "adam, step 10" in page.show("inspector").text_content()
    panel.get_by_role("button", name="Next step").click()
    assert "adam, step 11" in page.show("inspector").text_content()
    page.show("inspector", "adam", 0)
    assert panel.get_by_role("button", name="Previous step").is_disabled()


def test_the_whole_source_is_what_runs(catalogue):
    figure, page = catalogue
    panel = page.show("inspector", "sgd", 3)
    panel.get_by_text("The whole compiled step").click()
    page.show("inspector")
    source = panel.locator("pre").text_content()
    assert source.startswith("function sgd_step(") and source in figure.source


@pytest.mark.parametrize("label", ["adam", "adagrad", "lion"])
def test_the_curvature_is_that_of_the_surface(catalogue, label):
    figure, page = catalogue
    path = figure.paths()[label]
    for t in (0, 5, 12):
        rows = page.tables("theory", label, t)[0][1:]
        expected = np.linalg.eigvalsh(figure.surface.hessian(np.asarray(path.params[t])))[::-1]
        for (_, value, direction, *_), eigenvalue in zip(rows, expected, strict=True):
            assert near(value, eigenvalue)
            along = np.array([number(part) for part in direction.strip("()").split(",")])
            turned = figure.surface.hessian(np.asarray(path.params[t])) @ along
            assert turned == pytest.approx(eigenvalue * along, abs=5e-3 * abs(expected[0]))


def test_optimizers_without_linear_theory_show_the_rate_of_each_axis(catalogue):
    figure, page = catalogue
    step = figure.paths()["adam"][5]
    hessian = figure.surface.hessian(np.asarray(step.params))
    rows = page.tables("theory", "adam", 5)[1][1:]
    rates = np.abs(np.asarray(step.updates) / np.asarray(step.gradients))
    for k, (axis, curvature, rate, product) in enumerate(rows):
        assert ("uphill" in axis) == (step.updates[k] * step.gradients[k] > 0)
        assert near(curvature, hessian[k, k])
        assert near(rate, rates[k])
        assert near(product, rates[k] * hessian[k, k])
    did = {name: cells for name, *cells in page.tables("inspector", "adam", 5)[1]}
    assert did["effective rate: |update| ÷ |gradient|"] == [row[2] for row in rows]


def test_tables_and_pictures_have_names(catalogue):
    _, page = catalogue
    for panel in ("inspector", "theory"):
        shown = page.show(panel, "momentum", 5)
        assert shown.evaluate("(panel) => panel.querySelectorAll('th:not([scope]):not(:empty)').length") == 0
        assert shown.evaluate("(panel) => panel.querySelectorAll('canvas:not([hidden]):not([aria-label])').length") == 0


def test_contraction_and_limit_beside_what_was_measured(browser, tmp_path):
    given = {
        "slow": optimizers.sgd(0.01),
        "heavy ball": optimizers.momentum(0.02, momentum=0.9),
        "nesterov": optimizers.nesterov(0.02, momentum=0.5),
        "diverging": optimizers.sgd(0.11),
    }
    bowl = surfaces.quadratic_bowl((2.0, 20.0), rotation=30.0)
    page = Page(browser, tmp_path, Explorable(bowl, given, start=[-4.0, 2.0], steps=200, panels=["theory"]))
    for label, optimizer in given.items():
        hyperparams = dict(optimizer.traced_and_fixed()[0])
        predicted = float(contraction(optimizer.name, jnp.array([2.0, 20.0]), hyperparams))
        limit = float(stability_limit(optimizer.name, 20.0, hyperparams))
        curvature, factors = page.tables("theory", label, 200)
        assert near(curvature[1][1], 20) and near(curvature[2][1], 2)
        assert near(curvature[1][3], limit, rel=6e-3)
        assert near(factors[1][1], predicted)
        assert number(factors[2][1]) == pytest.approx(predicted, rel=5e-3)
        text = page.show("theory").text_content()
        assert "condition number 10." in text
        share = hyperparams["learning_rate"] / limit
        said = re.search(r"is (\S+) of the limit: (below|above) it", text)
        assert number(said[1]) == pytest.approx(share, rel=6e-3)
        assert said[2] == ("below" if share < 1 else "above")
    assert "too few steps" in page.show("theory", "slow", 5).text_content()
    page.page.close()


def test_what_neither_shrinks_nor_grows(browser, tmp_path):
    given = {"limit": optimizers.sgd(0.1), "still": optimizers.sgd(0.0), "grows": optimizers.sgd(0.11)}
    figure = Explorable(
        surfaces.quadratic_bowl((2.0, 20.0), rotation=30.0), given, start=[-4.0, 2.0], steps=40, panels=["theory"]
    )
    page = Page(browser, tmp_path, figure)
    said = {label: page.show("theory", label, 40).text_content() for label in given}
    for label in ("limit", "still"):
        assert page.tables("theory", label, 40)[1][1][1] == "1"
        assert "along at least one direction the distance neither shrinks nor grows" in said[label]
        assert "A factor above 1" not in said[label]
    assert "Yours, 0.1, is 1 of the limit: exactly on it." in said["limit"]
    assert "A learning rate of 0 moves nothing, whatever the curvature." in said["still"]
    assert "No direction curves upwards" not in said["still"] and "the theory applies" not in said["still"]
    assert "A factor above 1 means that the distance grows" in said["grows"]
    page.page.close()


@pytest.mark.parametrize(
    ("surface", "start", "said"),
    [
        (surfaces.quadratic_bowl((2.0, 20.0), rotation=30.0), [-4.0, 2.0], "so the theory applies"),
        (surfaces.nonsmooth(), [1.0, 1.0], "no quadratic around the minimum, so the theory does not apply"),
        (surfaces.rosenbrock(), [0.5, 0.5], "They need not agree"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_the_theory_applies_to_quadratics(browser, tmp_path, surface, start, said, precision):
    rate = {"nonsmooth": 0.05, "rosenbrock": 0.002}.get(surface.name, 0.01)
    figure = Explorable(
        surface, {"SGD": optimizers.sgd(rate)}, start=start, steps=60, panels=["theory"], precisions=(precision,)
    )
    page = Page(browser, tmp_path, figure)
    text = page.show("theory", "SGD", 60).text_content()
    assert said in text
    assert ("the theory applies" in text) == ("applies" in said)
    page.page.close()


def test_what_scrolls_is_reached_with_the_keyboard_and_nothing_else(browser, tmp_path):
    figure = Explorable(
        surfaces.rosenbrock(),
        [optimizers.adam(0.05)],
        steps=20,
        precisions=("float64", "float32"),
        panels=["inspector", "theory", "precision"],
    )
    counts = []
    for width in (320, 1400):
        page = Page(browser, tmp_path, figure, viewport={"width": width, "height": 900})
        counts.append(0)
        for panel in ("inspector", "theory", "precision"):
            parts = page.show(panel, None, 5).evaluate(
                """(panel) => Array.from(panel.querySelectorAll(".scroll"), (part) =>
                  [part.scrollWidth > part.clientWidth, part.tabIndex === 0])"""
            )
            assert all(scrolls == reached for scrolls, reached in parts)
            counts[-1] += sum(reached for _, reached in parts)
        page.page.close()
    assert counts[0] > 0 and counts[1] == 0


def test_with_one_parameter(browser, tmp_path):
    figure = Explorable(
        surfaces.quadratic_bowl((3.0,)), [optimizers.sgd(0.1), optimizers.adam(0.1)], start=[2.0], steps=40
    )
    page = Page(browser, tmp_path, figure)
    curvature, factors = page.tables("theory", "SGD", 30)
    assert near(curvature[1][1], 3) and near(factors[1][1], 0.7) and near(factors[2][1], 0.7)
    found, did = page.tables("inspector", "Adam", 4)
    step = figure.paths()["Adam"][4]
    assert near(found[2][1], step.params[0]) and near(did[2][1], step.updates[0])
    formulas = [formula for formula, *_ in page.show("inspector").evaluate(LINES)]
    assert "new_mu = (1 − b1) × gradient + b1 × mu" in formulas
    page.page.close()


def test_number_formats(browser, tmp_path):
    formats = {"float64": np.float64, "float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}
    bowl, given = surfaces.quadratic_bowl(), {"SGD": optimizers.sgd(0.03), "Adam": optimizers.adam(0.1, b2=0.9999)}
    figure = Explorable(bowl, given, start=[-4.0, 2.0], steps=600, precisions=tuple(formats), panels=["precision"])
    page = Page(browser, tmp_path, figure, viewport={"width": 360, "height": 800})
    rows = {name: cells for name, *cells in page.tables("precision", "SGD", 100)[0][1:]}
    for name, dtype in formats.items():
        path = run(optimizers.sgd(0.03), bowl, np.array([-4.0, 2.0], dtype), steps=600)
        params = np.asarray(path.params)
        last, still, *_, x, y = rows[name]
        assert near(last, path.loss[-1], rel=1e-2)
        moves = np.flatnonzero((params[1:] != params[:-1]).any(axis=1))
        settled = int(moves[-1]) + 1 if moves.size else 0
        assert still == (f"step {settled}" if settled < 600 else "moves to the end")
        with np.errstate(under="ignore"):
            assert near(x, np.spacing(np.abs(params[100, 0])), rel=6e-3)
            assert near(y, np.spacing(np.abs(params[100, 1])), rel=6e-3)
    assert rows["float64"][2] == "–"
    text = page.show("precision", "Adam").text_content()
    assert "bfloat16: the setting b2 = 0.9999 becomes 1" in text
    assert "eps = 1e−8 becomes 0" in text
    assert "float64:" not in text
    page.page.get_by_label("The figure above computes in").select_option("float16")
    page.show("precision")
    assert page.page.evaluate("document.querySelector('[data-optcourse]').optcourse.model.precision") == "float16"
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 360
    page.page.close()


def test_overflow_is_told(browser, tmp_path):
    # The second moment of a gradient of a thousand is more than float16 holds, though the gradient is not.
    given = {"surface": surfaces.rosenbrock(), "optimizers": [optimizers.adam(0.1, b2=0.9)], "start": [1.9, -2.9]}
    figure = Explorable(**given, steps=50, precisions=("float64", "float16"))
    page = Page(browser, tmp_path, figure)
    assert re.search(
        r"float16: nu overflows at step \d+, though float64 stays finite",
        page.show("precision").text_content(),
    )
    page.page.close()


def test_without_float64_nothing_is_compared_with_it(browser, tmp_path):
    given = {"surface": surfaces.quadratic_bowl((1.0,)), "start": [1.0], "steps": 5, "panels": ["precision"]}
    for formats, said in {
        ("float32", "float16"): "No format overflows.",
        ("float64", "float32"): "No format overflows, and none underflows where float64 does not.",
    }.items():
        page = Page(browser, tmp_path, Explorable(**given, optimizers=[optimizers.sgd(0.1)], precisions=formats))
        assert page.show("precision").locator("li").all_text_contents() == [said]
        page.page.close()


def test_params_is_plural(browser, tmp_path):
    given = {"steps": 400, "precisions": ("float64", "float16"), "panels": ["precision"]}
    bowl = surfaces.quadratic_bowl((1.0,))
    figure = Explorable(bowl, {"in": optimizers.sgd(1 - 1e-9), "out": optimizers.sgd(2.5)}, start=[1.0], **given)
    page = Page(browser, tmp_path, figure)
    assert re.search(r"params underflow to 0 at step \d+", page.show("precision", "in").text_content())
    assert re.search(r"float16: (params overflow|the \w+ overflows) at", page.show("precision", "out").text_content())
    page.page.close()


def test_the_runtime_is_small():
    assert len(gzip.compress(bundle.runtime().encode())) <= bundle.LARGEST
