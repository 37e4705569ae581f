"""A student's notebook that a teacher can open: nothing in it runs, and none of it passes for a cell of the master.

Formgrader shows what it is given inside the teacher's own Jupyter session, so what could run there has to go.
"""

import base64
import binascii
import re

from nbconvert.filters import strip_ansi
from nbformat import from_dict
from nbformat.v4 import new_output

PICTURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}  # and how their files begin
WORDS = ("text/plain", "text/markdown", "text/latex")
# What starts a tag, and a destination of a link that is not one of these, in Markdown.
TAG = re.compile(r"<(?=[A-Za-z/!?])")
LINK = re.compile(r"\]([(:])(?!\s*<?(?:https?:|mailto:))")


def clean(notebook, settings: dict[str, dict]):
    """Change a notebook in place, and return it. `settings` is what nbgrader knows of the assignment's cells, by id."""
    seen, notebook.metadata = set(), from_dict({})
    # From behind: of two cells with one id the last counts, as in nbgrader.
    for cell in reversed(notebook.cells):
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.metadata = from_dict({})
        if grade_id in settings and grade_id not in seen:
            seen.add(grade_id)
            cell.metadata = from_dict({"nbgrader": settings[grade_id]})
        cell.pop("attachments", None)
        if cell.cell_type == "code":
            cell.outputs = [kept for output in cell.outputs if (kept := clean_output(output))]
        elif cell.cell_type == "raw":
            cell.metadata["raw_mimetype"] = "text/plain"  # without it, nbconvert takes a raw cell for HTML
    return notebook


def settings_of(notebook) -> dict[str, dict]:
    """What nbgrader knows of the cells of a notebook, by their ids."""
    marked = [cell.metadata.nbgrader for cell in notebook.cells if cell.metadata.get("nbgrader")]
    return {settings.grade_id: dict(settings) for settings in marked}


def clean_output(output):
    """The part of an output that only shows something: text, PNG and JPEG. None where nothing is left."""
    if output.output_type == "stream":
        return new_output("stream", name=output.name, text=strip_ansi(text_of(output.text)))
    if output.output_type == "error":
        lines = [strip_ansi(line) for line in output.traceback]
        return new_output("error", ename=output.ename, evalue=output.evalue, traceback=lines)
    data = {kind: picture(kind, text_of(output.data[kind])) for kind in PICTURES if kind in output.data}
    data = {kind: content for kind, content in data.items() if content}
    words = [text_of(output.data[kind]) for kind in WORDS if kind in output.data]
    if words:
        data["text/plain"] = words[0]
    # Of a student's own outputs none is a result: nbgrader takes points from results.
    return new_output("display_data", data=data) if data else None


def text_of(stored) -> str:
    """Text as notebooks hold it, whole or in lines."""
    return "".join(stored) if isinstance(stored, list) else str(stored)


def picture(kind: str, text: str) -> str | None:
    """The base64 text of a picture, if it is one."""
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return base64.b64encode(content).decode() if content.startswith(PICTURES[kind]) else None


def defuse(markdown: str) -> str:
    """Markdown in which HTML is text and links lead to web pages only; a space is put in where it must be.

    >>> defuse("if a < b: <img src=x onerror=alert(1)> [x](javascript:alert(1)) [y](https://python.org)")
    'if a < b: < img src=x onerror=alert(1)> [x] (javascript:alert(1)) [y](https://python.org)'
    """
    return LINK.sub(r"] \1", TAG.sub("< ", markdown))
