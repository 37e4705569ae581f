"""The built site and a browser, for the tests that look at pages."""

import os
from pathlib import Path

import build
import pytest
from browsers import chromium
from filelock import FileLock
from lab_server import Lab
from playwright.sync_api import sync_playwright


@pytest.fixture(scope="session")
def site(tmp_path_factory, worker_id) -> Path:
    """The folder of the built site's pages: built once in a run, by the first of its processes that asks for it.

    Every test reads it and none writes into it.
    """
    run = tmp_path_factory.getbasetemp()
    destination = (run if worker_id == "master" else run.parent) / "site"
    pages, failed = destination / "_build" / "html", destination / "failed.txt"
    with FileLock(f"{destination}.lock"):
        if not destination.exists():
            destination.mkdir()
            done = build.build(destination)
            if done.returncode:
                failed.write_text(done.stderr, encoding="utf-8")
    if failed.exists():
        pytest.fail(f"jupyter-book build failed; warnings are errors:\n{failed.read_text(encoding='utf-8')}")
    return pages


# One for each file of tests: as long as it is open, Playwright keeps an event loop running in this thread, in which
# tests that execute notebooks shall not find themselves.
@pytest.fixture(scope="module")
def browser():
    """A headless Chromium: Playwright's own or the system's. Without any, tests are skipped, and fail in CI."""
    with sync_playwright() as playwright:
        try:
            browser = chromium(playwright)
        except FileNotFoundError as missing:
            if os.environ.get("CI"):
                pytest.fail(str(missing))
            pytest.skip(str(missing))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    """A real JupyterLab."""
    with Lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab
