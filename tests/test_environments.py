"""What runs the notebooks beside other packages (`make test-colab`, `make test-oldest`) notices what it is there for.

The environments themselves are made and run by those verbs. Here everything is small and runs in this environment.
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import chapters
import launch
import nbformat
import pinned
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from pinned import Broken

import environments

PYPROJECT = (chapters.ROOT / "pyproject.toml").read_text(encoding="utf-8")
OLDEST = pinned.read(pinned.file_of("oldest").read_text(encoding="utf-8"))


def test_ci_runs_both():
    script = (chapters.ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert {f"make test-{name}" for name in environments.NAMES} < {*script}


@pytest.mark.parametrize("name", environments.NAMES)
def test_everything_is_pinned(name):
    lines = pinned.file_of(name).read_text(encoding="utf-8").splitlines()
    assert all(line.startswith("#") or line.count("==") == 1 for line in lines)
    pins = pinned.read("\n".join(lines))
    assert "optcourse" not in pins, "the setup cell installs it"
    assert pinned.EXCEPTIONS.keys() <= pins.keys()
    assert len(pins) == sum(not line.startswith("#") for line in lines), "a package is there twice"


def test_one_torch_serves_all_environments():
    book = pinned.read((chapters.ROOT / "requirements.txt").read_text(encoding="utf-8"))
    for name in environments.NAMES:
        assert pinned.read(pinned.file_of(name).read_text(encoding="utf-8"))["torch"] == book["torch"]


def test_the_oldest_are_those_that_are_promised():
    promise = pinned.promised(PYPROJECT)
    assert {"jax", "torch", "plotly", "array-api-compat"} <= promise.keys()
    pinned.check_promise(PYPROJECT, OLDEST)
    with pytest.raises(Broken, match=r"promises numpy from .* has 1\.0"):
        pinned.check_promise(PYPROJECT, OLDEST | {"numpy": "1.0"})
    with pytest.raises(Broken, match=r"promises tqdm from .* has none"):
        pinned.check_promise(PYPROJECT, {name: version for name, version in OLDEST.items() if name != "tqdm"})
    with pytest.raises(Broken, match=r"no oldest version of jax: write jax>="):
        pinned.promised(PYPROJECT.replace('"jax>=', '"jax<='))


def test_pins_are_renewed_from_a_list_of_pip(tmp_path, monkeypatch):
    monkeypatch.setattr(pinned, "FOLDER", tmp_path)
    pinned.file_of("colab").write_text("# jax==1\nJupyter-Client==7.4\njax==1\ntorch==2\nold==1\n")
    assert pinned.renew("colab", "jax==3\njupyter_client==8.0\ntorch==9\nelse==1\n") == ["old"]
    assert pinned.file_of("colab").read_text() == "# jax==1\nJupyter-Client==8.0\njax==3\ntorch==2\nold==1\n"


def test_a_package_that_was_changed_is_named():
    before = {"jax": "1", "numpy": "2", "tornado": "3"}
    pinned.check_unchanged(before, before | {"optcourse": "0.1"})
    with pytest.raises(Broken) as caught:
        pinned.check_unchanged(before, {"jax": "1", "numpy": "2.1", "optcourse": "0.1"})
    assert str(caught.value).splitlines()[1:] == ["  numpy 2 -> 2.1", "  tornado 3 -> gone"]


def test_an_environment_must_be_as_pinned_before_anything_runs(monkeypatch):
    python = Path(".venv-colab") / "bin" / "python"
    monkeypatch.setattr(pinned, "installed", lambda _: {"jax": "1", "torch": "2+cpu"})
    assert pinned.bring_back(python, {"jax": "1", "torch": "2"}) == {"jax": "1", "torch": "2+cpu"}
    with pytest.raises(Broken, match=r"^jax, numpy: not as pinned. Delete the folder .venv-colab"):
        pinned.bring_back(python, {"jax": "2", "torch": "2", "numpy": "1"})


def test_git_finds_the_working_tree_where_github_would_be(tmp_path, monkeypatch):
    root, scratch = tmp_path / "root", tmp_path / "scratch"
    for name in ("kept", "gone", "ignored", "made/new"):
        (root / name).parent.mkdir(exist_ok=True, parents=True)
        (root / name).write_text("before")
    (root / ".gitignore").write_text("ignored\n")
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    subprocess.run(["git", "add", "kept", "gone", ".gitignore"], cwd=root, check=True)
    (root / "kept").write_text("now")
    (root / "gone").unlink()
    monkeypatch.setattr(environments, "ROOT", root)
    environments.publish_working_tree(scratch)
    for name, value in environments.surroundings(tmp_path, scratch).items():
        monkeypatch.setenv(name, value)
    clone = ["git", "clone", "--quiet", "--branch", launch.repository().branch, launch.repository().url, "clone"]
    subprocess.run(clone, cwd=tmp_path, check=True)
    files = {path.relative_to(tmp_path / "clone").as_posix() for path in (tmp_path / "clone").rglob("*")}
    assert {name for name in files if not name.startswith(".git/")} == {
        ".git",
        ".gitignore",
        "kept",
        "made",
        "made/new",
    }
    assert (tmp_path / "clone" / "kept").read_text() == "now"


@dataclass
class Page:
    """A page with one notebook, whose cells are given as (source, stored output)."""

    folder: Path
    name: str
    cells: tuple

    def __post_init__(self):
        cells = [
            new_code_cell(source, outputs=[output] if output else [], execution_count=1)
            for source, output in self.cells
        ]
        nbformat.write(new_notebook(cells=cells), self.notebook)

    @property
    def notebook(self):
        return self.folder / f"{self.name}.ipynb"

    def read_notebook(self):
        return nbformat.read(self.notebook, as_version=4)


def printed(text):
    return new_output("stream", name="stdout", text=text)


FIGURE = '<div data-figure="{0:012x}"></div>\n<p>{1}</p>\n<script>\nfunctions(numbers) {{\nreturn {0};\n}}\n</script>'


def shown(code, caption):
    """A cell that shows a live figure, and what is stored of it: other code, and the caption."""
    source = f"from IPython.display import HTML, display\ndisplay(HTML({FIGURE.format(1, 'A caption')!r}))"
    data = {"text/html": FIGURE.format(code, caption), "text/plain": "<IPython.core.display.HTML object>"}
    return source, new_output("display_data", data=data)


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """This environment as one of those that notebooks run in."""
    scratch = tmp_path / "scratch"
    for name, value in environments.surroundings(tmp_path, scratch).items():
        monkeypatch.setenv(name, value)
    environments.write_kernel("here", Path(sys.executable), scratch)
    return scratch


def test_cells_are_compared_with_what_is_stored_and_none_is_passed_over(kernel, tmp_path, capfd):
    cells = (
        ("print(2 + 2)", printed("4\n")),
        ("print(2 + 2)", printed("5\n")),
        shown(code=2, caption="A caption"),
        shown(code=1, caption="Another"),
        ("import os\nprint(os.listdir())", printed("['page.ipynb']\n")),
        ("1 / 0", None),
        ("# NBVAL_SKIP\n1", None),
    )
    with pytest.raises(Broken, match="do not run as stored"):
        environments.run_notebooks("here", [Page(tmp_path, "page", cells)], kernel)
    said = capfd.readouterr().out
    failures = {line.split(" - ")[0] for line in said.splitlines() if line.startswith("FAILED")}
    assert failures == {f"FAILED here/page/page.ipynb::Cell {cell}" for cell in (1, 3, 5)}
    assert all(part in said for part in ("print(2 + 2)", "- 4", "+ 5", "Another", "ZeroDivisionError"))
    with pytest.raises(Broken, match=r"7 cells should have run as stored, and 3 did\. .*Cell 6"):
        environments.check_count(kernel / "report.xml", 7)


def test_nothing_to_run_is_not_a_success(tmp_path, monkeypatch):
    report = tmp_path / "report.xml"
    report.write_text("<testsuites><testsuite></testsuite></testsuites>")
    with pytest.raises(Broken, match="0 cells"):
        environments.check_count(report, 0)
    monkeypatch.setattr(environments.chapters, "chapters", list)
    monkeypatch.setattr(environments.assignments, "student_notebooks", list)
    with pytest.raises(Broken, match="has no notebooks"):
        environments.check("colab")


def test_the_setup_cell_may_not_fail_and_says_nothing_the_second_time(kernel):
    for source, message in (("print('again')", "yet says:\n.*again"), ("1 / 0", "failed.*ZeroDivisionError")):
        with pytest.raises(Broken, match=f"(?s){message}"):
            environments.run_setup("here", source, kernel)
        (kernel / "empty").rmdir()


def test_every_notebook_begins_with_the_setup_cell(tmp_path):
    good = Page(tmp_path, "good", ((launch.setup_cell(), None), ("1", None)))
    assert environments.common_setup_cell([good]) == launch.setup_cell()
    bad = [Page(tmp_path, "other", ((launch.setup_cell() + "\n", None),)), Page(tmp_path, "none", ())]
    with pytest.raises(Broken, match="other does not begin with the setup cell"):
        environments.common_setup_cell([good, *bad])
