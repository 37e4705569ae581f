"""Sphinx extension: how to cite this book, out of `CITATION.cff`, and where this book cites a work.

A ```` ```{cite-this} ```` directive, with `text` or `bibtex`, writes the reference. Every page's footer leads to the
page that has it. In the bibliography each work says which pages cite it, with a link to the place.
"""

import re
from pathlib import Path

import yaml
from docutils import nodes
from docutils.parsers.rst import Directive, directives
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import clean_astext

ROOT = Path(__file__).resolve().parents[2]
PAGE = "book/how_to_cite"


def read_citation(root: Path = ROOT) -> dict:
    """The fields of `CITATION.cff`; before a release, which gives it a date, the year is that of `_config.yml`."""
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    year = str(citation.get("date-released", config.get("copyright")))[:4]
    if not re.fullmatch(r"\d{4}", year):
        raise ValueError("CITATION.cff has no date-released, and copyright in _config.yml is not a year.")
    return {**citation, "year": year}


def people(citation: dict) -> list[str]:
    """The authors as BibTeX has them: persons as 'family, given', others in braces of their own."""
    return [
        f"{author['family-names']}, {author['given-names']}" if "family-names" in author else f"{{{author['name']}}}"
        for author in citation["authors"]
    ]


def bibtex(citation: dict) -> str:
    key = citation["repository-code"].rstrip("/").rpartition("/")[2].lower()
    fields = {
        "author": " and ".join(people(citation)),
        "title": f"{{{citation['title']}}}",  # in braces, styles leave the capitals alone
        "year": citation["year"],
        "note": f"Version {citation['version']}",
        **({"doi": citation["doi"]} if "doi" in citation else {}),
        "url": citation["repository-code"],
    }
    return "\n".join([f"@misc{{{key},", *(f"  {name:6} = {{{value}}}," for name, value in fields.items()), "}"])


def text(citation: dict) -> str:
    authors = ", ".join(name.strip("{}") for name in people(citation))
    where = f"https://doi.org/{citation['doi']}" if "doi" in citation else citation["repository-code"]
    return f"{authors} ({citation['year']}). {citation['title']} (version {citation['version']}). {where}"


FORMS = {"bibtex": bibtex, "text": text}


class CiteThis(Directive):
    required_arguments = 1

    def run(self):
        form = directives.choice(self.arguments[0], tuple(FORMS))
        written = FORMS[form](read_citation())
        block = nodes.literal_block(written, written, language="bibtex" if form == "bibtex" else "text")
        block["classes"].append("wrapped")
        return [block]


def add_to_footer(app: Sphinx, page: str, template: str, context: dict, doctree) -> None:
    if PAGE in app.env.all_docs:
        link = f'<a href="{context["pathto"](PAGE)}">How to cite</a>.'
        context["theme_extra_footer"] = f"{context.get('theme_extra_footer') or ''} {link}"


class CitedIn(SphinxPostTransform):
    """Below each work of a bibliography, the pages that cite it: sphinxcontrib-bibtex has no way back from there."""

    default_priority = 900
    formats = ("html",)

    def run(self, **_) -> None:
        domain, page = self.env.get_domain("cite"), self.env.docname
        keys = {citation.citation_id: citation.key for citation in domain.citations}
        for work in self.document.findall(nodes.citation):
            key = next((keys[name] for name in work["ids"] if name in keys), None)
            places = {}  # the first citation on each page
            for reference in domain.citation_refs:
                if key in {target.key for target in reference.targets}:
                    places.setdefault(reference.docname, reference.citation_ref_id)
            if places:
                work += self.ways_back(page, places)

    def ways_back(self, page: str, places: dict[str, str]) -> nodes.paragraph:
        line = nodes.paragraph(classes=["cited-in"])
        line += nodes.Text("Cited in ")
        for place, anchor in places.items():
            address = f"{self.app.builder.get_relative_uri(page, place)}#{anchor}"
            title = clean_astext(self.env.titles[place])
            line += [nodes.reference("", title, refuri=address, internal=True), nodes.Text("; ")]
        line.children[-1] = nodes.Text(".")
        line.children[-1].parent = line
        return line


def setup(app: Sphinx) -> dict:
    app.add_directive("cite-this", CiteThis)
    app.add_post_transform(CitedIn)
    app.connect("html-page-context", add_to_footer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
