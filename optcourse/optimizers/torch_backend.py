"""`torch.optim` behind our contract: real torch optimizers, made pure by working on fresh copies.

A `Session` is a live torch optimizer on its own copy of the parameters. `update` opens one from the
given state, takes one step and closes it; `run` keeps one open for the whole path. torch itself is
imported only when a session is opened.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax

from optcourse.arrays import double_precision, to_torch


class TorchState(NamedTuple):
    """Steps taken, what torch keeps for each parameter (empty until torch creates it), and what a learning rate that
    listens to the loss keeps for each parameter group (nothing where none does)."""

    count: int
    per_param: Any
    listening: Any = ()


class Group(NamedTuple):
    """A torch parameter group: which parameters (by position), their settings, their rate's schedule."""

    positions: Sequence[int] | None
    settings: Mapping[str, Any]
    schedule: Callable | None


@dataclass(frozen=True)
class TorchRecipe:
    """Names a `torch.optim` class and translates our hyperparameters into its arguments.

    `translate(**settings, **hyperparams)` returns (class, keyword arguments of that class).
    """

    translate: Callable[..., tuple[Any, dict]]
    settings: tuple[tuple[str, Any], ...] = ()

    def __call__(self, hyperparams):
        optimizer_class, group = self.group(hyperparams)
        return TorchTransformation(lambda params, state: Session(optimizer_class, [group], params, state))

    def group(self, hyperparams, positions=None):
        """The torch class and one parameter group with these hyperparameters."""
        schedule = None
        for rate in ("learning_rate", "lr"):  # ours, and torch's own in from_torch
            if callable(hyperparams.get(rate)):
                schedule = hyperparams[rate]
                hyperparams = {**hyperparams, rate: first_value(schedule)}
        numbers = {name: float(value) for name, value in hyperparams.items()}
        optimizer_class, settings = self.translate(**dict(self.settings), **numbers)
        return optimizer_class, Group(positions, settings, schedule)


@dataclass(frozen=True)
class TorchTransformation:
    """`init` and `update` out of `open(params, state) -> Session`."""

    open: Callable

    def init(self, params):
        return self.open(params, None).state()

    def update(self, grads, state, params, *, value=None, value_fn=None, **_):
        session = self.open(params, state)
        session.step(jax.tree.leaves(grads), value_fn, value)
        updates = jax.tree.map(lambda new, old: new - old, session.params(), params)
        return updates, session.state()


class Session:
    """A live torch optimizer on a copy of `params`; `step` changes that copy only."""

    def __init__(self, optimizer_class, groups: Sequence[Group], params, state: TorchState | None):
        import torch

        leaves, self.structure = jax.tree.flatten(params)
        self.leaves = [leaf.detach().clone().requires_grad_() for leaf in leaves]
        if isinstance(optimizer_class, str):
            optimizer_class = getattr(torch.optim, optimizer_class)
        self.optimizer = optimizer_class(
            [
                {"params": [self.leaves[i] for i in positions or range(len(leaves))], **settings}
                for positions, settings, _ in groups
            ]
        )
        self.schedules = [schedule for _, _, schedule in groups]
        self.listeners = [s.listener(s.peak) if listens(s) else None for s in self.schedules]
        self.needs_closure = inspect.signature(optimizer_class.step).parameters["closure"].default is inspect._empty
        self.count = 0
        if state is not None:
            self.count = int(state.count)
            for leaf, kept in zip(self.leaves, self.structure.flatten_up_to(state.per_param), strict=True):
                self.optimizer.state[leaf] = copy_tensors(kept)
            for listener, kept in zip(self.listeners, state.listening, strict=any(self.listeners)):
                if listener is not None:
                    listener.load(kept)

    def step(self, grads: Sequence, value_fn: Callable | None, value=None) -> None:
        """One step of the torch optimizer with the gradients `grads`, one for each leaf of params.

        `value` is the loss where they were taken, for a learning rate that listens to it.
        """
        for group, schedule, listener in zip(self.optimizer.param_groups, self.schedules, self.listeners, strict=True):
            if listener is not None:
                if value is None:
                    raise TypeError(f"{schedule!r} listens to the loss: pass value=loss to update, or use run.")
                group["lr"] = listener.hear(value)
            elif schedule is not None:
                group["lr"] = value_at(schedule, self.count)
        for leaf, grad in zip(self.leaves, grads, strict=True):
            leaf.grad = grad
        self.optimizer.step(self._closure(value_fn) if self.needs_closure else None)
        self.count += 1

    def params(self):
        """A copy of the parameters as they are now."""
        return jax.tree.unflatten(self.structure, [leaf.detach().clone() for leaf in self.leaves])

    def state(self) -> TorchState:
        """A copy of the optimizer's state as it is now."""
        kept = [copy_tensors(dict(self.optimizer.state.get(leaf, {}))) for leaf in self.leaves]
        heard = tuple(listener and listener.state() for listener in self.listeners) if any(self.listeners) else ()
        return TorchState(self.count, jax.tree.unflatten(self.structure, kept), heard)

    def _closure(self, value_fn):
        if value_fn is None:
            name = type(self.optimizer).__name__
            raise TypeError(f"{name} evaluates the loss itself: pass value_fn=surface to update, or use run.")

        def closure():
            import torch

            with torch.enable_grad():
                self.optimizer.zero_grad()
                loss = value_fn(jax.tree.unflatten(self.structure, self.leaves))
                loss.backward()
            return loss

        return closure


def copy_tensors(tree):
    """Copy every tensor of torch's own state (dicts, lists, numbers and None pass as they are)."""
    if isinstance(tree, dict):
        return {key: copy_tensors(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [copy_tensors(value) for value in tree]
    return tree.detach().clone() if hasattr(tree, "detach") else tree


def as_tensors(state):
    """A recorded state (NumPy) as torch keeps it: arrays become tensors, Python numbers stay."""
    return jax.tree.map(lambda leaf: to_torch(leaf) if hasattr(leaf, "dtype") else leaf, state)


def listens(schedule) -> bool:
    """Whether a learning rate is decided by the loss, and not by the step alone."""
    return getattr(schedule, "listens", False)


def first_value(schedule: Callable) -> float:
    """What a torch optimizer is made with, before its schedule is asked for the first step."""
    return float(schedule.peak) if listens(schedule) else value_at(schedule, 0)


def value_at(schedule: Callable, count: int) -> float:
    """A schedule's value at a step, in double precision also where it is written in JAX.

    One of `optcourse.schedules` has the rate that PyTorch's own scheduler sets.
    """
    if hasattr(schedule, "torch_rate"):
        return float(schedule.torch_rate(count))
    with double_precision():
        return float(schedule(count))
