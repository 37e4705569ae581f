"""The labs in a real JupyterLab, with the network cut off: their pages are opened, run, and used by keyboard."""

import launch
import pytest
from chapters import Chapter
from lab_server import opened

SLOW = 180_000  # milliseconds; a busy machine compiles slowly
PICTURE = "[...document.querySelectorAll('.jp-OutputArea .jupyter-widgets img')].map((image) => image.src).join()"


def shortened(page: str):
    """The page up to its lab; the experiments below are run by nbval."""
    notebook = Chapter(page).read_notebook()
    notebook.cells = [cell for cell in notebook.cells if not launch.is_setup(cell)]
    first = next(i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    notebook.cells = notebook.cells[: first + 1]
    return notebook


@pytest.fixture(scope="module")
def use(browser, lab):
    """Opens the page of a lab, as it is stored; `run` runs it."""

    def open_(page):
        lab.add(f"{page}.ipynb", shortened(page))
        return opened(browser, lab, f"{page}.ipynb")

    return open_


def run(notebook):
    notebook.page.wait_for_selector("#jp-main-statusbar >> text=/\\| Idle/", timeout=SLOW)
    notebook.run_all()
    notebook.page.wait_for_selector(".jp-OutputArea .jupyter-widgets img", timeout=SLOW)


def status(notebook) -> str:
    return notebook.page.locator(".jupyter-widgets [role=status]").inner_text()


def wait_for_step(notebook, step: int) -> None:
    shown = "document.querySelector('.jupyter-widgets [role=status]')?.innerText"
    notebook.page.wait_for_function(
        f"(step) => Number({shown}.match(/^Step (\\d+)/)?.[1]) >= step", arg=step, timeout=SLOW
    )


def test_a_slider_moved_by_keyboard_moves_the_path(use):
    with use("lab_paths") as notebook:
        page = notebook.page
        # Before anything has run there is the stored figure, and no widget that failed.
        page.wait_for_selector(".jp-OutputArea-output img[alt^='Elliptical contours']", timeout=SLOW)
        assert "Error displaying widget" not in page.locator(".jp-OutputArea").first.inner_text()
        run(notebook)
        before, text = page.evaluate(PICTURE), status(notebook)
        rate = page.get_by_label("learning rate").first
        old = float(rate.input_value())
        page.locator(".jupyter-widgets [role=slider]").first.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("([before]) => " + PICTURE + " !== before", arg=[before], timeout=SLOW)
        assert float(rate.input_value()) > old
        assert status(notebook) != text

        page.get_by_label("surface").select_option("a formula of your own")
        formula = page.get_by_label("formula in x, y")
        formula.fill("x^2")
        formula.press("Enter")
        page.locator(".jupyter-widgets [role=alert]", has_text="write **").wait_for(timeout=SLOW)
        assert formula.input_value() == "x^2"
        formula.fill("x**2 + y**4")
        formula.press("Enter")
        page.locator(".jupyter-widgets [role=status]", has_text="x**2 + y**4").wait_for(timeout=SLOW)
        # What is cut off cannot be read.
        cut = "[...document.querySelectorAll('.widget-label')].filter((e) => e.scrollWidth > e.clientWidth + 1)"
        assert page.evaluate(f"{cut}.map((e) => e.innerText)") == []


def test_training_runs_is_steered_and_stands_still(use):
    with use("lab_training") as notebook:
        page = notebook.page
        run(notebook)
        before = page.evaluate(PICTURE)
        assert "press Start" in status(notebook)
        button = page.locator(".widget-button")
        button.filter(has_text="Start").press("Enter")
        wait_for_step(notebook, 20)
        first = status(notebook)
        page.wait_for_function("([before]) => " + PICTURE + " !== before", arg=[before], timeout=SLOW)
        rate = page.get_by_label("learning rate")
        rate.fill("0.0005")
        rate.press("Tab")
        page.locator(".jupyter-widgets [role=status]", has_text="learning rate 0.0005").wait_for(timeout=SLOW)
        button.filter(has_text="Stop").press("Enter")
        page.locator(".jupyter-widgets [role=status]", has_text="Standing still").wait_for(timeout=SLOW)
        stopped = status(notebook)
        assert stopped.split("Mini-batch loss")[1] != first.split("Mini-batch loss")[1]
        page.wait_for_timeout(700)
        assert status(notebook) == stopped
        button.filter(has_text="10 steps").press("Enter")
        step = int(stopped.split()[1].rstrip("."))
        wait_for_step(notebook, step + 10)
        assert f"Step {step + 10}." in status(notebook)
