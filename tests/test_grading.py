"""The grader on a class of students: honest, mistaken, unlucky and hostile."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import classroom
import nbformat
import psutil
import pytest
from classroom import ASSIGNMENT, NAMES, RELEASE

from grading import judge, pipeline, results, walls
from grading.pipeline import Assignment, grade
from grading.repair import WrongNotebook, restore
from grading.results import Result, Results
from grading.sandbox import MB, Limits, Sandbox
from grading.submissions import Unreadable, assignment_in, choose, find, student_of

ROOT = RELEASE.parents[2]
STUDENTS = {student.name: student for student in classroom.students()}
SEED = "a private seed of the tests"
LIMITS = Limits(time=150, cell_time=20, memory=1500 * MB)


@pytest.fixture(scope="module")
def sandbox():
    """Walls around students' code. Without bubblewrap what needs them is skipped, and fails in CI."""
    sandbox = Sandbox()
    if sandbox.weakness:
        if os.environ.get("CI"):
            pytest.fail(sandbox.weakness)
        pytest.skip(sandbox.weakness)
    return sandbox


@pytest.fixture(scope="module")
def graded(sandbox, tmp_path_factory):
    """The result of every student, by name."""
    here = tmp_path_factory.mktemp("class")
    folder = classroom.hand_in(here / "submissions", list(STUDENTS.values()))
    assignment = Assignment(ASSIGNMENT, RELEASE, SEED)
    return {result.student: result for result in grade(folder, assignment, keep_in=here / "kept", limits=LIMITS)}


def test_the_class_is_large_enough():
    assert len(STUDENTS) >= 24


def test_everybody_gets_a_result(graded):
    assert set(graded) == set(STUDENTS)


@pytest.mark.parametrize("student", STUDENTS.values(), ids=STUDENTS)
def test_state_and_scores(graded, student):
    result = graded[student.name]
    assert result.state == student.state, result
    scores = [result.verdicts[name]["score"] for name in NAMES] if result.verdicts else None
    assert scores == (student.scores and list(student.scores)), result.verdicts
    for name, text in student.says.items():
        if name:
            verdict = result.verdicts[name]
            assert text in verdict["message"] or text == verdict["mistake"], verdict
        else:
            assert text in result.explanation
    if result.state == "graded":
        assert None not in scores
    else:
        assert result.explanation or any(verdict["score"] is None for verdict in result.verdicts.values())


def test_nothing_that_could_not_be_judged_has_a_number(graded):
    for result in graded.values():
        for verdict in result.verdicts.values():
            assert (verdict["score"] is None) == (verdict["status"] == "could not be judged")
            assert verdict["message"] or verdict["status"] == "passed"


def test_the_hostile_found_nothing(graded):
    outputs = json.loads(graded["reads the master"].notebook)["cells"]
    text = json.dumps([output for cell in outputs for output in cell.get("outputs", [])])
    assert "FOUND []" in text
    assert graded["evades limits"].notebook.count("REFUSED") >= 6  # three in the code, three in what it printed
    network = json.dumps(json.loads(graded["network"].notebook))
    assert "URLError" in network and "unreachable" in network


def test_nothing_is_left_running(graded):
    ours = [process for process in psutil.process_iter(["cmdline"]) if "/inside.py" in (process.info["cmdline"] or [])]
    assert not [process for process in ours if process.status() != psutil.STATUS_ZOMBIE]


def test_nobody_holds_up_the_rest_for_longer_than_the_limit(graded):
    assert all(result.seconds < LIMITS.time + 10 for result in graded.values())


def test_the_notebook_that_is_recorded_has_every_cell_of_the_assignment_and_no_outputs_in_tests(graded):
    wanted = {cell.metadata.nbgrader.grade_id for cell in classroom.release().cells if "nbgrader" in cell.metadata}
    released = {
        cell.metadata.nbgrader.grade_id: cell for cell in classroom.release().cells if "nbgrader" in cell.metadata
    }
    for result in graded.values():
        if not result.notebook:
            continue
        cells = [cell for cell in nbformat.reads(result.notebook, 4).cells if "nbgrader" in cell.metadata]
        assert sorted(cell.metadata.nbgrader.grade_id for cell in cells) == sorted(wanted), result.student
        for cell in cells:
            if not cell.metadata.nbgrader.solution:
                assert cell.source == released[cell.metadata.nbgrader.grade_id].source
                assert not cell.get("outputs")


def test_functions_and_values_are_graded_as_methods_are(sandbox, tmp_path):
    name = classroom.other_kinds()
    class_ = {student.name: student for student in classroom.small_class(name)}
    folder = classroom.hand_in(tmp_path / "in", list(class_.values()))
    assignment = Assignment(name, classroom.FOLDER / f"{name}.ipynb", SEED)
    limits = Limits(time=150, cell_time=8, memory=1500 * MB)
    for result in grade(folder, assignment, keep_in=tmp_path / "kept", limits=limits):
        student = class_[result.student]
        assert result.state == student.state, result
        scores = tuple(verdict["score"] for verdict in result.verdicts.values())
        assert scores == student.scores if student.scores else max(scores) < 1, result.verdicts
        for exercise, text in student.says.items():
            verdict = result.verdicts[exercise]
            assert text in verdict["message"] or text == verdict["mistake"], verdict


def test_another_seed_asks_other_questions_and_gives_the_same_grades(sandbox, tmp_path, graded):
    folder = classroom.hand_in(tmp_path / "in", [STUDENTS["right"], STUDENTS["mistake 0"]])
    assignment = Assignment(ASSIGNMENT, RELEASE, "another seed")
    assert assignment.questions() != Assignment(ASSIGNMENT, RELEASE, SEED).questions()
    for result in grade(folder, assignment, keep_in=tmp_path / "kept", limits=LIMITS):
        assert {name: verdict["score"] for name, verdict in result.verdicts.items()} == {
            name: verdict["score"] for name, verdict in graded[result.student].verdicts.items()
        }


def test_results_are_found_again_and_only_for_the_same(sandbox, tmp_path):
    folder = classroom.hand_in(tmp_path / "in", [STUDENTS["empty file"], STUDENTS["not JSON"]])
    told = []

    def run(seed="one"):
        told.clear()
        grade(
            folder,
            Assignment(ASSIGNMENT, RELEASE, seed),
            keep_in=tmp_path / "kept",
            limits=LIMITS,
            on_result=lambda result, known: told.append(known),
        )
        return list(told)

    assert run() == [False, False]
    assert run() == [True, True]
    (folder / "empty file.ipynb").write_bytes(b" \n")
    assert sorted(run()) == [False, True]
    assert run("two") == [False, False]


def test_a_grader_that_is_killed_goes_on_where_it_was(sandbox, tmp_path):
    names = ["right", "right differently 1", "right differently 2", "metadata stripped"]
    folder = classroom.hand_in(tmp_path / "in", [STUDENTS[name] for name in names])
    script = (
        "import sys; from pathlib import Path; from grading.pipeline import Assignment, grade\n"
        f"grade(Path({str(folder)!r}), Assignment({ASSIGNMENT!r}, Path({str(RELEASE)!r}), 's'), jobs=1,"
        f" keep_in=Path({str(tmp_path / 'kept')!r}), on_result=lambda r, known: print(r.student, known, flush=True))"
    )
    command = [sys.executable, "-c", script]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    first = process.stdout.readline()
    assert first.endswith("False\n")
    time.sleep(1)  # into the next submission
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").glob("*.json")}
    assert 1 <= len(kept) < len(names)

    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(again) == len(names) and {line.rsplit(" ", 1)[0] for line in again} == set(names)
    assert sum(line.endswith("True") for line in again) == len(kept)
    assert all(path.stat().st_mtime_ns == before for path, before in kept.items())


def test_without_bubblewrap_the_limits_hold_all_the_same(tmp_path):
    sandbox = Sandbox()
    sandbox.bubblewrap = []
    class_ = [STUDENTS[name] for name in ("right", "loop in the function", "memory bomb", "kernel killed")]
    folder = classroom.hand_in(tmp_path / "in", class_)
    assignment = Assignment(ASSIGNMENT, RELEASE, SEED)
    limits = Limits(time=100, cell_time=10, memory=1500 * MB)
    for result in grade(folder, assignment, keep_in=tmp_path / "kept", limits=limits, sandbox=sandbox):
        assert result.state == STUDENTS[result.student].state, result


def test_a_machine_without_bubblewrap_is_told_so(monkeypatch):
    monkeypatch.setattr(walls.shutil, "which", lambda name: None)
    walls.find_bubblewrap.cache_clear()
    try:
        found, weakness = walls.find_bubblewrap()
    finally:
        walls.find_bubblewrap.cache_clear()
    assert found == [] and "can read this user's files" in weakness


def test_a_limit_on_time_ends_everything(sandbox):
    limits = Limits(time=3, cell_time=60)
    job = pipeline.make_job(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("while True: pass")]),
        {},
        sandbox.limits_inside(limits),
    )
    outcome = sandbox.run(job, limits, threading.Event())
    assert outcome.ended == "timed out" and outcome.seconds < 20


def test_stopping_the_grader_stops_the_sandboxes(sandbox):
    limits, stop = Limits(), threading.Event()
    stop.set()
    assert sandbox.run(b"{}" * 10, limits, stop).ended in ("stopped", "finished")


# --- finding and repairing, without running anything


@pytest.mark.parametrize(
    "path, student",
    [
        ("ada.ipynb", "ada"),
        ("ada (1).ipynb", "ada (1)"),
        ("optimizer_intuition.ipynb", "optimizer_intuition"),
        ("Copy of optimizer_intuition.ipynb", "Copy of"),
        ("lovelaceada_15_99_optimizer_intuition-1.ipynb", "lovelaceada_15_99"),
        ("ada/optimizer_intuition/optimizer_intuition.ipynb", "ada"),
        ("Zoë Müller_4711_assignsubmission_file_/x.ipynb", "Zoë Müller"),
    ],
)
def test_students_are_known_by_their_files(path, student):
    assert student_of(Path(path), ASSIGNMENT) == student


def test_hidden_files_and_links_are_no_submissions(tmp_path):
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / ".ipynb_checkpoints" / "ada.ipynb").write_text("{}")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "ada.ipynb").write_text("{}")
    with pytest.raises(FileNotFoundError, match="holds no files"):
        find(tmp_path, ASSIGNMENT)
    (tmp_path / "link.ipynb").symlink_to("/etc/passwd")
    with pytest.raises(Unreadable, match="no file in it"):
        one(tmp_path)
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        find(tmp_path / "nowhere", ASSIGNMENT)


def one(folder):
    (found,) = find(folder, ASSIGNMENT)
    return choose(found, classroom.release(), ASSIGNMENT)


def test_the_notebook_of_the_assignment_is_found_among_several(tmp_path):
    good = classroom.dump(classroom.fill(classroom.right()))
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "other.ipynb").write_bytes(STUDENTS["another course"].content)
    (tmp_path / "ada" / "mine.ipynb").write_bytes(good)
    (tmp_path / "ada" / "notes.txt").write_text("see the notebook")
    assert one(tmp_path).cells
    (tmp_path / "ada" / "again.ipynb").write_bytes(good)
    assert one(tmp_path).cells  # twice the same is no question
    (tmp_path / "ada" / "again.ipynb").write_bytes(classroom.dump(classroom.release()))
    with pytest.raises(WrongNotebook, match="several notebooks"):
        one(tmp_path)


def test_the_assignment_is_the_one_that_most_notebooks_belong_to(tmp_path):
    assert assignment_in(tmp_path) == assignment_in(tmp_path / "nowhere") == ""
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "mine.ipynb").write_bytes(STUDENTS["another chapter"].content)
    assert assignment_in(tmp_path) == "schedulers"
    (tmp_path / "bob.ipynb").write_bytes(STUDENTS["from Colab"].content)  # without the course's metadata
    (tmp_path / "cem.ipynb").write_bytes(classroom.dump(classroom.release()))
    (tmp_path / "notes.txt").write_text("nothing")
    assert assignment_in(tmp_path) == ASSIGNMENT


@pytest.mark.parametrize(
    "content, why", [(b"", "empty"), (b"{}", "cannot be read"), (b"[" * 100_000, "cannot be read")]
)
def test_what_is_no_notebook_is_unreadable(tmp_path, content, why):
    (tmp_path / "ada.ipynb").write_bytes(content)
    with pytest.raises(Unreadable, match=why):
        one(tmp_path)


def test_a_pdf_is_unreadable_and_says_what_to_hand_in(tmp_path):
    (tmp_path / "ada.pdf").write_bytes(b"%PDF")
    with pytest.raises(Unreadable, match=r"Hand in the \.ipynb file"):
        one(tmp_path)


def test_nobody_is_lost_by_a_strange_name(tmp_path):
    (tmp_path / "_anna.ipynb").write_bytes(b"{}")
    (tmp_path / "empty folder").mkdir()
    (tmp_path / ("x" * 240 + ".ipynb")).write_bytes(b"{}")
    (tmp_path / ("x" * 239 + "y.ipynb")).write_bytes(b"{}")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/M\xfcller.ipynb")).write_bytes(b"{}")
    found = find(tmp_path, ASSIGNMENT)
    assert len({submission.student for submission in found}) == 5
    for submission in found:
        submission.fingerprint(), submission.file.encode(), submission.student.encode()
        with pytest.raises(Unreadable):
            choose(submission, classroom.release(), ASSIGNMENT)


def test_what_cannot_be_read_or_is_endless_is_unreadable(tmp_path, monkeypatch):
    path = tmp_path / "ada.ipynb"
    path.write_bytes(classroom.dump(classroom.with_cell("x\n" * 60_000)))
    with pytest.raises(Unreadable, match="A cell has more than"):
        one(tmp_path)
    path.write_bytes(
        classroom.dump(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x") for _ in range(1001)]))
    )
    with pytest.raises(Unreadable, match="more than 1000 cells"):
        one(tmp_path)

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(Unreadable, match="Permission denied"):
        one(tmp_path)


def test_nbgraders_own_folder_is_not_graded_in_place(tmp_path):
    (tmp_path / "source" / ASSIGNMENT).mkdir(parents=True)
    (tmp_path / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").write_text("{}")
    (tmp_path / "submitted" / "ada").mkdir(parents=True)
    command = [sys.executable, "-m", "grading", str(tmp_path / "submitted"), "--course", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "Copy it elsewhere" in done.stdout


def test_an_old_notebook_format_is_read(tmp_path):
    notebook = nbformat.convert(classroom.without_metadata(classroom.fill(classroom.right())), 3)
    (tmp_path / "ada.ipynb").write_text(json.dumps(notebook))
    assert "velocity" in "".join(cell.source for cell in one(tmp_path).cells)


def test_repairing_what_is_whole_changes_nothing():
    notebook = classroom.fill(classroom.right())
    before = [cell.source for cell in notebook.cells]
    notebook.metadata.setdefault("optcourse", {})
    assert [cell.source for cell in restore(notebook, classroom.release(), ASSIGNMENT).cells] == before


def test_edited_tests_are_as_they_were_released():
    notebook = classroom.fill(classroom.right())
    index = classroom.cell_of(notebook, "check_adam")
    notebook.cells[index].source = "print('passed')"
    repaired = restore(notebook, classroom.release(), ASSIGNMENT)
    assert repaired.cells[index].source == classroom.release().cells[index].source


# --- the judge and the store, on data alone


def test_the_judge_survives_any_report():
    lines = [b"", b"[]", b"7", b'{"cell": "x"}', b'{"exercise": [], "answers": 3}', b"\xff\xfe", b'{"notebook": 3}']
    outcome = pipeline.Outcome(b"\n".join(lines), "finished", 1.0, 0)
    told = judge.read_report(outcome)
    state, verdicts = judge.judge(["adam"], {"adam": [{}]}, told, judge.ending(told, outcome, LIMITS), {})
    assert state == results.KERNEL_DIED
    assert verdicts["adam"]["score"] is None


@pytest.mark.parametrize(
    "forged", [[], [None], [{"kind": "numbers"}] * 9, [{"kind": "passed", "score": 1}], "passed", [[]]]
)
def test_forged_answers_gain_nothing(forged):
    questions = Assignment(ASSIGNMENT, RELEASE, SEED).questions()
    told = {"cells": {}, "answers": dict.fromkeys(NAMES, forged), "failed": {}}
    _, verdicts = judge.judge(list(NAMES), questions, told, "finished", {})
    assert all(not verdict["score"] and verdict["status"] != "passed" for verdict in verdicts.values())


def test_a_result_is_stored_whole_or_not_at_all(tmp_path):
    store = Results(tmp_path)
    result = Result("ada", "ada.ipynb", "graded", verdicts={"adam": {"score": 1.0}})
    store.keep(result, "key")
    assert store.find("ada.ipynb", "key") == result
    assert store.find("ada.ipynb", "another key") is None
    assert store.find("bob.ipynb", "key") is None
    (path,) = tmp_path.glob("*.json")
    path.write_text(path.read_text()[:50])
    assert store.find("ada.ipynb", "key") is None
