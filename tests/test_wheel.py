"""The package as it is published: complete, without anything else, and at work where nothing else is."""

import re
import shutil
import subprocess
import sysconfig
import zipfile
from pathlib import Path

import pytest
import retarget
import wheel
from wheel import ROOT, Broken


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return wheel.build(ROOT, tmp_path_factory.mktemp("dist"))


def test_what_is_built_is_the_package_and_its_licences(built):
    wheel.check(*built, ROOT)
    names = zipfile.ZipFile(built[1]).namelist()
    for ending in (".py", ".js", ".css", ".html", "py.typed", "licenses/LICENSE", "licenses/LICENSE-CONTENT"):
        assert any(name.endswith(ending) for name in names), ending
    assert not [name for name in names if re.search(r"(^|/)tests?[_/]", name) or name.endswith((".ipynb", ".pyc"))]
    assert built[1].stat().st_size < 1_000_000


# Without the figure, which takes ten seconds; `make wheel` runs all of it.
PROGRAM = re.sub(
    r"\nhtml = .*\nassert .*", "\nfrom optcourse.explorables.bundle import runtime; html = runtime()", wheel.TRIAL
)


def test_the_wheel_works_where_there_is_nothing_but_what_it_needs(built):
    assert "Explorable" in wheel.TRIAL and "Explorable" not in PROGRAM
    said = wheel.attempt(built[1], PROGRAM, packages=Path(sysconfig.get_path("purelib")))
    assert re.search(r"site-packages/optcourse/__init__\.py: loss [\d.]+, figure of [1-9]\d+ kB", said)
    assert str(ROOT) not in said


def test_a_wheel_that_does_not_work_is_noticed(built, tmp_path):
    broken = repacked(built[1], tmp_path, without="optcourse/suggestions.py")
    with pytest.raises(subprocess.CalledProcessError) as failed:
        wheel.attempt(broken, PROGRAM, packages=Path(sysconfig.get_path("purelib")))
    assert "No module named 'optcourse.suggestions'" in failed.value.stderr


def repacked(built: Path, folder: Path, *, without: str = "", more: str = "", version: str = "") -> Path:
    """A copy of a wheel that lacks a file, has one more, or claims another version."""
    copy = folder / built.name
    with zipfile.ZipFile(built) as old, zipfile.ZipFile(copy, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if version and name.endswith("METADATA"):
                content = content.replace(b"\nVersion: ", f"\nVersion: {version}.".encode(), 1)
            if not without or not name.endswith(without):
                new.writestr(name, content)
        if more:
            new.writestr(more, "")
    return copy


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"without": "figure.css"}, r"lacks \['optcourse/explorables/page/figure.css'\]"),
        ({"without": "py.typed"}, "py.typed"),
        ({"without": "licenses/LICENSE-CONTENT"}, "lacks .*LICENSE-CONTENT"),
        ({"more": "tests/test_site.py"}, r"should not have \['tests/test_site.py'\]"),
        ({"more": "optcourse/left_over.py"}, r"should not have \['optcourse/left_over.py'\]"),
        ({"version": "9"}, "has version 9"),
    ],
)
def test_a_wheel_that_lacks_or_has_too_much_is_refused(built, tmp_path, change, why):
    with pytest.raises(Broken, match=why):
        wheel.check(built[0], repacked(built[1], tmp_path, **change), ROOT)


@pytest.fixture
def project(tmp_path):
    for name in ("pyproject.toml", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def headed(project: Path, heading: str) -> None:
    path = project / "CHANGELOG.md"
    path.write_text(f"# Changelog\n\n## {heading}\n\n- This is new.\n\n## 0.0.1, 2020-01-01\n\n- This is old.\n")


def test_the_changelog_begins_with_the_version_of_the_package():
    assert wheel.release_notes(ROOT, None)


def test_a_release_has_a_tag_a_version_and_a_date_that_agree(project):
    number = wheel.version(project)
    headed(project, f"{number}, 2026-11-22")
    assert wheel.release_notes(project, f"v{number}") == "- This is new.\n"
    for tag in (number, f"v{number}.1", "v"):
        with pytest.raises(Broken, match=f"should be 'v{number}'"):
            wheel.release_notes(project, tag)
    headed(project, f"{number}, unreleased")
    assert wheel.release_notes(project, None) == "- This is new.\n"
    with pytest.raises(Broken, match="A release has a date"):
        wheel.release_notes(project, f"v{number}")
    headed(project, "99.0.0, 2026-11-22")
    with pytest.raises(Broken, match="must begin with it"):
        wheel.release_notes(project, f"v{number}")


def test_only_files_of_the_repository_are_built():
    names = {path.relative_to(ROOT).parts[0] for path in retarget.files(ROOT)}
    assert "optcourse" in names and not names & {"build", "dist", "_build", ".venv", "optcourse.egg-info"}
