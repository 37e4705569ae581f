"""What students hand in for the chapter `schedulers`: right in many ways, and wrong in the usual ones.

`RIGHT[exercise]` lists right answers, `WRONG[exercise]` has wrong ones by the name of the mistake that they must be
judged with. A function needs nothing but `np` around it, so that its source can be pasted into a notebook; an answer
that is a value is a dict of the notebook's variables.
"""

import numpy as np

RIGHT, WRONG = {}, {}


# --- cosine with warmup


def warmed_by_arrays(peak, warmup, steps, length):
    step = np.arange(length)
    phase = np.minimum((step - warmup) / (steps - warmup), 1)
    return peak * np.where(step < warmup, step / warmup, (1 + np.cos(np.pi * phase)) / 2)


def warmed_by_loop(peak, warmup, steps, length):
    rates = []
    for step in range(length):
        if step < warmup:
            rates.append(peak * step / warmup)
        elif step < steps:
            rates.append(peak * np.cos(np.pi / 2 * (step - warmup) / (steps - warmup)) ** 2)
        else:
            rates.append(0.0)
    return rates


def warmed_in_pieces(peak, warmup, steps, length):
    up = np.linspace(0, peak, warmup + 1)[:-1]
    down = peak / 2 * (1 + np.cos(np.linspace(0, np.pi, steps - warmup + 1)))
    return np.concatenate([up, down, np.zeros(length)])[:length]


RIGHT["cosine_with_warmup"] = [warmed_by_arrays, warmed_by_loop, warmed_in_pieces]


def warmed_from_zero(peak, warmup, steps, length):
    rates = []
    for step in range(length):
        if step < warmup:
            rates.append(peak * step / warmup)
        else:
            rates.append(peak / 2 * (1 + np.cos(np.pi * min(step / steps, 1))))
    return np.array(rates)


def warmed_for_all_steps(peak, warmup, steps, length):
    rates = []
    for step in range(length):
        if step < warmup:
            rates.append(peak * step / warmup)
        else:
            rates.append(peak / 2 * (1 + np.cos(np.pi * min((step - warmup) / steps, 1))))
    return np.array(rates)


def warmed_late(peak, warmup, steps, length):
    step = np.arange(length)
    phase = np.minimum((step - warmup - 1) / (steps - warmup - 1), 1)
    return peak * np.where(step <= warmup, step / (warmup + 1), (1 + np.cos(np.pi * phase)) / 2)


def warmed_from_first(peak, warmup, steps, length):
    step = np.arange(length)
    phase = np.minimum((step - warmup) / (steps - warmup), 1)
    return peak * np.where(step < warmup, (step + 1) / warmup, (1 + np.cos(np.pi * phase)) / 2)


def warmed_for_ever(peak, warmup, steps, length):
    step = np.arange(length)
    phase = (step - warmup) / (steps - warmup)
    return peak * np.where(step < warmup, step / warmup, (1 + np.cos(np.pi * phase)) / 2)


def warmed_by_linspace(peak, warmup, steps, length):
    up = np.linspace(0, peak, warmup + 1)[:-1]
    down = peak / 2 * (1 + np.cos(np.linspace(0, np.pi, steps - warmup)))
    return np.concatenate([up, down, np.zeros(length)])[:length]


def warmed_quarter(peak, warmup, steps, length):
    step = np.arange(length)
    phase = np.minimum((step - warmup) / (steps - warmup), 1)
    return peak * np.where(step < warmup, step / warmup, np.cos(np.pi * phase / 2))


def warmed_plain_cosine(peak, warmup, steps, length):
    step = np.arange(length)
    phase = np.minimum((step - warmup) / (steps - warmup), 1)
    return peak * np.where(step < warmup, step / warmup, np.cos(np.pi * phase))


def warmed_linear(peak, warmup, steps, length):
    return np.interp(np.arange(length), [0, warmup, steps], [0, peak, 0])


def warmed_run_only(peak, warmup, steps, length):
    step = np.arange(steps)
    phase = (step - warmup) / (steps - warmup)
    return peak * np.where(step < warmup, step / warmup, (1 + np.cos(np.pi * phase)) / 2)


def warmed_without_peak(peak, warmup, steps, length):
    step = np.arange(length)
    phase = np.minimum((step - warmup) / (steps - warmup), 1)
    return np.where(step < warmup, step / warmup, (1 + np.cos(np.pi * phase)) / 2)


WRONG["cosine_with_warmup"] = {
    "the cosine begins at step 0": warmed_from_zero,
    "the cosine lasts as long as the whole run": warmed_for_all_steps,
    "the peak comes a step late": warmed_late,
    "the peak comes a step early": warmed_from_first,
    "goes up again after the end": warmed_for_ever,
    "0 a step early": warmed_by_linspace,
    "a quarter of a cosine": warmed_quarter,
    "rates below 0": warmed_plain_cosine,
    "straight down": warmed_linear,
    "a wrong shape": warmed_run_only,
    "another mistake": warmed_without_peak,
}


# --- reduce on plateau


def plateau_by_counting(losses, peak, factor, patience):
    best, bad, rate, rates = np.inf, 0, peak, []
    for loss in losses:
        rates.append(rate)
        if loss < 0.95 * best:
            best, bad = loss, 0
        else:
            bad += 1
        if bad > patience:
            rate, bad = rate * factor, 0
    return np.array(rates)


def plateau_by_last_good(losses, peak, factor, patience):
    rates, best, since = [peak], float("inf"), -1
    for step, loss in enumerate(losses):
        lowered = rates[-1]
        if loss < best - 0.05 * best or step == 0:
            best, since = loss, step
        elif step - since == patience + 1:
            lowered, since = rates[-1] * factor, step
        rates.append(lowered)
    return rates[:-1]


RIGHT["plateau_rates"] = [plateau_by_counting, plateau_by_last_good]


def plateau_impatient(losses, peak, factor, patience):
    best, bad, rate, rates = np.inf, 0, peak, []
    for loss in losses:
        rates.append(rate)
        if loss < 0.95 * best:
            best, bad = loss, 0
        else:
            bad += 1
        if bad == patience:
            rate, bad = rate * factor, 0
    return np.array(rates)


def plateau_without_new_chance(losses, peak, factor, patience):
    best, bad, rate, rates = np.inf, 0, peak, []
    for loss in losses:
        rates.append(rate)
        if loss < 0.95 * best:
            best, bad = loss, 0
        else:
            bad += 1
        if bad > patience:
            rate = rate * factor
    return np.array(rates)


def plateau_unforgiving(losses, peak, factor, patience):
    best, bad, rate, rates = np.inf, 0, peak, []
    for loss in losses:
        rates.append(rate)
        if loss < 0.95 * best:
            best = loss
        else:
            bad += 1
        if bad > patience:
            rate, bad = rate * factor, 0
    return np.array(rates)


def plateau_of_neighbours(losses, peak, factor, patience):
    before, bad, rate, rates = np.inf, 0, peak, []
    for loss in losses:
        rates.append(rate)
        bad = 0 if loss < 0.95 * before else bad + 1
        before = loss
        if bad > patience:
            rate, bad = rate * factor, 0
    return np.array(rates)


def plateau_any_smaller(losses, peak, factor, patience):
    best, bad, rate, rates = np.inf, 0, peak, []
    for loss in losses:
        rates.append(rate)
        if loss < best:
            best, bad = loss, 0
        else:
            bad += 1
        if bad > patience:
            rate, bad = rate * factor, 0
    return np.array(rates)


def plateau_at_once(losses, peak, factor, patience):
    best, bad, rate, rates = np.inf, 0, peak, []
    for loss in losses:
        if loss < 0.95 * best:
            best, bad = loss, 0
        else:
            bad += 1
        if bad > patience:
            rate, bad = rate * factor, 0
        rates.append(rate)
    return np.array(rates)


def plateau_forgetful(losses, peak, factor, patience):
    best, bad, rate, rates = np.inf, 0, peak, []
    for loss in losses:
        rates.append(rate)
        if loss < 0.95 * best:
            best, bad = loss, 0
        else:
            bad += 1
        if bad > patience:
            rate, bad, best = rate * factor, 0, np.inf
    return np.array(rates)


def plateau_once(losses, peak, factor, patience):
    best, bad, rate, rates = np.inf, 0, peak, []
    for loss in losses:
        rates.append(rate)
        if loss < 0.95 * best:
            best, bad = loss, 0
        else:
            bad += 1
        if bad > patience:
            rate, bad = peak * factor, 0
    return np.array(rates)


def plateau_divides(losses, peak, factor, patience):
    best, bad, rate, rates = np.inf, 0, peak, []
    for loss in losses:
        rates.append(rate)
        if loss < 0.95 * best:
            best, bad = loss, 0
        else:
            bad += 1
        if bad > patience:
            rate, bad = rate / factor, 0
    return np.array(rates)


def plateau_only_last(losses, peak, factor, patience):
    best, bad, rate = np.inf, 0, peak
    for loss in losses:
        if loss < 0.95 * best:
            best, bad = loss, 0
        else:
            bad += 1
        if bad > patience:
            rate, bad = rate * factor, 0
    return rate


WRONG["plateau_rates"] = {
    "patience one too small": plateau_impatient,
    "the counter is not reset when the rate is lowered": plateau_without_new_chance,
    "the counter is not reset by an improvement": plateau_unforgiving,
    "compares with the loss before": plateau_of_neighbours,
    "the threshold is missing": plateau_any_smaller,
    "the lower rate a step early": plateau_at_once,
    "forgets the best loss when the rate is lowered": plateau_forgetful,
    "lowers only once": plateau_once,
    "another mistake": plateau_divides,
    "a wrong shape": plateau_only_last,
}


# --- resumed runs, to be told apart

TOLD = {"A": "wrong peak", "B": "starts again", "C": "stepped twice", "D": "made for the rest"}

RIGHT["resumed_runs"] = [
    {"resumed_runs": TOLD},
    {"resumed_runs": {"A": "Wrong peak", "B": "starts-again", "C": "stepped_twice", "D": "made for the rest "}},
]
WRONG["resumed_runs"] = {
    "takes a restart for a new length": {"resumed_runs": {**TOLD, "B": "made for the rest"}},
    "takes a new length for a restart": {"resumed_runs": {**TOLD, "D": "starts again"}},
    "says stepped twice": {"resumed_runs": {**TOLD, "A": "stepped twice"}},
    "says made for the rest": {"resumed_runs": {**TOLD, "C": "made for the rest"}},
    "unknown word": {"resumed_runs": {**TOLD, "C": "too fast"}},
    "some are empty": {"resumed_runs": {**TOLD, "A": None}},
}


# --- a loop to repair


def resume_repaired(checkpoint, curvature, peak, steps):
    x, velocity = checkpoint["x"], checkpoint["velocity"]
    rates = []
    for step in range(checkpoint["step"] + 1, steps):
        rate = 0.5 * peak * (1 + np.cos(np.pi * step / steps))
        velocity = 0.9 * velocity + curvature * x
        x = x - rate * velocity
        rates.append(rate)
    return np.array(rates), x


def resume_with_rates_first(checkpoint, curvature, peak, steps):
    step = np.arange(checkpoint["step"] + 1, steps)
    rates = peak * np.cos(np.pi * step / steps / 2) ** 2
    x, v = checkpoint["x"], checkpoint["velocity"]
    for rate in rates:
        v = 0.9 * v + curvature * x
        x = x - rate * v
    return [rates, x]


RIGHT["resume"] = [resume_repaired, resume_with_rates_first]


def resume_from_zero(checkpoint, curvature, peak, steps):
    x, velocity, rates = checkpoint["x"], checkpoint["velocity"], []
    for step in range(steps - checkpoint["step"] - 1):
        rate = 0.5 * peak * (1 + np.cos(np.pi * step / steps))
        velocity = 0.9 * velocity + curvature * x
        x = x - rate * velocity
        rates.append(rate)
    return np.array(rates), x


def resume_a_step_twice(checkpoint, curvature, peak, steps):
    x, velocity, rates = checkpoint["x"], checkpoint["velocity"], []
    for step in range(checkpoint["step"], steps):
        rate = 0.5 * peak * (1 + np.cos(np.pi * step / steps))
        velocity = 0.9 * velocity + curvature * x
        x = x - rate * velocity
        rates.append(rate)
    return np.array(rates), x


def resume_with_saved_rate(checkpoint, curvature, peak, steps):
    x, velocity, rates = checkpoint["x"], checkpoint["velocity"], []
    for step in range(checkpoint["step"] + 1, steps):
        rate = 0.5 * checkpoint["rate"] * (1 + np.cos(np.pi * step / steps))
        velocity = 0.9 * velocity + curvature * x
        x = x - rate * velocity
        rates.append(rate)
    return np.array(rates), x


def resume_from_rest(checkpoint, curvature, peak, steps):
    x, velocity, rates = checkpoint["x"], 0.0, []
    for step in range(checkpoint["step"] + 1, steps):
        rate = 0.5 * peak * (1 + np.cos(np.pi * step / steps))
        velocity = 0.9 * velocity + curvature * x
        x = x - rate * velocity
        rates.append(rate)
    return np.array(rates), x


def resume_short_schedule(checkpoint, curvature, peak, steps):
    x, velocity, rates = checkpoint["x"], checkpoint["velocity"], []
    left = steps - checkpoint["step"] - 1
    for step in range(left):
        rate = 0.5 * peak * (1 + np.cos(np.pi * step / left))
        velocity = 0.9 * velocity + curvature * x
        x = x - rate * velocity
        rates.append(rate)
    return np.array(rates), x


def resume_as_given(checkpoint, curvature, peak, steps):
    x, velocity = checkpoint["x"], 0.0
    peak = checkpoint["rate"]
    rates = []
    for step in range(steps - checkpoint["step"]):
        rate = 0.5 * peak * (1 + np.cos(np.pi * step / steps))
        velocity = 0.9 * velocity + curvature * x
        x = x - rate * velocity
        rates.append(rate)
    return np.array(rates), x


def resume_two_left(checkpoint, curvature, peak, steps):
    x, velocity, rates = checkpoint["x"], 0.0, []
    for step in range(checkpoint["step"] + 1, steps):
        rate = 0.5 * checkpoint["rate"] * (1 + np.cos(np.pi * step / steps))
        velocity = 0.9 * velocity + curvature * x
        x = x - rate * velocity
        rates.append(rate)
    return np.array(rates), x


def resume_without_rates(checkpoint, curvature, peak, steps):
    x, velocity = checkpoint["x"], checkpoint["velocity"]
    for step in range(checkpoint["step"] + 1, steps):
        velocity = 0.9 * velocity + curvature * x
        x = x - 0.5 * peak * (1 + np.cos(np.pi * step / steps)) * velocity
    return x


WRONG["resume"] = {
    "the schedule starts again": resume_from_zero,
    "a step is taken twice": resume_a_step_twice,
    "the saved rate is taken for the peak": resume_with_saved_rate,
    "the velocity is lost": resume_from_rest,
    "a new schedule for the rest": resume_short_schedule,
    "nothing was repaired": resume_as_given,
    "another mistake": resume_two_left,
    "a wrong type": resume_without_rates,
}


# --- the forecast

FORECAST = {"floor": 13.0, "wait": 47, "peak in Optax": 60, "peak in PyTorch": 59, "last cycle": 80}


def forecast(**changed):
    return {"schedule_forecast": {**FORECAST, **{key.replace("_", " "): value for key, value in changed.items()}}}


RIGHT["schedule_forecast"] = [
    forecast(),
    forecast(floor=(0.5 / 1.5) / (0.05 / 1.95), wait=np.log(0.1 / 12) / (2 * np.log(0.95))),
]
WRONG["schedule_forecast"] = {
    "in proportion to the rate": forecast(floor=10),
    "the square of the rate": forecast(floor=100),
    "the width, not the variance": forecast(floor=3.6),
    "forgets the square": forecast(wait=93),
    "with the old rate": forecast(wait=3.5),
    "a step early for Optax": {"schedule_forecast": {**FORECAST, "peak in Optax": 59}},
    "in the middle": {"schedule_forecast": {**FORECAST, "peak in Optax": 100}},
    "a step late for PyTorch": {"schedule_forecast": {**FORECAST, "peak in PyTorch": 60}},
    "all cycles equal": forecast(last_cycle=10),
    "the cycle before": forecast(last_cycle=40),
    "too large": forecast(wait=500),
    "some are empty": forecast(floor=None),
    "a number in quotes": forecast(floor="13"),
}
