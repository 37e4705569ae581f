"""Pages that hold all they need in one file: they load nothing, and no script can run in them."""

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from grading.reports.prose import to_html
from grading.reports.scores import number

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, **values) -> str:
    """A page from a template. Whatever it is given is escaped, unless it is HTML that we made."""
    return pages.get_template(template).render(style=Markup((TEMPLATES / "style.css").read_text()), **values)


def words(text: str) -> Markup:
    """A sentence in which code stands between backquotes."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def count(amount: int, noun: str) -> str:
    """A number of things, in words: 1 exercise, 2 exercises."""
    return f"{amount} {noun}" if amount == 1 else f"{amount} {noun}s"


pages = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
pages.filters |= {
    "count": count,
    "markdown": lambda text: Markup(to_html(text)),
    "points": number,
    "title": lambda name: name.replace("_", " "),
    "slug": lambda status: status.replace(" ", "-"),
    "words": words,
}
