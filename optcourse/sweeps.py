"""`sweep`: one optimizer over a grid of hyperparameters, starts and seeds, as labelled arrays.

On Optax the whole grid is one `vmap` of the scan under `run`, cut into pieces that share the cores; or, where several
devices are given, one whose lanes JAX shards among them.
"""

import itertools
import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import NamedTuple

import jax
import numpy as np

from optcourse.arrays import device_of, double_precision, framework, to_numpy
from optcourse.loops import BETWEEN_STEPS, Record, plan_path, scan_path
from optcourse.optimizers.contract import Optimizer
from optcourse.progress import with_bar
from optcourse.tracing import check_record, check_start, check_steps, check_subjects, run

try:
    shard_map = partial(jax.shard_map, check_vma=False)  # lanes do not depend on each other: nothing to check
except AttributeError:  # before JAX 0.6
    from jax.experimental.shard_map import shard_map

    shard_map = partial(shard_map, check_rep=False)

# How much of the grid is computed at a time: as many lanes as a core's own cache holds the numbers of,
# and no longer a record (lanes x steps, each about 100 bytes) than the cache that the cores share.
PIECE_LANES, PIECE_RECORD = 1000, 200_000
LANE_AXES = Record(history=1, final=0)  # a history has the step first, so that each step writes one block


class Axis(NamedTuple):
    """One axis of the grid: its name and its values, along axis 0."""

    name: str
    values: np.ndarray


def sweep(
    optimizer: Optimizer | Callable[..., Optimizer],
    surface,
    start,
    *,
    steps: int,
    record=("params", "loss"),
    seed=0,
    progress: bool = True,
    devices=None,
    **hyperparams,
):
    """Run an optimizer for every combination of the given values; returns an `xarray.Dataset`.

    Each hyperparameter given as a sequence becomes an axis with its name; one given as a number is set.
    Histories have the axis `step` (0 ... steps); what belongs to a step (gradients, updates, step_size) has
    `update` (0 ... steps - 1). `final_params` and `final_loss` are always there. It computes where `run` does.

    >>> from optcourse import optimizers, surfaces
    >>> grid = sweep(optimizers.sgd, surfaces.booth(), [0.0, 0.0], steps=50, learning_rate=[0.01, 0.1, 0.2])
    >>> dict(grid.final_loss.sizes)
    {'learning_rate': 3}
    >>> float(grid.final_loss.idxmin())
    0.1

    Args:
        optimizer: a factory, `optimizers.adam`, or an optimizer whose other hyperparameters are kept.
        surface: a `LossSurface`.
        start: one starting point, or several: (starts, dim).
        steps: how many updates, the same for all.
        record: as in `run`; "last" keeps only where each path ends.
        seed: of the gradient noise; several become the axis `seed`.
        progress: show a progress bar, if it takes longer than two seconds.
        devices: JAX devices that share the grid, such as `jax.devices()`; by default it computes where `run` does.
        **hyperparams: numbers or sequences of them; also what the factory takes, such as `backend="torch"`.

    Raises:
        TypeError, ValueError: for bad input. MemoryError: if the record would not fit, with its size.
    """
    if not isinstance(optimizer, Optimizer) and not callable(optimizer):
        raise TypeError(f"expected one optimizer or its factory, got {type(optimizer).__name__}. For several, loop.")
    devices = _checked_devices(devices)
    optimizer, axes = _split_axes(optimizer, hyperparams)
    check_subjects(optimizer, surface)
    steps, names = check_steps(steps), check_record(record)
    device, starts = device_of(start) or jax.config.jax_default_device, _starts(surface, start)
    if starts is not None:
        axes.append(Axis("start", starts))
    else:
        start = check_start(surface, start)
    if np.ndim(seed):
        axes.append(Axis("seed", _values("seed", seed)))
        seed = 0  # which the axis takes the place of
    if optimizer.backend == "torch":
        if devices:
            raise ValueError("torch optimizers run one path after the other on the CPU: leave devices out.")
        result = _one_by_one(optimizer, surface, start, steps, names, seed, axes, progress)
    else:
        result = _all_at_once(optimizer, surface, start, steps, names, seed, axes, devices or (device,), progress)
    return _dataset(optimizer, surface, steps, axes, result)


def _checked_devices(devices) -> tuple:
    devices = () if devices is None else tuple(devices)
    if not all(isinstance(device, jax.Device) for device in devices):
        raise TypeError(f"devices must be JAX devices, such as jax.devices(), got {devices!r}.")
    return devices


def _split_axes(optimizer, given) -> tuple[Optimizer, list[Axis]]:
    """The optimizer with every single value set, and an axis for every sequence."""
    axes = [Axis(name, _values(name, value)) for name, value in given.items() if _is_sequence(value)]
    firsts = {axis.name: float(axis.values[0]) for axis in axes}
    settings = {name: value for name, value in given.items() if not _is_sequence(value)} | firsts
    optimizer = optimizer.replace(**settings) if isinstance(optimizer, Optimizer) else optimizer(**settings)
    if isinstance(optimizer, Optimizer):
        for axis in axes:
            if axis.name not in optimizer.hyperparams:
                raise TypeError(
                    f"{axis.name} of {optimizer.name} is not a number that can be swept; "
                    "call sweep once for each of its values."
                )
    return optimizer, axes


def _is_sequence(value) -> bool:
    return not isinstance(value, str) and np.ndim(value) > 0


def _values(name, value) -> np.ndarray:
    values = np.asarray(to_numpy(value))
    if values.ndim != 1 or not values.size or values.dtype.kind not in "iuf":
        raise ValueError(f"{name} must be a number or a sequence of numbers, got {value!r}.")
    return values if name == "seed" else values.astype(float)


def _starts(surface, start):
    """Several starting points as (starts, dim), or None if there is just one."""
    if surface.dim is None or (framework(start) == "numpy" and not hasattr(start, "ndim") and not _nested(start)):
        return None
    points = np.asarray(to_numpy(start))
    if points.ndim < 2:
        return None
    return np.stack([check_start(surface, point) for point in points])


def _nested(start) -> bool:
    return isinstance(start, (list, tuple)) and any(np.ndim(point) for point in start)


def _all_at_once(optimizer, surface, start, steps, names, seed, axes, devices, progress) -> Record:
    plan, hyperparams = plan_path(optimizer, surface, steps, names)
    grids = np.meshgrid(*(np.arange(len(axis.values)) for axis in axes), indexing="ij")
    lanes = {axis.name: axis.values[index.ravel()] for axis, index in zip(axes, grids, strict=True)}
    count = grids[0].size if axes else 1
    devices = devices[:count]
    fixed = {"hyperparams": {k: v for k, v in hyperparams.items() if k not in lanes}, "start": start, "seed": seed}
    fixed["steps"] = steps
    pieces = _pieces(count, steps if names else 0, len(devices))
    size = -(-count // (pieces * len(devices))) * len(devices)
    sweep_lanes = _sweep_lanes if len(devices) == 1 else partial(_sweep_shared_lanes, devices)

    def compute(first):  # all pieces have one size, so that one compilation serves them: the last repeats its end
        chosen = np.minimum(np.arange(first, first + size), count - 1)
        with double_precision(devices[0]):  # these settings belong to a thread
            return to_numpy(sweep_lanes(plan, {name: v[chosen] for name, v in lanes.items()}, fixed, size))

    with double_precision(devices[0]):
        piece = {name: np.resize(v, (size, *v.shape[1:])) for name, v in lanes.items()}
        shapes = _sweep_lanes.eval_shape(plan, piece, fixed, size)
    _check_memory(shapes, count, size, steps)
    title = f"{optimizer.name} on {surface.name}"
    whole = compute(0) if size == count else _assemble(compute, shapes, count, size, title, progress)
    return _shape_lanes(whole, axes)


def _pieces(count, recorded_steps, devices) -> int:
    """How many pieces of the same size to cut the lanes into: one, or the same number for every core.

    Several devices take one piece after the other, together.
    """
    pieces = -(-count // (devices * _lanes_at_a_time(recorded_steps)))
    return pieces if pieces == 1 or devices > 1 else -(-pieces // _cores()) * _cores()


def _lanes_at_a_time(recorded_steps) -> int:
    return max(32, min(PIECE_LANES, PIECE_RECORD // (recorded_steps + 1)))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads that stay: starting new ones would take a tenth of a short sweep."""
    return ThreadPoolExecutor(_cores(), thread_name_prefix="sweep")


def _assemble(compute, shapes: Record, count, size, title, progress) -> Record:
    """Compute `size` lanes at a time, on all cores, and put each piece into its place in the whole."""
    leaves, structure = jax.tree.flatten(shapes)
    axes = jax.tree.leaves(jax.tree.map(lambda axis, tree: jax.tree.map(lambda _: axis, tree), LANE_AXES, shapes))
    whole = [
        np.empty((*leaf.shape[:axis], count, *leaf.shape[axis + 1 :]), leaf.dtype)
        for leaf, axis in zip(leaves, axes, strict=True)
    ]

    def fill(first):
        for target, leaf, axis in zip(whole, jax.tree.leaves(compute(first)), axes, strict=True):
            before = (slice(None),) * axis
            target[*before, first : first + size] = leaf[*before, : count - first]

    # Once so large a block was freed, glibc keeps the memory of one piece for the next instead of returning it.
    np.empty(2**25 - 2**16, np.uint8)
    begun = [_pool().submit(fill, first) for first in range(0, count, size)]
    try:
        for piece in with_bar(begun, title, shown=progress):
            piece.result()
    finally:
        for piece in begun:  # where one failed, or somebody interrupts
            piece.cancel()
    return jax.tree.unflatten(structure, whole)


@partial(jax.jit, static_argnums=(0, 3))
def _sweep_lanes(plan, lanes, fixed, count) -> Record:
    def one(lane):
        hyperparams = {**fixed["hyperparams"], **{k: v for k, v in lane.items() if k not in ("start", "seed")}}
        start, seed = lane.get("start", fixed["start"]), lane.get("seed", fixed["seed"])
        history, final = scan_path(plan, hyperparams, start, None, seed, 0, fixed["steps"])
        return Record(history, {name: final[name] for name in ("params", "loss") if name in final})

    return jax.vmap(one, axis_size=count, out_axes=LANE_AXES)(lanes)


@partial(jax.jit, static_argnums=(0, 1, 4))
def _sweep_shared_lanes(devices, plan, lanes, fixed, count) -> Record:
    """The same on several devices: each sweeps its share of the lanes, and none waits for another."""
    along = jax.sharding.PartitionSpec("lanes")
    ends = Record(jax.sharding.PartitionSpec(None, "lanes"), along)
    share = partial(_sweep_lanes, plan, count=count // len(devices))
    mesh = jax.sharding.Mesh(np.array(devices), ("lanes",))
    return shard_map(share, mesh=mesh, in_specs=(along, jax.sharding.PartitionSpec()), out_specs=ends)(lanes, fixed)


def _shape_lanes(record: Record, axes) -> Record:
    """Unfold the lanes into the axes of the grid and bring them to the front, as views."""
    sizes = [len(axis.values) for axis in axes]

    def unfold(leaf):
        grid = leaf.reshape(leaf.shape[0], *sizes, *leaf.shape[2:])
        return np.moveaxis(grid, 0, len(sizes))

    final = jax.tree.map(lambda leaf: leaf.reshape(*sizes, *leaf.shape[1:]), record.final)
    return Record(jax.tree.map(unfold, record.history), final)


def _check_memory(shapes, count, size, steps):
    if not hasattr(os, "sysconf"):
        return
    needed = count / size * sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(shapes))
    available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > 0.8 * available:
        raise MemoryError(
            f"the record of {count} paths with {steps} steps needs {needed / 1e9:.1f} GB, this machine has "
            f'{available / 1e9:.1f} GB. Record less: record=("loss",) or record="last".'
        )


def _one_by_one(optimizer, surface, start, steps, names, seed, axes, progress) -> Record:
    combinations = list(itertools.product(*(range(len(axis.values)) for axis in axes)))
    records = []
    for indices in with_bar(combinations, f"{optimizer.name} on {surface.name}", shown=progress):
        lane = {axis.name: axis.values[i] for axis, i in zip(axes, indices, strict=True)}
        at, drawn = lane.pop("start", start), int(lane.pop("seed", seed))
        path = run(optimizer.replace(**lane), surface, at, steps=steps, record=names, seed=drawn, progress=False)
        history = {name: getattr(path, name) for name in names if name != "opt_state"}
        records.append(Record(history, {"params": path.final_params, "loss": path.record.final["loss"]}))
    sizes = [len(axis.values) for axis in axes]
    return jax.tree.map(lambda *leaves: np.stack(leaves).reshape(*sizes, *np.shape(leaves[0])), *records)


def _dataset(optimizer, surface, steps, axes, result: Record):
    import xarray  # imported here: it takes longer to import than JAX

    dims = [axis.name for axis in axes]
    coords = {axis.name: axis.values for axis in axes if axis.name != "start"}
    variables = {}
    for axis in axes:
        if axis.name == "start":
            coords["start"] = np.arange(len(axis.values))
            variables["start_params"] = (("start", "coordinate"), axis.values)

    def add(name, tree, along):
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
            name_ = name + jax.tree_util.keystr(path)
            inner = leaf.ndim - len(dims) - len(along)
            own = ["coordinate"] if surface.dim is not None and inner == 1 else [f"{name_}_{i}" for i in range(inner)]
            variables[name_] = ((*dims, *along, *own), leaf)

    for name, tree in result.history.items():
        if name in BETWEEN_STEPS:
            add(name, tree, ["step"])
        else:
            cut = (slice(None),) * len(dims) + (slice(0, steps),)
            add(name, jax.tree.map(lambda leaf, cut=cut: leaf[cut], tree), ["update"])
    last = (slice(None),) * len(dims) + (steps,)
    for name in ("params", "loss"):
        if name in result.final:
            add(f"final_{name}", result.final[name], [])
        elif name in result.history:
            add(f"final_{name}", jax.tree.map(lambda leaf: leaf[last], result.history[name]), [])
    kept = {k: float(v) for k, v in optimizer.hyperparams.items() if k not in dims and not callable(v)}
    attrs = {"optimizer": optimizer.name, "backend": optimizer.backend, "surface": surface.name, "steps": steps} | kept
    return xarray.Dataset(variables, coords=coords, attrs=attrs)
