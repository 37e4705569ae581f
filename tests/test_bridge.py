"""What a reader chose in a live figure, as Python reads it: alone, in a kernel, and in Colab."""

import copy
import json
import subprocess
import sys
import types
from contextlib import contextmanager

import nbformat
import numpy as np
import pytest
from IPython.display import JSON
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient

import optcourse as oc
from optcourse import optimizers, surfaces
from optcourse.explorables import bundle

CODE = """
import optcourse as oc
from optcourse import optimizers, surfaces
figure = oc.Explorable(
    surfaces.rosenbrock(), {"Adam": optimizers.adam(0.1), "SGD": optimizers.sgd(1e-3)}, steps=20, panels=[]
)
"""


@pytest.fixture(scope="module")
def html():
    """The figure of CODE, as it is without a kernel."""
    return make().to_html()


def make(**options):
    methods = {"Adam": optimizers.adam(0.1), "SGD": optimizers.sgd(1e-3)}
    return oc.Explorable(surfaces.rosenbrock(), methods, **{"steps": 20, "panels": [], **options})


@pytest.fixture
def figure():
    return make()


def moved(settings, **changes):
    """Settings as the page would send them after a reader's change."""
    return {**json.loads(json.dumps(settings)), **changes}


# --- settings in Python ----------------------------------------------------------------------------------------------


def test_before_it_is_displayed_a_figure_says_where_it_begins(figure):
    assert figure.start == (-1.2, 1.0)
    assert (figure.steps, figure.step, figure.precision, figure.shown) == (20, 20, "float64", ("Adam", "SGD"))
    assert figure.hyperparams == {
        "Adam": {"b1": 0.9, "b2": 0.999, "eps": 1e-8, "learning_rate": 0.1},
        "SGD": {"learning_rate": 1e-3},
    }


def test_all_settings_can_be_set_and_observed(figure):
    seen = []
    figure.observe(lambda change: seen.append((change.name, change.new)))
    figure.start = np.array([0, 1])
    figure.hyperparams = {"Adam": {"learning_rate": 0.3}}
    figure.shown = "SGD"
    figure.step = 7
    assert seen[0] == ("start", (0.0, 1.0))
    assert [name for name, _ in seen] == ["start", "hyperparams", "shown", "step"]
    assert figure.hyperparams["Adam"]["learning_rate"] == 0.3
    assert figure.hyperparams["Adam"]["b1"] == 0.9 and figure.hyperparams["SGD"] == {"learning_rate": 1e-3}


@pytest.mark.parametrize(("before", "steps", "after"), [(20, 50, 50), (20, 5, 5), (7, 50, 7), (7, 5, 5)])
def test_the_step_that_is_shown_stays_within_the_steps(figure, before, steps, after):
    figure.step = before
    figure.steps = steps
    assert figure.step == after


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("start", [1, 2, 3], r"start must have shape \(2,\) on rosenbrock, got \(3,\)"),
        ("start", [1, np.inf], "start must be finite"),
        ("steps", 0, "steps must be 1 to 1000 in this figure, got 0.$"),
        ("steps", 5000, "build the figure with steps="),
        ("steps", 2.5, "steps must be a whole number, got 2.5"),
        ("step", 21, "step must be 0 to 20 in this figure, got 21"),
        ("precision", "float32", "no precision 'float32'.*build the figure with precisions="),
        ("shown", ["Adan"], "no optimizer 'Adan'. Did you mean 'Adam'"),
        ("shown", [], "one optimizer at least must be shown, out of: Adam, SGD"),
        ("hyperparams", {"Adam": {"learning_rat": 1}}, "Did you mean 'learning_rate'"),
        ("hyperparams", {"Sgd": {"learning_rate": 1}}, "Did you mean 'SGD'"),
        ("hyperparams", {"SGD": {"learning_rate": "big"}}, "learning_rate of SGD must be a number, got 'big'"),
        ("hyperparams", {"SGD": {"learning_rate": float("nan")}}, "learning_rate of SGD must be finite"),
        ("hyperparams", {"SGD": 0.1}, r"must be a dict such as \{'Adam': \{'learning_rate': 0.1\}\}"),
    ],
)
def test_a_setting_that_the_figure_cannot_have_is_refused(figure, name, value, message):
    before = figure.settings()
    with pytest.raises((TypeError, ValueError), match=message):
        setattr(figure, name, value)
    assert figure.settings() == before


def test_hyperparams_are_changed_by_assignment_only(figure):
    with pytest.raises(TypeError, match=r"changed by assignment: figure.hyperparams = "):
        figure.hyperparams["Adam"]["learning_rate"] = 0.3
    with pytest.raises(TypeError, match="by assignment"):
        figure.hyperparams.update(Adam={})
    mine = copy.deepcopy(figure.hyperparams)
    mine["Adam"]["learning_rate"] = 0.3
    figure.hyperparams = mine
    assert figure.hyperparams == mine


def test_python_goes_on_where_the_reader_is(figure):
    figure.start, figure.steps, figure.shown = [0.5, 2.0], 30, ["Adam"]
    figure.hyperparams = {"Adam": {"learning_rate": 0.3}}
    path = oc.run(figure.optimizers["Adam"], figure.surface, figure.start, steps=figure.steps)
    np.testing.assert_array_equal(
        path.params, oc.run(optimizers.adam(0.3), figure.surface, [0.5, 2.0], steps=30).params
    )
    paths = figure.paths()
    assert list(paths) == ["Adam"]
    np.testing.assert_array_equal(paths["Adam"].params, path.params)


def test_paths_are_in_the_precision_that_was_chosen():
    figure = make(precisions=["float64", "bfloat16"])
    assert figure.paths()["SGD"].params.dtype == np.float64
    figure.precision = "bfloat16"
    assert figure.paths()["SGD"].params.dtype == "bfloat16"


def test_settings_of_a_page_are_taken_over_at_once(figure):
    seen = []
    figure.observe(lambda change: seen.append(figure.settings()))
    settings = figure.settings()
    settings["methods"]["SGD"]["shown"] = False
    settings["methods"]["Adam"]["learning_rate"] = 0.3
    settings |= {"start": [0, 1], "steps": 300, "step": 120}
    figure.follow(settings)
    assert figure.settings() == settings
    assert all(one == settings for one in seen)  # nobody sees half of it


def test_of_a_page_that_is_out_of_date_only_what_fits_is_taken_over(figure):
    before = figure.settings()
    stale = {"start": [1.0], "steps": 10**9, "step": -1, "precision": "float8", "methods": {"Lion": {"shown": True}}}
    figure.follow({**stale, "unknown": 1})
    assert figure.settings() == before
    figure.follow({"start": [0.0, 0.0]})
    assert figure.settings() == {**before, "start": [0.0, 0.0]}


# --- what is displayed -----------------------------------------------------------------------------------------------


def test_html_is_that_of_the_settings(figure, html):
    assert figure.to_html() == html
    figure.start = [0.0, 1.0]
    assert '"start":[0.0,1.0]' in figure.to_html() and figure.name in html
    figure.start = [-1.2, 1.0]
    assert figure.to_html() == html


def test_without_a_kernel_nothing_is_connected(figure):
    assert set(figure._repr_mimebundle_()) == {"text/html", "text/plain"}
    assert figure._connection is None


def test_anywidget_is_imported_only_when_needed():
    code = "import sys, optcourse.explorables; print([m for m in ('anywidget', 'ipywidgets') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_a_tool_that_executes_a_notebook_stores_the_figure_and_nothing_else(html):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CODE), nbformat.v4.new_code_cell("figure")])
    NotebookClient(notebook, kernel_name="python3", extra_arguments=["--IPKernelApp.log_level=40"]).execute()
    assert "widgets" not in notebook.metadata
    (output,) = notebook.cells[1].outputs
    assert set(output.data) == {"text/html", "text/plain"}
    assert output.data["text/html"] == html


# --- a kernel --------------------------------------------------------------------------------------------------------


class Kernel:
    """A kernel and its comm messages, as a front end sees them."""

    def __init__(self, client):
        self.client = client
        self.opened, self.closed, self.sent = {}, set(), []  # connections: state by comm id; what was told

    def run(self, code: str) -> str:
        """Execute and return what was printed or displayed as HTML."""
        shown, request = [], self.client.execute(code)
        while True:
            message = self.client.get_iopub_msg(timeout=120)
            content, kind = message["content"], message["msg_type"]
            if kind == "status" and content["execution_state"] == "idle":
                if message["parent_header"]["msg_id"] == request:
                    return "".join(shown)
            elif kind == "stream":
                shown.append(content["text"])
            elif kind in ("execute_result", "display_data"):
                assert set(content["data"]) == {"text/html", "text/plain"}
                shown.append(content["data"]["text/html"])
            elif kind == "error":
                raise AssertionError("\n".join(content["traceback"]))
            elif kind == "comm_open" and "settings" in content["data"]["state"]:
                self.opened[content["comm_id"]] = content["data"]["state"]
            elif kind == "comm_close":
                self.closed.add(content["comm_id"])
            elif kind == "comm_msg" and content["comm_id"] in self.opened and "state" in content["data"]:
                self.sent.append(content["data"]["state"])

    def tell(self, comm: str, data: dict) -> None:
        """Send what the page sends when a reader moves something."""
        message = self.client.session.msg("comm_msg", {"comm_id": comm, "data": data})
        self.client.shell_channel.send(message)

    @property
    def live(self) -> str:
        (comm,) = self.opened.keys() - self.closed
        return comm


@pytest.fixture(scope="module")
def kernel():
    manager, client = start_new_kernel(extra_arguments=["--IPKernelApp.log_level=40"])
    try:
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_in_a_kernel_python_and_the_page_follow_each_other(kernel, html):
    kernel.run(CODE)
    assert not kernel.opened  # nothing is displayed yet
    assert kernel.run("figure") == html
    state = kernel.opened[kernel.live]
    assert state["settings"]["start"] == [-1.2, 1.0]
    assert state["_model_module"] == "anywidget" and "optcourse:change" in state["_esm"]

    # The reader moves, in the two ways in which the page says so.
    settings = moved(state["settings"], start=[0, 1])
    kernel.tell(kernel.live, {"method": "update", "state": {"settings": settings}, "buffer_paths": []})
    assert kernel.run("print(figure.start)") == "(0.0, 1.0)\n"
    settings = moved(settings, start=[0.25, 1], step=3)
    kernel.tell(kernel.live, {"method": "custom", "content": {"settings": settings}})
    assert kernel.run("print(figure.start, figure.step)") == "(0.25, 1.0) 3\n"
    assert kernel.sent == []  # an echo would pull back a reader who drags on

    # Python moves.
    kernel.run("figure.start = [0.5, 2]")
    assert kernel.sent == [{"settings": moved(settings, start=[0.5, 2.0])}]

    # Displayed again: the same connection, at the present settings.
    assert '"start":[0.5,2.0]' in kernel.run("figure")
    assert len(kernel.opened) == 1

    # Python may answer a reader's move with its own.
    kernel.sent.clear()
    kernel.run('figure.observe(lambda change: figure.set_trait("start", [max(0, x) for x in change.new]), "start")')
    kernel.tell(kernel.live, {"method": "custom", "content": {"settings": moved(settings, start=[-1, 1])}})
    assert kernel.run("print(figure.start)") == "(0.0, 1.0)\n"
    assert kernel.sent[-1]["settings"]["start"] == [0.0, 1.0]


def test_a_cell_that_is_run_again_has_the_figure(kernel, html):
    kernel.run(CODE)
    kernel.run("figure")
    first, earlier = kernel.live, len(kernel.opened)
    assert kernel.run(f"earlier = figure\n{CODE}\nfigure") == html  # not where the earlier one was
    assert len(kernel.opened) == earlier + 1 and first in kernel.closed
    settings = moved(kernel.opened[kernel.live]["settings"], start=[0, 1])
    kernel.tell(kernel.live, {"method": "custom", "content": {"settings": settings}})
    assert kernel.run("print(figure.start, earlier.start)") == "(0.0, 1.0) (-1.2, 1.0)\n"
    kernel.run("earlier")  # displayed again, it takes over
    kernel.tell(kernel.live, {"method": "custom", "content": {"settings": moved(settings, start=[0.5, 1])}})
    assert kernel.run("print(figure.start, earlier.start)") == "(0.0, 1.0) (0.5, 1.0)\n"


def test_without_anywidget_the_figure_is_displayed_all_the_same(kernel, html):
    kernel.run(f"import sys\nfrom optcourse.explorables import bridge\nbridge._widget_class.cache_clear()\n{CODE}")
    opened = len(kernel.opened)
    kernel.run("kept = sys.modules.get('anywidget'); sys.modules['anywidget'] = None")
    try:
        assert kernel.run("figure") == html
        assert len(kernel.opened) == opened
    finally:
        kernel.run("sys.modules['anywidget'] = kept")


# --- the page's end --------------------------------------------------------------------------------------------------


@contextmanager
def page_with(browser, content: str, *before: str):
    """A page that is `content`, with the network cut off and scripts run `before` it; it must show no errors."""
    context = browser.new_context(viewport={"width": 900, "height": 900})
    page, errors = context.new_page(), []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    context.route("**/*", lambda route: route.fulfill(body=content, content_type="text/html; charset=utf-8"))
    for script in before:
        context.add_init_script(script)
    page.goto("http://page.test/")
    page.wait_for_function("document.querySelector('[data-optcourse]')?.optcourse !== undefined")
    try:
        yield page
        assert errors == []
    finally:
        context.close()


def start_of(page, index=0):
    return page.evaluate(f"document.querySelectorAll('[data-optcourse]')[{index}].optcourse.settings().start")


def wait_for_start(page, start, index=0):
    page.wait_for_function(
        "([k, x]) => String(document.querySelectorAll('[data-optcourse]')[k].optcourse.settings().start) === x",
        arg=[index, ",".join(map(str, start))],
    )


MODEL = """
window.model = {
  state: null, saved: [], sent: [], handlers: [],
  get(key) { return this.state[key]; },
  set(key, value) { this.state[key] = value; this.handlers.forEach((handler) => handler()); },
  on(event, handler) { this.handlers.push(handler); },
  save_changes() { this.saved.push(this.state.settings); },
  send(content) { this.sent.push(content); },
};
window.connect = async (source, state) => {
  model.state = state;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  window.disconnect = (await import(url)).default.initialize({ model });
};
"""


def test_the_views_of_a_figure_and_its_model_agree(browser, figure):
    views = f"{figure.to_page()}{figure.to_html(runtime=False)}"
    module = (bundle.PAGE / "jupyter.js").read_text(encoding="utf-8")
    with page_with(browser, views, MODEL) as page:
        page.wait_for_function("[...document.querySelectorAll('[data-optcourse]')].every((host) => host.optcourse)")
        # The kernel remembers a reader's start: the page is brought to it.
        settings = moved(figure.settings(), start=[0.5, 2])
        page.evaluate("([...given]) => connect(...given)", [module, {"name": figure.name, "settings": settings}])
        wait_for_start(page, [0.5, 2], 0)
        wait_for_start(page, [0.5, 2], 1)
        page.wait_for_timeout(200)
        assert page.evaluate("model.saved.length + model.sent.length") == 0
        # The reader moves one view.
        page.locator(".handle").first.press("ArrowRight")
        page.wait_for_function("model.sent.length === 1")
        start = start_of(page)
        assert start != [0.5, 2] and start_of(page, 1) == start
        assert page.evaluate("model.saved.at(-1).start") == start
        assert page.evaluate("model.sent[0].settings.start") == start
        # Python moves both.
        page.evaluate("(settings) => model.set('settings', settings)", moved(settings, start=[0, 1]))
        assert start_of(page, 0) == start_of(page, 1) == [0, 1]
        page.wait_for_timeout(200)
        assert page.evaluate("model.sent.length") == 1  # and is not told what it said
        # The connection is closed.
        page.evaluate("disconnect()")
        page.locator(".handle").first.press("ArrowRight")
        page.wait_for_timeout(200)
        assert page.evaluate("model.sent.length") == 1 and start_of(page) != [0, 1]


def test_a_figure_listens_only_to_the_kernel_of_its_own_notebook(browser, figure):
    notebooks = "".join(
        f'<ul><li data-id="{name}" title="Name: {name}.ipynb\nPath: here/{name}.ipynb"></li></ul>'
        f'<div class="jp-NotebookPanel" id="{name}">{figure.to_html()}</div>'
        for name in ("first", "second")
    )
    module = (bundle.PAGE / "jupyter.js").read_text(encoding="utf-8")
    widget_manager = "model.widget_manager = { context: { path: 'here/second.ipynb' } }"
    with page_with(browser, f"<!doctype html>{notebooks}", MODEL, widget_manager) as page:
        page.wait_for_function("[...document.querySelectorAll('[data-optcourse]')].every((host) => host.optcourse)")
        settings = moved(figure.settings(), start=[0.5, 2])
        page.evaluate("([...given]) => connect(...given)", [module, {"name": figure.name, "settings": settings}])
        wait_for_start(page, [0.5, 2], 1)
        assert start_of(page, 0) == [-1.2, 1]
        page.locator(".handle").first.press("ArrowRight")
        page.wait_for_timeout(200)
        assert page.evaluate("model.sent.length") == 0


@pytest.mark.parametrize("frame", ["sandbox", "no eval"])
def test_a_figure_lives_in_a_locked_frame(browser, figure, frame):
    """Colab and other services put outputs into frames of an origin of their own, or forbid eval."""
    policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
    context = browser.new_context()
    page, errors = context.new_page(), []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    headers = {"content-type": "text/html; charset=utf-8"}
    outside = '<iframe sandbox="allow-scripts" width="800" height="800" src="/inside"></iframe>'
    context.route("**/inside", lambda route: route.fulfill(body=figure.to_page(), headers=headers))
    headers_outside = headers if frame == "sandbox" else {**headers, "content-security-policy": policy}
    body = outside if frame == "sandbox" else figure.to_page()
    context.route("**/outside", lambda route: route.fulfill(body=body, headers=headers_outside))
    page.goto("http://page.test/outside")
    inside = page.frames[-1]
    inside.wait_for_function("document.querySelector('[data-optcourse]')?.optcourse !== undefined")
    assert inside.evaluate("self.origin") == ("null" if frame == "sandbox" else "http://page.test")
    inside.locator(".handle").press("ArrowRight")
    assert inside.evaluate("document.querySelector('[data-optcourse]').optcourse.settings().start[0]") > -1.2
    assert errors == []
    context.close()


# --- Colab -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def colab(monkeypatch):
    """The two sides of Colab that we use, as its documentation has them: callbacks by name."""
    callbacks = {}
    package, output = types.ModuleType("google.colab"), types.ModuleType("google.colab.output")
    output.register_callback = callbacks.__setitem__
    package.output = output
    for name, module in {"google.colab": package, "google.colab.output": output}.items():
        monkeypatch.setitem(sys.modules, name, module)
    if "google" not in sys.modules:
        monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setattr(sys.modules["google"], "colab", package, raising=False)
    return callbacks


def test_in_colab_the_frame_calls_python(colab, figure, html):
    assert figure._repr_mimebundle_()["text/html"] == html
    call = colab[f"optcourse.{figure.name}"]
    assert isinstance(call(), JSON) and call().data == figure.settings()
    assert call(moved(figure.settings(), start=[0, 1])).data["start"] == [0.0, 1.0]
    assert figure.start == (0.0, 1.0)


def test_in_colab_python_follows_the_reader(browser, colab, figure):
    figure._repr_mimebundle_()
    content, log = figure.to_page(), []
    figure.start = [0.5, 2.0]  # the page is loaded again, its kernel remembers

    def invoke(name, given, named):
        log.append(given)
        return {"data": {"application/json": colab[name](*given).data}}

    context = browser.new_context(viewport={"width": 900, "height": 900})
    page = context.new_page()
    page.expose_function("invoke", invoke)
    page.add_init_script("window.google = { colab: { kernel: { accessAllowed: true, invokeFunction: invoke } } }")
    page.route("**/*", lambda route: route.fulfill(body=content, content_type="text/html; charset=utf-8"))
    page.goto("http://page.test/")
    page.wait_for_function("document.querySelector('[data-optcourse]')?.optcourse !== undefined")
    wait_for_start(page, [0.5, 2])
    page.wait_for_timeout(200)
    assert log == [[]]  # asked once, told nothing
    page.locator(".handle").press("ArrowRight")
    page.wait_for_timeout(200)
    assert list(figure.start) == start_of(page) != [0.5, 2.0]
    colab.clear()  # the kernel is restarted
    page.locator(".handle").press("ArrowRight")
    page.wait_for_timeout(200)
    assert start_of(page)[0] > figure.start[0]
    context.close()


@pytest.mark.parametrize("kernel", ["undefined", "{ accessAllowed: false, invokeFunction: () => calls.push(1) }"])
def test_an_output_of_another_session_calls_nobody(browser, figure, kernel):
    script = f"window.calls = []; window.google = {{ colab: {{ kernel: {kernel} }} }};"
    with page_with(browser, figure.to_page(), script) as page:
        page.locator(".handle").press("ArrowRight")
        page.wait_for_timeout(150)
        assert page.evaluate("calls.length") == 0 and start_of(page)[0] > -1.2
