"""What students hand in for the chapter `pathological_cases`: right in many ways, and wrong in the usual ones.

`RIGHT[exercise]` lists right answers, `WRONG[exercise]` has wrong ones by the name of the mistake that they must be
judged with. A function needs nothing but `np` around it, so that its source can be pasted into a notebook.
"""

import numpy as np

RIGHT, WRONG = {}, {}


# --- clipping by norm


def clip_with_if(gradient, max_norm):
    norm = np.sqrt(np.sum(gradient**2))
    if norm > max_norm:
        return max_norm * gradient / norm
    return gradient


def clip_with_min(gradient, max_norm):
    return gradient * min(1.0, max_norm / np.linalg.norm(gradient))


def clip_with_max(gradient, max_norm):
    return [g / max(1, np.linalg.norm(gradient) / max_norm) for g in gradient]


RIGHT["clip_by_norm"] = [clip_with_if, clip_with_min, clip_with_max]


def clip_entries(gradient, max_norm):
    return np.minimum(np.maximum(gradient, -max_norm), max_norm)


def clip_always(gradient, max_norm):
    return max_norm * gradient / np.linalg.norm(gradient)


def clip_short_ones(gradient, max_norm):
    return gradient * max(1.0, max_norm / np.linalg.norm(gradient))


def clip_to_one(gradient, max_norm):
    norm = np.linalg.norm(gradient)
    if norm > max_norm:
        gradient = gradient / norm
    return gradient


def clip_largest(gradient, max_norm):
    norm = max(abs(gradient))
    return gradient * min(1, max_norm / norm)


def clip_sum(gradient, max_norm):
    norm = sum(abs(gradient))
    return gradient * min(1, max_norm / norm)


def clip_square(gradient, max_norm):
    norm = gradient @ gradient
    return gradient * min(1, max_norm / norm)


def clip_to_zero(gradient, max_norm):
    return gradient * 0 if np.linalg.norm(gradient) > max_norm else gradient


def clip_only_the_norm(gradient, max_norm):
    return min(np.linalg.norm(gradient), max_norm)


WRONG["clip_by_norm"] = {
    "clips every entry": clip_entries,
    "always scales": clip_always,
    "clips the short ones": clip_short_ones,
    "to length one": clip_to_one,
    "measures by the largest entry": clip_largest,
    "measures by the sum": clip_sum,
    "root forgotten": clip_square,
    "another mistake": clip_to_zero,
    "a wrong shape": clip_only_the_norm,
}


# --- steps to leave a saddle


def leave_by_formula(learning_rate, curvature, momentum, distance):
    b = 1 + momentum + learning_rate * curvature
    z = (b + np.sqrt(b**2 - 4 * momentum)) / 2
    return -np.log(distance) / np.log(z)


def leave_by_roots(learning_rate, curvature, momentum, distance):
    roots = np.roots([1, -(1 + momentum + learning_rate * curvature), momentum])
    return np.log(1 / distance) / np.log(max(roots))


def leave_by_matrix(learning_rate, curvature, momentum, distance):
    # velocity and distance from one step to the next
    matrix = np.array([[momentum, learning_rate * curvature], [momentum, 1 + learning_rate * curvature]])
    return -np.log10(distance) / np.log10(max(abs(np.linalg.eigvals(matrix))))


RIGHT["saddle_steps"] = [leave_by_formula, leave_by_roots, leave_by_matrix]


def leave_plain(learning_rate, curvature, momentum, distance):
    return np.log(1 / distance) / np.log(1 + learning_rate * curvature)


def leave_effective(learning_rate, curvature, momentum, distance):
    effective = learning_rate / (1 - momentum)
    return np.log(1 / distance) / np.log(1 + effective * curvature)


def leave_minimum(learning_rate, curvature, momentum, distance):
    roots = np.roots([1, -(1 + momentum - learning_rate * curvature), momentum])
    return -np.log(distance) / np.log(max(abs(roots)))


def leave_adding(learning_rate, curvature, momentum, distance):
    z = max(np.roots([1, -(1 + momentum + learning_rate * curvature), momentum]))
    return (1 - distance) / (distance * (z - 1))


def leave_mixed_logs(learning_rate, curvature, momentum, distance):
    z = max(np.roots([1, -(1 + momentum + learning_rate * curvature), momentum]))
    return -np.log10(distance) / np.log(z)


def leave_smaller(learning_rate, curvature, momentum, distance):
    b = 1 + momentum + learning_rate * curvature
    z = (b - np.sqrt(b**2 - 4 * momentum)) / 2
    return -np.log(distance) / np.log(z)


def leave_nesterov(learning_rate, curvature, momentum, distance):
    q = 1 + learning_rate * curvature
    b = (1 + momentum) * q
    z = (b + np.sqrt(b**2 - 4 * momentum * q)) / 2
    return -np.log(distance) / np.log(z)


def leave_negative(learning_rate, curvature, momentum, distance):
    z = max(np.roots([1, -(1 + momentum + learning_rate * curvature), momentum]))
    return np.log(distance) / np.log(z)


def leave_half(learning_rate, curvature, momentum, distance):
    z = max(np.roots([1, -(1 + momentum + learning_rate * curvature), momentum]))
    return np.log(0.5 / distance) / np.log(z)


WRONG["saddle_steps"] = {
    "momentum forgotten": leave_plain,
    "effective learning rate": leave_effective,
    "curvature of a minimum": leave_minimum,
    "adds in place of multiplying": leave_adding,
    "two kinds of logarithm": leave_mixed_logs,
    "the smaller root": leave_smaller,
    "Nesterov's equation": leave_nesterov,
    "negative steps": leave_negative,
    "another mistake": leave_half,
}


# --- Adam's drift


def drift_by_rounds(gradients, b2):
    s = 0.0
    for _ in range(500):
        moved = 0.0
        for g in gradients:
            s = b2 * s + (1 - b2) * g**2
            moved -= g / np.sqrt(s)
    return moved


def drift_by_formula(gradients, b2):
    n = len(gradients)
    total = 0.0
    for t in range(n):
        s = sum(b2**k * gradients[(t - k) % n] ** 2 for k in range(n)) * (1 - b2) / (1 - b2**n)
        total += gradients[t] / s**0.5
    return -total


def drift_by_tiling(gradients, b2):
    many = np.tile(gradients, 600)
    s, steps = 0.0, []
    for g in many:
        s = b2 * s + (1 - b2) * g * g
        steps.append(-g / np.sqrt(s))
    return np.sum(steps[-len(gradients) :])


RIGHT["adam_drift"] = [drift_by_rounds, drift_by_formula, drift_by_tiling]


def drift_up(gradients, b2):
    s = 0.0
    for _ in range(500):
        moved = 0.0
        for g in gradients:
            s = b2 * s + (1 - b2) * g**2
            moved += g / np.sqrt(s)
    return moved


def drift_old_memory(gradients, b2):
    s = 1.0
    for _ in range(500):
        moved = 0.0
        for g in gradients:
            moved -= g / np.sqrt(s)
            s = b2 * s + (1 - b2) * g**2
    return moved


def drift_alike(gradients, b2):
    return -sum(gradients) / np.sqrt(np.mean(gradients**2))


def drift_no_root(gradients, b2):
    s = 0.0
    for _ in range(500):
        moved = 0.0
        for g in gradients:
            s = b2 * s + (1 - b2) * g**2
            moved -= g / s
    return moved


def drift_first(gradients, b2):
    s = moved = 0.0
    for g in gradients:
        s = b2 * s + (1 - b2) * g**2
        moved -= g / np.sqrt(s)
    return moved


def drift_first_corrected(gradients, b2):
    s = moved = 0.0
    for t, g in enumerate(gradients):
        s = b2 * s + (1 - b2) * g**2
        moved -= g / np.sqrt(s / (1 - b2 ** (t + 1)))
    return moved


def drift_mean(gradients, b2):
    s = 0.0
    for _ in range(500):
        moved = []
        for g in gradients:
            s = b2 * s + (1 - b2) * g**2
            moved.append(-g / np.sqrt(s))
    return np.mean(moved)


def drift_of_all_periods(gradients, b2):
    s = moved = 0.0
    for _ in range(500):
        for g in gradients:
            s = b2 * s + (1 - b2) * g**2
            moved -= g / np.sqrt(s)
    return moved


def drift_exchanged(gradients, b2):
    s = 0.0
    for _ in range(500):
        moved = 0.0
        for g in gradients:
            s = (1 - b2) * s + b2 * g**2
            moved -= g / np.sqrt(s)
    return moved


def drift_of_the_mean(gradients, b2):
    return -np.mean(gradients)


WRONG["adam_drift"] = {
    "wrong direction": drift_up,
    "memory without the present gradient": drift_old_memory,
    "all gradients alike": drift_alike,
    "root forgotten": drift_no_root,
    "the first period, memory empty": drift_first,
    "the first period, corrected": drift_first_corrected,
    "per step": drift_mean,
    "all periods added up": drift_of_all_periods,
    "weights exchanged": drift_exchanged,
    "another mistake": drift_of_the_mean,
}


# --- the case behind a log


def diagnose_by_steps(loss, gradient, update, cosine):
    jumps = gradient[1:] / np.maximum(gradient[:-1], 1e-12)
    if jumps.max() > 100:
        at = jumps.argmax() + 1
        if np.median(update[at + 10 :]) < 0.5 * np.median(update[:at]) and loss[-1] > 10:
            return "memory"
        return "cliff"
    if np.mean(cosine[-30:]) < -0.9:
        return "cone"
    if np.std(cosine[-60:]) > 0.2:
        return "noise"
    return "saddle" if gradient[0] > 0.1 else "plateau"


def diagnose_by_scores(loss, gradient, update, cosine):
    end = np.median(cosine[-20:])
    at = np.argmax(gradient)
    if at > 0 and gradient[at] / gradient[at - 1] > 60:
        return "Cliff" if update[at] > 20 * np.median(update[:at]) else "Memory"
    if gradient[0] < 0.02:
        return "Plateau"
    if gradient.min() < gradient[0] / 500:
        return "Saddle"
    return "Cone" if end < -0.95 else "Noise"


RIGHT["diagnose"] = [diagnose_by_steps, diagnose_by_scores]


def diagnose_spike_is_cliff(loss, gradient, update, cosine):
    if max(gradient[1:] / np.maximum(gradient[:-1], 1e-12)) > 100:
        return "cliff"
    if np.mean(cosine[-30:]) < -0.9:
        return "cone"
    if np.std(cosine[-60:]) > 0.2:
        return "noise"
    return "saddle" if gradient[0] > 0.1 else "plateau"


def diagnose_spike_is_memory(loss, gradient, update, cosine):
    if max(gradient[1:] / np.maximum(gradient[:-1], 1e-12)) > 100:
        return "memory"
    if np.mean(cosine[-30:]) < -0.9:
        return "cone"
    if np.std(cosine[-60:]) > 0.2:
        return "noise"
    return "saddle" if gradient[0] > 0.1 else "plateau"


def diagnose_level_is_cone(loss, gradient, update, cosine):
    jumps = gradient[1:] / np.maximum(gradient[:-1], 1e-12)
    if jumps.max() > 100:
        at = jumps.argmax() + 1
        return "memory" if np.median(gradient[at + 5 :]) > 0.3 * np.median(gradient[:at]) and loss[-1] > 10 else "cliff"
    if cosine[-60:].min() < 0:
        return "cone"
    return "saddle" if gradient[0] > 0.1 else "plateau"


def diagnose_level_is_noise(loss, gradient, update, cosine):
    jumps = gradient[1:] / np.maximum(gradient[:-1], 1e-12)
    if jumps.max() > 100:
        at = jumps.argmax() + 1
        return "memory" if np.median(gradient[at + 5 :]) > 0.3 * np.median(gradient[:at]) and loss[-1] > 10 else "cliff"
    if cosine[-60:].min() < 0:
        return "noise"
    return "saddle" if gradient[0] > 0.1 else "plateau"


def diagnose_small_is_plateau(loss, gradient, update, cosine):
    jumps = gradient[1:] / np.maximum(gradient[:-1], 1e-12)
    if jumps.max() > 100:
        at = jumps.argmax() + 1
        return "memory" if np.median(gradient[at + 5 :]) > 0.3 * np.median(gradient[:at]) and loss[-1] > 10 else "cliff"
    if np.mean(cosine[-30:]) < -0.9:
        return "cone"
    return "noise" if np.std(cosine[-60:]) > 0.2 else "plateau"


def diagnose_small_is_saddle(loss, gradient, update, cosine):
    jumps = gradient[1:] / np.maximum(gradient[:-1], 1e-12)
    if jumps.max() > 100:
        at = jumps.argmax() + 1
        return "memory" if np.median(gradient[at + 5 :]) > 0.3 * np.median(gradient[:at]) and loss[-1] > 10 else "cliff"
    if np.mean(cosine[-30:]) < -0.9:
        return "cone"
    return "noise" if np.std(cosine[-60:]) > 0.2 else "saddle"


def diagnose_first_step_is_spike(loss, gradient, update, cosine):
    if max(gradient) > 10 * np.median(gradient):
        return "memory" if np.median(gradient[-40:]) > 0.3 * np.median(gradient[:30]) and loss[-1] > 10 else "cliff"
    if np.mean(cosine[-30:]) < -0.9:
        return "cone"
    return "noise" if np.std(cosine[-60:]) > 0.2 else "plateau"


def diagnose_invents(loss, gradient, update, cosine):
    return "explosion"


def diagnose_always_cone(loss, gradient, update, cosine):
    return "cone"


WRONG["diagnose"] = {
    "every spike is a cliff": diagnose_spike_is_cliff,
    "every spike is a spoiled memory": diagnose_spike_is_memory,
    "noise taken for a cone": diagnose_level_is_cone,
    "a cone taken for noise": diagnose_level_is_noise,
    "a saddle taken for a plateau": diagnose_small_is_plateau,
    "a plateau taken for a saddle": diagnose_small_is_saddle,
    "the start of a saddle taken for a spike": diagnose_first_step_is_spike,
    "unknown word": diagnose_invents,
    "another mistake": diagnose_always_cone,
}
