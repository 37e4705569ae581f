"""Sphinx extension: the runtime of live figures as a file that pages with figures load once, and a directive.

In a notebook the first live figure carries the runtime with it, compressed. A page of the site is lighter, and its
scripts are readable, if it refers to a file. ```` ```{live-figure} surface rosenbrock ```` shows a figure of the
galleries.
"""

import base64
import re
import sys
import zlib
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))
import galleries

from optcourse.explorables import bundle

EMBEDDED = re.compile(r'<script class="optcourse-runtime">(.*?)</script>', re.DOTALL)
PACKED = re.compile(r'window\.(optcourse_\w+)Loads.*?atob\("([^"]+)"\)', re.DOTALL)
WANTED = re.compile(r"\(window\.(optcourse_[0-9a-f]+) \?\?= ")


def load_runtime(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    """Take embedded runtimes out of a page, and let it load each that its figures wait for."""
    body = context.get("body", "")
    known = {bundle.queue(): bundle.runtime().encode()}
    for match in EMBEDDED.finditer(body):
        name, packed = PACKED.search(match.group(1)).groups()
        known[name] = zlib.decompress(base64.b64decode(packed), -15)
    for name in sorted(set(WANTED.findall(body))):
        file = Path(app.outdir) / "_static" / f"{name}.js"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(known[name])
        app.add_js_file(file.name, defer="defer")
    context["body"] = EMBEDDED.sub("", body)


class LiveFigure(Directive):
    """`surface NAME` or `optimizer NAME`, and in its body a learning rate for each optimizer."""

    required_arguments = 2
    has_content = True

    def run(self):
        rates = galleries.parse_rates(self.content)
        return [nodes.raw("", galleries.figure_html(*self.arguments, rates), format="html")]


def setup(app: Sphinx) -> dict:
    app.add_directive("live-figure", LiveFigure)
    app.connect("html-page-context", load_runtime)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
