"""What students hand in for the chapter `convergence`: right in many ways, and wrong in the usual ones.

`RIGHT[exercise]` lists right answers, `WRONG[exercise]` has wrong ones by the name of the mistake that they must be
judged with. A function needs nothing but `np` around it, so that its source can be pasted into a notebook; an answer
that is a value is a dict of the notebook's variables.
"""

# ruff: noqa: RUF007  (students' code)
import numpy as np

RIGHT, WRONG = {}, {}


# --- gradient descent's best learning rate


def best_by_formula(eigenvalues):
    m, L = np.min(eigenvalues), np.max(eigenvalues)
    return 2 / (L + m), (L - m) / (L + m)


def best_by_condition_number(eigenvalues):
    low, *_, high = sorted(eigenvalues)
    kappa = high / low
    learning_rate = 2 / (high * (1 + 1 / kappa))
    return [learning_rate, 1 - 2 / (kappa + 1)]


def best_by_factors(eigenvalues):
    lr = 2 / (max(eigenvalues) + min(eigenvalues))
    return np.array([lr, max(abs(1 - lr * e) for e in eigenvalues)])


RIGHT["best_rate"] = [best_by_formula, best_by_condition_number, best_by_factors]


def best_of_ends(eigenvalues):
    m, L = eigenvalues[0], eigenvalues[-1]
    return 2 / (L + m), (L - m) / (L + m)


def best_at_limit(eigenvalues):
    m, L = min(eigenvalues), max(eigenvalues)
    return 2 / L, (L / m - 1) / (L / m + 1)


def best_newton_in_steep(eigenvalues):
    lr = 1 / max(eigenvalues)
    return lr, 1 - lr * min(eigenvalues)


def best_mean(eigenvalues):
    lr = 1 / np.mean(eigenvalues)
    return lr, max(abs(1 - lr * e) for e in eigenvalues)


def best_of_heavy_ball(eigenvalues):
    m, L = min(eigenvalues), max(eigenvalues)
    root = np.sqrt(L / m)
    return 2 / (L + m), (root - 1) / (root + 1)


def best_upside_down(eigenvalues):
    m, L = min(eigenvalues), max(eigenvalues)
    kappa = m / L
    return 2 / (L + m), (kappa - 1) / (kappa + 1)


def best_exchanged(eigenvalues):
    m, L = min(eigenvalues), max(eigenvalues)
    return (L - m) / (L + m), 2 / (L + m)


def best_without_rate(eigenvalues):
    return 2 / (max(eigenvalues) + min(eigenvalues))


def best_half(eigenvalues):
    m, L = min(eigenvalues), max(eigenvalues)
    return 1 / (L + m), (L - m) / (L + m)


WRONG["best_rate"] = {
    "takes the first and the last eigenvalue": best_of_ends,
    "the limit in place of the best": best_at_limit,
    "one over the largest": best_newton_in_steep,
    "one over the mean": best_mean,
    "the rate of heavy ball": best_of_heavy_ball,
    "negative rate": best_upside_down,
    "the two answers exchanged": best_exchanged,
    "a wrong type": best_without_rate,
    "another mistake": best_half,
}


# --- heavy ball's settings


def settings_by_formula(m, L):
    kappa = L / m
    rate = (np.sqrt(kappa) - 1) / (np.sqrt(kappa) + 1)
    return 4 / (np.sqrt(L) + np.sqrt(m)) ** 2, rate**2


def settings_from_edges(m, L):
    # rate * m = (1 - root)^2 and rate * L = (1 + root)^2, so sqrt(rate) (sqrt(m) + sqrt(L)) = 2
    s = 2 / (m**0.5 + L**0.5)
    root = s * L**0.5 - 1
    return s * s, root * root


RIGHT["heavy_ball_settings"] = [settings_by_formula, settings_from_edges]


def settings_rate_as_momentum(m, L):
    root = np.sqrt(L / m)
    return 4 / (np.sqrt(L) + np.sqrt(m)) ** 2, (root - 1) / (root + 1)


def settings_kappa(m, L):
    kappa = L / m
    return 4 / (np.sqrt(L) + np.sqrt(m)) ** 2, ((kappa - 1) / (kappa + 1)) ** 2


def settings_of_descent(m, L):
    root = np.sqrt(L / m)
    return 2 / (L + m), ((root - 1) / (root + 1)) ** 2


def settings_root_of_sum(m, L):
    root = np.sqrt(L / m)
    return 4 / np.sqrt(L + m) ** 2, ((root - 1) / (root + 1)) ** 2


def settings_of_nesterov(m, L):
    root = np.sqrt(L / m)
    return 1 / L, (root - 1) / (root + 1)


def settings_not_squared(m, L):
    root = np.sqrt(L / m)
    return 4 / (np.sqrt(L) + np.sqrt(m)), ((root - 1) / (root + 1)) ** 2


def settings_exchanged(m, L):
    root = np.sqrt(L / m)
    return ((root - 1) / (root + 1)) ** 2, 4 / (np.sqrt(L) + np.sqrt(m)) ** 2


def settings_usual(m, L):
    return 1 / L, 0.9


def settings_upside_down(m, L):
    root = np.sqrt(m / L - 1)
    return 4 / (np.sqrt(L) + np.sqrt(m)) ** 2, ((root - 1) / (root + 1)) ** 2


WRONG["heavy_ball_settings"] = {
    "momentum not squared": settings_rate_as_momentum,
    "no roots in the momentum": settings_kappa,
    "the learning rate of gradient descent": settings_of_descent,
    "root of the sum": settings_root_of_sum,
    "Nesterov's settings": settings_of_nesterov,
    "denominator not squared": settings_not_squared,
    "the two answers exchanged": settings_exchanged,
    "another mistake": settings_usual,
    "returns nan": settings_upside_down,
}


# --- the regime


def regime_by_borders(learning_rate, momentum, curvature):
    product, root = learning_rate * curvature, np.sqrt(momentum)
    if product < (1 - root) ** 2:
        return "monotone"
    if product < (1 + root) ** 2:
        return "ringing"
    return "jumping" if product < 2 * (1 + momentum) else "divergent"


def regime_by_roots(learning_rate, momentum, curvature):
    roots = np.roots([1, -(1 + momentum - learning_rate * curvature), momentum])
    if np.max(np.abs(roots)) > 1:
        return "divergent"
    if np.iscomplex(roots).any():
        return "ringing"
    return "monotone" if np.real(roots).min() > 0 else "jumping"


def regime_by_walking(learning_rate, momentum, curvature):
    x, v, path = 1.0, 0.0, [1.0]
    for _ in range(300):
        v = momentum * v + curvature * x
        x = x - learning_rate * v
        path.append(x)
    if abs(x) > 1:
        return "Divergent"
    path = [p for p in path if abs(p) > 1e-12]
    crossings = sum(a * b < 0 for a, b in zip(path, path[1:]))
    if crossings == 0:
        return "Monotone"
    return "Jumping" if crossings == len(path) - 1 else "Ringing"


RIGHT["momentum_regime"] = [regime_by_borders, regime_by_roots, regime_by_walking]


def regime_old_limit(learning_rate, momentum, curvature):
    product, root = learning_rate * curvature, np.sqrt(momentum)
    if product > 2:
        return "divergent"
    if product < (1 - root) ** 2:
        return "monotone"
    return "ringing" if product < (1 + root) ** 2 else "jumping"


def regime_without_roots(learning_rate, momentum, curvature):
    product = learning_rate * curvature
    if product < (1 - momentum) ** 2:
        return "monotone"
    if product < (1 + momentum) ** 2:
        return "ringing"
    return "jumping" if product < 2 * (1 + momentum) else "divergent"


def regime_without_curvature(learning_rate, momentum, curvature):
    root = np.sqrt(momentum)
    if learning_rate < (1 - root) ** 2:
        return "monotone"
    if learning_rate < (1 + root) ** 2:
        return "ringing"
    return "jumping" if learning_rate < 2 * (1 + momentum) else "divergent"


def regime_never_jumps(learning_rate, momentum, curvature):
    product = learning_rate * curvature
    if product > 2 * (1 + momentum):
        return "divergent"
    return "monotone" if product < (1 - np.sqrt(momentum)) ** 2 else "ringing"


def regime_never_diverges(learning_rate, momentum, curvature):
    product, root = learning_rate * curvature, np.sqrt(momentum)
    if product < (1 - root) ** 2:
        return "monotone"
    return "ringing" if product < (1 + root) ** 2 else "jumping"


def regime_reversed(learning_rate, momentum, curvature):
    product = learning_rate * curvature
    if product > 2 * (1 + momentum):
        return "divergent"
    discriminant = (1 + momentum - product) ** 2 - 4 * momentum
    return "ringing" if discriminant > 0 else "monotone"


def regime_in_own_words(learning_rate, momentum, curvature):
    product, root = learning_rate * curvature, np.sqrt(momentum)
    if product < (1 - root) ** 2:
        return "overdamped"
    if product < (1 + root) ** 2:
        return "underdamped"
    return "jumping" if product < 2 * (1 + momentum) else "divergent"


def regime_guess(learning_rate, momentum, curvature):
    return "ringing"


WRONG["momentum_regime"] = {
    "the limit of gradient descent": regime_old_limit,
    "roots of the momentum forgotten": regime_without_roots,
    "curvature forgotten": regime_without_curvature,
    "jumping taken for ringing": regime_never_jumps,
    "nothing diverges": regime_never_diverges,
    "discriminant the wrong way round": regime_reversed,
    "unknown word": regime_in_own_words,
    "another mistake": regime_guess,
}


# --- averages


def averages_by_cumsum(points, burn_in):
    tail = points[burn_in:]
    return np.cumsum(tail, axis=0) / np.arange(1, len(tail) + 1)[:, None]


def averages_running(points, burn_in):
    mean, means = 0.0, []
    for i, point in enumerate(points[burn_in:]):
        mean = mean + (point - mean) / (i + 1)
        means.append(mean)
    return np.array(means)


def averages_one_by_one(points, burn_in):
    return [np.mean(points[burn_in:end], axis=0) for end in range(burn_in + 1, len(points) + 1)]


RIGHT["tail_averages"] = [averages_by_cumsum, averages_running, averages_one_by_one]


def averages_of_everything(points, burn_in):
    means = np.cumsum(points, axis=0) / np.arange(1, len(points) + 1)[:, None]
    return means[burn_in:]


def averages_over_all_steps(points, burn_in):
    total, means = 0, []
    for step in range(burn_in, len(points)):
        total = total + points[step]
        means.append(total / (step + 1))
    return np.array(means)


def averages_halved(points, burn_in):
    mean, means = points[burn_in], [points[burn_in]]
    for point in points[burn_in + 1 :]:
        mean = 0.5 * mean + 0.5 * point
        means.append(mean)
    return np.array(means)


def averages_summed(points, burn_in):
    return np.cumsum(points[burn_in:], axis=0)


def averages_from_zero(points, burn_in):
    mean, means = np.zeros(points.shape[1]), []
    for i, point in enumerate(points[burn_in:], start=1):
        mean = mean + (point - mean) / (i + 1)
        means.append(mean)
    return np.array(means)


def averages_late(points, burn_in):
    means = [points[burn_in]]
    for i in range(1, len(points) - burn_in):
        means.append(points[burn_in : burn_in + i].mean(axis=0))
    return np.array(means)


def averages_twice(points, burn_in):
    mean, means = 0, []
    for i in range(len(points) - burn_in):
        newest = points[burn_in : burn_in + i + 1].mean(axis=0)
        mean = mean + (newest - mean) / (i + 1)
        means.append(mean)
    return np.array(means)


def averages_only_last(points, burn_in):
    return points[burn_in:].mean(axis=0)


def averages_ema(points, burn_in):
    mean, means = points[burn_in], [points[burn_in]]
    for point in points[burn_in + 1 :]:
        mean = 0.9 * mean + 0.1 * point
        means.append(mean)
    return np.array(means)


WRONG["tail_averages"] = {
    "the beginning is averaged too": averages_of_everything,
    "counts the points that were left out": averages_over_all_steps,
    "the newest point has half the weight": averages_halved,
    "sums, not means": averages_summed,
    "divides by one too many": averages_from_zero,
    "the newest point is left out": averages_late,
    "means of means": averages_twice,
    "a wrong shape": averages_only_last,
    "another mistake": averages_ema,
}


# --- the forecast

FORECAST = {"effective rate": 0.2, "rate": 0.9747, "period": 31.2, "limit": 0.975, "cloud": 19.8}


def forecast(**changed):
    return {"ringing_forecast": {**FORECAST, **{key.replace("_", " "): value for key, value in changed.items()}}}


RIGHT["ringing_forecast"] = [
    forecast(),
    {
        "ringing_forecast": {
            "effective rate": 0.01 / 0.05,
            "rate": np.sqrt(0.95),
            "period": 2 * np.pi / np.sqrt(0.04),
            "limit": 3.9 / 4,
            "cloud": 20,
        }
    },
]
WRONG["ringing_forecast"] = {
    "multiplies by 1 - momentum": forecast(effective_rate=0.0005),
    "the learning rate itself": forecast(effective_rate=0.01),
    "the product of the roots": forecast(rate=0.95),
    "the factor without momentum": forecast(rate=0.96),
    "half a period": forecast(period=15.7),
    "two pi forgotten": forecast(period=5.0),
    "the limit without momentum": forecast(limit=0.5),
    "limit on the effective rate": forecast(limit=0.025),
    "the curvature forgotten": forecast(limit=3.9),
    "no larger": forecast(cloud=1),
    "the deviation, not the variance": forecast(cloud=4.45),
    "squared once too often": forecast(cloud=400),
    "some are empty": forecast(cloud=None),
    "too large": forecast(period=100),
    "a number in quotes": forecast(rate="0.9747"),
}
