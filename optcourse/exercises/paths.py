"""Exercises that ask for a method: a function that returns every point it visits.

The production optimizer says what is right. A list of known mistakes, each a small function that makes it, says what
went wrong: the mistake whose path is the student's path. Where none is, the first wrong step is described in numbers.
"""

import functools
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import optcourse as oc
from optcourse.exercises import answers, path_diagnosis, path_form, verdict
from optcourse.exercises.exercise import Exercise
from optcourse.exercises.mistake import Mistake
from optcourse.exercises.same_path import same


@dataclass(frozen=True)
class OtherForm:
    """Another form of the same method, whose points are others.

    Args:
        name: with its article, such as "the classical form".
        remark: what somebody is told who passes with it.
        points: a function of the production optimizer's `Trajectory`, which returns as many points.
    """

    name: str
    remark: str
    points: Callable


def path_exercise(
    name: str,
    chapter: str,
    *,
    optimizer: Callable,
    make_questions: Callable,
    mistakes: tuple[Mistake, ...],
    also_right: tuple["OtherForm", ...] = (),
    advice: Callable[[dict, int], str] | None = None,
) -> Exercise:
    """An exercise that is right when it takes the steps of a production optimizer.

    Args:
        optimizer: the factory, called with a question's hyperparameters.
        make_questions: from a random generator to questions (see `question`). The first should be in two dimensions,
            and starts should not lie at minima.
        mistakes: in the order in which they are tried.
        also_right: further forms of the method, which count as well.
        advice: what to look at when no known mistake was made, from the question and the number of the first wrong
            step: a law that the student can check by hand.
    """

    @functools.lru_cache(maxsize=64)
    def run(text: str):
        asked = json.loads(text)
        surface = answers.surface_of(asked)
        return oc.run(optimizer(**asked["hyperparameters"]), surface, asked["start"], steps=asked["steps"])

    def judge(asked: list[dict], given: list[dict]) -> verdict.Verdict:
        walked = [run(json.dumps(question, sort_keys=True)) for question in asked]
        right, paths = [walk.params for walk in walked], []
        given = [path_form.readable(answer) for answer in given]
        for question, answer, points in zip(asked, given, right, strict=True):
            problem = path_form.attempt(name, question, answer, first=not paths)
            if problem is None:
                paths.append(path_form.points_of(answer, points.shape))
                problem = path_form.form(name, paths[-1], answer, points)
            if problem is not None:
                return problem
        if all(map(same, paths, right)):
            return verdict.passed(name, remarks(given))
        forms = {"": right}
        for form in also_right:
            forms[form.name] = list(map(form.points, walked))
            if all(map(same, paths, forms[form.name])):
                return verdict.passed(name, f"{form.remark} {remarks(given)}".strip())
        return path_diagnosis.diagnose(name, asked, paths, forms, mistakes, advice)

    judge = np.errstate(all="ignore")(judge)
    return Exercise(name, chapter, make_questions, judge, kind="path", mistakes=mistakes)


def question(surface: str, start, *, steps: int, arguments: dict | None = None, **hyperparameters) -> dict:
    """A question that `answers.ask` can put to a function: where to start, on what, with which settings."""
    return {
        "surface": surface,
        "arguments": arguments or {},
        "start": [float(x) for x in start],
        "hyperparameters": {key: float(value) for key, value in hyperparameters.items()},
        "steps": int(steps),
    }


def follow(rule: Callable) -> Callable:
    """A path from a rule, a generator function `rule(gradient, start, ...)` that yields one point after another."""

    def path(gradient, start, *, steps, **settings):
        return np.array([start, *itertools.islice(rule(gradient, start, **settings), steps)])

    return path


def remarks(given: list[dict]) -> str:
    """What to say to a solution that is right all the same."""
    if any(answer.get("start_changed") for answer in given):
        return "One remark: your function changes `start` in place, which will surprise whoever calls it twice."
    return ""
