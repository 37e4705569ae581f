"""What students hand in for the chapter `hyperparameter_sensitivity`: right in many ways, and wrong in the usual ones.

`RIGHT[exercise]` lists right answers, `WRONG[exercise]` has wrong ones by the name of the mistake that they must be
judged with. A function needs nothing but `np` around it, so that its source can be pasted into a notebook; an answer
that is a value is a dict of the notebook's variables.
"""

import numpy as np

RIGHT, WRONG = {}, {}


# --- the learning-rate finder


def finder_step_by_step(curvatures, start, low, growth, steps):
    x, rate, losses = start.copy(), low, []
    for _ in range(steps):
        losses.append(np.sum(curvatures * x**2) / 2)
        x = x - rate * curvatures * x
        rate = rate * growth
    return losses


def finder_by_factors(curvatures, start, low, growth, steps):
    rates = low * growth ** np.arange(steps - 1)
    factors = np.cumprod(1 - np.outer(rates, curvatures), axis=0)
    path = start * np.concatenate([np.ones((1, len(start))), factors])
    return 0.5 * path**2 @ curvatures


RIGHT["range_test"] = [finder_step_by_step, finder_by_factors]


def finder_early(curvatures, start, low, growth, steps):
    x, rate, losses = start.copy(), low, []
    for _ in range(steps):
        rate = rate * growth
        losses.append(np.sum(curvatures * x**2) / 2)
        x = x - rate * curvatures * x
    return losses


def finder_added(curvatures, start, low, growth, steps):
    x, rate, losses = start.copy(), low, []
    for _ in range(steps):
        losses.append(np.sum(curvatures * x**2) / 2)
        x = x - rate * curvatures * x
        rate = rate + (growth - 1)
    return losses


def finder_constant(curvatures, start, low, growth, steps):
    x, losses = start.copy(), []
    for _ in range(steps):
        losses.append(np.sum(curvatures * x**2) / 2)
        x = x - low * curvatures * x
    return losses


def finder_after(curvatures, start, low, growth, steps):
    x, losses = start.copy(), []
    for t in range(steps):
        x = x - low * growth**t * curvatures * x
        losses.append(np.sum(curvatures * x**2) / 2)
    return losses


def finder_one_more(curvatures, start, low, growth, steps):
    x, losses = start.copy(), []
    for t in range(steps + 1):
        losses.append(np.sum(curvatures * x**2) / 2)
        x = x - low * growth**t * curvatures * x
    return losses


def finder_without_half(curvatures, start, low, growth, steps):
    x, losses = start.copy(), []
    for t in range(steps):
        losses.append(np.sum(curvatures * x**2))
        x = x - low * growth**t * curvatures * x
    return losses


def finder_many_starts(curvatures, start, low, growth, steps):
    losses = []
    for t in range(steps):
        x = start - low * growth**t * curvatures * start
        losses.append(np.sum(curvatures * x**2) / 2)
    return losses


def finder_flat_gradient(curvatures, start, low, growth, steps):
    x, losses = start.copy(), []
    for t in range(steps):
        losses.append(np.sum(curvatures * x**2) / 2)
        x = x - low * growth**t * x
    return losses


def finder_uphill(curvatures, start, low, growth, steps):
    x, losses = start.copy(), []
    for t in range(steps):
        losses.append(np.sum(curvatures * x**2) / 2)
        x = x + low * growth**t * curvatures * x
    return losses


def finder_only_rate(curvatures, start, low, growth, steps):
    x, losses = start.copy(), []
    for t in range(steps):
        losses.append(np.sum(curvatures * x**2) / 2)
        x = x - low * growth**t * curvatures * x
    return low * growth ** np.argmin(losses)


WRONG["range_test"] = {
    "the rate grows before the first step": finder_early,
    "the rate grows by addition": finder_added,
    "the rate does not grow": finder_constant,
    "the losses after the steps": finder_after,
    "one loss too many": finder_one_more,
    "the half is missing": finder_without_half,
    "every step begins at the start": finder_many_starts,
    "the curvatures are missing from the gradient": finder_flat_gradient,
    "a wrong shape": finder_only_rate,
    "another mistake": finder_uphill,
}


# --- another batch size


def rate_by_cases(rate, batch, new_batch, optimizer, noise_scale):
    ratio = min(new_batch, noise_scale) / min(batch, noise_scale)
    return rate * ratio if optimizer == "sgd" else rate * ratio**0.5


def rate_by_unit(rate, batch, new_batch, optimizer, noise_scale):
    batch, new_batch = np.clip([batch, new_batch], 0, noise_scale)
    power = {"sgd": 1, "adam": 1 / 2}[optimizer]
    per_image = rate / batch**power
    return per_image * new_batch**power


RIGHT["scaled_rate"] = [rate_by_cases, rate_by_unit]


def rate_linear(rate, batch, new_batch, optimizer, noise_scale):
    return rate * min(new_batch, noise_scale) / min(batch, noise_scale)


def rate_root(rate, batch, new_batch, optimizer, noise_scale):
    return rate * np.sqrt(min(new_batch, noise_scale) / min(batch, noise_scale))


def rate_exchanged(rate, batch, new_batch, optimizer, noise_scale):
    ratio = min(new_batch, noise_scale) / min(batch, noise_scale)
    return rate * ratio if optimizer == "adam" else rate * ratio**0.5


def rate_without_end(rate, batch, new_batch, optimizer, noise_scale):
    ratio = new_batch / batch
    return rate * ratio if optimizer == "sgd" else rate * ratio**0.5


def rate_half_capped(rate, batch, new_batch, optimizer, noise_scale):
    ratio = min(new_batch, noise_scale) / batch
    return rate * ratio if optimizer == "sgd" else rate * ratio**0.5


def rate_upside_down(rate, batch, new_batch, optimizer, noise_scale):
    ratio = min(batch, noise_scale) / min(new_batch, noise_scale)
    return rate * ratio if optimizer == "sgd" else rate * ratio**0.5


def rate_upwards(rate, batch, new_batch, optimizer, noise_scale):
    ratio = max(1, min(new_batch, noise_scale) / min(batch, noise_scale))
    return rate * ratio if optimizer == "sgd" else rate * ratio**0.5


def rate_capped_ratio(rate, batch, new_batch, optimizer, noise_scale):
    ratio = min(new_batch / batch, noise_scale)
    return rate * ratio


WRONG["scaled_rate"] = {
    "the linear rule for both": rate_linear,
    "the square-root rule for both": rate_root,
    "the two rules exchanged": rate_exchanged,
    "no end at the noise scale": rate_without_end,
    "the old batch is not capped": rate_half_capped,
    "upside down": rate_upside_down,
    "only upwards": rate_upwards,
    "another mistake": rate_capped_ratio,
}


# --- how many trials


def trials_by_logarithms(share, confidence):
    return int(np.ceil(np.log(1 - confidence) / np.log(1 - share)))


def trials_by_counting(share, confidence):
    n, all_miss = 0, 1.0
    while all_miss > 1 - confidence:
        n, all_miss = n + 1, all_miss * (1 - share)
    return n


RIGHT["trials_needed"] = [trials_by_logarithms, trials_by_counting]


def trials_exact(share, confidence):
    return np.log(1 - confidence) / np.log(1 - share)


def trials_rounded(share, confidence):
    return round(np.log(1 - confidence) / np.log(1 - share))


def trials_on_average(share, confidence):
    return int(np.ceil(1 / share))


def trials_added(share, confidence):
    return int(np.ceil(confidence / share))


def trials_exchanged(share, confidence):
    return int(np.ceil(np.log(1 - share) / np.log(1 - confidence)))


def trials_confident_miss(share, confidence):
    return int(np.ceil(np.log(confidence) / np.log(1 - share)))


def trials_one_more(share, confidence):
    return int(np.ceil(np.log(1 - confidence) / np.log(1 - share))) + 1


WRONG["trials_needed"] = {
    "not rounded up": trials_exact,
    "rounded down": trials_rounded,
    "one over the share": trials_on_average,
    "chances added up": trials_added,
    "the two arguments exchanged": trials_exchanged,
    "the chance to miss is the confidence": trials_confident_miss,
    "another mistake": trials_one_more,
}


# --- the expected best


def best_by_ranks(losses, trials):
    losses, n = np.sort(losses), len(losses)
    total = 0.0
    for i in range(n):
        total += losses[i] * (((n - i) / n) ** trials - ((n - i - 1) / n) ** trials)
    return total


def best_by_steps(losses, trials):
    losses = np.sort(losses)
    at_least = (len(losses) - np.arange(1, len(losses))) / len(losses)
    return losses[0] + np.sum(np.diff(losses) * at_least**trials)


RIGHT["expected_best"] = [best_by_ranks, best_by_steps]


def best_unsorted(losses, trials):
    n = len(losses)
    weights = [((n - i) / n) ** trials - ((n - i - 1) / n) ** trials for i in range(n)]
    return np.dot(weights, losses)


def best_is_highest(losses, trials):
    losses, n = np.sort(losses), len(losses)
    weights = [((i + 1) / n) ** trials - (i / n) ** trials for i in range(n)]
    return np.dot(weights, losses)


def best_of_different(losses, trials):
    losses, n = np.sort(losses), len(losses)
    chance, total, left = 1.0, 0.0, n
    for loss in losses:
        hit = min(1, trials / left)
        total, chance, left = total + chance * hit * loss, chance * (1 - hit), left - 1
    return total


def best_of_first(losses, trials):
    return np.min(losses[:trials])


def best_of_all(losses, trials):
    return np.min(losses)


def best_mean(losses, trials):
    return np.mean(losses)


def best_mean_of_lowest(losses, trials):
    return np.mean(np.sort(losses)[:trials])


def best_with_one_more(losses, trials):
    losses, n = np.sort(losses), len(losses)
    weights = [((n - i) / n) ** (trials + 1) - ((n - i - 1) / n) ** (trials + 1) for i in range(n)]
    return np.dot(weights, losses)


def best_quantile(losses, trials):
    return np.quantile(losses, 1 / (trials + 1))


WRONG["expected_best"] = {
    "not sorted": best_unsorted,
    "the highest in place of the lowest": best_is_highest,
    "without replacement": best_of_different,
    "the first trials only": best_of_first,
    "the lowest of all": best_of_all,
    "the mean of all": best_mean,
    "the mean of the lowest": best_mean_of_lowest,
    "one trial too many": best_with_one_more,
    "another mistake": best_quantile,
}


# --- six reports

FLAWS = {
    "A": "range too short",
    "B": "same rate for all",
    "C": "reported where tuned",
    "D": "unequal trials",
    "E": "one seed",
    "F": "unequal budget",
}


def flaws(**changed):
    return {"flaws": {**FLAWS, **changed}}


RIGHT["flaws"] = [flaws(), {"flaws": {letter.lower(): said.title() for letter, said in FLAWS.items()}}]
WRONG["flaws"] = {
    "trials are equal": flaws(A="unequal trials"),
    "the rate itself is not the trouble": flaws(B="range too short"),
    "there are three seeds": flaws(C="one seed"),
    "the steps are equal": flaws(D="unequal budget"),
    "other images are reported": flaws(E="reported where tuned"),
    "trials are equal here": flaws(F="unequal trials"),
    "some are empty": flaws(F=None),
    "unknown word": flaws(B="unfair"),
    "says same rate for all": flaws(A="same rate for all"),
}
