"""The engine behind the exercises: functions and values, whatever students write; the rest is in test_exercises."""

import json

import numpy as np
import pytest

from optcourse.exercises import answers
from optcourse.exercises.functions import function_exercise
from optcourse.exercises.mistake import Mistake
from optcourse.exercises.same_answer import Tolerance, as_read, same
from optcourse.exercises.values import number, value_exercise, word

ALLOWED = Tolerance(1e-4, 1e-12)


def summary(losses, window):
    return {"rate": losses[-1] / losses[-2], "kept": losses[-window:]}


def draw_losses(rng):
    return [{"losses": np.exp(-rng.uniform(0.1, 0.5) * np.arange(20)), "window": rng.integers(3, 6)} for _ in range(4)]


SUMMARY = function_exercise(
    "summary",
    "chapter",
    make_questions=draw_losses,
    right=summary,
    mistakes=(
        Mistake(
            "upside down",
            lambda asked: f"Upside down, {asked[0]['window']} times.",
            lambda losses, window: {**summary(losses, window), "rate": losses[-2] / losses[-1]},
        ),
        Mistake("one too many", "One too many.", lambda losses, window: summary(losses, window + 1)),
        Mistake("fails", "Never told.", lambda losses, window: losses[100]),
    ),
    advice=lambda arguments, answer: f"{len(arguments['losses'])} losses.",
)
WORDS = ("fine", "flat", "up")


def word_for(loss):
    return "up" if loss[-1] > loss[0] else "flat" if loss[-1] == loss[0] else "fine"


WORD = function_exercise(
    "log_word",
    "chapter",
    make_questions=lambda rng: [{"loss": np.linspace(1, end, 6)} for end in rng.permutation([0.1, 0.5, 1, 3, 1, 7])],
    right=word_for,
    mistakes=(Mistake("never flat", "Flat too.", lambda loss: "up" if loss[-1] > loss[0] else "fine"),),
    words=WORDS,
    partial=True,
)
GUESS = value_exercise(
    "guess",
    "chapter",
    parts={
        "limit": number(
            lambda variant: 0.1 * (1 + variant),
            mistakes=(
                Mistake(
                    "half",
                    lambda value, variant: f"{value:.2f} is half of it in variant {variant}.",
                    lambda value, variant: abs(value - 0.05 * (1 + variant)) < 1e-6,
                ),
            ),
        ),
        "ends": word("no", ("yes", "no"), also={"never": "no"}, hint=lambda value, variant: f"{value}?"),
    },
    needs=("variant",),
    remark="Both.",
)
STEPS = value_exercise("steps", "chapter", parts=number(300, tolerance=0.1, hint="Count again."))


def judged(exercise, answer, **needed):
    """As a grader does it: everything goes through JSON."""
    asked = json.loads(json.dumps(exercise.questions("seed")))
    given = answers.ask_all(answers.pick(exercise, {exercise.name: answer, **needed}), asked)
    return exercise.judge(asked, json.loads(json.dumps(given)))


# --- functions


def with_part(key, change):
    """The right function with one part of its answer changed."""

    def answer(losses, window):
        found = summary(losses, window)
        return {**found, key: change(found[key])}

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        summary,
        lambda x, n: {"kept": list(x[-n:]), "rate": np.float32(x[-1] / x[-2])},
        lambda window, losses: {"kept": tuple(losses[-window:].astype(np.float32)), "rate": [losses[-1] / losses[-2]]},
        lambda losses, **rest: summary(losses, **rest),
        lambda *both: summary(*both),
        lambda losses, window: summary(__import__("jax").numpy.asarray(losses), window),
        lambda losses, window: summary(__import__("torch").tensor(losses), window),
    ],
)
def test_a_right_function_passes_in_any_container_and_by_any_names(answer):
    assert judged(SUMMARY, answer).passed


@pytest.mark.parametrize(
    "answer, mistake, says",
    [
        (with_part("rate", lambda rate: 1 / rate), "upside down", "Upside down, "),
        (lambda losses, window: summary(losses, window + 1), "one too many", "One too many."),
        (with_part("rate", lambda rate: 2 * rate), "another mistake", "2 times as large as it should be. 20 losses."),
        (with_part("rate", lambda rate: -rate), "another mistake", "Its sign is wrong."),
        (with_part("rate", lambda rate: rate**2), "another mistake", "the square of what it should be"),
        (with_part("rate", lambda rate: 1.001 * rate), "another mistake", "by 0.001 of it: rounding"),
        (with_part("rate", lambda rate: 0.0), "another mistake", "should not be 0"),
        (with_part("rate", lambda rate: float("nan")), "returns nan", "`answer['rate']` is nan"),
        (with_part("rate", lambda rate: float("inf")), "another mistake", "should be finite"),
        (with_part("rate", lambda rate: 1j), "returns something unreadable", "`.real`"),
        (with_part("rate", lambda rate: str(rate)), "a wrong type", "should be a number, and is text"),
        (with_part("rate", lambda rate: None), "returns something unreadable", "with None"),
        (with_part("kept", lambda kept: kept[::-1]), "another mistake", "in the opposite order"),
        (with_part("kept", lambda kept: -kept), "another mistake", "has the opposite sign"),
        (with_part("kept", lambda kept: 3 * kept), "another mistake", "3 times what it should be, in every place"),
        (with_part("kept", lambda kept: np.r_[kept[:-1], 9]), "another mistake", "entries are right"),
        (with_part("kept", lambda kept: kept.astype(int)), "whole numbers only", "dtype=float"),
        (with_part("kept", lambda kept: kept.astype(np.float16)), "computes in half precision", "float16"),
        (with_part("kept", lambda kept: kept * [1, 1, *[np.nan] * (len(kept) - 2)]), "returns nan", "in place [2]"),
        (with_part("kept", lambda kept: kept[None]), "a wrong shape", "and is an array of numbers of shape (1, "),
        (lambda losses, window: {"rate": 1.0}, "other parts than those asked for", "lacks 'kept'"),
        (lambda losses, window: {**summary(losses, window), "x": 1}, "other parts than those asked for", "has 'x'"),
        (lambda losses, window: 3, "a wrong type", "should be a dict with 'rate' and 'kept', and is a number"),
        (lambda losses, window: losses[99], "raises IndexError", "in the line `"),
        (lambda losses: 3, "raises TypeError", "It is called as `summary(losses, window)`."),
        (3, "is not a function", "`def summary(losses, window):`"),
        ("x", "is not a function", "a text"),
    ],
)
def test_a_wrong_function_is_told_what_is_wrong(answer, mistake, says):
    verdict = judged(SUMMARY, answer)
    assert (verdict.status, verdict.mistake, verdict.score) == ("not yet", mistake, 0), verdict
    assert says in verdict.message, verdict


def test_a_function_that_returns_nothing_is_empty_or_lacks_its_return():
    def stub(losses, window):
        """What it should do."""

    def forgets(losses, window):
        rate = losses[-1] / losses[-2]  # noqa: F841

    def sometimes(losses, window):
        if len(calls) < 2:
            calls.append(window)
            return summary(losses, window)

    calls = []
    assert judged(SUMMARY, stub).status == "not attempted"
    assert judged(SUMMARY, forgets).mistake == "the return is missing"
    verdict = judged(SUMMARY, sometimes)
    assert "in one of its branches?" in verdict.message and verdict.message.endswith("2 of 4 questions are right.")


def test_arguments_are_fresh_arrays_of_floats_and_changing_them_is_remarked():
    def in_place(losses, window):
        assert losses.dtype == float and isinstance(window, int)
        found = {"rate": losses[-1] / losses[-2], "kept": losses[-window:].copy()}
        losses -= 1
        return found

    verdict = judged(SUMMARY, in_place)
    assert verdict.passed and "changes `losses` in place" in verdict.message
    written = {"rows": [[1, 2], [3, 4]], "words": ["a", "b"], "truths": [True], "n": 3, "deep": {"list": [1]}}
    arguments = answers.as_arguments(written)
    assert arguments["rows"].dtype == float and arguments["rows"].shape == (2, 2)
    assert arguments["words"] == ["a", "b"] and arguments["truths"].dtype == bool
    assert arguments["n"] == 3 and arguments["deep"]["list"].dtype == float


def test_words_are_read_kindly_and_the_share_of_right_ones_counts():
    assert judged(WORD, lambda loss: word_for(loss).upper() + " ").passed
    assert judged(WORD, lambda loss: np.array([word_for(loss)])[0]).passed
    verdict = judged(WORD, lambda loss: "fine")
    assert verdict.score == pytest.approx(2 / 6) and verdict.message.endswith("2 of 6 questions are right.")
    verdict = judged(WORD, lambda loss: "flt")
    assert (
        verdict.mistake == "unknown word" and "Did you mean 'flat'? There are: 'fine', 'flat', 'up'." in verdict.message
    )
    assert judged(WORD, WORD.mistakes[0].answer).mistake == "never flat"
    assert "The words are 'fine', 'flat' and 'up'." in judged(WORD, lambda loss: 1).message


@pytest.mark.parametrize(
    "one, other, equal",
    [
        (1.0, np.float32(1.00001), True),
        (1.0, 1.001, False),
        (0.0, 1e-13, True),
        (0.0, 1e-9, False),
        ([1.0, 1e-9], [1.0, 2e-9], True),  # beside larger numbers
        ([1.0, 1e-3], [1.0, 1.1e-3], False),
        (np.nan, np.nan, True),
        (np.inf, np.inf, True),
        (np.inf, 1.0, False),
        (True, np.True_, True),
        (True, 1, False),
        ([True, False], np.array([True, False]), True),
        ([True, False], [1, 0], False),
        ((1.0, 2.0), np.array([1.0, 2.0]), True),
        ((1.0, np.ones(2)), [1, [1, 1]], True),
        ((np.ones(2), np.zeros(2)), np.array([[1, 1], [0, 0]]), True),
        ((1.0, True), (1.0, True), True),
        (("a", 1), ["A", 1.0], True),
        (("a", "b"), np.array(["a", "b"]), True),
        ({"a": 1}, {"a": 1.0, "b": 2}, False),
        (1.0, np.ones(1), True),
        (np.ones(2), np.ones((2, 1)), False),
        ([], [], True),
    ],
)
def test_answers_are_equal_up_to_rounding_and_container(one, other, equal):
    assert same(as_read(other), as_read(one), ALLOWED) == equal


# --- values


@pytest.mark.parametrize(
    "answer, score, mistake, says",
    [
        ({"limit": 0.1, "ends": "No"}, 1, "", "Both."),
        ({"limit": np.float32(0.1), "ends": "never"}, 1, "", "Both."),
        ({"limit": np.array([0.1]), "ends": False}, 1, "", "Both."),
        ({"Limit ": 0.1, "ENDS": "no"}, 1, "", "Both."),
        (
            {"limit": 0.05, "ends": "no"},
            0.5,
            "half",
            "1 of 2 is right: ends. `limit`: 0.05 is half of it in variant 0.",
        ),
        (
            {"limit": 0.3, "ends": "yes"},
            0,
            "too large",
            "None is right yet. `limit` is not 0.3: that is too large. `ends`",
        ),
        ({"limit": 0.02, "ends": "no"}, 0.5, "too small", "too small"),
        ({"limit": -0.1, "ends": "no"}, 0.5, "wrong sign", "sign"),
        ({"limit": 0.1, "ends": "yes"}, 0.5, "says yes", "`ends` is not 'yes'. yes?"),
        ({"limit": 0.1, "ends": "perhaps"}, 0.5, "unknown word", "There are: 'yes', 'no'."),
        ({"limit": 0.1, "ends": 3}, 0.5, "is not a word", "it is a whole number"),
        ({"limit": "0.1", "ends": "no"}, 0.5, "a number in quotes", "without quotes"),
        ({"limit": [0.1], "ends": "no"}, 0.5, "is not a number", "a list"),
        ({"limit": True, "ends": "no"}, 0.5, "is not a number", "a bool"),
        ({"limit": len, "ends": "no"}, 0.5, "is not a number", "a builtin"),
        ({"limit": float("nan"), "ends": "no"}, 0.5, "is nan", "no number"),
        ({"limit": None, "ends": "no"}, 0.5, "some are empty", "Still empty: limit."),
        ({"limt": 0.1, "ends": "no"}, 0.5, "some are empty", "Nobody asked for 'limt'. Did you mean 'limit'?"),
        ([0.1, "no"], 0, "is not a dict", '{"limit": ..., "ends": ...}; it is a list'),
    ],
)
def test_the_parts_of_a_value(answer, score, mistake, says):
    verdict = judged(GUESS, answer, variant=0)
    assert (verdict.score, verdict.mistake) == (score, mistake), verdict
    assert says in verdict.message, verdict


def test_a_value_can_depend_on_another_variable():
    assert judged(GUESS, {"limit": 0.4, "ends": "no"}, variant=3).passed
    assert judged(GUESS, {"limit": 0.2, "ends": "no"}, variant=np.int64(3)).mistake == "half"
    for variant in ("3", 1.5, None, True, [1], float("inf")):
        assert judged(GUESS, {"limit": 0.4, "ends": "no"}, variant=variant).mistake == "variant is not a whole number"


@pytest.mark.parametrize(
    "answer, status, says",
    [
        (300, "passed", ""),
        (np.array([310.0]), "passed", ""),
        ("300", "not yet", "`steps` is text, '300': write a number"),
        (400, "not yet", "`steps` is not 400: that is too large. Count again."),
        ([300, 300], "not yet", "an array of shape (2,)"),
        ({"steps": 300}, "not yet", "it is a dict"),
        (len, "not yet", "it is a builtin"),
        (None, "not attempted", "has no value yet"),
        (..., "not attempted", "has no value yet"),
        (" ", "not attempted", "has no value yet"),
    ],
)
def test_a_single_value(answer, status, says):
    verdict = judged(STEPS, answer)
    assert verdict.status == status and says in verdict.message, verdict
    assert verdict.score == (status == "passed")
