"""What the judge says about an answer."""

import html
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field

PASSED, NOT_YET, NOT_ATTEMPTED, NOT_JUDGED = "passed", "not yet", "not attempted", "could not be judged"
SIGNS = {PASSED: "✓", NOT_YET: "✗", NOT_ATTEMPTED: "○", NOT_JUDGED: "?"}

NO_PICTURE = {
    PASSED: "the answer is right, so there is nothing to compare.",
    NOT_YET: "there are no two paths in the plane to compare. Read what the check says.",
    NOT_ATTEMPTED: "there is no answer yet.",
    NOT_JUDGED: "the answer could not be judged.",
}


@dataclass(frozen=True)
class Verdict:
    """The judgement on one exercise; in a notebook it shows itself.

    `score` is the share of the points, from 0 to 1, and nan where nothing could be judged. `mistake` is a short name
    for what went wrong, the same for everybody who made that mistake; it is empty where there is none.
    """

    exercise: str
    status: str
    message: str
    score: float = 0.0
    mistake: str = ""
    draw: Callable | None = field(default=None, repr=False, compare=False)

    @property
    def passed(self) -> bool:
        return self.status == PASSED

    def points(self, maximum: float) -> float:
        """The points out of `maximum`, as nbgrader takes them from the last line of a cell of tests."""
        return 0.0 if math.isnan(self.score) else self.score * maximum

    def plot(self, ax=None):
        """Draw the path that was returned beside the right one; return the axes. Without a picture, say why."""
        if self.draw is not None:
            return self.draw(ax)
        print(f"There is no picture of {self.exercise!r}: {NO_PICTURE[self.status]}")
        return None

    def __str__(self):
        return f"{SIGNS[self.status]} {self.exercise}: {self.status}. {self.message}".rstrip()

    def __repr__(self):
        return str(self)

    def _repr_html_(self):
        head = f"<strong>{SIGNS[self.status]} {html.escape(self.exercise)}: {self.status}.</strong>"
        message = re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(self.message))
        return f"<p>{head} {message}</p>"


def passed(exercise: str, message: str = "", **more) -> Verdict:
    return Verdict(exercise, PASSED, message, 1.0, **more)


def not_yet(exercise: str, message: str, *, mistake: str, score: float = 0.0, **more) -> Verdict:
    return Verdict(exercise, NOT_YET, message, score, mistake, **more)


def not_attempted(exercise: str, message: str = "") -> Verdict:
    return Verdict(exercise, NOT_ATTEMPTED, message)


def not_judged(exercise: str, message: str) -> Verdict:
    return Verdict(exercise, NOT_JUDGED, message, math.nan)
