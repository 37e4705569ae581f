"""Sphinx extension: the first mention of a glossary term on a page becomes a link to its entry, with its definition.

The chapters' text has no syntax for it. The terms are those of the `{glossary}` directives; other forms of a term
(plurals above all) stand in the front matter of the page that has the glossary, under `forms`:

    forms:
      learning rate: [learning rates]

A term that shall only be looked up and never linked has `forms: {term: never}`. The definition is the link's `title`,
which `_static/hover_notes.js` shows beside it, as it does with the titles of citations.
"""

import json
import re
from dataclasses import dataclass

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

# Prose is what stands in none of these.
NOT_PROSE = (
    nodes.title,
    nodes.reference,
    nodes.target,
    nodes.literal,
    nodes.literal_block,
    nodes.math,
    nodes.math_block,
    nodes.raw,
    nodes.comment,
    nodes.figure,
    nodes.caption,
    nodes.table,
    nodes.term,
    nodes.citation,
    nodes.label,
    nodes.footnote,
    nodes.Admonition,
    addnodes.pending_xref,
    addnodes.toctree,
    addnodes.highlightlang,
)


@dataclass(frozen=True)
class Entry:
    """A term of the glossary: its spellings, where its entry is, and what the entry says."""

    spellings: tuple[str, ...]
    address: str
    definition: str


def entries_of(glossary: nodes.document, forms: dict) -> list[Entry]:
    """The entries of a page that holds a glossary, with the other forms of their terms."""
    found, known = [], set()
    for item in glossary.findall(nodes.definition_list_item):
        terms = [term for term in item.findall(nodes.term) if term["ids"]]
        if not terms:
            continue
        names = [term.astext() for term in terms]
        known.update(names)
        also = [forms.get(name, []) for name in names]
        definition = " ".join(part.astext() for part in item.findall(nodes.definition))
        if "never" not in also:
            spellings = (*names, *(form for group in also for form in group))
            found.append(Entry(spellings, terms[0]["ids"][0], " ".join(definition.split())))
    if unknown := set(forms) - known:
        raise ValueError(f"The glossary has forms of terms that it does not explain: {', '.join(sorted(unknown))}.")
    return found


def pattern(entries: list[Entry]) -> re.Pattern:
    """All spellings, the longest first; a term may be broken over two lines, and is a word of its own."""
    spellings = sorted({spelling for entry in entries for spelling in entry.spellings}, key=len, reverse=True)
    words = [r"\s+".join(map(re.escape, spelling.split())) for spelling in spellings]
    return re.compile(rf"(?<![\w-])(?:{'|'.join(words)})(?![\w-])", re.IGNORECASE)


def link_terms(page: nodes.document, entries: list[Entry], glossary: str) -> int:
    """Link the first mention of each term in the prose of `page` to its entry at the address `glossary`; count them."""
    by_spelling = {spelling.lower(): entry for entry in entries for spelling in entry.spellings}
    terms, linked = pattern(entries), set()
    for text in list(page.findall(nodes.Text)):
        if not is_prose(text):
            continue
        parts, end = [], 0
        for match in terms.finditer(text):
            entry = by_spelling[" ".join(match[0].lower().split())]
            if entry not in linked:
                linked.add(entry)
                link = nodes.reference("", match[0], refuri=f"{glossary}#{entry.address}", internal=True)
                link["classes"], link["reftitle"] = ["glossary-term"], entry.definition
                parts += [nodes.Text(text[end : match.start()]), link]
                end = match.end()
        if parts:
            text.parent.replace(text, [*parts, nodes.Text(text[end:])])
    return len(linked)


def is_prose(text: nodes.Text) -> bool:
    """Whether a piece of text stands in a paragraph, and in nothing that is not read as a sentence."""
    node, in_paragraph = text.parent, False
    while node is not None:
        if isinstance(node, NOT_PROSE):
            return False
        in_paragraph = in_paragraph or isinstance(node, nodes.paragraph)
        node = node.parent
    return in_paragraph


class LinkTerms(SphinxPostTransform):
    default_priority = 800  # when references are links already
    formats = ("html",)

    def run(self, **_) -> None:
        page = self.env.docname
        for glossary, metadata in self.env.metadata.items():
            if "forms" in metadata and glossary != page:
                forms = metadata["forms"]
                forms = json.loads(forms) if isinstance(forms, str) else forms
                address = self.app.builder.get_relative_uri(page, glossary)
                link_terms(self.document, entries_of(self.env.get_doctree(glossary), forms), address)


def setup(app: Sphinx) -> dict:
    app.add_post_transform(LinkTerms)
    app.add_js_file("hover_notes.js", defer="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
