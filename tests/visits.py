"""A visit to a page of the site: what it asks for, what goes wrong, what it weighs, what moves, and what axe finds."""

import gzip
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import links
from axe_playwright_python.base import AXE_SCRIPT

# As strict as a page with scripts of its own can bear: nothing from elsewhere, and no script made from text.
POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'"
)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PATIENCE = 15_000  # ms until a live figure must be awake
COMPRESSED = {".html", ".css", ".js", ".svg", ".json", ".ipynb", ".md", ".txt", ".xml"}


@dataclass(frozen=True)
class Way:
    """One of the ways in which people come to a page."""

    name: str
    width: int = 1280
    scheme: str = "light"
    door: str = "http"  # or "file", or "frame": a sandboxed frame of a learning platform
    axe: bool = False


WAYS = {
    "desk": Way("desk", 1440, "light", axe=True),
    "phone": Way("phone", 360, "dark", axe=True),
    "folder": Way("folder", 768, "light", "file"),
    "frame": Way("frame", 1000, "dark", "frame"),
}


@dataclass
class Visit:
    """What was seen of one page.

    `away` are addresses on other hosts that it asked for, `errors` what its console said, `mathematics` and `figures`
    what is not as it should be. `weight` counts the bytes of its first view, compressed, in `requests` requests;
    `shift` is the cumulative layout shift, `first` the time until a live figure answered (ms). `faults` and
    `undecided` are what axe found: (rule, element, why).
    """

    page: str
    away: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    mathematics: list[str] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)
    sideways: int = 0
    weight: int = 0
    requests: int = 0
    shift: float = 0.0
    shifted: list[str] = field(default_factory=list)
    first: float | None = None
    faults: list[tuple[str, str, str]] = field(default_factory=list)
    undecided: list[tuple[str, str, str]] = field(default_factory=list)


def html_pages(site: Path) -> list[Path]:
    """Every page of a built site."""
    found = links.pages(site)
    assert found, f"no pages in {site}"
    return found


def names(site: Path) -> list[str]:
    """The same as addresses, without those that only forward to another page."""
    pages = (path for path in html_pages(site) if 'http-equiv="Refresh"' not in path.read_text("utf-8")[:400])
    return [path.relative_to(site).as_posix() for path in pages]


# --- the server -------------------------------------------------------------------------------------------------------


@cache
def packed(file: Path) -> bytes:
    """A file as it travels: compressed if that is worth it, as GitHub Pages does."""
    content = file.read_bytes()
    return gzip.compress(content, 6) if file.suffix in COMPRESSED else content


class Handler(SimpleHTTPRequestHandler):
    """Sends files compressed and keeps connections; it gives pages of other origins no leave to use its fonts."""

    protocol_version = "HTTP/1.1"
    policy = None

    def do_GET(self):
        file = Path(self.translate_path(self.path))
        file = file / "index.html" if file.is_dir() else file
        if not file.is_file():
            self.send_error(404)
            return
        body = packed(file)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(file)))
        self.send_header("Content-Length", str(len(body)))
        if file.suffix in COMPRESSED:
            self.send_header("Content-Encoding", "gzip")
        if self.policy and file.suffix == ".html":
            self.send_header("Content-Security-Policy", self.policy)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def address_of(site: Path, way: Way):
    """The site's address: in a folder, or on a server of this machine."""
    if way.door == "file":
        yield site.as_uri()
        return
    policy = POLICY if way.door == "http" else None
    handler = type("OfSite", (Handler,), {"policy": policy})
    with ThreadingHTTPServer(("127.0.0.1", 0), lambda *args: handler(*args, directory=str(site))) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


# --- the visit --------------------------------------------------------------------------------------------------------

# Listens from the beginning for what moves and for the first figure that answers.
OBSERVE = """
window.seen = { shift: 0, shifted: [], first: null };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue;
    seen.shift += entry.value;
    const [source] = entry.sources;
    const node = source?.node?.nodeType === 3 ? source.node.parentElement : source?.node;
    const from = source?.previousRect, to = source?.currentRect;
    if (entry.value > 0.005)
      seen.shifted.push([`${entry.value.toFixed(3)} at ${Math.round(entry.startTime)} ms:`,
        `<${node?.localName} id="${node?.id}" class="${node?.className}">`,
        `y ${from?.y | 0} to ${to?.y | 0}, height ${from?.height | 0} to ${to?.height | 0}`,
      ].join(" "));
  }
}).observe({ type: "layout-shift", buffered: true });
document.addEventListener("optcourse:mount", () => (seen.first ??= performance.now()));
"""

# The first view stands: mathematics is set, fonts are there, figures in reach are awake, and two frames are drawn.
SETTLED = """async (patience) => {
  await window.MathJax?.startup?.promise;
  await document.fonts.ready;
  const near = [...document.querySelectorAll("[data-optcourse]")].filter(
    (host) => host.getBoundingClientRect().top < innerHeight + 500);
  const end = performance.now() + patience;
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  while (near.some((host) => !host.optcourse) && performance.now() < end) await frame();
  for (let k = 0; k < 4; k++) await frame();
  return seen;
}"""

# Brings every figure into view: what does not wake up, has a part without a name, or does not say what it shows.
WAKE = """async (patience) => {
  const wrong = [];
  for (const host of document.querySelectorAll("[data-optcourse]")) {
    host.scrollIntoView({ block: "center" });
    const end = performance.now() + patience;
    const answers = () => host.optcourse?.drawn;
    while (!answers() && performance.now() < end) await new Promise((done) => requestAnimationFrame(done));
    const name = host.dataset.optcourse;
    if (!answers()) {
      wrong.push(`${name} sleeps`);
      continue;
    }
    const parts = "button, input, select, summary, [role=slider], canvas:not([aria-hidden])";
    for (const part of host.optcourse.root.querySelectorAll(parts)) {
      const named = part.getAttribute("aria-label") || part.labels?.[0]?.textContent || part.textContent;
      if (!named.trim()) wrong.push(`${name} has a nameless ${part.localName}`);
    }
    if (!host.optcourse.root.getAttribute("aria-label")) wrong.push(`${name} has no name`);
    const said = host.optcourse.model ? / after \\d+ steps: .+ (loss|overflows) / : /: .*\\d/;
    if (!said.test(host.optcourse.describe())) wrong.push(`${name} says nothing`);
  }
  return wrong;
}"""

MATHEMATICS = r"""() => {
  const wrong = [];
  for (const math of document.querySelectorAll(".math")) {
    const set = math.querySelector("mjx-container");
    if (!set?.querySelector("mjx-math")?.children.length) wrong.push(`not set: ${math.textContent.slice(0, 60)}`);
  }
  for (const error of document.querySelectorAll("mjx-merror, [data-mjx-error]"))
    wrong.push(`error: ${error.getAttribute("data-mjx-error") ?? error.textContent}`);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const passed = "script, style, noscript, pre, code, textarea, mjx-container, [hidden]";
  while (walker.nextNode()) {
    const { data, parentElement } = walker.currentNode;
    const raw = /\\[([]|\$\$|\\(frac|begin|mathbf|sqrt|beta|alpha|eta)\b|Math input error/.test(data);
    if (raw && !parentElement.closest(passed))
      wrong.push(`raw: ${data.trim().slice(0, 60)}`);
  }
  return wrong;
}"""

# Contrast is measured by axe everywhere but on code, where it needs seconds for thousands of words: there by ourselves,
# once for every kind of word, as WCAG 2.2 defines it.
AXE_RUN = """async ([rules, parts]) => {
  const CODE = ".highlight pre";
  const [whole, text] = parts ? [{ include: parts }, { include: parts }] : [document, { exclude: [[CODE]] }];
  const options = { resultTypes: ["violations", "incomplete"], preload: false };
  const runs = [
    await axe.run(whole, { ...options, runOnly: rules, rules: { "color-contrast": { enabled: false } } }),
    await axe.run(text, { ...options, runOnly: { type: "rule", values: ["color-contrast"] } }),
  ];
  const flat = (kind) => runs.flatMap((run) => run[kind]).flatMap((rule) => rule.nodes.map((node) => {
    const checks = [...node.any, ...node.all, ...node.none];
    const why = checks.map((check) => check.data?.messageKey ?? check.message).join("; ");
    const practice = rule.tags.includes("best-practice") ? "best-practice:" : "";
    return [practice + rule.id, `${node.target.flat().join(" ")} ${node.html.slice(0, 160)}`, why];
  }));
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = (color) => numbers(color).slice(0, 3).map((x) => x / 255)
    .map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4))
    .reduce((sum, x, k) => sum + x * [0.2126, 0.7152, 0.0722][k], 0);
  const ground = (node) => {
    const color = getComputedStyle(node).backgroundColor;
    return (numbers(color)[3] ?? 1) > 0 || !node.parentElement ? color : ground(node.parentElement);
  };
  const kinds = new Map();
  for (const word of document.querySelectorAll(`${CODE}, ${CODE} span`)) {
    const kind = `${word.closest(".highlight").parentElement.className} ${word.className}`;
    if (word.textContent.trim() && !kinds.has(kind)) kinds.set(kind, word);
  }
  const faint = [...kinds].flatMap(([kind, word]) => {
    const [low, high] = [getComputedStyle(word).color, ground(word)].map(luminance).sort((x, y) => x - y);
    const ratio = (high + 0.05) / (low + 0.05);
    return ratio >= 4.5 ? [] : [["color-contrast", `code ${kind} ${word.outerHTML.slice(0, 60)}`, ratio.toFixed(2)]];
  });
  return [[...flat("violations"), ...faint], flat("incomplete")];
}"""


@contextmanager
def opened(browser, address: str, way: Way, watch=lambda context: None):
    """A page and the frame in which it is shown, in a fresh context that reaches no other host."""
    context = browser.new_context(
        viewport={"width": way.width, "height": 900 if way.width > 500 else 760},
        color_scheme=way.scheme,
        proxy={"server": "http://127.0.0.1:9", "bypass": "127.0.0.1"},  # nobody answers there
    )
    try:
        context.add_init_script(OBSERVE)
        watch(context)
        page = context.new_page()
        if way.door == "frame":
            size = f'width="{way.width - 20}" height="860"'
            page.set_content(f'<iframe sandbox="allow-scripts" {size} src="{address}"></iframe>')
        else:
            page.goto(address)
        yield page, page.frames[1 if way.door == "frame" else 0]
    finally:
        context.close()


def visit(browser, site: Path, address: str, name: str, way: Way) -> Visit:
    """Open a page and look at it."""
    seen = Visit(name)
    asked: set[str] = set()

    def watch(context):
        context.on("request", lambda request: asked.add(request.url))
        context.on("console", lambda message: message.type == "error" and seen.errors.append(message.text))
        context.on("weberror", lambda error: seen.errors.append(str(error.error)))

    with opened(browser, f"{address}/{name}", way, watch) as (page, frame):
        first = frame.evaluate(SETTLED, PATIENCE)
        seen.shift, seen.shifted, seen.first = first["shift"], first["shifted"], first["first"]
        own = [site / address_in(url, address) for url in asked if url.startswith(address)]
        seen.requests, seen.weight = len(own), sum(len(packed(file)) for file in own if file.is_file())
        seen.sideways = max(0, frame.evaluate("document.documentElement.scrollWidth - innerWidth"))
        if way.axe:
            seen.faults, seen.undecided = run_axe(page)
        seen.figures = frame.evaluate(WAKE, PATIENCE)
        seen.mathematics = frame.evaluate(MATHEMATICS)
        seen.away = sorted(url for url in asked if not url.startswith((address, "data:", "blob:", "about:")))
    return seen


def visit_all(browser, site: Path, way: Way) -> list[Visit]:
    """Visit every page of a site in one way."""
    with address_of(site, way) as address:
        return [visit(browser, site, address, name, way) for name in names(site)]


def address_in(url: str, address: str) -> str:
    """Which file of the site an address means."""
    return re.split("[?#]", url.removeprefix(address))[0].strip("/") or "index.html"


def run_axe(page, parts: list[str] | None = None) -> tuple[list, list]:
    """What axe-core is sure of, and what it could not decide, in the page and its frames, or in some parts of it."""
    for frame in page.frames:
        frame.evaluate(AXE_SCRIPT)
        frame.evaluate('axe.configure({ allowedOrigins: ["<unsafe_all_origins>"] })')
    faults, undecided = page.evaluate(AXE_RUN, [RULES, parts])
    return [tuple(fault) for fault in faults], [tuple(doubt) for doubt in undecided]
