"""What comes out of the grader: gradebook, feedback, table, figure. Nothing that was not judged has a number."""

import base64
import contextlib
import csv
import dataclasses
import json
import re
import shutil
import sqlite3
from xml.etree import ElementTree

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.api import Gradebook
from PIL import Image

from grading.reports import feedback, gradebook, mistakes, nbgrader_steps, prose, report, scores, students
from grading.results import GRADED, KERNEL_DIED, STATES, TIMED_OUT, UNREADABLE, WRONG_NOTEBOOK, Result
from optcourse.exercises.verdict import NOT_ATTEMPTED, NOT_JUDGED, NOT_YET, PASSED

A = "walks"
POINTS = scores.Points({"gradient_descent": 2.0, "adam": 3.0}, {"why": 4.0})
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
ATTACK = (
    "<script>document.title = 'run'</script><img src='http://127.0.0.1:9/x.png' onerror=\"document.title = 'run'\">"
)
ODD_NAMES = [
    "Ånna Müller",
    "a+b@c.de",
    "../../x",
    "O'Neil, Pat",
    "=1+1",
    "a/b\\c*?[x]",
    "~41",
    "CON.",
    "王小明",
    "x\u0308",
]


def marked(cell, grade_id, *, points=None, solution=False):
    about = {"grade_id": grade_id, "grade": points is not None, "solution": solution, "task": False}
    about |= {"locked": not solution, "schema_version": 3} | ({} if points is None else {"points": points})
    cell.metadata["nbgrader"] = about
    return cell


def master(*more):
    cells = [
        new_markdown_cell("# Walks\n\nwith $\\eta < 1$ and\n\n$$\\begin{aligned} a &= b \\\\ c &= d \\end{aligned}$$")
    ]
    for name, points in POINTS.automatic.items():
        body = f"def {name}():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION"
        call = f'check("{name}", {name})'
        test = f"{call}\n### BEGIN HIDDEN TESTS\n{call}.points({points:g})\n### END HIDDEN TESTS"
        cells += [
            marked(new_code_cell(body), name, solution=True),
            marked(new_code_cell(test), f"check_{name}", points=points),
        ]
    cells += [marked(new_markdown_cell("Because."), "why", points=POINTS.by_hand["why"], solution=True), *more]
    return new_notebook(cells=cells, metadata=KERNEL)


def new_course(folder):
    (folder / "source" / A).mkdir(parents=True)
    nbformat.write(master(), folder / "source" / A / f"{A}.ipynb")
    return folder


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    """A course with an empty gradebook: to make one takes seconds, to copy it none."""
    folder = new_course(tmp_path_factory.mktemp("registered") / "course")
    record(folder)
    return folder


@pytest.fixture
def course(registered, tmp_path):
    return shutil.copytree(registered, tmp_path / "a course [1]")


def notebook(answer="My answer.", *, code="    return 2", outputs=(), extra=()):
    """A submission as the grader hands it on: repaired and executed."""
    cells = master().cells
    for cell in cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if name in POINTS.automatic:
            cell.source, cell.outputs = f"def {name}():\n{code}", list(outputs)
        elif name.startswith("check_"):
            cell.source = cell.source.splitlines()[0]
        elif name == "why":
            cell.source = answer
    return nbformat.writes(new_notebook(cells=[*cells, *extra], metadata=KERNEL))


def verdict(status=PASSED, score=1.0, message="", mistake=""):
    return {"status": status, "score": score, "message": message, "mistake": mistake}


WRONG = verdict(NOT_YET, 0.0, "Use `path.copy()` & <b>.", "shares one array")
UNJUDGED = verdict(NOT_JUDGED, None, "The time was over.")


def graded(student="ada", first=None, second=None, state=GRADED, **more):
    verdicts = {"gradient_descent": first or verdict(), "adam": second or verdict()}
    given = {"verdicts": verdicts, "notebook": notebook(), "seconds": 1.5} | more
    return Result(student, f"{student}.ipynb", state, **given)


def record(course, *results):
    gradebook.record(results, course=course, assignment=A)


def read(course):
    return gradebook.read(course=course, assignment=A)


def marks(course, student):
    return {name: mark.points for name, mark in read(course)[student].marks.items()}


@contextlib.contextmanager
def formgrader(course, student):
    """What formgrader does when a person gives points or writes a comment."""
    with gradebook.quiet(), Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        yield lambda cell: book.find_grade(cell, A, A, students.student_id(student))
        book.db.commit()


def give(course, student, cell, points):
    with formgrader(course, student) as grade_of:
        grade = grade_of(cell)
        grade.manual_score, grade.needs_manual_grade = points, False


def content(course):
    """Everything in the gradebook, without the ids that nbgrader draws."""
    with contextlib.closing(sqlite3.connect(course / "gradebook.db")) as database:
        grades = database.execute(
            "select a.student_id, c.name, g.auto_score, g.manual_score, g.needs_manual_grade from grade g "
            "join base_cell c on c.id = g.cell_id join submitted_notebook n on n.id = g.notebook_id "
            "join submitted_assignment a on a.id = n.assignment_id"
        ).fetchall()
        comments = database.execute("select auto_comment, manual_comment from comment").fetchall()
        students = database.execute("select id, first_name, last_name from student").fetchall()
        cells = database.execute("select name, source, checksum from source_cell").fetchall()
        counts = [
            database.execute(f"select count(*) from {table}").fetchone()
            for table in ("notebook", "base_cell", "comment")
        ]
    return [sorted(rows, key=repr) for rows in (grades, comments, students, cells, counts)]


# --- the gradebook


def test_points_are_read_from_the_master(course):
    assert report.points_of(course / "source" / A / f"{A}.ipynb") == POINTS


def test_verdicts_become_points_and_what_was_not_judged_becomes_none(course):
    record(course, graded(first=verdict(NOT_YET, 0.5, mistake="half"), second=UNJUDGED))
    assert marks(course, "ada") == {"gradient_descent": 1.0, "adam": None, "why": None}
    with formgrader(course, "ada") as grade_of:
        assert grade_of("check_adam").auto_score is None
        assert grade_of("check_adam").needs_manual_grade
        assert not grade_of("check_gradient_descent").needs_manual_grade


@pytest.mark.parametrize("state", [UNREADABLE, WRONG_NOTEBOOK])
def test_what_could_not_be_run_is_not_in_the_gradebook(course, state):
    record(course, Result("bob", "bob.ipynb", state, "Why."), graded())
    assert list(read(course)) == ["ada"]
    with gradebook.quiet(), Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        assert [student.id for student in book.students] == ["ada"]


def test_an_exercise_without_a_verdict_needs_a_person(course):
    record(course, dataclasses.replace(graded(state=KERNEL_DIED), verdicts={}))
    assert marks(course, "ada") == {"gradient_descent": None, "adam": None, "why": None}


def test_points_of_a_students_own_making_do_not_count(course):
    result = new_output("execute_result", {"text/plain": "3.0"}, execution_count=1)
    stored = nbformat.reads(notebook(outputs=[result]), as_version=4)
    for cell in stored.cells:
        if cell.cell_type == "code":
            cell.outputs = [result]
    copy = marked(new_code_cell("3.0", outputs=[result]), "check_adam", points=3)
    new = marked(new_code_cell("3.0", outputs=[result]), "bonus", points=100)
    stored.cells = [copy, *stored.cells, marked(new_code_cell("3.0", outputs=[result]), "check_adam", points=30), new]
    wrong = graded(first=WRONG, second=WRONG, notebook=nbformat.writes(stored))
    record(course, wrong)
    assert marks(course, "ada") == {"gradient_descent": 0.0, "adam": 0.0, "why": None}


def test_recording_twice_changes_nothing(course):
    results = [graded(), graded("bob", WRONG, UNJUDGED), Result("eve", "eve", UNREADABLE), graded("Müller, Jö+rg")]
    record(course, *results)
    before = content(course)
    record(course, *reversed(results))
    assert content(course) == before


def test_points_and_comments_of_people_stay_and_are_reviewed_only_when_something_changed(course):
    record(course, graded(second=WRONG))
    give(course, "ada", "why", 3.5)
    give(course, "ada", "check_adam", 1.0)
    with formgrader(course, "ada"), Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        book.find_comment("why", A, A, "ada").manual_comment = "Well put."
        book.db.commit()
    record(course, graded(second=WRONG))
    assert marks(course, "ada") == {"gradient_descent": 2.0, "adam": 1.0, "why": 3.5}
    assert read(course)["ada"].comments == {"why": "Well put."}

    record(course, graded(second=WRONG, notebook=notebook("Another answer.")))
    with formgrader(course, "ada") as grade_of:
        assert [grade_of("why").manual_score, grade_of("check_adam").manual_score] == [3.5, 1.0]
        assert grade_of("why").needs_manual_grade
    assert marks(course, "ada")["why"] is None


def test_an_open_question_left_as_it_was_is_nbgraders_zero(course):
    stub = "YOUR ANSWER HERE"  # nbgrader's own, without a configuration
    record(course, graded(notebook=notebook(stub)))
    assert read(course)["ada"].marks["why"] == scores.Mark(0.0, person=False)
    (row,) = scores.rows([graded()], POINTS, read(course))
    assert row.entries["why"].status == NOT_ATTEMPTED and row.to_grade_by_hand == []


def test_the_configuration_of_the_course_counts(course):
    (course / "nbgrader_config.py").write_text("c.ClearSolutions.text_stub = '*Here.*'\nc.Autograde.enabled = 1\n")
    config = (course / "nbgrader_config.py").read_text()
    (course / "nbgrader_config.py").write_text("c = get_config()\n" + config)
    record(course, graded(notebook=notebook("*Here.*")))
    assert read(course)["ada"].marks["why"].points == 0.0


def test_a_later_file_that_cannot_be_read_withdraws_points_and_keeps_those_of_people(course):
    record(course, graded())
    give(course, "ada", "why", 4.0)
    record(course, Result("ada", "ada.ipynb", UNREADABLE, "Why."))
    assert marks(course, "ada") == {"gradient_descent": None, "adam": None, "why": None}
    record(course, graded())
    assert marks(course, "ada")["adam"] == 3.0
    with formgrader(course, "ada") as grade_of:
        assert grade_of("why").manual_score == 4.0


@given(st.text(min_size=1) | st.text("a. -@~+/é", min_size=1, max_size=5))
def test_ids_are_safe_and_can_be_turned_back(name):
    identifier = students.student_id(name)
    assert students.student_name(identifier) == name
    assert identifier.isprintable() and not set(identifier) & set("+*?[]{}/\\:;,\"'<>|&%#=!$`^()")
    assert identifier == identifier.strip(" .") and identifier[0] not in "-@."


def test_odd_names_are_recorded_and_shown(course):
    record(course, *map(graded, ODD_NAMES))
    assert sorted(read(course)) == sorted(ODD_NAMES)
    assert {path.parent for path in (course / "submitted").glob("*")} == {course / "submitted"}
    with gradebook.quiet(), Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        student = book.find_student(students.student_id("O'Neil, Pat"))
        assert (student.last_name, student.first_name) == ("O'Neil", "Pat")
    assert len(feedback.write(list(map(graded, ODD_NAMES)), course=course, assignment=A)) == len(ODD_NAMES)


@pytest.mark.parametrize("step", ["_add_score", "write_single_notebook", "init_assignment"])
def test_a_run_that_was_stopped_is_repaired_by_the_next(course, registered, tmp_path, monkeypatch, step):
    results = [graded(), graded("bob", WRONG, UNJUDGED)]
    owner = nbgrader_steps.SaveVerdicts if step == "_add_score" else nbgrader_steps.Record
    original, calls = getattr(owner, step), []

    def stopped(*arguments):
        calls.append(step)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(*arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(owner, step, stopped)
        record(course, *results)
    for file in course.rglob("autograded/*/*/*.ipynb"):
        nbformat.read(file, as_version=4)
    record(course, *results)
    other = shutil.copytree(registered, tmp_path / "other")
    record(other, *results)
    assert content(course) == content(other)


def test_two_submissions_of_one_student_are_refused(course):
    with pytest.raises(ValueError, match=r"'ada' has two submissions, ada.ipynb and b.ipynb"):
        record(course, graded(), dataclasses.replace(graded(), file="b.ipynb"))


def test_a_name_that_is_too_long_for_a_folder_is_refused_at_once(course):
    with pytest.raises(ValueError, match="Rename the submission"):
        record(course, graded("+" * 100))
    record(course, graded("王" * 80))


def test_one_strange_notebook_does_not_keep_the_others_from_their_points(course):
    with pytest.raises(gradebook.NotRecorded, match="'bob' was not recorded"):
        record(course, graded("bob", notebook="{"), graded())
    assert marks(course, "ada")["adam"] == 3.0


def test_a_master_whose_cells_have_changed_is_explained(course):
    record(course, graded())
    more = marked(new_code_cell("check('rmsprop', rmsprop)"), "check_rmsprop", points=1)
    nbformat.write(master(more), course / "source" / A / f"{A}.ipynb")
    with pytest.raises(ValueError, match="Start with a new gradebook"):
        record(course, graded())


def test_an_assignment_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no assignment 'walks'"):
        record(tmp_path, graded())


def test_nbgrader_finds_its_programs_without_an_activated_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin")
    course = new_course(tmp_path / "course")
    record(course, graded())
    assert marks(course, "ada")["adam"] == 3.0


def attacked():
    outputs = [
        new_output(
            "display_data",
            {"text/html": ATTACK, "text/plain": ATTACK, "application/javascript": "document.title = 'run'"},
        ),
        new_output("display_data", {"image/svg+xml": f"<svg onload=\"document.title = 'run'\">{ATTACK}</svg>"}),
        new_output("display_data", {"image/png": f'{DOT}"><script>document.title = "run"</script>'}),
        new_output("display_data", {"image/png": base64.b64encode(f"<svg>{ATTACK}</svg>".encode()).decode()}),
        new_output("display_data", {"image/png": DOT}, metadata={"image/png": {"width": f'1">{ATTACK}'}}),
        new_output("stream", name="stdout", text=ATTACK),
        new_output("error", ename=ATTACK, evalue=ATTACK, traceback=[f"\x1b[31m{ATTACK}\x1b[0m"]),
    ]
    extra = [
        new_markdown_cell(
            f"{ATTACK}\n\n[x](javascript:document.title='run') ![y](http://127.0.0.1:9/y.png) $\\text{{{ATTACK}}}$"
        ),
        new_markdown_cell(
            f"</div></section></main><style>*{{display:none}}</style><svg><script>1</script>\n\n`{ATTACK}`"
        ),
        nbformat.v4.new_raw_cell(ATTACK, metadata={"raw_mimetype": "text/html"}),
        new_code_cell(f"# {ATTACK}", outputs=outputs),
    ]
    verdicts = {"gradient_descent": verdict(NOT_YET, 0.0, ATTACK, ATTACK), "adam": verdict()}
    return Result(
        f"eve {ATTACK}", ATTACK, GRADED, ATTACK, verdicts, notebook(ATTACK, outputs=outputs, extra=extra), 1.0
    )


def test_formgrader_is_given_nothing_that_runs(course):
    record(course, attacked())
    (path,) = course.rglob("autograded/*/*/*.ipynb")
    kinds = set()
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            assert not re.search(r"<[a-z/!?]|\]\(javascript", cell.source.replace("\\eta < 1", ""), re.IGNORECASE)
        for output in cell.get("outputs", []):
            if not cell.metadata.get("nbgrader", {}).get("grade"):
                kinds |= set(output.get("data", {}))
                assert output.get("data", {}).get("image/png", DOT) == DOT
        assert cell.cell_type != "raw" or cell.metadata.raw_mimetype == "text/plain"
    assert kinds == {"text/plain", "image/png"}


# --- feedback


def pages(course, *results):
    record(course, *results)
    return [path.read_text(encoding="utf-8") for path in feedback.write(results, course=course, assignment=A)]


def test_everybody_gets_a_page_and_those_without_a_grade_are_told_what_to_do(course):
    stopped = [
        Result("u", "u", UNREADABLE, "It is empty."),
        Result("w", "w", WRONG_NOTEBOOK, "It is another."),
        graded("t", second=UNJUDGED, state=TIMED_OUT, explanation="A loop was stopped."),
    ]
    found = pages(course, *stopped, graded())
    for page, result in zip(found, stopped, strict=False):
        assert result.explanation in page and "That does not count as 0 points" in page
        assert "What to do." in page and feedback.ADVICE[result.state].partition(" `")[0][:40] in page
        assert " points</p>" not in page
    assert "<strong>5</strong> of 5 points" in found[-1]
    assert "a person still has to read it: why (4)" in found[-1]
    assert sorted(path.relative_to(course / "feedback").as_posix() for path in course.rglob("feedback/*/*")) == [
        f"{name}/{A}.html" for name in ("ada", "t", "u", "w")
    ]


def test_every_state_has_advice():
    assert set(feedback.ADVICE) == set(STATES) - {GRADED}


def test_feedback_shows_verdicts_comments_and_points_of_people(course):
    record(course, graded(second=WRONG))
    give(course, "ada", "why", 3.5)
    with formgrader(course, "ada"), Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        book.find_comment("why", A, A, "ada").manual_comment = "Well *put*."
        book.db.commit()
    (page,) = pages(course, graded(second=WRONG))
    assert "<strong>5.5</strong> of 9 points" in page
    assert "Use <code>path.copy()</code> &amp; &lt;b&gt;." in page
    assert "Well <em>put</em>." in page
    assert "HIDDEN TESTS" not in page


def test_long_outputs_are_shortened_and_pages_are_small(course):
    lines = "\n".join(f"line {number}" for number in range(100_000))
    outputs = [new_output("stream", name="stdout", text=lines), new_output("stream", name="stdout", text="x" * 10**6)]
    (page,) = pages(course, graded(notebook=notebook(outputs=outputs)))
    assert len(page) < 60_000
    assert "line 0\n" in page and "line 99999" in page and "99940 lines left out" in page


def test_a_notebook_without_end_is_cut(course):
    extra = [new_markdown_cell("\\\\[" * 4000), *[new_markdown_cell(f"cell {number}") for number in range(5000)]]
    (path,) = feedback.write([graded(notebook=notebook(extra=extra))], course=course, assignment=A)
    page = path.read_text(encoding="utf-8")
    assert "cell 100<" in page and "cell 4999" not in page
    assert re.search(r"The rest is left out: \d+ cells\.", page)


def opened(browser, path, **options):
    """A page as a browser shows it: the page, and what it asked for."""
    tab = browser.new_context(**options).new_page()
    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(path.as_uri())
    tab.wait_for_timeout(200)
    return tab, [url for url in asked if not url.startswith("data:") and url != path.as_uri()]


@pytest.mark.parametrize("policy", [True, False])
def test_nothing_in_a_page_runs_or_is_loaded(course, browser, policy):
    """Neither with the policy that forbids it nor, should a browser not know it, without."""
    result = attacked()
    record(course, result)
    paths = feedback.write([result], course=course, assignment=A)
    report.write([result], POINTS, course)
    for path in [*paths, course / "report.html"]:
        page = path.read_text(encoding="utf-8")
        assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in page
        if not policy:
            path.write_text(re.sub(r"<meta http-equiv[^>]*>", "", page), encoding="utf-8")
        tab, asked = opened(browser, path)
        assert asked == []
        assert tab.title() not in ("", "run")
        assert tab.evaluate("document.querySelectorAll('script, iframe, svg, link, object, embed, form').length") == 0
        assert (
            tab.evaluate(
                "[...document.querySelectorAll('*')].some(e => [...e.attributes].some(a => /^on/i.test(a.name)))"
            )
            is False
        )
        assert tab.evaluate("[...document.images].every(i => i.src.startsWith('data:image/'))")
        assert tab.evaluate(
            "[...document.querySelectorAll('a[href]')].every(a => /^(https?:|mailto:|file:.*#)/.test(a.href))"
        )
        assert tab.locator("text=document.title").first.is_visible()
        tab.context.close()


def test_pages_fit_a_phone_and_follow_the_light(course, browser):
    results = [graded("a+b", WRONG), graded("x" * 80, UNJUDGED), Result("u", "u" * 80, UNREADABLE, "Why.")]
    record(course, *results)
    paths = feedback.write(results, course=course, assignment=A)
    report.write(results, POINTS, course)
    for path in (*paths, course / "report.html"):
        for scheme in ("light", "dark"):
            tab, _ = opened(browser, path, viewport={"width": 360, "height": 700}, color_scheme=scheme)
            assert tab.evaluate("document.documentElement.scrollWidth") <= 360
            back, ink = (
                tab.evaluate(f"getComputedStyle(document.body).{name}") for name in ("backgroundColor", "color")
            )
            assert (brightness(back) > brightness(ink)) == (scheme == "light")
            tab.context.close()


def brightness(color):
    return sum(map(int, re.findall(r"\d+", color)[:3]))


def test_formulas_are_drawn_without_the_network(course, browser):
    record(course, graded())
    (path,) = feedback.write([graded()], course=course, assignment=A)
    tab, _ = opened(browser, path)
    sizes = tab.evaluate("[...document.querySelectorAll('math')].map(e => e.getBoundingClientRect().height)")
    assert len(sizes) == 2 and min(sizes) > 10
    assert tab.evaluate("document.querySelectorAll('math[display=block] mtr').length") == 2
    tab.context.close()


@given(st.text(alphabet=r"\{}[]()^_&$<>'\" abexfrctilmn1" + "θ", max_size=40))
def test_whatever_stands_in_a_formula_becomes_harmless_markup(tex):
    root = ElementTree.fromstring(prose.mathml(tex))
    assert {element.tag for element in root.iter()} <= {*prose.MATH_TAGS.split(), "code"}
    assert {name for element in root.iter() for name in element.attrib} <= {*prose.MATH_ATTRIBUTES.split(), "class"}


@given(st.text(alphabet="<>/!-='\"`[]()&;:$* \n" + "aimgscriptvonejx", max_size=60))
def test_whatever_stands_in_markdown_becomes_harmless_markup(text):
    tags = set(re.findall(r"<([^\s>/]+)", prose.to_html(text).replace("</", "<")))
    assert tags <= {*prose.TAGS.split(), *prose.MATH_TAGS.split()}


# --- the table and the report

verdicts = st.sampled_from(
    [verdict(), WRONG, UNJUDGED, verdict(NOT_ATTEMPTED, 0.0), verdict(NOT_YET, 0.5, "m", "half")]
)
classes = st.lists(
    st.builds(
        lambda state, first, second, ran: (
            graded(state=state, first=first, second=second)
            if ran or state == GRADED
            else Result("x", "x.ipynb", state, "Why.")
        ),
        st.sampled_from(STATES),
        verdicts,
        verdicts,
        st.booleans(),
    ),
    max_size=6,
).map(lambda found: [dataclasses.replace(result, student=f"s{place}") for place, result in enumerate(found)])


def lines_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@given(found=classes)
def test_nothing_that_was_not_judged_has_a_number(tmp_path_factory, found):
    path = tmp_path_factory.mktemp("csv") / "grades.csv"
    report.write_csv(found, POINTS, path)
    lines = lines_of(path)
    assert len(lines) == len(found)
    for line, result in zip(lines, found, strict=True):
        judged = {name: entry["score"] for name, entry in result.verdicts.items() if entry["score"] is not None}
        for name, maximum in POINTS.automatic.items():
            if name in judged:
                assert float(line[name]) == pytest.approx(judged[name] * maximum)
            else:
                assert not re.search(r"^\W*\d", line[name]) and line[name]
        if len(judged) == len(POINTS.automatic):
            assert float(line["points"]) == pytest.approx(sum(float(line[name]) for name in POINTS.automatic))
        else:
            assert line["points"] == ""
        assert line["out_of"] == "5"
        assert line["to_grade_by_hand"] == ("why" if result.notebook else "")


@given(found=classes)
def test_table_and_csv_agree(tmp_path_factory, found):
    path = tmp_path_factory.mktemp("csv") / "grades.csv"
    report.write_csv(found, POINTS, path)
    shown = report.table(found, POINTS).splitlines()
    starts = [match.start() for match in re.finditer(r"(?<!\S)(out of|\S+)", shown[0])]
    for line, row in zip(lines_of(path), shown[1:], strict=False):
        cells = [row[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]
        assert cells[:4] == [line[key] for key in ("student", "state", "points", "out_of")]
        for cell, name in zip(cells[4:], POINTS.maximum, strict=True):
            number = cell.partition(" ")[2]
            assert number == (line[name] if re.fullmatch(r"[\d.]+", line[name]) else "")


@settings(max_examples=25, deadline=None)  # each draws a figure
@given(found=classes)
def test_the_figure_shows_the_counts(found):
    counted = mistakes.count_mistakes(found)
    names = {name for result in found for name in result.verdicts}
    assert set(counted) == names
    figure = mistakes.draw_mistakes(counted)
    for ax, (name, counts) in zip(figure.axes, counted.items(), strict=True):
        assert sum(counts.values()) == len(found)
        assert sum(bar.get_width() for bar in ax.patches) == len(found)
        passed = sum(result.verdicts.get(name, {}).get("status") == PASSED for result in found)
        assert counts.get((PASSED, ""), 0) == passed
        labels = [label.get_text().replace("\n", " ") for label in ax.get_yticklabels()]
        drawn = dict(zip(labels, [bar.get_width() for bar in ax.patches], strict=True))
        assert drawn == {label: number for _, label, number in mistakes.bars(counts)}
        assert [text.get_text() for text in ax.texts] == [str(number) for number in drawn.values()]


def test_rare_mistakes_share_a_bar():
    found = [graded(f"s{i}", verdict(NOT_YET, 0.0, "m", f"mistake {i % 20:02d}")) for i in range(200)]
    counts = mistakes.count_mistakes(found)["gradient_descent"]
    drawn = mistakes.bars(counts)
    assert len(counts) == 20 and len(drawn) == mistakes.MOST + 1
    assert drawn[-1] == (NOT_YET, "13 further mistakes", 130)
    assert sum(number for _, _, number in drawn) == 200


def test_the_bars_can_be_told_apart_without_colour():
    looks = {
        (look["hatch"], round(Image.new("RGB", (1, 1), look["color"]).convert("L").getpixel((0, 0)), -1))
        for look in mistakes.LOOKS.values()
    }
    assert len({hatch for hatch, _ in looks}) == len(mistakes.LOOKS)


def test_the_figure_says_in_words_what_it_shows(tmp_path):
    words = report.write_mistakes([graded(second=WRONG), graded("bob")], tmp_path / "mistakes.png")
    assert "adam: passed 1, shares one array 1." in words
    assert Image.open(tmp_path / "mistakes.png").text["Description"] == words
    assert (tmp_path / "mistakes.txt").read_text(encoding="utf-8") == words + "\n"


@pytest.mark.parametrize("number", [0, 1, 200])
def test_classes_of_any_size(tmp_path, number):
    report.write([graded(f"s{i}", WRONG) for i in range(number)], POINTS, tmp_path)
    assert len(lines_of(tmp_path / "grades.csv")) == number
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count('<th scope="row">') == number
    assert len(page) < 400_000
    with Image.open(tmp_path / "mistakes.png") as picture:
        assert picture.width <= 800


def test_a_class_with_nothing_judged(tmp_path):
    report.write([Result("u", "u", UNREADABLE, "It is empty.")], POINTS, tmp_path)
    assert "It is empty." in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert (tmp_path / "mistakes.txt").read_text() == "Nothing could be judged.\n"


@pytest.mark.parametrize("name", ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1"])
def test_no_spreadsheet_takes_a_name_for_a_formula(tmp_path, name):
    result = dataclasses.replace(graded(name), explanation=name)
    report.write_csv([result], POINTS, tmp_path / "grades.csv")
    (line,) = lines_of(tmp_path / "grades.csv")
    for column in ("student", "file", "explanation"):
        assert line[column].startswith("'") and name.strip()[:2] in line[column][:4]


def test_names_do_not_steer_a_terminal():
    assert "\x1b" not in report.table([graded("\x1b[31mred"), Result("\x1b[2J", "x", UNREADABLE, "\x07")], POINTS)


def test_points_that_people_gave_are_counted(course, tmp_path):
    results = [graded(second=UNJUDGED), graded("bob")]
    record(course, *results)
    give(course, "ada", "why", 3.0)
    give(course, "ada", "check_adam", 1.5)
    report.write(results, POINTS, tmp_path, recorded=read(course))
    ada, bob = lines_of(tmp_path / "grades.csv")
    assert (ada["points"], ada["out_of"], ada["to_grade_by_hand"], ada["adam"], ada["why"]) == (
        "6.5",
        "9",
        "",
        "1.5",
        "3",
    )
    assert (bob["points"], bob["out_of"], bob["to_grade_by_hand"]) == ("5", "5", "why")
    with gradebook.quiet(), Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        assert book.find_submission(A, "ada").score == 6.5


def test_the_report_explains_mistakes_in_the_words_of_a_verdict(tmp_path):
    report.write_report([graded(second=WRONG), graded("b", WRONG, WRONG)], POINTS, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "shares one array</strong> (2). Use <code>path.copy()</code> &amp; &lt;b&gt;." in page
    assert "2 graded." in page


def test_results_can_come_from_a_file(course):
    """They are kept as JSON between two runs of the grader."""
    again = Result(**json.loads(json.dumps(dataclasses.asdict(graded(second=UNJUDGED)))))
    record(course, again)
    assert marks(course, "ada")["adam"] is None
