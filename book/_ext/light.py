"""Sphinx extension: pages that weigh little, and fonts that need no second host.

The theme ships Font Awesome whole, as 540 kB of script, 290 kB of fonts and a rule for each of 2,000 icons. A page
shows twenty of them. They are drawn into the page as SVG, out of the theme's own font, and the rest is left out; the
few that style sheets use stay in a font of a few kB, inside the style sheet.

Fonts are files, which a page in a sandboxed frame may not use: it has no origin, so the browser asks the server for
leave, and most servers do not answer. Such pages, and those opened from a folder, get the same fonts inside a style
sheet and, for MathJax, inside a script.
"""

import base64
import io
import json
import logging
import re
from functools import cache, partial
from pathlib import Path

from fontTools.misc.transform import Identity
from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.pens.transformPen import TransformPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells every table that it leaves out

STYLES = {"fas": "solid-900", "fa-solid": "solid-900", "far": "regular-400", "fa-regular": "regular-400"}
STYLES |= {"fab": "brands-400", "fa-brands": "brands-400"}
NO_ICONS = {"fa-lg", "fa-sm", "fa-xs", "fa-2x", "fa-fw", *STYLES}
ICON = re.compile(r'<(i|span)((?:\s[^<>]*)?\sclass="([^"]*\bfa[srb]?\b[^"]*)"[^<>]*)>\s*</\1>')
RULE = re.compile(r'(?:\.fa-[\w-]+:{1,2}before,?)+\{content:"\\([0-9a-f]+)"\}')
FACE = re.compile(r"url\(\.\./vendor/fontawesome/webfonts/fa-(\w+-\d+)\.woff2\)[^;}]*")
SCRIPT = re.compile(r"<script[^>]*scripts/fontawesome\.js[^>]*></script>")
OWN_SHEET = re.compile(r'<link rel="stylesheet"[^>]*href="([^"]*)course\.css[^>]*>')
OWN_FACE = re.compile(r"@font-face\s*\{[^}]*url\([^}]*\}")
OWN_FONT = re.compile(r'url\("?(fonts/[^")]+)"?\)')
MATHJAX = re.compile(r"<script>window\.MathJax = (\{.*?\})</script>")


class Icons:
    """The icons of the theme: names from its style sheet, shapes from its fonts."""

    def __init__(self, static: Path):
        self.sheet = (static / "styles" / "pydata-sphinx-theme.css").read_text(encoding="utf-8")
        self.fonts = static / "vendor" / "fontawesome" / "webfonts"
        self.codes = {
            name: int(rule[1], 16)
            for rule in RULE.finditer(self.sheet)
            for name in re.findall(r"\.(fa-[\w-]+):", rule[0])
        }

    @cache  # noqa: B019  # there is one for a build
    def font(self, style: str) -> TTFont:
        return TTFont(self.fonts / f"fa-{style}.ttf")

    @cache  # noqa: B019
    def shape(self, style: str, name: str) -> tuple[int, str]:
        """Width of an icon on a grid of 512 to the em, and its outline as an SVG path.

        Raises:
            KeyError: if the theme has no such icon.
        """
        font = self.font(style)
        glyph = font.getBestCmap()[self.codes[name]]
        outlines = font.getGlyphSet()
        pen = SVGPathPen(outlines, ntos=lambda x: str(round(x)))
        upright = Identity.translate(0, font["hhea"].ascent).scale(1, -1)
        outlines[glyph].draw(TransformPen(pen, upright))
        return outlines[glyph].width, pen.getCommands()

    def svg(self, match: re.Match) -> str:
        """What stands in a page for `<i class="fa-solid fa-bars">`: a picture, which screen readers pass over."""
        attributes, classes = match[2], match[3].split()
        style = next((STYLES[name] for name in classes if name in STYLES), None)
        names = [name for name in classes if name.startswith("fa-") and name not in NO_ICONS]
        if style is None or not names:
            return match[0]
        width, path = self.shape(style, names[0])
        marked = re.sub(r'\sclass="[^"]*"', f' class="svg-inline--fa {" ".join(classes)}"', attributes)
        return (
            f'<svg{marked} aria-hidden="true" focusable="false" viewBox="0 0 {width} 512" '
            f'xmlns="http://www.w3.org/2000/svg"><path fill="currentColor" d="{path}"/></svg>'
        )

    def small_sheet(self, also: str = "") -> str:
        """The theme's style sheet without a rule for each icon; with the fonts of those that it, or `also`, uses."""
        small = RULE.sub("", self.sheet)
        used = {int(code, 16) for code in re.findall(r'"\\(f[0-9a-f]{3})"', small + also)}
        return FACE.sub(lambda face: f'url({self.part(face[1], used)}) format("woff")', small)

    def part(self, style: str, codes: set[int]) -> str:
        """A font with these characters only, as a data address."""
        font = TTFont(self.fonts / f"fa-{style}.ttf")
        subsetter = Subsetter(Options(notdef_outline=True, layout_features=[]))
        subsetter.populate(unicodes=codes & set(font.getBestCmap()))
        subsetter.subset(font)
        font.flavor = "woff"
        file = io.BytesIO()
        font.save(file)
        return data_address(file.getvalue())


def data_address(font: bytes) -> str:
    kind = "woff2" if font.startswith(b"wOF2") else "woff"
    return f"data:font/{kind};base64," + base64.b64encode(font).decode("ascii")


def split_fonts(static: Path) -> list[str]:
    """Move the fonts of our own style sheet into one of their own, and write that once more with the fonts inside.

    Returns the addresses of the fonts.
    """
    sheet = static / "course.css"
    text = sheet.read_text(encoding="utf-8")
    faces = "\n".join(OWN_FACE.findall(text))
    sheet.write_text(OWN_FACE.sub("", text), encoding="utf-8")
    (static / "fonts.css").write_text(faces, encoding="utf-8")
    inside = OWN_FONT.sub(lambda font: f'url("{data_address((static / font[1]).read_bytes())}")', faces)
    (static / "inline-fonts.css").write_text(inside.replace("optional", "swap"), encoding="utf-8")
    return OWN_FONT.findall(faces)


CHOOSE_FONTS = """\
<link rel="stylesheet" href="{folder}fonts.css" /><script>
if (origin === "null") document.currentScript.previousElementSibling.href = "{folder}inline-fonts.css";
else for (const href of {addresses}) {{
  const early = {{ rel: "preload", as: "font", crossOrigin: "", href: "{folder}" + href }};
  document.head.append(Object.assign(document.createElement("link"), early));
}}
</script>
    """


def with_fonts(match: re.Match, addresses: list[str]) -> str:
    """The link to our style sheet, and before it the fonts: asked for so early that text need not move for them."""
    return CHOOSE_FONTS.format(folder=match[1], addresses=json.dumps(addresses)) + match[0]


INLINE_FONTS = """\
// MathJax's own fonts, for pages without an origin: written when the site is built.
(() => {
const fonts = %s;
for (const face of Object.values(MathJax._.output.chtml.fonts.tex_ts.TeXFont.defaultFonts)) {
  const [, name] = /([\\w-]+)\\.woff/.exec(face.src);
  face.src = `url("${fonts[name]}") format("woff")`;
}
})();
"""


def inline_fonts(mathjax: Path) -> str:
    """A script that gives MathJax its fonts without a request."""
    files = sorted((mathjax / "output/chtml/fonts/woff-v2").glob("*.woff"))
    return INLINE_FONTS % json.dumps({file.stem: data_address(file.read_bytes()) for file in files})


def with_inline_fonts(match: re.Match) -> str:
    """MathJax's settings, and what is added to them where the page has no origin."""
    added = 'if (origin === "null") MathJax.loader = { load: ["[mathjax]/inline-fonts.js"], versionWarnings: false };'
    return f"<script>window.MathJax = {match[1]};\n{added}</script>"


def lighten(app: Sphinx, problem: Exception | None) -> None:
    """Rewrite the pages and the theme's style sheet once everything is written."""
    if problem:
        return
    static = Path(app.outdir) / "_static"
    icons = Icons(static)
    also = (static / "styles/sphinx-book-theme.css").read_text(encoding="utf-8")
    (static / "styles/pydata-sphinx-theme.css").write_text(icons.small_sheet(also), encoding="utf-8")
    fonts = split_fonts(static)
    for page in Path(app.outdir).rglob("*.html"):
        if static not in page.parents:
            text = page.read_text(encoding="utf-8")
            text = ICON.sub(icons.svg, SCRIPT.sub("", text))
            text = OWN_SHEET.sub(partial(with_fonts, addresses=fonts), MATHJAX.sub(with_inline_fonts, text))
            page.write_text(text, encoding="utf-8")
    (static / "mathjax" / "inline-fonts.js").write_text(inline_fonts(static / "mathjax"), encoding="utf-8")


def setup(app: Sphinx) -> dict:
    app.connect("build-finished", lighten, priority=900)  # after MathJax has been copied
    return {"parallel_read_safe": True, "parallel_write_safe": True}
