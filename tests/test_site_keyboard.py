"""The site without a mouse: one walk through a page with the Tab key, and everything that can be opened or moved."""

from contextlib import contextmanager

import pytest
import visits
from playwright.sync_api import TimeoutError

FIGURE = "document.querySelector('[data-optcourse]').optcourse"

# Where the keyboard is, through shadow roots: what it is, whether that can be seen, and whether it is on the screen.
FOCUS = """async () => {
  let part = document.activeElement;
  const host = part;
  while (part?.shadowRoot?.activeElement) part = part.shadowRoot.activeElement;
  if (!part || part === document.body) return null;
  const clear = /, 0\\)|transparent/;
  const outlined = (style) =>
    style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 && !clear.test(style.outlineColor);
  const drawn = (style) => outlined(style) || style.boxShadow !== "none";
  const marked = [part, ...part.children].some((node) =>
    [null, "::before", "::after"].some((pseudo) => drawn(getComputedStyle(node, pseudo))));
  const isUncovered = () => [part, ...part.children].some((node) => {
    const box = node.getBoundingClientRect();
    return [0.5, 0.15, 0.85].some((share) => {
      const top = document.elementFromPoint(box.x + share * box.width, box.y + box.height / 2);
      return top && (host.contains(top) || top.contains(host));
    });
  });
  let uncovered = isUncovered();  // the skip link slides in
  for (const end = performance.now() + 600; !uncovered && performance.now() < end; uncovered = isUncovered())
    await new Promise((done) => requestAnimationFrame(done));
  window.walked ??= [];
  const later = walked.length === 0 || walked.at(-1) === host
    || Boolean(walked.at(-1).compareDocumentPosition(host) & Node.DOCUMENT_POSITION_FOLLOWING);
  walked.push(host);
  const name = (part.getAttribute("aria-label") || part.textContent || "").trim().slice(0, 40);
  return { what: `${part.localName}.${part.className?.baseVal ?? part.className} ${name}`, marked, uncovered, later };
}"""


@contextmanager
def keyboard(browser, site, page_name: str, way: str = "desk"):
    way = visits.WAYS[way]
    with visits.address_of(site, way) as address, visits.opened(browser, f"{address}/{page_name}", way) as (page, _):
        page.evaluate(visits.SETTLED, visits.PATIENCE)
        yield page


def walk(page, most: int = 1500) -> list[dict]:
    """Press Tab until the focus leaves the page."""
    stops = []
    for _ in range(most):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUS)
        if stop is None:
            return stops
        stops.append(stop)
    raise AssertionError(f"a trap: after {most} times Tab the focus is at {stops[-1]['what']}")


def wrong_stops(stops: list[dict]) -> list[str]:
    return [
        f"{stop['what']}: {why}"
        for stop in stops
        for why, fine in (("not marked", stop["marked"]), ("covered", stop["uncovered"]), ("too early", stop["later"]))
        if not fine
    ]


def chapter_with_figures(site) -> str:
    """The page with most code, formulas and figures together: a chapter."""
    return max(visits.names(site), key=lambda page: (site / page).read_text(encoding="utf-8").count('class="cell '))


@pytest.mark.parametrize("which", ["index", "chapter"])
def test_tab_walks_through_a_page(site, browser, which):
    name = "book/index.html" if which == "index" else chapter_with_figures(site)
    with keyboard(browser, site, name) as page:
        assert page.evaluate(visits.WAKE, visits.PATIENCE) == []
        page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
        stops = walk(page)
        assert not wrong_stops(stops)
        assert "Skip to main content" in stops[0]["what"]
        words = " ".join(stop["what"] for stop in stops)
        for part in ("Search", "Starting point", "Play", "Tune", "Take it with you"):
            assert part in words
        assert (
            page.evaluate('document.querySelectorAll(\'[tabindex]:not([tabindex="0"], [tabindex^="-"])\').length') == 0
        )
        page.keyboard.press("Shift+Tab")
        assert page.evaluate(FOCUS)["what"] == stops[-1]["what"], "the way back"


def test_a_trap_and_a_hidden_focus_are_noticed(browser, tmp_path):
    (tmp_path / "bad.html").write_text("""<!doctype html><title>Bad</title><style>b { outline: none }</style>
        <b tabindex="0">No mark</b><button style="position: absolute; top: 99px">Under</button>
        <div style="position: fixed; inset: 90px 0 0; background: red"></div><p tabindex="0">Second</p>
        <i tabindex="1">First</i><input onkeydown="if (event.key === 'Tab') event.preventDefault()">""")
    with keyboard(browser, tmp_path, "bad.html") as page:
        with pytest.raises(AssertionError, match="a trap: after 9"):
            walk(page, 9)
        page.evaluate("document.querySelector('input').remove(); document.activeElement.blur(); window.walked = []")
        found = wrong_stops(walk(page, 9))
        assert [why for why in found if why.startswith("b.") and "not marked" in why]
        assert [why for why in found if "Under: covered" in why]
        assert [why for why in found if "too early" in why]


def test_the_skip_link_leads_to_the_text(site, browser):
    with keyboard(browser, site, "book/index.html") as page:
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.querySelector('#main-content').contains(document.activeElement)")


def test_a_live_figure_is_played_with_by_keys(site, browser):
    with keyboard(browser, site, "book/index.html") as page:
        page.locator(".handle").first.focus()
        before = page.evaluate(f"Array.from({FIGURE}.model.start)")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowUp")
        after = page.evaluate(f"Array.from({FIGURE}.model.start)")
        assert after[0] > before[0] and after[1] > before[1]

        page.keyboard.press("Tab")  # Play
        page.keyboard.press("Space")
        page.wait_for_function(f"() => {FIGURE}.time.playing != null && {FIGURE}.step > 0")
        page.keyboard.press("Space")
        assert page.evaluate(f"{FIGURE}.time.playing == null")
        page.keyboard.press("Tab")  # the step
        step = page.evaluate(f"{FIGURE}.step")
        page.keyboard.press("ArrowRight")
        assert page.evaluate(f"{FIGURE}.step") == step + 1

        page.locator(".tune").last.focus()
        page.keyboard.press("Enter")
        page.locator(".slider input").first.focus()
        rate = page.evaluate(f"{FIGURE}.focus.values.slice()")
        page.keyboard.press("ArrowLeft")
        assert page.evaluate(f"{FIGURE}.focus.values.slice()") != rate

        summary = page.locator(".panel summary").first
        summary.focus()
        for is_open in (True, False):
            page.keyboard.press("Enter")
            assert page.evaluate(f"{FIGURE}.panels[0].element.open") is is_open


def press_button(page, selector: str) -> None:
    page.locator(selector).locator("visible=true").first.focus()
    page.keyboard.press("Enter")


def focused(page, selector: str) -> bool:
    """Whether the keyboard comes to an element."""
    try:
        page.wait_for_function("(selector) => document.activeElement.matches(selector)", arg=selector, timeout=30_000)
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize("way", ["desk", "phone"])
def test_the_search_opens_and_closes_by_keyboard(site, browser, way):
    with keyboard(browser, site, "book/index.html", way) as page:
        press_button(page, ".search-button__button")
        assert focused(page, "#pst-search-dialog input")
        page.keyboard.press("Escape")
        page.wait_for_selector("#pst-search-dialog:not([open])", state="attached")
        assert focused(page, ".search-button__button"), "the focus goes back to the button"
        page.keyboard.press("Control+k")
        page.keyboard.type("momentum")
        page.keyboard.press("Enter")
        page.wait_for_url("**/search.html?q=momentum")
        page.wait_for_selector("#search-results li a")


@pytest.mark.parametrize("which", ["primary", "secondary"])
def test_side_bars_of_a_phone_open_and_close_by_keyboard(site, browser, which):
    with keyboard(browser, site, chapter_with_figures(site), "phone") as page:
        press_button(page, f".{which}-toggle")
        dialog = f"#pst-{which}-sidebar-modal"
        page.wait_for_selector(f"{dialog}[open]")
        page.keyboard.press("Tab")
        assert page.evaluate("(dialog) => document.querySelector(dialog).contains(document.activeElement)", dialog)
        page.keyboard.press("Escape")
        page.wait_for_selector(f"{dialog}:not([open])", state="attached")
        assert focused(page, f".{which}-toggle"), "the focus goes back to the button"
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUS)["marked"]
