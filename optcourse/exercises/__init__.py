"""Exercises whose checks answer in words: `check("heavy_ball", heavy_ball)`.

    questions (from a seed) --> answers (the student's code, here or in a sandbox) --> verdict (the judge's)

The three steps exchange plain data, so that a grader can put the middle one into a process that nobody trusts.
"""

from optcourse.exercises.catalogue import catalogue, check, get
from optcourse.exercises.exercise import Exercise
from optcourse.exercises.optimizer_intuition.anonymous_paths import anonymous_paths
from optcourse.exercises.verdict import Verdict
from optcourse.exercises.walk import walk

__all__ = ["Exercise", "Verdict", "anonymous_paths", "catalogue", "check", "get", "walk"]
