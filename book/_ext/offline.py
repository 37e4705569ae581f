"""Sphinx extension: pages that fetch nothing from another host.

sphinx-book-theme always activates sphinx-thebe, which writes the address of a CDN into every page although the book
does not use it. Its two scripts are left out.
"""

from sphinx.application import Sphinx


def drop_thebe(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    context["script_files"] = [
        script
        for script in context.get("script_files", [])
        if "sphinx-thebe" not in str(script.filename) and "THEBE_JS_URL" not in script.attributes.get("body", "")
    ]


def setup(app: Sphinx) -> dict:
    app.connect("html-page-context", drop_thebe, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
