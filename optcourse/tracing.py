"""`run` an optimizer on a surface and keep every step: `Trajectory`, `OptimizerStep`, `OptimizerTrace`."""

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from optcourse.arrays import device_of, double_precision, framework, to_numpy, to_torch
from optcourse.loops import BETWEEN_STEPS, EVERYTHING, Record, jitted_scan, plan_path, torch_path
from optcourse.optimizers.contract import Optimizer
from optcourse.optimizers.torch_backend import TorchState, as_tensors
from optcourse.progress import with_bar
from optcourse.suggestions import did_you_mean
from optcourse.surfaces.loss_surface import LossSurface


@dataclass(frozen=True)
class OptimizerStep:
    """One step, with everything needed to reproduce it."""

    gradients: Any
    opt_state: Any
    params: Any
    updates: Any
    new_opt_state: Any
    new_params: Any
    loss: float
    step_size: float


@dataclass(frozen=True, repr=False)
class Trajectory:
    """The recorded path of an optimizer on a surface. Arrays are NumPy, step on axis 0.

    `params` and `loss` have steps + 1 entries, from the start to where it ended; `gradients`, `updates` and
    `step_size` (the L2 norm of the updates) have `steps`. What was not recorded raises AttributeError.
    `path[i]` is an `OptimizerStep`, a slice is a tuple of them, and `len(path) == steps`.
    """

    optimizer: Optimizer
    surface: LossSurface
    steps: int
    first_step: int
    record: Record

    @property
    def params(self):
        """Parameters before each step and after the last: (steps + 1, dim), or a pytree of such arrays."""
        return self._history("params")

    @property
    def loss(self) -> np.ndarray:
        """Loss at `params`: (steps + 1,)."""
        return self._history("loss")

    @property
    def gradients(self):
        """Gradient that each step was given: (steps, dim)."""
        return self._history("gradients")

    @property
    def updates(self):
        """What each step added to the parameters: (steps, dim)."""
        return self._history("updates")

    @property
    def step_size(self) -> np.ndarray:
        """L2 norm of each step's updates: (steps,)."""
        return self._history("step_size")

    @property
    def opt_state(self):
        """Optimizer state before each step and after the last, stacked on axis 0.

        torch creates its state in the first step: rows before that are nan. State whose shape changes from
        step to step (torch's L-BFGS) is a list of steps + 1 states instead.
        """
        states = self._history("opt_state")
        return _stack_states(states) if isinstance(states, list) else states

    @property
    def final_params(self):
        """Where it ended; always there, whatever was recorded."""
        return self._final("params")

    @property
    def final_loss(self) -> float:
        """Loss where it ended; always there."""
        return float(self._final("loss"))

    @property
    def final_opt_state(self):
        """State after the last step, to continue from: `run(..., opt_state=path.final_opt_state)`."""
        return self._final("opt_state")

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index):
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(self.steps)))
        i = operator.index(index)
        if not -self.steps <= i < self.steps:
            raise IndexError(f"step {index} of a path with {self.steps} steps.")
        i %= self.steps
        before, after = ({name: self._entry(name, j) for name in BETWEEN_STEPS} for j in (i, i + 1))
        return OptimizerStep(
            gradients=self._entry("gradients", i),
            opt_state=before["opt_state"],
            params=before["params"],
            updates=self._entry("updates", i),
            new_opt_state=after["opt_state"],
            new_params=after["params"],
            loss=float(before["loss"]),
            step_size=float(self._entry("step_size", i)),
        )

    def __iter__(self) -> Iterator[OptimizerStep]:
        return (self[i] for i in range(self.steps))

    def __repr__(self):
        name, backend, surface = self.optimizer.name, self.optimizer.backend, self.surface.name
        return f"<Trajectory of {name} ({backend}) on {surface}: {self.steps} steps>"

    def _history(self, name):
        if name not in self.record.history:
            recorded = ", ".join(self.record.history) or "only the end"
            raise AttributeError(f"{name} was not recorded (recorded: {recorded}); add it to record= in run.")
        return self.record.history[name]

    def _entry(self, name, i):
        values = self._history(name)
        return values[i] if isinstance(values, list) else jax.tree.map(lambda leaf: leaf[i], values)

    def _final(self, name):
        if name in self.record.final:
            return self.record.final[name]
        return self._entry(name, self.steps)


def run(
    optimizer: Optimizer,
    surface: LossSurface,
    start,
    *,
    steps: int,
    record="everything",
    seed: int = 0,
    opt_state=None,
    first_step: int = 0,
    progress: bool = True,
) -> Trajectory:
    """Follow an optimizer from `start` and record every step.

    It computes in the dtype of `start`: plain numbers and float64 in double precision, whatever JAX's own
    setting, float32 in float32, and so on. Divergence is recorded as inf and nan, never raised. It computes on the
    CPU, unless `start` was put on another device with `jax.device_put`, or one was set with `jax.default_device`.

    Args:
        optimizer: from `optcourse.optimizers`, on either backend.
        surface: a `LossSurface`; wrap any function with `LossSurface(function)`.
        start: parameters to start from: a list, an array of any library, or a pytree where `surface.dim` is None.
        steps: how many updates.
        record: "everything", "last" (only where it ends), or names out of params, loss, gradients, updates,
            step_size, opt_state.
        seed: of the gradient noise, on a surface that has any.
        opt_state: continue from this state instead of a fresh one.
        first_step: number of the first step, for surfaces that change with the step.
        progress: show a progress bar when a torch run takes more than two seconds.

    Raises:
        TypeError, ValueError: for bad input, before anything has run.
    """
    check_subjects(optimizer, surface)
    device, start = device_of(start), check_start(surface, start, resuming=opt_state is not None)
    steps, names = check_steps(steps), check_record(record)
    with double_precision(device):
        if optimizer.backend == "torch":
            return _run_torch(optimizer, surface, start, steps, names, seed, opt_state, first_step, progress)
        plan, hyperparams = plan_path(optimizer, surface, steps, names)
        result = jitted_scan(plan, hyperparams, start, opt_state, seed, first_step, steps)
    return Trajectory(optimizer, surface, steps, first_step, _numpy_without_surplus(result, steps))


class OptimizerTrace:
    """A path that grows a step at a time, for looking closely; its numbers are those of `run`.

    It is interrupted safely: what was done stays, and the next call goes on from there.
    """

    chunk = 1000  # steps between two points at which an interrupt loses nothing

    def __init__(self, optimizer: Optimizer, surface: LossSurface, start, *, seed: int = 0):
        check_subjects(optimizer, surface)
        self.optimizer, self.surface, self.seed = optimizer, surface, seed
        self._parts = [run(optimizer, surface, start, steps=0, seed=seed)]

    @property
    def params(self):
        """Where it is now."""
        return self._parts[-1].final_params

    @property
    def steps(self) -> tuple[OptimizerStep, ...]:
        """Every step so far."""
        return tuple(step for part in self._parts for step in part)

    def __len__(self) -> int:
        return sum(len(part) for part in self._parts)

    def step(self) -> OptimizerStep:
        """Take one step and return it."""
        self._advance(1)
        return self._parts[-1][-1]

    def run_optimization(self, steps: int) -> Trajectory:
        """Take `steps` more steps; returns the whole path so far."""
        self._advance(check_steps(steps))
        return self.get_trajectory_data()

    def _advance(self, left: int) -> None:
        while left:
            last, now = self._parts[-1], min(left, self.chunk)
            self._parts.append(
                run(
                    self.optimizer,
                    self.surface,
                    last.final_params,
                    steps=now,
                    seed=self.seed,
                    opt_state=last.final_opt_state,
                    first_step=len(self),
                )
            )
            left -= now

    def get_trajectory_data(self) -> Trajectory:
        """The whole path so far, as `run` would have returned it."""
        histories = [part.record.history for part in self._parts]
        whole = {}
        for name in EVERYTHING:
            # Between two parts, the end of one is the start of the next: keep it once.
            cut = slice(None, -1) if name in BETWEEN_STEPS else slice(None)
            pieces = [history[name] for history in histories[:-1]]
            whole[name] = _join(pieces, histories[-1][name], cut)
        return Trajectory(self.optimizer, self.surface, len(self), 0, Record(whole, {}))


def check_subjects(optimizer, surface) -> None:
    """Raise TypeError unless these are an Optimizer and a LossSurface, saying how to make one."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"expected an Optimizer, got {type(optimizer).__name__}. Call the factory, as in "
            "optimizers.adam(learning_rate=0.01), or wrap with optimizers.from_optax / from_torch."
        )
    if not isinstance(surface, LossSurface):
        raise TypeError(
            f"expected a LossSurface, got {type(surface).__name__}. Call the factory, as in surfaces.rosenbrock(), "
            "or wrap your function: LossSurface(function)."
        )


def check_start(surface: LossSurface, start, *, resuming: bool = False):
    """The starting point as arrays of a floating dtype; raise ValueError or TypeError if it cannot be one."""
    if surface.dim is not None or (isinstance(start, (list, tuple)) and all(np.isscalar(x) for x in start)):
        start = _floating(start)
        if surface.dim is not None and start.shape != (surface.dim,):
            hint = " For several starts at once, use sweep(start=[...])." if start.ndim == 2 else ""
            raise ValueError(f"start must have shape ({surface.dim},) on {surface.name}, got {start.shape}.{hint}")
    else:
        start = jax.tree.map(_floating, start)
        if not jax.tree.leaves(start):
            raise ValueError("start holds no arrays: there is nothing to optimize.")
    for leaf in jax.tree.leaves(start):  # a path that has diverged may still be continued
        if not resuming and not np.isfinite(leaf).all():
            raise ValueError(f"start must be finite, got {start}.")
    return start


def check_steps(steps) -> int:
    """The number of steps as an int; raise TypeError or ValueError if it is not a count."""
    try:
        count = operator.index(steps)
    except TypeError:
        raise TypeError(f"steps must be a whole number, got {steps!r}.") from None
    if isinstance(steps, bool) or count < 0:
        raise ValueError(f"steps must be 0 or more, got {steps!r}.")
    return count


def check_record(record) -> tuple[str, ...]:
    """The names to record, in a fixed order; raise ValueError for an unknown one."""
    if record == "everything":
        return EVERYTHING
    if record == "last":
        return ()
    names = (record,) if isinstance(record, str) else tuple(record)
    for name in names:
        if name not in EVERYTHING:
            raise ValueError(
                f"cannot record {name!r}.{did_you_mean(name, EVERYTHING)} "
                f'Choose from: {", ".join(EVERYTHING)}, or "everything", or "last".'
            )
    return tuple(name for name in EVERYTHING if name in names)


def _run_torch(optimizer, surface, start, steps, names, seed, opt_state, first_step, progress):
    title = f"{optimizer.name} on {surface.name}"
    record = torch_path(
        optimizer,
        surface,
        to_torch(start),
        steps=steps,
        record=names,
        opt_state=as_tensors(opt_state),
        seed=seed,
        first_step=first_step,
        progress=lambda indices: with_bar(indices, title, shown=progress),
    )
    return Trajectory(optimizer, surface, steps, first_step, record)


def _floating(value) -> np.ndarray:
    given = value
    if framework(value) == "torch":
        value = to_numpy(value)
    try:
        value = np.asarray(value)
    except ValueError as error:  # ragged lists
        raise ValueError(f"start must be an array of numbers, got {given!r}.") from error
    if value.dtype.kind in "iu":
        value = value.astype(float)
    if value.dtype.kind != "f" and not str(value.dtype).startswith(("bfloat", "float")):
        raise TypeError(f"start must be real floating-point numbers, got dtype {value.dtype}.")
    return value


def _numpy_without_surplus(record: Record, steps: int) -> Record:
    """The scan's arrays as NumPy, without its last, surplus entry of what has one entry for each step."""
    leaves, structure = jax.tree.flatten(record)
    history, final = jax.tree.unflatten(structure, [np.asarray(leaf) for leaf in leaves])
    for name in history.keys() - {*BETWEEN_STEPS}:
        history[name] = jax.tree.map(lambda leaf: leaf[:steps], history[name])
    return Record(history, final)


def _join(pieces, last, cut):
    if isinstance(last, list):
        return [state for piece in pieces for state in piece[cut]] + last
    return jax.tree.map(
        lambda *leaves: np.concatenate([*(leaf[cut] for leaf in leaves[:-1]), leaves[-1]]), *pieces, last
    )


def _stack_states(states: list):
    """Stack torch states over steps; those before torch has created its state become nan."""
    if not isinstance(states[-1], TorchState):  # what accumulates gradients has the state of an optimizer inside
        return states
    shapes = [jax.tree.map(np.shape, state.per_param, is_leaf=lambda leaf: leaf is None) for state in states]
    created = [state for state, shape in zip(states, shapes, strict=True) if shape == shapes[-1]]
    late = len(states) - len(created)
    if late not in (0, 1) or shapes[late:] != [shapes[-1]] * len(created):
        return states
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *created)
    pad = jax.tree.map(lambda leaf: _pad(leaf, late), stacked.per_param)
    heard = jax.tree.map(lambda *values: np.stack(values), *(state.listening for state in states))
    return type(states[-1])(np.array([int(state.count) for state in states]), pad, heard)


def _pad(leaf, rows):
    if not rows:
        return leaf
    leaf = leaf.astype(float) if leaf.dtype.kind in "iub" else leaf
    return np.concatenate([np.full((rows, *leaf.shape[1:]), np.nan, leaf.dtype), leaf])
