"""The notebooks of the book as they are stored: complete, up to date, and in agreement with their text.

That their outputs are true is tested by nbval, which executes every one and compares; these tests make sure that there
is something to compare. What else holds for exercises is in `test_exercise_notebooks.py`.
"""

import re
import subprocess
import sys
from pathlib import Path

import assignments
import chapters
import claims
import execute
import nbformat
import pytest
import twins

import optcourse

CHAPTERS = chapters.chapters()
NOTEBOOKS = [*CHAPTERS, *assignments.student_notebooks()]
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
each_notebook = pytest.mark.parametrize("chapter", NOTEBOOKS, ids=lambda chapter: chapter.name)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_the_table_of_contents_has_chapters():
    assert {"index", "optimizer_intuition"} <= {chapter.name for chapter in CHAPTERS}


def test_every_page_exists():
    for page in chapters.pages():
        files = [page for suffix in (".ipynb", ".md") if (chapters.ROOT / f"{page}{suffix}").exists()]
        assert len(files) == 1, f"{page} of _toc.yml must be one notebook or one .md file"


def test_every_text_is_a_chapter():
    texts = {path.relative_to(chapters.BOOK / "text").with_suffix("") for path in chapters.BOOK.glob("text/**/*.md")}
    assert {path.as_posix() for path in texts} == {chapter.name for chapter in CHAPTERS}


def test_every_notebook_is_compared_by_nbval():
    options = ["--collect-only", "--quiet", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options, "book", "exercises"]
    listing = subprocess.run(command, cwd=chapters.ROOT, text=True, capture_output=True).stdout
    for chapter in NOTEBOOKS:
        collected = listing.count(f"{chapters.relative(chapter.notebook)}::")
        assert collected == len(code_cells(chapter.read_notebook())), listing
    assert "exercises/source" not in listing, "masters are not notebooks of the book"


@each_chapter
def test_text_and_notebook_agree(chapter):
    notebook = chapter.read_notebook()
    agree = chapters.cells_fingerprint(chapter.read_twin()) == chapters.cells_fingerprint(notebook)
    message = f"{chapter.name}: run make execute after editing the text, make twins after editing the notebook"
    assert agree, message
    assert chapters.twin_text(notebook) == chapter.twin.read_text(encoding="utf-8"), message


@each_notebook
def test_stored_outputs_are_up_to_date(chapter):
    notebook = chapter.read_notebook()
    stored = notebook.metadata["optcourse"]
    assert stored["code"] == chapters.code_fingerprint(notebook), (
        f"{chapter.name}: its code, the package or a pinned version changed since it was executed. Run make execute."
    )
    assert stored["outputs"] == chapters.outputs_fingerprint(notebook), (
        f"{chapter.name}: its outputs are not those of make execute. Run make execute."
    )


@each_notebook
def test_every_cell_was_executed_in_order(chapter):
    # nbval runs a cell without an execution count, but does not compare its outputs.
    cells = code_cells(chapter.read_notebook())
    assert cells, f"{chapter.name} has no code"
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert any(cell.outputs for cell in cells), f"{chapter.name} shows nothing"


@each_notebook
def test_no_output_is_an_error_or_a_warning(chapter):
    for cell in code_cells(chapter.read_notebook()):
        for output in cell.outputs:
            if "raises-exception" not in chapters.tags(cell):
                assert output.output_type != "error", cell.source
            assert output.get("name") != "stderr", f"{chapter.name} prints to stderr:\n{cell.source}\n{output.text}"


@each_notebook
def test_every_output_is_of_a_kind_that_the_site_shows(chapter):
    shown = {"text/html", "image/png", "text/plain"}
    for cell in code_cells(chapter.read_notebook()):
        for output in cell.outputs:
            assert "data" not in output or shown & set(output.data), cell.source


@each_notebook
def test_chapter_is_small_enough(chapter):
    assert chapter.notebook.stat().st_size < 500_000, f"{chapter.name} must stay below 500 kB"


@each_notebook
def test_stored_form_is_the_normal_form(chapter):
    notebook = chapter.read_notebook()
    ids = [cell.id for cell in notebook.cells]
    chapters.name_cells(notebook)
    assert [cell.id for cell in notebook.cells] == ids
    kept = {key: value for key, value in notebook.metadata.items() if key != "optcourse"}
    assert kept == chapters.NOTEBOOK_METADATA, f"{chapter.name}: run make execute"


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_files_that_documents_point_to_exist(name):
    text = (chapters.ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r'(?:\]\(|src=")([^)"]+)', text):
        assert target.startswith("https://") or (chapters.ROOT / target).exists(), f"{name} points to {target}"


def test_verified_claims_are_up_to_date():
    assert claims.PAGE.read_text(encoding="utf-8") == claims.page(), "run make execute"


def test_claims_are_collected_from_outputs():
    record = {"statement": "a | b_1", "measured": "0.04", "theory": "0.05", "tolerance": 1e-2, "source": "{cite:p}`x`"}
    heading = nbformat.v4.new_markdown_cell("Text.\n\n## Say it\n\n### More")
    printed = nbformat.v4.new_output("display_data", metadata={"optcourse": {"claim": record}})
    cell = nbformat.v4.new_code_cell("verify(...)", outputs=[nbformat.v4.new_output("stream", text="x"), printed])
    (collected,) = claims.collect(nbformat.v4.new_notebook(cells=[heading, cell]))
    assert collected == {**record, "section": "Say it"}
    assert claims.row(collected) == r"| a \| b\_1 | 0.05 | 0.04 | ± 0.01 | {cite:p}`x` |"
    derived = collected | {"source": "", "theory": "at most 2", "tolerance": "bounds"}
    assert claims.row(derived) == r"| a \| b\_1 | at most 2 | 0.04 | bounds | *Say it* |"
    holds = collected | {"theory": "True", "measured": "True", "tolerance": 0.0}
    assert claims.row(holds) == r"| a \| b\_1 |  | holds | exact | {cite:p}`x` |"
    assert [claims.has_number(each) for each in (collected, derived, holds)] == [True, True, False]


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A chapter of its own, in a folder of its own."""
    monkeypatch.setattr(chapters, "ROOT", tmp_path)
    monkeypatch.setattr(chapters, "BOOK", tmp_path / "book")
    (tmp_path / "requirements.txt").write_text("jax==1\nruff==1\n")
    (tmp_path / "_toc.yml").write_text("root: book/mine\n")
    package = tmp_path / "optcourse" / "__init__.py"
    package.parent.mkdir()
    package.write_text('"""A package."""\n\none = 1\n')
    chapter = chapters.Chapter("mine")
    chapter.twin.parent.mkdir(parents=True)
    chapter.twin.write_text(chapters.TWIN_HEADER + "# Mine\n\n```{code-cell}\nprint(2)\n```\n")
    return chapter


def test_code_fingerprint_notices_what_changes_outputs_and_nothing_else(mine):
    package, requirements = chapters.ROOT / "optcourse" / "__init__.py", chapters.ROOT / "requirements.txt"
    before = chapters.code_fingerprint(mine.read_twin())

    package.write_text('"""Another docstring."""\n\n# a comment\none = 1\n')
    requirements.write_text("jax==1\nruff==2\n")
    mine.twin.write_text(mine.twin.read_text().replace("# Mine", "# Mine, reworded"))
    assert chapters.code_fingerprint(mine.read_twin()) == before

    package.write_text('"""A package."""\n\none = 2\n')
    assert chapters.code_fingerprint(mine.read_twin()) != before
    package.write_text('"""A package."""\n\none = 1\n')
    requirements.write_text("jax==2\nruff==1\n")
    assert chapters.code_fingerprint(mine.read_twin()) != before


def test_what_is_left_out_of_a_fingerprint_is_imported_by_nothing_else(mine):
    package = chapters.ROOT / "optcourse"
    for part in chapters.ENDS:
        (package / part).mkdir()
        (package / part / "one.py").write_text("one = 1\n")
        before = chapters.code_fingerprint(mine.read_twin())
        (package / part / "one.py").write_text("one = 2\n")
        assert chapters.code_fingerprint(mine.read_twin()) == before
        replace(mine.twin, "print(2)", f"print(2)\nfrom optcourse import {part}")
        before = chapters.code_fingerprint(mine.read_twin())
        (package / part / "one.py").write_text("one = 3\n")
        assert chapters.code_fingerprint(mine.read_twin()) != before

    package = Path(optcourse.__file__).parent
    for path in package.rglob("*.py"):
        parts = path.relative_to(package).parts
        imported = "\n".join(re.findall(r"^\s*(?:from|import) .*", path.read_text(encoding="utf-8"), re.MULTILINE))
        for part in chapters.ENDS:
            own = parts[0] == part or parts == ("__init__.py",)  # which only hands the name on
            assert own or not re.search(rf"\boptcourse\.{part}\b|from optcourse import .*\b{part}\b", imported), path


def replace(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_executing_twice_gives_the_same_bytes(mine):
    assert execute.execute(mine) is None
    first = mine.notebook.read_bytes()
    assert b"2\\n" in first
    mine.notebook.unlink()
    assert execute.execute(mine) is None
    assert mine.notebook.read_bytes() == first


def test_changed_prose_keeps_the_outputs_and_changed_code_does_not(mine):
    execute.execute(mine)
    replace(mine.twin, "# Mine", "# Mine, reworded")
    assert execute.is_executed(execute.from_twin(mine))
    replace(mine.twin, "print(2)", "print(3)")
    assert not execute.is_executed(execute.from_twin(mine))
    replace(mine.twin, "print(3)", "print(2)")
    replace(mine.notebook, '"2\\n"', '"3\\n"')  # an output that nobody computed
    assert not execute.is_executed(execute.from_twin(mine))


def test_failed_execution_leaves_the_notebook_and_names_the_cell(mine):
    execute.execute(mine)
    before = mine.notebook.read_bytes()
    mine.twin.write_text(mine.twin.read_text() + "\n```{code-cell}\n1 / 0\n```\n\n```{code-cell}\n3\n```\n")
    problem = execute.execute(mine)
    assert "book/text/mine.md: code cell 2 of 3 failed" in problem
    assert "1 / 0" in problem and "ZeroDivisionError" in problem
    assert mine.notebook.read_bytes() == before


def test_an_edited_notebook_is_not_overwritten_and_make_twins_brings_it_back(mine, capsys):
    execute.execute(mine)
    replace(mine.notebook, "# Mine", "# Mine, edited in JupyterLab")
    with pytest.raises(ValueError, match="was edited since"):
        execute.from_twin(mine)
    assert twins.main() == 0
    assert "edited in JupyterLab" in mine.twin.read_text()
    assert execute.is_executed(execute.from_twin(mine))

    replace(mine.twin, "edited in JupyterLab", "edited in the text as well")
    assert twins.main() == 1
    assert "Both book/mine.ipynb and book/text/mine.md were edited" in capsys.readouterr().out


def test_options_of_a_cell_are_text_too(mine):
    options = "tags: [hide-input]\nmystnb:\n  figure:\n    name: two\n    caption: |\n      Two: a *number*"
    replace(mine.twin, "print(2)", f"---\n{options}\n---\nprint(2)")
    execute.execute(mine)
    assert chapters.twin_text(mine.read_notebook()) == mine.twin.read_text()
    replace(mine.notebook, "Two: a *number*", "Two")
    with pytest.raises(ValueError, match="was edited since"):
        execute.from_twin(mine)


def test_a_header_that_would_be_lost_is_refused(mine):
    replace(mine.twin, "  name: python3\n", "  name: python3\nmystnb:\n  merge_streams: true\n")
    with pytest.raises(ValueError, match="must begin with exactly these lines"):
        mine.read_twin()
