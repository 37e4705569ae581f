"""A jaxpr as JavaScript: the walk over its equations, and the function around them."""

from collections.abc import Callable

import numpy as np

from optcourse.explorables import sources
from optcourse.explorables.builder import Builder
from optcourse.explorables.code import Array, Block, Names, Node, Printer, Statement
from optcourse.explorables.primitives import translate
from optcourse.explorables.values import LARGEST_UNROLLED, NUMBERS, THREEFRY, CompileError, Leaf, View, known, scalars

# Equations on large arrays that share one loop where the one reads what the other makes; and what may stand between.
_FUSED = (
    "add add_any sub mul div rem neg square integer_pow pow sqrt rsqrt cbrt exp exp2 expm1 log log1p sin cos tan tanh "
    "logistic abs sign floor ceil round max min clamp is_finite eq ne lt le gt ge and or xor not select_n "
    "convert_element_type dot_general reduce_sum reduce_prod reduce_max reduce_min reduce_and reduce_or"
)
FUSED = frozenset(_FUSED.split())
REARRANGED = {"reshape", "squeeze", "expand_dims", "transpose", "rev", "broadcast_in_dim"}


class Lowering(Builder):
    """Translates one jaxpr."""

    def evaluate(self, jaxpr, constants, arguments) -> list:
        """Translate the equations of a jaxpr for these values; returns its results."""
        values = dict(zip(map(id, jaxpr.constvars), map(known, constants), strict=True))
        values.update(zip(map(id, jaxpr.invars), arguments, strict=True))

        def read(atom):
            return known(atom.val) if hasattr(atom, "val") else values[id(atom)]

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
                if variable.aval.dtype.name not in NUMBERS | {THREEFRY}:
                    raise self.unsupported(f"a {variable.aval.dtype.name}, as {eqn.primitive.name!r} makes it,")
            results = translate(self, eqn, [read(atom) for atom in eqn.invars])
            values.update(zip(map(id, eqn.outvars), results, strict=True))
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


def _position(base: str, offset: int) -> str:
    return " + ".join(part for part in (base, str(offset) if offset or not base else "") if part)
