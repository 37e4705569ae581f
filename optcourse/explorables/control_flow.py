"""Rules for primitives with jaxprs inside: calls, branches and loops."""

import re

import numpy as np
from jax.extend.core import ClosedJaxpr

from optcourse.explorables.code import PLUS, TIMES, Block, Node, Printer
from optcourse.explorables.indexing import contiguous
from optcourse.explorables.primitives import RULES, rule
from optcourse.explorables.random_primitives import uniform
from optcourse.explorables.values import LARGEST_UNROLLED, NUMBERS, Keys, Known, View, scalars


def _closed(jaxpr):
    """A jaxpr with its constants, whichever kind a primitive holds."""
    return jaxpr if hasattr(jaxpr, "jaxpr") else ClosedJaxpr(jaxpr, ())


@rule("jit", "pjit", "closed_call", "core_call", "remat", "checkpoint", "remat2", "custom_jvp_call", "custom_vjp_call")
def _call(low, eqn, *values):
    parameters = eqn.params
    inner = next(parameters[key] for key in ("jaxpr", "call_jaxpr", "fun_jaxpr") if key in parameters)
    inner = _closed(inner)
    if parameters.get("name") == "_uniform" and isinstance(values[0], Keys):
        return [uniform(low, eqn, *values)]
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
        if aval.dtype.name not in NUMBERS:
            raise low.unsupported(f"a {aval.dtype.name} that a branch or a loop changes")
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
            view = contiguous(low, view)
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
