"""The built site: warnings fail the build, nothing is loaded from another host, and every page works in a browser."""

import re
import threading
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import build
import chapters
import launch
import pytest
import serve


def html_pages(site: Path) -> list[Path]:
    found = sorted(path for path in site.rglob("*.html") if "_static" not in path.relative_to(site).parts)
    assert found
    return found


def test_every_page_of_the_table_of_contents_is_built_and_nothing_else(site):
    built = {path.relative_to(site).with_suffix("").as_posix() for path in html_pages(site)}
    assert built == set(chapters.pages()) | {"index", "genindex", "search"}


def test_chapters_open_in_colab(site):
    for chapter in chapters.chapters():
        page = (site / f"book/{chapter.name}.html").read_text(encoding="utf-8")
        address = launch.repository().colab(chapters.relative(chapter.notebook))
        assert set(re.findall(r'href="(https://colab[^"]*)"', page)) == {address}
        assert f"{address.split('/blob/')[1]}" == f"{launch.repository().branch}/book/{chapter.name}.ipynb"


def test_buttons_lead_to_our_repository(site):
    ours = launch.repository()
    for name in chapters.pages():
        page = (site / f"{name}.html").read_text(encoding="utf-8")
        buttons = re.findall(r'<a href="([^"]*)"[^>]*\bbtn\b', page)
        assert {ours.url, f"{ours.url}/issues/new"} <= {address.split("?")[0] for address in buttons}
        assert all(address.startswith((ours.url, "https://colab.", "../_sources/")) for address in buttons), buttons
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
    # MathJax names CDNs that it turns to only where its own folder is missing, which the browser test sees.
    for script in site.rglob("*.js"):
        if "mathjax" not in script.parts:
            text = script.read_text(encoding="utf-8")
            away = re.findall(r"[\"'`](?:https?:)?//[\w./@-]+\.(?:m?js|css|woff2?|ttf|json|wasm)\b", text)
            assert not away, f"{script.relative_to(site)} loads {away}"


@contextmanager
def address_of(site: Path, how: str):
    """The site's address: from the disk, or from a server on this machine."""
    if how == "file":
        yield site.as_uri()
        return
    with serve.server(site, port=0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def visit(browser, address: str, name: str) -> tuple[list[str], list[str]]:
    """Open a page on a narrow screen with the network cut off: what it asked of others, and what went wrong."""
    context = browser.new_context(viewport={"width": 360, "height": 800})
    away, errors = [], []

    def answer(route):
        if route.request.url.startswith((address, "data:", "blob:")):
            route.continue_()
        else:
            away.append(route.request.url)
            route.abort()

    context.route("**/*", answer)
    page = context.new_page()
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{address}/{name}")
    if name == "index.html":  # only forwards to the first page
        page.wait_for_url("**/book/index.html")
    if page.locator(".math").count():
        page.wait_for_selector("mjx-container", state="attached")
    page.wait_for_load_state("networkidle")
    awake = "(host) => host.optcourse?.methods.rows[0].loss.textContent"
    for figure in page.locator("[data-optcourse]").all() if address.startswith("file") else ():
        figure.scroll_into_view_if_needed()
        page.wait_for_function(awake, arg=figure.element_handle())
    if page.evaluate("document.documentElement.scrollWidth") > 360:
        errors.append("scrolls sideways on a narrow screen")
    context.close()
    return away, errors


@pytest.mark.parametrize("how", ["file", "http"])
def test_every_page_works_in_a_browser_without_network(site, browser, how):
    with address_of(site, how) as address:
        for path in html_pages(site):
            name = path.relative_to(site).as_posix()
            assert visit(browser, address, name) == ([], []), f"{name} asked others for this, and had these errors"


def test_a_page_that_asks_others_is_noticed(browser, tmp_path):
    elsewhere = "https://elsewhere.example/x.js"
    bad = f'<script src="{elsewhere}"></script><div style="width: 999px">wide</div>'
    (tmp_path / "bad.html").write_text(bad)
    away, errors = visit(browser, tmp_path.as_uri(), "bad.html")
    assert away == [elsewhere]
    assert any("sideways" in error for error in errors) and len(errors) > 1
    loads = Loads()
    loads.feed(bad)
    assert ELSEWHERE.search(loads.addresses[0])


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
