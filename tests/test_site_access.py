"""What pages weigh, how little they move, and that everybody can use them: WCAG 2.2 AA as axe-core tests it.

Every page is visited on a server with a strict policy, light on a desk and dark on a phone. Visits from a folder and in
a sandboxed frame are in `test_site.py`, the keyboard in `test_site_keyboard.py`, colours in `test_colors.py`.
"""

import json
import re

import pytest
import visits

from optcourse.explorables.figure import PANELS

LIMIT = 1_500_000  # bytes of a first view, compressed
SHIFT = 0.1  # cumulative layout shift that counts as good: web.dev/articles/cls

# What axe-core finds and we leave as it is: {(rule, a part of the element): why}.
LISTED: dict[tuple[str, str], str] = {}

# What axe-core cannot decide: {(rule, its reason): why there is nothing to find}.
UNDECIDED = {
    ("color-contrast", "imgNode"): "text of a drawing: it has the colour of the page's text on the page's ground",
    ("color-contrast", "bgOverlap"): "text of a drawing, beside the lines that it names",
    (
        "color-contrast",
        "elmPartiallyObscured",
    ): "what scrolls, where its frame cuts it off: the list of chapters, a table",
}


@pytest.fixture(scope="module")
def seen(site, browser) -> list[tuple[str, visits.Visit]]:
    """Every page, visited on a desk and on a phone."""
    ways = [way for way in visits.WAYS.values() if way.axe]
    assert {(way.scheme, way.width > 1000) for way in ways} == {("light", True), ("dark", False)}
    return [(way.name, visit) for way in ways for visit in visits.visit_all(browser, site, way)]


def wrong(seen, what: str) -> dict:
    return {f"{visit.page} on a {way}": getattr(visit, what) for way, visit in seen if getattr(visit, what)}


def test_pages_work_under_a_strict_policy(seen):
    for what in ("away", "errors", "mathematics", "figures"):
        assert not wrong(seen, what), what


def test_no_page_scrolls_sideways(seen):
    assert not wrong(seen, "sideways")


# --- weight and movement ----------------------------------------------------------------------------------------------


def table(seen) -> str:
    """The first view of each page, in numbers."""
    rows = [f"{'page':42} {'kB':>5} {'requests':>8} {'figure ms':>9} {'moves':>7}"]
    for way, visit in seen:
        first = "" if visit.first is None else round(visit.first)
        row = f"{visit.weight / 1000:5.0f} {visit.requests:8} {first:>9} {visit.shift:7.3f}  {way}"
        rows.append(f"{visit.page.removesuffix('.html'):42} {row}")
    return "\n".join(rows)


def test_every_page_is_light(seen):
    report = table(seen)
    print(report)  # `make weigh` shows it
    # plotly.js, which alone weighs more, comes when a reader asks for it: no page is excepted.
    heavy = [visit.page for _, visit in seen if not 20_000 < visit.weight < LIMIT]
    assert not heavy, f"{heavy}\n{report}"


def test_pages_do_not_move_while_they_load(seen):
    moving = {f"{visit.page} on a {way}": (visit.shift, visit.shifted) for way, visit in seen if visit.shift >= SHIFT}
    assert not moving, f"{moving}\n{table(seen)}"


def test_a_heavy_page_that_moves_is_noticed(browser, tmp_path):
    (tmp_path / "big.css").write_text("/*" + "".join(str(hash(str(k))) for k in range(120_000)) + "*/")
    late = "requestAnimationFrame(() => requestAnimationFrame(() => document.body.prepend(block)))"
    (tmp_path / "bad.html").write_text(
        '<!doctype html><link rel="stylesheet" href="big.css"><p>First</p><p>Second</p><script>'
        f'const block = document.createElement("div"); block.style.height = "500px"; {late};</script>'
    )
    [visit] = visits.visit_all(browser, tmp_path, visits.WAYS["desk"])
    assert visit.weight > 500_000 and visit.requests == 2 and visit.shift > 0.01 and visit.shifted


# --- WCAG 2.2 AA ------------------------------------------------------------------------------------------------------


def is_listed(rule: str, element: str) -> bool:
    return any(rule == known and part in element for known, part in LISTED)


def test_axe_finds_no_fault(seen):
    faults = {(visit.page, way): [fault for fault in visit.faults if not is_listed(*fault[:2])] for way, visit in seen}
    assert not {where: found for where, found in faults.items() if found}


def test_what_axe_cannot_decide_is_known_and_nothing_known_is_stale(seen):
    undecided = [(rule, why, visit.page, element) for _, visit in seen for rule, element, why in visit.undecided]
    unknown = [doubt for doubt in undecided if not any(doubt[0] == rule and why in doubt[1] for rule, why in UNDECIDED)]
    assert not unknown
    stale = {
        known for known in UNDECIDED if not any(doubt[0] == known[0] and known[1] in doubt[1] for doubt in undecided)
    }
    assert not stale, "take them out of UNDECIDED"
    faults = [fault for _, visit in seen for fault in visit.faults]
    gone = {key for key in LISTED if not any(rule == key[0] and key[1] in element for rule, element, _ in faults)}
    assert not gone, "take them out of LISTED"


def test_faults_are_noticed_also_in_shadow_roots_and_frames(browser, tmp_path):
    inside = "<!doctype html><html lang='en'><title>In</title><input></html>"
    (tmp_path / "bad.html").write_text(f"""<!doctype html><html><title>Bad</title><main><h1>Bad</h1>
        <p style="color: #999">faint</p><div id="host"></div>
        <div class="highlight"><pre>x <span class="k" style="color: #aaa">in</span></pre></div>
        <iframe title="frame" sandbox="allow-scripts" srcdoc="{inside}"></iframe></main>
        <script>host.attachShadow({{ mode: "open" }}).innerHTML = "<button></button>";</script></html>""")
    [visit] = visits.visit_all(browser, tmp_path, visits.WAYS["desk"])
    found = {rule: element for rule, element, _ in visit.faults}
    assert "code" in found["color-contrast"] and sum(rule == "color-contrast" for rule, *_ in visit.faults) == 2
    assert {"html-has-lang", "color-contrast", "button-name", "label"} <= set(found)
    assert "#host" in found["button-name"] and "iframe" in found["label"]


OPEN = """async () => {
  const wanted = new Set(), opened = [];
  for (const host of document.querySelectorAll("[data-optcourse]")) {
    const fresh = (host.optcourse.panels ?? []).filter(({ panel }) => !wanted.has(panel.name));
    if (!fresh.length) continue;
    for (const { panel, element } of fresh) {
      wanted.add(panel.name);
      element.open = true;
    }
    host.querySelector(".live").shadowRoot.querySelector(".tune:last-of-type")?.click();
    opened.push(host.dataset.optcourse);
  }
  await new Promise((done) => setTimeout(done, 500));
  return [opened, [...wanted]];
}"""


def panels_of(html: str) -> set[str]:
    return {name for panels in re.findall(r'"panels":(\[[^]]*\])', html) for name in json.loads(panels)}


def pages_with_all_panels(site) -> list[str]:
    """Few pages, and short ones, on which every panel is to be seen."""
    pages = {name: (site / name).read_text(encoding="utf-8") for name in visits.names(site)}
    chosen, missing = [], set(PANELS)
    while missing:
        name = max(pages, key=lambda name: (len(panels_of(pages[name]) & missing), -len(pages[name])))
        assert panels_of(pages[name]) & missing, f"no page shows {missing}"
        missing -= panels_of(pages[name])
        chosen.append(name)
    return chosen


@pytest.mark.parametrize("name", ["desk", "phone"])
def test_axe_finds_no_fault_in_opened_figures(site, browser, name):
    way, seen = visits.WAYS[name], set()
    for name in pages_with_all_panels(site):
        with visits.address_of(site, way) as address, visits.opened(browser, f"{address}/{name}", way) as (page, _):
            page.evaluate(visits.SETTLED, visits.PATIENCE)
            assert page.evaluate(visits.WAKE, visits.PATIENCE) == []
            opened, panels = page.evaluate(OPEN)
            seen.update(panels)
            faults, undecided = visits.run_axe(page, [f'[data-optcourse="{figure}"]' for figure in opened])
            assert not faults
            assert not [doubt for doubt in undecided if doubt[2] not in {why for _, why in UNDECIDED}]
    assert seen == set(PANELS)


def test_a_live_figure_without_words_is_noticed(browser, tmp_path):
    parts = "<button></button><button>Play</button><input aria-label='Step'><canvas></canvas>"
    parts += "<canvas aria-hidden='true'></canvas>"
    (tmp_path / "bad.html").write_text(f"""<!doctype html><html lang="en"><title>Bad</title>
        <main data-optcourse="mute"></main><script>
        const host = document.querySelector("main"), root = document.createElement("section");
        root.innerHTML = "{parts}";
        host.optcourse = {{ drawn: true, root, describe: () => "" }};
        </script></html>""")
    [visit] = visits.visit_all(browser, tmp_path, visits.WAYS["desk"])
    nameless = [f"mute has a nameless {part}" for part in ("button", "canvas")]
    assert visit.figures == [*nameless, "mute has no name", "mute says nothing"]
