"""Reduce on plateau, checked against `torch.optim.lr_scheduler.ReduceLROnPlateau`."""

import numpy as np

from optcourse import schedules
from optcourse.exercises.functions import function_exercise
from optcourse.exercises.mistake import Mistake

THRESHOLD = 0.05
LENGTH = 40


def plateau_rates(losses, peak, factor, patience) -> np.ndarray:
    """What PyTorch's scheduler sets."""
    schedule = schedules.plateau(float(peak), patience=int(patience), factor=float(factor), threshold=THRESHOLD)
    return schedule.torch_rates(losses)


def walk(
    losses,
    peak,
    factor,
    patience,
    *,
    short=False,
    keeps_count=False,
    counts_all=False,
    last=False,
    any_smaller=False,
    early=False,
    forgets_best=False,
    from_peak=False,
) -> np.ndarray:
    """The same, with the mistakes that are switched on."""
    best, bad, rate, rates = np.inf, 0, peak, []
    for loss in losses:
        if not early:
            rates.append(rate)
        better = loss < best * (1 if any_smaller else 1 - THRESHOLD)
        if better or last:
            best = loss
        bad = (bad if counts_all else 0) if better else bad + 1
        if bad >= patience if short else bad > patience:
            rate = (peak if from_peak else rate) * factor
            bad = bad if keeps_count else 0
            best = np.inf if forgets_best else best
        if early:
            rates.append(rate)
    return np.array(rates)


WAYS = (
    "short",
    "keeps_count",
    "counts_all",
    "last",
    "any_smaller",
    "early",
    "forgets_best",
    "from_peak",
)


def wrong(way: str):
    """The walk with one mistake."""

    def answer(losses, peak, factor, patience):
        return walk(losses, peak, factor, patience, **{way: True})

    return answer


def make_questions(rng: np.random.Generator) -> list[dict]:
    """Losses on which every mistake shows, and none that is better or worse by rounding."""
    while True:
        asked = []
        for patience in (1, 2, 3, 4):
            falls = np.exp(-np.arange(LENGTH) / rng.uniform(6, 14)) + 0.25
            losses = np.round(falls * (1 + 0.12 * rng.normal(size=LENGTH)), 3)
            asked.append(
                {
                    "losses": losses,
                    "peak": rng.uniform(0.05, 2),
                    "factor": rng.uniform(0.2, 0.6),
                    "patience": patience,
                }
            )
        if all(clear(question["losses"]) for question in asked) and all(shows(asked, way) for way in WAYS):
            return asked


def clear(losses) -> bool:
    """Whether no loss is within rounding of what would be an improvement on any other."""
    gaps = np.abs(losses[:, None] - np.outer(1 - np.array([0, THRESHOLD]), losses).ravel()[None, :])
    return gaps[gaps > 0].min() > 1e-5 and len(set(losses)) == len(losses)


def shows(asked, way: str) -> bool:
    """Whether a mistake changes most of the answers."""
    changed = [not np.allclose(walk(**question), walk(**question, **{way: True})) for question in asked]
    return sum(changed) >= 2


def advice(arguments: dict, answer) -> str:
    return (
        "Try it by hand on losses that never improve, `[1, 1, 1, 1, 1, 1]` with patience 2: the first is an "
        "improvement on infinity, the next three are not, and the fifth step has the lower rate."
    )


MISTAKES = (
    Mistake(
        "patience one too small",
        "You lower the rate at loss number `patience` without improvement, as Optax does. PyTorch waits for one more: "
        "so many are forgiven, and the next one is not.",
        wrong("short"),
    ),
    Mistake(
        "the counter is not reset when the rate is lowered",
        "Once your patience is at its end, you lower the rate in every further step without improvement. Each lower "
        "rate deserves a new chance: set the counter to 0.",
        wrong("keeps_count"),
    ),
    Mistake(
        "the counter is not reset by an improvement",
        "You count all losses without improvement since the rate was lowered. Those in a row count: an improvement "
        "sets the counter to 0.",
        wrong("counts_all"),
    ),
    Mistake(
        "compares with the loss before",
        "You compare each loss with the one before it. After a bad loss, half a recovery then looks like progress. "
        "Compare with the best so far, and replace that only by something better.",
        wrong("last"),
    ),
    Mistake(
        "the threshold is missing",
        "You take every smaller loss for an improvement. It must be smaller by 5 %: below 0.95 times the best.",
        wrong("any_smaller"),
    ),
    Mistake(
        "the lower rate a step early",
        "Your lower rate holds in the step whose loss brought it about. That is Optax's order. In PyTorch's loop "
        "`scheduler.step(loss)` comes behind `optimizer.step()`, so it holds from the next step on.",
        wrong("early"),
    ),
    Mistake(
        "forgets the best loss when the rate is lowered",
        "When you lower the rate, you forget the best loss as well, so that any loss then counts as an improvement.",
        wrong("forgets_best"),
    ),
    Mistake(
        "lowers only once",
        "Your lower rate is always peak * factor, so a second plateau changes nothing. Multiply the rate as it is.",
        wrong("from_peak"),
    ),
)

PLATEAU_RATES = function_exercise(
    "plateau_rates",
    "schedulers",
    make_questions=make_questions,
    right=plateau_rates,
    mistakes=MISTAKES,
    advice=advice,
)
