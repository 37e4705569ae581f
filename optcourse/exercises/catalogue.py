"""Every exercise by name, and `check`, which a notebook calls."""

import functools
import os

from optcourse.exercises import (
    adaptive_methods,
    answers,
    convergence,
    hyperparameter_sensitivity,
    mixed_precision,
    optimizer_intuition,
    pathological_cases,
    schedulers,
    verdict,
)
from optcourse.exercises.exercise import PUBLIC_SEED, Exercise
from optcourse.suggestions import did_you_mean

CHAPTERS = (
    optimizer_intuition,
    convergence,
    adaptive_methods,
    hyperparameter_sensitivity,
    schedulers,
    mixed_precision,
    pathological_cases,
)
NO_ANSWER = object()


@functools.cache
def catalogue() -> dict[str, Exercise]:
    """Every exercise by name, in the order of the book."""
    return {exercise.name: exercise for chapter in CHAPTERS for exercise in chapter.EXERCISES}


def get(name: str) -> Exercise:
    """The exercise called `name`; a KeyError suggests the nearest right name."""
    known = catalogue()
    if name not in known:
        raise KeyError(f"There is no exercise {name!r}.{did_you_mean(name, known)} There are: {', '.join(known)}.")
    return known[name]


def check(name: str, answer=NO_ANSWER, *, seed: str | None = None, **given) -> verdict.Verdict:
    """Judge an answer, in words. Never raises.

    >>> from optcourse.exercises import check
    >>> check("gradient_descent", lambda gradient, start, learning_rate, steps: None)
    ○ gradient_descent: not attempted. The function returns nothing yet.

    Args:
        name: of the exercise, as in `exercises.catalogue()`.
        answer: the function, or the value, that the exercise asks for.
        seed: makes the questions; the same seed makes the same ones. Without it, the environment variable
            OPTCOURSE_SEED or else the public seed is taken.
        given: further values that the exercise needs; its text says which.
    """
    if not isinstance(name, str):
        return verdict.not_judged("check", 'First comes the name, in quotes: `check("heavy_ball", heavy_ball)`.')
    try:
        exercise = get(name)
    except KeyError as error:
        return verdict.not_judged(name, error.args[0])
    missing = [needed for needed in exercise.needs if needed not in given]
    if answer is NO_ANSWER or missing:
        call = ", ".join([f'"{name}"', name, *(f"{needed}={needed}" for needed in exercise.needs)])
        return verdict.not_judged(name, f"Call it as `check({call})`.")
    try:
        questions = exercise.questions(seed or os.environ.get("OPTCOURSE_SEED") or PUBLIC_SEED)
        return exercise.judge(questions, answers.ask_all(answers.pick(exercise, {**given, name: answer}), questions))
    except Exception as error:  # a mistake of ours must not stop a student's notebook
        message = f"The check itself failed ({type(error).__name__}: {error}). Please report it."
        return verdict.not_judged(name, message)
