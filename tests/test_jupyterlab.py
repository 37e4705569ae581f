"""Live figures in a real JupyterLab, with the network cut off: what a reader does reaches Python, and the other way."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import chapters
import nbformat
import pytest

import optcourse as oc
from optcourse import optimizers, surfaces

CELLS = [
    """
import optcourse as oc
from optcourse import optimizers, surfaces
figure = oc.Explorable(
    surfaces.rosenbrock(), {"Adam": optimizers.adam(0.1), "SGD": optimizers.sgd(1e-3)}, steps=20, panels=[]
)
figure
""",
    "print(figure.start, figure.steps)",
    "figure.start = [0.5, 2.0]",
    "print('ready')",
]
TOKEN = "for-tests"
ALIVE = [chapter for chapter in chapters.chapters() if "data-optcourse" in chapter.notebook.read_text(encoding="utf-8")]
# No news, no question whether to build: what a newly installed JupyterLab would otherwise ask its makers.
NOTIFICATIONS = {"fetchNews": "false", "checkForUpdates": False}
PAGE_CONFIG = {"buildCheck": False, "buildAvailable": False}


class Lab:
    """A JupyterLab of its own: nobody's settings, a folder that is empty, kernels that are warm when a page opens."""

    def __init__(self, folder: Path):
        self.folder = folder / "notebooks"
        self.folder.mkdir()
        home = folder / "home"
        for path, content in {
            home / "config/labconfig/page_config.json": PAGE_CONFIG,
            home / "settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings": NOTIFICATIONS,
        }.items():
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps(content))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        places = {
            "HOME": home,
            "JUPYTER_CONFIG_DIR": home / "config",
            "JUPYTER_DATA_DIR": home / "data",
            "JUPYTER_RUNTIME_DIR": home / "runtime",
            "JUPYTERLAB_SETTINGS_DIR": home / "settings",
            "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        }
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": port,
            "ServerApp.port_retries": 0,
            "ServerApp.root_dir": self.folder,
            "IdentityProvider.token": TOKEN,
            "LabApp.extension_manager": "readonly",
            "LanguageServerManager.autodetect": False,
        }
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
        self.log = home / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, *(f"--{name}={value}" for name, value in options.items())],
                env={**os.environ, **{name: str(path) for name, path in places.items()}},
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def request(self, path: str, data: dict | None = None) -> dict:
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(f"{self.address}/api/{path}", body, {"Authorization": f"token {TOKEN}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def wait(self) -> None:
        for _ in range(600):
            try:
                self.request("status")
                return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                time.sleep(0.1)
        raise TimeoutError(self.log.read_text())

    def add(self, name: str, notebook, *, kernel: bool = True) -> None:
        notebook.metadata = nbformat.from_dict(chapters.NOTEBOOK_METADATA)
        nbformat.write(notebook, self.folder / name)
        if kernel:
            self.request("sessions", {"path": name, "name": name, "type": "notebook", "kernel": {"name": "python3"}})

    def stop(self) -> None:
        for kernel in self.request("kernels"):
            request = urllib.request.Request(f"{self.address}/api/kernels/{kernel['id']}", method="DELETE")
            request.add_header("Authorization", f"token {TOKEN}")
            urllib.request.urlopen(request, timeout=30).close()
        self.process.terminate()
        self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.wait()
    yield lab
    lab.stop()


class Notebook:
    """A notebook that is open in JupyterLab."""

    def __init__(self, page, name: str, errors: list[str]):
        self.page, self.name, self.errors = page, name, errors

    def run_all(self) -> None:
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    def run(self, cell: int) -> None:
        self.page.locator(".jp-CodeCell .jp-InputArea-editor").nth(cell).click()
        self.page.keyboard.press("Control+Enter")

    def wait_for_output(self, cell: int, text: str) -> None:
        self.page.wait_for_function(
            "([k, text]) => document.querySelectorAll('.jp-CodeCell')[k]"
            "?.querySelector('.jp-OutputArea-output')?.innerText.trim() === text",
            arg=[cell, text],
        )

    def wait_for_figure(self) -> None:
        self.page.wait_for_function("Boolean(document.querySelector('[data-optcourse]')?.optcourse)", timeout=60_000)

    def settings(self) -> dict:
        return self.page.evaluate("document.querySelector('[data-optcourse]').optcourse.settings()")

    def handle(self) -> tuple[float, float]:
        """Where the middle of the handle stands on the plane, as shares of its width and height."""
        knob = self.page.locator("[data-optcourse] .handle").first.bounding_box()
        plane = self.page.locator("[data-optcourse] .plane").first.bounding_box()
        return tuple(
            (knob[at] + knob[size] / 2 - plane[at]) / plane[size] for at, size in (("x", "width"), ("y", "height"))
        )

    def drag(self, x: float, y: float) -> None:
        """Take the start with the mouse to a place on the plane, given as shares of its width and height."""
        handle = self.page.locator("[data-optcourse] .handle").first
        handle.scroll_into_view_if_needed()
        knob, plane = handle.bounding_box(), self.page.locator("[data-optcourse] .plane").first.bounding_box()
        self.page.mouse.move(knob["x"] + knob["width"] / 2, knob["y"] + knob["height"] / 2)
        self.page.mouse.down()
        self.page.mouse.move(plane["x"] + x * plane["width"], plane["y"] + y * plane["height"], steps=8)
        self.page.mouse.up()
        self.page.wait_for_timeout(200)  # nobody is at the next cell sooner


@contextmanager
def opened(browser, lab, name: str):
    """Open a notebook of the lab; afterwards nothing was asked of other hosts, and no error was shown."""
    context = browser.new_context(viewport={"width": 1200, "height": 1000})
    page, away, errors = context.new_page(), [], []

    def answer(route):
        if route.request.url.startswith((lab.address, "data:", "blob:")):
            route.continue_()
        else:
            away.append(route.request.url)
            route.abort()

    context.route("**/*", answer)
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{lab.address}/lab/workspaces/{Path(name).stem}/tree/{name}?token={TOKEN}")
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=60_000)
    try:
        yield Notebook(page, name, errors)
        assert (away, errors) == ([], [])
    finally:
        context.close()


@pytest.fixture(scope="module")
def notebook(browser, lab):
    """The cells above, all of them run."""
    cells = [nbformat.v4.new_code_cell(cell.strip()) for cell in CELLS]
    lab.add("figure.ipynb", nbformat.v4.new_notebook(cells=cells))
    with opened(browser, lab, "figure.ipynb") as notebook:
        notebook.page.wait_for_selector("#jp-main-statusbar >> text=/\\| Idle/", timeout=60_000)
        notebook.run_all()
        notebook.wait_for_figure()
        notebook.wait_for_output(3, "ready")
        assert notebook.errors == []  # now, because whatever follows would hide it
        yield notebook


def test_python_sees_where_a_reader_dragged_the_start(notebook):
    notebook.drag(0.25, 0.25)
    x, y = notebook.settings()["start"]
    left, top = notebook.handle()
    assert (left, top) == (pytest.approx(0.25, abs=0.01), pytest.approx(0.25, abs=0.01))
    notebook.run(1)
    notebook.wait_for_output(1, f"({float(x)}, {float(y)}) 20")


def test_python_moves_the_figure(notebook):
    before = notebook.handle()
    notebook.run(2)
    notebook.page.wait_for_function(
        "String(document.querySelector('[data-optcourse]').optcourse.settings().start) === '0.5,2'"
    )
    notebook.page.wait_for_timeout(100)
    assert notebook.handle() != before


def test_keys_pressed_in_a_figure_are_for_the_figure(notebook):
    cells = notebook.page.locator(".jp-Cell").count()
    notebook.page.locator("[data-optcourse] .handle").first.focus()
    for key in ("ArrowDown", "b", "d", "d", "1"):  # in JupyterLab: next cell, new cell, delete it, heading
        notebook.page.keyboard.press(key)
    steps = notebook.page.get_by_label("Number of steps").first
    steps.fill("")
    steps.press_sequentially("35")
    steps.press("Enter")
    assert notebook.settings()["steps"] == 35
    assert notebook.page.locator(".jp-Cell").count() == cells == notebook.page.locator(".jp-CodeCell").count()
    notebook.run(1)
    notebook.page.wait_for_function("document.querySelectorAll('.jp-CodeCell')[1].innerText.includes(') 35')")


def test_after_the_page_is_loaded_again_the_figure_is_where_it_was(notebook, lab):
    notebook.drag(0.75, 0.5)
    settings = notebook.settings()
    notebook.page.keyboard.press("Control+s")  # which JupyterLab gets, also from within the figure
    stored = lab.folder / notebook.name
    for _ in range(100):
        saved = nbformat.read(stored, as_version=4)
        if saved.cells[0].get("outputs"):
            break
        notebook.page.wait_for_timeout(100)
    assert "widgets" not in saved.metadata
    assert set(saved.cells[0].outputs[0].data) == {"text/html", "text/plain"}
    notebook.page.reload()
    notebook.wait_for_figure()
    notebook.page.wait_for_function(
        "(start) => String(document.querySelector('[data-optcourse]').optcourse.settings().start) === start",
        arg=",".join(map(str, settings["start"])),
    )
    assert notebook.settings() == settings


def test_where_scripts_are_not_trusted_there_is_a_still_picture(browser, lab):
    figure = oc.Explorable(surfaces.rosenbrock(), optimizers.adam(0.1), steps=20, panels=[])
    data = {"text/html": figure.to_html(), "text/plain": repr(figure)}
    output = nbformat.v4.new_output("execute_result", data=data, execution_count=1)
    cell = nbformat.v4.new_code_cell("figure", execution_count=1, outputs=[output])
    lab.add("stored.ipynb", nbformat.v4.new_notebook(cells=[cell]))
    with opened(browser, lab, "stored.ipynb") as notebook:
        picture = notebook.page.locator(".jp-OutputArea-output img")
        picture.wait_for(state="visible")
        assert picture.evaluate("(image) => image.naturalWidth") > 200
        assert "Adam on rosenbrock" in picture.get_attribute("alt")
        assert notebook.page.get_by_text("in a notebook, run its cell").is_visible()
        assert notebook.page.evaluate("!Object.keys(window).some((name) => name.startsWith('optcourse'))")


def test_a_chapter_of_the_book_comes_to_life(browser, lab):
    assert ALIVE, "no chapter shows a live figure"
    lab.add("chapter.ipynb", ALIVE[-1].read_notebook())
    shutil.copytree(chapters.BOOK / "_static", lab.folder / "_static")
    with opened(browser, lab, "chapter.ipynb") as notebook:
        notebook.page.wait_for_selector("#jp-main-statusbar >> text=/\\| Idle/", timeout=60_000)
        notebook.run_all()
        host = notebook.page.locator("[data-optcourse]").first
        notebook.page.wait_for_function(
            "() => { document.querySelector('[data-optcourse]')?.scrollIntoView(); "
            "return Boolean(document.querySelector('[data-optcourse]')?.optcourse); }",
            timeout=60_000,
        )
        host.scroll_into_view_if_needed()
        before = notebook.settings()["start"]
        notebook.drag(0.3, 0.3)
        assert notebook.settings()["start"] != before
