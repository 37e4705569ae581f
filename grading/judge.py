"""From what came out of the sandbox to a result: the only place where scores are made.

The report of a sandbox is data that a student's code may have forged. It can make answers wrong, and nothing else:
the questions are known here only, and the judge compares numbers.
"""

import json
import math

from grading import results
from grading.sandbox import Limits, Outcome
from optcourse import exercises
from optcourse.exercises import verdict

STATE_OF = {
    "timed out": results.TIMED_OUT,
    "interrupted": results.TIMED_OUT,
    "too much output": results.TOO_MUCH_OUTPUT,
    "out of memory": results.OUT_OF_MEMORY,
    "MemoryError": results.OUT_OF_MEMORY,
    "kernel died": results.KERNEL_DIED,
}


def read_report(outcome: Outcome) -> dict:
    """What the sandbox told: `cells` (status by number), `answers` and `failed` by exercise, `notebook`, `end`."""
    told = {"cells": {}, "answers": {}, "failed": {}, "notebook": None, "end": None, "why": ""}
    for line in outcome.report.splitlines():
        try:
            entry = json.loads(results.writable(json.dumps(json.loads(line), ensure_ascii=False)))
            if "cell" in entry:
                told["cells"][int(entry["cell"])] = (str(entry["status"])[:80], str(entry["error"])[:500])
            elif "exercise" in entry and "answers" in entry:
                told["answers"][str(entry["exercise"])] = list(entry["answers"])
            elif "exercise" in entry:
                told["failed"][str(entry["exercise"])] = str(entry["failed"])
            told["notebook"] = entry.get("notebook", told["notebook"])
            told["end"], told["why"] = entry.get("end", told["end"]), str(entry.get("why", ""))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue  # cut off, or forged
    return told


def ending(told: dict, outcome: Outcome, limits: Limits) -> str:
    """How the run ended: "finished", "out of memory", "timed out", "too much output" or "kernel died"."""
    if outcome.ended != "finished":
        return outcome.ended
    if told["end"] == "finished":
        return "finished"
    had_no_memory = any(status == "MemoryError" for status, _ in told["cells"].values())
    return "out of memory" if had_no_memory or outcome.memory > 0.9 * limits.memory else "kernel died"


def judge(names: list[str], questions: dict, told: dict, end: str, cell_of: dict[str, int]) -> tuple[str, dict]:
    """The state of a submission, and a verdict for each exercise.

    Args:
        names: the exercises of the assignment.
        questions: those that were put, by exercise.
        told: from `read_report`.
        end: from `ending`.
        cell_of: the cell in which an exercise is to be solved.
    """
    state, verdicts = results.GRADED, {}
    for name in names:
        given, failed = told["answers"].get(name), told["failed"].get(name)
        if given is None and failed is None and end != "finished":
            failed = end
        limit = failed if failed in STATE_OF else stopped(name, given or [], told["cells"], cell_of)
        if limit:
            state = STATE_OF[limit]
            found = verdict.not_judged(name, f"{in_words(limit).capitalize()}.")
        else:
            found = judge_one(name, questions[name], given, told["cells"], cell_of)
        verdicts[name] = as_data(found)
    return state, verdicts


def stopped(name: str, given: list, cells: dict, cell_of: dict) -> str:
    """The limit because of which answers say nothing about the student: "" where there is none."""
    kinds = [answer.get("kind") for answer in given if isinstance(answer, dict)]
    if "interrupted" in kinds:
        return "interrupted"
    if any(isinstance(answer, dict) and answer.get("error") == "MemoryError" for answer in given):
        return "MemoryError"
    if "missing" in kinds:
        own = cells.get(cell_of.get(name, -1), ("ok", ""))[0]
        others = [status for status, _ in cells.values() if status in STATE_OF]
        return own if own in STATE_OF else others[0] if others and own == "ok" else ""
    return ""


def judge_one(name: str, questions: list[dict], given: list | None, cells: dict, cell_of: dict) -> verdict.Verdict:
    """The exercise's own judgement, unless the answer is not there, or is none that the exercise's functions give."""
    status, error = cells.get(cell_of.get(name, -1), ("ok", ""))
    if given and given[0] == {"kind": "missing"} and status != "ok":
        message = f"The cell with your answer stopped with {status}{': ' if error else ''}{error}."
        return verdict.not_yet(name, message, mistake=f"the cell raises {status}")
    try:
        return exercises.get(name).judge(questions, given)
    except Exception:  # nothing that `answers.ask` gives brings a judge here
        message = "Your answer could not be read: something in the notebook replaces functions that the course needs."
        return verdict.not_yet(name, message, mistake="replaces the course's functions")


def as_data(found: verdict.Verdict) -> dict:
    score = None if math.isnan(found.score) else found.score
    mistake = "".join(filter(str.isprintable, found.mistake))[:80]
    return {"status": found.status, "score": score, "message": found.message[:2000], "mistake": mistake}


def in_words(limit: str) -> str:
    return {
        "timed out": "the code was still running when its time was over, and was stopped",
        "interrupted": "the code was still running when its time was over, and was stopped",
        "too much output": "the code printed too much, and was stopped",
        "out of memory": "the code needed more memory than there is",
        "MemoryError": "the code needed more memory than there is",
    }.get(limit, "the kernel that ran the notebook died")


def explanation(told: dict, end: str, notebook, verdicts: dict) -> str:
    """What the limits did to a submission, in words for the student: cell by cell, or else by exercise."""
    said = []
    for index, (status, _) in sorted(told["cells"].items()):
        if status in STATE_OF and 0 <= index < len(notebook.cells):
            first = (notebook.cells[index].source.strip().splitlines() or [""])[0][:60]
            said.append(f"In the cell that begins `{first}`, {in_words(status)}.")
    if said and end == "finished":
        said.append("The cells after it were run all the same.")
    elif end != "finished":
        said.append(f"The run ended early: {in_words(end)}.")
    if told["end"] == "failed":
        said.append(f"The sandbox says why: {(told['why'].strip().splitlines() or ['nothing'])[-1][:300]}")
    if not said:
        said = [f"{name}: {v['message']}" for name, v in verdicts.items() if v["status"] == verdict.NOT_JUDGED]
    return " ".join(said)
