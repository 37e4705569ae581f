"""The compiled step is JAX's: every optimizer of the catalogue on every surface of the plane, in float64.

`python tests/test_compiled_optimizers.py` prints how well they agree, and on which paths nothing can.
"""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from javascript import Task, flat_rows, run_tasks

import optcourse as oc
from optcourse import optimizers, surfaces
from optcourse.arrays import double_precision, weakly_typed
from optcourse.explorables import JavaScriptFunction, Module
from optcourse.surfaces import LossSurface

SURFACES = {name: factory() for name, factory in surfaces.catalogue().items()}
SURFACES = {name: surface for name, surface in SURFACES.items() if surface.dim == 2}
# The line search is compiled for two surfaces only: in JAX each of them takes seconds.
SEARCHED = ("rosenbrock", "himmelblau")
SEARCHING = "lbfgs with line search"
OPTIMIZERS = {
    name: factory(**({"line_search": False} if name == "lbfgs" else {}))
    for name, factory in optimizers.catalogue().items()
} | {SEARCHING: optimizers.lbfgs()}
PAIRS = [(o, s) for o in OPTIMIZERS for s in SURFACES if o != SEARCHING or s in SEARCHED]
EPS = np.finfo(float).eps
STATES, WARM_UP, STEPS = 50, 5, 500
ULPS = 5  # lane 0 is the path itself, in the others each step is moved by an ulp

every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)


def test_the_loop_over_pairs_is_not_empty():
    assert len(PAIRS) >= 17 * 24


@every_optimizer
def test_one_step_is_the_step_of_jax(name):
    """From 50 states on each surface, within 1e-12 of the largest entry of each array.

    Of the largest entry: what is left when numbers of its size cancel (a gradient's zero coordinate) is rounding,
    and JAX itself rounds it in another way when it fuses a product and a sum. And where a whole array is what is
    left, as in L-BFGS on a quadratic, JAX's step is repeated with its input moved by an ulp: what that changes
    nobody can reproduce.
    """
    for surface in _surfaces_of(name):
        comparison = one_step(name, surface)
        assert comparison.states == STATES
        assert comparison.error <= 1, f"{comparison} on {surface}"


@every_optimizer
def test_paths_are_those_of_run(name):
    """500 steps within 1e-6 of `run`, up to where moving each step by an ulp moves JAX's own path by 1e-9."""
    for surface in _surfaces_of(name):
        comparison = path(name, surface)
        assert comparison.error <= 1e-6, f"{comparison} on {surface}"


def test_most_paths_can_be_compared_to_their_end():
    """How many paths amplify rounding is a fact about them, measured in JAX alone."""
    compared = {pair: path(*pair).steps for pair in PAIRS}
    chaotic = {pair for pair, steps in compared.items() if steps < STEPS}
    assert len(chaotic) <= 0.2 * len(PAIRS)
    assert sum(compared.values()) >= 0.8 * STEPS * len(PAIRS)
    # Known beforehand: plain gradient descent diverges there, Adam comes to rest here.
    assert ("sgd", "goldstein_price") in chaotic
    assert ("adam", "rosenbrock") not in chaotic


class OneStep(NamedTuple):
    """`error` is over what is allowed, `relative` over the largest entry; `beyond` counts states above 1e-12 of it."""

    error: float
    relative: float
    beyond: int
    states: int


class Path(NamedTuple):
    """The largest difference in the first `steps` steps, relative to coordinates larger than one."""

    error: float
    steps: int


def one_step(name, surface) -> OneStep:
    """Compare the compiled step with JAX's."""
    expected, moved = reference_steps(name)[surface]
    got = javascript()[name, surface, "steps"]
    function = compiled()[1][name, surface]
    leaves = zip(function.results, jax.tree.leaves(expected), jax.tree.leaves(moved), strict=True)
    error, relative, beyond = 0.0, 0.0, np.zeros(STATES, bool)
    for leaf, right, lanes in leaves:
        right, lanes = right.reshape(STATES, -1).astype(float), lanes.reshape(ULPS - 1, STATES, -1).astype(float)
        mine = got[:, 0, leaf.offset : leaf.offset + leaf.size]
        scale = np.abs(right).max(axis=1, initial=1e-300)
        sensitivity = difference(lanes, right).max(axis=(0, 2), initial=0)
        wrong = difference(mine, right).max(axis=1, initial=0)
        error = max(error, float((wrong / np.maximum(1e-12 * scale, 50 * sensitivity)).max()))
        relative = max(relative, float((wrong / scale).max()))
        beyond |= wrong > 1e-12 * scale
    return OneStep(error, relative, int(beyond.sum()), STATES)


def path(name, surface) -> Path:
    """Compare the compiled loop with `run`, as far as rounding is not amplified."""
    expected = reference_paths()[name, surface]  # (lanes, STEPS + 1, 2)
    right, mine = expected[0, 1:], javascript()[name, surface, "path"][0]
    scale = np.maximum(1, np.abs(right))
    amplification = (difference(expected[1:, 1:], right) / scale).max(axis=(0, 2))
    too_much = np.flatnonzero(~(amplification <= 1e-9))
    steps = int(too_much[0]) if too_much.size else STEPS
    return Path(float((difference(mine, right) / scale)[:steps].max(initial=0)), steps)


def difference(a, b):
    """|a - b|, 0 where both are nan or the same infinity, infinite where only one is."""
    with np.errstate(invalid="ignore"):
        return np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.nan_to_num(np.abs(a - b), nan=np.inf))


# --- JavaScript ---------------------------------------------------------------------------------------------


@cache
def compiled() -> tuple[Module, dict[tuple[str, str], JavaScriptFunction]]:
    """The whole step of every pair, compiled."""
    module, functions = Module(), {}
    with double_precision():
        for name, surface in PAIRS:
            optimizer = OPTIMIZERS[name]
            start = np.array(SURFACES[surface].start)
            functions[name, surface] = module.add(
                whole_step(optimizer, SURFACES[surface]),
                (start, optimizer.init(start)),
                hyperparams_of(optimizer),
                name=f"{name}_{surface}",
            )
    return module, functions


def whole_step(optimizer, surface):
    """One step as `run` takes it, of params, state and hyperparameters."""

    def step(carry, hyperparams):
        params, state = carry
        loss, grads = jax.value_and_grad(surface)(params)
        update = optimizer.recipe(weakly_typed(hyperparams)).update
        updates, state = update(grads, state, params, value=loss, grad=grads, value_fn=surface)
        return optax.apply_updates(params, updates), state, loss, grads, updates

    return step


@cache
def javascript() -> dict[tuple[str, str, str], np.ndarray]:
    """What the compiled steps return: from the random states, and as paths."""
    module, functions = compiled()
    tasks = {}
    with double_precision():
        for name, surface in PAIRS:
            optimizer, function = OPTIMIZERS[name], functions[name, surface]
            carries, hyperparams = states(name)
            at = list(SURFACES).index(surface)
            rows = [flat_rows(jax.tree.map(lambda a, at=at: a[at], x), STATES) for x in (carries, hyperparams)]
            tasks[name, surface, "steps"] = Task(function, tuple(rows))
            start = np.array(SURFACES[surface].start)
            first = jax.tree.map(lambda leaf: np.asarray(leaf)[None], ((start, optimizer.init(start)),))
            given = flat_rows(first, 1), np.array([[*hyperparams_of(optimizer).values()]], dtype=float)
            tasks[name, surface, "path"] = Task(function, given, steps=STEPS, keep=2)
    return dict(zip(tasks, run_tasks(module, [*tasks.values()]), strict=True))


# --- JAX ----------------------------------------------------------------------------------------------------


@jax.jit
def all_gradients(points):
    """Loss and gradient of each surface at points of its own: (surfaces, n, 2)."""
    each = [jax.vmap(jax.value_and_grad(surface))(points[k]) for k, surface in enumerate(SURFACES.values())]
    return tuple(jnp.stack(parts) for parts in zip(*each, strict=True))


@cache
def random_points():
    """Points in the domains, (WARM_UP + 1, surfaces, STATES, 2)."""
    low, high = np.array([surface.domain for surface in SURFACES.values()]).transpose(2, 0, 1)[:, :, None]
    return np.random.default_rng(0).uniform(low, high, (WARM_UP + 1, len(SURFACES), STATES, 2))


@cache
def updater(name):
    """One update for each surface and state at once."""
    optimizer = OPTIMIZERS[name]

    def update(value, grads, state, params, hyperparams, value_fn):
        extra = {"value": value, "grad": grads, "value_fn": value_fn} if name == SEARCHING else {}
        return optimizer.recipe(weakly_typed(hyperparams)).update(grads, state, params, **extra)

    def everywhere(*arguments):
        if name != SEARCHING:
            return jax.vmap(jax.vmap(lambda *one: update(*one, None)))(*arguments)
        results = []
        for k, surface in enumerate(SURFACES):
            value_fn = SURFACES[surface if surface in SEARCHED else SEARCHED[0]]
            if surface in SEARCHED:
                parts = jax.tree.map(lambda leaf, k=k: leaf[k], arguments)
                results.append(jax.vmap(lambda *one, f=value_fn: update(*one, f))(*parts))
            else:  # not looked at
                results.append(jax.tree.map(lambda leaf, k=k: leaf[k], (arguments[1], arguments[2])))
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *results)

    return jax.jit(everywhere)


@cache
def states(name):
    """Params, states and hyperparameters with the axes (surfaces, STATES, ...).

    A state has seen up to five gradients, each at another random point; learning rates are up to three times larger
    or smaller than usual.
    """
    optimizer, points = OPTIMIZERS[name], random_points()
    usual = hyperparams_of(optimizer)
    hyperparams = {key: np.full(points.shape[1:3], value) for key, value in usual.items()}
    if "learning_rate" in usual:
        hyperparams["learning_rate"] *= 3 ** np.random.default_rng(1).uniform(-1, 1, points.shape[1:3])
    with double_precision():
        state = jax.vmap(jax.vmap(optimizer.init))(points[0])
        depth = np.arange(STATES) % (WARM_UP + 1)
        for k in range(WARM_UP):
            loss, grads = all_gradients(points[k])
            _, later = updater(name)(loss, grads, state, points[k], hyperparams)
            state = jax.tree.map(
                lambda old, new, k=k: np.where(np.expand_dims(depth > k, (*range(1, new.ndim - 1),)), new, old),
                state,
                later,
            )
    return (points[-1], state), hyperparams


@cache
def reference_steps(name):
    """By surface: the results of JAX's step, and of the same step with its input moved by an ulp, four times."""
    (params, state), hyperparams = states(name)
    rng = np.random.default_rng(2)

    def moved(leaf):
        leaf = np.asarray(leaf)
        return leaf * (1 + EPS * rng.choice([-1, 1], leaf.shape)) if leaf.dtype == float else leaf

    def step(params, state):
        loss, grads = all_gradients(params)
        updates, state = updater(name)(loss, grads, state, params, hyperparams)
        return jax.tree.map(np.asarray, (params + updates, state, loss, grads, updates))

    with double_precision():
        right = step(params, state)
        others = [step(*jax.tree.map(moved, (params, state))) for _ in range(ULPS - 1)]
    others = jax.tree.map(lambda *leaves: np.stack(leaves), *others)
    return {
        surface: (
            jax.tree.map(lambda leaf, k=k: leaf[k], right),
            jax.tree.map(lambda leaf, k=k: leaf[:, k], others),
        )
        for k, surface in enumerate(SURFACES)
    }


@cache
def reference_paths():
    """`run` of the whole catalogue at once: (ULPS, STEPS + 1, 2) for each pair.

    One optimizer that takes each part of its params with another optimizer of the catalogue, on the sum of all
    surfaces: compiled once, it takes each pair where it would go alone.
    """

    plain = [name for name in OPTIMIZERS if name != SEARCHING]
    starts = {
        "plain": np.array(
            [[[s.start] * ULPS for s in SURFACES.values()]] * len(plain)
        ),  # (optimizers, surfaces, ULPS, 2)
        "searching": np.array([[SURFACES[surface].start] * ULPS for surface in SEARCHED]),
    }

    def losses(surface, points, step):
        """The loss at points (..., ULPS, 2): in all lanes but the first, about an ulp off, another in each step."""
        lane, axis = jnp.arange(ULPS)[:, None], jnp.arange(2)
        ulps = jnp.where(lane > 0, EPS * jnp.sin(step * lane * (axis + 1) + lane + axis), 0.0)
        moved = points + ulps * jnp.maximum(1, jnp.abs(jax.lax.stop_gradient(points)))
        return jnp.sum(jax.vmap(surface)(moved.reshape(-1, 2)).reshape(-1, ULPS) * (1 + ulps[:, 0]))

    def loss(params, step):
        total = sum(losses(surface, params["plain"][:, k], step) for k, surface in enumerate(SURFACES.values()))
        return total + sum(losses(SURFACES[s], params["searching"][k], step) for k, s in enumerate(SEARCHED))

    def init(params):
        states = {name: _twice(OPTIMIZERS[name].init)(params["plain"][k]) for k, name in enumerate(plain)}
        return states | {SEARCHING: _twice(OPTIMIZERS[SEARCHING].init)(params["searching"])}

    def update(grads, state, params=None, **_):
        updates, later = [], {}
        for k, name in enumerate(plain):
            move, later[name] = _twice(OPTIMIZERS[name].update)(grads["plain"][k], state[name], params["plain"][k])
            updates.append(move)
        each = []
        for k, surface in enumerate(SEARCHED):
            arguments = grads["searching"], state[SEARCHING], params["searching"]
            each.append(jax.vmap(searching(SURFACES[surface]))(*jax.tree.map(lambda leaf, k=k: leaf[k], arguments)))
        searched, later[SEARCHING] = jax.tree.map(lambda *leaves: jnp.stack(leaves), *each)
        return {"plain": jnp.stack(updates), "searching": searched}, later

    def searching(value_fn):
        def update_one(grads, state, params):
            value = value_fn(params)
            return OPTIMIZERS[SEARCHING].update(grads, state, params, value=value, grad=grads, value_fn=value_fn)

        return update_one

    everything = LossSurface(loss, name="all surfaces", dim=None, step_dependent=True)
    catalogue = optimizers.from_optax(optax.GradientTransformation(init, update), name="the catalogue")
    paths = oc.run(catalogue, everything, starts, steps=STEPS, record="params").params
    rows = {name: paths["plain"][:, k] for k, name in enumerate(plain)} | {SEARCHING: paths["searching"]}
    return {(name, s): np.moveaxis(rows[name][:, _surfaces_of(name).index(s)], 1, 0) for name, s in PAIRS}


def _twice(function):
    """Over surfaces and lanes."""
    return jax.vmap(jax.vmap(function))


def hyperparams_of(optimizer):
    return {name: float(value) for name, value in sorted(optimizer.hyperparams.items())}


def _surfaces_of(name):
    return SEARCHED if name == SEARCHING else tuple(SURFACES)


def summary() -> str:
    """How well the compiled steps agree with JAX."""
    steps = {pair: one_step(*pair) for pair in PAIRS}
    paths = {pair: path(*pair) for pair in PAIRS}
    good = [step.relative for step in steps.values() if not step.beyond]
    lines = [
        f"{len(PAIRS)} pairs, {STATES} states each. One step within {max(good):.1e} of the largest entry, but for:",
        *(
            f"  {' on '.join(pair)}: {step.beyond} states, {step.relative:.1e}"
            for pair, step in steps.items()
            if step.beyond
        ),
    ]
    whole = {pair: p for pair, p in paths.items() if p.steps == STEPS}
    lines += [
        f"{len(whole)} paths compared to their end: within {max(p.error for p in whole.values()):.1e}",
        f"{len(paths) - len(whole)} paths amplify rounding, and are compared up to there, "
        f"within {max(p.error for p in paths.values()):.1e}:",
    ]
    lines += [
        f"  {' on '.join(pair)}: {p.steps} steps, {p.error:.1e}" for pair, p in paths.items() if pair not in whole
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(summary())
