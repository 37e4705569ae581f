"""Weights in a narrow format whose updates are added with Kahan's compensation."""

import numpy as np

from optcourse.exercises.functions import function_exercise
from optcourse.exercises.mistake import Mistake
from optcourse.precision import get, round_to


def kahan_weights(weight, updates, form):
    """The weight before the first update and after each, every result rounded to the format."""
    return variant("v - (new - w)")(weight, updates, form)


def variant(rest: str, *, sign=1.0, shown="weight", rounds=True):
    """The solution, or with one setting changed, a wrong one."""

    def answer(weight, updates, form):
        def rounded(x):
            return round_to(np.float64(x), form)

        weight, compensation = np.float64(weight), np.float64(0)
        path = [weight]
        for update in np.asarray(updates, dtype=float):
            wanted = rounded(update + sign * compensation)
            new = rounded(weight + wanted) if rounds else weight + wanted
            moved = rounded(new - weight)
            compensation = {
                "v - (new - w)": rounded(wanted - moved),
                "u - (new - w)": rounded(update - moved),
                "added up": rounded(compensation + rounded(wanted - moved)),
                "(new - w) - v": rounded(moved - wanted),
                "nothing": np.float64(0),
            }[rest]
            weight = new
            path.append(weight + compensation if shown == "sum" else weight)
        return np.array(path)

    return answer


def make_questions(rng: np.random.Generator) -> list[dict]:
    """Updates from a fifth of the spacing at the weight to a bit less than it, of both signs but not evenly."""
    asked = []
    for form in ("bfloat16", "float16", "bfloat16", "float16"):
        weight = round_to(rng.uniform(1.1, 1.6) * 2.0 ** rng.integers(0, 5), form)
        sizes = rng.uniform(0.15, 0.9, size=24) * get(form).spacing(weight)
        signs = np.where(rng.random(24) < 0.85, 1, -1) * rng.choice([-1, 1])
        asked.append({"weight": weight, "updates": round_to(sizes * signs, form), "form": form})
    return asked


def advice(arguments: dict, answer) -> str:
    return (
        "Try weight 1 and four updates of 0.002 in bfloat16, with 2^-7 = 0.0078 from 1 to the next number: the first "
        "leaves the weight at 1, and from the second on it is 1.0078."
    )


MISTAKES = (
    Mistake(
        "no compensation",
        "Your weights are those of plain rounding: what is rounded off is lost. Either the compensation is not added "
        "to the next update, or it is computed from the sum before it is rounded, and then it is always 0.",
        variant("nothing"),
    ),
    Mistake(
        "wrong sign",
        "The sign of your compensation is wrong: what was rounded off is taken away once more, in place of being "
        "added. Either v - (new - w) and added, or (new - w) - v and subtracted.",
        variant("(new - w) - v"),
    ),
    Mistake(
        "the last update only",
        "Your compensation is what is lost of the last update. But with it went what was still open from before: "
        "compare what was added with the update *plus* the compensation.",
        variant("u - (new - w)"),
    ),
    Mistake(
        "compensation added up",
        "You add each remainder to the compensation. The old compensation went into the update already: it is "
        "replaced, else it counts twice.",
        variant("added up"),
    ),
    Mistake(
        "weights not rounded",
        "Your weights are not all numbers of the format. Round every sum, the new weight first of all.",
        variant("v - (new - w)", rounds=False),
    ),
    Mistake(
        "weight plus compensation",
        "You return the weight plus the compensation. That is more exact, but it is not what is stored: return the "
        "weights themselves.",
        variant("v - (new - w)", shown="sum"),
    ),
)

KAHAN_WEIGHTS = function_exercise(
    "kahan_weights",
    "mixed_precision",
    make_questions=make_questions,
    right=kahan_weights,
    mistakes=MISTAKES,
    tolerance=1e-6,
    advice=advice,
)
