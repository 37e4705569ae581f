"""Sphinx extension: mends what the theme writes for readers who use a keyboard, a screen reader, or a sandboxed frame.

Each function takes a whole page and returns it mended; the tests of the site fail without it.
"""

import re
from functools import cache
from html import escape, unescape
from pathlib import Path

from PIL import Image
from sphinx.application import Sphinx

# A sandboxed frame without an origin has no storage, and reading it is an error, at which the theme's scripts stop.
STORAGE = """
<script>
for (const name of ["localStorage", "sessionStorage"]) {
  try {
    window[name].getItem("");
  } catch {
    const kept = new Map();
    const value = {
      getItem: (key) => kept.get(String(key)) ?? null,
      setItem: (key, item) => void kept.set(String(key), String(item)),
      removeItem: (key) => void kept.delete(String(key)),
      clear: () => kept.clear(),
    };
    Object.defineProperty(window, name, { value });
  }
}
</script>"""


def with_storage(page: str) -> str:
    """With a storage that lasts as long as the page, where there is no other."""
    return re.sub(r"<meta charset[^>]*>", lambda meta: meta[0] + STORAGE, page, count=1)


# On a phone the theme's dialogs, which are the search and the side bars, close and leave the keyboard nowhere.
FOCUS = """
<script>
(() => {
  let opener = null;
  const remember = () => {
    if (!document.activeElement.closest("dialog")) opener = document.activeElement;
  };
  for (const kind of ["click", "keydown"]) document.addEventListener(kind, remember, true);
  const giveBack = () => document.activeElement === document.body && opener?.focus();
  document.addEventListener("close", () => setTimeout(giveBack), true);
})();
</script>
"""


def with_focus_given_back(page: str) -> str:
    """What opened a dialog has the keyboard again when the dialog closes."""
    return page.replace("</body>", f"{FOCUS}</body>") if "<dialog" in page else page


UNFOLDS = re.compile(
    r'(<a class="[^"]*reference internal"[^>]*>([^<]*)</a><details[^>]*><summary)>(?=<span class="toctree-toggle")'
)


def with_named_summaries(page: str) -> str:
    """What unfolds a part of the table of contents says which."""
    return UNFOLDS.sub(lambda m: f'{m[1]} aria-label="Pages of {escape(unescape(m[2]).strip())}">', page)


def with_listed_references(page: str) -> str:
    """The bibliography is a list of list items: its roles were withdrawn from the standard."""
    return page.replace('class="citation" id=', 'role="listitem" class="citation" id=').replace(
        ' role="doc-biblioentry"', ""
    )


def with_no_empty_headers(page: str) -> str:
    """The corner of a table is no heading."""
    return re.sub(r'<th class="head(?: [^"]*)?">(?:<p>\s*</p>)?</th>', "<td></td>", page)


def with_side_bar_as_region(page: str) -> str:
    """The left side bar is a part of the page that has a name."""
    return page.replace(
        '<div id="pst-primary-sidebar" ', '<div id="pst-primary-sidebar" role="region" aria-label="Book" '
    )


IMAGE = re.compile(r"<img\s[^>]*>")
SOURCE = re.compile(r'\ssrc="([^"]*)"')


def with_measured_images(page: str, folder: Path) -> str:
    """Pictures of the text take their place before they are there, and those further down wait until they are near."""
    head, opened, text = page.partition("<article")
    seen = 0

    def measure(match: re.Match) -> str:
        nonlocal seen
        tag, source = match[0], SOURCE.search(match[0])
        seen += 1
        if source is None or source[1].startswith("data:"):
            return tag
        file = (folder / source[1].split("?")[0]).resolve()
        added = ""
        if not re.search(r'\s(?:width|height|style)="', tag) and file.suffix in {".png", ".jpg", ".gif", ".webp"}:
            added += ' width="{}" height="{}"'.format(*size(file))
        if seen > 1 and " loading=" not in tag:
            added += ' loading="lazy" decoding="async"'
        return re.sub(r"\s*/?>$", f"{added}>", tag)

    return head + opened + IMAGE.sub(measure, text)


@cache
def size(file: Path) -> tuple[int, int]:
    with Image.open(file) as picture:
        return picture.size


MENDS = (
    with_storage,
    with_focus_given_back,
    with_named_summaries,
    with_listed_references,
    with_no_empty_headers,
    with_side_bar_as_region,
)


def mend(app: Sphinx, problem: Exception | None) -> None:
    """Mend every page once it is written."""
    if problem:
        return
    static = Path(app.outdir) / "_static"
    for file in Path(app.outdir).rglob("*.html"):
        if static in file.parents:
            continue
        page = file.read_text(encoding="utf-8")
        for mended in MENDS:
            page = mended(page)
        file.write_text(with_measured_images(page, file.parent), encoding="utf-8")


def setup(app: Sphinx) -> dict:
    app.connect("build-finished", mend, priority=800)  # pictures have been copied
    return {"parallel_read_safe": True, "parallel_write_safe": True}
