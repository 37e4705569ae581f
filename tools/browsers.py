"""The Chromium of the tests, and of what else takes a look at pages."""

import os
import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
MISSING = "no Chromium on this machine: `playwright install chromium` brings one"


def chromium(playwright):
    """A headless Chromium: Playwright's own or the system's.

    Raises:
        FileNotFoundError: where there is none.
    """
    own = playwright.chromium.executable_path
    path = own if Path(own).exists() else next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        raise FileNotFoundError(MISSING)
    options = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    options.append("--enable-unsafe-swiftshader")  # WebGL without a graphics card; no page of others is opened here
    # In a container everything runs as root, which Chromium's sandbox refuses.
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return playwright.chromium.launch(executable_path=path, args=[*options, "--no-first-run", *root])
