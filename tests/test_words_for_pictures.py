"""Every picture has words, for those who do not see it: in the stored notebooks, and on the pages made of them."""

import re
from html.parser import HTMLParser

import assignments
import chapters
import nbformat
import pytest
import visits
from PIL import Image

NOTEBOOKS = [*chapters.chapters(), *assignments.student_notebooks()]
FILE_NAME = re.compile(r"\.(?:png|jpe?g|gif|svg|webp)$|^_images/|^[0-9a-f]{16,}$", re.IGNORECASE)
DECORATION = {"logo__image"}  # beside the title of the book, which says the same


class Pictures(HTMLParser):
    """Collects pictures, frames and drawings that have no words."""

    def __init__(self, html: str):
        super().__init__()
        self.wordless: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        said = {name: value or "" for name, value in attrs}
        if tag == "svg":
            fine = said.get("aria-hidden") == "true" or (
                said.get("role") == "img" and has_words(said.get("aria-label"))
            )
        elif tag == "img":
            decoration = said.get("alt") == "" and DECORATION & set(said.get("class", "").split())
            fine = decoration or has_words(said.get("alt"))
        else:
            fine = tag != "iframe" or has_words(said.get("title"))
        if not fine:
            self.wordless.append(self.get_starttag_text()[:300])


def has_words(text: str | None) -> bool:
    return len((text or "").strip()) > 3 and not FILE_NAME.search(text.strip())


def wordless_outputs(cell) -> list[str]:
    """The outputs of a cell that show a picture without saying what is on it."""
    options = cell.metadata.get("mystnb", {})
    found = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if {"image/png", "image/jpeg", "image/svg+xml"} & set(data) and not has_words(
            options.get("image", {}).get("alt")
        ):
            found.append("a picture without `image: {alt: ...}` in the cell's mystnb options")
        found += Pictures(data.get("text/html", "")).wordless
    return found


def wordless_text(source: str) -> list[str]:
    """Pictures without words in Markdown."""
    plain = re.sub(r"```.*?```|`[^`]*`", "", source, flags=re.DOTALL)
    found = [mark[0] for mark in re.finditer(r"!\[([^]]*)\]\([^)]*\)", plain) if not has_words(mark[1])]
    for directive in re.finditer(r"^ *(`{3,}|:{3,})\{(?:image|figure)\}(.*?)^ *\1", source, re.DOTALL | re.MULTILINE):
        words = re.search(r"^ *:?alt: *(.+)", directive[2], re.MULTILINE)
        if not has_words(words and words[1]):
            found.append(directive[0])
    return found + Pictures(plain).wordless


@pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda page: page.name)
def test_every_picture_of_a_notebook_has_words(page):
    for cell in page.read_notebook().cells:
        found = wordless_outputs(cell) if cell.cell_type == "code" else wordless_text(cell.source)
        assert not found, f"{page.name}: {found} in this cell:\n{cell.source}"


def test_every_picture_of_a_text_has_words():
    for page in chapters.pages():
        file = chapters.ROOT / f"{page}.md"
        if file.exists():
            assert not wordless_text(file.read_text(encoding="utf-8")), page


def test_every_picture_of_the_site_has_words(site):
    for page in visits.names(site):
        found = Pictures((site / page).read_text(encoding="utf-8")).wordless
        assert not found, f"{page} shows pictures without words"


def test_pictures_without_words_are_noticed():
    bad = ["<img src=x.png>", '<img src=x.png alt="">', '<img src=x alt="../_images/3f.png">', "<iframe></iframe>"]
    bad += ["<svg></svg>", '<svg role="img"></svg>']
    assert Pictures("".join(bad)).wordless == [tag.split("</")[0] for tag in bad]
    good = (
        '<img alt="A bowl"><img class="logo__image" alt=""><iframe title="Adam"></iframe><svg aria-hidden="true"></svg>'
    )
    assert Pictures(good).wordless == []

    output = nbformat.v4.new_output("display_data", data={"image/png": "x"})
    cell = nbformat.v4.new_code_cell("plt.show()", outputs=[output])
    assert len(wordless_outputs(cell)) == 1
    cell.metadata["mystnb"] = {"image": {"alt": "Contours of a bowl."}}
    assert wordless_outputs(cell) == []
    cell.outputs.append(nbformat.v4.new_output("display_data", data={"text/html": "<iframe srcdoc=''></iframe>"}))
    assert len(wordless_outputs(cell)) == 1

    assert len(wordless_text("![](a.png)\n\n```{image} b.png\n:width: 50%\n```\n\n<img src='c.png'>")) == 3
    assert wordless_text("![A bowl](a.png)\n\n```{image} b.png\n:alt: A bowl\n```\n\n`![](no.png)`") == []


def test_pictures_show_something():
    pictures = [*(chapters.BOOK / "images").rglob("*.png"), *(chapters.BOOK / "_static").glob("*.png")]
    assert len(pictures) > 5
    for path in pictures:
        colors = Image.open(path).convert("RGB").getcolors(1 << 24)
        assert len(colors) > 10, f"{path.name} is blank: make pictures"
