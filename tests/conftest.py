"""A browser for the tests that look at pages."""

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")


# One for each file of tests: as long as it is open, Playwright keeps an event loop running in this thread, in which
# tests that execute notebooks shall not find themselves.
@pytest.fixture(scope="module")
def browser():
    """A headless Chromium: Playwright's own or the system's. Without any, tests are skipped, and fail in CI."""
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        path = own if Path(own).exists() else next(filter(None, map(shutil.which, BROWSERS)), None)
        if path is None:
            message = "no Chromium on this machine: `playwright install chromium` brings one"
            if os.environ.get("CI"):
                pytest.fail(message)
            pytest.skip(message)
        options = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
        # In a container everything runs as root, which Chromium's sandbox refuses.
        root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        chromium = playwright.chromium.launch(executable_path=path, args=[*options, "--no-first-run", *root])
        yield chromium
        chromium.close()
