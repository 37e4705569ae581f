"""What students hand in for the chapter `mixed_precision`: right in many ways, and wrong in the usual ones.

`RIGHT[exercise]` lists right answers, `WRONG[exercise]` has wrong ones by the name of the mistake that they must be
judged with. A function needs nothing but `np` and `precision` around it, so that it can be pasted into a notebook.
"""

import numpy as np

from optcourse import precision

RIGHT, WRONG = {}, {}


# --- gradient descent with a dynamic loss scale


def descend_with_if(gradients, learning_rate, scale, interval):
    weights, good = np.zeros(2), 0
    path, scales = [weights], [scale]
    for gradient in gradients:
        if np.all(np.isfinite(gradient)):
            weights = weights - learning_rate * gradient / scale
            good += 1
            if good == interval:
                scale, good = 2 * scale, 0
        else:
            scale, good = scale / 2, 0
        path.append(weights)
        scales.append(scale)
    return np.array(path), np.array(scales)


def descend_in_arrays(gradients, learning_rate, scale, interval):
    path, scales, good = np.zeros((len(gradients) + 1, 2)), np.full(len(gradients) + 1, float(scale)), 0
    for t in range(len(gradients)):
        finite = np.isfinite(np.sum(np.abs(gradients[t])))
        good = good + 1 if finite else 0
        path[t + 1] = path[t] - learning_rate * gradients[t] / scales[t] if finite else path[t]
        scales[t + 1] = scales[t] * (1 if finite else 0.5) * (2 if good == interval else 1)
        good %= interval
    return path, scales


RIGHT["scaled_descent"] = [descend_with_if, descend_in_arrays]


def descend_always(gradients, learning_rate, scale, interval):
    weights, good = np.zeros(2), 0
    path, scales = [weights], [scale]
    for gradient in gradients:
        weights = weights - learning_rate * gradient / scale
        if np.all(np.isfinite(gradient)):
            good += 1
            if good == interval:
                scale, good = 2 * scale, 0
        else:
            scale, good = scale / 2, 0
        path.append(weights)
        scales.append(scale)
    return np.array(path), np.array(scales)


def descend_without_bad_entries(gradients, learning_rate, scale, interval):
    weights, good = np.zeros(2), 0
    path, scales = [weights], [scale]
    for gradient in gradients:
        weights = weights - learning_rate * np.nan_to_num(gradient, posinf=0, neginf=0) / scale
        if np.all(np.isfinite(gradient)):
            good += 1
            if good == interval:
                scale, good = 2 * scale, 0
        else:
            scale, good = scale / 2, 0
        path.append(weights)
        scales.append(scale)
    return np.array(path), np.array(scales)


def descend_scaled(gradients, learning_rate, scale, interval):
    weights, good = np.zeros(2), 0
    path, scales = [weights], [scale]
    for gradient in gradients:
        if np.all(np.isfinite(gradient)):
            weights = weights - learning_rate * gradient
            good += 1
            if good == interval:
                scale, good = 2 * scale, 0
        else:
            scale, good = scale / 2, 0
        path.append(weights)
        scales.append(scale)
    return np.array(path), np.array(scales)


def descend_by_new_scale(gradients, learning_rate, scale, interval):
    weights, good = np.zeros(2), 0
    path, scales = [weights], [scale]
    for gradient in gradients:
        finite = np.all(np.isfinite(gradient))
        good = good + 1 if finite else 0
        if not finite:
            scale = scale / 2
        elif good == interval:
            scale, good = scale * 2, 0
        if finite:
            weights = weights - learning_rate * gradient / scale
        path.append(weights)
        scales.append(scale)
    return np.array(path), np.array(scales)


def descend_without_backing_off(gradients, learning_rate, scale, interval):
    weights, good = np.zeros(2), 0
    path, scales = [weights], [scale]
    for gradient in gradients:
        if np.all(np.isfinite(gradient)):
            weights = weights - learning_rate * gradient / scale
            good += 1
            if good == interval:
                scale, good = 2 * scale, 0
        else:
            good = 0
        path.append(weights)
        scales.append(scale)
    return np.array(path), np.array(scales)


def descend_counting_all(gradients, learning_rate, scale, interval):
    weights, good = np.zeros(2), 0
    path, scales = [weights], [scale]
    for gradient in gradients:
        if np.all(np.isfinite(gradient)):
            weights = weights - learning_rate * gradient / scale
        good += 1
        if good == interval:
            scale, good = 2 * scale, 0
        path.append(weights)
        scales.append(scale)
    return np.array(path), np.array(scales)


def descend_counting_on(gradients, learning_rate, scale, interval):
    weights, good = np.zeros(2), 0
    path, scales = [weights], [scale]
    for gradient in gradients:
        if np.all(np.isfinite(gradient)):
            weights = weights - learning_rate * gradient / scale
            good += 1
            if good == interval:
                scale, good = 2 * scale, 0
        else:
            scale = scale / 2
        path.append(weights)
        scales.append(scale)
    return np.array(path), np.array(scales)


def descend_growing_ever_after(gradients, learning_rate, scale, interval):
    weights, good = np.zeros(2), 0
    path, scales = [weights], [scale]
    for gradient in gradients:
        if np.all(np.isfinite(gradient)):
            weights = weights - learning_rate * gradient / scale
            good += 1
            if good >= interval:
                scale = 2 * scale
        else:
            scale, good = scale / 2, 0
        path.append(weights)
        scales.append(scale)
    return np.array(path), np.array(scales)


def descend_late(gradients, learning_rate, scale, interval):
    weights, good = np.zeros(2), 0
    path, scales = [weights], [scale]
    for gradient in gradients:
        if np.all(np.isfinite(gradient)):
            weights = weights - learning_rate * gradient / scale
            good += 1
            if good > interval:
                scale, good = 2 * scale, 0
        else:
            scale, good = scale / 2, 0
        path.append(weights)
        scales.append(scale)
    return np.array(path), np.array(scales)


def descend_early(gradients, learning_rate, scale, interval):
    weights, good = np.zeros(2), 1
    path, scales = [weights], [scale]
    for gradient in gradients:
        if np.all(np.isfinite(gradient)):
            weights = weights - learning_rate * gradient / scale
            if good >= interval - 1:
                scale, good = 2 * scale, 1
            else:
                good += 1
        else:
            scale, good = scale / 2, 1
        path.append(weights)
        scales.append(scale)
    return np.array(path), np.array(scales)


def descend_to_the_end(gradients, learning_rate, scale, interval):
    return descend_with_if(gradients, learning_rate, scale, interval)[0][-1]


def descend_without_start(gradients, learning_rate, scale, interval):
    path, scales = [], []
    weights, good = np.zeros(2), 0
    for gradient in gradients:
        if np.all(np.isfinite(gradient)):
            weights = weights - learning_rate * gradient / scale
            good += 1
            if good == interval:
                scale, good = 2 * scale, 0
        else:
            scale, good = scale / 2, 0
        path.append(weights)
        scales.append(scale)
    return np.array(path), np.array(scales)


def descend_by_quarters(gradients, learning_rate, scale, interval):
    weights, good = np.zeros(2), 0
    path, scales = [weights], [scale]
    for gradient in gradients:
        if np.all(np.isfinite(gradient)):
            weights = weights - learning_rate * gradient / scale
            good += 1
            if good == interval:
                scale, good = 2 * scale, 0
        else:
            scale, good = scale / 4, 0
        path.append(weights)
        scales.append(scale)
    return np.array(path), np.array(scales)


def descend_in_place(gradients, learning_rate, scale, interval):
    weights, good = np.zeros(2), 0
    path, scales = [weights], [scale]
    for gradient in gradients:
        if np.all(np.isfinite(gradient)):
            weights -= learning_rate * gradient / scale
            good += 1
            if good == interval:
                scale, good = 2 * scale, 0
        else:
            scale, good = scale / 2, 0
        path.append(weights)
        scales.append(scale)
    return np.array(path), np.array(scales)


WRONG["scaled_descent"] = {
    "weights changed in place": descend_in_place,
    "steps not skipped": descend_always,
    "skips entries only": descend_without_bad_entries,
    "not unscaled": descend_scaled,
    "unscales with the new scale": descend_by_new_scale,
    "never backs off": descend_without_backing_off,
    "counts overflows as good": descend_counting_all,
    "counter not reset after overflow": descend_counting_on,
    "counter not reset after growth": descend_growing_ever_after,
    "grows one step late": descend_late,
    "grows one step early": descend_early,
    "a wrong shape": descend_without_start,
    "another mistake": descend_by_quarters,
}


# --- Kahan's update


def kahan_as_written(weight, updates, form):
    path, compensation = [weight], 0.0
    for update in updates:
        v = precision.round_to(update + compensation, form)
        new = precision.round_to(weight + v, form)
        compensation = precision.round_to(v - precision.round_to(new - weight, form), form)
        weight = new
        path.append(weight)
    return np.array(path)


def kahan_by_precision(weight, updates, form):
    path, compensation = [weight], 0.0
    for update in updates:
        weight, compensation = precision.kahan_add(path[-1], compensation, update, form)
        path.append(weight)
    return path


RIGHT["kahan_weights"] = [kahan_as_written, kahan_by_precision]


def kahan_forgotten(weight, updates, form):
    path = [weight]
    for update in updates:
        path.append(precision.round_to(path[-1] + update, form))
    return path


def kahan_wrong_sign(weight, updates, form):
    path, compensation = [weight], 0.0
    for update in updates:
        v = precision.round_to(update - compensation, form)
        new = precision.round_to(weight + v, form)
        compensation = precision.round_to(v - precision.round_to(new - weight, form), form)
        weight = new
        path.append(weight)
    return path


def kahan_of_the_last(weight, updates, form):
    path, compensation = [weight], 0.0
    for update in updates:
        new = precision.round_to(weight + precision.round_to(update + compensation, form), form)
        compensation = precision.round_to(update - precision.round_to(new - weight, form), form)
        weight = new
        path.append(weight)
    return path


def kahan_added_up(weight, updates, form):
    path, compensation = [weight], 0.0
    for update in updates:
        v = precision.round_to(update + compensation, form)
        new = precision.round_to(weight + v, form)
        rest = precision.round_to(v - precision.round_to(new - weight, form), form)
        compensation = precision.round_to(compensation + rest, form)
        weight = new
        path.append(weight)
    return path


def kahan_unrounded(weight, updates, form):
    return np.cumsum([weight, *updates])


def kahan_sum_of_both(weight, updates, form):
    path, compensation = [weight], 0.0
    for update in updates:
        v = precision.round_to(update + compensation, form)
        new = precision.round_to(weight + v, form)
        compensation = precision.round_to(v - precision.round_to(new - weight, form), form)
        weight = new
        path.append(weight + compensation)
    return path


def kahan_in_float32(weight, updates, form):
    path, compensation = [weight], 0.0
    for update in updates:
        v = precision.round_to(update + compensation, "tf32")
        new = precision.round_to(weight + v, "tf32")
        compensation = v - (new - weight)
        weight = new
        path.append(weight)
    return path


WRONG["kahan_weights"] = {
    "no compensation": kahan_forgotten,
    "wrong sign": kahan_wrong_sign,
    "the last update only": kahan_of_the_last,
    "compensation added up": kahan_added_up,
    "weights not rounded": kahan_unrounded,
    "weight plus compensation": kahan_sum_of_both,
    "another mistake": kahan_in_float32,
}


# --- what formats hold

GUESSED = {"spacing": 0.5, "first_gap": 2049, "lost_step": 2**-8, "scale": 4, "b2": 1.0}

RIGHT["format_guess"] = [
    {"format_guess": GUESSED},
    {"format_guess": {"spacing": 0.5, "first_gap": 2049.0, "lost_step": 0.0039, "scale": 4.0, "b2": 1}},
]

WRONG["format_guess"] = {
    "epsilon": {"format_guess": GUESSED | {"spacing": 2**-10}},
    "relative to 1000": {"format_guess": GUESSED | {"spacing": 0.977}},
    "one binade up": {"format_guess": GUESSED | {"spacing": 1.0}},
    "still exact": {"format_guess": GUESSED | {"first_gap": 2048}},
    "bfloat16": {"format_guess": GUESSED | {"first_gap": 257}},
    "largest number": {"format_guess": GUESSED | {"first_gap": 65505}},
    "one bit short": {"format_guess": GUESSED | {"first_gap": 1025}},
    "the spacing": {"format_guess": GUESSED | {"lost_step": 2**-7}},
    "half of it again": {"format_guess": GUESSED | {"lost_step": 2**-9}},
    "float16": {"format_guess": GUESSED | {"lost_step": 2**-11}},
    "up to the smallest number": {"format_guess": GUESSED | {"scale": 8}},
    "no power of two": {"format_guess": GUESSED | {"scale": 3}},
    "one too small": {"format_guess": GUESSED | {"scale": 2}},
    "smallest normal number": {"format_guess": GUESSED | {"scale": 8192}},
    "as written": {"format_guess": GUESSED | {"b2": 0.999}},
    "rounded down": {"format_guess": GUESSED | {"b2": 0.99609375}},
    "some are empty": {"format_guess": GUESSED | {"b2": None}},
    "too large": {"format_guess": GUESSED | {"spacing": 100}},
}


# --- reading logs


def read_in_order(loss, gradient, zeros, update, moved):
    if 1000 < update[0] < np.inf:
        return "b2"
    for t in range(len(loss)):
        if not np.isfinite(gradient[t]):
            return "overflow"
        if not np.isfinite(update[t]):
            return "eps"
    if sum(moved) < 0.6 * sum(update):
        return "stagnation"
    return "underflow" if zeros[-1] > 0.2 else "healthy"


def read_by_ends(loss, gradient, zeros, update, moved):
    if np.isinf(loss[-1]):
        first = np.flatnonzero(np.isinf(update))[0]
        if first > 0 and update[0] > 1e3:
            return "B2"
        return "Overflow" if not np.isfinite(gradient[first]) else "Eps"
    if np.median(moved / np.maximum(update, 1e-30)) < 0.5 and np.max(zeros) == 0:
        return "Stagnation"
    return "Underflow" if np.mean(zeros[-10:]) > 0.15 else "Healthy"


RIGHT["read_log"] = [read_in_order, read_by_ends]


def read_nan_as_overflow(loss, gradient, zeros, update, moved):
    if 1000 < update[0] < np.inf:
        return "b2"
    if np.isinf(loss[-1]):
        return "overflow"
    if np.median(moved) < 0.5 * np.median(update):
        return "stagnation"
    return "underflow" if zeros.max() > 0.3 else "healthy"


def read_nan_as_eps(loss, gradient, zeros, update, moved):
    if 1000 < update[0] < np.inf:
        return "b2"
    if np.isinf(loss[-1]):
        return "eps"
    if np.median(moved) < 0.5 * np.median(update):
        return "stagnation"
    return "underflow" if zeros.max() > 0.3 else "healthy"


def read_stops_as_underflow(loss, gradient, zeros, update, moved):
    if 1000 < update[0] < np.inf:
        return "b2"
    broken = ~np.isfinite(update)
    if broken.any():
        return "eps" if np.isfinite(gradient[broken.argmax()]) else "overflow"
    return "underflow" if zeros.max() > 0.3 or np.median(moved) < 0.5 * np.median(update) else "healthy"


def read_stops_as_stagnation(loss, gradient, zeros, update, moved):
    if 1000 < update[0] < np.inf:
        return "b2"
    broken = ~np.isfinite(update)
    if broken.any():
        return "eps" if np.isfinite(gradient[broken.argmax()]) else "overflow"
    return "stagnation" if zeros.max() > 0.3 or np.median(moved) < 0.5 * np.median(update) else "healthy"


def read_without_moved(loss, gradient, zeros, update, moved):
    if 1000 < update[0] < np.inf:
        return "b2"
    broken = ~np.isfinite(update)
    if broken.any():
        return "eps" if np.isfinite(gradient[broken.argmax()]) else "overflow"
    return "underflow" if zeros.max() > 0.3 else "healthy"


def read_without_zeros(loss, gradient, zeros, update, moved):
    if 1000 < update[0] < np.inf:
        return "b2"
    broken = ~np.isfinite(update)
    if broken.any():
        return "eps" if np.isfinite(gradient[broken.argmax()]) else "overflow"
    return "stagnation" if np.median(moved) < 0.5 * np.median(update) else "healthy"


def read_large_as_overflow(loss, gradient, zeros, update, moved):
    if 1000 < update[0] < np.inf:
        return "overflow"
    broken = ~np.isfinite(update)
    if broken.any():
        return "eps" if np.isfinite(gradient[broken.argmax()]) else "overflow"
    if np.median(moved) < 0.5 * np.median(update):
        return "stagnation"
    return "underflow" if zeros.max() > 0.3 else "healthy"


def read_large_as_eps(loss, gradient, zeros, update, moved):
    if update[0] > 1000:
        return "eps"
    if np.isinf(loss[-1]):
        return "overflow"
    if np.median(moved) < 0.5 * np.median(update):
        return "stagnation"
    return "underflow" if zeros.max() > 0.3 else "healthy"


def read_as_always_healthy(loss, gradient, zeros, update, moved):
    return "healthy"


def read_in_other_words(loss, gradient, zeros, update, moved):
    return "nan" if np.isinf(loss[-1]) else "fine"


WRONG["read_log"] = {
    "every nan is an overflow": read_nan_as_overflow,
    "every nan is eps": read_nan_as_eps,
    "stagnation taken for underflow": read_stops_as_underflow,
    "underflow taken for stagnation": read_stops_as_stagnation,
    "stagnation not seen": read_without_moved,
    "underflow not seen": read_without_zeros,
    "b2 taken for an overflow": read_large_as_overflow,
    "b2 taken for eps": read_large_as_eps,
    "another mistake": read_as_always_healthy,
    "unknown word": read_in_other_words,
}
