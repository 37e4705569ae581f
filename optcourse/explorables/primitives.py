"""One rule for each JAX primitive: what it is in JavaScript.

A rule takes the lowering, the equation and the values of its operands, and returns the values of its results.
Equations whose operands are all known are computed at once by JAX itself.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from optcourse.explorables.code import (
    AND,
    BIT_AND,
    BIT_OR,
    BIT_XOR,
    CALL,
    CHOICE,
    COMPARE,
    EQUAL,
    OR,
    PLUS,
    SHIFT,
    TIMES,
    UNARY,
    Node,
    literal,
)
from optcourse.explorables.values import LARGEST_UNROLLED, Known, Scalars, View, scalars

RULES: dict[str, Callable] = {}


def rule(*names: str):
    """Register a function as the rule of these primitives."""

    def register(function):
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


def translate(low, eqn, values) -> list:
    """The results of one equation.

    Raises:
        CompileError: for a primitive without a rule.
    """
    name = eqn.primitive.name
    if name not in RULES:
        raise low.unsupported()
    if all(isinstance(value, Known) for value in values) and not _has_jaxpr(eqn):
        with jax.ensure_compile_time_eval():
            results = eqn.primitive.bind(*(jnp.asarray(value.array) for value in values), **eqn.params)
        results = results if eqn.primitive.multiple_results else [results]
        return [Known(np.asarray(result)) for result in results]
    results = RULES[name](low, eqn, *values)
    return results if isinstance(results, list) else [results]


def _has_jaxpr(eqn) -> bool:
    return any(hasattr(leaf, "eqns") or hasattr(leaf, "jaxpr") for leaf in jax.tree.leaves([*eqn.params.values()]))


def _is_float(dtype) -> bool:
    return np.dtype(dtype).name in ("float64", "float32", "float16", "bfloat16")


def _out(eqn):
    return eqn.outvars[0].aval.shape, np.dtype(eqn.outvars[0].aval.dtype)


# --- arithmetic -------------------------------------------------------------------------------------------------------


def arithmetic(low, dtype, symbol: str, x: Node, y: Node) -> Node:
    """`x + y` and its like, rounded to the dtype."""
    kind = np.dtype(dtype).name
    if symbol == "*" and kind in ("int32", "uint32"):
        return _wrapped(low, low.node("Math.imul({}, {})", x, y), kind)
    if symbol == "/" and not _is_float(dtype):
        return _wrapped(low, low.node("Math.trunc({} / {})", x, y, operand_binds=(TIMES, UNARY)), kind)
    if symbol == "+" and 0 in (x.value, y.value):  # as XLA has it
        return y if x.value == 0 else x
    if symbol == "*" and 1 in (x.value, y.value):
        return y if x.value == 1 else x
    if symbol == "*" and -1 in (x.value, y.value) and _is_float(dtype):
        return negative(low, y if x.value == -1 else x)
    binds = PLUS if symbol in "+-" else TIMES
    node = low.node(f"{{}} {symbol} {{}}", x, y, binds=binds, operand_binds=(binds, binds + 1))
    return low.rounded(node, dtype) if _is_float(dtype) else _wrapped(low, node, kind)


def _wrapped(low, node: Node, kind: str) -> Node:
    """An integer as it is after overflow; int64 is exact up to 2^53."""
    if kind not in _WRAPS:
        return node
    pattern, binds = _WRAPS[kind]
    return low.node(pattern, node, binds=binds, operand_binds=(binds,))


_WRAPS = {
    "int32": ("{} | 0", BIT_OR),
    "uint32": ("{} >>> 0", SHIFT),
    "int8": ("{} << 24 >> 24", SHIFT),
    "int16": ("{} << 16 >> 16", SHIFT),
    "uint8": ("{} & 255", BIT_AND),
    "uint16": ("{} & 65535", BIT_AND),
}


def _binary(symbol):
    def translate_binary(low, eqn, x, y):
        shape, dtype = _out(eqn)
        return low.elementwise([x, y], shape, dtype, lambda a, b: arithmetic(low, dtype, symbol, a, b))

    return translate_binary


for _name, _symbol in {"add": "+", "add_any": "+", "sub": "-", "mul": "*", "div": "/", "rem": "%"}.items():
    RULES[_name] = _binary(_symbol)


def negative(low, x: Node) -> Node:
    """`-x`"""
    return low.node("-{}", x, binds=UNARY, operand_binds=(CALL,))


@rule("neg")
def _neg(low, eqn, x):
    shape, dtype = _out(eqn)

    def make(a):
        node = negative(low, a)
        return node if _is_float(dtype) else _wrapped(low, node, dtype.name)

    return low.elementwise([x], shape, dtype, make)


def power(low, dtype, base: Node, exponent: int) -> Node:
    """A whole power by multiplication, as XLA has it."""
    if exponent == 0:
        return literal(1.0)
    if exponent < 0:
        return arithmetic(low, dtype, "/", literal(1.0), power(low, dtype, base, -exponent))
    result = None
    while exponent:
        if exponent & 1:
            result = base if result is None else arithmetic(low, dtype, "*", result, base)
        exponent >>= 1
        if exponent:
            base = arithmetic(low, dtype, "*", base, base)
    return result


@rule("integer_pow")
def _integer_pow(low, eqn, x):
    shape, dtype = _out(eqn)
    return low.elementwise([x], shape, dtype, lambda a: power(low, dtype, a, eqn.params["y"]))


@rule("square")
def _square(low, eqn, x):
    shape, dtype = _out(eqn)
    return low.elementwise([x], shape, dtype, lambda a: arithmetic(low, dtype, "*", a, a))


# --- functions --------------------------------------------------------------------------------------------------------

_MATH = "abs acos acosh asin asinh atan atanh cbrt ceil cos cosh exp expm1 floor log log1p sign sin sinh sqrt tan tanh"


def _function(pattern, helper=None):
    def translate_function(low, eqn, *values):
        shape, dtype = _out(eqn)

        def make(*operands):
            node = low.helper(helper, *operands) if helper else low.node(pattern, *operands)
            return low.rounded(node, dtype) if _is_float(dtype) else _wrapped(low, node, dtype.name)

        return low.elementwise(values, shape, dtype, make)

    return translate_function


for _name in _MATH.split():
    RULES[_name] = _function(f"Math.{_name}({{}})")
RULES["atan2"] = _function("Math.atan2({}, {})")
RULES["pow"] = _function("", "pow")
RULES["logistic"] = _function("", "logistic")
RULES["rsqrt"] = _function("1 / Math.sqrt({})")
RULES["exp2"] = _function("Math.pow(2, {})")
RULES["max"] = _function("Math.max({}, {})")
RULES["min"] = _function("Math.min({}, {})")


@rule("round")
def _round(low, eqn, x):
    shape, dtype = _out(eqn)
    to_even = int(eqn.params["rounding_method"]) == 1
    return low.elementwise([x], shape, dtype, lambda a: low.helper("roundEven" if to_even else "roundAway", a))


@rule("clamp")
def _clamp(low, eqn, smallest, x, largest):
    shape, dtype = _out(eqn)
    return low.elementwise(
        [smallest, x, largest], shape, dtype, lambda a, b, c: low.node("Math.min(Math.max({1}, {0}), {2})", a, b, c)
    )


@rule("is_finite")
def _is_finite(low, eqn, x):
    shape, dtype = _out(eqn)
    return low.elementwise([x], shape, dtype, lambda a: low.node("Number.isFinite({})", a))


# --- comparisons, logic, choice ---------------------------------------------------------------------------------------


def _comparison(symbol):
    binds = EQUAL if "=" in symbol and symbol[0] in "=!" else COMPARE

    def translate_comparison(low, eqn, x, y):
        shape, dtype = _out(eqn)

        def make(a, b):
            if binds == EQUAL and x.dtype.kind == "b" and (a.value is not None or b.value is not None):
                known, other = (a, b) if a.value is not None else (b, a)
                return other if known.value == (symbol == "===") else opposite(low, other)
            if binds == EQUAL and 0 in (a.value, b.value) and x.dtype.name in _FLUSHED:
                return _is_zero(low, b if a.value == 0 else a, x.dtype, symbol)
            return low.node(f"{{}} {symbol} {{}}", a, b, binds=binds, operand_binds=(binds + 1, binds + 1))

        return low.elementwise([x, y], shape, dtype, make)

    return translate_comparison


# XLA on a CPU takes subnormal numbers for zero: what is tested before a division must be so here.
_FLUSHED = {"float64": (), "float32": (2.0**-126,), "bfloat16": (2.0**-126,)}


def _is_zero(low, x: Node, dtype, symbol: str) -> Node:
    node = low.helper("isZero", x, *map(literal, _FLUSHED[dtype.name]))
    return node if symbol == "===" else opposite(low, node)


def opposite(low, x: Node) -> Node:
    """`!x`"""
    return low.node("!{}", x, binds=UNARY, operand_binds=(UNARY,))


for _name, _symbol in {"eq": "===", "ne": "!==", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}.items():
    RULES[_name] = _comparison(_symbol)


def _logic(on_bools, bools_bind, on_numbers, numbers_bind):
    def translate_logic(low, eqn, x, y):
        shape, dtype = _out(eqn)
        symbol, binds = (on_bools, bools_bind) if dtype.kind == "b" else (on_numbers, numbers_bind)

        def make(a, b):
            node = low.node(f"{{}} {symbol} {{}}", a, b, binds=binds, operand_binds=(binds + 1, binds + 1))
            return node if dtype.kind == "b" else _wrapped(low, node, dtype.name)

        return low.elementwise([x, y], shape, dtype, make)

    return translate_logic


RULES["and"] = _logic("&&", AND, "&", BIT_AND)
RULES["or"] = _logic("||", OR, "|", BIT_OR)
RULES["xor"] = _logic("!==", EQUAL, "^", BIT_XOR)


@rule("not")
def _not(low, eqn, x):
    shape, dtype = _out(eqn)

    def make(a):
        if dtype.kind == "b":
            return opposite(low, a)
        return _wrapped(low, low.node("~{}", a, binds=UNARY, operand_binds=(UNARY,)), dtype.name)

    return low.elementwise([x], shape, dtype, make)


def _shift(helper):
    def translate_shift(low, eqn, x, y):
        shape, dtype = _out(eqn)
        if dtype.name not in ("int32", "uint32"):
            raise low.unsupported(f"a shift of {dtype.name}")
        return low.elementwise([x, y], shape, dtype, lambda a, b: _wrapped(low, low.helper(helper, a, b), dtype.name))

    return translate_shift


for _name, _helper in (
    ("shift_left", "shiftLeft"),
    ("shift_right_logical", "shiftRightLogical"),
    ("shift_right_arithmetic", "shiftRightArithmetic"),
):
    RULES[_name] = _shift(_helper)


def choice(low, condition: Node, yes: Node, no: Node) -> Node:
    """`condition ? yes : no`"""
    return low.node("{} ? {} : {}", condition, yes, no, binds=CHOICE, operand_binds=(OR, CHOICE, CHOICE))


@rule("select_n")
def _select_n(low, eqn, which, *cases):
    shape, dtype = _out(eqn)
    if isinstance(which, Known) and which.shape == ():
        return cases[int(which.array)]

    def choose(selector, *options):
        if selector.value is not None:
            return options[int(selector.value)]
        if which.dtype.kind == "b":
            options = options[::-1]  # the case for true comes second
            return choice(low, selector, *options)
        result = options[-1]
        for number in range(len(options) - 2, -1, -1):
            result = low.node(
                f"{{}} === {number} ? {{}} : {{}}",
                selector,
                options[number],
                result,
                binds=CHOICE,
                operand_binds=(EQUAL + 1, CHOICE, CHOICE),
            )
        return result

    return low.elementwise([which, *cases], shape, dtype, choose)


# --- dtypes -----------------------------------------------------------------------------------------------------------


def converted(low, node: Node, old, new) -> Node:
    """A number of one dtype as another."""
    old, new = np.dtype(old), np.dtype(new)
    if old == new:
        return node
    if new.kind == "b":
        return low.node("{} !== 0", node, binds=EQUAL, operand_binds=(COMPARE,))
    if old.kind == "b":
        return low.as_number(node, bool)
    if _is_float(old) and not _is_float(new):
        return low.helper("toInteger", node, *map(literal, _range_of(new)))
    if _is_float(new):
        widens = _is_float(old) and jnp.promote_types(old, new) == new
        return node if widens else low.rounded(node, new)
    return _wrapped(low, node, new.name)


def _range_of(dtype):
    info = np.iinfo(dtype)
    return (info.min, info.max) if info.bits < 64 else (-(2**53), 2**53)


@rule("convert_element_type")
def _convert(low, eqn, x):
    shape, dtype = _out(eqn)
    if np.dtype(x.dtype) == dtype:
        return x
    return low.elementwise([x], shape, dtype, lambda a: converted(low, a, x.dtype, dtype))


@rule("reduce_precision")
def _reduce_precision(low, eqn, x):
    shape, dtype = _out(eqn)
    bits = eqn.params["exponent_bits"], eqn.params["mantissa_bits"]
    formats = {(11, 52): "float64", (8, 23): "float32", (5, 10): "float16", (8, 7): "bfloat16"}
    if bits not in formats:
        raise low.unsupported(f"reduce_precision to {bits[0]} exponent and {bits[1]} mantissa bits")
    return low.elementwise([x], shape, dtype, lambda a: low.rounded(a, jnp.dtype(formats[bits])))


@rule("copy", "copy_p", "stop_gradient", "optimization_barrier", "pvary", "sharding_constraint")
def _same(low, eqn, *values):
    return list(values)


# --- shapes: nothing is computed, elements are only named anew --------------------------------------------------------


@rule("reshape", "squeeze", "expand_dims")
def _reshape(low, eqn, x):
    return x.rearranged(lambda a: a.reshape(_out(eqn)[0]))


@rule("broadcast_in_dim")
def _broadcast_in_dim(low, eqn, x, *dynamic):
    shape, axes = eqn.params["shape"], eqn.params["broadcast_dimensions"]
    inner = [1] * len(shape)
    for axis, size in zip(axes, x.shape, strict=True):
        inner[axis] = size
    return x.rearranged(lambda a: np.broadcast_to(a.reshape(inner), shape))


@rule("slice")
def _slice(low, eqn, x):
    p = eqn.params
    strides = p["strides"] or (1,) * len(x.shape)
    cut = tuple(slice(*bounds) for bounds in zip(p["start_indices"], p["limit_indices"], strides, strict=True))
    return x.rearranged(lambda a: a[cut])


@rule("transpose")
def _transpose(low, eqn, x):
    return x.rearranged(lambda a: np.transpose(a, eqn.params["permutation"]))


@rule("rev")
def _rev(low, eqn, x):
    return x.rearranged(lambda a: np.flip(a, eqn.params["dimensions"]))


@rule("tile")
def _tile(low, eqn, x):
    return x.rearranged(lambda a: np.tile(a, eqn.params["reps"]))


@rule("split")
def _split(low, eqn, x):
    ends = np.cumsum(eqn.params["sizes"])[:-1]
    return [
        x.rearranged(lambda a, k=k: np.split(a, ends, axis=eqn.params["axis"])[k])
        for k in range(len(eqn.params["sizes"]))
    ]


def _joined(low, shape, dtype, parts):
    """An array of this shape out of (places, value) pairs, `places` being the flat positions of the elements."""
    size = int(np.prod(shape, dtype=int))
    if size <= LARGEST_UNROLLED:
        nodes = [None] * size
        for places, value in parts:
            for k, place in enumerate(places.reshape(-1)):
                nodes[place] = low.element(value, k)
        return scalars(nodes, shape, dtype)
    array = low.new_array(size, low.hint or "a")
    for places, value in parts:
        if not places.size:
            continue
        if isinstance(value, Scalars) and len({id(node) for node in value.nodes.flat}) > 1:
            for place, node in zip(places.reshape(-1).tolist(), value.nodes.reshape(-1), strict=True):
                low.store(array, literal(place), low.as_number(node, dtype))
            continue
        read = low.reader(value)
        table = low.positions(places.reshape(-1))

        def body(i, read=read, table=table):
            return [low.store(array, table(i), low.as_number(read(i), dtype), own=False)]

        array.needs.append(low.loop(places.size, body))
    return View(array, np.arange(size).reshape(shape), np.dtype(dtype))


@rule("concatenate")
def _concatenate(low, eqn, *values):
    shape, dtype = _out(eqn)
    axis = eqn.params["dimension"]
    positions = np.arange(int(np.prod(shape, dtype=int))).reshape(shape)
    ends = np.cumsum([value.shape[axis] for value in values])[:-1]
    return _joined(low, shape, dtype, list(zip(np.split(positions, ends, axis=axis), values, strict=True)))


@rule("stack")
def _stack(low, eqn, *values):
    shape, dtype = _out(eqn)
    positions = np.moveaxis(np.arange(int(np.prod(shape, dtype=int))).reshape(shape), eqn.params["axis"], 0)
    return _joined(low, shape, dtype, list(zip(positions, values, strict=True)))


@rule("unstack")
def _unstack(low, eqn, x):
    axis = eqn.params["axis"]
    return [x.rearranged(lambda a, k=k: np.take(a, k, axis)) for k in range(x.shape[axis])]


@rule("pad")
def _pad(low, eqn, x, filling):
    shape, dtype = _out(eqn)
    # Where each element of the operand ends up: pad its flat positions with -1.
    positions = np.asarray(
        jax.lax.pad(
            jnp.arange(int(np.prod(x.shape, dtype=int)), dtype=int).reshape(x.shape),
            jnp.asarray(-1, dtype=int),
            [tuple(map(int, edge)) for edge in eqn.params["padding_config"]],
        )
    )
    flat = positions.reshape(-1)
    inside, outside = np.flatnonzero(flat >= 0), np.flatnonzero(flat < 0)
    kept = x.rearranged(lambda a: a.reshape(-1)[flat[inside]])
    around = filling.rearranged(lambda a: np.broadcast_to(a.reshape(1), outside.shape))
    return _joined(low, shape, dtype, [(inside, kept), (outside, around)])


@rule("iota")
def _iota(low, eqn):  # always known, so that JAX itself computes it
    raise low.unsupported()


# --- sums and other reductions ----------------------------------------------------------------------------------------


def _reduction(start, combine):
    """`combine(low, dtype, accumulated, element)` over the axes of the equation."""

    def translate_reduction(low, eqn, x):
        shape, dtype = _out(eqn)
        axes = tuple(eqn.params["axes"])
        kept = [axis for axis in range(len(x.shape)) if axis not in axes]
        length = int(np.prod([x.shape[axis] for axis in axes], dtype=int))
        size = int(np.prod(shape, dtype=int))
        rows = x.rearranged(lambda a: np.transpose(a, [*kept, *axes]).reshape(size, length))
        if length <= LARGEST_UNROLLED:
            return low.elementwise(
                [rows.rearranged(lambda a, k=k: a[:, k].reshape(shape)) for k in range(length)]
                or [Known(np.zeros(shape))],
                shape,
                dtype,
                lambda *elements: _fold(low, dtype, combine, elements) if length else literal(start(dtype)),
            )
        start_, wanted = literal(start(dtype)), low.hint or "total"
        read = low.reader(rows)

        def step(row):  # of the sum of one row, `row` being what its first position is
            return lambda total, i: combine(low, dtype, total, read(low.plus(row, i)))

        if size <= LARGEST_UNROLLED:
            steps = [step(literal(row * length)) for row in range(size)]
            return scalars(low.accumulate(length, start_, steps, wanted), shape, dtype)
        array = low.new_array(size, wanted)

        def each_row(j: Node):
            (total,) = low.accumulate(length, start_, [step(low.times(length, j))], wanted)
            return [low.store(array, j, low.as_number(total, dtype), own=False)]

        array.needs.append(low.loop(size, each_row))
        return View(array, np.arange(size).reshape(shape), dtype)

    return translate_reduction


def _fold(low, dtype, combine, elements):
    total = elements[0]
    for element in elements[1:]:
        total = combine(low, dtype, total, element)
    return total


def _extreme(dtype, sign):
    return sign * np.inf if _is_float(dtype) else (np.iinfo(dtype).max if sign > 0 else np.iinfo(dtype).min)


RULES["reduce_sum"] = _reduction(lambda d: 0, lambda low, d, a, b: arithmetic(low, d, "+", a, b))
RULES["reduce_prod"] = _reduction(lambda d: 1, lambda low, d, a, b: arithmetic(low, d, "*", a, b))
RULES["reduce_max"] = _reduction(lambda d: _extreme(d, -1), lambda low, d, a, b: low.node("Math.max({}, {})", a, b))
RULES["reduce_min"] = _reduction(lambda d: _extreme(d, 1), lambda low, d, a, b: low.node("Math.min({}, {})", a, b))
RULES["reduce_and"] = _reduction(
    lambda d: True, lambda low, d, a, b: low.node("{} && {}", a, b, binds=AND, operand_binds=(AND, AND + 1))
)
RULES["reduce_or"] = _reduction(
    lambda d: False, lambda low, d, a, b: low.node("{} || {}", a, b, binds=OR, operand_binds=(OR, OR + 1))
)


def _arg_extreme(symbol):
    def translate_arg_extreme(low, eqn, x):
        shape, dtype = _out(eqn)
        (axis,) = eqn.params["axes"]
        length = x.shape[axis]
        lanes = [x.rearranged(lambda a, k=k: np.take(a, k, axis=axis)) for k in range(length)]

        def make(*elements):
            best, place = elements[0], literal(0)
            for k, element in enumerate(elements[1:], start=1):
                better = low.node(
                    f"{{}} {symbol} {{}} || {{}} !== {{}} && {{}} === {{}}",
                    *(element, best, element, element, best, best),
                    binds=OR,
                    operand_binds=(COMPARE + 1,) * 6,
                )  # the first nan wins, as in NumPy
                place, best = choice(low, better, literal(k), place), choice(low, better, element, best)
            return place

        return low.elementwise(lanes, shape, dtype, make)

    return translate_arg_extreme


RULES["argmax"], RULES["argmin"] = _arg_extreme(">"), _arg_extreme("<")


def _cumulative(combine):
    def translate_cumulative(low, eqn, x):
        axis, length = eqn.params["axis"], x.shape[eqn.params["axis"]]
        order = range(length - 1, -1, -1) if eqn.params["reverse"] else range(length)
        lanes, total = {}, None
        for k in order:
            lane = x.rearranged(lambda a, k=k: np.take(a, [k], axis=axis))
            if total is not None:
                lane = low.elementwise([total, lane], lane.shape, x.dtype, lambda a, b: combine(low, x.dtype, a, b))
            lanes[k] = total = lane
        shape, dtype = _out(eqn)
        positions = np.arange(int(np.prod(shape, dtype=int))).reshape(shape)
        return _joined(low, shape, dtype, [(np.take(positions, [k], axis=axis), lanes[k]) for k in range(length)])

    return translate_cumulative


RULES["cumsum"] = _cumulative(lambda low, d, a, b: arithmetic(low, d, "+", a, b))
RULES["cumprod"] = _cumulative(lambda low, d, a, b: arithmetic(low, d, "*", a, b))
RULES["cummax"] = _cumulative(lambda low, d, a, b: low.node("Math.max({}, {})", a, b))
RULES["cummin"] = _cumulative(lambda low, d, a, b: low.node("Math.min({}, {})", a, b))


@rule("dot_general")
def _dot_general(low, eqn, x, y):
    shape, dtype = _out(eqn)
    (x_sum, y_sum), (x_batch, y_batch) = eqn.params["dimension_numbers"]
    x_free = [axis for axis in range(len(x.shape)) if axis not in (*x_sum, *x_batch)]
    y_free = [axis for axis in range(len(y.shape)) if axis not in (*y_sum, *y_batch)]
    length = int(np.prod([x.shape[axis] for axis in x_sum], dtype=int))
    batch = [x.shape[axis] for axis in x_batch]
    x_shape, y_shape = [x.shape[axis] for axis in x_free], [y.shape[axis] for axis in y_free]
    # Both operands with the axes of the result first and the summed ones last.
    left = x.rearranged(
        lambda a: np.broadcast_to(
            np.transpose(a, [*x_batch, *x_free, *x_sum]).reshape([*batch, *x_shape, *[1] * len(y_shape), length]),
            [*shape, length],
        )
    )
    right = y.rearranged(
        lambda a: np.broadcast_to(
            np.transpose(a, [*y_batch, *y_free, *y_sum]).reshape([*batch, *[1] * len(x_shape), *y_shape, length]),
            [*shape, length],
        )
    )
    total = None
    if length > 64:
        raise low.unsupported(f"a product that sums over {length} elements")
    for k in range(length):  # one after the other, as an accumulator has it
        lanes = [side.rearranged(lambda a, k=k: a[..., k]) for side in (left, right)]
        lanes = [converted_array(low, lane, dtype) for lane in lanes]
        last = None if k == length - 1 else True  # all that comes before it is read once
        first = last if total is None else True
        product = low.elementwise(lanes, shape, dtype, lambda a, b: arithmetic(low, dtype, "*", a, b), fuse=first)
        if total is None:
            total = product
            continue
        both = [total, product]
        total = low.elementwise(both, shape, dtype, lambda a, b: arithmetic(low, dtype, "+", a, b), fuse=last)
    return total if total is not None else Known(np.zeros(shape, dtype))


def converted_array(low, value, dtype):
    """A whole value as another dtype."""
    if np.dtype(value.dtype) == dtype:
        return value
    return low.elementwise([value], value.shape, dtype, lambda a: converted(low, a, value.dtype, dtype))
