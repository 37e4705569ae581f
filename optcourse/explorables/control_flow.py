"""Rules for primitives with jaxprs inside, and for elements whose position is computed."""

import re

import numpy as np
from jax.extend.core import ClosedJaxpr

from optcourse.explorables.code import AND, PLUS, TIMES, Block, Node, Printer, literal
from optcourse.explorables.primitives import RULES, arithmetic, choice, rule
from optcourse.explorables.values import LARGEST_UNROLLED, Known, Scalars, View, scalars


def _closed(jaxpr):
    """A jaxpr with its constants, whichever kind a primitive holds."""
    return jaxpr if hasattr(jaxpr, "jaxpr") else ClosedJaxpr(jaxpr, ())


@rule("jit", "pjit", "closed_call", "core_call", "remat", "checkpoint", "remat2", "custom_jvp_call", "custom_vjp_call")
def _call(low, eqn, *values):
    parameters = eqn.params
    inner = next(parameters[key] for key in ("jaxpr", "call_jaxpr", "fun_jaxpr") if key in parameters)
    inner = _closed(inner)
    if parameters.get("name") in low.module.shared:
        return low.call_shared(parameters["name"], inner, values)
    return low.evaluate(inner.jaxpr, inner.consts, values)


RULES["custom_vjp_call_jaxpr"] = RULES["jit"]


@rule("cond")
def _cond(low, eqn, which, *values):
    branches = [_closed(branch) for branch in eqn.params["branches"]]
    if isinstance(which, Known):
        chosen = branches[int(np.clip(int(which.array), 0, len(branches) - 1))]
        return low.evaluate(chosen.jaxpr, chosen.consts, values)
    written = [low.inside(branch, values) for branch in branches]
    targets = [Target(low, variable.aval) for variable in eqn.outvars]
    needs = []
    for block, results in written:
        needs += _assign_all(low, block, targets, results)
    selector = which.element(0)
    count = len(branches)

    def write(printer: Printer):
        for target in targets:
            target.declare(printer)
        test = printer.text(selector)
        for number in range(count):
            # The last branch is for true, and for every index that is too large; the first for those too small.
            condition = f"!{_bracketed(test)}" if which.dtype == bool else f"{_bracketed(test)} <= {number}"
            opening = "if" if number == 0 else "} else if"
            printer.line("} else {" if number == count - 1 and count > 1 else f"{opening} ({condition}) {{")
            printer.inner(written[number][0])
        printer.line("}")

    statement = low.statement(write, selector, *needs)
    return [target.value(low, statement) for target in targets]


@rule("while")
def _while(low, eqn, *values):
    parameters = eqn.params
    in_test, in_body = parameters["cond_nconsts"], parameters["body_nconsts"]
    for_test, for_body, start = values[:in_test], values[in_test : in_test + in_body], values[in_test + in_body :]
    targets = [Target(low, variable.aval) for variable in eqn.outvars]
    initial = [low.settle(value) for value in start]
    carried = [target.current(low) for target in targets]
    test_block, (test,) = low.inside(_closed(parameters["cond_jaxpr"]), [*for_test, *carried])
    body_block, results = low.inside(_closed(parameters["body_jaxpr"]), [*for_body, *carried])
    condition = test.element(0)
    needs = _assign_all(low, body_block, targets, results)
    first, into = _assignments(low, targets, initial)

    def write(printer: Printer):
        for target in targets:
            target.declare(printer)
        into(printer)
        printer.line("for (;;) {")
        printer.inner(test_block)
        printer.indent += "  "
        printer.line(f"if (!{_bracketed(printer.text(condition))}) break;")
        printer.indent = printer.indent[:-2]
        printer.inner(body_block)
        printer.line("}")

    with low.writing(test_block):
        needs.append(low.statement(lambda printer: None, condition))  # the condition is needed in its own block
    statement = low.statement(write, *first, *needs)
    return [target.value(low, statement) for target in targets]


@rule("scan")
def _scan(low, eqn, *values):
    parameters = eqn.params
    constants, carries = parameters["num_consts"], parameters["num_carry"]
    length, reverse = parameters["length"], parameters["reverse"]
    fixed, start, over = values[:constants], values[constants : constants + carries], values[constants + carries :]
    body = _closed(parameters["jaxpr"])
    if length == 0:
        empty = [Known(np.zeros(v.aval.shape, v.aval.dtype)) for v in eqn.outvars[carries:]]
        return [*start, *empty]
    targets = [Target(low, variable.aval) for variable in eqn.outvars[:carries]]
    initial = [low.settle(value) for value in start]
    carried = [target.current(low) for target in targets]
    index = Node(low.loop_variable())
    views = [low.as_view(value) for value in over]
    stacked = [
        low.new_array(max(1, int(np.prod(variable.aval.shape, dtype=int))), "ys") for variable in eqn.outvars[carries:]
    ]

    block = Block()
    low.depth += 1
    with low.writing(block):
        slices = [_row(low, view, index) for view in views]
        results = low.evaluate(body.jaxpr, body.consts, [*fixed, *carried, *slices])
        for array, variable, value in zip(stacked, eqn.outvars[carries:], results[carries:], strict=True):
            size = int(np.prod(variable.aval.shape[1:], dtype=int))
            for k in range(size):
                node = low.as_number(low.element(value, k), value.dtype)
                low.store(array, Node(_offset(index, size, k)), node)
    low.depth -= 1
    needs = _assign_all(low, block, targets, results[:carries])
    first, into = _assignments(low, targets, initial)
    name = index.pattern
    header = f"let {name} = 0; {name} < {length}; {name}++"
    if reverse:
        header = f"let {name} = {length - 1}; {name} >= 0; {name}--"

    def write(printer: Printer):
        for target in targets:
            target.declare(printer)
        into(printer)
        printer.line(f"for ({header}) {{")
        printer.inner(block)
        printer.line("}")

    statement = low.statement(write, *first, *needs)
    for array in stacked:
        array.needs.append(statement)
    rows = [
        View(array, np.arange(int(np.prod(v.aval.shape, dtype=int))).reshape(v.aval.shape), np.dtype(v.aval.dtype))
        for array, v in zip(stacked, eqn.outvars[carries:], strict=True)
    ]
    return [*(target.value(low, statement) for target in targets), *rows]


class Target:
    """A place that branches and loops write a result to: `let` variables for a small array, an array otherwise."""

    def __init__(self, low, aval):
        self.shape, self.dtype = aval.shape, np.dtype(aval.dtype)
        self.size = int(np.prod(self.shape, dtype=int))
        self.array = low.new_array(self.size) if self.size > LARGEST_UNROLLED else None
        self.names = [] if self.array else [low.names.fresh(low.hint or "c") for _ in range(self.size)]

    def declare(self, printer: Printer):
        if self.names:
            printer.line(f"let {', '.join(self.names)};")
            printer.name(*self.names)

    def current(self, low):
        """The value inside of the loop, before it is written again."""
        if self.array:
            return View(self.array, np.arange(self.size).reshape(self.shape), self.dtype)
        return scalars([Node(name) for name in self.names], self.shape, self.dtype)

    def value(self, low, statement):
        """The value after the statement."""
        if self.array:
            self.array.needs.append(statement)
            return self.current(low)
        nodes = [Node(name, block=low.block, needs=[statement]) for name in self.names]
        return scalars(nodes, self.shape, self.dtype)


def _assignments(low, targets, values):
    """What the values need, and a function that prints `target = value` for all, as if at the same time."""
    pairs, needs = [], []
    for target, value in zip(targets, values, strict=True):
        if target.array:
            view = low.as_view(low.settle(value) if _reads(value, targets) else value)
            view = _contiguous(low, view)
            pairs.append((target, view))
            needs.append(view.array)
        else:
            nodes = [low.element(value, k) for k in range(target.size)]
            pairs.append((target, nodes))
            needs += nodes

    def write(printer: Printer):
        scalars_ = [
            (name, text)
            for target, nodes in pairs
            if not target.array
            for name, text in zip(target.names, map(printer.text, nodes), strict=True)
            if name != text
        ]
        for target, view in pairs:
            if target.array and view.array is not target.array:
                printer.line(f"{target.array.name}.set({view.array.name});")
        if len(scalars_) > 1 and any(_mentions(text, name) for name, _ in scalars_ for _, text in scalars_):
            temporary = [printer.names.fresh(f"new_{name}") for name, _ in scalars_]
            for new, (_, text) in zip(temporary, scalars_, strict=True):
                printer.line(f"const {new} = {text};")
            scalars_ = [(name, new) for new, (name, _) in zip(temporary, scalars_, strict=True)]
        for name, text in scalars_:
            printer.line(f"{name} = {text};")

    needs += [target.array for target in targets if target.array]
    return needs, write


def _mentions(text: str, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", text) is not None


def _assign_all(low, block, targets, results) -> list:
    """Statements at the end of a block that write its results to the targets."""
    with low.writing(block):
        needs, write = _assignments(low, targets, results)
        return [low.statement(write, *needs)]


def _reads(value, targets) -> bool:
    return isinstance(value, View) and any(value.array is target.array for target in targets)


def _is_whole(view: View) -> bool:
    return view.index.size == view.array.size and (view.index.reshape(-1) == np.arange(view.array.size)).all()


def _bracketed(text: str) -> str:
    return text if text.replace("_", "").isalnum() else f"({text})"


def _offset(index: Node, size: int, k: int) -> str:
    text = index.pattern if size == 1 else f"{size} * {index.pattern}"
    return f"{text} + {k}" if k else text


def _row(low, view: View, index: Node) -> View:
    """The slice at a computed position of the first axis."""
    if view.shape[0] > 1:
        stride = np.diff(view.index, axis=0)
        if not (stride == stride.flat[0]).all():
            view = low.elementwise([view], view.shape, view.dtype, lambda x: x)
            if not isinstance(view, View):
                view = low.as_view(view)
        step = int(np.diff(view.index, axis=0).flat[0]) if view.index.size else 0
    else:
        step = 0
    offset = Node(index.pattern if step == 1 else f"{step} * {index.pattern}", binds=PLUS if step == 1 else TIMES)
    base = offset if view.base is None else Node(f"{view.base.pattern} + {offset.pattern}", binds=PLUS)
    return View(view.array, view.index[0], view.dtype, base)


# --- positions that are computed --------------------------------------------------------------------------------------


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


def _contiguous(low, value) -> View:
    """The value in an array of its own order."""
    view = low.as_view(value)
    if view.base is None and _is_whole(view):
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
    view = _contiguous(low, x)
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
    shape, dtype = _out_of(eqn)
    batch = indices.shape[:-1]
    window = [size for axis, size in enumerate(sizes) if axis not in (*numbers.collapsed_slice_dims, *batched)]
    fills = "FILL" in str(eqn.params["mode"]).upper()
    view = _contiguous(low, x)
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


def _out_of(eqn):
    return eqn.outvars[0].aval.shape, np.dtype(eqn.outvars[0].aval.dtype)
