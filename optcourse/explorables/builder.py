"""What the rules of the primitives write with: expressions, statements, arrays and loops."""

from collections.abc import Callable
from contextlib import contextmanager

import numpy as np

from optcourse.explorables.code import CALL, Array, Block, Names, Node, Printer, Statement, literal
from optcourse.explorables.values import LARGEST_UNROLLED, Known, Lazy, Scalars, View, scalars

LONGEST_TABLE = 32  # positions that a table lists; of more, a formula is sought first


class Builder:
    """Holds the block that is being written, and the names and arrays of its function, which belongs to a `Module`."""

    def __init__(self, module):
        self.module = module
        self.names = Names(module.names.taken)
        self.blocks = [Block()]  # the one being written, and those around it
        self.arrays: list[Array] = []
        self.helpers: set[str] = set()
        self.depth = 0  # in loops
        self.eqns = []  # the one being translated, and those around it
        self.hint = self.origin = ""
        self.fuse = False  # whether the result of the equation is best computed in the loop that reads it

    @property
    def block(self) -> Block:
        return self.blocks[-1]

    @contextmanager
    def writing(self, block: Block):
        """Write into an inner block for a while."""
        self.blocks.append(block)
        yield
        self.blocks.pop()

    def node(self, pattern: str, *operands: Node, binds: int = CALL, operand_binds=(), name: str = "") -> Node:
        """A new expression in the current block, or the one that is there already."""
        key = (pattern, *(("literal", repr(x.value)) if x.value is not None else id(x) for x in operands))
        for block in self.blocks:
            if key in block.known:
                return block.known[key]
        node = Node(pattern, operands, binds, tuple(operand_binds), name, self.block, origin=self.origin)
        self.block.items.append(node)
        if operands and not any(operand.needs for operand in operands):  # what is read may have changed in between
            self.block.known[key] = node
        return node

    def variable(self, pattern: str, name: str, *needs) -> Node:
        """A value that already has a place, such as an element of an argument, read into a `const`."""
        node = Node(pattern, name=name, block=self.block, always_named=True, needs=list(needs), origin=self.origin)
        self.block.items.append(node)
        return node

    def statement(self, write, *needs) -> Statement:
        """Code in the current block that needs these items."""
        statement = Statement(write, [*needs], self.block)
        self.block.items.append(statement)
        return statement

    def helper(self, name: str, *operands: Node) -> Node:
        """A call of a function of numbers.js."""
        self.helpers.add(name)
        return self.node(f"{name}({', '.join(['{}'] * len(operands))})", *operands)

    def rounded(self, node: Node, dtype) -> Node:
        """The value as a number of this dtype."""
        if node.value is not None:
            return literal(np.asarray(node.value).astype(dtype).item())
        match np.dtype(dtype).name:
            case "float32":
                return self.node("Math.fround({})", node)
            case "float16":
                return self.helper("f16round", node)
            case "bfloat16":
                return self.helper("bf16round", node)
        return node

    def new_array(self, size: int, wanted: str = "a") -> Array:
        """A Float64Array of our own, allocated once."""
        array = Array(self.names.fresh(wanted), size)
        self.arrays.append(array)
        return array

    def loop(self, size: int, body: Callable[[Node], list]) -> Statement:
        """`for (let i = 0; i < size; i++)`; `body(i)` writes into it and returns what it needs."""
        inner, index = Block(), Node(self.loop_variable())
        self.depth += 1
        with self.writing(inner):
            needs = body(index)
        self.depth -= 1

        def write(printer: Printer):
            printer.line(f"for (let {index.pattern} = 0; {index.pattern} < {size}; {index.pattern}++) {{")
            printer.inner(inner)
            printer.line("}")

        return self.statement(write, *needs)

    def accumulate(self, size: int, start: Node, steps: list[Callable], wanted: str) -> list[Node]:
        """`for` each position `total = step(total, i)`, for several totals in one loop; returns the totals."""
        names = [self.names.fresh(wanted if len(steps) == 1 else f"{wanted}_{k}") for k in range(len(steps))]
        inner, index = Block(), Node(self.loop_variable())
        self.depth += 1
        with self.writing(inner):
            needs = [self._assign(name, step(Node(name), index)) for name, step in zip(names, steps, strict=True)]
        self.depth -= 1

        def write(printer: Printer):
            printer.line(f"let {', '.join(f'{name} = {start.pattern}' for name in names)};")
            printer.line(f"for (let {index.pattern} = 0; {index.pattern} < {size}; {index.pattern}++) {{")
            printer.inner(inner)
            printer.line("}")

        statement = self.statement(write, *needs)
        return [Node(name, block=self.block, needs=[statement]) for name in names]

    def _assign(self, name: str, value: Node) -> Statement:
        return self.statement(lambda printer: printer.line(f"{name} = {printer.text(value)};"), value)

    def times(self, factor: int, index: Node) -> Node:
        """A whole multiple of a loop's index."""
        return _affine(index, 0, factor)

    def plus(self, offset: Node, index: Node) -> Node:
        """A loop's index, further on."""
        return (
            _affine(index, int(offset.value), 1)
            if offset.value is not None
            else Node(f"{offset.pattern} + {index.pattern}")
        )

    def loop_variable(self) -> str:
        """i, j, k by how deeply the loop stands in others."""
        return "ijklmn"[self.depth]

    def store(self, array: Array, position: Node, value: Node, *, own: bool = True) -> Statement:
        """`array[position] = value`; an array of our own then needs it."""

        def write(printer: Printer):
            text = printer.text(value)
            printer.line(f"{array.name}[{printer.text(position)}] = {text};")

        statement = self.statement(write, value, position)
        if own:
            array.needs.append(statement)
        return statement

    def as_view(self, value) -> View:
        """The value in an array, from which it can be read at a position that is computed."""
        if isinstance(value, View):
            return value
        if isinstance(value, Lazy):
            return self.elementwise([value], value.shape, value.dtype, lambda x: x, fuse=False)
        size = int(np.prod(value.shape, dtype=int))
        index = np.arange(size).reshape(value.shape)
        if isinstance(value, Known):
            kept = _without_repeats(value.array)  # what was broadcast is stored once
            index = np.broadcast_to(np.arange(kept.size).reshape(kept.shape), value.shape)
            return View(self.module.known_array(kept, "table"), index, value.dtype)
        array = self.new_array(size)
        for position in range(size):
            self.store(array, literal(position), self.as_number(value.element(position), value.dtype))
        return View(array, index, value.dtype)

    def as_number(self, node: Node, dtype) -> Node:
        """A truth value as 0 or 1; numbers as they are."""
        if np.dtype(dtype) != bool:
            return node
        return literal(int(node.value)) if node.value is not None else self.node("Number({})", node)

    def reader(self, value) -> Callable[[Node], Node]:
        """How to read a value in a loop over its elements: a function of the loop's index; scalars stay as they are."""
        if value.shape == ():
            node = self.element(value, 0)
            return lambda i: node
        if isinstance(value, Known) and value.array.size and (value.array == value.array.flat[0]).all():
            return lambda i: value.element(0)
        if isinstance(value, Scalars) and len({id(node) for node in value.nodes.flat}) == 1:
            return lambda i: value.element(0)
        if isinstance(value, Lazy):
            position = self.positions(value.index.reshape(-1))
            return lambda i: value.compute(position(i))
        view = self.as_view(value)
        position = self.positions(view.index.reshape(-1))
        return lambda i: self._own(view.at(position(i)))

    def positions(self, places: np.ndarray) -> Callable[[Node], Node]:
        """The entries of a known list of positions as a function of a loop's index."""
        steps = np.diff(places)
        if places.size < 2 or (steps == steps[0]).all():
            start, stride = int(places[0]), int(steps[0]) if places.size > 1 else 1
            return lambda i: _affine(i, start, stride)
        row = 1 + int(np.flatnonzero(steps != steps[0])[0])  # rows of one length, as broadcasting makes them
        if places.size > LONGEST_TABLE and places.size % row == 0:
            rows = places.reshape(-1, row)
            over, along = np.diff(rows[:, 0]), int(steps[0]) if row > 1 else 0
            if (over == over[0]).all() and (rows == rows[:, :1] + along * np.arange(row)).all():
                return lambda i: _in_rows(i, int(places[0]), int(over[0]), row, along)
        table = self.module.known_array(places, "order")
        return lambda i: Node(f"{table.name}[{i.pattern}]")

    def _own(self, node: Node) -> Node:
        node.block = self.block
        self.block.items.append(node)
        return node

    def elementwise(self, values, shape, dtype, make: Callable[..., Node], *, fuse: bool | None = None):
        """`make(x, y, ...)` for each element; scalars go with every element.

        With `fuse` (by default where the equation's result is read once) a large array is not stored.
        """
        size = int(np.prod(shape, dtype=int))
        values = [
            value if value.shape in ((), shape) else value.rearranged(lambda a: np.broadcast_to(a, shape))
            for value in values
        ]
        if size <= LARGEST_UNROLLED:
            nodes = []
            for position in range(size):
                operands = [self.element(value, 0 if value.shape == () else position) for value in values]
                node = make(*operands)
                if self.hint and node.operands and not node.name and node.block is self.block:
                    node.name = self.hint if size == 1 else f"{self.hint}_{position}"
                nodes.append(node)
            return scalars(nodes, shape, dtype)
        readers = [self.reader(value) for value in values]
        if self.fuse if fuse is None else fuse:
            hint = self.hint

            def compute(position: Node) -> Node:
                node = make(*(read(position) for read in readers))
                if hint and node.operands and not node.name and node.block is self.block:
                    node.name = hint
                return node

            return Lazy(compute, np.arange(size).reshape(shape), np.dtype(dtype))
        array = self.new_array(size, self.hint or "a")

        def body(i: Node):
            return [self.store(array, i, self.as_number(make(*(read(i) for read in readers)), dtype), own=False)]

        array.needs.append(self.loop(size, body))
        return View(array, np.arange(size).reshape(shape), np.dtype(dtype))

    def element(self, value, position: int) -> Node:
        """One element as an expression of the current block."""
        node = value.element(position)
        return self._own(node) if isinstance(value, View) else node

    def settle(self, value):
        """The value with its elements read now, before what it looks at is written again."""
        if isinstance(value, Lazy):
            return self.as_view(value)
        if not isinstance(value, View):
            return value
        size = int(np.prod(value.shape, dtype=int))
        if size <= LARGEST_UNROLLED:
            nodes = [self.element(value, position) for position in range(size)]
            for node in nodes:
                node.always_named = True
            return scalars(nodes, value.shape, value.dtype)
        return self.elementwise([value], value.shape, value.dtype, lambda x: x)


def _without_repeats(values: np.ndarray) -> np.ndarray:
    """The array with length 1 along the axes on which all its slices are the same."""
    for axis, size in enumerate(values.shape):
        first = values.take([0], axis) if size > 1 else values
        if size > 1 and np.array_equal(
            np.broadcast_to(first, values.shape), values, equal_nan=values.dtype.kind == "f"
        ):
            values = first
    return values


def _in_rows(index: Node, start: int, over: int, row: int, along: int) -> Node:
    """`start + over * (index / row, rounded down) + along * (index % row)`"""
    if index.value is not None:
        return literal(start + over * (int(index.value) // row) + along * (int(index.value) % row))
    at = f"({index.pattern})" if " " in index.pattern else index.pattern
    parts = [str(start)] if start else []
    parts += [f"{over} * Math.floor({at} / {row})" if over != 1 else f"Math.floor({at} / {row})"] if over else []
    parts += [f"{along} * ({at} % {row})" if along != 1 else f"{at} % {row}"] if along else []
    return Node(" + ".join(parts).replace("+ -", "- "))


def _affine(index: Node, start: int, stride: int) -> Node:
    if index.value is not None:
        return literal(start + stride * int(index.value))
    if (start, stride) == (0, 1):
        return index
    if stride != 1 and " " in index.pattern:
        index = Node(f"({index.pattern})")
    text = index.pattern if stride == 1 else f"{stride} * {index.pattern}" if stride else ""
    parts = [part for part in (text, str(start) if start or not text else "") if part]
    return Node(" + ".join(parts).replace("+ -", "- "))
