"""The links of the built site (`make links`): those inside lead somewhere; those to other hosts are listed and asked.

Only this command asks other hosts. Building and testing the site never do.
"""

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

import chapters

WHOLE = re.compile(r"https?://[a-z0-9.-]+\.[a-z]{2,}(?:/[^\s<>\"]*)?(?:[?#][^\s<>\"]*)?", re.IGNORECASE)
REFUSES = {401, 403, 405, 406, 418, 429, 503}  # many publishers refuse programs: that says nothing about the address


class Page(HTMLParser):
    """The addresses that a page points to, and its places that can be pointed to."""

    def __init__(self, text: str):
        super().__init__()
        self.addresses: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        said = {name: value or "" for name, value in attrs}
        self.places |= {said[name] for name in ("id", "name") if said.get(name)}
        if "data-optcourse" in said:  # a live figure, whose address goes on with its settings
            self.places.add(f"{said['data-optcourse']}=")
        if tag == "meta" and said.get("http-equiv", "").lower() == "refresh":
            self.addresses.append(said["content"].partition("url=")[2])
        self.addresses += [said[name] for name in ("href", "src") if name in said]


@cache
def read(file: Path) -> Page:
    return Page(file.read_text(encoding="utf-8"))


def pages(site: Path) -> list[Path]:
    return sorted(path for path in site.rglob("*.html") if "_static" not in path.relative_to(site).parts)


def broken(site: Path) -> list[str]:
    """What is wrong with addresses inside the site: one line for each."""
    problems = []
    for page in pages(site):
        for address in dict.fromkeys(read(page).addresses):
            if why := problem(page, address):
                problems.append(f"{page.relative_to(site).as_posix()}: {address} {why}")
    return problems


def problem(page: Path, address: str) -> str | None:
    """Why an address on a page leads nowhere; None if it leads somewhere, or to another host."""
    parts = urlsplit(address)
    if parts.scheme in ("mailto", "data", "blob", "javascript"):
        return None
    if parts.scheme in ("http", "https") and parts.hostname not in ("localhost", "127.0.0.1"):
        return None
    if parts.scheme or address.startswith("/"):
        return "is absolute: it works on one machine only"
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_file():
        return "leads nowhere: there is no such file"
    place = unquote(parts.fragment).split(":~:")[0]
    place = re.sub(r"=\{.*", "=", place)
    if place and target.suffix == ".html" and place not in read(target).places:
        return "leads nowhere: there is no such place on the page"
    return None


def outside(site: Path) -> dict[str, list[str]]:
    """Addresses on other hosts, and the pages that link to them."""
    found: dict[str, list[str]] = {}
    for page in pages(site):
        for address in sorted(set(read(page).addresses)):
            if urlsplit(address).scheme in ("http", "https") and problem(page, address) is None:
                found.setdefault(address, []).append(page.relative_to(site).as_posix())
    return dict(sorted(found.items()))


def answer(address: str) -> str:
    """What another host says: "" if the page is there, or why not."""
    request = Request(address, headers={"User-Agent": "Mozilla/5.0 (link check of a course)"})
    try:
        with urlopen(request, timeout=20):
            return ""
    except HTTPError as error:
        return f"refuses programs ({error.code})" if error.code in REFUSES else f"says {error.code}"
    except OSError as error:
        return f"cannot be reached ({error})"


def main() -> int:
    site = chapters.ROOT / "_build" / "html"
    wrong = broken(site)
    print(*wrong, sep="\n")
    addresses = outside(site)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(answer, addresses))
    for (address, where), said in zip(addresses.items(), answers, strict=True):
        note = f"  {said}, linked from {where[0]}" if said else ""
        print(f"{'??' if said else 'ok'}  {address}{note}")
    gone = [said for said in answers if re.fullmatch(r"says 4\d\d", said)]
    print(f"{len(wrong)} broken inside, {len(addresses)} outside, of which {len(gone)} are gone.")
    return int(bool(wrong or gone))


if __name__ == "__main__":
    sys.exit(main())
