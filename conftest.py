"""Runs before all tests: the same surroundings for every kernel, and only the pages of the book among notebooks."""

from pathlib import Path

import assignments
import chapters

chapters.settle_environment()
PAGES = {page.notebook for page in [*chapters.chapters(), *assignments.student_notebooks()]}


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    if collection_path.suffix == ".ipynb" and collection_path not in PAGES:
        return True
    return None
