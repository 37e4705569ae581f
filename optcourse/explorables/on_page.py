"""What every live figure is to a page: one piece of HTML with a still picture, the compiled functions, the runtime."""

import hashlib
import html
import json

from optcourse.explorables import bundle

ASLEEP = "A still of a live figure. Where scripts run it comes to life; in a notebook, run its cell."


class OnPage:
    """The base of `Explorable` and `LiveCurves`, which have `spec`, `_program` and `_caption` and draw their still."""

    def _call_it(self, name: str | None, otherwise: str) -> None:
        """Give the figure its name, by default made from its contents, and the digest by which its HTML finds it."""
        content = f"{json.dumps(self.spec)} {name} {self._program.source}"
        self._digest = hashlib.sha256(content.encode()).hexdigest()[:12]
        self.name = self.spec["id"] = name or f"{otherwise}-{self._digest[:6]}"

    @property
    def source(self) -> str:
        """The JavaScript that was compiled for this figure."""
        return self._program.source

    def to_html(self, *, runtime: bool = True, paths: bool = True) -> str:
        """The figure as a piece of HTML that carries all it needs.

        Args:
            runtime: with the runtime; without it, the page must load `bundle.runtime()` itself, once.
            paths: with the paths or curves in the still picture; without them it shows what is around them, and is
                made faster.
        """
        names = f'data-optcourse="{html.escape(self.name)}" data-figure="{self._digest}"'
        parts = [
            f'<div class="optcourse-explorable" {names}>',
            f'<div class="still">{self._still(paths)}<p>{ASLEEP}</p></div>',
            '<div class="live"></div>',
            f'<p class="caption">{html.escape(self._caption)}</p>' if self._caption else "",
            "</div>",
            f"<script>\n{self._registration()}\n</script>",
        ]
        if runtime:
            parts.append(f'<script class="optcourse-runtime">\n{bundle.loader()}\n</script>')
        return "\n".join(parts)

    def to_page(self) -> str:
        """A whole page with nothing but this figure, to be saved as a file or put into a frame."""
        return (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{html.escape(self.spec['title'])}</title>\n"
            "<style>:root { color-scheme: light dark; } body { margin: 8px; }</style>\n</head>\n<body>\n"
            f"{self.to_html()}\n</body>\n</html>\n"
        )

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {"text/html": self.to_html(), "text/plain": repr(self)}

    def _registration(self) -> str:
        program = self._program
        helpers = ", ".join(program.helpers)
        return (
            f"(window.{bundle.queue()} ??= []).push({{\n"
            f"id: {as_script(self.name)},\ndigest: {as_script(self._digest)},\nspec: {as_script(self.spec)},\n"
            f"{self._moved()}"
            f'functions(numbers) {{\n"use strict";\nconst {{ {helpers} }} = numbers;\n{program.source}\n'
            f"return {{ {', '.join(program.functions)} }};\n}}\n}});"
        )

    def _moved(self) -> str:
        """Where the figure begins, if it is not where its spec has it."""
        return ""


def as_script(value) -> str:
    """Data as JavaScript inside HTML. `Infinity` and `NaN` are JavaScript though not JSON, and may be there."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
