"""What students hand in for the chapter `optimizer_intuition`: right in many ways, and wrong in the usual ones.

`RIGHT[exercise]` lists right answers, `WRONG[exercise]` has wrong ones by the name of the mistake that they must be
judged with. A function needs nothing but `np` around it, so that its source can be pasted into a notebook; an answer
that is a value is a dict of the notebook's variables.
"""

# ruff: noqa: F821, RUF005  (students' code)
import numpy as np

RIGHT, WRONG = {}, {}


# --- gradient descent


def descent_with_a_list(gradient, start, learning_rate, steps):
    params = start
    path = [params]
    for _ in range(steps):
        params = params - learning_rate * gradient(params)
        path.append(params)
    return np.array(path)


def descent_into_zeros(gradient, start, learning_rate, steps):
    path = np.zeros((steps + 1, len(start)))
    path[0] = start
    for i in range(steps):
        path[i + 1] = path[i] - learning_rate * gradient(path[i])
    return path


def descent_by_recursion(gradient, start, learning_rate, steps):
    def points(x, left):
        if left == 0:
            return [x]
        return [x] + points(x - learning_rate * gradient(x), left - 1)

    return points(start, steps)


def descent_by_generator(f, x, lr, n):
    yield x
    for _ in range(n):
        x = x - lr * f(x)
        yield x


def descent_accumulated(gradient, start, learning_rate, steps):
    import itertools

    return itertools.accumulate(range(steps), lambda x, _: x - learning_rate * gradient(x), initial=start)


def descent_in_place(gradient, start, learning_rate, steps):
    params = start.copy()
    path = [params.copy()]
    for _ in range(steps):
        grads = gradient(params)
        grads *= learning_rate
        params -= grads
        path.append(params.copy())
    return tuple(path)


def descent_on_plain_lists(grad, x0, eta, num_steps):
    x = [float(c) for c in x0]
    path = [x]
    while len(path) <= num_steps:
        x = [c - eta * g for c, g in zip(x, grad(x))]
        path.append(x)
    return path


def descent_scanned(gradient, start, learning_rate, steps):
    import jax
    import jax.numpy as jnp

    def step(x, _):
        x = x - learning_rate * gradient(x)
        return x, x

    first = jnp.asarray(start)
    _, rest = jax.lax.scan(step, first, None, length=steps)
    return jnp.concatenate([first[None], rest])


def descent_on_tensors(gradient, start, learning_rate, steps):
    import torch

    x = torch.tensor(start, dtype=torch.float32, requires_grad=True)
    path = [x.clone()]
    for _ in range(steps):
        g = gradient(x)
        with torch.no_grad():
            x -= learning_rate * g
        path.append(x.clone())
    return path


def descent_by_optax(gradient, start, learning_rate, steps):
    import jax.numpy as jnp
    import optax

    optimizer = optax.sgd(learning_rate)
    params = jnp.asarray(start)
    state = optimizer.init(params)
    path = np.empty((steps + 1, start.size))
    path[0] = params
    for i in range(1, steps + 1):
        updates, state = optimizer.update(gradient(params), state)
        params = optax.apply_updates(params, updates)
        path[i] = params
    return path


def descent_settings_by_name(start, gradient, steps, learning_rate=0.1):
    path = [start]
    for _ in range(steps):
        path.append(path[-1] - learning_rate * gradient(path[-1]))
    return path


RIGHT["gradient_descent"] = [
    descent_with_a_list,
    descent_into_zeros,
    descent_by_recursion,
    descent_by_generator,
    descent_accumulated,
    descent_in_place,
    descent_on_plain_lists,
    descent_scanned,
    descent_on_tensors,
    descent_by_optax,
    descent_settings_by_name,
]


def descent_plus(gradient, start, learning_rate, steps):
    path = [start]
    for _ in range(steps):
        path.append(path[-1] + learning_rate * gradient(path[-1]))
    return np.array(path)


def descent_without_rate(gradient, start, learning_rate, steps):
    path = [start]
    for _ in range(steps):
        path.append(path[-1] - gradient(path[-1]))
    return np.array(path)


def descent_rate_twice(gradient, start, learning_rate, steps):
    path = [start]
    for _ in range(steps):
        step = learning_rate * gradient(path[-1])
        path.append(path[-1] - learning_rate * step)
    return np.array(path)


def descent_gradient_once(gradient, start, learning_rate, steps):
    g = gradient(start)
    path = [start]
    for _ in range(steps):
        path.append(path[-1] - learning_rate * g)
    return np.array(path)


def descent_normalized(gradient, start, learning_rate, steps):
    path = [start]
    for _ in range(steps):
        g = gradient(path[-1])
        path.append(path[-1] - learning_rate * g / np.sqrt((g**2).sum()))
    return np.array(path)


def descent_by_sign(gradient, start, learning_rate, steps):
    path = [start]
    for _ in range(steps):
        path.append(path[-1] - learning_rate * np.sign(gradient(path[-1])))
    return np.array(path)


def descent_fading(gradient, start, learning_rate, steps):
    path = [start]
    for t in range(steps):
        path.append(path[-1] - learning_rate / (t + 1) * gradient(path[-1]))
    return np.array(path)


def descent_forgets_point(gradient, start, learning_rate, steps):
    params = start
    path = [params]
    for _ in range(steps):
        params = -learning_rate * gradient(params)
        path.append(params)
    return np.array(path)


def descent_lists_steps(gradient, start, learning_rate, steps):
    params = start
    path = [start]
    for _ in range(steps):
        step = -learning_rate * gradient(params)
        params = params + step
        path.append(step)
    return np.array(path)


def descent_one_array(gradient, start, learning_rate, steps):
    params = start.copy()
    path = [params]
    for _ in range(steps):
        params -= learning_rate * gradient(params)
        path.append(params)
    return np.array(path)


def descent_without_return(gradient, start, learning_rate, steps):
    path = [start]
    for _ in range(steps):
        path.append(path[-1] - learning_rate * gradient(path[-1]))


def descent_changes_start(gradient, start, learning_rate, steps):
    path = [start]
    params = start
    for _ in range(steps):
        params -= learning_rate * gradient(params)
        path.append(params.copy())
    return np.array(path)


def descent_last_point(gradient, start, learning_rate, steps):
    params = start
    for _ in range(steps):
        params = params - learning_rate * gradient(params)
    return params


def descent_without_start(gradient, start, learning_rate, steps):
    params, path = start, []
    for _ in range(steps):
        params = params - learning_rate * gradient(params)
        path.append(params)
    return np.array(path)


def descent_without_end(gradient, start, learning_rate, steps):
    params, path = start, []
    for _ in range(steps):
        path.append(params)
        params = params - learning_rate * gradient(params)
    return np.array(path)


def descent_start_twice(gradient, start, learning_rate, steps):
    params, path = start, [start]
    for _ in range(steps + 1):
        path.append(params)
        params = params - learning_rate * gradient(params)
    return np.array(path)


def descent_starts_at_step_one(gradient, start, learning_rate, steps):
    params, path = start, [start]
    for _ in range(steps):
        path.append(params)
        params = params - learning_rate * gradient(params)
    return np.array(path)


def descent_one_step_more(gradient, start, learning_rate, steps):
    path = [start]
    for _ in range(steps + 1):
        path.append(path[-1] - learning_rate * gradient(path[-1]))
    return np.array(path)


def descent_ends_early(gradient, start, learning_rate, steps):
    path = np.zeros((steps + 1, start.size))
    path[0] = start
    for i in range(1, steps):
        path[i] = path[i - 1] - learning_rate * gradient(path[i - 1])
    return path


def descent_in_columns(gradient, start, learning_rate, steps):
    path = [start]
    for _ in range(steps):
        path.append(path[-1] - learning_rate * gradient(path[-1]))
    return np.array(path).T


def descent_in_one_row(gradient, start, learning_rate, steps):
    path = start
    for _ in range(steps):
        path = np.append(path, path[-start.size :] - learning_rate * gradient(path[-start.size :]))
    return path


def descent_of_integers(gradient, start, learning_rate, steps):
    path = np.zeros((steps + 1, start.size), dtype=int)
    path[0] = start
    for i in range(steps):
        path[i + 1] = path[i] - learning_rate * gradient(path[i].astype(float))
    return path


def descent_in_half(gradient, start, learning_rate, steps):
    path = [start]
    for _ in range(steps):
        path.append(path[-1] - learning_rate * gradient(path[-1]))
    return np.array(path, dtype=np.float16)


def descent_until_flat(gradient, start, learning_rate, steps):
    path = [start]
    while np.linalg.norm(gradient(path[-1])) > 1e-30:
        path.append(path[-1] - learning_rate * gradient(path[-1]))
    return np.array(path)


def descent_misspelt(gradient, start, learning_rate, steps):
    path = [start]
    for _ in range(steps):
        path.append(path[-1] - learning_rate * gradient(params))
    return np.array(path)


def descent_of_losses(gradient, start, learning_rate, steps):
    params, lengths = start, {}
    for i in range(steps):
        params = params - learning_rate * gradient(params)
        lengths[i] = float(np.linalg.norm(params))
    return lengths


def descent_ends_before_steps(gradient, start, learning_rate, steps):
    params, path = start, [start]
    for _ in range(1, steps):
        params = params - learning_rate * gradient(params)
        path.append(params)
    return np.array(path)


def descent_returns_in_the_loop(gradient, start, learning_rate, steps):
    path = [start]
    for _ in range(steps):
        path.append(path[-1] - learning_rate * gradient(path[-1]))
        return np.array(path)


def descent_appends_the_start(gradient, start, learning_rate, steps):
    params, path = start, [start]
    for _ in range(steps):
        params = params - learning_rate * gradient(params)
        path.append(start)
    return np.array(path)


def descent_from_zeros(gradient, start, learning_rate, steps):
    path = np.zeros((steps + 1, len(start)))
    for i in range(steps):
        path[i + 1] = path[i] - learning_rate * gradient(path[i])
    return path


def descent_from_the_start_again(gradient, start, learning_rate, steps):
    path = [start]
    for _ in range(steps):
        path.append(start - learning_rate * gradient(start))
    return np.array(path)


WRONG["gradient_descent"] = {
    "goes uphill": descent_plus,
    "no learning rate": descent_without_rate,
    "learning rate twice": descent_rate_twice,
    "gradient at the start only": descent_gradient_once,
    "steps of one length": descent_normalized,
    "signs of the gradient": descent_by_sign,
    "learning rate fades": descent_fading,
    "the point is forgotten": descent_forgets_point,
    "steps in place of points": descent_lists_steps,
    "all rows are the same point": descent_one_array,
    "the return is missing": descent_without_return,
    "the return is inside the loop": descent_returns_in_the_loop,
    "all rows are the start": descent_appends_the_start,
    "all rows are 0": descent_from_zeros,
    "each step sets out from the start": descent_from_the_start_again,
    "the start is changed in place": descent_changes_start,
    "returns one point only": descent_last_point,
    "the start is missing": descent_without_start,
    "the last point is missing": descent_without_end,
    "the start is there twice": descent_start_twice,
    "a step late": descent_starts_at_step_one,
    "one step too many": descent_one_step_more,
    "the loop ends a step early": descent_ends_early,
    "the loop runs steps - 1 times": descent_ends_before_steps,
    "transposed": descent_in_columns,
    "all numbers in one row": descent_in_one_row,
    "whole numbers only": descent_of_integers,
    "computes in half precision": descent_in_half,
    "the loop does not end": descent_until_flat,
    "raises NameError": descent_misspelt,
    "does not return an array of points": descent_of_losses,
}


# --- heavy ball


def ball_as_in_the_chapter(gradient, start, learning_rate, momentum, steps):
    params, velocity = start, np.zeros_like(start)
    path = [params]
    for _ in range(steps):
        velocity = momentum * velocity + gradient(params)
        params = params - learning_rate * velocity
        path.append(params)
    return np.array(path)


def ball_downhill_velocity(gradient, start, learning_rate, momentum, steps):
    x, v = start, 0
    path = [x]
    for _ in range(steps):
        v = momentum * v - learning_rate * gradient(x)
        x = x + v
        path.append(x)
    return np.array(path)


def ball_by_differences(gradient, start, learning_rate, momentum, steps):
    path = np.empty((steps + 1, *start.shape))
    path[0] = before = start
    for i in range(steps):
        path[i + 1] = path[i] - learning_rate * gradient(path[i]) + momentum * (path[i] - before)
        before = path[i]
    return path


def ball_as_class(gradient, start, learning_rate, momentum, steps):
    class Ball:
        def __init__(self, position):
            self.position = position
            self.velocity = [0.0] * len(position)

        def roll(self):
            pull = gradient(np.array(self.position))
            self.velocity = [momentum * v + p for v, p in zip(self.velocity, pull)]
            self.position = [x - learning_rate * v for x, v in zip(self.position, self.velocity)]
            return self.position

    ball = Ball(list(start))
    return [list(start)] + [ball.roll() for _ in range(steps)]


def ball_from_all_gradients(gradient, start, learning_rate, momentum, steps):
    path, gradients = [start], []
    for t in range(steps):
        gradients.append(gradient(path[t]))
        velocity = sum(momentum ** (t - i) * g for i, g in enumerate(gradients))
        path.append(path[t] - learning_rate * velocity)
    return path


def ball_in_single_precision(gradient, start, learning_rate, momentum, steps):
    import jax.numpy as jnp

    x = jnp.asarray(start)
    v = jnp.zeros_like(x)
    path = np.zeros((steps + 1, start.size))
    path[0] = x
    for i in range(steps):
        v = momentum * v + gradient(x)
        x = x - learning_rate * v
        path[i + 1] = x
    return path


def ball_by_torch(gradient, start, learning_rate, momentum, steps):
    import torch

    x = torch.tensor(start, requires_grad=True)
    optimizer = torch.optim.SGD([x], lr=learning_rate, momentum=momentum)
    path = [x.detach().clone()]
    for _ in range(steps):
        x.grad = gradient(x)
        optimizer.step()
        path.append(x.detach().clone())
    return torch.stack(path)


def ball_by_recursion(grad, x, lr, beta, n, v=0.0):
    def roll(x, v, n):
        yield x
        if n:
            v = beta * v + grad(x)
            yield from roll(x - lr * v, v, n - 1)

    return np.array(list(roll(x, v, n)))


RIGHT["heavy_ball"] = [
    ball_as_in_the_chapter,
    ball_downhill_velocity,
    ball_by_differences,
    ball_as_class,
    ball_from_all_gradients,
    ball_in_single_precision,
    ball_by_torch,
    ball_by_recursion,
]


def ball_averaging(gradient, start, learning_rate, momentum, steps):
    x, v, path = start, 0, [start]
    for _ in range(steps):
        v = momentum * v + (1 - momentum) * gradient(x)
        x = x - learning_rate * v
        path.append(x)
    return np.array(path)


def ball_reset(gradient, start, learning_rate, momentum, steps):
    x, path = start, [start]
    for _ in range(steps):
        v = np.zeros_like(x)
        v = momentum * v + gradient(x)
        x = x - learning_rate * v
        path.append(x)
    return np.array(path)


def ball_weighs_gradient(gradient, start, learning_rate, momentum, steps):
    x, v, path = start, 0, [start]
    for _ in range(steps):
        v = v + momentum * gradient(x)
        x = x - learning_rate * v
        path.append(x)
    return np.array(path)


def ball_rate_twice(gradient, start, learning_rate, momentum, steps):
    x, v, path = start, 0, [start]
    for _ in range(steps):
        v = momentum * v - learning_rate * gradient(x)
        x = x + learning_rate * v
        path.append(x)
    return np.array(path)


def ball_rate_on_memory(gradient, start, learning_rate, momentum, steps):
    x, v, path = start, 0, [start]
    for _ in range(steps):
        v = learning_rate * (momentum * v + gradient(x))
        x = x - v
        path.append(x)
    return np.array(path)


def ball_never_fading(gradient, start, learning_rate, momentum, steps):
    x, v, path = start, 0, [start]
    for _ in range(steps):
        v += gradient(x)
        x = x - learning_rate * v
        path.append(x)
    return np.array(path)


def ball_looking_ahead(gradient, start, learning_rate, momentum, steps):
    x, v, path = start, 0, [start]
    for _ in range(steps):
        g = gradient(x)
        v = momentum * v + g
        x = x - learning_rate * g - learning_rate * momentum * v
        path.append(x)
    return np.array(path)


def ball_wrong_sign(gradient, start, learning_rate, momentum, steps):
    path = [start, start - learning_rate * gradient(start)]
    for _ in range(steps - 1):
        path.append(path[-1] - learning_rate * gradient(path[-1]) + momentum * (path[-2] - path[-1]))
    return np.array(path)


def ball_old_difference(gradient, start, learning_rate, momentum, steps):
    path = [start, start]
    for _ in range(steps):
        path.append(path[-1] - learning_rate * gradient(path[-1]) + momentum * (path[-2] - path[max(len(path) - 3, 0)]))
    return np.array(path[1:])


def ball_uphill(gradient, start, learning_rate, momentum, steps):
    x, v, path = start, 0, [start]
    for _ in range(steps):
        v = momentum * v + learning_rate * gradient(x)
        x = x + v
        path.append(x)
    return np.array(path)


def ball_moves_first(gradient, start, learning_rate, momentum, steps):
    x, v, path = start, 0, [start]
    for _ in range(steps):
        x = x - learning_rate * v
        v = momentum * v + gradient(x)
        path.append(x)
    return np.array(path)


WRONG["heavy_ball"] = {
    "averages the gradients": ball_averaging,
    "no memory": ball_reset,
    "momentum on the gradient": ball_weighs_gradient,
    "learning rate twice": ball_rate_twice,
    "learning rate shrinks the memory": ball_rate_on_memory,
    "velocity never fades": ball_never_fading,
    "is Nesterov's method": ball_looking_ahead,
    "momentum brakes": ball_wrong_sign,
    "difference of older points": ball_old_difference,
    "goes uphill": ball_uphill,
    "a step late": ball_moves_first,
}


# --- Nesterov


def nesterov_as_in_the_chapter(gradient, start, learning_rate, momentum, steps):
    params, velocity = start, np.zeros_like(start)
    path = [params]
    for _ in range(steps):
        g = gradient(params)
        velocity = momentum * velocity + g
        params = params - learning_rate * (g + momentum * velocity)
        path.append(params)
    return np.array(path)


def nesterov_looks_ahead(gradient, start, learning_rate, momentum, steps):
    x, v, path = start, 0, [start]
    for _ in range(steps):
        ahead = x + momentum * v
        v = momentum * v - learning_rate * gradient(ahead)
        x = x + v
        path.append(x)
    return np.array(path)


def nesterov_by_two_sequences(gradient, start, learning_rate, momentum, steps):
    before = now = start
    yield now
    for _ in range(steps):
        y = now + momentum * (now - before)
        before, now = now, y - learning_rate * gradient(y)
        yield now


def nesterov_points_ahead(gradient, start, learning_rate, momentum, steps):
    x = y = start
    path = [y]
    for _ in range(steps):
        new = y - learning_rate * gradient(y)
        y = new + momentum * (new - x)
        x = new
        path.append(y)
    return path


def nesterov_downhill_velocity(grad, x0, lr, mu, n):
    xs, v = np.tile(x0, (n + 1, 1)), np.zeros(len(x0))
    for i in range(n):
        step = -lr * grad(xs[i])
        v = mu * v + step
        xs[i + 1] = xs[i] + step + mu * v
    return xs


def nesterov_by_optax(gradient, start, learning_rate, momentum, steps):
    import jax.numpy as jnp
    import optax

    optimizer = optax.sgd(learning_rate, momentum=momentum, nesterov=True)
    params = jnp.array(start)
    state, path = optimizer.init(params), [params]
    for _ in range(steps):
        updates, state = optimizer.update(gradient(params), state, params)
        params = optax.apply_updates(params, updates)
        path.append(params)
    return jnp.stack(path)


def nesterov_by_torch(gradient, start, learning_rate, momentum, steps):
    import torch

    x = torch.nn.Parameter(torch.tensor(start, dtype=torch.float32))
    optimizer = torch.optim.SGD([x], lr=learning_rate, momentum=momentum, nesterov=True)
    path = [x.tolist()]
    for _ in range(steps):
        x.grad = gradient(x)
        optimizer.step()
        path.append(x.tolist())
    return path


RIGHT["nesterov"] = [
    nesterov_as_in_the_chapter,
    nesterov_looks_ahead,
    nesterov_by_two_sequences,
    nesterov_points_ahead,
    nesterov_downhill_velocity,
    nesterov_by_optax,
    nesterov_by_torch,
]


def nesterov_as_heavy_ball(gradient, start, learning_rate, momentum, steps):
    x, v, path = start, 0, [start]
    for _ in range(steps):
        g = gradient(x)
        x = x - learning_rate * (g + momentum * v)
        v = momentum * v + g
        path.append(x)
    return np.array(path)


def nesterov_without_memory(gradient, start, learning_rate, momentum, steps):
    x, v, path = start, np.zeros_like(start), [start]
    for _ in range(steps):
        x = x - learning_rate * gradient(x - learning_rate * momentum * v)
        path.append(x)
    return np.array(path)


def nesterov_velocity_not_kept(gradient, start, learning_rate, momentum, steps):
    x, v, path = start, np.zeros_like(start), [start]
    for _ in range(steps):
        g = gradient(x)
        new_v = momentum * v + g
        x = x - learning_rate * (g + momentum * new_v)
        path.append(x)
    return np.array(path)


def nesterov_backwards(gradient, start, learning_rate, momentum, steps):
    x, v, path = start, 0, [start]
    for _ in range(steps):
        v = momentum * v + learning_rate * gradient(x + momentum * v)
        x = x - v
        path.append(x)
    return np.array(path)


def nesterov_too_far(gradient, start, learning_rate, momentum, steps):
    x, v, path = start, 0, [start]
    for _ in range(steps):
        v = momentum * v - learning_rate * gradient(x + v)
        x = x + v
        path.append(x)
    return np.array(path)


def nesterov_momentum_twice(gradient, start, learning_rate, momentum, steps):
    x, v, path = start, 0, [start]
    for _ in range(steps):
        x = x + momentum * v
        v = momentum * v - learning_rate * gradient(x)
        x = x + v
        path.append(x)
    return np.array(path)


def nesterov_from_the_textbook(gradient, start, learning_rate, momentum, steps):
    path, before = [start], start
    for k in range(1, steps + 1):
        y = path[-1] + (k - 1) / (k + 2) * (path[-1] - before)
        before = path[-1]
        path.append(y - learning_rate * gradient(y))
    return np.array(path)


def nesterov_averaging(gradient, start, learning_rate, momentum, steps):
    x, v, path = start, 0, [start]
    for _ in range(steps):
        g = gradient(x)
        v = momentum * v + (1 - momentum) * g
        x = x - learning_rate * (g + momentum * v)
        path.append(x)
    return np.array(path)


def nesterov_without_gradient(gradient, start, learning_rate, momentum, steps):
    x, v, path = start, 0, [start]
    for _ in range(steps):
        v = momentum * v + gradient(x)
        x = x - learning_rate * momentum * v
        path.append(x)
    return np.array(path)


def nesterov_uphill(gradient, start, learning_rate, momentum, steps):
    x, v, path = start, 0, [start]
    for _ in range(steps):
        g = gradient(x)
        v = momentum * v + g
        x = x + learning_rate * (g + momentum * v)
        path.append(x)
    return np.array(path)


def nesterov_ahead_twice(gradient, start, learning_rate, momentum, steps):
    x, v, path = start, np.zeros_like(start), [start]
    for _ in range(steps):
        g = gradient(x - learning_rate * momentum * v)
        v = momentum * v + g
        x = x - learning_rate * (g + momentum * v)
        path.append(x)
    return np.array(path)


WRONG["nesterov"] = {
    "is heavy ball": nesterov_as_heavy_ball,
    "no memory": nesterov_without_memory,
    "velocity never kept": nesterov_velocity_not_kept,
    "looks backwards": nesterov_backwards,
    "looks too far ahead": nesterov_too_far,
    "momentum counted twice": nesterov_momentum_twice,
    "looks ahead twice": nesterov_ahead_twice,
    "momentum grows": nesterov_from_the_textbook,
    "averages the gradients": nesterov_averaging,
    "newest gradient left out": nesterov_without_gradient,
    "goes uphill": nesterov_uphill,
}


# --- RMSprop


def rmsprop_as_in_the_chapter(gradient, start, learning_rate, decay, eps, steps):
    params, s = start, np.zeros_like(start)
    path = [params]
    for _ in range(steps):
        g = gradient(params)
        s = decay * s + (1 - decay) * g**2
        params = params - learning_rate * g / (np.sqrt(s) + eps)
        path.append(params)
    return np.array(path)


def rmsprop_eps_inside(gradient, start, learning_rate, decay, eps, steps):
    path, s = [start], 0
    for _ in range(steps):
        g = gradient(path[-1])
        s += (1 - decay) * (g * g - s)
        path.append(path[-1] - learning_rate * g / np.sqrt(s + eps))
    return np.vstack(path)


def rmsprop_by_coordinate(gradient, start, learning_rate, decay, eps, steps):
    import math

    x, s = list(start), [0.0] * len(start)
    path = [tuple(x)]
    for _ in range(steps):
        g = gradient(np.array(x))
        for i in range(len(x)):
            s[i] = decay * s[i] + (1 - decay) * g[i] ** 2
            x[i] = x[i] - learning_rate * g[i] / (math.sqrt(s[i]) + eps)
        path.append(tuple(x))
    return path


def rmsprop_without_dividing_by_zero(gradient, start, learning_rate, decay, eps, steps):
    x, s, path = start, np.zeros(start.shape), [start]
    for _ in range(steps):
        g = gradient(x)
        s = decay * s + (1 - decay) * g**2
        x = x - learning_rate * np.divide(g, np.sqrt(s), out=np.zeros_like(g), where=s > 0)
        path.append(x)
    return path


def rmsprop_by_optax(gradient, start, learning_rate, decay, eps, steps):
    import jax.numpy as jnp
    import optax

    optimizer = optax.rmsprop(learning_rate, decay=decay, eps=eps)
    params = jnp.asarray(start)
    state, path = optimizer.init(params), [params]
    for _ in range(steps):
        updates, state = optimizer.update(gradient(params), state, params)
        params = optax.apply_updates(params, updates)
        path.append(params)
    return path


def rmsprop_by_torch(gradient, start, learning_rate, decay, eps, steps):
    import torch

    x = torch.tensor(start, requires_grad=True)
    optimizer = torch.optim.RMSprop([x], lr=learning_rate, alpha=decay, eps=eps)
    path = [x.detach().numpy().copy()]
    for _ in range(steps):
        optimizer.zero_grad()
        x.grad = torch.from_numpy(gradient(x.detach().numpy()))
        optimizer.step()
        path.append(x.detach().numpy().copy())
    return np.array(path)


def rmsprop_other_names(f, x, eta, rho, epsilon, n_steps):
    root_mean_square, points = 0 * x, np.array([x])
    while len(points) < n_steps + 1:
        g = f(points[-1])
        root_mean_square = np.sqrt(rho * root_mean_square**2 + (1 - rho) * g**2)
        points = np.append(points, [points[-1] - eta * g / (root_mean_square + epsilon)], axis=0)
    return points


RIGHT["rmsprop"] = [
    rmsprop_as_in_the_chapter,
    rmsprop_eps_inside,
    rmsprop_by_coordinate,
    rmsprop_without_dividing_by_zero,
    rmsprop_by_optax,
    rmsprop_by_torch,
    rmsprop_other_names,
]


def rmsprop_without_root(gradient, start, learning_rate, decay, eps, steps):
    x, s, path = start, 0, [start]
    for _ in range(steps):
        g = gradient(x)
        s = decay * s + (1 - decay) * g**2
        x = x - learning_rate * g / (s + eps)
        path.append(x)
    return np.array(path)


def rmsprop_without_square(gradient, start, learning_rate, decay, eps, steps):
    x, s, path = start, 0, [start]
    for _ in range(steps):
        g = gradient(x)
        s = decay * s + (1 - decay) * g
        x = x - learning_rate * g / (np.sqrt(s) + eps)
        path.append(x)
    return np.array(path)


def rmsprop_as_adagrad(gradient, start, learning_rate, decay, eps, steps):
    x, s, path = start, 0, [start]
    for _ in range(steps):
        g = gradient(x)
        s = s + g**2
        x = x - learning_rate * g / (np.sqrt(s) + eps)
        path.append(x)
    return np.array(path)


def rmsprop_unweighted(gradient, start, learning_rate, decay, eps, steps):
    x, s, path = start, 0, [start]
    for _ in range(steps):
        g = gradient(x)
        s = decay * s + g**2
        x = x - learning_rate * g / (np.sqrt(s) + eps)
        path.append(x)
    return np.array(path)


def rmsprop_from_first_square(gradient, start, learning_rate, decay, eps, steps):
    x, s, path = start, None, [start]
    for _ in range(steps):
        g = gradient(x)
        s = g**2 if s is None else decay * s + (1 - decay) * g**2
        x = x - learning_rate * g / (np.sqrt(s) + eps)
        path.append(x)
    return np.array(path)


def rmsprop_from_ones(gradient, start, learning_rate, decay, eps, steps):
    x, s, path = start, np.ones(len(start)), [start]
    for _ in range(steps):
        g = gradient(x)
        s = decay * s + (1 - decay) * g**2
        x = x - learning_rate * g / (np.sqrt(s) + eps)
        path.append(x)
    return np.array(path)


def rmsprop_memory_late(gradient, start, learning_rate, decay, eps, steps):
    x, s, path = start, np.zeros(len(start)), [start]
    for _ in range(steps):
        g = gradient(x)
        x = x - learning_rate * g / (np.sqrt(s) + eps)
        s = decay * s + (1 - decay) * g**2
        path.append(x)
    return np.array(path)


def rmsprop_without_eps(gradient, start, learning_rate, decay, eps, steps):
    x, s, path = start, 0, [start]
    for _ in range(steps):
        g = gradient(x)
        s = decay * s + (1 - decay) * g**2
        x = x - learning_rate * g / np.sqrt(s)
        path.append(x)
    return np.array(path)


def rmsprop_undivided(gradient, start, learning_rate, decay, eps, steps):
    x, s, path = start, 0, [start]
    for _ in range(steps):
        g = gradient(x)
        s = decay * s + (1 - decay) * g**2
        x = x - learning_rate * g
        path.append(x)
    return np.array(path)


def rmsprop_swapped(gradient, start, learning_rate, decay, eps, steps):
    x, s, path = start, 0, [start]
    for _ in range(steps):
        g = gradient(x)
        s = (1 - decay) * s + decay * g**2
        x = x - learning_rate * g / (np.sqrt(s) + eps)
        path.append(x)
    return np.array(path)


def rmsprop_corrected(gradient, start, learning_rate, decay, eps, steps):
    x, s, path = start, 0, [start]
    for t in range(steps):
        g = gradient(x)
        s = decay * s + (1 - decay) * g**2
        x = x - learning_rate * g / (np.sqrt(s / (1 - decay ** (t + 1))) + eps)
        path.append(x)
    return np.array(path)


def rmsprop_reset(gradient, start, learning_rate, decay, eps, steps):
    x, path = start, [start]
    for _ in range(steps):
        s = np.zeros_like(x)
        g = gradient(x)
        s = decay * s + (1 - decay) * g**2
        x = x - learning_rate * g / (np.sqrt(s) + eps)
        path.append(x)
    return np.array(path)


def rmsprop_by_own_size(gradient, start, learning_rate, decay, eps, steps):
    x, path = start, [start]
    for _ in range(steps):
        g = gradient(x)
        x = x - learning_rate * g / (np.sqrt(g**2) + eps)
        path.append(x)
    return np.array(path)


def rmsprop_one_memory(gradient, start, learning_rate, decay, eps, steps):
    x, s, path = start, 0, [start]
    for _ in range(steps):
        g = gradient(x)
        s = decay * s + (1 - decay) * (g @ g)
        x = x - learning_rate * g / (np.sqrt(s) + eps)
        path.append(x)
    return np.array(path)


def rmsprop_uphill(gradient, start, learning_rate, decay, eps, steps):
    x, s, path = start, 0, [start]
    for _ in range(steps):
        g = gradient(x)
        s = decay * s + (1 - decay) * g**2
        x = x + learning_rate * g / (np.sqrt(s) + eps)
        path.append(x)
    return np.array(path)


WRONG["rmsprop"] = {
    "no square root": rmsprop_without_root,
    "averages gradients, not their squares": rmsprop_without_square,
    "sums the squares, as AdaGrad": rmsprop_as_adagrad,
    "the new square has no weight": rmsprop_unweighted,
    "memory starts with the first square": rmsprop_from_first_square,
    "memory starts at one": rmsprop_from_ones,
    "memory used too late": rmsprop_memory_late,
    "eps forgotten": rmsprop_without_eps,
    "is gradient descent": rmsprop_undivided,
    "weights swapped": rmsprop_swapped,
    "bias correction": rmsprop_corrected,
    "memory is lost": rmsprop_reset,
    "divides by the newest gradient": rmsprop_by_own_size,
    "one memory for all coordinates": rmsprop_one_memory,
    "goes uphill": rmsprop_uphill,
}


# --- Adam


def adam_as_in_the_chapter(gradient, start, learning_rate, b1, b2, eps, steps):
    params, m, s = start, np.zeros_like(start), np.zeros_like(start)
    path = [params]
    for t in range(1, steps + 1):
        g = gradient(params)
        m = b1 * m + (1 - b1) * g
        s = b2 * s + (1 - b2) * g**2
        m_hat, s_hat = m / (1 - b1**t), s / (1 - b2**t)
        params = params - learning_rate * m_hat / (np.sqrt(s_hat) + eps)
        path.append(params)
    return np.array(path)


def adam_folded_into_the_rate(gradient, start, learning_rate, b1, b2, eps, steps):
    x, m, v, path = start, 0, 0, [start]
    for t in range(steps):
        g = gradient(x)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g * g
        rate = learning_rate * np.sqrt(1 - b2 ** (t + 1)) / (1 - b1 ** (t + 1))
        x = x - rate * m / (np.sqrt(v) + eps)
        path.append(x)
    return path


def adam_running_products(grad, x0, lr, beta1, beta2, epsilon, n):
    xs = np.zeros((n + 1, len(x0)))
    xs[0] = x0
    m = v = np.zeros(len(x0))
    p1 = p2 = 1.0
    for k in range(n):
        g = grad(xs[k])
        p1, p2 = p1 * beta1, p2 * beta2
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        xs[k + 1] = xs[k] - lr * (m / (1 - p1)) / np.sqrt(v / (1 - p2) + epsilon)
    return xs


def adam_as_class(gradient, start, learning_rate, b1, b2, eps, steps):
    class Average:
        def __init__(self, decay):
            self.decay, self.total, self.weight = decay, 0.0, 0.0

        def add(self, value):
            self.total = self.decay * self.total + value
            self.weight = self.decay * self.weight + 1
            return self.total / self.weight

    first, second, x = Average(b1), Average(b2), start
    path = [x]
    for _ in range(steps):
        g = gradient(x)
        x = x - learning_rate * first.add(g) / (np.sqrt(second.add(g**2)) + eps)
        path.append(x)
    return np.asarray(path)


def adam_scanned(gradient, start, learning_rate, b1, b2, eps, steps):
    import jax
    import jax.numpy as jnp

    def step(carry, t):
        x, m, s = carry
        g = gradient(x)
        m, s = b1 * m + (1 - b1) * g, b2 * s + (1 - b2) * g**2
        x = x - learning_rate * (m / (1 - b1**t)) / (jnp.sqrt(s / (1 - b2**t)) + eps)
        return (x, m, s), x

    x = jnp.asarray(start)
    _, path = jax.lax.scan(step, (x, 0 * x, 0 * x), jnp.arange(1.0, steps + 1))
    return jnp.vstack([x, path])


def adam_by_optax(gradient, start, learning_rate, b1, b2, eps, steps):
    import optax

    optimizer = optax.adam(learning_rate, b1=b1, b2=b2, eps=eps)
    params, path = start, [start]
    state = optimizer.init(params)
    for _ in range(steps):
        updates, state = optimizer.update(gradient(params), state)
        params = optax.apply_updates(params, updates)
        path.append(params)
    return np.array(path)


def adam_by_torch(gradient, start, learning_rate, b1, b2, eps, steps):
    import torch

    x = torch.tensor(start, dtype=torch.float32, requires_grad=True)
    optimizer = torch.optim.Adam([x], lr=learning_rate, betas=(b1, b2), eps=eps)
    path = [x.detach().clone()]
    for _ in range(steps):
        x.grad = gradient(x)
        optimizer.step()
        path.append(x.detach().clone())
    return path


RIGHT["adam"] = [
    adam_as_in_the_chapter,
    adam_folded_into_the_rate,
    adam_running_products,
    adam_as_class,
    adam_scanned,
    adam_by_optax,
    adam_by_torch,
]


def adam_uncorrected(gradient, start, learning_rate, b1, b2, eps, steps):
    x, m, s, path = start, 0, 0, [start]
    for _ in range(steps):
        g = gradient(x)
        m = b1 * m + (1 - b1) * g
        s = b2 * s + (1 - b2) * g**2
        x = x - learning_rate * m / (np.sqrt(s) + eps)
        path.append(x)
    return np.array(path)


def adam_first_corrected(gradient, start, learning_rate, b1, b2, eps, steps):
    x, m, s, path = start, 0, 0, [start]
    for t in range(1, steps + 1):
        g = gradient(x)
        m = b1 * m + (1 - b1) * g
        s = b2 * s + (1 - b2) * g**2
        x = x - learning_rate * m / (1 - b1**t) / (np.sqrt(s) + eps)
        path.append(x)
    return np.array(path)


def adam_second_corrected(gradient, start, learning_rate, b1, b2, eps, steps):
    x, m, s, path = start, 0, 0, [start]
    for t in range(1, steps + 1):
        g = gradient(x)
        m = b1 * m + (1 - b1) * g
        s = b2 * s + (1 - b2) * g**2
        x = x - learning_rate * m / (np.sqrt(s / (1 - b2**t)) + eps)
        path.append(x)
    return np.array(path)


def adam_from_zero(gradient, start, learning_rate, b1, b2, eps, steps):
    x, m, s, path = start, 0, 0, [start]
    for t in range(steps):
        g = gradient(x)
        m = b1 * m + (1 - b1) * g
        s = b2 * s + (1 - b2) * g**2
        x = x - learning_rate * (m / (1 - b1**t)) / (np.sqrt(s / (1 - b2**t)) + eps)
        path.append(x)
    return np.array(path)


def adam_from_two(gradient, start, learning_rate, b1, b2, eps, steps):
    x, m, s, path, t = start, 0, 0, [start], 1
    for _ in range(steps):
        t += 1
        g = gradient(x)
        m = b1 * m + (1 - b1) * g
        s = b2 * s + (1 - b2) * g**2
        x = x - learning_rate * (m / (1 - b1**t)) / (np.sqrt(s / (1 - b2**t)) + eps)
        path.append(x)
    return np.array(path)


def adam_without_power(gradient, start, learning_rate, b1, b2, eps, steps):
    x, m, s, path = start, 0, 0, [start]
    for _ in range(steps):
        g = gradient(x)
        m = b1 * m + (1 - b1) * g
        s = b2 * s + (1 - b2) * g**2
        m_hat, s_hat = m / (1 - b1), s / (1 - b2)
        x = x - learning_rate * m_hat / (np.sqrt(s_hat) + eps)
        path.append(x)
    return np.array(path)


def adam_overwriting(gradient, start, learning_rate, b1, b2, eps, steps):
    x, m, s, path = start, 0, 0, [start]
    for t in range(1, steps + 1):
        g = gradient(x)
        m = b1 * m + (1 - b1) * g
        s = b2 * s + (1 - b2) * g**2
        m = m / (1 - b1**t)
        s = s / (1 - b2**t)
        x = x - learning_rate * m / (np.sqrt(s) + eps)
        path.append(x)
    return np.array(path)


def adam_swapped(gradient, start, learning_rate, b1, b2, eps, steps):
    x, m, s, path = start, 0, 0, [start]
    for t in range(1, steps + 1):
        g = gradient(x)
        m = b2 * m + (1 - b2) * g
        s = b1 * s + (1 - b1) * g**2
        x = x - learning_rate * (m / (1 - b2**t)) / (np.sqrt(s / (1 - b1**t)) + eps)
        path.append(x)
    return np.array(path)


def adam_without_root(gradient, start, learning_rate, b1, b2, eps, steps):
    x, m, s, path = start, 0, 0, [start]
    for t in range(1, steps + 1):
        g = gradient(x)
        m = b1 * m + (1 - b1) * g
        s = b2 * s + (1 - b2) * g**2
        x = x - learning_rate * (m / (1 - b1**t)) / (s / (1 - b2**t) + eps)
        path.append(x)
    return np.array(path)


def adam_without_square(gradient, start, learning_rate, b1, b2, eps, steps):
    x, m, s, path = start, 0, 0, [start]
    for t in range(1, steps + 1):
        g = gradient(x)
        m = b1 * m + (1 - b1) * g
        s = b2 * s + (1 - b2) * g
        x = x - learning_rate * (m / (1 - b1**t)) / (np.sqrt(s / (1 - b2**t)) + eps)
        path.append(x)
    return np.array(path)


def adam_as_rmsprop_with_momentum(gradient, start, learning_rate, b1, b2, eps, steps):
    x, v, s, path = start, 0, 0, [start]
    for _ in range(steps):
        g = gradient(x)
        s = b2 * s + (1 - b2) * g**2
        v = b1 * v + learning_rate * g / (np.sqrt(s) + eps)
        x = x - v
        path.append(x)
    return np.array(path)


def adam_mean_unused(gradient, start, learning_rate, b1, b2, eps, steps):
    x, m, s, path = start, np.zeros_like(start), np.zeros_like(start), [start]
    for t in range(1, steps + 1):
        g = gradient(x)
        m = b1 * m + (1 - b1) * g
        s = b2 * s + (1 - b2) * g**2
        m_hat, s_hat = m / (1 - b1**t), s / (1 - b2**t)  # noqa: F841
        x = x - learning_rate * g / (np.sqrt(s_hat) + eps)
        path.append(x)
    return np.array(path)


def adam_unweighted(gradient, start, learning_rate, b1, b2, eps, steps):
    x, m, s, path = start, 0, 0, [start]
    for t in range(1, steps + 1):
        g = gradient(x)
        m = b1 * m + g
        s = b2 * s + g**2
        x = x - learning_rate * (m / (1 - b1**t)) / (np.sqrt(s / (1 - b2**t)) + eps)
        path.append(x)
    return np.array(path)


def adam_without_eps(gradient, start, learning_rate, b1, b2, eps, steps):
    x, m, s, path = start, 0, 0, [start]
    for t in range(1, steps + 1):
        g = gradient(x)
        m = b1 * m + (1 - b1) * g
        s = b2 * s + (1 - b2) * g**2
        x = x - learning_rate * (m / (1 - b1**t)) / np.sqrt(s / (1 - b2**t))
        path.append(x)
    return np.array(path)


def adam_uphill(gradient, start, learning_rate, b1, b2, eps, steps):
    x, m, s, path = start, 0, 0, [start]
    for t in range(1, steps + 1):
        g = gradient(x)
        m = b1 * m + (1 - b1) * g
        s = b2 * s + (1 - b2) * g**2
        x = x + learning_rate * (m / (1 - b1**t)) / (np.sqrt(s / (1 - b2**t)) + eps)
        path.append(x)
    return np.array(path)


def adam_with_reset_mean(gradient, start, learning_rate, b1, b2, eps, steps):
    x, s, path = start, np.zeros_like(start), [start]
    for t in range(1, steps + 1):
        m = np.zeros_like(start)
        g = gradient(x)
        m = b1 * m + (1 - b1) * g
        s = b2 * s + (1 - b2) * g**2
        x = x - learning_rate * (m / (1 - b1**t)) / (np.sqrt(s / (1 - b2**t)) + eps)
        path.append(x)
    return np.array(path)


def adam_with_reset_square(gradient, start, learning_rate, b1, b2, eps, steps):
    x, m, path = start, np.zeros_like(start), [start]
    for t in range(1, steps + 1):
        s = np.zeros_like(start)
        g = gradient(x)
        m = b1 * m + (1 - b1) * g
        s = b2 * s + (1 - b2) * g**2
        x = x - learning_rate * (m / (1 - b1**t)) / (np.sqrt(s / (1 - b2**t)) + eps)
        path.append(x)
    return np.array(path)


def adam_with_reset_memories(gradient, start, learning_rate, b1, b2, eps, steps):
    x, path = start, [start]
    for t in range(1, steps + 1):
        m = s = np.zeros_like(start)
        g = gradient(x)
        m = b1 * m + (1 - b1) * g
        s = b2 * s + (1 - b2) * g**2
        x = x - learning_rate * (m / (1 - b1**t)) / (np.sqrt(s / (1 - b2**t)) + eps)
        path.append(x)
    return np.array(path)


def adam_one_decay(gradient, start, learning_rate, b1, b2, eps, steps):
    x, m, s, path = start, 0, 0, [start]
    for t in range(1, steps + 1):
        g = gradient(x)
        m = b1 * m + (1 - b1) * g
        s = b1 * s + (1 - b1) * g**2
        x = x - learning_rate * (m / (1 - b1**t)) / (np.sqrt(s / (1 - b1**t)) + eps)
        path.append(x)
    return np.array(path)


def adam_times_t(gradient, start, learning_rate, b1, b2, eps, steps):
    x, m, s, path = start, 0, 0, [start]
    for t in range(1, steps + 1):
        g = gradient(x)
        m = b1 * m + (1 - b1) * g
        s = b2 * s + (1 - b2) * g**2
        x = x - learning_rate * (m / (1 - b1 * t)) / (np.sqrt(s / (1 - b2 * t)) + eps)
        path.append(x)
    return np.array(path)


WRONG["adam"] = {
    "no bias correction": adam_uncorrected,
    "second moment not corrected": adam_first_corrected,
    "first moment not corrected": adam_second_corrected,
    "t starts at 0": adam_from_zero,
    "t starts at 2": adam_from_two,
    "corrected with b and not b**t": adam_without_power,
    "the correction is kept in the memory": adam_overwriting,
    "b1 and b2 swapped": adam_swapped,
    "no square root": adam_without_root,
    "averages gradients, not their squares": adam_without_square,
    "is RMSprop with momentum": adam_as_rmsprop_with_momentum,
    "steps along the gradient": adam_mean_unused,
    "m is set to 0 in the loop": adam_with_reset_mean,
    "s is set to 0 in the loop": adam_with_reset_square,
    "both memories are set to 0 in the loop": adam_with_reset_memories,
    "b1 for both averages": adam_one_decay,
    "corrected with b * t and not b**t": adam_times_t,
    "the new gradient has no weight": adam_unweighted,
    "eps forgotten": adam_without_eps,
    "goes uphill": adam_uphill,
}


# --- which path is whose, in the figure of variant 0

RIGHT["which_path"] = [
    {"variant": 0, "which_path": {"A": "sgd", "B": "adam", "C": "rmsprop", "D": "momentum"}},
    {"variant": 0, "which_path": {"D": "Heavy Ball", "C": "RMSprop", "B": "Adam", "A": "SGD"}},
    {"variant": 0, "which_path": {"a": "gradient descent", "b": "ADAM ", "c": "rms_prop", "d": "heavy-ball"}},
]
WRONG["which_path"] = {
    "takes momentum and sgd for each other": {
        "variant": 0,
        "which_path": {"A": "momentum", "B": "adam", "C": "rmsprop", "D": "sgd"},
    },
    "takes adam and rmsprop for each other": {
        "variant": 0,
        "which_path": {"A": "sgd", "B": "rmsprop", "C": "adam", "D": "momentum"},
    },
    "takes adam and momentum for each other": {
        "variant": 0,
        "which_path": {"A": "sgd", "B": "momentum", "C": "rmsprop", "D": "adam"},
    },
    "mixes up three": {"variant": 0, "which_path": {"A": "sgd", "B": "rmsprop", "C": "momentum", "D": "adam"}},
    "no label right": {"variant": 0, "which_path": {"A": "adam", "B": "sgd", "C": "momentum", "D": "rmsprop"}},
    "one name several times": {"variant": 0, "which_path": {"A": "sgd", "B": "adam", "C": "adam", "D": "momentum"}},
    "some are empty": {"variant": 0, "which_path": {"A": "sgd", "B": "", "C": "rmsprop", "D": "momentum"}},
    "unknown name": {"variant": 0, "which_path": {"A": "sgd", "B": "adm", "C": "rmsprop", "D": "momentum"}},
    "names and letters the wrong way round": {
        "variant": 0,
        "which_path": {"sgd": "A", "adam": "B", "rmsprop": "C", "momentum": "D"},
    },
    "is not a dict": {"variant": 0, "which_path": ["sgd", "adam", "rmsprop", "momentum"]},
    "variant is not a whole number": {
        "variant": "my number",
        "which_path": {"A": "sgd", "B": "adam", "C": "rmsprop", "D": "momentum"},
    },
}
