"""The exercises as they are stored and published: made from their masters, runnable unfinished, and without solutions.

That the stored outputs are those of an unfinished notebook is tested by nbval, as for chapters.
"""

import csv
import html
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import assignments
import build
import chapters
import execute
import launch
import nbformat
import numpy as np
import pytest
import twins

import optcourse as oc
from optcourse import optimizers, surfaces
from optcourse.exercises import catalogue

MASTERS = assignments.masters()
each_master = pytest.mark.parametrize("master", MASTERS, ids=lambda master: master.assignment)
each_notebook = pytest.mark.parametrize("page", assignments.student_notebooks(), ids=lambda page: page.assignment)
REGION = re.compile(r"### BEGIN (SOLUTION|HIDDEN TESTS)\n(.*?)### END \1", re.DOTALL)


def graded(notebook, **wanted):
    """The cells with these entries in nbgrader's metadata, by their names."""
    cells = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    return {
        cell.metadata.nbgrader.grade_id: cell
        for cell in cells
        if all(cell.metadata.nbgrader[key] == value for key, value in wanted.items())
    }


def secrets(master) -> list[str]:
    """What students must not see: the lines of solutions, hidden tests, model answers and marking schemes."""
    notebook = master.read_twin()
    regions = [match.group(2) for cell in notebook.cells for match in REGION.finditer(cell.source)]
    answers = [cell.source for cell in graded(notebook, solution=True, grade=True).values()]
    exercises = [exercise for exercise in catalogue().values() if exercise.chapter == master.assignment]
    assert len(regions) == 2 * len(exercises) and answers, f"{master.twin.name}: the solutions were not found"
    # A dict to fill in begins as its solution does; brackets alone are no secret.
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    shown = {line.strip() for cell in code for line in REGION.sub("", cell.source).splitlines()}
    lines = [line.strip() for text in [*regions, *answers] for line in text.splitlines()]
    return [line for line in lines if re.search(r"\w", line) and line not in shown]


def without_outputs(notebook) -> str:
    cells = [{**cell, "outputs": [], "execution_count": None} for cell in notebook.cells]
    return json.dumps(cells, sort_keys=True)


# --- the masters


def test_there_are_exercises():
    assert "optimizer_intuition" in [master.assignment for master in MASTERS]
    texts = {path.stem for path in (chapters.ROOT / "exercises" / "text").glob("*.md")}
    assert texts == {master.assignment for master in MASTERS}, "every master has a page in _toc.yml"


@each_master
def test_text_and_source_agree(master):
    source = master.read_notebook()
    message = "run make execute after editing the text, make twins after editing the source"
    assert chapters.twin_text(source) == master.twin.read_text(encoding="utf-8"), message
    again = nbformat.writes(source) + "\n"
    assert master.notebook.read_text(encoding="utf-8") == again
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in source.cells)
    assert source.metadata.optcourse.assignment == master.assignment


@each_master
def test_every_exercise_of_the_chapter_is_asked_and_checked(master):
    notebook = master.read_twin()
    names = [name for name, exercise in catalogue().items() if exercise.chapter == master.assignment]
    asked = graded(notebook, solution=True, grade=False)
    checked = graded(notebook, solution=False, grade=True, locked=True)
    assert list(asked) == names
    assert list(checked) == [f"check_{name}" for name in names]


@each_master
def test_points_are_those_of_the_hidden_line(master):
    for name, cell in graded(master.read_twin(), solution=False, grade=True).items():
        visible, hidden = cell.source.split("### BEGIN HIDDEN TESTS\n")
        call = visible.strip()
        assert call.startswith(f'check("{name.removeprefix("check_")}", ')
        assert hidden == f"{call}.points({cell.metadata.nbgrader.points})\n### END HIDDEN TESTS"


@each_master
def test_two_hints_come_with_every_exercise(master):
    text = "\n\n".join(cell.source for cell in master.read_twin().cells)
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    for section in sections:
        if "### BEGIN SOLUTION" in section:
            # Blank lines around, or what is inside is not read as Markdown.
            hints = re.findall(r"<details>\n<summary>Hint (\d)</summary>\n\n.+?\n\n</details>", section, re.DOTALL)
            assert hints == ["1", "2"], section.splitlines()[0]


def test_the_answers_to_what_is_to_be_predicted_are_true():
    bowl, valley = surfaces.quadratic_bowl(), surfaces.rosenbrock()
    start, far = [-1.5, 2.0], [-4.0, 2.0]
    sgd = {rate: oc.run(optimizers.sgd(rate), bowl, far, steps=8).params[:, 1] for rate in (0.05, 0.1, 0.105)}
    assert np.allclose(sgd[0.05][1:], 0)
    assert np.allclose(np.abs(sgd[0.1]), 2) and np.allclose(sgd[0.105][1:] / sgd[0.105][:-1], -1.1)

    rolling = {beta: optimizers.momentum(2e-4, momentum=beta) for beta in (0, 0.9, 0.99)}
    balls = {beta: oc.run(optimizer, valley, start, steps=900) for beta, optimizer in rolling.items()}
    ends = {beta: ball.params[300, 0] for beta, ball in balls.items()}
    assert ends[0] < -1.3 and -1.3 < ends[0.9] < 0 and ends[0.99] > 1.2, "only the third shoots past the minimum"
    assert (np.diff(np.sign(balls[0.99].params[:, 0] - 1)) != 0).sum() > 2, "and comes back, and swings"

    settings = {"learning_rate": 0.01, "momentum": 0.95}
    look_ahead = oc.run(optimizers.nesterov(**settings), bowl, far, steps=60)
    ball = oc.run(optimizers.momentum(**settings), bowl, far, steps=60)
    assert np.isclose(look_ahead.step_size[0] / ball.step_size[0], 1.95)
    assert np.abs(look_ahead.params[30:, 1]).max() < 0.2 * np.abs(ball.params[30:, 1]).max()

    small = surfaces.LossSurface(lambda params: valley(params) / 1000)
    for optimizer, near in (optimizers.rmsprop(0.02), True), (optimizers.sgd(0.001), False):
        one, other = (oc.run(optimizer, surface, start, steps=800).params[-1] for surface in (valley, small))
        assert (np.abs(one - other).max() < 0.01) == near
    assert np.allclose(np.abs(oc.run(optimizers.adam(0.1), valley, start, steps=1).updates), 0.1)
    assert round((1 - 0.9) / np.sqrt(1 - 0.999), 1) == 3.2


# --- the students' notebooks


@each_notebook
def test_the_notebook_is_what_nbgrader_makes_of_the_master(page):
    stored = page.read_notebook()
    assert without_outputs(stored) == without_outputs(page.read_twin()), "run make execute"
    assert stored.metadata.optcourse.assignment == page.assignment


@each_notebook
def test_no_secret_is_in_the_notebook(page):
    notebook = page.read_notebook()
    text = "\n".join(cell.source for cell in notebook.cells)
    stored = page.notebook.read_text(encoding="utf-8")
    for secret in secrets(assignments.Master(page.name)):
        assert secret not in text and json.dumps(secret)[1:-1] not in stored
    assert not re.search("BEGIN|MARK|hidden test", stored)


@each_notebook
def test_an_unfinished_notebook_is_told_what_was_not_attempted(page):
    checks = graded(page.read_notebook(), solution=False, grade=True)
    assert len(checks) == len(graded(page.read_notebook(), solution=True, grade=False)) > 0
    for name, cell in checks.items():
        (output,) = cell.outputs
        assert output.data["text/plain"].startswith(f"○ {name.removeprefix('check_')}: not attempted.")


@each_notebook
def test_what_students_must_not_change_is_locked(page):
    for name, cell in graded(page.read_notebook()).items():
        assert cell.metadata.deletable is False, name
        assert cell.metadata.get("editable", True) is not cell.metadata.nbgrader.locked, name


# --- the public site, and the instructor's edition


@pytest.fixture(scope="module")
def instructors(tmp_path_factory) -> Path:
    destination = tmp_path_factory.mktemp("instructors") / "html"
    done = build.build_solutions(destination)
    assert done.returncode == 0, done.stderr
    return destination


def text_of(page: Path) -> str:
    """What a reader of a file sees: HTML without its tags."""
    text = page.read_text(encoding="utf-8")
    return as_read(html.unescape(re.sub(r"<[^>]*>", "", text)) if page.suffix == ".html" else text)


def as_read(text: str) -> str:
    """A text without what differs between Markdown and the page made of it: quotes, emphasis, bullets, indentation."""
    text = re.sub(r"[*`\\]", "", text).translate(str.maketrans("‘’“”", "''\"\""))
    return "\n".join(line.strip().removeprefix("- ") for line in text.splitlines())


def published(site: Path) -> list[Path]:
    return [path for path in site.rglob("*") if path.suffix in {".html", ".ipynb", ".md", ".txt", ".js", ".json"}]


@each_master
def test_no_secret_is_in_the_site(site, master):
    lines = as_read("\n".join(secrets(master))).splitlines()
    own = [site / f"book/{master.name}.html", site / f"_sources/book/{master.name}.ipynb"]
    for path in own:
        text = text_of(path)
        assert "Your answer goes here" in text
        assert not [line for line in lines if line in text], path
    # Other pages may have a line or two of a solution, as the chapter has: not one after the other, and no answer.
    pairs = [f"{a}\n{b}" for a, b in itertools.pairwise(lines) if len(a) + len(b) > 80]
    pairs += [line for line in lines if len(line) > 80]
    for path in published(site):
        text = text_of(path)
        assert not re.search("BEGIN SOLUTION|HIDDEN TESTS|MARK SCHEME|Marking scheme|Model answer", text), path
        assert not [pair for pair in pairs if pair in text], path


@each_master
def test_the_site_has_the_exercises_below_their_chapter(site, master):
    page = (site / f"book/{master.name}.html").read_text(encoding="utf-8")
    assert f'href="{launch.repository().colab(f"book/{master.name}.ipynb")}"' in page
    chapter = (site / f"book/{master.assignment}.html").read_text(encoding="utf-8")
    assert f'href="{master.name}.html"' in chapter.split("<article", 1)[1], "the chapter links to its exercises"
    assert page.count("<summary>Hint 1</summary>") == len(REGION.findall(master.twin.read_text())) // 2


@each_master
def test_the_instructors_edition_shows_solutions_that_are_right(site, instructors, master):
    text = text_of(instructors / f"book/{master.name}.html")
    assert "do not publish" in text
    lines = as_read("\n".join(secrets(master))).splitlines()
    parts = [part for line in lines for part in re.split(r"\$[^$]+\$", line)]  # a formula is written in another way
    assert len(parts) >= len(lines) and not [part for part in parts if part.strip() not in text]
    executed = nbformat.read(instructors / f"_sources/book/{master.name}.ipynb", as_version=4)
    for name, cell in graded(executed, solution=False, grade=True).items():
        assert float(cell.outputs[-1].data["text/plain"]) == cell.metadata.nbgrader.points, name
    pages = {path.relative_to(site) for path in site.rglob("*.html")}
    assert pages == {path.relative_to(instructors) for path in instructors.rglob("*.html")}


def test_the_public_site_is_left_alone_by_the_instructors_edition(tmp_path, monkeypatch):
    public = tmp_path / "_build" / "html" / "index.html"
    public.parent.mkdir(parents=True)
    public.write_text("public")
    monkeypatch.setattr(build, "ROOT", tmp_path)
    (tmp_path / "book").mkdir()
    (tmp_path / "book/page.md").write_text("# Page\n")
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: book/page\n")
    (tmp_path / "_config.yml").write_text("only_build_toc_files: true\n")
    (tmp_path / "CITATION.cff").write_text("title: Mine\n")
    monkeypatch.setattr(assignments, "masters", lambda: [])
    assert build.build_solutions(tmp_path / "_build/solutions/html").returncode == 0
    assert public.read_text() == "public"
    assert build.build(tmp_path).returncode == 0
    assert (tmp_path / "_build/solutions/html/book/page.html").exists()


# --- how they are made


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A page of exercises of its own, in a folder of its own."""
    monkeypatch.setattr(chapters, "ROOT", tmp_path)
    monkeypatch.setattr(chapters, "BOOK", tmp_path / "book")
    (tmp_path / "requirements.txt").write_text("jax==1\n")
    (tmp_path / "_toc.yml").write_text("root: book/exercises/mine\n")
    page, master = assignments.StudentNotebook("exercises/mine"), assignments.Master("exercises/mine")
    page.notebook.parent.mkdir(parents=True)
    master.twin.parent.mkdir(parents=True)
    options = (
        "---\nnbgrader:\n  grade: false\n  grade_id: one\n  locked: false\n  schema_version: 3\n  solution: true\n"
    )
    body = '    """Returns one."""\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION\n'
    cells = f"# Mine\n\n```{{code-cell}}\n{options}  task: false\n---\ndef one():\n{body}```\n"
    master.twin.write_text(f"{chapters.TWIN_HEADER}{cells}\n```{{code-cell}}\nprint(one())\n```\n")
    return page, master


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_making_a_notebook_twice_gives_the_same_bytes(mine):
    page, master = mine
    text = master.twin.read_text()
    assert execute.execute(page) is None
    first = page.notebook.read_bytes()
    assert b"None\\n" in first and b"return 1" not in first
    page.notebook.unlink()
    assert execute.execute(page) is None
    assert page.notebook.read_bytes() == first
    assert assignments.write_source(master, execute.from_twin(master))
    assert not assignments.write_source(master, execute.from_twin(master))
    assert master.twin.read_text() == text


def test_a_master_edited_in_jupyterlab_is_not_overwritten_and_make_twins_brings_it_back(mine):
    _, master = mine
    assignments.write_source(master, execute.from_twin(master))
    edit(master.notebook, "return 1", "return 2 - 1")
    edit(master.notebook, '"grade_id": "one"', '"grade_id": "unit"')
    with pytest.raises(ValueError, match="make twins"):
        execute.from_twin(master)
    assert twins.main() == 0
    assert "return 2 - 1" in master.twin.read_text() and "grade_id: unit" in master.twin.read_text()
    assert assignments.write_source(master, execute.from_twin(master))


def test_a_students_notebook_that_was_edited_is_not_overwritten(mine):
    page, _ = mine
    execute.execute(page)
    edit(page.notebook, "# Mine", "# Mine, by a student")
    with pytest.raises(ValueError, match="make your change there"):
        execute.from_twin(page)


def test_a_master_that_nbgrader_refuses_says_why(mine):
    page, master = mine
    edit(master.twin, "    ### END SOLUTION\n", "")
    with pytest.raises(ValueError, match=r"mine.md: nbgrader cannot (.*\n)*.*no end solution") as error:
        page.read_twin()
    assert "Traceback" in str(error.value)


def test_make_grade_passes_the_seed_on_unseen(tmp_path):
    if not shutil.which("make"):
        pytest.skip("no make on this machine")
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$OPTCOURSE_SEED, $@"\n')
    python.chmod(0o755)

    def make(*arguments):
        installed = [option for stamp in (".installed", ".instructor") for option in ("-o", f".venv/{stamp}")]
        command = ["make", *installed, "grade", f"BIN={tmp_path}", *arguments]
        # The tests themselves may run under make, which tells its children so.
        set_apart = {"OPTCOURSE_SEED", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
        environment = {name: value for name, value in os.environ.items() if name not in set_apart}
        return subprocess.run(command, cwd=chapters.ROOT, env=environment, text=True, capture_output=True)

    done = make("SUBMISSIONS=my folder", "ASSIGNMENT=mine", "SEED=a $private one")
    assert done.stdout == "a $private one, -m grading my folder --assignment mine\n"
    assert make("SUBMISSIONS=it").stdout == ", -m grading it\n"
    assert "Say which folder" in make().stdout and make().returncode


def test_plain_nbgrader_grades_in_the_exercises_folder(tmp_path):
    """As on a JupyterHub: model solutions get their points, gaps get none, under a private seed."""
    course = tmp_path / "exercises"
    shutil.copytree(chapters.ROOT / "exercises", course, ignore=shutil.ignore_patterns("submitted", "*.db", "release"))
    (master,) = (master for master in MASTERS if master.assignment == "optimizer_intuition")

    def nbgrader(*arguments):
        programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # nbgrader calls alembic
        environment = os.environ | {"OPTCOURSE_SEED": "private", "PATH": programs}
        command = [sys.executable, "-m", "nbgrader", *arguments]
        return subprocess.run(command, cwd=course, env=environment, text=True, capture_output=True, check=True)

    nbgrader("generate_assignment", master.assignment)
    half = nbformat.read(course / "release" / master.assignment / master.notebook.name, as_version=4)
    solved = ["gradient_descent", "nesterov", "which_path"]
    models = graded(master.read_twin(), solution=True)
    for name in solved:
        graded(half)[name].source = models[name].source
    half.cells.append(nbformat.v4.new_code_cell("import os\nos.environ['OPTCOURSE_SEED']"))
    folder = course / "submitted" / "half" / master.assignment
    folder.mkdir(parents=True)
    nbformat.write(half, folder / master.notebook.name)
    nbgrader("autograde", master.assignment)
    done = nbformat.read(course / "autograded/half" / master.assignment / master.notebook.name, as_version=4)
    nbgrader("export")
    with (course / "grades.csv").open() as file:
        (row,) = (row for row in csv.DictReader(file) if row["assignment"] == master.assignment)
    checks = graded(master.read_twin(), solution=False, grade=True)
    points = {name: checks[f"check_{name}"].metadata.nbgrader.points for name in solved}
    assert float(row["raw_score"]) == sum(points.values()) < sum(c.metadata.nbgrader.points for c in checks.values())
    assert done.cells[-1].outputs[0].data["text/plain"] == "'private'"
