"""What gives the site its look, and what it tells of itself: faces, contrast of colours, citation, search, print."""

import itertools
import re
import sys

import chapters
import pytest
import yaml
from PIL import Image
from pybtex.database import parse_string

from optcourse.plotting.style import THEMES

sys.path.append(str(chapters.BOOK / "_ext"))
import cite
import share

STATIC = chapters.BOOK / "_static"
STYLE = (STATIC / "course.css").read_text(encoding="utf-8")


def colours(theme: str) -> dict[str, str]:
    """The colours of a theme, by name, as the style sheet has them."""
    block = re.search(rf'html\[data-theme="{theme}"\] \{{(.*?)\}}', STYLE, re.DOTALL)[1]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2."""

    def luminance(colour: str) -> float:
        parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "soft", "accent-soft"])
@pytest.mark.parametrize("ink", ["ink", "faint", "accent", "path", "code-name"])
def test_text_can_be_read_on_every_ground(theme, ground, ink):
    assert contrast(colours(theme)[ink], colours(theme)[ground]) >= 4.5


def test_colours_stand_in_one_place():
    known = {*colours("light").values(), *colours("dark").values(), "#fff"}
    for sheet in ("course.css", "hover_notes.css"):
        used = set(re.findall(r"#[0-9a-f]{3,6}\b(?=[; ])", (STATIC / sheet).read_text(encoding="utf-8")))
        assert used <= known, f"{sheet} has colours of its own"


@pytest.mark.parametrize("theme", THEMES)
def test_pages_and_figures_have_the_same_colours(theme):
    shared = ("ink", "faint", "rule", "paper", "soft", "accent")
    assert {name: colours(theme)[name] for name in shared} == {name: THEMES[theme][name] for name in shared}


def test_themes_name_the_same_colours_and_browsers_are_told_the_ground():
    assert colours("light").keys() == colours("dark").keys()
    assert {theme: colours(theme)["paper"] for theme in share.GROUND} == share.GROUND


def test_faces_are_small_free_and_ours():
    used = set(re.findall(r'url\("(fonts/[^"]+)"\)', STYLE))
    assert used == {f"fonts/{path.name}" for path in (STATIC / "fonts").glob("*.woff2")}
    assert sum((STATIC / name).stat().st_size for name in used) < 120_000
    assert "SIL OPEN FONT LICENSE" in (STATIC / "fonts" / "OFL.txt").read_text(encoding="utf-8")


def test_every_stand_in_has_the_measures_of_its_face():
    faces = re.findall(r"@font-face \{(.*?)\}", STYLE, re.DOTALL)
    stand_ins = [face for face in faces if "local(" in face]
    assert len(stand_ins) >= 4
    assert all("size-adjust" in face and "ascent-override" in face for face in stand_ins)


# How to cite.


def test_the_page_and_the_citation_file_agree(site):
    citation = yaml.safe_load((chapters.ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    page = (site / "book/how_to_cite.html").read_text(encoding="utf-8")
    blocks = [re.sub(r"<[^>]+>", "", block) for block in re.findall(r"<pre>(.*?)</pre>", page, re.DOTALL)]
    as_text, as_bibtex = blocks
    (entry,) = parse_string(as_bibtex, "bibtex").entries.values()
    assert entry.fields["title"].strip("{}") == citation["title"]
    assert entry.fields["url"] == citation["repository-code"]
    assert entry.fields["note"] == f"Version {citation['version']}"
    assert entry.fields["year"] == cite.read_citation()["year"]
    assert [str(person).strip("{}") for person in entry.persons["author"]] == [
        author["name"] for author in citation["authors"]
    ]
    for said in (citation["title"], str(citation["version"]), citation["repository-code"], entry.fields["year"]):
        assert said in as_text


def test_persons_a_release_and_a_doi_are_cited():
    citation = {
        "title": "T",
        "version": "1.0",
        "repository-code": "https://github.com/someone/Course",
        "authors": [{"family-names": "Ada", "given-names": "B."}, {"name": "The others"}],
        "doi": "10.1/x",
        "year": "2030",
    }
    entry = parse_string(cite.bibtex(citation), "bibtex").entries["course"]
    assert entry.persons["author"][0].last_names == ["Ada"] and len(entry.persons["author"]) == 2
    assert entry.fields["doi"] == "10.1/x"
    assert cite.text(citation) == "Ada, B., The others (2030). T (version 1.0). https://doi.org/10.1/x"


def test_every_page_leads_to_how_to_cite(site):
    for name in chapters.pages():
        text = (site / f"{name}.html").read_text(encoding="utf-8")
        link = re.search(r'href="([^"]*)">How to cite</a>\.', text)[1]
        target = (site / f"{name}.html").parent / link if link != "#" else site / f"{name}.html"
        assert target.resolve() == (site / "book/how_to_cite.html").resolve()


def test_the_bibliography_leads_back_to_where_a_work_is_cited(site):
    text = (site / "book/bibliography.html").read_text(encoding="utf-8")
    works = len(re.findall(r'<div [^>]*class="citation"', text))
    back = re.findall(r'<p class="cited-in">Cited in (.*?)</p>', text, re.DOTALL)
    assert works == len(back) > 5
    for href, anchor in re.findall(r'href="([^"#]+)#([^"]+)"', " ".join(back)):
        assert f'id="{anchor}"' in (site / "book" / href).read_text(encoding="utf-8")


# What a page tells of itself.


def test_every_page_describes_itself(site):
    config = yaml.safe_load((chapters.ROOT / "_config.yml").read_text(encoding="utf-8"))
    base = config["html"]["baseurl"].rstrip("/")
    for name in chapters.pages():
        text = (site / f"{name}.html").read_text(encoding="utf-8")
        about = re.search(r'<meta name="description" content="([^"]+)"', text)[1]
        assert 20 < len(about) <= share.LONGEST + 60, name  # entities count more than one
        assert 'property="og:title"' in text
        assert f'property="og:image" content="{base}/_static/share.png"' in text


def test_with_an_address_a_preview_has_a_picture():
    written = "\n".join(share.tags('A "title"', "About.", "Site", "https://example.org/book", "book/index"))
    assert 'property="og:image" content="https://example.org/book/_static/share.png"' in written
    assert "og:image" not in "\n".join(share.tags("A", "About.", "Site", "", "book/index")), "it would have no address"
    assert 'content="https://example.org/book/book/index.html"' in written
    assert "A &quot;title&quot;" in written
    for name, size in (("share", (1200, 630)), ("icon", (180, 180))):
        with Image.open(STATIC / f"{name}.png") as picture:
            assert picture.size == size


# Claims, search, previous and next, paper.


def test_claims_are_known_to_the_style_sheet(site):
    text = (site / "book/optimizer_intuition.html").read_text(encoding="utf-8")
    outputs = re.findall(r'<div class="([^"]*\boutput\b[^"]*)"><div class="highlight"><pre><span></span>(.)', text)
    assert sum(first == "✓" for _, first in outputs) > 10
    assert all(("verified" in classes.split()) == (first == "✓") for classes, first in outputs)


def test_search_finds_a_word_without_a_server(site, browser):
    page = browser.new_page()
    page.goto((site / "search.html").as_uri() + "?q=saddle")
    page.wait_for_selector("#search-results ul.search li a")
    assert page.locator("#search-results a", has_text="What an optimizer sees").count()
    page.close()

    page = browser.new_page(viewport={"width": 1300, "height": 800})
    page.goto((site / "book/index.html").as_uri())
    page.keyboard.press("Control+k")
    page.locator("#pst-search-dialog input[type=search]").fill("saddle")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results ul.search li a")
    assert "search.html?q=saddle" in page.url
    page.close()


def test_previous_and_next_follow_the_table_of_contents(site):
    pages = chapters.pages()
    for before, after in itertools.pairwise(pages):
        for name, other, where in ((before, after, "right-next"), (after, before, "left-prev")):
            text = (site / f"{name}.html").read_text(encoding="utf-8")
            link = re.search(rf'class="{where}"\s+href="([^"]+)"', text)[1]
            assert (site / f"{name}.html").parent.joinpath(link).resolve() == (site / f"{other}.html").resolve()


def test_on_paper_a_page_is_light_open_and_without_side_bars(site, browser):
    context = browser.new_context(color_scheme="dark", viewport={"width": 700, "height": 900})
    page = context.new_page()
    page.goto((site / "book/exercises/optimizer_intuition.html").as_uri())
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert page.locator(".bd-article section > details:not([open])").count() == 0
    for gone in (".bd-sidebar-primary", ".bd-header-article", ".prev-next-footer", "#jb-print-docs-body"):
        assert not page.locator(gone).first.is_visible(), gone
    assert page.locator(".bd-article h1").is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.locator(".bd-article section > details[open]").count() == 0
    context.close()


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (360, 800)])
def test_the_first_screen_shows_the_race(site, browser, width, height):
    page = browser.new_page(viewport={"width": width, "height": height})
    page.goto((site / "book/index.html").as_uri())
    plane = page.locator('[data-optcourse="race"] .plane')
    plane.wait_for()
    box = plane.bounding_box()
    assert box["y"] + box["height"] <= height
    page.close()
