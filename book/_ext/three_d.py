"""Sphinx extension: figures to turn, on the pages that have one (`plotting.show_surface_3d`).

A notebook stores such a figure as a still and as data for Plotly. The page gets both, and a small script. plotly.js
comes out of plotly's own package; it is put beside the script, which asks for it when a reader wants to turn a figure.
"""

import json
import re
import shutil
from pathlib import Path

import nbformat
from plotly.offline import get_plotlyjs_version
from sphinx.application import Sphinx
from sphinx.util.logging import getLogger

HERE = Path(__file__).resolve().parent
PLACE = re.compile(r'(<div class="optcourse-surface-3d" data-surface-3d="(\w+)">.*?)(</div>)', re.DOTALL)
PLOTLY = "application/vnd.plotly.v1+json"
SCRIPT, STYLE = "three_d.js", "three_d.css"


def add_figures(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Put the data of a page's figures beside their stills, and let it load the script."""
    body = context.get("body", "")
    if not PLACE.search(body):
        return
    figures = stored_figures(Path(app.env.doc2path(page)))

    def filled(match):
        opening, name, closing = match.groups()
        if name not in figures:
            getLogger(__name__).warning("no data are stored for the 3-D figure %s", name, location=page)
            return match.group()
        data = json.dumps(figures[name], separators=(",", ":")).replace("<", "\\u003c")
        return f'{opening}<script type="application/json">{data}</script>{closing}'

    context["body"] = PLACE.sub(filled, body)
    static = Path(app.outdir) / "_static"
    static.mkdir(exist_ok=True)
    library = f"plotly-{get_plotlyjs_version()}.min.js"
    if not (static / library).exists():
        shutil.copyfile(plotly_file(), static / library)
    for name in (SCRIPT, STYLE):
        shutil.copyfile(HERE / name, static / name)
    app.add_css_file(STYLE)
    app.add_js_file(SCRIPT, defer="defer", **{"data-plotly": library})


def stored_figures(notebook: Path) -> dict[str, dict]:
    """The data of the figures in a notebook, by name."""
    if notebook.suffix != ".ipynb":
        return {}
    outputs = (output for cell in nbformat.read(notebook, as_version=4).cells for output in cell.get("outputs", []))
    stored = (output.data[PLOTLY] for output in outputs if PLOTLY in output.get("data", {}))
    return {figure["layout"]["meta"]["name"]: figure for figure in stored if "name" in figure["layout"].get("meta", {})}


def plotly_file() -> Path:
    import plotly

    return Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


def setup(app: Sphinx) -> dict:
    app.connect("html-page-context", add_figures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
