"""A fork changes one setting, and every address follows; tried on a copy of all files, committed or not."""

import re
import shutil
import subprocess
import tomllib

import assignments
import chapters
import launch
import nbformat
import pytest
import retarget
import yaml
from launch import Repository
from retarget import Refused

OLD = launch.repository()
NEW = Repository("Ada-Lovelace", "Course_2.0", branch="trunk/2")


def pages():
    return [*chapters.chapters(), *assignments.student_notebooks(), *assignments.masters()]


def contents() -> dict[str, bytes]:
    return {chapters.relative(path): path.read_bytes() for path in retarget.files()}


def strays(of: Repository) -> list[str]:
    """The files that name a repository or its owner's sites, as any part of a word and in any case."""
    spellings = (of.path, of.path.replace("/", "%2F"), f"{of.owner}.github.io")
    return [
        name
        for name, content in contents().items()
        if any(spelling.lower().encode() in content.lower() for spelling in spellings)
    ]


def disagreements() -> list[str]:
    """What in the files leads to another repository, branch or file than `_config.yml` and the folder say."""
    here, found = launch.repository(), []
    name = r"[\w-]+/[\w.-]*\w"
    to_us = (
        rf"colab\.research\.google\.com/github/(?P<path>{name})/blob/(?P<rest>[\w./-]+)",
        rf"git\+https://github\.com/(?P<path>{name}?)(?:\.git)?(?:@(?P<branch>[\w./-]+))?(?=[\s\"'`\\])",
        rf"git clone \S*github\.com/(?P<path>{name}?)(?:\.git)?(?=[\s\"'`\\])",
        rf"github\.com/(?P<path>{name})/actions/workflows/[\w.-]+(?:/badge\.svg\?branch=(?P<branch>[\w./-]+))?",
        rf"github\.com/(?P<path>{re.escape(here.path)})/(?:blob|tree|edit)/(?P<rest>[\w./-]+)",
    )
    for file, content in contents().items():
        if file.startswith("tests/"):
            continue  # they speak of other repositories on purpose
        for pattern in to_us:
            for hit in re.finditer(pattern, content.decode(errors="ignore")):
                said = {"branch": None, "rest": None, **hit.groupdict()}
                right = said["path"] == here.path and said["branch"] in (None, here.branch)
                if said["rest"]:
                    inside = said["rest"].removeprefix(f"{here.branch}/")
                    right = right and inside != said["rest"] and (chapters.ROOT / inside).exists()
                if not right:
                    found.append(f"{file}: {hit[0]}")
    project = tomllib.loads((chapters.ROOT / "pyproject.toml").read_text())["project"]["urls"]
    citation = yaml.safe_load((chapters.ROOT / "CITATION.cff").read_text())
    config = yaml.safe_load(launch.CONFIG.read_text())
    # The site may have an address of its own; what is on GitHub's follows from the repository.
    site = config["html"]["baseurl"].rstrip("/")
    for said, wanted in (
        (site, here.site if ".github.io" in site else site),
        (project["Homepage"], site),
        (citation["url"], site),
        (project["Repository"], here.url),
        (citation["repository-code"], here.url),
        (config["launch_buttons"]["colab_url"], "https://colab.research.google.com"),
    ):
        if said.rstrip("/") != wanted:
            found.append(f"{said} should be {wanted}")
    return found


@pytest.fixture(scope="module", autouse=True)
def copy(tmp_path_factory):
    """A copy of the course, in which all that follows happens."""
    folder = tmp_path_factory.mktemp("course")
    for path in retarget.files():
        target = folder / path.relative_to(chapters.ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chapters, "ROOT", folder)
        patch.setattr(chapters, "BOOK", folder / "book")
        patch.setattr(launch, "CONFIG", folder / "_config.yml")
        yield folder


def go(monkeypatch, capsys, to: Repository) -> str:
    """Retarget as `make retarget` does; return what it says."""
    monkeypatch.setattr("sys.argv", ["retarget.py", f"{to.url}.git", "--branch", to.branch])
    assert retarget.main() == 0
    return capsys.readouterr().out


def test_all_addresses_agree_with_the_configuration():
    assert disagreements() == []


def test_there_and_back(copy, monkeypatch, capsys):
    # What is not committed follows, with its own line ends, and pictures are left alone.
    (copy / "new_page.md").write_bytes(f"[here]({OLD.url}/blob/{OLD.branch}/README.md)\r\n".encode())
    before = contents()
    count = b"".join(before.values()).count(OLD.path.encode())
    (copy / "picture.png").write_bytes(b"\xff")

    said = go(monkeypatch, capsys, NEW)
    assert NEW.url in said and NEW.site in said and "all outputs are as they were" in said
    assert launch.repository() == NEW
    assert strays(OLD) == [] and disagreements() == []
    after = contents()
    assert (copy / "new_page.md").read_bytes() == f"[here]({NEW.url}/blob/{NEW.branch}/README.md)\r\n".encode()
    assert after.pop("picture.png") == b"\xff"
    changed = {name for name, content in after.items() if content != before[name]}
    assert set(re.findall(r"changed  (\S+)", said)) == changed
    must = {"README.md", "CITATION.cff", "pyproject.toml", "_config.yml", "book/instructors_guide.md"}
    assert must | {chapters.relative(page.notebook) for page in pages()} <= changed
    # Every address that was there is still one: nothing was merely deleted.
    assert b"".join(after.values()).count(NEW.path.encode()) == count > 10

    # Nothing was executed, and nothing is out of date.
    assert not any(name.startswith(("optcourse/", "requirements")) for name in changed)
    for page in pages():
        notebook, old = page.read_notebook(), nbformat.reads(before[chapters.relative(page.notebook)].decode(), 4)
        assert page.notebook.read_text() == nbformat.writes(notebook) + "\n"
        cells = chapters.cells_fingerprint(page.read_twin())
        assert notebook.metadata.optcourse == {**old.metadata.optcourse, "cells": cells}
        assert chapters.cells_fingerprint(notebook) == cells
        assert chapters.written_code(notebook) == chapters.written_code(old)
        (setup,) = (cell for cell in notebook.cells if launch.is_setup(cell))
        assert setup.source == launch.setup_cell()
        assert f'"{NEW.url}"' in setup.source and f'@{NEW.branch}"' in setup.source

    assert "nothing was changed" in go(monkeypatch, capsys, NEW), "a second time changes nothing"
    go(monkeypatch, capsys, OLD)
    (copy / "picture.png").unlink()
    assert contents() == before, "the way back leads to the same bytes"
    (copy / "new_page.md").unlink()


@pytest.fixture
def plant(copy):
    """Write something into a file of the copy, and take it out again."""
    planted = {}

    def write(name: str, text: str) -> None:
        path = copy / name
        planted[path] = path.read_bytes() if path.exists() else None
        path.write_bytes((planted[path] or b"") + text.encode())

    yield write
    for path, content in planted.items():
        path.unlink() if content is None else path.write_bytes(content)


@pytest.mark.parametrize("spelling", [OLD.path.upper(), OLD.path.replace("/", "%2F"), f"{OLD.owner}.github.io"])
def test_the_search_finds_a_stray_address(plant, spelling):
    assert "stray.md" not in strays(OLD)
    plant("stray.md", f"see https://{spelling}x\n")
    assert "stray.md" in strays(OLD)


@pytest.mark.parametrize(
    "stray",
    [
        "git clone https://github.com/somebody/else\n",
        'pip install "optcourse @ git+https://github.com/somebody/else"\n',
        f'pip install "optcourse @ git+{OLD.url}@other"\n',
        "https://colab.research.google.com/github/somebody/else/blob/main/book/index.ipynb\n",
        f"https://colab.research.google.com/github/{OLD.path}/blob/{OLD.branch}/book/missing.ipynb\n",
        f"{OLD.url}/blob/other/README.md\n",
        "https://github.com/somebody/else/actions/workflows/test.yml\n",
    ],
)
def test_an_address_that_disagrees_is_found(plant, stray):
    plant("stray.md", stray)
    (found,) = disagreements()
    assert found.startswith("stray.md: ")


def spelled_differently():
    return f"https://GitHub.com/{OLD.owner.upper()}/{OLD.name}\n"


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("stray.md", spelled_differently(), "where or how it cannot be replaced"),
        ("stray.md", f"?url={OLD.owner}%2F{OLD.name}\n", "where or how it cannot be replaced"),
        ("optcourse/stray.py", f"SOURCE = '{OLD.url}'\n", "where or how it cannot be replaced"),
        ("stray.md", f"see {NEW.url}\n", "could not be undone"),
        ("stray.md", f"see {NEW.site}/book\n", "could not be undone"),
        ("book/text/index.md", "\nOne more sentence.\n", "is not what its text says"),
    ],
)
def test_what_cannot_be_done_completely_is_not_begun(plant, name, text, why):
    plant(name, text)
    files = contents()
    with pytest.raises(Refused, match=why):
        retarget.retarget(NEW)
    assert contents() == files


def test_an_output_or_code_that_names_the_repository_is_refused():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    for place in ({"source": OLD.url}, {"outputs": [nbformat.v4.new_output("stream", text=OLD.url)]}):
        notebook.cells[0] = nbformat.v4.new_code_cell(**place)
        assert retarget.named(retarget.outputs(nbformat.writes(notebook)), OLD)


def test_what_is_an_address_and_what_only_looks_like_one():
    old, new = Repository("a", "b"), Repository("b", "b.github.io", "dev")
    for text, wanted in {
        "https://github.com/a/b.git": "https://github.com/b/b.github.io.git",
        "git@github.com:a/b.": "git@github.com:b/b.github.io.",
        "a/b@main, a/b/blob/main/x": "b/b.github.io@dev, b/b.github.io/blob/dev/x",
        "a/b@main-2 a/b/issues": "b/b.github.io@main-2 b/b.github.io/issues",
        "a/b/actions/t.yml/badge.svg?branch=main": "b/b.github.io/actions/t.yml/badge.svg?branch=dev",
        "https://a.github.io/b/x.html": "https://b.github.io/x.html",
        "a/b-c aa/b a/b.py x.a.github.io/b a.github.io/bb": "a/b-c aa/b a/b.py x.a.github.io/b a.github.io/bb",
    }.items():
        assert retarget.moved(text, old, new) == wanted
        assert retarget.moved(wanted, new, old) == text
    assert new.site == "https://b.github.io" and old.site == "https://a.github.io/b"


@pytest.mark.parametrize("address", ["https://github.com/ada/course", "https://GitHub.com/ada/course.git/", " {}/ "])
def test_addresses_as_people_copy_them(address):
    assert retarget.parse(address.format("https://github.com/ada/course"), "main") == Repository("ada", "course")


@pytest.mark.parametrize(
    ("address", "branch"),
    [
        *[(address, "main") for address in ("", "ada/course", "github.com/ada/course", "git@github.com:ada/c")],
        *[(f"https://{rest}", "main") for rest in ("gitlab.com/ada/course", "github.com/course", "github.com//course")],
        *[(f"https://github.com/{path}", "main") for path in ("ada/..", "ada/a b", "ada/course/tree/main", "a_b/c")],
        *[("https://github.com/ada/course", branch) for branch in ("", "a b", "../x", "x/", "$(x)")],
    ],
)
def test_other_addresses_are_refused_with_an_example(address, branch):
    with pytest.raises(Refused, match=r"as https://github.com/someone/course|as main"):
        retarget.parse(address, branch)


def test_a_mistake_is_answered_in_words(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["retarget.py", "https://github.com/ada"])
    assert retarget.main() == 1
    assert capsys.readouterr().err.endswith("It is 'https://github.com/ada'.\nNothing was changed.\n")


def test_a_setting_in_another_form_is_refused_and_not_half_changed(plant):
    plant("_config.yml", f"\nrepository: {{url: {OLD.url}, branch: {OLD.branch}}}\n")
    files = contents()
    with pytest.raises(Refused, match="a form that cannot be changed"):
        retarget.retarget(NEW)
    assert contents() == files
