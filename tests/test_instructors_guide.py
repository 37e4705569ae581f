"""The instructor's guide, the course plans and the page on containers name only what there is."""

import importlib
import json
import math
import re
import shlex
from pathlib import Path

import chapters
import numpy as np
import pytest
from nbgrader.apps.nbgraderapp import NbGraderApp

from exercises.answers import optimizer_intuition as answers
from grading import __main__ as grader
from grading import pipeline, results, submissions
from grading.reports import report
from grading.reports.scores import points_of
from grading.sandbox import Outcome
from optcourse import surfaces
from optcourse.exercises import anonymous_paths
from optcourse.exercises.answers import ask
from optcourse.exercises.optimizer_intuition.anonymous_paths import START, mirrored, names_of

ROOT = chapters.ROOT
GUIDE, PLANS = ROOT / "book" / "instructors_guide.md", ROOT / "book" / "course_plans.md"
CONTAINER, README, RECIPE = ROOT / "grading" / "CONTAINER.md", ROOT / "README.md", ROOT / "grading" / "Containerfile"
PAGES = (GUIDE, PLANS, CONTAINER, README)
ASSIGNMENT = "optimizer_intuition"
MADE = ("grades", "feedback", "submitted", "autograded", "gradebook.db")  # by the grader, in exercises/
STILL_RUNNING = object()  # in the place of an answer


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text_of(page), re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[str]:
    """The commands of a page: the lines of its shell blocks, and those that stand in a sentence."""
    found = []
    for block in blocks(page, "sh"):
        block = re.sub(r"<<'END'\n.*?^END$", "", block, flags=re.MULTILINE | re.DOTALL)
        found += block.replace("\\\n", " ").splitlines()
    found += re.findall(r"(?<!`)`((?:make|nbgrader|docker) [^`\n]*)`", text_of(page))
    return [line.split("#")[0].strip() for line in found if line.split("#")[0].strip()]


def all_commands(program: str) -> list[tuple[str, list[str]]]:
    """Every call of a program on any page: the name of the page, and the words from the program's name on."""
    found = []
    for page in PAGES:
        for line in commands(page):
            words = shlex.split(re.sub(r"\$\([^)]*\)", "x", line))
            found += [(page.name, words[place:]) for place, word in enumerate(words) if word == program]
    return found


def table(page: Path, heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, without its head."""
    below = text_of(page).split(f"{heading}\n", 1)[1]
    rows = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_the_pages_are_in_the_table_of_contents_in_a_part_of_their_own():
    contents = text_of(ROOT / "_toc.yml")
    part = contents.split("- caption: Teaching\n", 1)[1].split("- caption:")[0]
    assert re.findall(r"file: (\S+)", part) == ["book/instructors_guide", "book/course_plans"]
    assert contents.index("caption: Teaching") < contents.index("caption: Reference")


def test_every_verb_of_make_exists_and_takes_the_variables_that_are_given():
    makefile = text_of(ROOT / "Makefile")
    calls = all_commands("make")
    assert {word for _, words in calls for word in words} >= {"book", "execute", "grade"}
    for page, (_, *words) in calls:
        (verb,), settings = [w for w in words if "=" not in w], [w for w in words if "=" in w]
        assert re.search(rf"^{verb}:", makefile, re.MULTILINE), f"{page}: make {verb}"
        for setting in settings:
            name = setting.split("=")[0]
            assert re.search(rf"\$\({name}\)|^ifdef {name}$", makefile, re.MULTILINE), setting


def test_every_option_of_the_grader_exists(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["grading", "--help"])
    with pytest.raises(SystemExit):
        grader.parse()
    known = set(re.findall(r"--[\w-]+", capsys.readouterr().out))
    named = [option for page in PAGES for line in commands(page) if "-m grading" in line for option in options(line)]
    inside = [line.split("optcourse-grading /submissions")[1] for line in commands(CONTAINER) if "/submissions" in line]
    named += [option for line in inside for option in options(line)]
    assert set(named) >= {"--time", "--cell-time", "--memory", "--jobs"}
    assert set(named) <= known


def test_the_limits_are_those_that_the_guide_names():
    limits = grader.Limits()
    sentence = f"{limits.time:.0f} seconds, a cell of it {limits.cell_time:.0f}, and all of it {limits.memory >> 20} MB"
    assert sentence in text_of(GUIDE)


def test_every_command_of_nbgrader_exists_with_its_options():
    calls = [call for call in all_commands("nbgrader") if len(call[1]) > 1]
    assert {words[1] for _, words in calls} >= {
        *("generate_assignment", "release_assignment", "fetch_assignment", "submit", "collect"),
        *("generate_feedback", "release_feedback", "fetch_feedback", "autograde"),
    }
    for page, (_, name, *rest) in calls:
        assert name in NbGraderApp.subcommands, f"{page}: nbgrader {name}"
        app = NbGraderApp.subcommands[name][0]
        app = app if isinstance(app, type) else getattr(importlib.import_module(app.rpartition(".")[0]), name)
        for option in options(" ".join(rest)):
            assert option.lstrip("-") in {*app.flags, *app.aliases}, f"{page}: nbgrader {name} {option}"
    version = re.search(r"^nbgrader==(\S+)$", text_of(ROOT / "requirements-instructor.txt"), re.MULTILINE)[1]
    assert set(re.findall(r"nbgrader(?:==| )(\d[\d.]*\d)", text_of(GUIDE))) == {version}


def options(line: str) -> list[str]:
    return [word.split("=")[0] for word in line.split() if word.startswith("--")]


def test_every_path_exists_or_is_made_by_the_grader():
    ignored = text_of(ROOT / ".gitignore")
    folders = r"(?:book|exercises|grading|optcourse|tests)/[\w./-]*|_\w+\.yml|[A-Z]+\.md"
    named = {page: set(re.findall(rf"(?<=[`\s\"(])({folders})(?=[`\s\")])", text_of(page))) for page in PAGES[:3]}
    assert len(named[GUIDE]) > 15 and named[CONTAINER] and named[PLANS]
    for page, paths in named.items():
        for path in paths:
            if path.startswith(tuple(f"exercises/{made}" for made in MADE)):
                assert f"/{'/'.join(path.split('/')[:2])}" in ignored, f"{page.name}: git does not ignore {path}"
            else:
                assert (ROOT / path).exists() or (page.parent / path).exists(), f"{page.name}: {path}"


def test_the_seed_has_one_name():
    code = text_of(ROOT / "optcourse" / "exercises" / "catalogue.py")
    for page in (GUIDE, CONTAINER):
        assert set(re.findall(r"\b[A-Z]+_SEED\b", text_of(page))) == {grader.SEED}
    assert grader.SEED in code and grader.SEED in text_of(ROOT / "Makefile")


def test_the_states_are_all_of_them_in_order():
    rows = table(GUIDE, "### What each state means")
    assert [row[0] for row in rows] == list(results.STATES)
    assert all(len(row) == 3 and all(row) for row in rows)


def test_every_message_that_the_guide_explains_is_said_somewhere():
    section = text_of(GUIDE).split("## When something goes wrong\n", 1)[1]
    messages = re.findall(r"^- `(.+?)`\.", section, re.MULTILINE)
    assert len(messages) >= 6
    code = "".join(text_of(file) for folder in ("grading", "tools") for file in sorted((ROOT / folder).rglob("*.py")))
    for message in messages:
        for words in message.removeprefix("Warning: bubblewrap ").split("..."):
            assert words.strip() in code, message


def test_students_are_named_as_the_guide_says():
    rows = table(GUIDE, "## Collect")
    assert len(rows) >= 5
    for _, path, student in rows:
        assert submissions.student_of(Path(path.strip("`")), ASSIGNMENT) == student


def test_the_printed_table_is_what_the_grader_prints(tmp_path):
    """The sample in the guide, made once more: only the sandbox is left out."""
    assignment = pipeline.Assignment(ASSIGNMENT, ROOT / "book" / "exercises" / f"{ASSIGNMENT}.ipynb")
    questions, right = assignment.questions(), {name: known[0] for name, known in answers.RIGHT.items()}
    swapped = answers.WRONG["which_path"]["takes adam and rmsprop for each other"]
    no_correction = answers.WRONG["adam"]["no bias correction"]
    students = {
        "Ada Lovelace": right,
        "Ben Okafor": {**right, "nesterov": None, "adam": no_correction, "which_path": swapped},
        "Chen Mei": {**right, "adam": STILL_RUNNING},
        "Dana Ruiz": None,
    }
    whole = assignment.release.read_text(encoding="utf-8")
    for student, written in students.items():
        path = tmp_path / f"{student}_4711_assignsubmission_file" / f"{ASSIGNMENT}.ipynb"
        path.parent.mkdir()
        path.write_text(whole if written else whole[: len(whole) // 2], encoding="utf-8")
    found = []
    for submission in submissions.find(tmp_path, ASSIGNMENT):
        try:
            notebook = submissions.choose(submission, assignment.notebook, ASSIGNMENT)
        except submissions.Unreadable as problem:
            found.append(results.Result(submission.student, submission.file, results.UNREADABLE, str(problem)))
            continue
        outcome = Outcome(told(students[submission.student], questions), "finished", 10.0, 0)
        found.append(pipeline.make_result(submission, notebook, questions, outcome, grader.Limits()))
    printed = report.table(found, points_of(ROOT / "exercises" / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"))
    counts = ", ".join(f"{number} {state}" for state, number in results.count_by_state(found).items())
    assert f"{printed}\n\n{len(found)} submissions: {counts}.\n" in blocks(GUIDE, "text")[0]


def told(written: dict, questions: dict) -> bytes:
    """What a sandbox reports of a student who wrote these answers."""
    lines = []
    for name, asked in questions.items():
        if written[name] is STILL_RUNNING:
            lines.append({"exercise": name, "failed": "timed out"})
        else:
            lines.append({"exercise": name, "answers": [ask(written[name], question) for question in asked]})
    return "\n".join(map(json.dumps, [*lines, {"end": "finished"}])).encode()


def test_points_in_the_plans_are_those_of_the_master():
    points = points_of(ROOT / "exercises" / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb")
    automatic, by_hand = sum(points.automatic.values()), sum(points.by_hand.values())
    assert f"Of its {automatic + by_hand:g} points, {automatic:g} are given by the checks, and {by_hand:g} by you" in (
        text_of(PLANS)
    )


def test_there_are_as_many_variants_as_the_guide_says():
    last, number = re.search(r"The numbers 0 to (\d+) give (\d+) different figures", text_of(GUIDE)).groups()
    figures = {(*names_of(variant).values(), *mirrored(START, variant)) for variant in range(int(last) + 1)}
    assert len(figures) == int(number) == int(last) + 1
    assert anonymous_paths(int(last)).paths.keys() == {"A", "B", "C", "D"}


def test_mistakes_in_the_plans_are_those_that_checks_name():
    rows = table(PLANS, "## What students get wrong")
    assert len(rows) >= 8
    for exercise, mistake, _ in rows:
        assert mistake.strip("*") in answers.WRONG[exercise.replace(" ", "_")], f"{exercise}: {mistake}"


def test_parts_of_the_chapter_that_the_plans_name_exist():
    headings = re.findall(r"^## (.+)$", text_of(ROOT / "book" / "text" / f"{ASSIGNMENT}.md"), re.MULTILINE)
    begins = {heading.split(":")[0] for heading in headings}
    named = {"See it", "Four shapes", "Five rules", "Look inside a step", "A fair race", "Break it", "Break it again"}
    assert named <= begins | set(headings)
    assert all(f"*{name}" in text_of(PLANS) for name in named)


def test_chapters_to_come_are_called_so():
    planned = re.search(r"\*\*Planned and not written yet\*\* are: (.+?)\.", text_of(PLANS))[1]
    names = [name.strip("* ").replace(" ", "_") for name in planned.split(",")]
    assert names
    written = [name for name in names if f"book/{name}" in chapters.pages()]
    assert not written, (
        f"The course plans call these planned, and they are there now; let the plans use them: {written}"
    )


def test_slopes_in_the_plan_are_those_of_the_figure():
    start = re.search(r"^IN_VALLEY = (\[.*\])$", text_of(ROOT / "book" / "text" / f"{ASSIGNMENT}.md"), re.MULTILINE)[1]
    slopes = surfaces.rosenbrock().gradient(np.array(json.loads(start)))
    assert "The slopes are {:.0f} and {:.0f},".format(*slopes) in text_of(PLANS)


def test_the_project_runs(capsys):
    (code,) = blocks(PLANS, "python")
    exec(compile(code, str(PLANS), "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["momentum", "adam"]
    steps = [float(word) for line in lines for word in re.findall(r"[\d.]+|inf", line.split("[")[1])]
    assert any(map(math.isfinite, steps)) and any(map(math.isinf, steps)), "some settle, and some do not"


def test_the_container_holds_no_solutions_and_grades_where_the_page_mounts():
    recipe, page = text_of(RECIPE), text_of(CONTAINER)
    copied = [source for line in re.findall(r"^COPY (.+)$", recipe, re.MULTILINE) for source in line.split()[:-1]]
    assert len(copied) >= 6
    for source in copied:
        assert (ROOT / source).exists(), source
        assert not source.startswith("exercises") and source != "."
    folder = re.search(r"^WORKDIR (\S+)$", recipe, re.MULTILINE)[1]
    assert page.count(f'"$PWD/exercises:{folder}/exercises"') == 2
    assert page.count(f"--file {RECIPE.relative_to(ROOT)} ") == 1
    rights = {line: re.findall(r"--cap-add (\w+)", line) for line in commands(CONTAINER) if "docker run" in line}
    assert len(rights) == 2 and len(set(map(tuple, rights.values()))) == 1
    assert all(right in table(CONTAINER, "## What keeps what from whom")[-1][1] for right in rights.popitem()[1])
