"""The runtime of live figures as one script: the files of `page/`, in order, in a scope of their own."""

import base64
import hashlib
import json
import re
import zlib
from functools import cache
from pathlib import Path

from optcourse.explorables.helpers import helper_names
from optcourse.plotting.style import DASHES, PALETTE, THEMES

# Gzipped, in bytes: what a page with a live figure must load before the figure wakes up. Eight panels are in it, and
# live charts: they and the panel with the schedule, which draw on the same axes, raised it from 42,500.
LARGEST = 48_000
PAGE = Path(__file__).with_name("page")
FILES = (
    "numbers.js",
    "text.js",
    "theme.js",
    "marks.js",
    "graph.js",
    "model.js",
    "ground.js",
    "plane.js",
    "curves.js",
    "controls.js",
    "schedule.js",
    "inspector.js",
    "theory.js",
    "maps.js",
    "sensitivity.js",
    "phase.js",
    "basins.js",
    "precision.js",
    "share.js",
    "live.js",
    "figure.js",
    "chart.js",
    "bridge.js",
    "mount.js",
)


@cache
def runtime() -> str:
    """The whole runtime. It does nothing but serve the figures that wait in `window[queue()]`."""
    parts = [(PAGE / name).read_text(encoding="utf-8") for name in FILES]
    style = re.sub(r"/\*.*?\*/|\s+", " ", (PAGE / "figure.css").read_text(encoding="utf-8"))
    body = "\n".join(_without_comments(part) for part in parts)
    numbers = ", ".join(helper_names())
    data = {"STYLE": style, "QUEUE": queue(), "THEMES": page_themes(), "DASHES": DASHES}
    head = "\n".join(f"const {name} = {_data(value)};" for name, value in data.items())
    return f'(() => {{\n"use strict";\n{head}\nconst NUMBERS = {{ {numbers} }};\n{body}\n}})();\n'


def page_themes() -> dict:
    """The themes as the page uses them: numbers where it mixes colours, and what becomes of the light palette."""
    return {
        name: theme
        | {end: [int(theme[end][k : k + 2], 16) for k in (1, 3, 5)] for end in ("low", "high")}
        | {"palette": {light: theme["palette"][key] for key, light in PALETTE.items()} if name == "dark" else {}}
        for name, theme in THEMES.items()
    }


@cache
def queue() -> str:
    """Where figures wait for this version of the runtime: figures of two versions can live on one page."""
    content = b"".join((PAGE / name).read_bytes() for name in (*FILES, "figure.css"))
    content += _data([page_themes(), DASHES]).encode()
    return f"optcourse_{hashlib.sha256(content).hexdigest()[:10]}"


@cache
def packed() -> str:
    """The runtime compressed, in base64, for an output that must carry everything."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    return base64.b64encode(squeeze.compress(runtime().encode()) + squeeze.flush()).decode("ascii")


LOADER = """\
(() => {{
  // Unpacks the runtime of the live figures on this page, once.
  if (window.{queue}Loads) return;
  window.{queue}Loads = true;
  const bytes = Uint8Array.from(atob("{packed}"), (c) => c.charCodeAt(0));
  const text = new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).text();
  text.then((code) => {{
    const script = document.createElement("script");
    script.textContent = code;
    document.head.append(script);
  }});
}})();"""


def loader() -> str:
    """The script that unpacks the runtime."""
    return LOADER.format(queue=queue(), packed=packed())


def _without_comments(text: str) -> str:
    """Lines without indentation and comments, which are for readers of the repository.

    Behind code, a comment is what follows ` // ` after `;`, `,`, a brace, a bracket, or a parenthesis.
    """
    lines = (re.sub(r"(?<=[;,{)\]]) // .*", "", line.strip()) for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def _data(value) -> str:
    return json.dumps(value, separators=(",", ":"))
