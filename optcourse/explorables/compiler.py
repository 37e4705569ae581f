"""Any JAX function of fixed small shapes as a JavaScript function, by way of its jaxpr.

`compile_function` traces the function with `jax.make_jaxpr` and translates the equations one by one, with the
rules of `primitives.py` and `control_flow.py`. Small arrays become one variable per element; larger ones become
loops over arrays. Each operation is rounded to the dtype that JAX gives it, so that float32, float16 and
bfloat16 behave as hardware has it; float64 is what JavaScript computes with.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

from optcourse.arrays import double_precision
from optcourse.explorables import sources
from optcourse.explorables.code import CALL, Array, Block, Names, Node, Printer, Statement, literal
from optcourse.explorables.values import LARGEST_UNROLLED, Known, Lazy, Scalars, View, scalars

NUMBERS = {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"}
NUMBERS |= {"float64", "float32", "float16", "bfloat16"}


# Equations on large arrays that share one loop where the one reads what the other makes; and what may stand between.
_FUSED = (
    "add add_any sub mul div rem neg square integer_pow pow sqrt rsqrt cbrt exp exp2 expm1 log log1p sin cos tan tanh "
    "logistic abs sign floor ceil round max min clamp is_finite eq ne lt le gt ge and or xor not select_n "
    "convert_element_type dot_general reduce_sum reduce_prod reduce_max reduce_min reduce_and reduce_or"
)
FUSED = frozenset(_FUSED.split())
REARRANGED = {"reshape", "squeeze", "expand_dims", "transpose", "rev", "broadcast_in_dim"}


class CompileError(NotImplementedError):
    """The function uses something that has no JavaScript translation; the message names it and its place."""


class Leaf(NamedTuple):
    """One array of a pytree in a flat Float64Array."""

    name: str
    path: str
    shape: tuple[int, ...]
    dtype: str
    offset: int

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=int))


@dataclass(frozen=True)
class JavaScriptFunction:
    """A compiled function: `name(a, aAt, b, bAt, ..., out, outAt)`.

    Each argument is a Float64Array and the position in it where the flattened pytree begins; the results are
    written to `out` from `outAt` on, which must not overlap the arguments.
    """

    name: str
    source: str
    arguments: tuple[tuple[Leaf, ...], ...]
    results: tuple[Leaf, ...]
    helpers: tuple[str, ...]  # functions of numbers.js that it calls

    @property
    def size(self) -> int:
        """How many numbers it writes."""
        return sum(leaf.size for leaf in self.results)


class Module:
    """Several compiled functions that share what they have in common.

    Args:
        shared: names of jitted functions that become JavaScript functions of their own instead of being written
            out wherever they are called, each with the names of its results.
    """

    def __init__(self, shared: Mapping[str, Sequence[str]] | None = None):
        self.shared = dict(shared or {})
        self.names = Names()
        self.constants: list[str] = []
        self.functions: list[str] = []
        self.helpers: set[str] = set()
        self._known_arrays: dict[bytes, Array] = {}
        self._shared_functions: dict[tuple[str, str], tuple[str, Array]] = {}

    def add(self, function: Callable, *examples, name: str, explain: bool = False) -> JavaScriptFunction:
        """Compile `function` for arguments like `examples` (arrays or `jax.ShapeDtypeStruct`, in pytrees).

        With `explain` there is also a function `<name>Explained`, which returns every named value as well; comments
        say which Python function its lines came from.

        Raises:
            CompileError: for what has no translation.
        """
        with double_precision():
            try:
                jaxpr, result = jax.make_jaxpr(function, return_shape=True)(*examples)
            except (jax.errors.JAXTypeError, jax.errors.JAXIndexError) as error:
                raise CompileError(
                    f"{name} cannot be compiled: a shape or a branch of Python's depends on the numbers themselves. "
                    f"JAX says: {error}"
                ) from error
            parameters = _parameter_names(function, len(examples))
            arguments = tuple(_layout(tree, at) for tree, at in zip(examples, parameters, strict=True))
            results = _layout(result, "")
            lowering = Lowering(self)
            name = self.names.fresh(name)
            sources_, helpers = lowering.function(jaxpr, name, parameters, arguments, results, explain)
        self.functions.extend(sources_)
        self.helpers |= helpers
        return JavaScriptFunction(name, sources_[0], arguments, results, tuple(sorted(helpers)))

    def shared_function(self, name: str, jaxpr) -> tuple[str, Array]:
        """The JavaScript function for a jitted one that is called from several places, and where it leaves results."""
        key = name, str(jaxpr)
        if key not in self._shared_functions:
            own = self.names.fresh(name)
            size = sum(_size(variable) for variable in jaxpr.jaxpr.outvars)
            out = Array(self.names.fresh(f"{name}_result"), size)
            self.constants.append(f"const {out.name} = new Float64Array({size});")
            source, helpers = Lowering(self).shared_function(jaxpr, own, out)
            self.functions.append(source)
            self.helpers |= helpers
            self._shared_functions[key] = own, out
        return self._shared_functions[key]

    @property
    def source(self) -> str:
        """Everything compiled so far; needs the functions of numbers.js named in `helpers` in scope."""
        return "\n".join([*self.constants, *self.functions])

    def known_array(self, values: np.ndarray, wanted: str) -> Array:
        values = np.asarray(values).reshape(-1)
        key = repr(values.tolist()).encode()
        if key not in self._known_arrays:
            name = self.names.fresh(wanted)
            numbers = ", ".join(literal(value).pattern for value in values.astype(float).tolist())
            self.constants.append(f"const {name} = Float64Array.of({numbers});")
            self._known_arrays[key] = Array(name, values.size)
        return self._known_arrays[key]


def compile_function(function: Callable, *examples, name: str | None = None) -> JavaScriptFunction:
    """Compile one function, complete with the helpers it needs.

    >>> compiled = compile_function(lambda x: x[0] * x[1] + 1, np.zeros(2), name="area")
    >>> print(compiled.source)
    function area(x, xAt, out, outAt) {
      const x_0 = x[xAt];
      const x_1 = x[xAt + 1];
      out[outAt] = x_0 * x_1 + 1;
    }

    Raises:
        CompileError: for what has no translation.
    """
    from optcourse.explorables.helpers import helper_sources

    module = Module()
    compiled = module.add(function, *examples, name=name or getattr(function, "__name__", "compiled").strip("<>"))
    source = "\n".join(part for part in (helper_sources(compiled.helpers), module.source) if part)
    return JavaScriptFunction(compiled.name, source, compiled.arguments, compiled.results, compiled.helpers)


class Lowering:
    """Translates one jaxpr: holds the block that is being written."""

    def __init__(self, module: Module):
        self.module = module
        self.names = Names(module.names.taken)
        self.blocks = [Block()]  # the one being written, and those around it
        self.arrays: list[Array] = []
        self.helpers: set[str] = set()
        self.depth = 0  # in loops
        self.eqns = []  # the one being translated, and those around it
        self.hint = self.origin = ""
        self.fuse = False  # whether the result of the equation is best computed in the loop that reads it

    # --- what rules build with ------------------------------------------------------------------------------

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
            return View(self.module.known_array(value.array, "table"), index, value.dtype)
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

    # --- the walk ---------------------------------------------------------------------------------------------

    def evaluate(self, jaxpr, constants, arguments) -> list:
        """Translate the equations of a jaxpr for these values; returns its results."""
        from optcourse.explorables.primitives import translate

        known = dict(zip(map(id, jaxpr.constvars), map(_known, constants), strict=True))
        known.update(zip(map(id, jaxpr.invars), arguments, strict=True))

        def read(atom):
            return _known(atom.val) if hasattr(atom, "val") else known[id(atom)]

        hints = sources.assigned_names(jaxpr.eqns)
        outer = self.hint, self.origin, self.fuse
        once = _read_once(jaxpr)
        self.eqns.append(None)
        for eqn, hint in zip(jaxpr.eqns, hints, strict=True):
            # What a call returns is named after the line that made the call.
            inherited = outer[0] if any(variable in jaxpr.outvars for variable in eqn.outvars) else ""
            self.eqns[-1], self.hint, self.origin = eqn, hint or inherited, sources.origin(eqn) or outer[1]
            self.fuse = eqn.primitive.name in FUSED and once(eqn.outvars[0])
            for variable in eqn.outvars:
                if variable.aval.dtype.name not in NUMBERS:
                    raise self.unsupported(f"a {variable.aval.dtype.name}, as {eqn.primitive.name!r} makes it,")
            results = translate(self, eqn, [read(atom) for atom in eqn.invars])
            known.update(zip(map(id, eqn.outvars), results, strict=True))
        self.hint, self.origin, self.fuse = outer
        self.eqns.pop()
        return [read(atom) for atom in jaxpr.outvars]

    def inside(self, jaxpr, arguments) -> tuple[Block, list]:
        """Translate a closed jaxpr into a new block."""
        inner = Block()
        with self.writing(inner):
            results = self.evaluate(jaxpr.jaxpr, jaxpr.consts, arguments)
        return inner, results

    def unsupported(self, what: str = "") -> CompileError:
        what = what or f"the primitive {self.eqns[-1].primitive.name!r}"
        place = next(filter(None, map(sources.where, reversed(self.eqns))), "an unknown place")
        return CompileError(
            f"{what} has no translation to JavaScript; it comes from {place}. "
            "Write that part with other functions, or leave it out of the live figure."
        )

    # --- whole functions ----------------------------------------------------------------------------------------

    def function(self, jaxpr, name, parameters, arguments, results, explain) -> tuple[list[str], set[str]]:
        self.names.taken.update(parameters, (f"{at}At" for at in parameters), ("out", "outAt"))
        values = [self._argument(leaf, at) for at, leaves in zip(parameters, arguments, strict=True) for leaf in leaves]
        outputs = self.evaluate(jaxpr.jaxpr, jaxpr.consts, values)
        roots = []
        for leaf, value in zip(results, outputs, strict=True):
            roots += self._write(value, "out", leaf.offset, "outAt")
        header = ", ".join(f"{at}, {at}At" for at in parameters)
        printer = self._print(roots)
        texts = ["\n".join([f"function {name}({header}, out, outAt) {{", *printer.lines, "}"])]
        if explain:
            lines = []
            for number, line in enumerate(printer.lines):
                if number in printer.origins:
                    lines.append(f"  // {printer.origins[number]}")
                lines.append(line)
            lines.append(f"  return {{ {', '.join(printer.named)} }};")
            texts.append("\n".join([f"function {name}Explained({header}, out, outAt) {{", *lines, "}"]))
        return texts, self.helpers

    def shared_function(self, jaxpr, name: str, out: Array) -> tuple[str, set[str]]:
        """A function of scalars that leaves its results in an array."""
        parameters, values = [], []
        for variable in jaxpr.jaxpr.invars:
            names = [self.names.fresh("x") for _ in range(_size(variable))]
            parameters += names
            values.append(scalars([Node(n) for n in names], variable.aval.shape, variable.aval.dtype))
        roots, offset = [], 0
        for value in self.evaluate(jaxpr.jaxpr, jaxpr.consts, values):
            roots += self._write(value, out.name, offset, "")
            offset += int(np.prod(value.shape, dtype=int))
        lines = self._print(roots).lines
        return "\n".join([f"function {name}({', '.join(parameters)}) {{", *lines, "}"]), self.helpers

    def call_shared(self, name: str, jaxpr, values) -> list:
        """Call it, and read its results before the next call writes over them."""
        function, out = self.module.shared_function(name, jaxpr)
        self.names.taken |= {function, out.name}
        operands = [
            self.as_number(self.element(value, k), value.dtype)
            for value in values
            for k in range(int(np.prod(value.shape, dtype=int)))
        ]
        call = self.statement(
            lambda printer: printer.line(f"{function}({', '.join(map(printer.text, operands))});"), *operands
        )
        results, offset = [], 0
        for variable, called in zip(jaxpr.jaxpr.outvars, self.module.shared[name], strict=True):
            size, shape, dtype = _size(variable), variable.aval.shape, np.dtype(variable.aval.dtype)
            view = View(out, np.arange(size).reshape(shape) + offset, dtype)
            nodes = [
                self.variable(
                    view.element(k).pattern.format(offset + k), called if shape == () else f"{called}_{k}", call
                )
                for k in range(size)
            ]
            results.append(scalars(nodes, shape, dtype))
            offset += size
        return results

    def _print(self, roots) -> Printer:
        printer = Printer(Names(self.names.taken), roots)
        printer.block(self.block)
        used = [array for array in self.arrays if id(array) in printer.needed]
        self.module.constants.extend(f"const {array.name} = new Float64Array({array.size});" for array in used)
        self.module.names.taken |= {array.name for array in used}
        return printer

    def _argument(self, leaf: Leaf, at: str):
        size = leaf.size
        if size > LARGEST_UNROLLED:
            index = np.arange(size).reshape(leaf.shape) + leaf.offset
            return View(Array(at, size), index, np.dtype(leaf.dtype), Node(f"{at}At"))
        test = " !== 0" if leaf.dtype == "bool" else ""
        nodes = [
            self.variable(
                f"{at}[{_position(f'{at}At', leaf.offset + k)}]{test}",
                leaf.name if leaf.shape == () or size == 1 else f"{leaf.name}_{k}",
            )
            for k in range(size)
        ]
        return scalars(nodes, leaf.shape, leaf.dtype)

    def _write(self, value, out: str, offset: int, base: str) -> list[Statement]:
        """Statements that write all elements to an output."""
        size = int(np.prod(value.shape, dtype=int))
        target = Array(out, size)
        if size > LARGEST_UNROLLED:
            read = self.reader(value)

            def body(i):
                position = Node(f"{_position(base, offset)} + {i.pattern}")
                return [self.store(target, position, self.as_number(read(i), value.dtype), own=False)]

            return [self.loop(size, body)]
        return [
            self.store(
                target,
                Node(_position(base, offset + k)),
                self.as_number(self.element(value, k), value.dtype),
                own=False,
            )
            for k in range(size)
        ]


def _read_once(jaxpr) -> Callable:
    """Whether a variable of a jaxpr is read by one equation only, each element once, where it can be computed."""
    readers = {}
    for eqn in jaxpr.eqns:
        for atom in eqn.invars:
            readers.setdefault(id(atom), []).append(eqn)
    for atom in jaxpr.outvars:
        readers.setdefault(id(atom), []).append(None)

    def once(variable) -> bool:
        found = readers.get(id(variable), [])
        if len(found) != 1 or found[0] is None:
            return False
        eqn = found[0]
        if eqn.primitive.name in REARRANGED:
            return _size(eqn.outvars[0]) == _size(variable) and once(eqn.outvars[0])
        return eqn.primitive.name in FUSED and eqn.primitive.name != "dot_general"

    return once


def _size(variable) -> int:
    return int(np.prod(variable.aval.shape, dtype=int))


def _known(value) -> Known:
    return Known(np.asarray(value))


def _position(base: str, offset: int) -> str:
    return " + ".join(part for part in (base, str(offset) if offset or not base else "") if part)


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


def _parameter_names(function, count: int) -> list[str]:
    try:
        known = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        known = []
    names = Names({"outAt"})
    return [names.fresh(known[k] if k < len(known) else f"x{k}") for k in range(count)]


def _layout(tree: Any, argument: str) -> tuple[Leaf, ...]:
    """Where each leaf of a pytree stands in its flat array, and what to call it."""
    leaves, offset = [], 0
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        dtype = leaf.dtype if hasattr(leaf, "dtype") else np.asarray(leaf).dtype
        if dtype.name not in NUMBERS:
            place = f"{argument or 'the result'}{jax.tree_util.keystr(path)}"
            raise CompileError(f"{place} is a {dtype.name}, which has no translation to JavaScript.")
        dtype = np.dtype(dtype)
        keys = [getattr(key, "name", getattr(key, "key", None)) for key in path]
        named = [key for key in keys if isinstance(key, str)]
        name = named[-1] if named else argument or "result"
        leaves.append(Leaf(name, jax.tree_util.keystr(path), np.shape(leaf), dtype.name, offset))
        offset += leaves[-1].size
    return tuple(leaves)
