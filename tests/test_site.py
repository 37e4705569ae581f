"""The built site: warnings fail the build, nothing is loaded from another host, and every page works in a browser."""

import re
from html.parser import HTMLParser

import build
import chapters
import launch
import pytest
import visits
from visits import html_pages


def test_every_page_of_the_table_of_contents_is_built_and_nothing_else(site):
    built = {path.relative_to(site).with_suffix("").as_posix() for path in html_pages(site)}
    assert built == set(chapters.pages()) | {"index", "genindex", "search"}


def test_chapters_open_in_colab(site):
    for chapter in chapters.chapters():
        page = (site / f"book/{chapter.name}.html").read_text(encoding="utf-8")
        address = launch.repository().colab(chapters.relative(chapter.notebook))
        assert set(re.findall(r'href="(https://colab[^"]*)"', page)) == {address}


def test_buttons_lead_to_our_repository(site):
    ours = launch.repository()
    for name in chapters.pages():
        page = (site / f"{name}.html").read_text(encoding="utf-8")
        buttons = re.findall(r'<a href="([^"]*)"[^>]*\bbtn\b', page)
        assert {ours.url, f"{ours.url}/issues/new"} <= {address.split("?")[0] for address in buttons}
        inside = (ours.url, "https://colab.research.google.com/github/", "_sources/")
        assert all(address.replace("../", "").startswith(inside) for address in buttons), buttons
        assert f'<link rel="canonical" href="{ours.site}/{name}.html"' in page


def test_licences_are_named_on_every_page(site):
    for page in chapters.pages():
        text = (site / f"{page}.html").read_text(encoding="utf-8")
        assert "https://creativecommons.org/licenses/by/4.0/" in text
        assert "https://www.apache.org/licenses/LICENSE-2.0" in text


class Loads(HTMLParser):
    """Collects every address that a page loads by itself; links that a reader follows are not among them."""

    def __init__(self):
        super().__init__()
        self.addresses, self.scripts, self.inside = [], [], None

    def handle_starttag(self, tag, attrs):
        self.inside = tag
        if dict(attrs).get("rel") == "canonical":  # says where the page is published; nothing is loaded from there
            return
        for name, value in attrs:
            loads = name in ("src", "srcset", "poster", "data", "action", "xlink:href")
            if loads or (name == "href" and tag != "a") or (name == "style" and "url(" in (value or "")):
                self.addresses.append(value or "")

    def handle_data(self, data):
        if self.inside in ("script", "style"):
            self.scripts.append(data)

    def handle_endtag(self, tag):
        self.inside = None


ELSEWHERE = re.compile(r"(?:https?:)?//(?!www\.w3\.org/)[a-z0-9-]+\.[a-z]", re.IGNORECASE)


def test_pages_load_nothing_from_another_host(site):
    for page in html_pages(site):
        loads = Loads()
        loads.feed(page.read_text(encoding="utf-8"))
        away = [text for text in loads.addresses if ELSEWHERE.search(text)]
        away += [hit.group() for text in loads.scripts for hit in re.finditer(r"https?://(?!www\.w3\.org/)\S+", text)]
        assert not away, f"{page.relative_to(site)} loads from another host: {away}"


def test_styles_load_nothing_from_another_host(site):
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        for address in re.findall(r"url\(([^)]*)\)|@import\s+(\S+)", text):
            assert not ELSEWHERE.match("".join(address).strip("\"'")), f"{sheet.relative_to(site)} loads {address}"


def test_scripts_load_nothing_from_another_host(site):
    # MathJax names CDNs that it turns to only where its own folder is missing, and plotly.js servers of maps, which
    # only maps ask: the browser tests see that neither is asked here.
    for script in site.rglob("*.js"):
        if "mathjax" not in script.parts and not script.name.startswith("plotly-"):
            text = script.read_text(encoding="utf-8")
            away = re.findall(r"[\"'`](?:https?:)?//[\w./@-]+\.(?:m?js|css|woff2?|ttf|json|wasm)\b", text)
            assert not away, f"{script.relative_to(site)} loads {away}"


# --- in a browser that reaches no other host


@pytest.fixture(scope="module", params=["folder", "frame"])
def seen(request, site, browser) -> list[visits.Visit]:
    """A visit to every page: opened from a folder, and in a sandboxed frame as learning platforms show pages.

    `test_site_access.py` visits them on a server with a strict policy.
    """
    return visits.visit_all(browser, site, visits.WAYS[request.param])


def test_no_page_asks_another_host(seen):
    assert not {visit.page: visit.away for visit in seen if visit.away}


def test_no_page_has_an_error(seen):
    assert not {visit.page: visit.errors for visit in seen if visit.errors}


def test_mathematics_is_set(seen):
    assert not {visit.page: visit.mathematics for visit in seen if visit.mathematics}


def test_every_live_figure_is_awake_and_says_what_it_shows(seen):
    assert not {visit.page: visit.figures for visit in seen if visit.figures}


@pytest.mark.parametrize("name", ["folder", "frame"])
def test_pages_that_only_forward_reach_their_aim(site, browser, name):
    forwarding = {path.relative_to(site).as_posix() for path in html_pages(site)} - set(visits.names(site))
    assert forwarding == {"index.html"}
    way = visits.WAYS[name]
    with visits.address_of(site, way) as address, visits.opened(browser, f"{address}/index.html", way) as (_, frame):
        frame.wait_for_selector("#main-content", state="attached")


BAD = """<!doctype html><html lang="en"><title>Bad</title>
<script src="https://elsewhere.example/x.js"></script>
<div class="math">\\[ x^2 \\]</div><p>Here \\(y\\) is raw.</p>
<div data-optcourse="dead"></div>
<script>localStorage.length; undefined.x;</script>
<div style="width: 3000px">wide</div>"""


@pytest.mark.parametrize("name", visits.WAYS)
def test_a_bad_page_is_noticed(browser, tmp_path, name, monkeypatch):
    monkeypatch.setattr(visits, "PATIENCE", 300)
    (tmp_path / "bad.html").write_text(BAD)
    [visit] = visits.visit_all(browser, tmp_path, visits.WAYS[name])
    assert visit.away == ["https://elsewhere.example/x.js"]
    assert any("ERR_PROXY_CONNECTION_FAILED" in error or "Content Security Policy" in error for error in visit.errors)
    assert any("localStorage" in error if name == "frame" else "undefined" in error for error in visit.errors)
    assert len(visit.mathematics) == 3 and visit.figures == ["dead sleeps"] and visit.sideways > 1000
    loads = Loads()
    loads.feed(BAD)
    assert ELSEWHERE.search(loads.addresses[0])


def test_scripts_made_from_text_are_refused(browser, tmp_path):
    (tmp_path / "eval.html").write_text("<!doctype html><title>Eval</title><script>new Function('1')</script>")
    for name in ("desk", "phone"):
        [visit] = visits.visit_all(browser, tmp_path, visits.WAYS[name])
        assert "unsafe-eval" in " ".join(visit.errors)


def test_a_warning_fails_the_build(tmp_path, monkeypatch):
    book = tmp_path / "book"
    book.mkdir()
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: book/page\n")
    (tmp_path / "_config.yml").write_text("only_build_toc_files: true\n")
    (book / "page.md").write_text("# Page\n\n[](nowhere.md)\n")
    monkeypatch.setattr(build, "ROOT", tmp_path)
    done = build.build(tmp_path)
    assert done.returncode != 0
    assert "nowhere.md" in done.stderr
