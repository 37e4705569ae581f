"""What can be done around any optimizer, under one spelling for both libraries: clipping, accumulation,
parameter groups, staying inside a box; and reading or setting a learning rate.

Each transform returns a new `Optimizer`, or a factory where it was given one; its own numbers (`max_norm` ...) become
hyperparameters beside those of the optimizer inside.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from optcourse.arrays import double_precision, framework
from optcourse.optimizers.contract import Optimizer, Recipe
from optcourse.optimizers.entries import Difference
from optcourse.optimizers.torch_backend import Session, TorchState, TorchTransformation, value_at
from optcourse.optimizers.wrapping import around, split

CLIPPING_DIFFERENCES = (
    Difference("a gradient that is too long is multiplied by", "max_norm / norm", "max_norm / (norm + 1e-6)"),
)


def clip_by_global_norm(optimizer, max_norm: float = 1.0):
    """Shorten the whole gradient to `max_norm` (L2, over all parameters) before the optimizer sees it.

    By `optax.clip_by_global_norm` or `torch.nn.utils.clip_grad_norm_`; see `CLIPPING_DIFFERENCES`.
    """
    return around(optimizer, "clipped ", lambda inner: _Clip(inner.recipe, inner.backend), {"max_norm": max_norm})


def accumulate(optimizer, every: int):
    """Average the gradients of `every` steps and let the optimizer take one step with the mean.

    In between, updates are zero: a large batch in the memory of a small one. By `optax.MultiSteps`; in torch
    by adding up gradients, as its training loops do.
    """
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise ValueError(f"every must be a whole number of steps, 1 or more, got {every!r}.")
    return around(optimizer, "accumulated ", lambda inner: _Accumulate(inner.recipe, inner.backend, every))


def project_to_box(optimizer, lower: float, upper: float):
    """Bring every coordinate back into [lower, upper] after each step."""
    box = {"lower": lower, "upper": upper}
    return around(optimizer, "projected ", lambda inner: _Box(inner.recipe, inner.backend), box)


def parameter_groups(groups: Mapping[str, Optimizer], label_of: Callable[[str], str] | None = None) -> Optimizer:
    """Different settings for different parameters, such as a learning rate per layer.

    `optax.partition`, or torch's parameter groups. A hyperparameter of a group is called `group.name`.

    Args:
        groups: an optimizer for each label. In torch all must be of one class, as a torch optimizer is.
        label_of: takes a parameter's path, such as "encoder/weight", to its label; by default the first part.

    Raises:
        TypeError, ValueError: for optimizers of different backends or torch classes; when used, KeyError for a
            parameter without a group.
    """
    if not groups:
        raise ValueError("parameter_groups needs at least one group.")
    backends = {optimizer.backend for optimizer in groups.values()}
    if len(backends) > 1:
        raise TypeError("all groups must have the same backend, got optax and torch.")
    backend = backends.pop()
    recipes = tuple((label, optimizer.recipe) for label, optimizer in groups.items())
    hyperparams = {
        f"{label}.{name}": value for label, optimizer in groups.items() for name, value in optimizer.hyperparams.items()
    }
    names = dict.fromkeys(optimizer.name for optimizer in groups.values())
    return Optimizer(" + ".join(names), backend, hyperparams, _Groups(recipes, backend, label_of or _first_part))


def get_learning_rate(optimizer: Optimizer, *, step: int = 0):
    """The learning rate (at `step`, where it follows a schedule); of parameter groups, a dict by label."""

    def value(rate):
        if not callable(rate):
            return rate
        if optimizer.backend == "torch":
            return value_at(rate, step)
        with double_precision():
            return float(rate(step))

    recipe = optimizer.recipe
    while hasattr(recipe, "inner") and not hasattr(recipe, "rate_at"):
        recipe = recipe.inner
    if hasattr(recipe, "rate_at"):  # a schedule whose rates are hyperparameters
        return value(recipe.rate_at(optimizer.hyperparams))
    rates = {label: value(optimizer.hyperparams[name]) for label, name in _rate_names(optimizer).items()}
    return rates[""] if set(rates) == {""} else rates


def set_learning_rate(optimizer: Optimizer, learning_rate) -> Optimizer:
    """The same optimizer with another learning rate; its state stays valid, so this may happen mid-run.

    For parameter groups, one rate for all or a dict by label.
    """
    names = _rate_names(optimizer)
    if not isinstance(learning_rate, Mapping):
        learning_rate = dict.fromkeys(names, learning_rate)
    unknown = set(learning_rate) - set(names)
    if unknown:
        raise KeyError(f"no parameter group {', '.join(map(repr, unknown))}; there are: {', '.join(names)}.")
    return optimizer.replace(**{names[label]: rate for label, rate in learning_rate.items()})


def has_invalid_gradients(gradients) -> bool:
    """Whether any gradient is infinite or nan. Under `jit` the answer is a traced boolean."""
    leaves = jax.tree.leaves(gradients)
    if framework(gradients) == "jax":
        valid = jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in leaves]))
        return ~valid if isinstance(valid, jax.core.Tracer) else not valid
    if framework(gradients) == "torch":
        return not all(bool(leaf.isfinite().all()) for leaf in leaves)
    return not all(np.isfinite(leaf).all() for leaf in leaves)


def _rate_names(optimizer) -> dict[str, str]:
    """Label -> hyperparameter that is its learning rate; the label is empty without parameter groups."""
    names = {}
    for name in optimizer.hyperparams:
        label, _, last = name.rpartition(".")
        if last in ("learning_rate", "lr"):
            names[label] = name
    if not names:
        raise TypeError(
            f"the learning rate of {optimizer.name} is sealed inside it. Give from_optax the factory and the "
            "rate apart: from_optax(optax.lion, learning_rate=1e-3)."
        )
    return names


# --- Recipes: what each transform builds in the two libraries ---------------------------------------------


@dataclass(frozen=True)
class _Clip:
    inner: Recipe
    backend: str

    def __call__(self, hyperparams):
        hyperparams, own = split(hyperparams, ["max_norm"])
        inner, max_norm = self.inner(hyperparams), own["max_norm"]
        if self.backend == "optax":
            return optax.with_extra_args_support(optax.chain(optax.clip_by_global_norm(max_norm), inner))
        return TorchTransformation(lambda params, state: _ClippedSession(inner.open(params, state), max_norm))


@dataclass(frozen=True)
class _Accumulate:
    inner: Recipe
    backend: str
    every: int

    def __call__(self, hyperparams):
        inner = self.inner(hyperparams)
        if self.backend == "torch":
            return TorchTransformation(lambda params, state: _AccumulatingSession(inner, params, state, self.every))

        def multi_steps(params):  # sums in the dtype of params; MultiSteps by itself would in float32
            options = {}
            if "accumulator_dtype" in inspect.signature(optax.MultiSteps).parameters:
                options["accumulator_dtype"] = jnp.result_type(*jax.tree.leaves(params))
            return optax.MultiSteps(inner, self.every, **options)

        return optax.GradientTransformationExtraArgs(
            lambda params: multi_steps(params).init(params),
            lambda grads, state, params, **extra: multi_steps(params).update(grads, state, params, **extra),
        )


@dataclass(frozen=True)
class _Box:
    inner: Recipe
    backend: str

    def __call__(self, hyperparams):
        hyperparams, box = split(hyperparams, ["lower", "upper"])
        inner, lower, upper = self.inner(hyperparams), box["lower"], box["upper"]
        if self.backend == "torch":
            return TorchTransformation(lambda params, state: _BoxedSession(inner.open(params, state), lower, upper))

        def update(grads, state, params, **extra):
            updates, state = inner.update(grads, state, params, **extra)
            moved = optax.projections.projection_box(optax.apply_updates(params, updates), lower, upper)
            return jax.tree.map(lambda new, old: new - old, moved, params), state

        return optax.GradientTransformationExtraArgs(inner.init, update)


@dataclass(frozen=True)
class _Groups:
    recipes: tuple[tuple[str, Recipe], ...]
    backend: str
    label_of: Callable[[str], str]

    def __call__(self, hyperparams):
        own = {label: {} for label, _ in self.recipes}
        for name, value in hyperparams.items():
            label = max((label for label in own if name.startswith(f"{label}.")), key=len)
            own[label][name.removeprefix(f"{label}.")] = value
        if self.backend == "optax":
            parts = {label: recipe(own[label]) for label, recipe in self.recipes}
            return optax.with_extra_args_support(optax.multi_transform(parts, self._labels))
        return TorchTransformation(lambda params, state: self._session(own, params, state))

    def _labels(self, params):
        paths, structure = jax.tree_util.tree_flatten_with_path(params)
        labels = [self.label_of(_path_name(path)) for path, _ in paths]
        for label in labels:
            if label not in dict(self.recipes):
                raise KeyError(f"no group for the label {label!r}; there are: {', '.join(dict(self.recipes))}.")
        return jax.tree.unflatten(structure, labels)

    def _session(self, own, params, state):
        labels = jax.tree.leaves(self._labels(params))
        built = {}
        for label, recipe in self.recipes:
            positions = [i for i, given in enumerate(labels) if given == label]
            if positions:
                built[label] = recipe.group(own[label], positions)
        if len({optimizer_class for optimizer_class, _ in built.values()}) > 1:
            raise TypeError("a torch optimizer has one class for all its groups; use the same optimizer in each.")
        optimizer_class = next(iter(built.values()))[0]
        return Session(optimizer_class, [group for _, group in built.values()], params, state)


class _SessionAround:
    """A torch session that does something before or after the step of the one inside."""

    def __init__(self, inner):
        self.inner = inner
        self.leaves, self.structure = inner.leaves, inner.structure

    def params(self):
        return self.inner.params()

    def state(self):
        return self.inner.state()


class _ClippedSession(_SessionAround):
    def __init__(self, inner, max_norm):
        super().__init__(inner)
        self.max_norm = float(max_norm)

    def step(self, grads, value_fn, value=None):
        import torch

        for leaf, grad in zip(self.leaves, grads, strict=True):
            leaf.grad = grad.clone()  # clipping works in place
        torch.nn.utils.clip_grad_norm_(self.leaves, self.max_norm)
        self.inner.step([leaf.grad for leaf in self.leaves], value_fn, value)


class _BoxedSession(_SessionAround):
    def __init__(self, inner, lower, upper):
        super().__init__(inner)
        self.lower, self.upper = float(lower), float(upper)

    def step(self, grads, value_fn, value=None):
        self.inner.step(grads, value_fn, value)
        for leaf in self.leaves:
            leaf.data.clamp_(self.lower, self.upper)


class TorchAccumulation(NamedTuple):
    """Gradients added up since the last real step, how many, and the state of the optimizer inside."""

    inner: TorchState
    added: int
    gradients: Any


class _AccumulatingSession(_SessionAround):
    def __init__(self, inner, params, state: TorchAccumulation | None, every):
        super().__init__(inner.open(params, None if state is None else state.inner))
        self.every = every
        self.added = 0 if state is None else int(state.added)
        given = jax.tree.leaves(params if state is None else state.gradients)
        self.sums = [leaf.detach() * 0 if state is None else leaf.clone() for leaf in given]

    def step(self, grads, value_fn, value=None):
        self.sums = [total + grad / self.every for total, grad in zip(self.sums, grads, strict=True)]
        self.added += 1
        if self.added == self.every:
            self.inner.step(self.sums, value_fn, value)
            self.added, self.sums = 0, [total * 0 for total in self.sums]

    def state(self):
        gradients = jax.tree.unflatten(self.structure, [total.clone() for total in self.sums])
        return TorchAccumulation(self.inner.state(), self.added, gradients)


def _first_part(path: str) -> str:
    return path.split("/")[0]


def _path_name(path) -> str:
    """A parameter's place in the pytree as "encoder/weight"."""
    return "/".join(str(getattr(key, "key", getattr(key, "idx", getattr(key, "name", key)))) for key in path)
