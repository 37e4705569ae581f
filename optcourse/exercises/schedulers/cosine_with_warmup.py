"""Cosine with warmup, as Optax has it: `optax.warmup_cosine_decay_schedule(0.0, peak, warmup, steps)`."""

import numpy as np

from optcourse import schedules
from optcourse.exercises.functions import function_exercise
from optcourse.exercises.mistake import Mistake


def cosine_with_warmup(peak, warmup, steps, length) -> np.ndarray:
    """What Optax sets."""
    return schedules.warmup_cosine(peak, steps, warmup=warmup, start=0.0).rates(length)


def made_of(peak, warmup, steps, length, *, rise=None, phase=None, shape=None) -> np.ndarray:
    """The same with one part replaced, each a function of the step."""
    step = np.arange(length, dtype=float)
    rise = rise(step) if rise else step / warmup
    phase = phase(step) if phase else np.minimum((step - warmup) / (steps - warmup), 1)
    fall = shape(phase) if shape else 0.5 * (1 + np.cos(np.pi * phase))
    return peak * np.where(step < warmup, rise, fall)


def cosine_from_zero(peak, warmup, steps, length):
    return made_of(peak, warmup, steps, length, phase=lambda step: np.minimum(step / steps, 1))


def cosine_too_long(peak, warmup, steps, length):
    return made_of(peak, warmup, steps, length, phase=lambda step: np.minimum((step - warmup) / steps, 1))


def peak_late(peak, warmup, steps, length):
    return made_of(peak, warmup + 1, steps, length)


def peak_early(peak, warmup, steps, length):
    return made_of(peak, warmup, steps, length, rise=lambda step: (step + 1) / warmup)


def unclamped(peak, warmup, steps, length):
    return made_of(peak, warmup, steps, length, phase=lambda step: (step - warmup) / (steps - warmup))


def zero_one_early(peak, warmup, steps, length):
    def phase(step):
        return np.minimum((step - warmup) / (steps - 1 - warmup), 1)

    return made_of(peak, warmup, steps, length, phase=phase)


def quarter(peak, warmup, steps, length):
    return made_of(peak, warmup, steps, length, shape=lambda phase: np.cos(np.pi / 2 * phase))


def whole_cosine(peak, warmup, steps, length):
    return made_of(peak, warmup, steps, length, shape=lambda phase: np.cos(np.pi * phase))


def straight(peak, warmup, steps, length):
    return made_of(peak, warmup, steps, length, shape=lambda phase: 1 - phase)


def make_questions(rng: np.random.Generator) -> list[dict]:
    """Runs that go on behind the schedule's last step."""
    asked = []
    for warmup, rest, more in zip((4, 7, 3, 11), (17, 30, 24, 52), (6, 3, 11, 9), strict=True):
        warmup, rest = warmup + int(rng.integers(0, 3)), rest + int(rng.integers(0, 7))
        steps = warmup + rest
        asked.append({"peak": rng.uniform(0.01, 2), "warmup": warmup, "steps": steps, "length": steps + more})
    return asked


def advice(arguments: dict, answer) -> str:
    warmup, steps = arguments["warmup"], arguments["steps"]
    law = (
        f"With warmup {warmup} and {steps} steps, the rate is 0 at step 0, the peak at step {warmup}, half the peak "
        f"half way between steps {warmup} and {steps}, and 0 from step {steps} on."
    )
    if np.shape(answer) != (arguments["length"],) or not np.isfinite(answer).all():
        return law
    found = ", ".join(f"{answer[step] / arguments['peak']:.3g}" for step in (0, warmup, steps))
    return f"{law} As shares of the peak, yours at steps 0, {warmup} and {steps} are {found}."


MISTAKES = (
    Mistake(
        "the cosine begins at step 0",
        "Your cosine counts from step 0. By the end of the warmup it has fallen already, so the rate jumps down there "
        "and the peak is never reached. Count its steps from the end of the warmup.",
        cosine_from_zero,
    ),
    Mistake(
        "the cosine lasts as long as the whole run",
        "Your cosine takes `steps` steps behind the warmup, so the rate is not at 0 when the run ends. Here, as in "
        "Optax, `steps` counts all of them, the warmup among them: steps - warmup are left for the cosine.",
        cosine_too_long,
    ),
    Mistake(
        "the peak comes a step late",
        "Your warmup takes one step too many: the peak belongs to step `warmup`, the first step behind it.",
        peak_late,
    ),
    Mistake(
        "the peak comes a step early",
        "Your first rate is peak / warmup and you are at the peak a step early. Many libraries do it so, because a "
        "first step with rate 0 is lost. Optax, which is asked for here, begins at 0.",
        peak_early,
    ),
    Mistake(
        "goes up again after the end",
        "Behind the last step your cosine goes up again, as that of PyTorch does. Keep the rate at 0 there: let the "
        "phase stop at 1.",
        unclamped,
    ),
    Mistake(
        "0 a step early",
        "Your rate is 0 at step steps - 1. Optax reaches 0 at step `steps`, the first behind the run, so that no step "
        "of the run is lost.",
        zero_one_early,
    ),
    Mistake(
        "a quarter of a cosine",
        "You take cos from 0 to pi/2. That falls slowly first and steeply at the end. Half a cosine goes from 0 to pi "
        "and is level at both ends: (1 + cos) / 2.",
        quarter,
    ),
    Mistake(
        "rates below 0",
        "Your rates go down to minus the peak: the cosine itself goes from 1 to -1. Add 1 and halve it.",
        whole_cosine,
    ),
    Mistake(
        "straight down",
        "Your rates fall along a straight line. That is a linear decay, which is a good schedule, but not this one.",
        straight,
    ),
)

COSINE_WITH_WARMUP = function_exercise(
    "cosine_with_warmup",
    "schedulers",
    make_questions=make_questions,
    right=cosine_with_warmup,
    mistakes=MISTAKES,
    absolute=1e-6,
    advice=advice,
)
