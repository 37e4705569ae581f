"""The helper functions of `page/numbers.js`, for compiled code that stands alone."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PAGE = Path(__file__).with_name("page")


def helper_sources(names: Iterable[str]) -> str:
    """The helpers of these names, and what they use in turn."""
    known = _parts()
    wanted, pending = set(), list(names)
    while pending:
        name = pending.pop()
        if name not in wanted:
            wanted.add(name)
            pending.extend(other for other in known if re.search(rf"\b{other}\b", known[name]) and other != name)
    return "\n".join(text for name, text in known.items() if name in wanted)


def helper_names() -> list[str]:
    """The functions that compiled code can call."""
    return [name for name, text in _parts().items() if text.startswith("function")]


@cache
def _parts() -> dict[str, str]:
    """Every function and constant of numbers.js by name, in order."""
    text = (PAGE / "numbers.js").read_text(encoding="utf-8")
    pattern = re.compile(r"^(?:function (\w+)\(.*?^\}|const (\w+) = .*?;)", re.MULTILINE | re.DOTALL)
    return {match.group(1) or match.group(2): match.group(0) for match in pattern.finditer(text)}
