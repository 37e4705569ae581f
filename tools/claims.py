"""Collect the claims that the chapters verify and write them as an appendix of the book.

`optcourse.claims.verify` leaves a record of every claim in the metadata of the output it prints. This reads the stored
notebooks, so that the appendix says what was measured when the chapters were last executed. `make execute` calls it.
"""

import re

import chapters

PAGE = chapters.BOOK / "verified_claims.md"

INTRODUCTION = """\
<!-- Generated from the stored outputs of the chapters by `make execute`. Edits are lost. -->

# What this book has verified

Each line is a statement that a cell of the book checks: what theory or a publication says, what the cell measures, and
how far the two may be apart. A cell whose claim is wrong fails, and the book is not built. The source is a publication,
or else the section of the chapter that derives it.
"""


def collect(notebook) -> list[dict]:
    """The records that the outputs of one notebook carry, in reading order, each with its `section`."""
    records, section = [], ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            section = ([section] + [line[3:] for line in cell.source.splitlines() if line.startswith("## ")])[-1]
        for output in cell.get("outputs", []):
            record = output.get("metadata", {}).get("optcourse", {}).get("claim")
            if record:
                records.append({**record, "section": section.strip()})
    return records


def page() -> str:
    """The appendix, as MyST Markdown."""
    sections, count, with_numbers = [], 0, 0
    for chapter in chapters.chapters():
        notebook = chapter.read_notebook() if chapter.notebook.exists() else None
        records = collect(notebook) if notebook else []
        if records:
            count += len(records)
            with_numbers += sum(map(has_number, records))
            rows = "\n".join(map(row, records))
            # The link has no text of its own: it shows the title of the chapter.
            sections.append(f"## {title(notebook)}\n\nIn [](./{chapter.name}.ipynb).\n\n{TABLE_HEAD}\n{rows}\n")
    total = f"\nIn all: {count} claim{'' if count == 1 else 's'}, {with_numbers} of them about a number.\n"
    return "\n".join([INTRODUCTION + total, *sections])


TABLE_HEAD = "| statement | theory | measured | tolerance | source |\n|---|---:|---:|---:|---|"


def has_number(record: dict) -> bool:
    """Whether a claim is about a number, and not about a name or something that holds or does not."""
    if record["tolerance"] == "bounds":
        return True
    try:
        float(record["theory"])
    except ValueError:
        return False
    return True


def row(record: dict) -> str:
    """One line of the table. The source may be Markdown, `{cite:p}` included; the rest is plain text."""
    statement, measured, theory = (plain(record[key]) for key in ("statement", "measured", "theory"))
    if record["theory"] == "True":
        measured, theory = "holds", ""
    tolerance = "exact"
    if record["tolerance"]:
        tolerance = record["tolerance"] if isinstance(record["tolerance"], str) else f"± {record['tolerance']:.2g}"
    source = record["source"] or (f"*{plain(record['section'])}*" if record["section"] else "")
    cells = (statement, theory, measured, tolerance.replace("e-0", "e-"), source)
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def plain(text) -> str:
    """A text as Markdown that says just this."""
    return re.sub(r"([\\`*_<$\[{])", r"\\\1", str(text))


def title(notebook) -> str:
    """The first heading of a notebook."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return next(line.removeprefix("# ").strip() for line in text.splitlines() if line.startswith("# "))


def write() -> bool:
    return chapters.write_if_changed(PAGE, page())
