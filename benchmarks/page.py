"""Measure a live figure in a real page: frames while a reader drags, maps, and how much a page has to load.

Times are those of one tab on this machine, without a graphics card; a busy machine shows in them.
"""

import gzip
import shutil
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from benchmarks.bench import Row
from optcourse import optimizers, surfaces
from optcourse.explorables import Explorable, bundle

FOUR = {
    "SGD": optimizers.sgd(0.001),
    "Momentum": optimizers.momentum(0.0005),
    "RMSprop": optimizers.rmsprop(0.01),
    "Adam": optimizers.adam(0.1),
}

# Moves the start 200 times by pointer events, one for each frame. A frame lasts from its first callback until a message
# posted in its last one arrives, which is after style, layout and painting.
DRAG = """async ([left, top]) => {
  const { handle } = document.querySelector("[data-optcourse]").optcourse.plane;
  const channel = new MessageChannel();
  const times = [];
  for (let k = 0; k < 200; k++) {
    times.push(await new Promise((then) => {
      let began;
      requestAnimationFrame(() => (began = performance.now()));
      const place = { clientX: left + 100 + 80 * Math.cos(k / 9), clientY: top + 100 + 80 * Math.sin(k / 9) };
      handle.dispatchEvent(new PointerEvent("pointermove", place));
      channel.port1.onmessage = () => then(performance.now() - began);
      requestAnimationFrame(() => channel.port2.postMessage(null));
    }));
  }
  return times;
}"""

# Has the map computed anew, while a second queue of messages sees how long the page is kept from anything else.
MAP = """async (repeats) => {
  const figure = document.querySelector("[data-optcourse]").optcourse;
  const panel = figure.panels.find((d) => d.panel.name === "sensitivity").content;
  const frame = () => new Promise((then) => requestAnimationFrame(then));
  while (!panel.raster.done) await frame();
  const found = [];
  for (let k = 0; k < repeats; k++) {
    const beat = new MessageChannel();
    const began = performance.now();
    let [last, longest] = [began, 0];
    beat.port1.onmessage = () => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
      if (!panel.raster.done) beat.port2.postMessage(null);
    };
    panel.raster.key = null;
    panel.draw();
    beat.port2.postMessage(null);
    while (!panel.raster.done) await new Promise((then) => setTimeout(then));
    found.push([performance.now() - began, longest]);
    await frame();
  }
  return found;
}"""


def frames():
    """Four optimizers x 500 steps, computed and drawn anew for every move of the pointer."""
    with page_of(Explorable(surfaces.rosenbrock(), FOUR, steps=500)) as page:
        box = page.locator(".plane").first.bounding_box()
        page.mouse.move(box["x"] + 50, box["y"] + 50)
        page.mouse.down()
        times = sorted(page.evaluate(DRAG, [box["x"], box["y"]])[20:])
        page.mouse.up()
    median, late = times[len(times) // 2], times[int(0.95 * len(times))]
    yield Row(
        "a frame while dragging, ms", "4 optimizers x 500 steps per move", median, False, 16, f"95 %: {late:.1f} ms"
    )


def sensitivity_map():
    """60 x 40 cells x 200 steps of Adam."""
    figure = Explorable(surfaces.rosenbrock(), {"Adam": optimizers.adam(0.1)}, steps=200, open=["sensitivity"])
    with page_of(figure) as page:
        page.locator(".field").first.scroll_into_view_if_needed()
        totals, blocks = (sorted(column) for column in zip(*page.evaluate(MAP, 15), strict=True))
    total, block = totals[len(totals) // 2], blocks[len(blocks) // 2]
    yield Row("sensitivity map, ms", "60 x 40 cells x 200 steps", total, False, 300, f"best {totals[0]:.0f} ms")
    yield Row(
        "the same, longest block, ms", "a frame", block, False, 16, f"best {blocks[0]:.1f} ms, worst {blocks[-1]:.1f}"
    )


def sizes():
    """What a page loads once, and for each figure."""
    runtime, figure = bundle.runtime(), Explorable(surfaces.rosenbrock(), FOUR, steps=500).to_html(runtime=False)
    for what, text, limit in (
        ("runtime, once per page, kB gzipped", runtime, 40),
        ("a figure, kB gzipped", figure, 40),
    ):
        raw, packed = len(text.encode()), len(gzip.compress(text.encode()))
        yield Row(what, "kB", packed / 1000, False, limit, f"{raw / 1000:.1f} kB before")


@contextmanager
def page_of(figure: Explorable):
    """The figure in a headless Chromium, from a file."""
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "figure.html"
        file.write_text(figure.to_page(), encoding="utf-8")
        own = playwright.chromium.executable_path
        path = own if Path(own).exists() else shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--disable-gpu", "--no-sandbox"])
        page = browser.new_page(viewport={"width": 1000, "height": 900})
        page.goto(file.as_uri())
        page.wait_for_function("() => document.querySelector('[data-optcourse]')?.optcourse")
        yield page
        browser.close()


ROWS = (frames, sensitivity_map, sizes)
