"""Exercises that ask for a function of numbers, arrays and words, whose answers are compared with the right ones.

The reference says what is right. A list of known mistakes, each a small function that makes it, says what went wrong:
the mistake whose answers are the student's. Where none is, the first wrong answer is described.
"""

import functools
import json
from collections.abc import Callable

import numpy as np

from optcourse.exercises import answers, attempts, function_diagnosis, same_answer, verdict
from optcourse.exercises.exercise import Exercise
from optcourse.exercises.mistake import Mistake
from optcourse.exercises.same_answer import Tolerance

FAILED = object()


def function_exercise(
    name: str,
    chapter: str,
    *,
    make_questions: Callable[[np.random.Generator], list[dict]],
    right: Callable,
    mistakes: tuple[Mistake, ...],
    tolerance: float = 1e-4,
    absolute: float = 1e-12,
    words: tuple[str, ...] = (),
    partial: bool = False,
    advice: str | Callable[[dict, object], str] = "",
) -> Exercise:
    """An exercise that asks for a function, and is right when it returns what `right` returns.

    >>> limit = function_exercise(
    ...     "stability_limit",
    ...     "convergence",
    ...     make_questions=lambda rng: [{"curvatures": rng.uniform(1, 30, size=3)} for _ in range(4)],
    ...     right=lambda curvatures: 2 / max(curvatures),
    ...     mistakes=(
    ...         Mistake("smallest curvature", "You divide by the smallest.", lambda curvatures: 2 / min(curvatures)),
    ...     ),
    ...     advice="The steepest direction decides.",
    ... )
    >>> asked = limit.questions()
    >>> limit.judge(asked, answers.ask_all(lambda curvatures: 2 / np.min(curvatures), asked))
    ✗ stability_limit: not yet. You divide by the smallest.

    Args:
        make_questions: from a random generator to dicts of arguments by name: numbers, words, truth values, lists. A
            list of numbers reaches the function as an array of floats, fresh for each call.
        right: the reference, called with the same arguments. It returns a number, a truth value, a word, an array, or a
            tuple or a dict of these.
        mistakes: in the order in which they are tried. An explanation may be a function of the list of questions.
        tolerance: how far a number may be from the right one, as a share of it. Beside larger numbers in one array, a
            hundredth of that share of the largest is allowed as well. Answers in single precision should pass.
        absolute: what is added to it, for numbers that are 0.
        words: the words that the function may return, where it returns a word; an unknown one is told what there is.
            Capitals, hyphens and spaces make no difference.
        partial: whether the share of the right answers counts. Otherwise it is all or nothing.
        advice: what to look at when no known mistake was made, or a function of the arguments and the answer that
            returns it: a law that the student can check by hand, not the solution.
    """
    allowed = Tolerance(tolerance, absolute)

    @functools.lru_cache(maxsize=512)
    def answer_of(function, text: str):
        return same_answer.as_read(function(**answers.as_arguments(json.loads(text))))

    def makes(mistake: Mistake, texts: list[str], found: list) -> bool:
        try:
            return all(
                same_answer.same(mine, answer_of(mistake.answer, text), allowed)
                for mine, text in zip(found, texts, strict=True)
            )
        except Exception:  # a mistake may be one that fails
            return False

    def judge(asked: list[dict], given: list[dict]) -> verdict.Verdict:
        called = [question["call"] for question in asked]
        texts = [json.dumps(arguments) for arguments in called]
        wanted = [answer_of(right, text) for text in texts]
        found, problem = [], None
        for arguments, answer in zip(called, given, strict=True):
            try:
                found.append(same_answer.read(answer))
            except ValueError:
                found.append(FAILED)
                problem = problem or attempt(name, arguments, answer, first=len(found) == 1)
        is_right = [
            mine is not FAILED and same_answer.same(mine, want, allowed)
            for mine, want in zip(found, wanted, strict=True)
        ]
        if all(is_right):
            return verdict.passed(name, remark(given))
        score = sum(is_right) / len(is_right) if partial else 0.0
        counted = function_diagnosis.counted(sum(is_right), len(is_right))

        def not_yet(mistake: str, message: str) -> verdict.Verdict:
            return verdict.not_yet(name, message + counted, mistake=mistake, score=score)

        if problem is not None:
            return problem if isinstance(problem, verdict.Verdict) else not_yet(*problem)
        for mistake in mistakes:
            if makes(mistake, texts, found):
                said = mistake.explanation
                return not_yet(mistake.name, said(called) if callable(said) else said)
        first = is_right.index(False)
        call = function_diagnosis.call_in_words(name, called[first])
        what, message = function_diagnosis.describe(call, found[first], wanted[first], allowed, words)
        law = advice
        if callable(advice):
            law = advice(answers.as_arguments(called[first]), same_answer.as_value(found[first]))
        return not_yet(what, " ".join(filter(None, [message, law, remark([given[first]])])))

    def questions(rng: np.random.Generator) -> list[dict]:
        return [{"call": written(arguments)} for arguments in make_questions(rng)]

    judge = np.errstate(all="ignore")(judge)
    return Exercise(name, chapter, questions, judge, kind="function", mistakes=mistakes)


def attempt(name: str, arguments: dict, answer: dict, *, first: bool):
    """A verdict, or a mistake and a message, where there is no answer to compare."""
    try:
        said, called = attempts.told(answer), bool(answer.get("called"))
        empty = not called or bool(answer.get("empty"))
    except AttributeError:
        said, called, empty = {"kind": "strange", "message": "nothing that can be read"}, True, False
    kind, call = said["kind"], function_diagnosis.call_in_words(name, arguments)
    if kind == "missing":
        return attempts.missing(name)
    if kind == "nothing" and empty:
        return verdict.not_attempted(name, "The function returns nothing yet.")
    if kind == "nothing":
        where = "at its end?" if first else f"in one of its branches? So it is for `{call}`."
        return "the return is missing", f"Your function returns nothing: is `return ...` missing {where}"
    if kind == "interrupted":
        return attempts.interrupted(name)
    if kind == "error":
        elsewhere = "" if first else f"It was called as `{call}`; the questions before raised nothing."
        return attempts.failed(name, said, list(arguments), elsewhere)
    what = same_answer.unreadable(answer) or "nothing that can be read"
    if not called:
        arguments = ", ".join(arguments)
        return "is not a function", f"Your answer is {what}. It should be a function, `def {name}({arguments}):`."
    within, more = "something with " if kind == "parts" else "", ""
    if "complex" in what:
        more = " Is there a root of something negative? Where the imaginary part is 0, `.real` takes it off."
    return "returns something unreadable", f"For `{call}`, your function returns {within}{what}.{more}"


def remark(given: list[dict]) -> str:
    """What to say about arguments that a function changed in place."""
    changed = {str(name): None for answer in given if isinstance(answer, dict) for name in answer.get("changed") or ()}
    if not changed:
        return ""
    names = same_answer.listed(f"`{name[:40]}`" for name in list(changed)[:5])
    return f"One remark: your function changes {names} in place, which will surprise whoever calls it twice."


def written(value):
    """Arguments as JSON can hold them, from Python's and NumPy's numbers, arrays, lists and dicts."""
    if isinstance(value, dict):
        return {str(key): written(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [written(entry) for entry in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
