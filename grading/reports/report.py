"""What the teacher gets of a class: a table, a CSV file, the common mistakes as a figure, and a page with all of it."""

import base64
import csv
import io
from collections.abc import Iterable
from pathlib import Path
from unicodedata import combining, east_asian_width

from grading.reports.mistakes import INK, count_mistakes, draw_mistakes, in_words, write_mistakes
from grading.reports.page import render
from grading.reports.scores import SIGNS, Points, Recorded, Row, number, points_of, rows
from grading.results import GRADED, Result, count_by_state, write_whole
from optcourse.exercises.verdict import NOT_JUDGED

__all__ = ["points_of", "table", "write", "write_csv", "write_mistakes", "write_report"]


def write(
    results: Iterable[Result], points: Points, folder: Path, *, recorded: dict[str, Recorded] | None = None
) -> None:
    """Write `grades.csv`, `mistakes.png`, `mistakes.txt` and `report.html` into a folder.

    Args:
        points: from `points_of`.
        recorded: from `gradebook.read`; with it, points that people gave are counted.
    """
    results = list(results)
    Path(folder).mkdir(parents=True, exist_ok=True)
    write_csv(results, points, Path(folder) / "grades.csv", recorded=recorded)
    write_mistakes(results, Path(folder) / "mistakes.png")
    write_report(results, points, Path(folder) / "report.html", recorded=recorded)


def table(results: Iterable[Result], points: Points, *, recorded: dict[str, Recorded] | None = None) -> str:
    """A table for the terminal, and below it why submissions could not be graded."""
    found = rows(results, points, recorded)
    names = list(points.maximum)
    head = ["student", "state", "points", "out of", *map(str, range(1, len(names) + 1))]
    lines = [
        [printable(row.result.student), row.result.state, *total(row), *map(shown, row.entries.values())]
        for row in found
    ]
    widths = [max(map(width, column)) for column in zip(head, *lines, strict=True)]
    text = [
        "  ".join([cell + " " * (wide - width(cell)) for cell, wide in zip(line, widths, strict=True)]).rstrip()
        for line in (head, *lines)
    ]
    legend = ", ".join(f"{place} {name} ({number(points.maximum[name])})" for place, name in enumerate(names, 1))
    used = dict.fromkeys(entry.status for row in found for entry in row.entries.values() if entry.status in SIGNS)
    text += ["", f"Exercises: {legend}.", "; ".join(f"{SIGNS[status]} {status}" for status in used)]
    text += [
        printable(f"{row.result.student}: {row.result.state}. {row.result.explanation}").rstrip()
        for row in found
        if row.result.state != GRADED
    ]
    return "\n".join(text)


def write_csv(
    results: Iterable[Result], points: Points, path: Path, *, recorded: dict[str, Recorded] | None = None
) -> None:
    """A line for each submission. `points` is empty where an exercise could not be judged, and never 0 for that."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = list(points.maximum)
    writer.writerow(
        ["student", "file", "state", "points", "out_of", "to_grade_by_hand", *names, "seconds", "explanation"]
    )
    for row in rows(results, points, recorded):
        result, entries = row.result, [entry.text for entry in row.entries.values()]
        by_hand = "; ".join(row.to_grade_by_hand)
        line = [result.student, result.file, result.state, *total(row), by_hand, *entries]
        writer.writerow([guarded(cell) for cell in [*line, number(result.seconds), result.explanation]])
    # The mark at the beginning tells Excel that letters beyond A to Z are UTF-8.
    write_whole(Path(path), "\ufeff" + text.getvalue())


def write_report(
    results: Iterable[Result], points: Points, path: Path, *, recorded: dict[str, Recorded] | None = None
) -> None:
    """A page with everything in it: states, table, figure, and for each mistake a message as an example."""
    found = rows(results, points, recorded)
    counted = count_mistakes(row.result for row in found)
    page = render(
        "report.html.j2",
        title=Path(path).resolve().parent.name,
        rows=found,
        points=points,
        states=count_by_state(row.result for row in found),
        stopped=[row.result for row in found if row.result.state != GRADED],
        counted=counted,
        examples=examples(found),
        pictures={theme: picture(counted, theme) for theme in INK},
        words=in_words(counted),
        signs=SIGNS,
        not_judged=NOT_JUDGED,
    )
    write_whole(Path(path), page)


def total(row: Row) -> tuple[str, str]:
    """The columns `points` and `out_of`."""
    return "" if row.points is None else number(row.points), number(row.out_of)


def shown(entry) -> str:
    """An entry in the table: its sign, and its points if it has any."""
    return entry.sign if entry.points is None else f"{entry.sign} {number(entry.points)}"


def printable(text: str) -> str:
    """Text in one line, without what would steer a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def width(text: str) -> int:
    """How many columns of a terminal a text takes: letters of East Asian scripts take two."""
    return sum(0 if combining(letter) else 1 + (east_asian_width(letter) in "WF") for letter in text)


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula, in one line."""
    cell = printable(cell)
    return f"'{cell}" if cell.lstrip().startswith(tuple("=+-@")) else cell


def examples(found: list[Row]) -> dict[tuple[str, str], str]:
    """For each exercise and mistake, the message that one student was given."""
    return {
        (name, judged["mistake"]): judged["message"]
        for row in reversed(found)
        for name, judged in row.result.verdicts.items()
        if judged["mistake"]
    }


def picture(counted: dict, theme: str) -> str:
    data = io.BytesIO()
    draw_mistakes(counted, theme=theme).savefig(data, format="png")
    return base64.b64encode(data.getvalue()).decode()
