"""What a chapter is: its notebook, its text twin, and the fingerprints that tell when one of them is out of date.

The text twin (`book/text/NAME.md`) is what people edit. The notebook (`book/NAME.ipynb`) is made from it by
`make execute`: the same cells, executed, with their outputs. In its metadata the notebook keeps three fingerprints:
of its cells, of everything its outputs depend on, and of the outputs themselves.
"""

import ast
import hashlib
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import jupytext
import launch
import nbformat
import readable_markdown
import yaml

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"

# The packages whose version can change a number or a figure.
PINS_THAT_MATTER = {"jax", "optax", "torch", "numpy", "xarray", "matplotlib", "plotly", "scikit-learn", "optuna"}

# Parts of the package that no other part imports: whoever does not name them does not depend on them.
ENDS = ("exercises", "labs")

TWIN_HEADER = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

"""

NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}


@dataclass(frozen=True)
class Chapter:
    """One page of the book that is executed; `name` is its path below `book/`, without a suffix."""

    name: str
    if_edited = "To keep those edits: make twins. To drop them: delete the notebook."

    @property
    def notebook(self) -> Path:
        return BOOK / f"{self.name}.ipynb"

    @property
    def twin(self) -> Path:
        return BOOK / "text" / f"{self.name}.md"

    @property
    def marks(self) -> dict:
        """What the notebook says about itself, beside its fingerprints."""
        return {}

    def read_notebook(self):
        return nbformat.read(self.notebook, as_version=4)

    def read_twin(self):
        """The notebook that the twin describes, after its setup cell: without outputs, with stable ids."""
        text = self.twin.read_text(encoding="utf-8")
        if not text.startswith(TWIN_HEADER):
            raise ValueError(f"{relative(self.twin)} must begin with exactly these lines:\n{TWIN_HEADER}")
        notebook = jupytext.reads(text, fmt="md:myst")
        notebook.metadata = nbformat.from_dict(NOTEBOOK_METADATA)
        notebook.cells = launch.insert_setup(notebook.cells)
        readable_markdown.to_readable(notebook.cells, self.name)
        name_cells(notebook)
        return notebook

    def write_twin(self, notebook) -> bool:
        """Write the text of `notebook`; say whether anything changed."""
        return write_if_changed(self.twin, twin_text(notebook))


def pages() -> list[str]:
    """Every page of the table of contents, in order, as paths from the root without a suffix."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))

    def walk(entry):
        if isinstance(entry, dict):
            yield from (entry[key] for key in ("root", "file") if key in entry)
            for value in entry.values():
                yield from walk(value)
        elif isinstance(entry, list):
            for item in entry:
                yield from walk(item)

    return list(walk(contents))


def chapters() -> list[Chapter]:
    """The pages that are executed: those with a text twin or a notebook. For exercises: `assignments.py`."""
    names = [page.removeprefix("book/") for page in pages()]
    found = [Chapter(name) for name in names if not name.startswith("exercises/")]
    return [chapter for chapter in found if chapter.twin.exists() or chapter.notebook.exists()]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def twin_text(notebook) -> str:
    """The text twin of a notebook: the cells that people write, in MyST Markdown below the common header."""
    # By way of JSON, which sorts the options of a cell: the text must not depend on where the notebook comes from.
    written = launch.remove_setup(notebook.cells)
    stored = nbformat.writes(nbformat.v4.new_notebook(cells=written), version=4)
    text = jupytext.writes(nbformat.reads(stored, as_version=4), fmt="md:myst")
    body = re.sub(r"\A---\n.*?\n---\n", "", text, count=1, flags=re.DOTALL)
    return TWIN_HEADER + readable_markdown.to_myst(body).lstrip("\n")


def name_cells(notebook) -> None:
    """Give every cell an id made from its text, so that the same text gives the same bytes."""
    seen = {}
    for cell in notebook.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        seen[digest] = seen.get(digest, 0) + 1
        cell["id"] = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


def fingerprint(value) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def cells_fingerprint(notebook) -> str:
    """What people write: it differs when a notebook was edited and its twin was not, or the other way round."""
    return fingerprint(twin_text(notebook))


def code_fingerprint(notebook) -> str:
    """What outputs depend on: the code of the cells, the package, and the versions of the libraries."""
    code = [(cell.source, sorted(tags(cell))) for cell in written_code(notebook)]
    unused = [part for part in ENDS if not any(part in source for source, _ in code)]
    return fingerprint([code, package_sources(without=unused), pins()])


def outputs_fingerprint(notebook) -> str:
    return fingerprint([(cell.execution_count, cell.outputs) for cell in written_code(notebook)])


def written_code(notebook) -> list:
    """The cells with code that people write: the setup cell prints nothing, and changes no output."""
    return [cell for cell in launch.remove_setup(notebook.cells) if cell.cell_type == "code"]


def tags(cell) -> list[str]:
    return cell.metadata.get("tags", [])


def package_sources(without=ENDS) -> dict:
    """The package, file by file: Python without comments, docstrings and layout; other files as they are."""
    sources = {}
    for path in sorted((ROOT / "optcourse").rglob("*")):
        if path.relative_to(ROOT).parts[1] in without:
            continue
        if path.suffix == ".py":
            sources[relative(path)] = fingerprint(syntax(ast.parse(path.read_text(encoding="utf-8"))))
        elif path.is_file() and path.suffix != ".pyc" and not path.name.startswith("."):
            sources[relative(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return sources


def syntax(node):
    """A syntax tree as plain data, the same in every version of Python (`ast.dump` is not)."""
    if isinstance(node, ast.AST):
        fields = {name: syntax(value) for name, value in ast.iter_fields(node)}
        return [type(node).__name__, {name: value for name, value in fields.items() if value not in (None, [])}]
    if isinstance(node, list):
        return [syntax(item) for item in node if not is_docstring(item)]
    return None if node is None else repr(node)


def is_docstring(node) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def pins() -> list[str]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return sorted(line for line in lines if line.split("==")[0] in PINS_THAT_MATTER)


def write_if_changed(path: Path, text: str) -> bool:
    """Write all of `text` or nothing; leave the file alone when it already says the same."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_text(text, encoding="utf-8", newline="\n")
    os.replace(unfinished, path)
    return True


def settle_environment() -> None:
    """Give kernels the same surroundings on every machine: nobody's own matplotlib, IPython or Jupyter settings."""
    home = Path(sys.prefix) / "kernel-home"
    os.environ.update(
        MPLCONFIGDIR=str(home / "matplotlib"),
        IPYTHONDIR=str(home / "ipython"),
        JUPYTER_PREFER_ENV_PATH="1",
        JAX_PLATFORMS="cpu",
        PYTHONHASHSEED="0",
        TQDM_DISABLE="1",
    )
    # Builds the font cache now; otherwise the first kernel does and says so in a chapter's output.
    import matplotlib.font_manager  # noqa: F401
