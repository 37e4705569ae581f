"""Right and wrong answers to the exercises of the chapter `adaptive_methods`, as students write them."""

import numpy as np

RIGHT, WRONG = {}, {}

# --- AdaGrad


def adagrad_as_in_the_chapter(gradient, start, learning_rate, eps, steps):
    params, s = start, np.zeros_like(start)
    path = [params]
    for _ in range(steps):
        g = gradient(params)
        s = s + g**2
        params = params - learning_rate * g / (np.sqrt(s) + eps)
        path.append(params)
    return np.array(path)


def adagrad_from_all_gradients(gradient, start, learning_rate, eps, steps):
    path, seen = [start], []
    for _ in range(steps):
        seen.append(gradient(path[-1]))
        size = np.sqrt(np.sum(np.square(seen), axis=0))
        path.append(path[-1] - learning_rate / (size + eps) * seen[-1])
    return np.array(path)


def adagrad_filling_rows(gradient, start, learning_rate, eps, steps):
    path = np.zeros((steps + 1, len(start)))
    path[0] = start
    total = 0.0
    for i in range(steps):
        g = gradient(path[i])
        total = total + g * g
        path[i + 1] = path[i] - learning_rate * g / np.sqrt(total + eps**2)
    return path


RIGHT["adagrad"] = [adagrad_as_in_the_chapter, adagrad_from_all_gradients, adagrad_filling_rows]


def adagrad_uphill(gradient, start, learning_rate, eps, steps):
    x, s, path = start, 0, [start]
    for _ in range(steps):
        g = gradient(x)
        s = s + g**2
        x = x + learning_rate * g / (np.sqrt(s) + eps)
        path.append(x)
    return np.array(path)


def adagrad_without_eps(gradient, start, learning_rate, eps, steps):
    x, s, path = start, 0, [start]
    for _ in range(steps):
        g = gradient(x)
        s = s + g**2
        x = x - learning_rate * g / np.sqrt(s)
        path.append(x)
    return np.array(path)


def adagrad_reset(gradient, start, learning_rate, eps, steps):
    x, path = start, [start]
    for _ in range(steps):
        s = np.zeros_like(start)
        g = gradient(x)
        s = s + g**2
        x = x - learning_rate * g / (np.sqrt(s) + eps)
        path.append(x)
    return np.array(path)


def adagrad_fading(gradient, start, learning_rate, eps, steps):
    x, s, path = start, 0, [start]
    for _ in range(steps):
        g = gradient(x)
        s = 0.9 * s + 0.1 * g**2
        x = x - learning_rate * g / (np.sqrt(s) + eps)
        path.append(x)
    return np.array(path)


def adagrad_mean(gradient, start, learning_rate, eps, steps):
    x, squares, path = start, [], [start]
    for _ in range(steps):
        g = gradient(x)
        squares.append(g**2)
        x = x - learning_rate * g / (np.sqrt(np.mean(squares, axis=0)) + eps)
        path.append(x)
    return np.array(path)


def adagrad_without_root(gradient, start, learning_rate, eps, steps):
    x, s, path = start, 0, [start]
    for _ in range(steps):
        g = gradient(x)
        s = s + g**2
        x = x - learning_rate * g / (s + eps)
        path.append(x)
    return np.array(path)


def adagrad_without_square(gradient, start, learning_rate, eps, steps):
    x, s, path = start, 0, [start]
    for _ in range(steps):
        g = gradient(x)
        s = s + g
        x = x - learning_rate * g / (np.sqrt(s) + eps)
        path.append(x)
    return np.array(path)


def adagrad_of_sizes(gradient, start, learning_rate, eps, steps):
    x, s, path = start, 0, [start]
    for _ in range(steps):
        g = gradient(x)
        s = s + np.abs(g)
        x = x - learning_rate * g / (s + eps)
        path.append(x)
    return np.array(path)


def adagrad_from_a_tenth(gradient, start, learning_rate, eps, steps):
    x, s, path = start, np.full_like(start, 0.1), [start]
    for _ in range(steps):
        g = gradient(x)
        s = s + g**2
        x = x - learning_rate * g / (np.sqrt(s) + eps)
        path.append(x)
    return np.array(path)


def adagrad_from_ones(gradient, start, learning_rate, eps, steps):
    x, s, path = start, np.ones_like(start), [start]
    for _ in range(steps):
        g = gradient(x)
        s = s + g**2
        x = x - learning_rate * g / (np.sqrt(s) + eps)
        path.append(x)
    return np.array(path)


def adagrad_memory_late(gradient, start, learning_rate, eps, steps):
    x, s, path = start, np.zeros_like(start), [start]
    for _ in range(steps):
        g = gradient(x)
        x = x - learning_rate * g / (np.sqrt(s) + eps)
        s = s + g**2
        path.append(x)
    return np.array(path)


def adagrad_one_memory(gradient, start, learning_rate, eps, steps):
    x, s, path = start, 0, [start]
    for _ in range(steps):
        g = gradient(x)
        s = s + g @ g
        x = x - learning_rate * g / (np.sqrt(s) + eps)
        path.append(x)
    return np.array(path)


WRONG["adagrad"] = {
    "goes uphill": adagrad_uphill,
    "eps forgotten": adagrad_without_eps,
    "the sum is forgotten": adagrad_reset,
    "forgets, as RMSprop": adagrad_fading,
    "mean of the squares, not their sum": adagrad_mean,
    "no square root": adagrad_without_root,
    "sums gradients, not their squares": adagrad_without_square,
    "sums sizes, not squares": adagrad_of_sizes,
    "memory starts at one tenth": adagrad_from_a_tenth,
    "memory starts at one": adagrad_from_ones,
    "memory used too late": adagrad_memory_late,
    "one memory for all coordinates": adagrad_one_memory,
}


# --- lengths of steps

FORECAST = {
    "adam": 0.01,
    "adam at a tiny gradient": 0.005,
    "rmsprop": 0.1,
    "adagrad": 0.001,
    "adamw": 0.368,
    "adam with l2": 0.8,
}


def forecast(**changed):
    return {"step_forecast": {**FORECAST, **{key.replace("_", " "): value for key, value in changed.items()}}}


RIGHT["step_forecast"] = [
    forecast(),
    {
        "step_forecast": {
            "adam": 0.01,
            "adam at a tiny gradient": 0.01 * 1e-8 / (1e-8 + 1e-8),
            "rmsprop": 0.01 / np.sqrt(1 - 0.99),
            "adagrad": 0.01 / np.sqrt(100),
            "adamw": (1 - 0.001 * 0.1) ** 10_000,
            "adam with l2": 1 - 0.001 * 200,
        }
    },
]
WRONG["step_forecast"] = {
    "multiplied by the gradient": forecast(adam=0.5),
    "not corrected": forecast(adam=0.0316),
    "eps ignored": {"step_forecast": {**FORECAST, "adam at a tiny gradient": 0.01}},
    "eps under the root": {"step_forecast": {**FORECAST, "adam at a tiny gradient": 1e-6}},
    "as if corrected": forecast(rmsprop=0.01),
    "no root": forecast(rmsprop=1.0),
    "the decay of Optax": forecast(rmsprop=0.0316),
    "the first step": forecast(adagrad=0.01),
    "falls like 1/t": forecast(adagrad=0.0001),
    "the learning rate forgotten": forecast(adamw=0.9**10_000),
    "what is lost, not what is left": forecast(adamw=0.632),
    "as AdamW": forecast(adam_with_l2=0.98),
    "nothing left": forecast(adam_with_l2=0.0),
    "too large": forecast(adagrad=0.02),
    "some are empty": forecast(adamw=None),
}


# --- AdamW


def adamw_as_in_the_chapter(gradient, start, learning_rate, b1, b2, eps, weight_decay, steps):
    params, m, s = start, np.zeros_like(start), np.zeros_like(start)
    path = [params]
    for t in range(1, steps + 1):
        g = gradient(params)
        m = b1 * m + (1 - b1) * g
        s = b2 * s + (1 - b2) * g**2
        step = m / (1 - b1**t) / (np.sqrt(s / (1 - b2**t)) + eps)
        params = params - learning_rate * step - learning_rate * weight_decay * params
        path.append(params)
    return np.array(path)


def adamw_as_torch_does(gradient, start, learning_rate, b1, b2, eps, weight_decay, steps):
    x, m, v, path = np.array(start), 0, 0, [start]
    for t in range(1, steps + 1):
        g = gradient(x)
        x = x * (1 - learning_rate * weight_decay)
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        x = x - learning_rate / (1 - b1**t) * m / (np.sqrt(v) / np.sqrt(1 - b2**t) + eps)
        path.append(x)
    return np.array(path)


def adamw_by_optax(gradient, start, learning_rate, b1, b2, eps, weight_decay, steps):
    import optax

    optimizer = optax.adamw(learning_rate, b1=b1, b2=b2, eps=eps, weight_decay=weight_decay)
    params, path = start, [start]
    state = optimizer.init(params)
    for _ in range(steps):
        updates, state = optimizer.update(gradient(params), state, params)
        params = optax.apply_updates(params, updates)
        path.append(params)
    return np.array(path)


RIGHT["adamw"] = [adamw_as_in_the_chapter, adamw_as_torch_does, adamw_by_optax]


def adamw_uphill(gradient, start, learning_rate, b1, b2, eps, weight_decay, steps):
    x, m, s, path = start, 0, 0, [start]
    for t in range(1, steps + 1):
        g = gradient(x)
        m, s = b1 * m + (1 - b1) * g, b2 * s + (1 - b2) * g**2
        step = m / (1 - b1**t) / (np.sqrt(s / (1 - b2**t)) + eps)
        x = x + learning_rate * step - learning_rate * weight_decay * x
        path.append(x)
    return np.array(path)


def adamw_as_l2(gradient, start, learning_rate, b1, b2, eps, weight_decay, steps):
    x, m, s, path = start, 0, 0, [start]
    for t in range(1, steps + 1):
        g = gradient(x) + weight_decay * x
        m, s = b1 * m + (1 - b1) * g, b2 * s + (1 - b2) * g**2
        x = x - learning_rate * m / (1 - b1**t) / (np.sqrt(s / (1 - b2**t)) + eps)
        path.append(x)
    return np.array(path)


def adamw_unscaled(gradient, start, learning_rate, b1, b2, eps, weight_decay, steps):
    x, m, s, path = start, 0, 0, [start]
    for t in range(1, steps + 1):
        g = gradient(x)
        m, s = b1 * m + (1 - b1) * g, b2 * s + (1 - b2) * g**2
        step = m / (1 - b1**t) / (np.sqrt(s / (1 - b2**t)) + eps)
        x = (1 - weight_decay) * x - learning_rate * step
        path.append(x)
    return np.array(path)


def adamw_as_adam(gradient, start, learning_rate, b1, b2, eps, weight_decay, steps):
    x, m, s, path = start, 0, 0, [start]
    for t in range(1, steps + 1):
        g = gradient(x)
        m, s = b1 * m + (1 - b1) * g, b2 * s + (1 - b2) * g**2
        x = x - learning_rate * m / (1 - b1**t) / (np.sqrt(s / (1 - b2**t)) + eps)
        path.append(x)
    return np.array(path)


def adamw_growing(gradient, start, learning_rate, b1, b2, eps, weight_decay, steps):
    x, m, s, path = start, 0, 0, [start]
    for t in range(1, steps + 1):
        g = gradient(x)
        m, s = b1 * m + (1 - b1) * g, b2 * s + (1 - b2) * g**2
        step = m / (1 - b1**t) / (np.sqrt(s / (1 - b2**t)) + eps)
        x = x - learning_rate * (step - weight_decay * x)
        path.append(x)
    return np.array(path)


def adamw_inside_the_fraction(gradient, start, learning_rate, b1, b2, eps, weight_decay, steps):
    x, m, s, path = start, 0, 0, [start]
    for t in range(1, steps + 1):
        g = gradient(x)
        m, s = b1 * m + (1 - b1) * g, b2 * s + (1 - b2) * g**2
        m_hat, s_hat = m / (1 - b1**t), s / (1 - b2**t)
        x = x - learning_rate * (m_hat + weight_decay * x) / (np.sqrt(s_hat) + eps)
        path.append(x)
    return np.array(path)


def adamw_decay_afterwards(gradient, start, learning_rate, b1, b2, eps, weight_decay, steps):
    x, m, s, path = start, 0, 0, [start]
    for t in range(1, steps + 1):
        g = gradient(x)
        m, s = b1 * m + (1 - b1) * g, b2 * s + (1 - b2) * g**2
        x = x - learning_rate * m / (1 - b1**t) / (np.sqrt(s / (1 - b2**t)) + eps)
        x = x - learning_rate * weight_decay * x
        path.append(x)
    return np.array(path)


def adamw_uncorrected(gradient, start, learning_rate, b1, b2, eps, weight_decay, steps):
    x, m, s, path = start, 0, 0, [start]
    for _ in range(steps):
        g = gradient(x)
        m, s = b1 * m + (1 - b1) * g, b2 * s + (1 - b2) * g**2
        x = x - learning_rate * (m / (np.sqrt(s) + eps) + weight_decay * x)
        path.append(x)
    return np.array(path)


def adamw_from_zero(gradient, start, learning_rate, b1, b2, eps, weight_decay, steps):
    x, m, s, path = start, 0, 0, [start]
    for t in range(steps):
        g = gradient(x)
        m, s = b1 * m + (1 - b1) * g, b2 * s + (1 - b2) * g**2
        step = m / (1 - b1**t) / (np.sqrt(s / (1 - b2**t)) + eps)
        x = x - learning_rate * (step + weight_decay * x)
        path.append(x)
    return np.array(path)


def adamw_without_eps(gradient, start, learning_rate, b1, b2, eps, weight_decay, steps):
    x, m, s, path = start, 0, 0, [start]
    for t in range(1, steps + 1):
        g = gradient(x)
        m, s = b1 * m + (1 - b1) * g, b2 * s + (1 - b2) * g**2
        step = m / (1 - b1**t) / np.sqrt(s / (1 - b2**t))
        x = x - learning_rate * (step + weight_decay * x)
        path.append(x)
    return np.array(path)


def adamw_decay_beforehand(gradient, start, learning_rate, b1, b2, eps, weight_decay, steps):
    x, m, s, path = start, 0, 0, [start]
    for t in range(1, steps + 1):
        x = (1 - learning_rate * weight_decay) * x
        g = gradient(x)
        m, s = b1 * m + (1 - b1) * g, b2 * s + (1 - b2) * g**2
        x = x - learning_rate * m / (1 - b1**t) / (np.sqrt(s / (1 - b2**t)) + eps)
        path.append(x)
    return np.array(path)


def adamw_corrected_twice(gradient, start, learning_rate, b1, b2, eps, weight_decay, steps):
    x, m, s, path = start, 0, 0, [start]
    for t in range(1, steps + 1):
        g = gradient(x)
        m, s = b1 * m + (1 - b1) * g, b2 * s + (1 - b2) * g**2
        m, s = m / (1 - b1**t), s / (1 - b2**t)
        x = x - learning_rate * (m / (np.sqrt(s) + eps) + weight_decay * x)
        path.append(x)
    return np.array(path)


def adamw_corrected_root(gradient, start, learning_rate, b1, b2, eps, weight_decay, steps):
    x, m, s, path = start, 0, 0, [start]
    for t in range(1, steps + 1):
        g = gradient(x)
        m, s = b1 * m + (1 - b1) * g, b2 * s + (1 - b2) * g**2
        step = m / (1 - b1**t) / (np.sqrt(s) / (1 - b2**t) + eps)
        x = x - learning_rate * (step + weight_decay * x)
        path.append(x)
    return np.array(path)


WRONG["adamw"] = {
    "goes uphill": adamw_uphill,
    "the decay is in the gradient": adamw_as_l2,
    "the decay is not scaled by the learning rate": adamw_unscaled,
    "the decay is missing": adamw_as_adam,
    "the decay has the wrong sign": adamw_growing,
    "the decay is divided by the root": adamw_inside_the_fraction,
    "the decay comes after the step": adamw_decay_afterwards,
    "the decay comes before the gradient": adamw_decay_beforehand,
    "corrected values are kept": adamw_corrected_twice,
    "s is corrected outside of the root": adamw_corrected_root,
    "no bias correction": adamw_uncorrected,
    "t starts at 0": adamw_from_zero,
    "eps forgotten": adamw_without_eps,
}


# --- the longest step


def longest_by_formula(b1, b2):
    return (1 - b1) / np.sqrt((1 - b2) * (1 - b1**2 / b2))


def longest_by_series(b1, b2):
    k = np.arange(5000)
    return (1 - b1) / np.sqrt(1 - b2) * np.sqrt(np.sum((b1**2 / b2) ** k))


RIGHT["longest_step"] = [longest_by_formula, longest_by_series]


def longest_of_the_paper(b1, b2):
    return (1 - b1) / np.sqrt(1 - b2)


def longest_is_one(b1, b2):
    return 1


def longest_without_second_root(b1, b2):
    return (1 - b1) / np.sqrt(1 - b2) / (1 - b1**2 / b2)


def longest_without_square(b1, b2):
    return (1 - b1) / np.sqrt(1 - b2) / np.sqrt(1 - b1 / b2)


def longest_without_b2(b1, b2):
    return (1 - b1) / np.sqrt((1 - b2) * (1 - b1**2))


def longest_without_first_root(b1, b2):
    return (1 - b1) / (1 - b2) / np.sqrt(1 - b1**2 / b2)


def longest_series_alone(b1, b2):
    return 1 / np.sqrt(1 - b1**2 / b2)


def longest_upside_down(b1, b2):
    return np.sqrt((1 - b2) * (1 - b1**2 / b2)) / (1 - b1)


def longest_guess(b1, b2):
    return 1 / (1 - b1)


WRONG["longest_step"] = {
    "the bound of the paper": longest_of_the_paper,
    "always one": longest_is_one,
    "the second root forgotten": longest_without_second_root,
    "b1 not squared": longest_without_square,
    "ratio without b2": longest_without_b2,
    "the root of 1 - b2 forgotten": longest_without_first_root,
    "the factors in front forgotten": longest_series_alone,
    "upside down": longest_upside_down,
    "another mistake": longest_guess,
}


# --- Newton-Schulz

A, B, C = 3.4445, -4.7750, 2.0315


def schulz_as_in_the_chapter(matrix, steps):
    x = matrix / np.linalg.norm(matrix)
    for _ in range(steps):
        gram = x @ x.T
        x = A * x + B * gram @ x + C * gram @ gram @ x
    return x


def schulz_by_singular_values(matrix, steps):
    u, sigma, v = np.linalg.svd(matrix, full_matrices=False)
    sigma = sigma / np.sqrt(np.sum(sigma**2))
    for _ in range(steps):
        sigma = A * sigma + B * sigma**3 + C * sigma**5
    return u @ np.diag(sigma) @ v


def schulz_from_the_other_side(matrix, steps):
    x = matrix / np.sqrt((matrix**2).sum())
    for _ in range(int(steps)):
        g = x.T @ x
        x = x @ (A * np.eye(len(g)) + B * g + C * g @ g)
    return x


RIGHT["newton_schulz"] = [schulz_as_in_the_chapter, schulz_by_singular_values, schulz_from_the_other_side]


def schulz_unnormalised(matrix, steps):
    x = matrix
    for _ in range(steps):
        x = A * x + B * x @ x.T @ x + C * x @ x.T @ x @ x.T @ x
    return x


def schulz_spectral(matrix, steps):
    x = matrix / np.linalg.norm(matrix, ord=2)
    for _ in range(steps):
        x = A * x + B * x @ x.T @ x + C * x @ x.T @ x @ x.T @ x
    return x


def schulz_by_largest_entry(matrix, steps):
    x = matrix / abs(matrix).max()
    for _ in range(steps):
        x = A * x + B * x @ x.T @ x + C * x @ x.T @ x @ x.T @ x
    return x


def schulz_of_entries(matrix, steps):
    x = matrix / np.linalg.norm(matrix)
    for _ in range(steps):
        x = A * x + B * x**3 + C * x**5
    return x


def schulz_without_fifth(matrix, steps):
    x = matrix / np.linalg.norm(matrix)
    for _ in range(steps):
        x = A * x + B * x @ x.T @ x
    return x


def schulz_third_twice(matrix, steps):
    x = matrix / np.linalg.norm(matrix)
    for _ in range(steps):
        gram = x @ x.T
        x = A * x + B * gram @ x + C * gram @ x
    return x


def schulz_square_of_entries(matrix, steps):
    x = matrix / np.linalg.norm(matrix)
    for _ in range(steps):
        gram = x @ x.T
        x = A * x + B * gram @ x + C * gram**2 @ x
    return x


def schulz_plus_b(matrix, steps):
    x = matrix / np.linalg.norm(matrix)
    for _ in range(steps):
        gram = x @ x.T
        x = A * x + 4.7750 * gram @ x + C * gram @ gram @ x
    return x


def schulz_norm_inside(matrix, steps):
    x = matrix
    for _ in range(steps):
        x = x / np.linalg.norm(x)
        gram = x @ x.T
        x = A * x + B * gram @ x + C * gram @ gram @ x
    return x


def schulz_cubic(matrix, steps):
    x = matrix / np.linalg.norm(matrix)
    for _ in range(steps):
        x = 1.5 * x - 0.5 * x @ x.T @ x
    return x


def schulz_one_more(matrix, steps):
    x = matrix / np.linalg.norm(matrix)
    for _ in range(steps + 1):
        gram = x @ x.T
        x = A * x + B * gram @ x + C * gram @ gram @ x
    return x


def schulz_exactly(matrix, steps):
    u, _, v = np.linalg.svd(matrix, full_matrices=False)
    return u @ v


WRONG["newton_schulz"] = {
    "not divided by the norm": schulz_unnormalised,
    "divided by the largest singular value": schulz_spectral,
    "divided by the largest entry": schulz_by_largest_entry,
    "powers of the entries": schulz_of_entries,
    "the last term is missing": schulz_without_fifth,
    "the last term has the third power": schulz_third_twice,
    "the square of the entries": schulz_square_of_entries,
    "the sign of b": schulz_plus_b,
    "divided in every step": schulz_norm_inside,
    "the classical cubic": schulz_cubic,
    "one step too many": schulz_one_more,
    "another mistake": schulz_exactly,
}
