"""Markdown as HTML that runs nothing and loads nothing, with its mathematics as MathML.

Whoever reads feedback opens a file that a student wrote parts of. So HTML is taken from a list of harmless tags, links
lead to web pages only, and pictures are left out. Browsers show MathML without help from the network.
"""

import html
import re
import secrets
from xml.etree.ElementTree import Element

import bleach
from latex2mathml.converter import convert_to_element
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

# The tags and attributes that may stay.
TAGS = """
    a b blockquote br code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i kbd li ol p pre s span strong sub summary
    sup table tbody td th thead tr u ul
"""
MATH_TAGS = """
    math menclose mfrac mi mn mo mover mpadded mphantom mroot mrow mspace msqrt mstyle msub msubsup msup mtable mtd
    mtext mtr munder munderover
"""
MATH_ATTRIBUTES = """
    accent accentunder columnalign columnspacing depth display displaystyle fence form height largeop linethickness
    lspace mathvariant maxsize minsize movablelimits notation rowspacing rspace scriptlevel separator stretchy symmetric
    width
"""
PARTS = dict.fromkeys(["mfrac", "mroot", "msub", "msup", "munder", "mover"], 2) | {"msubsup": 3, "munderover": 3}
LONGEST_FORMULA = 2000  # characters
LONGEST_TEXT = 10_000  # the time that some longer ones take grows with the square of their length


def to_html(markdown: str) -> str:
    """Markdown as harmless HTML; a very long text as it is.

    >>> to_html("*so* <script>alert(1)</script>")
    '<p><em>so</em> &lt;script&gt;alert(1)&lt;/script&gt;</p>'
    """
    if len(markdown) > LONGEST_TEXT:
        return f"<pre>{html.escape(markdown)}</pre>"
    renderer = Renderer()
    page = MarkdownWithMath(renderer=renderer).render(markdown)
    page = bleach.clean(page, tags=TAGS.split(), attributes=is_harmless, protocols=["http", "https", "mailto"])
    # Formulas take their places last: a cleaner of HTML is easily misled by MathML.
    return re.sub(rf"{renderer.token}(\d+);", lambda match: renderer.formulas[int(match[1])], page).strip()


def is_harmless(tag: str, name: str, value: str) -> bool:
    if tag == "a" and name == "href":
        return bool(re.match(r"(https?://|mailto:)", value, re.IGNORECASE))
    return (tag, name) in {("details", "open"), ("ol", "start"), ("td", "align"), ("th", "align")}


class Renderer(IPythonRenderer):
    """nbconvert's, with marks in the places of formulas."""

    def __init__(self):
        super().__init__(escape=False, allow_harmful_protocols=False, exclude_anchor_links=True)
        self.token, self.formulas = f"formula{secrets.token_hex(8)}-", []

    def keep(self, tex: str, display: str) -> str:
        self.formulas.append(mathml(tex, display=display))
        return f"{self.token}{len(self.formulas) - 1};"

    def inline_math(self, body: str) -> str:
        return self.keep(body, "inline")

    def block_math(self, body: str) -> str:
        return self.keep(body, "block")

    def latex_environment(self, name: str, body: str) -> str:
        inner = body if name.startswith("equation") else rf"\begin{{{name}}}{body}\end{{{name}}}"
        return self.keep(inner, "block")

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return f"<em>[{html.escape(text) or 'picture'}]</em>"

    def block_code(self, code: str, info: str | None = None) -> str:
        return f"<pre><code>{html.escape(code)}</code></pre>"


def mathml(tex: str, *, display: str = "inline") -> str:
    r"""A formula as MathML, or its TeX as code where it cannot be read.

    >>> mathml(r"\eta < 1")
    '<math display="inline"><mrow><mi>η</mi><mo>&lt;</mo><mn>1</mn></mrow></math>'
    >>> mathml(r"\left( x")
    '<code class="tex">\\left( x</code>'
    """
    known = re.sub(r"\\label\{[^}]*\}", "", tex)
    known = re.sub(r"(\\(?:begin|end))\{(?:aligned|align|eqnarray|gather|gathered)\*?\}", r"\1{align*}", known)
    try:
        if len(tex) > LONGEST_FORMULA:
            raise ValueError("too long")
        return written(convert_to_element(known.strip(), display=display))
    except Exception:  # of the many ways in which a student's TeX can be wrong, none may stop the feedback
        return f'<code class="tex">{html.escape(tex.strip())}</code>'


def written(element: Element) -> str:
    """An element as text. latex2mathml's own writer lets HTML through that is in a formula's text."""
    text = element.text or ""
    if element.tag not in MATH_TAGS.split() or text.startswith("\\") or (element.tag == "mi" and text == "&"):
        raise ValueError(f"cannot be written: {element.tag} {text!r}")
    if len(element) != PARTS.get(element.tag, len(element)):
        raise ValueError(f"{element.tag} has {len(element)} parts")
    attributes = [
        f' {name}="{html.escape(value)}"' for name, value in element.attrib.items() if name in MATH_ATTRIBUTES.split()
    ]
    inside = html.escape(html.unescape(text), quote=False) + "".join(map(written, element))
    tail = html.escape(html.unescape(element.tail or ""), quote=False)
    return f"<{element.tag}{''.join(attributes)}>{inside}</{element.tag}>{tail}"
