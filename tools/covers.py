"""Take the small pictures of the front page and of link previews from the built site: `python tools/covers.py`.

`make book` comes before it, and Chromium is needed. Each cover is a part of a live figure of the page that it stands
for, where there is one; the picture for link previews and the icon for home screens are drawn around the mark.
"""

import io
import tempfile
from pathlib import Path

import chapters
from browsers import chromium
from matplotlib.figure import Figure
from PIL import Image
from playwright.sync_api import sync_playwright

from optcourse import schedules

SITE = chapters.ROOT / "_build" / "html"
COVERS = chapters.BOOK / "images" / "covers"
STATIC = chapters.BOOK / "_static"

PAGES = {
    "optimizer_intuition": "five-optimizers",
    "convergence": "two-settings",
    "adaptive_methods": "one-rate-each",
    "hyperparameter_sensitivity": "windows",
    "schedulers": "draw-a-schedule",
    "pathological_cases": "cliff",
    "mixed_precision": "number-line",
    "surface_gallery": "surface-three-hump-camel",
    "optimizer_gallery": "optimizer-adam",
}
WIDE, HIGH = 560, 315  # pixels of a cover

PREVIEW = """
<html data-theme="light"><style>{fonts}</style><style>
body {{ margin: 0; width: 1200px; height: 630px; display: flex; background: #fff; font-family: var(--course-sans) }}
div {{ width: 520px; padding: 76px 40px 0 72px; box-sizing: border-box; color: #20272d }}
img.mark {{ width: 104px }} h1 {{ font-size: 66px; line-height: 1.04; letter-spacing: -.02em; margin: 36px 0 26px }}
p {{ font: 31px/1.4 var(--course-serif); margin: 0 }} img.race {{ width: 680px; height: 630px; object-fit: cover }}
</style><body><div><img class="mark" src="{static}/logo.svg"><h1>Optimizers, seen</h1>
<p>The optimizers that you train with, on losses small enough to see.</p></div><img class="race" src="{race}"></body>
"""
ICON = '<body style="margin: 0; background: #fff"><img src="{static}/logo.svg" style="width: 140px; padding: 20px">'


def save(picture: bytes, path, box: tuple | None = None, size: tuple | None = None) -> None:
    """Write a PNG with a palette, cut to `box` and scaled to `size` if they are given."""
    image = Image.open(io.BytesIO(picture)).convert("RGB").crop(box)
    image = image.resize(size, Image.Resampling.LANCZOS) if size else image
    path.parent.mkdir(parents=True, exist_ok=True)
    image.quantize(128, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(path, "PNG", optimize=True)
    print(f"written  {chapters.relative(path)}, {path.stat().st_size / 1000:.0f} kB")


def plane(page, name: str, figure: str) -> bytes:
    """The map of a live figure, or its chart, as it is when the page has been opened."""
    page.goto((SITE / "book" / f"{name}.html").as_uri())
    figure = page.locator(f'[data-optcourse="{figure}"]')
    figure.scroll_into_view_if_needed()
    found = figure.locator("canvas").first
    found.wait_for()
    awake = "(host) => host.optcourse?.drawn"
    page.wait_for_function(awake, arg=figure.element_handle())
    page.add_style_tag(content=".bd-header-article { display: none !important }")
    return found.screenshot()


def four_schedules() -> bytes:
    """Four schedules without their axes, for the gallery whose pictures are drawn by matplotlib."""
    kinds = (schedules.step, schedules.warmup_cosine, schedules.one_cycle, schedules.warmup_stable_decay)
    figure = Figure(figsize=(WIDE / 100, HIGH / 100), dpi=100)
    ax = schedules.plot([kind(1.0, 200) for kind in kinds], figure.add_axes((0.02, 0.04, 0.96, 0.92)))
    ax.get_legend().remove()
    ax.set_axis_off()
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def main() -> None:
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser, scratch = chromium(playwright), Path(folder)
        sharp = browser.new_context(viewport={"width": 1440, "height": 900}, device_scale_factor=2).new_page()
        for name, figure in PAGES.items():
            shot = plane(sharp, name, figure)
            width, height = Image.open(io.BytesIO(shot)).size
            cut = min(height, width * HIGH // WIDE)
            top = (height - cut) // 2
            save(shot, COVERS / f"{name}.png", (0, top, cut * WIDE // HIGH, top + cut), (WIDE, HIGH))
        save(four_schedules(), COVERS / "schedule_gallery.png")

        # The faces from where they lie, and no picture before they are there.
        fonts = (STATIC / "course.css").read_text(encoding="utf-8").replace("optional", "block")
        fonts = fonts.replace('url("fonts/', f'url("{STATIC.as_uri()}/fonts/')
        race = scratch / "race.png"
        race.write_bytes(plane(sharp, "index", "race"))
        flat = browser.new_page(viewport={"width": 1200, "height": 630})
        for text, name, clip in ((PREVIEW, "share", (1200, 630)), (ICON, "icon", (180, 180))):
            drawn = scratch / "drawn.html"
            drawn.write_text(text.format(static=STATIC.as_uri(), race=race.as_uri(), fonts=fonts), encoding="utf-8")
            flat.goto(drawn.as_uri())
            flat.wait_for_timeout(500)
            save(flat.screenshot(clip={"x": 0, "y": 0, "width": clip[0], "height": clip[1]}), STATIC / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
