"""What mistakes in paths are made of: a method whose step is one expression, which a mistake gets wrong."""

import itertools
from collections.abc import Callable

from optcourse.exercises.paths import follow


def uphill(path: Callable) -> Callable:
    """The same method with the opposite sign of the gradient."""
    return lambda gradient, start, **rest: path(lambda params: -gradient(params), start, **rest)


def without_memory(move: Callable) -> Callable:
    """A path whose next point is `move(x, g, learning_rate, t)`."""

    @follow
    def rule(gradient, x, learning_rate):
        for t in itertools.count(1):
            x = move(x, gradient(x), learning_rate, t)
            yield x

    return rule


def with_velocity(velocity: Callable, step: Callable = lambda v, g, beta, lr: lr * v) -> Callable:
    """A path that remembers `v = velocity(v, g, beta, lr)` and subtracts `step(v, g, beta, lr)`."""

    @follow
    def rule(gradient, x, learning_rate, momentum):
        v = 0 * x
        while True:
            g = gradient(x)
            v = velocity(v, g, momentum, learning_rate)
            x = x - step(v, g, momentum, learning_rate)
            yield x

    return rule


def with_squares(memory: Callable, step: Callable, initial: Callable = lambda g: 0 * g) -> Callable:
    """A path that remembers `s = memory(s, g, decay)` and subtracts `learning_rate * step(g, s, eps, decay, t)`."""

    @follow
    def rule(gradient, x, learning_rate, decay, eps):
        s = initial(gradient(x))
        for t in itertools.count(1):
            g = gradient(x)
            s = memory(s, g, decay)
            x = x - learning_rate * step(g, s, eps, decay, t)
            yield x

    return rule


def with_moments(first: Callable, second: Callable, step: Callable) -> Callable:
    """A path that remembers `m = first(m, g, b1, t)` and `s = second(s, g, b2, t)` and subtracts
    `learning_rate * step(m, s, eps, b1, b2, t)`."""

    @follow
    def rule(gradient, x, learning_rate, b1, b2, eps):
        m = s = 0 * x
        for t in itertools.count(1):
            g = gradient(x)
            m, s = first(m, g, b1, t), second(s, g, b2, t)
            x = x - learning_rate * step(m, s, eps, b1, b2, t)
            yield x

    return rule


def settings(asked: list[dict]) -> dict:
    """The hyperparameters of the first question, whose numbers an explanation cites."""
    return asked[0]["hyperparameters"]
