"""What a submission is worth: the verdicts, the points of the master, and what people gave in the gradebook.

The table, the CSV file, the report and the feedback all show these rows, so that they cannot disagree.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from grading import results
from optcourse.exercises import verdict

PENDING = "to be graded by hand"
BY_HAND = "graded by hand"
SIGNS = verdict.SIGNS | {PENDING: "…", BY_HAND: "✎"}


@dataclass(frozen=True)
class Points:
    """The maximum of each exercise that is judged, and of each cell that people grade, in the order of the master."""

    automatic: dict[str, float]
    by_hand: dict[str, float]

    @property
    def maximum(self) -> dict[str, float]:
        return self.automatic | self.by_hand


@dataclass(frozen=True)
class Mark:
    """What the gradebook holds for an exercise: its points, or None as long as a person has to look at it.

    `person` says whether a person gave it. Points without one are nbgrader's 0 for a question left unanswered.
    """

    points: float | None
    person: bool


@dataclass(frozen=True)
class Recorded:
    """What the gradebook holds for a student: marks by exercise, and the comments that people wrote."""

    marks: dict[str, Mark] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """An exercise of one student. `points` is None where nothing was judged; `status` says why."""

    status: str
    points: float | None
    maximum: float
    automatic: bool
    message: str = ""

    @property
    def sign(self) -> str:
        return SIGNS.get(self.status, SIGNS[verdict.NOT_JUDGED])

    @property
    def text(self) -> str:
        """The points, or the reason in words."""
        if self.points is not None:
            return number(self.points)
        return f"{self.status}: {self.message}" if self.message else self.status


@dataclass(frozen=True)
class Row:
    """One submission: its result, and an entry for each exercise."""

    result: results.Result
    entries: dict[str, Entry]

    @property
    def complete(self) -> bool:
        """Whether every exercise that is judged was judged."""
        return all(entry.points is not None for entry in self.entries.values() if entry.automatic)

    @property
    def points(self) -> float | None:
        """The sum, without what is still to be graded by hand; None unless every other exercise was judged."""
        return sum(entry.points or 0.0 for entry in self.entries.values()) if self.complete else None

    @property
    def out_of(self) -> float:
        """What `points` can be at most."""
        return sum(e.maximum for e in self.entries.values() if e.automatic or e.points is not None)

    @property
    def to_grade_by_hand(self) -> list[str]:
        return [name for name, entry in self.entries.items() if entry.status == PENDING]


def points_of(master: Path) -> Points:
    """The points of an assignment, from its master: cells of tests are judged, graded answers are read by people."""
    automatic, by_hand = {}, {}
    for cell in json.loads(Path(master).read_text(encoding="utf-8"))["cells"]:
        about = cell["metadata"].get("nbgrader", {})
        if about.get("task") or (about.get("grade") and about.get("solution")):
            by_hand[about["grade_id"]] = float(about["points"])
        elif about.get("grade"):
            automatic[exercise_of(about["grade_id"])] = float(about["points"])
    return Points(automatic, by_hand)


def exercise_of(grade_id: str) -> str:
    """The exercise that a graded cell belongs to: `check_adam` tests `adam`."""
    return grade_id.removeprefix("check_")


def points_for(judged: dict | None, maximum: float) -> float | None:
    """The points for a verdict; None where there is none, or where it could not be judged."""
    score = (judged or {}).get("score")
    if score is None or not math.isfinite(score) or judged["status"] == verdict.NOT_JUDGED:
        return None
    return min(max(float(score), 0.0), 1.0) * maximum


def rows(found: Iterable[results.Result], points: Points, recorded: dict[str, Recorded] | None = None) -> list[Row]:
    """A row for each submission. `recorded` is what `gradebook.read` returns: points that people gave count first."""
    return [row_of(result, points, (recorded or {}).get(result.student, Recorded())) for result in found]


def row_of(result: results.Result, points: Points, recorded: Recorded) -> Row:
    entries = {}
    for name, maximum in points.automatic.items():
        entries[name] = judged_entry(result, name, maximum, recorded.marks.get(name))
    for name, maximum in points.by_hand.items():
        entries[name] = read_entry(result, maximum, recorded.marks.get(name))
    return Row(result, entries)


def judged_entry(result: results.Result, name: str, maximum: float, mark: Mark | None) -> Entry:
    """An exercise that is judged, unless a person has given points for it."""
    judged = result.verdicts.get(name)
    message = judged["message"] if judged else ""
    if mark and mark.person and mark.points is not None:
        return Entry(BY_HAND, mark.points, maximum, True, message)
    if judged is None:
        state = verdict.NOT_JUDGED if result.state == results.GRADED else result.state
        return Entry(state, None, maximum, True)
    return Entry(judged["status"], points_for(judged, maximum), maximum, True, message)


def read_entry(result: results.Result, maximum: float, mark: Mark | None) -> Entry:
    """An answer that a person reads."""
    if mark and mark.points is not None:
        return Entry(BY_HAND if mark.person else verdict.NOT_ATTEMPTED, mark.points, maximum, False)
    return Entry(PENDING if result.notebook else result.state, None, maximum, False)


def number(points: float) -> str:
    """Points as people write them: 2, 1.5, 0.67."""
    return f"{round(points, 2) + 0.0:g}"
