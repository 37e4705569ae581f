"""Notebooks show no MyST, and say the same as their text: the way there and back is exact."""

import json
import re

import assignments
import chapters
import nbformat
import pytest
import readable_markdown
from readable_markdown import notebook_to_myst, to_myst, to_readable


def markdown(*texts: str):
    return [nbformat.v4.new_markdown_cell(text) for text in texts]


def converted(text: str, page: str = "index") -> str:
    cells = markdown(text)
    to_readable(cells, page)
    return cells[0].source


EXAMPLES = {
    "As shown {cite:p}`kingma2015adam`.": "As shown ([Kingma and Ba, 2015](https://arxiv.org/abs/1412.6980))",
    "{cite:p}`kingma2015adam,goh2017momentum`": "Ba, 2015](https://arxiv.org/abs/1412.6980); [Goh, 2017](https://doi.org/",
    "{cite:t}`polyak1964some` began.": "[Polyak (1964)](https://doi.org/10.1016/0041-5553%2864%2990137-5)",
    "{cite:t}`nesterov1983method` has no address.": "[Nesterov (1983)](./bibliography.md)",
    "See [](./verified_claims.md).": "See [What this book has verified](./verified_claims.md)",
}


@pytest.mark.parametrize("text", EXAMPLES)
def test_a_notebook_gets_what_can_be_read_and_keeps_the_original(text):
    shown = converted(text)
    assert EXAMPLES[text] in shown
    assert not re.search(r"\{[a-z:]+\}`|\[\]\(", re.sub(r"<!--.*?-->", "", shown))
    assert to_myst(shown) == text


def test_links_lead_on_from_the_folder_of_the_page():
    text = "[](../optimizer_intuition.ipynb), {cite:t}`nesterov1983method`"
    shown = converted(text, "exercises/optimizer_intuition")
    assert "[What an optimizer sees](../optimizer_intuition.ipynb)" in shown
    assert "[Nesterov (1983)](../bibliography.md)" in shown
    assert to_myst(shown) == text


def test_a_figure_is_named_by_its_section():
    figures = [nbformat.v4.new_code_cell(metadata={"mystnb": {"figure": {"name": name}}}) for name in "ab"]
    texts = ["# One\n\n{numref}`a` is near.", "Not {numref}`b`.", "## Two\n\nIn {numref}`b`, and {numref}`a`."]
    first, second, third = markdown(*texts)
    to_readable([first, *figures, second, third], "index")
    assert first.source.startswith("# One\n\nThe figure of this section<!--")
    assert second.source.startswith("Not the second figure of this section<!--")
    assert "In the second figure of *One*<!-- {numref}`b` -->, and the figure of *One*" in third.source
    assert [to_myst(cell.source) for cell in (first, second, third)] == texts


@pytest.mark.parametrize("text", ["`{cite:p}` x", "``{ref}`x` ``", "```\n{ref}`x`\n[](x.md)\n```", "no MyST {x}"])
def test_code_is_left_alone(text):
    assert converted(text) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{ref}`x`", "cannot be read in a notebook"),
        ("{cite:p}`nobody2000`", "no entry nobody2000"),
        ("{numref}`fig-none`", "no figure of this notebook"),
        ("[](./nowhere.md)", "no page of the book"),
    ],
)
def test_what_cannot_be_read_is_an_error(text, reason):
    with pytest.raises(ValueError, match=reason):
        converted(text)


def test_an_edited_replacement_is_noticed():
    assert to_myst(converted("{cite:t}`goh2017momentum`").replace("Goh", "Someone")) == "{cite:t}`goh2017momentum`"
    with pytest.raises(ValueError, match="has been edited"):
        to_myst("Goh in 2017<!-- {cite:t}`goh2017momentum` -->")


@pytest.mark.parametrize("chapter", [*chapters.chapters(), *assignments.masters()], ids=lambda chapter: chapter.name)
def test_every_twin_makes_a_readable_notebook_and_comes_back(chapter):
    notebook = chapter.read_twin()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            shown = re.sub(r"<!--.*?-->|`+.*?`+", "", cell.source, flags=re.DOTALL)
            assert not re.search(r"\{(?:cite|numref|ref|doc|term)\b|\[\]\(", shown)
    assert chapters.twin_text(notebook) == chapter.twin.read_text(encoding="utf-8")


def test_sphinx_reads_the_original(site):
    page = (site / "book/optimizer_intuition.html").read_text(encoding="utf-8")
    assert 'class="bibtex-citation"' in page and "<!-- {cite" not in page
    assert re.search(r'<a class="reference internal" href="#fig-sensitivity"><span class="std std-numref">', page)


def test_a_notebook_as_a_file_comes_back():
    cells = markdown("See [](./verified_claims.md).")
    to_readable(cells, "index")
    written = nbformat.writes(nbformat.v4.new_notebook(cells=cells))
    assert json.loads(notebook_to_myst(written))["cells"][0]["source"] == "See [](./verified_claims.md)."


def test_the_bibliography_gives_an_address_wherever_there_is_one():
    without = {key for key in readable_markdown.bibliography() if not readable_markdown.work("index", key)[2]}
    assert without == {
        key
        for key, entry in readable_markdown.bibliography().items()
        if not entry.fields.keys() & {"doi", "url", "eprint"}
    }
