"""Sphinx extension: what search engines, browsers and link previews are told about a page.

A preview's picture must have an absolute address, which only `html_baseurl` knows: a site that has none, such as one
opened from the disk, names no picture.
"""

from html import escape

from docutils import nodes
from sphinx.application import Sphinx

PICTURE = "_static/share.png"
LONGEST = 200  # characters of a description
GROUND = {"light": "#ffffff", "dark": "#121417"}  # --paper in course.css


def description(doctree: nodes.document) -> str:
    """The first paragraph of a page's text, cut after a sentence if it can be, otherwise after a word."""
    for paragraph in doctree.findall(nodes.paragraph):
        if isinstance(paragraph.parent, nodes.section) and (text := " ".join(paragraph.astext().split())):
            break
    else:
        return ""
    if len(text) <= LONGEST:
        return text
    sentences = text[:LONGEST].rfind(". ")
    return text[: sentences + 1] if sentences > LONGEST // 3 else text[: text[:LONGEST].rfind(" ")] + " …"


def tags(title: str, about: str, site: str, base: str, page: str) -> list[str]:
    """The meta tags of a page; `base` is the site's address or empty."""
    named = {"description": about} if about else {}
    shared = {"og:site_name": site, "og:type": "article", "og:title": title, "og:description": about}
    if base:
        base = base.rstrip("/") + "/"
        shared |= {"og:url": f"{base}{page}.html", "og:image": base + PICTURE}
        named["twitter:card"] = "summary_large_image"
    written = [f'<meta name="{name}" content="{escape(value)}" />' for name, value in named.items()]
    written += [f'<meta property="{name}" content="{escape(value)}" />' for name, value in shared.items() if value]
    for scheme, colour in GROUND.items():
        written.append(f'<meta name="theme-color" media="(prefers-color-scheme: {scheme})" content="{colour}" />')
    return written


def add_tags(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    about = description(doctree) if doctree is not None else ""
    title = nodes.unescape(app.env.titles[page].astext()) if page in app.env.titles else context.get("title", "")
    written = tags(title, about, app.config.html_title or app.config.project, app.config.html_baseurl, page)
    written.append(f'<link rel="apple-touch-icon" href="{context["pathto"]("_static/icon.png", 1)}" />')
    context["metatags"] = context.get("metatags", "") + "\n    " + "\n    ".join(written)


def setup(app: Sphinx) -> dict:
    app.connect("html-page-context", add_tags)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
