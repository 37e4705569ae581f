"""Runs before all tests: the same surroundings for every kernel, and only the chapters of the book among notebooks."""

from pathlib import Path

import chapters

chapters.settle_environment()
CHAPTERS = {chapter.notebook for chapter in chapters.chapters()}


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    if collection_path.suffix == ".ipynb" and collection_path not in CHAPTERS:
        return True
    return None
