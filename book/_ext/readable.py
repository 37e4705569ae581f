"""Sphinx extension: notebooks are read with their MyST, which they carry in comments (`tools/readable_markdown.py`)."""

import sys
from pathlib import Path

from sphinx.application import Sphinx

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))
import readable_markdown


def read_notebook(app: Sphinx, page: str, content: list[str]) -> None:
    if app.env.doc2path(page).endswith(".ipynb"):
        content[0] = readable_markdown.notebook_to_myst(content[0])


def setup(app: Sphinx) -> dict:
    app.connect("source-read", read_notebook)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
