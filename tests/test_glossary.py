"""The glossary: which words become links, and the notes beside them, for pointer, keyboard and touch."""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import chapters
import pytest
from docutils import nodes
from docutils.core import publish_doctree

sys.path.append(str(chapters.BOOK / "_ext"))
import glossary

ENTRIES = [
    glossary.Entry(("learning rate", "learning rates"), "term-learning-rate", "How far."),
    glossary.Entry(("effective learning rate",), "term-effective", "How far really."),
    glossary.Entry(("Hessian",), "term-Hessian", "Curvatures."),
]


def linked(text: str) -> list[tuple[str, str]]:
    """The words of a page in reStructuredText that become links, and where they lead."""
    page = publish_doctree(text)
    count = glossary.link_terms(page, ENTRIES, "glossary.html")
    links = [node for node in page.findall(nodes.reference) if "glossary-term" in node["classes"]]
    assert count == len(links)
    return [(link.astext(), link["refuri"].partition("#")[2]) for link in links]


def test_the_first_mention_is_linked_whatever_its_form():
    assert linked("Two Learning\nrates and a learning rate.\n\nThe learning rate again.") == [
        ("Learning\nrates", "term-learning-rate")
    ]


def test_the_longest_term_wins_and_words_are_whole():
    assert linked("An effective learning rate.") == [("effective learning rate", "term-effective")]
    assert linked("Hessians, sub-Hessian, Hessian-free.") == []


@pytest.mark.parametrize(
    "text",
    [
        "Hessian\n=======\n\nNothing here.",
        "See ``Hessian``.",
        "Only :math:`Hessian`.",
        ".. math:: Hessian",
        "The `Hessian <https://example.org>`_ elsewhere.",
        "Code::\n\n    Hessian",
        ".. figure:: x.png\n\n   A Hessian in a caption.",
        ".. list-table::\n\n   * - Hessian",
    ],
)
def test_what_is_no_prose_is_left_alone(text):
    assert linked(text) == []
    assert linked(text + "\n\nThe Hessian.") == [("Hessian", "term-Hessian")]


def test_a_form_of_an_unknown_term_is_noticed():
    with pytest.raises(ValueError, match="momentun"):
        glossary.entries_of(publish_doctree("Empty."), {"momentun": []})


class Links(HTMLParser):
    """The links of a page to the glossary: address and definition; and the anchors of a page."""

    def __init__(self, page: Path):
        super().__init__()
        self.found, self.anchors = [], set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.anchors.add(attrs.get("id"))
        if tag == "a" and "glossary-term" in attrs.get("class", "").split():
            self.found.append((attrs["href"], attrs["title"]))


def test_pages_link_each_term_once_and_to_its_entry(site):
    entries = Links(site / "book" / "glossary.html")
    assert not entries.found, "the glossary links to itself"
    for name in chapters.pages():
        links = Links(site / f"{name}.html").found
        addresses = [href for href, _ in links]
        assert len(addresses) == len(set(addresses)), name
        assert {href.partition("#")[2] for href in addresses} <= entries.anchors, name
        assert all(definition.strip().endswith(".") for _, definition in links), name
    assert len(Links(site / "book/optimizer_intuition.html").found) > 10
    assert Links(site / "book/exercises/optimizer_intuition.html").found[0][0].startswith("../glossary.html#term-")


def test_entries_are_many_short_and_in_order():
    text = (chapters.BOOK / "glossary.md").read_text(encoding="utf-8").partition("```{glossary}\n")[2]
    terms = re.findall(r"^(\S.*)\n  (.+)$", text, re.MULTILINE)
    assert len(terms) >= 30
    names = [term.lower().replace("-", " ") for term, _ in terms]
    assert names == sorted(names)
    assert all(len(definition) < 330 for _, definition in terms)


NOTE, TERM = "#hover-note", ".bd-article a.glossary-term"


@pytest.fixture(scope="module")
def open_page(site, browser):
    """Opens a page of the site, with or without a finger."""
    contexts = []

    def page(name: str, **options):
        contexts.append(browser.new_context(viewport={"width": 900, "height": 700}, **options))
        tab = contexts[-1].new_page()
        tab.goto((site / f"{name}.html").as_uri(), wait_until="load")
        tab.wait_for_selector(NOTE, state="attached")
        return tab

    yield page
    for context in contexts:
        context.close()


def test_a_note_comes_with_the_pointer_stays_under_it_and_goes_with_escape(open_page):
    page = open_page("book/optimizer_intuition")
    term, note = page.locator(TERM).first, page.locator(NOTE)
    assert not note.is_visible()
    term.hover()
    note.wait_for(state="visible")
    assert term.get_attribute("aria-describedby") == "hover-note"
    note.hover()  # the pointer may travel onto the note
    page.wait_for_timeout(500)
    assert note.is_visible()
    box = note.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 900
    page.keyboard.press("Escape")
    assert not note.is_visible() and term.get_attribute("aria-describedby") is None
    term.hover()
    note.wait_for(state="visible")
    page.mouse.move(5, 690)
    note.wait_for(state="hidden")

    # A citation: the same note, with the work.
    page.locator(".bibtex-citation a").first.hover()
    note.wait_for(state="visible")
    assert "Automatic differentiation in machine learning" in note.text_content()


def test_a_note_comes_with_the_focus(open_page):
    page = open_page("book/optimizer_intuition")
    term, note = page.locator(TERM).first, page.locator(NOTE)
    term.evaluate("(link) => { link.tabIndex = 0; link.focus({ focusVisible: true }); }")
    note.wait_for(state="visible")
    page.keyboard.press("Tab")
    assert term.get_attribute("aria-describedby") is None


def test_the_first_tap_shows_the_note_and_the_second_follows_the_link(open_page):
    page = open_page("book/optimizer_intuition", has_touch=True)
    term, note = page.locator(TERM).first, page.locator(NOTE)
    term.tap()
    note.wait_for(state="visible")
    assert page.url.endswith("optimizer_intuition.html")
    term.tap()
    page.wait_for_url("**/glossary.html#term-*")


def test_without_scripts_the_definition_is_the_links_title(site, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "book/optimizer_intuition.html").as_uri())
    assert page.locator(TERM).first.get_attribute("title").endswith(".")
    context.close()
