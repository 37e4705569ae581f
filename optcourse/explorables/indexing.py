"""Rules for elements whose position is computed: slices, gathers and scatters."""

import numpy as np

from optcourse.explorables.code import AND, Node, literal
from optcourse.explorables.primitives import RULES, arithmetic, choice, result_of, rule
from optcourse.explorables.values import Scalars, View


def _clamped(low, start: Node, largest: int) -> Node:
    """A start index as JAX has it: moved so that the slice stays inside."""
    if start.value is not None:
        return literal(int(min(max(start.value, 0), largest)))
    return low.node(f"Math.min(Math.max({{}}, 0), {largest})", start)


def _flat_start(low, starts, shape, sizes) -> Node:
    """Position in the flat array of the first element of a slice."""
    total = None
    for axis, (start, length, size) in enumerate(zip(starts, shape, sizes, strict=True)):
        stride = int(np.prod(shape[axis + 1 :], dtype=int))
        part = arithmetic(low, "int64", "*", _clamped(low, start, length - size), literal(stride))
        total = part if total is None else arithmetic(low, "int64", "+", total, part)
    return total if total is not None else literal(0)


def contiguous(low, value) -> View:
    """The value in an array of its own order."""
    view = low.as_view(value)
    if view.base is None and is_whole(view):
        return view
    array = low.new_array(int(np.prod(value.shape, dtype=int)))
    read = low.reader(value)
    array.needs.append(
        low.loop(array.size, lambda i: [low.store(array, i, low.as_number(read(i), value.dtype), own=False)])
    )
    return View(array, np.arange(array.size).reshape(value.shape), value.dtype)


def _box(shape, sizes) -> np.ndarray:
    """Flat positions of a slice of these sizes at the origin."""
    return np.arange(int(np.prod(shape, dtype=int))).reshape(shape)[tuple(slice(size) for size in sizes)]


@rule("dynamic_slice")
def _dynamic_slice(low, eqn, x, *starts):
    sizes = eqn.params["slice_sizes"]
    nodes = [start.element(0) for start in starts]
    if all(node.value is not None for node in nodes):
        first = [int(_clamped(low, n, a - b).value) for n, a, b in zip(nodes, x.shape, sizes, strict=True)]
        return x.rearranged(lambda a: a[tuple(slice(f, f + s) for f, s in zip(first, sizes, strict=True))])
    view = contiguous(low, x)
    return View(view.array, _box(x.shape, sizes), view.dtype, _flat_start(low, nodes, x.shape, sizes))


@rule("dynamic_update_slice")
def _dynamic_update_slice(low, eqn, x, update, *starts):
    nodes = [start.element(0) for start in starts]
    start = _flat_start(low, nodes, x.shape, update.shape)
    return _with_windows(low, x, [(start, None, _box(x.shape, update.shape), update)], None)


def _with_windows(low, x, windows, combine):
    """A copy of `x` in which windows (start, condition or None, positions, values) are written, one after another."""
    size = int(np.prod(x.shape, dtype=int))
    array = low.new_array(size, low.hint or "a")
    read = low.reader(x)
    array.needs.append(low.loop(size, lambda i: [low.store(array, i, low.as_number(read(i), x.dtype), own=False)]))
    for start, condition, positions, values in windows:
        for k, position in enumerate(positions.reshape(-1)):
            place = arithmetic(low, "int64", "+", start, literal(int(position)))
            value = low.element(values, k)
            before = low._own(Node(f"{array.name}[{{}}]", (place,), needs=[]))
            if combine is not None:
                before.always_named = False
                value = combine(low, x.dtype, before, value)
            value = low.as_number(value, x.dtype)
            if condition is not None:
                value = choice(low, condition, value, before)
            low.store(array, place, value)
    return View(array, np.arange(size).reshape(x.shape), np.dtype(x.dtype))


@rule("gather")
def _gather(low, eqn, x, indices):
    numbers, sizes = eqn.params["dimension_numbers"], eqn.params["slice_sizes"]
    batched = dict(zip(numbers.operand_batching_dims, numbers.start_indices_batching_dims, strict=True))
    shape, dtype = result_of(eqn)
    batch = indices.shape[:-1]
    window = [size for axis, size in enumerate(sizes) if axis not in (*numbers.collapsed_slice_dims, *batched)]
    fills = "FILL" in str(eqn.params["mode"]).upper()
    view = contiguous(low, x)
    positions = _box(x.shape, sizes).reshape(-1)
    results = np.empty((int(np.prod(batch, dtype=int)), positions.size), dtype=object)
    for lane in range(results.shape[0]):
        start, inside = _window_start(low, x.shape, sizes, numbers.start_index_map, batched, indices, lane)
        for k, position in enumerate(positions):
            node = low._own(view.at(arithmetic(low, "int64", "+", start, literal(int(position)))))
            if fills and inside is not None:
                filling = eqn.params["fill_value"]
                filling = (np.nan if np.issubdtype(dtype, np.inexact) else 0) if filling is None else filling
                node = choice(low, inside, node, literal(filling))
            results[lane, k] = node
    # Batch axes and window axes as the result has them.
    offset = list(numbers.offset_dims)
    others = [axis for axis in range(len(shape)) if axis not in offset]
    result = results.reshape([*batch, *window]).transpose(np.argsort([*others, *offset]))
    return Scalars(result.reshape(shape), np.dtype(dtype))


def _window_start(low, shape, sizes, index_map, batched, indices, lane):
    """Where a window begins, and whether it lies inside (None: certainly).

    `batched` are the axes along which each lane has a row of its own, and where that axis is in the indices.
    """
    width = indices.shape[-1]
    starts, tests = [literal(0)] * len(shape), []
    for axis, of_indices in batched.items():
        starts[axis] = literal(int(np.unravel_index(lane, indices.shape[:-1])[of_indices]))
    for k, axis in zip(range(width), index_map, strict=True):
        node = low.element(indices, lane * width + k)
        largest = shape[axis] - sizes[axis]
        if node.value is None:
            tests.append(low.node(f"{{}} >= 0 && {{}} <= {largest}", node, node, binds=AND))
        elif not 0 <= node.value <= largest:
            tests.append(literal(False))
        starts[axis] = node
    inside = None
    for test in tests:
        inside = test if inside is None else low.node("{} && {}", inside, test, binds=AND)
    return _flat_start(low, starts, shape, sizes), inside


def _scatter(combine):
    def translate_scatter(low, eqn, x, indices, updates):
        numbers = eqn.params["dimension_numbers"]
        batched = dict(zip(numbers.operand_batching_dims, numbers.scatter_indices_batching_dims, strict=True))
        window_axes = list(numbers.update_window_dims)
        batch_axes = [axis for axis in range(len(updates.shape)) if axis not in window_axes]
        inserted = (*numbers.inserted_window_dims, *batched)
        sizes, left = [], iter(updates.shape[axis] for axis in window_axes)
        for axis in range(len(x.shape)):
            sizes.append(1 if axis in inserted else next(left))
        drops = "CLIP" not in str(eqn.params["mode"]).upper()
        rows = updates.rearranged(
            lambda a: np.transpose(a, [*batch_axes, *window_axes]).reshape(-1, int(np.prod(sizes, dtype=int)))
        )
        windows = []
        for lane in range(rows.shape[0]):
            axes = numbers.scatter_dims_to_operand_dims
            start, inside = _window_start(low, x.shape, sizes, axes, batched, indices, lane)
            values = rows.rearranged(lambda a, lane=lane: a[lane])
            windows.append((start, inside if drops else None, _box(x.shape, sizes), values))
        return _with_windows(low, x, windows, combine)

    return translate_scatter


RULES["scatter"] = _scatter(None)
RULES["scatter-add"] = RULES["scatter_add"] = _scatter(lambda low, d, a, b: arithmetic(low, d, "+", a, b))
RULES["scatter-mul"] = RULES["scatter_mul"] = _scatter(lambda low, d, a, b: arithmetic(low, d, "*", a, b))


def is_whole(view: View) -> bool:
    return view.index.size == view.array.size and (view.index.reshape(-1) == np.arange(view.array.size)).all()
