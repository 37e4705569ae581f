"""Take the pictures of the page *How to use this book* from the real things (`make pictures`).

The site, JupyterLab and the grader are started for it; Chromium and bubblewrap are needed, and two minutes.
"""

import io
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import build
import chapters
import nbformat
from browsers import chromium
from lab_server import Lab, opened
from PIL import Image
from playwright.sync_api import sync_playwright

sys.path[:0] = [str(chapters.ROOT), str(chapters.ROOT / "tests")]

FOLDER = chapters.BOOK / "images"
SIZE = {"width": 1200, "height": 1200}
STUDENTS = {"Ada": "right", "Chandra": "mistake 1"}  # and what each hands in, out of the class in tests/classroom.py


def main() -> None:
    chapters.settle_environment()
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser = chromium(playwright)
        take_site(browser, Path(scratch))
        take_jupyterlab(browser, Path(scratch))
        take_feedback(browser, Path(scratch))
        browser.close()


def save(name: str, picture: bytes, width: int) -> None:
    """Store a picture at `width` pixels with a palette of 128 colours."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image = image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
    path = FOLDER / f"{name}.png"
    image.quantize(128, Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"written  {chapters.relative(path)}  {path.stat().st_size / 1000:.0f} kB")


def open_page(browser, address: str, *, size=SIZE):
    page = browser.new_context(viewport=size, device_scale_factor=2, color_scheme="light").new_page()
    page.goto(address)
    page.wait_for_load_state("networkidle")
    return page


def take_site(browser, scratch: Path) -> None:
    """A live figure, and the menu that leads to Colab."""
    done = build.build(scratch)
    if done.returncode:
        sys.exit(done.stderr)
    page = open_page(browser, (scratch / "_build/html/book/optimizer_intuition.html").as_uri())
    page.locator(".dropdown-launch-buttons > button").click()
    page.wait_for_timeout(500)
    save("colab", page.screenshot(clip={"x": 240, "y": 0, "width": 960, "height": 300}), 1200)
    figure = page.locator("[data-optcourse]").first
    figure.scroll_into_view_if_needed()
    page.wait_for_function("(host) => host.optcourse?.methods.rows[0].loss.textContent", arg=figure.element_handle())
    page.keyboard.press("Escape")
    page.mouse.move(0, 0)
    page.wait_for_timeout(500)
    save("read", figure.screenshot(), 1200)
    page.context.close()


def take_jupyterlab(browser, scratch: Path) -> None:
    """The path lab with its controls."""
    with Lab(scratch) as lab:
        lab.add("lab_paths.ipynb", nbformat.read(chapters.BOOK / "lab_paths.ipynb", as_version=4))
        with opened(browser, lab, "lab_paths.ipynb") as notebook:
            page = notebook.page
            notebook.run_all()
            page.wait_for_selector(".jp-OutputArea-output .widget-slider", timeout=120_000)
            page.locator(".jp-OutputArea-output .widget-slider").first.scroll_into_view_if_needed()
            page.wait_for_timeout(5000)
            save("jupyterlab", page.screenshot(), 1200)


def take_feedback(browser, scratch: Path) -> None:
    """What a student gets back from `make grade`."""
    import classroom

    known = {student.name: student for student in classroom.students()}
    class_ = [replace(known[what], name=name, file="") for name, what in STUDENTS.items()]
    folder = classroom.hand_in(scratch / "submissions", class_)
    course = scratch / "course"
    source = course / "source" / classroom.ASSIGNMENT
    source.mkdir(parents=True)
    master = chapters.ROOT / "exercises" / "source" / classroom.ASSIGNMENT / f"{classroom.ASSIGNMENT}.ipynb"
    (source / master.name).write_bytes(master.read_bytes())
    subprocess.run([sys.executable, "-m", "grading", folder, "--course", course], cwd=chapters.ROOT, check=True)
    (feedback,) = course.glob("feedback/Chandra/**/*.html")
    page = open_page(browser, feedback.as_uri(), size={"width": 860, "height": 700})
    save("teach", page.screenshot(), 1200)
    page.context.close()


if __name__ == "__main__":
    main()
