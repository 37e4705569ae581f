"""Live figures in a real JupyterLab, with the network cut off: what a reader does reaches Python, and the other way."""

import shutil

import chapters
import nbformat
import pytest
from lab_server import opened

import optcourse as oc
from optcourse import optimizers, surfaces

CELLS = [
    """
import optcourse as oc
from optcourse import optimizers, surfaces
figure = oc.Explorable(
    surfaces.rosenbrock(), {"Adam": optimizers.adam(0.1), "SGD": optimizers.sgd(1e-3)}, steps=20, panels=[]
)
figure
""",
    "print(figure.start, figure.steps)",
    "figure.start = [0.5, 2.0]",
    "print('ready')",
]
CHAPTERS = [chapter for chapter in chapters.chapters() if not chapter.name.startswith("lab_")]  # those show widgets


def begins_with_a_path(chapter) -> bool:
    """Whether the first live figure of a chapter has a start to drag."""
    figures = chapter.notebook.read_text(encoding="utf-8").split("functions(numbers)")
    return "data-optcourse" in figures[0] and r"\"surface\":{" in figures[0]


ALIVE = [chapter for chapter in CHAPTERS if begins_with_a_path(chapter)]


@pytest.fixture(scope="module")
def notebook(browser, lab):
    """The cells above, all of them run."""
    cells = [nbformat.v4.new_code_cell(cell.strip()) for cell in CELLS]
    lab.add("figure.ipynb", nbformat.v4.new_notebook(cells=cells))
    with opened(browser, lab, "figure.ipynb") as notebook:
        notebook.page.wait_for_selector("#jp-main-statusbar >> text=/\\| Idle/", timeout=60_000)
        notebook.run_all()
        notebook.wait_for_figure()
        notebook.wait_for_output(3, "ready")
        assert notebook.errors == []  # now, because whatever follows would hide it
        yield notebook


def test_python_sees_where_a_reader_dragged_the_start(notebook):
    notebook.drag(0.25, 0.25)
    x, y = notebook.settings()["start"]
    left, top = notebook.handle()
    assert (left, top) == (pytest.approx(0.25, abs=0.01), pytest.approx(0.25, abs=0.01))
    notebook.run(1)
    notebook.wait_for_output(1, f"({float(x)}, {float(y)}) 20")


def test_python_moves_the_figure(notebook):
    before = notebook.handle()
    notebook.run(2)
    notebook.page.wait_for_function(
        "String(document.querySelector('[data-optcourse]').optcourse.settings().start) === '0.5,2'"
    )
    notebook.page.wait_for_timeout(100)
    assert notebook.handle() != before


def test_keys_pressed_in_a_figure_are_for_the_figure(notebook):
    cells = notebook.page.locator(".jp-Cell").count()
    notebook.page.locator("[data-optcourse] .handle").first.focus()
    for key in ("ArrowDown", "b", "d", "d", "1"):  # in JupyterLab: next cell, new cell, delete it, heading
        notebook.page.keyboard.press(key)
    steps = notebook.page.get_by_label("Number of steps").first
    steps.fill("")
    steps.press_sequentially("35")
    steps.press("Enter")
    assert notebook.settings()["steps"] == 35
    assert notebook.page.locator(".jp-Cell").count() == cells == notebook.page.locator(".jp-CodeCell").count()
    notebook.run(1)
    notebook.page.wait_for_function("document.querySelectorAll('.jp-CodeCell')[1].innerText.includes(') 35')")


def test_after_the_page_is_loaded_again_the_figure_is_where_it_was(notebook, lab):
    notebook.drag(0.75, 0.5)
    settings = notebook.settings()
    notebook.page.keyboard.press("Control+s")  # which JupyterLab gets, also from within the figure
    stored = lab.folder / notebook.name
    for _ in range(100):
        saved = nbformat.read(stored, as_version=4)
        if saved.cells[0].get("outputs"):
            break
        notebook.page.wait_for_timeout(100)
    assert "widgets" not in saved.metadata
    assert set(saved.cells[0].outputs[0].data) == {"text/html", "text/plain"}
    notebook.page.reload()
    notebook.wait_for_figure()
    notebook.page.wait_for_function(
        "(start) => String(document.querySelector('[data-optcourse]').optcourse.settings().start) === start",
        arg=",".join(map(str, settings["start"])),
    )
    assert notebook.settings() == settings


def test_where_scripts_are_not_trusted_there_is_a_still_picture(browser, lab):
    figure = oc.Explorable(surfaces.rosenbrock(), optimizers.adam(0.1), steps=20, panels=[])
    data = {"text/html": figure.to_html(), "text/plain": repr(figure)}
    output = nbformat.v4.new_output("execute_result", data=data, execution_count=1)
    cell = nbformat.v4.new_code_cell("figure", execution_count=1, outputs=[output])
    lab.add("stored.ipynb", nbformat.v4.new_notebook(cells=[cell]))
    with opened(browser, lab, "stored.ipynb") as notebook:
        picture = notebook.page.locator(".jp-OutputArea-output img")
        picture.wait_for(state="visible")
        assert picture.evaluate("(image) => image.naturalWidth") > 200
        assert "Adam on rosenbrock" in picture.get_attribute("alt")
        assert notebook.page.get_by_text("in a notebook, run its cell").is_visible()
        assert notebook.page.evaluate("!Object.keys(window).some((name) => name.startsWith('optcourse'))")


def test_a_chapter_of_the_book_comes_to_life(browser, lab):
    assert ALIVE, "no chapter shows a live figure"
    lab.add("chapter.ipynb", ALIVE[-1].read_notebook())
    shutil.copytree(chapters.BOOK / "_static", lab.folder / "_static")
    with opened(browser, lab, "chapter.ipynb") as notebook:
        notebook.page.wait_for_selector("#jp-main-statusbar >> text=/\\| Idle/", timeout=60_000)
        notebook.run_all()
        host = notebook.page.locator("[data-optcourse]").first
        notebook.page.wait_for_function(
            "() => { document.querySelector('[data-optcourse]')?.scrollIntoView(); "
            "return Boolean(document.querySelector('[data-optcourse]')?.optcourse); }",
            timeout=60_000,
        )
        host.scroll_into_view_if_needed()
        before = notebook.settings()["start"]
        notebook.drag(0.3, 0.3)
        assert notebook.settings()["start"] != before
