"""Only the chapters of the table of contents are tested; other notebooks below this folder are not the book."""

from pathlib import Path

import chapters

CHAPTERS = {chapter.notebook for chapter in chapters.chapters()}


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    if collection_path.suffix == ".ipynb" and collection_path not in CHAPTERS:
        return True
    return None
