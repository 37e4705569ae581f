"""MyST syntax that notebooks show as it is, turned into Markdown that they render, and back.

JupyterLab and Colab do not know MyST: they show ``{cite:p}`key` `` as it stands, and an empty link as nothing. So a
notebook gets what a reader can use, with the original behind it in a comment, which nobody sees:

    {cite:p}`kingma2015adam`  ->  ([Kingma and Ba, 2015](https://...))<!-- {cite:p}`kingma2015adam` -->
    [](./verified_claims.md)  ->  [What this book has verified](./verified_claims.md)<!-- [](./verified_claims.md) -->
    {numref}`fig-saddle`      ->  the figure of *Break it again: a saddle*<!-- {numref}`fig-saddle` -->

The text twins and the site have the original: the comments are turned back when a twin is written and when Sphinx reads
a notebook.
"""

import json
import re
from functools import cache, partial
from pathlib import Path

from pybtex.database import parse_file

BOOK = Path(__file__).resolve().parent.parent / "book"

CODE = r"(?P<code>^(?P<fence>```+|~~~+).*?^(?P=fence)|(?<!\\)(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))"
ORIGINAL = r"\{(?P<role>[a-z:]+)\}`(?P<target>[^`\n]+)`|\[\]\((?P<page>[^)\s#]+)\)"
MYST = re.compile(f"{ORIGINAL}|{CODE}", re.MULTILINE | re.DOTALL)

LINK = r"\[(?:\\.|[^\]\\])*\]\([^)\s]*\)"
FIGURE = r"[Tt]he (?:\w+ )?figure of (?:this section|\*[^*]*\*)"
READABLE = re.compile(rf"(?:\({LINK}(?:; {LINK})*\)|{LINK}(?:, {LINK})*|{FIGURE})<!-- (?P<original>{ORIGINAL}) -->")
LEFT_OVER = re.compile(rf"<!-- (?:{ORIGINAL}) -->")

ORDINALS = ["", "second ", "third ", "fourth ", "fifth ", "sixth ", "seventh ", "eighth ", "ninth ", "tenth "]


def to_readable(cells, page: str) -> None:
    """Replace MyST in the Markdown of `cells`, in place; `page` is their path below `book/`, without a suffix.

    Raises ValueError for a role that has no readable form.
    """
    figures, section = named_figures(cells), ""
    for cell in cells:
        if cell.cell_type == "markdown":
            section_after = [section, *headings(cell.source)][-1]
            cell.source = MYST.sub(partial(readable, page=page, figures=figures, section=section), cell.source)
            section = section_after


def to_myst(text: str) -> str:
    """Markdown with its MyST back. Raises ValueError where the text before a comment is no longer its readable form."""
    text = READABLE.sub(lambda match: match["original"], text)
    if lost := LEFT_OVER.search(text):
        raise ValueError(f"The text before {lost[0]} has been edited: put {lost[0][5:-4]} in the place of both.")
    return text


def notebook_to_myst(text: str) -> str:
    """The same for a whole notebook, as the text of its file."""
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            source = cell["source"]
            cell["source"] = to_myst(source if isinstance(source, str) else "".join(source))
    return json.dumps(notebook, ensure_ascii=False)


def readable(match: re.Match, page: str, figures: dict, section: str) -> str:
    """What stands in the notebook for one piece of MyST; code stays as it is."""
    if match["code"]:
        return match[0]
    if match["page"]:
        shown = f"[{escaped(title(page, match['page']))}]({match['page']})"
    elif match["role"] == "cite:p":
        shown = "(" + "; ".join(f"[{who}, {year}]({url})" for who, year, url in works(page, match["target"])) + ")"
    elif match["role"] == "cite:t":
        shown = ", ".join(f"[{who} ({year})]({url})" for who, year, url in works(page, match["target"]))
    elif match["role"] == "numref":
        if match["target"] not in figures:
            raise ValueError(f"{page}: no figure of this notebook is named {match['target']}.")
        there, nth = figures[match["target"]]
        here = [section, *headings(match.string[: match.start()])][-1]
        where = "this section" if there == here else f"*{there}*"
        first = re.search(r"(?:\A|[.!?:]\s|\n\n|^[-*] )\Z", match.string[: match.start()], re.MULTILINE)
        shown = f"{'The' if first else 'the'} {ORDINALS[nth]}figure of {where}"
    else:
        raise ValueError(
            f"{page}: {match[0]} cannot be read in a notebook. Write it as plain Markdown, or give it a readable form "
            "in tools/readable_markdown.py."
        )
    return f"{shown}<!-- {match[0]} -->"


def headings(markdown: str) -> list[str]:
    without_code = re.sub(r"^(```+|~~~+).*?^\1", "", markdown, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^#{1,3} (.+?)\s*$", without_code, re.MULTILINE)


def named_figures(cells) -> dict[str, tuple[str, int]]:
    """For the name of each figure: the section it stands in, and how many named figures stand there before it."""
    found, section, before = {}, "", 0
    for cell in cells:
        if cell.cell_type == "markdown" and (inside := headings(cell.source)):
            section, before = inside[-1], 0
        name = cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
        if name:
            found[name] = (section, before)
            before += 1
    return found


def title(page: str, link: str) -> str:
    """The first heading of the page that `link`, from `page`, leads to."""
    name = Path(BOOK, page).parent.joinpath(link).resolve().relative_to(BOOK).with_suffix(".md")
    exercises = BOOK.parent / "exercises" / "text" / name.name if name.parts[0] == "exercises" else BOOK / name
    for text in (BOOK / "text" / name, exercises):
        if text.exists() and (found := headings(text.read_text(encoding="utf-8"))):
            return found[0]
    raise ValueError(f"{page}: the link []({link}) leads to no page of the book.")


def escaped(text: str) -> str:
    return re.sub(r"([\\\[\]*_`])", r"\\\1", text)


@cache
def bibliography(path: Path = BOOK / "references.bib") -> dict:
    return parse_file(path).entries


def works(page: str, keys: str) -> list[tuple[str, str, str]]:
    """Authors, year and address of each work that a citation names; old works without one lead to the bibliography."""
    here = "../" * page.count("/") or "./"
    found = [work(page, key.strip()) for key in keys.split(",")]
    return [(who, year, address or f"{here}bibliography.md") for who, year, address in found]


def work(page: str, key: str) -> tuple[str, str, str]:
    if key not in bibliography():
        raise ValueError(f"{page}: references.bib has no entry {key}.")
    entry = bibliography()[key]
    names = [" ".join([*person.prelast_names, *person.last_names]) for person in entry.persons["author"]]
    names = [re.sub(r"[{}]", "", name) for name in names]
    who = f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
    fields = entry.fields
    address = f"https://doi.org/{fields['doi']}" if "doi" in fields else fields.get("url", "")
    if not address and "eprint" in fields:
        address = f"https://arxiv.org/abs/{fields['eprint']}"
    return who, fields["year"], address.replace("(", "%28").replace(")", "%29")
