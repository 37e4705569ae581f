"""Sphinx extension: what `verify` printed gets the class `verified`, by which the style sheet knows a claim."""

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform


class MarkClaims(SphinxPostTransform):
    default_priority = 850  # after the outputs of a notebook have been put in
    formats = ("html",)

    def run(self, **_) -> None:
        for block in self.document.findall(nodes.literal_block):
            if "output" in block["classes"] and block.astext().startswith("✓ "):
                block["classes"].append("verified")


def setup(app) -> dict:
    app.add_post_transform(MarkClaims)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
