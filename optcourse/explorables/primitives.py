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
from optcourse.explorables.values import Known

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
    own = (_has_jaxpr(eqn) and not _is_loop_of_numbers(eqn)) or name.startswith(("random_", "empty"))
    if all(isinstance(value, Known) for value in values) and not own:
        with jax.ensure_compile_time_eval():
            results = eqn.primitive.bind(*(jnp.asarray(value.array) for value in values), **eqn.params)
        results = results if eqn.primitive.multiple_results else [results]
        return [Known(np.asarray(result)) for result in results]
    results = RULES[name](low, eqn, *values)
    return results if isinstance(results, list) else [results]


def _is_loop_of_numbers(eqn) -> bool:
    """Whether this is a loop that JAX can run now, if it is told the numbers; random keys have rules of their own."""
    numbers = all(isinstance(variable.aval.dtype, np.dtype) for variable in eqn.outvars)
    return eqn.primitive.name in ("scan", "while") and numbers


def _has_jaxpr(eqn) -> bool:
    return any(hasattr(leaf, "eqns") or hasattr(leaf, "jaxpr") for leaf in jax.tree.leaves([*eqn.params.values()]))


def is_float(dtype) -> bool:
    """Whether these are numbers that are rounded."""
    return np.dtype(dtype).name in ("float64", "float32", "float16", "bfloat16")


def result_of(eqn):
    """Shape and dtype of the (first) result of an equation; random keys keep JAX's dtype."""
    aval = eqn.outvars[0].aval
    return aval.shape, np.dtype(aval.dtype) if isinstance(aval.dtype, np.dtype) else aval.dtype


# --- arithmetic -------------------------------------------------------------------------------------------------------


def arithmetic(low, dtype, symbol: str, x: Node, y: Node) -> Node:
    """`x + y` and its like, rounded to the dtype."""
    kind = np.dtype(dtype).name
    if symbol == "*" and kind in ("int32", "uint32"):
        return _wrapped(low, low.node("Math.imul({}, {})", x, y), kind)
    if symbol == "/" and not is_float(dtype):
        return _wrapped(low, low.node("Math.trunc({} / {})", x, y, operand_binds=(TIMES, UNARY)), kind)
    if symbol == "+" and 0 in (x.value, y.value):  # as XLA has it
        return y if x.value == 0 else x
    if symbol == "*" and 1 in (x.value, y.value):
        return y if x.value == 1 else x
    if symbol == "*" and -1 in (x.value, y.value) and is_float(dtype):
        return negative(low, y if x.value == -1 else x)
    binds = PLUS if symbol in "+-" else TIMES
    node = low.node(f"{{}} {symbol} {{}}", x, y, binds=binds, operand_binds=(binds, binds + 1))
    return low.rounded(node, dtype) if is_float(dtype) else _wrapped(low, node, kind)


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
        shape, dtype = result_of(eqn)
        return low.elementwise([x, y], shape, dtype, lambda a, b: arithmetic(low, dtype, symbol, a, b))

    return translate_binary


for _name, _symbol in {"add": "+", "add_any": "+", "sub": "-", "mul": "*", "rem": "%"}.items():
    RULES[_name] = _binary(_symbol)


@rule("div")
def _div(low, eqn, x, y):
    shape, dtype = result_of(eqn)
    if x.shape != () and y.shape == () and dtype.name in ("float32", "float16"):
        # As XLA has it: a whole array is multiplied by the reciprocal, which is rounded. Not in bfloat16; in double
        # precision too, where nobody sees it, and a quotient reads better.
        reciprocal = low.elementwise([y], (), dtype, lambda b: arithmetic(low, dtype, "/", literal(1), b))
        return low.elementwise([x, reciprocal], shape, dtype, lambda a, b: arithmetic(low, dtype, "*", a, b))
    return _binary("/")(low, eqn, x, y)


def negative(low, x: Node) -> Node:
    """`-x`"""
    return low.node("-{}", x, binds=UNARY, operand_binds=(CALL,))


@rule("neg")
def _neg(low, eqn, x):
    shape, dtype = result_of(eqn)

    def make(a):
        node = negative(low, a)
        return node if is_float(dtype) else _wrapped(low, node, dtype.name)

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
    shape, dtype = result_of(eqn)
    return low.elementwise([x], shape, dtype, lambda a: power(low, dtype, a, eqn.params["y"]))


@rule("square")
def _square(low, eqn, x):
    shape, dtype = result_of(eqn)
    return low.elementwise([x], shape, dtype, lambda a: arithmetic(low, dtype, "*", a, a))


# --- functions --------------------------------------------------------------------------------------------------------

_MATH = "abs acos acosh asin asinh atan atanh cbrt ceil cos cosh exp expm1 floor log log1p sign sin sinh sqrt tan tanh"


def _function(pattern, helper=None):
    def translate_function(low, eqn, *values):
        shape, dtype = result_of(eqn)

        def make(*operands):
            node = low.helper(helper, *operands) if helper else low.node(pattern, *operands)
            return low.rounded(node, dtype) if is_float(dtype) else _wrapped(low, node, dtype.name)

        return low.elementwise(values, shape, dtype, make)

    return translate_function


for _name in _MATH.split():
    RULES[_name] = _function(f"Math.{_name}({{}})")
RULES["atan2"] = _function("Math.atan2({}, {})")
RULES["pow"] = _function("", "pow")
RULES["erf"] = _function("", "erf")
RULES["erfc"] = _function("", "erfc")
RULES["erf_inv"] = _function("", "erfInverse")
RULES["rsqrt"] = _function("1 / Math.sqrt({})")
RULES["max"] = _function("Math.max({}, {})")
RULES["min"] = _function("Math.min({}, {})")


@rule("logistic")
def _logistic(low, eqn, x):
    shape, dtype = result_of(eqn)

    def make(a):
        if dtype.itemsize == 8:
            return low.helper("logistic", a)
        exponential = low.rounded(low.node("Math.exp({})", negative(low, a)), dtype)
        return arithmetic(low, dtype, "/", literal(1), arithmetic(low, dtype, "+", literal(1), exponential))

    return low.elementwise([x], shape, dtype, make)


@rule("exp2")
def _exp2(low, eqn, x):
    shape, dtype = result_of(eqn)

    def make(a):
        if dtype.itemsize > 2:
            return low.rounded(low.node("Math.pow(2, {})", a), dtype)
        exponent = arithmetic(low, dtype, "*", a, low.rounded(literal(np.log(2).item()), dtype))  # as XLA has it
        return low.rounded(low.node("Math.exp({})", exponent), dtype)

    return low.elementwise([x], shape, dtype, make)


@rule("round")
def _round(low, eqn, x):
    shape, dtype = result_of(eqn)
    to_even = int(eqn.params["rounding_method"]) == 1
    return low.elementwise([x], shape, dtype, lambda a: low.helper("roundEven" if to_even else "roundAway", a))


@rule("clamp")
def _clamp(low, eqn, smallest, x, largest):
    shape, dtype = result_of(eqn)
    return low.elementwise(
        [smallest, x, largest], shape, dtype, lambda a, b, c: low.node("Math.min(Math.max({1}, {0}), {2})", a, b, c)
    )


@rule("is_finite")
def _is_finite(low, eqn, x):
    shape, dtype = result_of(eqn)
    return low.elementwise([x], shape, dtype, lambda a: low.node("Number.isFinite({})", a))


# --- comparisons, logic, choice ---------------------------------------------------------------------------------------


def _comparison(symbol):
    binds = EQUAL if "=" in symbol and symbol[0] in "=!" else COMPARE

    def translate_comparison(low, eqn, x, y):
        shape, dtype = result_of(eqn)

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


@rule("lt_to", "le_to")
def _in_total_order(low, eqn, x, y):
    """Nan is larger than all else; zeros of both signs count as equal."""
    shape, dtype = result_of(eqn)
    strict = eqn.primitive.name == "lt_to"

    def make(a, b):
        pattern, operands = ("{} < {}", (a, b)) if strict else ("{} <= {}", (a, b))
        if is_float(x.dtype):
            pattern, operands = f"{pattern} || {{}} !== {{}}", (*operands, b, b)
        if is_float(x.dtype) and strict:
            pattern, operands = f"{pattern} && {{}} === {{}}", (*operands, a, a)
        binds = OR if is_float(x.dtype) else COMPARE
        return low.node(pattern, *operands, binds=binds, operand_binds=(COMPARE + 1,) * len(operands))

    return low.elementwise([x, y], shape, dtype, make)


def _logic(on_bools, bools_bind, on_numbers, numbers_bind):
    def translate_logic(low, eqn, x, y):
        shape, dtype = result_of(eqn)
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
    shape, dtype = result_of(eqn)

    def make(a):
        if dtype.kind == "b":
            return opposite(low, a)
        return _wrapped(low, low.node("~{}", a, binds=UNARY, operand_binds=(UNARY,)), dtype.name)

    return low.elementwise([x], shape, dtype, make)


def _shift(helper):
    def translate_shift(low, eqn, x, y):
        shape, dtype = result_of(eqn)
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
    shape, dtype = result_of(eqn)
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
    if is_float(old) and not is_float(new):
        return low.helper("toInteger", node, *map(literal, _range_of(new)))
    if is_float(new):
        widens = is_float(old) and jnp.promote_types(old, new) == new
        if old.name == "float64" and new.itemsize == 2:  # as XLA has it, which rounds halfway cases twice
            node = low.rounded(node, "float32")
        return node if widens else low.rounded(node, new)
    return _wrapped(low, node, new.name)


def _range_of(dtype):
    info = np.iinfo(dtype)
    return (info.min, info.max) if info.bits < 64 else (-(2**53), 2**53)


@rule("convert_element_type")
def _convert(low, eqn, x):
    shape, dtype = result_of(eqn)
    if np.dtype(x.dtype) == dtype:
        return x
    return low.elementwise([x], shape, dtype, lambda a: converted(low, a, x.dtype, dtype))


@rule("reduce_precision")
def _reduce_precision(low, eqn, x):
    shape, dtype = result_of(eqn)
    exponent, mantissa = eqn.params["exponent_bits"], eqn.params["mantissa_bits"]
    own = jnp.finfo(dtype)
    mantissa, bias = min(mantissa, own.nmant), 2 ** (exponent - 1) - 1
    narrower = exponent < own.nexp
    if mantissa == own.nmant and not narrower:
        return x
    if not narrower:
        bias = 2 ** (own.nexp - 1) - 1
    largest = (2.0 - 2.0**-mantissa) * 2.0**bias
    least = 2.0 ** (1 - bias) if narrower else 0.0  # as XLA has it: no subnormal numbers in a narrower range
    given = [*map(literal, (mantissa, 2 - 2 ** (own.nexp - 1), largest, least))]
    return low.elementwise([x], shape, dtype, lambda a: low.helper("reducePrecision", a, *given))


@rule("copy", "copy_p", "device_put", "stop_gradient", "optimization_barrier", "pvary", "sharding_constraint")
def _same(low, eqn, *values):
    return list(values)
