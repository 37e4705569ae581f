"""Feedback: for each student one HTML file, with the verdicts, the points, graders' comments and the notebook."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import nbformat
from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from grading import results
from grading.repair import is_test
from grading.reports import gradebook
from grading.reports.cleaning import PICTURES, clean, settings_of
from grading.reports.page import count, render
from grading.reports.scores import Recorded, Row, exercise_of, points_of, rows
from grading.reports.students import by_student, student_id

LONGEST_NOTEBOOK = 200_000  # characters, without outputs
LONGEST_OUTPUT = 60  # lines
LONGEST_LINE = 200  # characters
AGAIN = "Then ask whether you may hand the notebook in again."
ADVICE = {
    results.TIMED_OUT: "Restart the kernel, run all cells, and watch where it stops. Is there a loop that does not "
    f"end, or one with far more steps than it needs? Correct it. {AGAIN}",
    results.OUT_OF_MEMORY: "Look for a list or an array that is far larger than the exercise needs, or that grows in a "
    f"loop that does not end. Correct it. {AGAIN}",
    results.TOO_MUCH_OUTPUT: f"Look for a `print` in a loop, and take it out. {AGAIN}",
    results.KERNEL_DIED: "Restart the kernel and run all cells. If a cell stops it on your machine too, correct that "
    "cell. If none does, show your teacher this page.",
    results.UNREADABLE: "Open the file with Jupyter before you hand it in again. What opens there can be graded.",
    results.WRONG_NOTEBOOK: "Compare the file with the notebook that you were given for this assignment.",
}


def write(found: Iterable[results.Result], *, course: Path, assignment: str) -> list[Path]:
    """Write `feedback/<student>/<assignment>.html` into the course for every result; return the files.

    Points and comments that people gave are taken from the gradebook, so write again after grading by hand.
    """
    found = by_student(found).values()
    points = points_of(Path(course) / "source" / assignment / f"{assignment}.ipynb")
    recorded = gradebook.read(course=course, assignment=assignment)
    written = []
    for row in rows(found, points, recorded):
        student = row.result.student
        path = Path(course) / "feedback" / student_id(student) / f"{assignment}.html"
        about = recorded.get(student, Recorded())
        try:
            text = page(row, assignment, about)
        except Exception:  # a notebook that cannot be shown must not keep a class from its feedback
            text = page(replace(row, result=replace(row.result, notebook="")), assignment, about)
        results.write_whole(path, text)
        written.append(path)
    return written


def page(row: Row, assignment: str, recorded: Recorded) -> str:
    notebook = row.result.notebook and nbformat.reads(row.result.notebook, as_version=4)
    return render(
        "feedback.html.j2",
        row=row,
        assignment=assignment,
        comments=recorded.comments,
        blocks=list(blocks(notebook)) if notebook else [],
        missing=missing(row),
        advice=ADVICE.get(row.result.state, ""),
    )


def missing(row: Row) -> str:
    """What could not be judged, in words."""
    if not row.result.notebook:
        return "the file that you handed in could not be graded"
    unjudged = [entry for entry in row.entries.values() if entry.automatic and entry.points is None]
    return f"{count(len(unjudged), 'exercise')} could not be judged"


def blocks(notebook) -> Iterator[dict]:
    """The cells, as the template shows them."""
    room = LONGEST_NOTEBOOK
    for place, cell in enumerate(clean(notebook, settings_of(notebook)).cells):
        room -= len(cell.source) + 100
        if room < 0:
            rest = f"The rest is left out: {count(len(notebook.cells) - place, 'cell')}."
            yield {"kind": "raw", "source": rest, "outputs": [], "name": "", "is_test": False}
            return
        about = cell.metadata.get("nbgrader", {})
        is_code = cell.cell_type == "code"
        if cell.source or about:
            yield {
                "kind": cell.cell_type,
                "source": highlighted(cell.source) if is_code else cell.source,
                "outputs": list(outputs(cell)),
                "name": exercise_of(about.get("grade_id", "")),
                "is_test": is_test(cell),
            }


def highlighted(code: str) -> Markup:
    return Markup(highlight(code, PythonLexer(), HtmlFormatter(nowrap=True)).rstrip())


def outputs(cell) -> Iterator[dict]:
    """What a cell showed, one picture or text after the other."""
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            yield {"kind": output.name, "text": shortened(output.text), "picture": ""}
        elif output.output_type == "error":
            text = "\n".join(output.traceback) or f"{output.ename}: {output.evalue}"
            yield {"kind": "error", "text": shortened(text), "picture": ""}
        else:
            pictures = [(kind, output.data[kind]) for kind in PICTURES if kind in output.data]
            kind, picture = pictures[0] if pictures else ("result", "")
            yield {"kind": kind, "text": shortened(output.data.get("text/plain", "")), "picture": picture}


def shortened(text: str) -> str:
    """The beginning and the end of a long text."""
    lines = [line if len(line) <= LONGEST_LINE else line[:LONGEST_LINE] + " ..." for line in text.rstrip().splitlines()]
    if len(lines) > LONGEST_OUTPUT:
        half = LONGEST_OUTPUT // 2
        lines[half:-half] = [f"... {count(len(lines) - 2 * half, 'line')} left out ..."]
    return "\n".join(lines)
