"""Exercises that ask for values: predict, then run. A number, a word out of given ones, or a dict of such.

Every part is judged by itself, and is worth its share of the points.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from optcourse.exercises import attempts, verdict
from optcourse.exercises.exercise import Exercise
from optcourse.exercises.mistake import Mistake
from optcourse.exercises.plain import kind_of
from optcourse.exercises.same_answer import Tolerance, listed, spelled
from optcourse.suggestions import did_you_mean

Found = tuple[str, str] | None  # a mistake and what is said about it; None for what is right


@dataclass(frozen=True)
class Part:
    """One value that is asked for; made by `number` and `word`.

    `read` turns what was written into what is judged, or raises a ValueError with two arguments, mistake and message.
    `same(value, right)` compares; `compare(value, right)` says how a wrong value differs.
    """

    right: object
    read: Callable
    same: Callable
    compare: Callable
    mistakes: tuple[Mistake, ...]
    hint: str | Callable

    def judge(self, given, needed: dict) -> Found:
        """What is wrong with a value; `needed` are the other variables that the exercise needs."""
        try:
            value = self.read(given)
        except ValueError as error:
            return error.args
        right = self.right(**needed) if callable(self.right) else self.right
        if self.same(value, right):
            return None
        for mistake in self.mistakes:
            wrong = mistake.answer
            if wrong(value, **needed) if callable(wrong) else self.same(value, wrong):
                said = mistake.explanation
                return mistake.name, said(value, **needed) if callable(said) else said
        hint = self.hint(value, **needed) if callable(self.hint) else self.hint
        mistake, message = self.compare(value, right)
        return mistake, f"{message} {hint}".rstrip()


def number(
    right: float | Callable[..., float],
    *,
    tolerance: float = 0.01,
    absolute: float = 0.0,
    mistakes: tuple[Mistake, ...] = (),
    hint: str | Callable = "",
) -> Part:
    """A number.

    Args:
        right: the number, or a function of the variables that the exercise needs, by name.
        tolerance: how far from it is near enough, as a share of it.
        absolute: what is added to that.
        mistakes: known wrong numbers, with the same tolerance; or functions that say of a number whether it is one.
        hint: what is said about every other wrong number, or a function of it.
    """
    allowed = Tolerance(tolerance, absolute)

    def read(given) -> float:
        if isinstance(given, str):
            raise ValueError(
                "a number in quotes", f"is text, {given[:40]!r}: write a number, without quotes and words."
            )
        if isinstance(given, bool) or not isinstance(given, int | float):
            raise ValueError("is not a number", f"should be a number; it is {kind_in_words(given)}.")
        if np.isnan(given):
            raise ValueError("is nan", "is nan, which is no number.")
        return float(given)

    def compare(value: float, right: float) -> tuple[str, str]:
        if value * right < 0:
            return "wrong sign", f"is not {value:.4g}: its sign is wrong."
        size = "large" if abs(value) > abs(right) else "small"
        return f"too {size}", f"is not {value:.4g}: that is too {size}."

    return Part(right, read, lambda value, right: allowed.holds(value, right), compare, mistakes, hint)


def word(
    right: str | Callable[..., str],
    choices: tuple[str, ...],
    *,
    also: dict[str, str] | None = None,
    mistakes: tuple[Mistake, ...] = (),
    hint: str | Callable = "",
) -> Part:
    """A word out of given ones; capitals, hyphens and spaces make no difference. True and False count as yes and no.

    Args:
        right: the word, or a function of the variables that the exercise needs, by name.
        choices: the words, as the question names them.
        also: other names of some of them.
        mistakes: known wrong words; or functions that say of a word whether it is one.
        hint: what is said about every other wrong word, or a function of it.
    """
    known = {spelled(choice): choice for choice in choices}
    known |= {spelled(other): choice for other, choice in (also or {}).items()}

    def read(given) -> str:
        if isinstance(given, bool):
            given = "yes" if given else "no"
        if not isinstance(given, str):
            raise ValueError("is not a word", f"should be a word, in quotes; it is {kind_in_words(given)}.")
        if spelled(given) not in known:
            hint = f"{did_you_mean(given, choices)} There are: {', '.join(map(repr, choices))}."
            raise ValueError("unknown word", f"is {given[:40]!r}, which is none of the words.{hint}")
        return known[spelled(given)]

    def compare(value: str, right: str) -> tuple[str, str]:
        return f"says {value}", f"is not {value!r}."

    return Part(right, read, lambda value, right: value == right, compare, mistakes, hint)


def value_exercise(
    name: str,
    chapter: str,
    *,
    parts: Part | dict[str, Part],
    needs: tuple[str, ...] = (),
    remark: str = "",
) -> Exercise:
    """An exercise that asks for a value, or for a dict with several.

    >>> from optcourse.exercises import answers
    >>> prediction = value_exercise(
    ...     "bowl_prediction",
    ...     "convergence",
    ...     parts={
    ...         "limit": number(
    ...             0.1, mistakes=(Mistake("takes 1/L", "1/L is where it is fastest, not where it ends.", 0.05),)
    ...         ),
    ...         "beyond": word("diverges", ("converges", "diverges"), hint="Which factor has each step?"),
    ...     },
    ... )
    >>> asked = prediction.questions()
    >>> prediction.judge(asked, answers.ask_all({"limit": 0.05, "beyond": "Diverges"}, asked))
    ✗ bowl_prediction: not yet. 1 of 2 is right: beyond. `limit`: 1/L is where it is fastest, not where it ends.

    Args:
        parts: what is asked for: from `number` or `word`, or a dict of these, by the keys of the student's dict.
        needs: further variables of the notebook, such as `variant`, a whole number that differs from student to
            student. What depends on them is a function: `right` of them by name; mistakes, explanations and hints of
            the value and of them by name.
        remark: what is said to whoever has all of it right.
    """
    several = parts if isinstance(parts, dict) else {"": parts}

    def judge(asked: list[dict], given: list[dict]) -> verdict.Verdict:
        if isinstance(given[0], dict) and given[0].get("kind") == "missing":
            return attempts.missing(name)
        written, needed = variables(name, given[0], needs)
        problem = form(name, written, several)
        problem = problem or next(filter(None, (whole_number(name, key, needed[key]) for key in needs)), None)
        if problem:
            return problem
        needed = {key: int(value) for key, value in needed.items()}
        written = written if isinstance(parts, dict) else {"": written}
        written = {
            next((known for known in several if spelled(known) == spelled(key)), key): value
            for key, value in written.items()
        }
        empty = [key for key in several if is_empty(written.get(key))]
        judged = {key: part.judge(written[key], needed) for key, part in several.items() if key not in empty}
        wrong = {key: found for key, found in judged.items() if found}
        if not wrong and not empty:
            return verdict.passed(name, remark)
        right = [key for key in judged if key not in wrong]
        said = []
        if isinstance(parts, dict):
            counted = f"{len(right)} of {len(several)} {'is' if len(right) == 1 else 'are'} right"
            said.append(f"{counted}: {', '.join(right)}." if right else "None is right yet.")
        if isinstance(parts, dict) and empty:
            said.append(f"Still empty: {', '.join(empty)}.")
        unknown = [key for key in written if key not in several]
        said += [f"Nobody asked for {key[:40]!r}.{did_you_mean(key, several)}" for key in unknown[:5]]
        said += [sentence(key, found[1], name) for key, found in wrong.items()]
        mistake = next(iter(wrong.values()))[0] if wrong else "some are empty"
        return verdict.not_yet(name, " ".join(said), mistake=mistake, score=len(right) / len(several))

    mistakes = tuple(mistake for part in several.values() for mistake in part.mistakes)
    keys = tuple(parts) if isinstance(parts, dict) else ()
    judge = np.errstate(all="ignore")(judge)
    return Exercise(name, chapter, lambda rng: [{"value": name}], judge, needs, "value", mistakes, keys)


def variables(name: str, answer, needs: tuple[str, ...]) -> tuple[object, dict]:
    """What was written, and the other variables, out of an answer (see `answers.ask`)."""
    try:
        kind, value = str(answer["kind"]), answer.get("value")
        if needs:
            return (
                (value[name], {key: value[key] for key in needs}) if kind == "value" else (None, dict.fromkeys(needs))
            )
        if kind == "numbers":
            array = np.array(answer["values"], dtype=float)
            return (float(array.squeeze()) if array.size == 1 else {"strange": f"an array of shape {array.shape}"}), {}
        if kind == "strange":
            return {"strange": str(answer["message"])[:100]}, {}
        return (value if kind == "value" else None), {}
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        return {"strange": "nothing that can be read"}, dict.fromkeys(needs)


def form(name: str, written, several: dict[str, Part]) -> verdict.Verdict | None:
    """A verdict where there are no values to judge."""
    if is_empty(written):
        return verdict.not_attempted(name, f"`{name}` has no value yet.")
    if list(several) == [""]:
        return None
    if not isinstance(written, dict) or "strange" in written:
        entries = ", ".join(f'"{key}": ...' for key in several)
        message = f"`{name}` should be a dict, {{{entries}}}; it is {kind_in_words(written)}."
        return verdict.not_yet(name, message, mistake="is not a dict")
    if all(map(is_empty, written.values())):
        return verdict.not_attempted(
            name, f"{listed(several)} are still empty." if len(several) > 1 else "It is empty."
        )
    return None


def whole_number(name: str, key: str, value, which: str = "") -> verdict.Verdict | None:
    """A verdict where another variable is no whole number, so that nobody knows which question was answered."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value % 1 == 0:
        return None
    strange = isinstance(value, dict | list)
    given = "missing" if value is None else kind_in_words(value) if strange else repr(value)[:100]
    message = f"`{key}` should be a whole number without quotes{which}; it is {given}."
    return verdict.not_yet(name, message, mistake=f"{key} is not a whole number")


def is_empty(value) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def kind_in_words(value) -> str:
    """What kind of value it is, also of one that only its kind is known of."""
    return str(value["strange"])[:100] if isinstance(value, dict) and "strange" in value else kind_of(value)


def sentence(key: str, message: str, name: str) -> str:
    """A message about a part as a sentence: one that begins with a small letter says what the part is."""
    if message[0].islower():
        return f"`{key or name}` {message}"
    return f"`{key}`: {message}" if key else message
