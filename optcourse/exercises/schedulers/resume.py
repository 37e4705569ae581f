"""A loop that resumes wrongly, to be repaired: heavy ball with a cosine, from a checkpoint."""

import numpy as np

from optcourse.exercises.functions import function_exercise
from optcourse.exercises.mistake import Mistake

MOMENTUM = 0.9


def cosine(step, peak, steps):
    return 0.5 * peak * (1 + np.cos(np.pi * min(step, steps) / steps))


def resume(checkpoint, curvature, peak, steps):
    """The rates of the steps that are left, and where they lead to."""
    return go_on(checkpoint, curvature, peak, steps)


def go_on(
    checkpoint, curvature, peak, steps, *, starts_again=False, repeats=False, wrong_peak=False, no_velocity=False
):
    """The same, with the mistakes that are switched on."""
    x, velocity = checkpoint["x"], 0.0 if no_velocity else checkpoint["velocity"]
    first = checkpoint["step"] if repeats else checkpoint["step"] + 1
    peak = checkpoint["rate"] if wrong_peak else peak
    rates = []
    for step in range(first, steps):
        rates.append(cosine(step - first if starts_again else step, peak, steps))
        velocity = MOMENTUM * velocity + curvature * x
        x = x - rates[-1] * velocity
    return np.array(rates), x


def made_for_the_rest(checkpoint, curvature, peak, steps):
    left = steps - 1 - checkpoint["step"]
    moved = {**checkpoint, "step": -1}
    return go_on(moved, curvature, peak, left)


def given(checkpoint, curvature, peak, steps):
    return go_on(checkpoint, curvature, peak, steps, starts_again=True, repeats=True, wrong_peak=True, no_velocity=True)


def one(mistake: str):
    """The loop in which one mistake is left."""

    def answer(checkpoint, curvature, peak, steps):
        return go_on(checkpoint, curvature, peak, steps, **{mistake: True})

    return answer


def make_questions(rng: np.random.Generator) -> list[dict]:
    """Checkpoints of the loop that the notebook shows."""
    asked = []
    for steps in (20, 27, 35, 50):
        stop = int(rng.integers(steps // 3, 2 * steps // 3))
        curvature, peak = rng.uniform(0.5, 3), rng.uniform(0.05, 0.2)
        x, velocity = rng.uniform(1, 5), 0.0
        for step in range(stop):
            rate = cosine(step, peak, steps)
            velocity = MOMENTUM * velocity + curvature * x
            x = x - rate * velocity
        checkpoint = {"x": x, "velocity": velocity, "step": stop - 1, "rate": rate}
        asked.append({"checkpoint": checkpoint, "curvature": curvature, "peak": peak, "steps": steps})
    return asked


def advice(arguments: dict, answer) -> str:
    at, steps = arguments["checkpoint"]["step"], arguments["steps"]
    law = (
        f"Step {at} was the last one taken, so {steps - 1 - at} of {steps} are left: {at + 1} to {steps - 1}. Their "
        "rates are those that a run without a break would have had."
    )
    try:
        rates = np.asarray(answer[0], dtype=float)
        count, first = len(rates), rates[0] / arguments["peak"]
    except (TypeError, ValueError, IndexError, KeyError):
        return law
    return f"{law} You take {count}, and your first rate is {first:.3g} of the peak."


MISTAKES = (
    Mistake(
        "the schedule starts again",
        "One mistake is left: your schedule counts its steps from 0 again, so the rate is back at the peak. Ask it for "
        "the number of the step in the whole run.",
        one("starts_again"),
    ),
    Mistake(
        "a step is taken twice",
        'One mistake is left: you take step `checkpoint["step"]` again, which was the last one before the break. What '
        "a checkpoint means by its number, the step done or the step to do, must be known.",
        one("repeats"),
    ),
    Mistake(
        "the saved rate is taken for the peak",
        "One mistake is left: your schedule has the saved rate for its peak, so it is lowered twice. In PyTorch this "
        "happens when a scheduler is made after the optimizer has been loaded: it takes the `lr` that it finds.",
        one("wrong_peak"),
    ),
    Mistake(
        "the velocity is lost",
        "One mistake is left. Your rates are right, but the velocity begins at 0: the optimizer has forgotten what it "
        "knew. Its state belongs into the checkpoint, and comes back out of it.",
        one("no_velocity"),
    ),
    Mistake(
        "a new schedule for the rest",
        "Your schedule is a new one for the steps that are left. It is complete, and not what was planned: the rate "
        "jumps back to the peak. Make it for all `steps`, and begin in its middle.",
        made_for_the_rest,
    ),
    Mistake(
        "nothing was repaired",
        "This is the loop as it was given. There are four mistakes in it: two in what is taken out of the checkpoint, "
        "two in how the steps are counted.",
        given,
    ),
)

RESUME = function_exercise(
    "resume", "schedulers", make_questions=make_questions, right=resume, mistakes=MISTAKES, advice=advice
)
