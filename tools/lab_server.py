"""A real JupyterLab for tests: a server of its own, and notebooks opened in it with the network cut off."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import chapters
import nbformat

TOKEN = secrets.token_hex()
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

    def __enter__(self) -> "Lab":
        try:
            self.wait()
        except BaseException:
            self.process.kill()
            raise
        return self

    def __exit__(self, *_) -> None:
        try:
            for kernel in self.request("kernels"):
                request = urllib.request.Request(f"{self.address}/api/kernels/{kernel['id']}", method="DELETE")
                request.add_header("Authorization", f"token {TOKEN}")
                urllib.request.urlopen(request, timeout=30).close()
        finally:
            self.process.terminate()
            self.process.wait(timeout=30)


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
