"""Rules for what is computed along axes: sums, extremes, running sums, order, products of matrices."""

import numpy as np

from optcourse.explorables.array_primitives import joined
from optcourse.explorables.code import AND, COMPARE, OR, Array, Node, literal
from optcourse.explorables.primitives import RULES, arithmetic, choice, converted, is_float, result_of, rule
from optcourse.explorables.values import LARGEST_UNROLLED, Known, View, scalars

# --- sums and other reductions ----------------------------------------------------------------------------------------


def _reduction(start, combine):
    """`combine(low, dtype, accumulated, element)` over the axes of the equation."""

    def reduced(low, x, shape, dtype, axes):
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

    return reduced


def _reduction_rule(reduced):
    return lambda low, eqn, x: reduced(low, x, *result_of(eqn), tuple(eqn.params["axes"]))


def _fold(low, dtype, combine, elements):
    total = elements[0]
    for element in elements[1:]:
        total = combine(low, dtype, total, element)
    return total


def _extreme(dtype, sign):
    return sign * np.inf if is_float(dtype) else (np.iinfo(dtype).max if sign > 0 else np.iinfo(dtype).min)


_sum = _reduction(lambda d: 0, lambda low, d, a, b: arithmetic(low, d, "+", a, b))
RULES["reduce_sum"] = _reduction_rule(_sum)
RULES["reduce_prod"] = _reduction_rule(_reduction(lambda d: 1, lambda low, d, a, b: arithmetic(low, d, "*", a, b)))
for _name, _sign in {"max": -1, "min": 1}.items():
    RULES[f"reduce_{_name}"] = _reduction_rule(
        _reduction(
            lambda d, sign=_sign: _extreme(d, sign),
            lambda low, d, a, b, name=_name: low.node(f"Math.{name}({{}}, {{}})", a, b),
        )
    )
for _name, _first, _symbol, _binds in (("and", True, "&&", AND), ("or", False, "||", OR)):
    RULES[f"reduce_{_name}"] = _reduction_rule(
        _reduction(
            lambda d, first=_first: first,
            lambda low, d, a, b, symbol=_symbol, binds=_binds: low.node(
                f"{{}} {symbol} {{}}", a, b, binds=binds, operand_binds=(binds, binds + 1)
            ),
        )
    )


# --- what runs along an axis ------------------------------------------------------------------------------------------


def _arg_extreme(symbol):
    def translate_arg_extreme(low, eqn, x):
        shape, dtype = result_of(eqn)
        (axis,) = eqn.params["axes"]
        length = x.shape[axis]
        if length > LARGEST_UNROLLED:
            array = _in_lanes(low, x, axis)
            size, sign = int(np.prod(shape, dtype=int)), 1 if symbol == ">" else -1

            def place(j):
                start = low.times(length, j).pattern
                return low.helper("placeOfMost", Node(f"{array.name}, {start}, {length}, {sign}", needs=[array]))

            if size <= LARGEST_UNROLLED:
                return scalars([place(literal(j)) for j in range(size)], shape, dtype)
            found = low.new_array(size, low.hint or "places")
            found.needs.append(low.loop(size, lambda j: [low.store(found, j, place(j), own=False)]))
            return View(found, np.arange(size).reshape(shape), dtype)
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
        if length > LARGEST_UNROLLED:
            return _accumulated(low, x, axis, eqn.params["reverse"], combine)
        order = range(length - 1, -1, -1) if eqn.params["reverse"] else range(length)
        lanes, total = {}, None
        for k in order:
            lane = x.rearranged(lambda a, k=k: np.take(a, [k], axis=axis))
            if total is not None:
                lane = low.elementwise([total, lane], lane.shape, x.dtype, lambda a, b: combine(low, x.dtype, a, b))
            lanes[k] = total = lane
        shape, dtype = result_of(eqn)
        positions = np.arange(int(np.prod(shape, dtype=int))).reshape(shape)
        return joined(low, shape, dtype, [(np.take(positions, [k], axis=axis), lanes[k]) for k in range(length)])

    return translate_cumulative


def _in_lanes(low, x, axis) -> Array:
    """A copy of the array with this axis last, so that what lies along it lies side by side."""
    read = low.reader(x.rearranged(lambda a: np.moveaxis(a, axis, -1).reshape(-1)))
    array = low.new_array(int(np.prod(x.shape, dtype=int)), low.hint or "lanes")
    array.needs.append(
        low.loop(array.size, lambda i: [low.store(array, i, low.as_number(read(i), x.dtype), own=False)])
    )
    return array


def _out_of_lanes(array: Array, shape, dtype, axis: int) -> View:
    """The array whose axis lies last in `array`."""
    moved = [*(size for k, size in enumerate(shape) if k != axis), shape[axis]]
    return View(array, np.moveaxis(np.arange(array.size).reshape(moved), -1, axis), np.dtype(dtype))


def _accumulated(low, x, axis, reverse, combine):
    """Each element combined with the sum, or what it is, of those before it, in a loop."""
    turn = (lambda a: np.flip(a, axis)) if reverse else (lambda a: a)
    array = _in_lanes(low, x.rearranged(turn), axis)
    length = x.shape[axis]

    def lane(j):
        start = low.times(length, j).pattern
        start = "" if start == "0" else f"{start} + "

        def body(i):
            before, here = (Node(f"{array.name}[{start}{i.pattern}{more}]") for more in ("", " + 1"))
            return [low.store(array, Node(f"{start}{i.pattern} + 1"), combine(low, x.dtype, before, here), own=False)]

        return [low.loop(length - 1, body)]

    lanes = array.size // length
    array.needs.append(low.loop(lanes, lane) if lanes > 1 else lane(literal(0))[0])
    return _out_of_lanes(array, x.shape, x.dtype, axis).rearranged(turn)


RULES["cumsum"] = _cumulative(lambda low, d, a, b: arithmetic(low, d, "+", a, b))
RULES["cumprod"] = _cumulative(lambda low, d, a, b: arithmetic(low, d, "*", a, b))
RULES["cummax"] = _cumulative(lambda low, d, a, b: low.node("Math.max({}, {})", a, b))
RULES["cummin"] = _cumulative(lambda low, d, a, b: low.node("Math.min({}, {})", a, b))


@rule("sort")
def _sort(low, eqn, *values):
    """Neighbours change places until all are in order; other operands move with the first."""
    axis, length = eqn.params["dimension"], values[0].shape[eqn.params["dimension"]]
    if length > LARGEST_UNROLLED and len(values) == 1:
        array = _in_lanes(low, values[0], axis)
        each = f"for (let at = 0; at < {array.size}; at += {length}) {array.name}.subarray(at, at + {length}).sort();"
        array.needs.append(low.statement(lambda printer: printer.line(each)))
        return [_out_of_lanes(array, values[0].shape, values[0].dtype, axis)]
    if length > LARGEST_UNROLLED or eqn.params["num_keys"] != 1:
        raise low.unsupported(f"a sort of more than {LARGEST_UNROLLED} numbers, or by several keys,")
    lanes = [[v.rearranged(lambda a, k=k: np.take(a, [k], axis=axis)) for k in range(length)] for v in values]

    def wrong(a, b):  # nan comes last
        if not is_float(values[0].dtype):
            return low.node("{} < {}", b, a, binds=COMPARE, operand_binds=(COMPARE + 1,) * 2)
        binds = (COMPARE + 1,) * 4
        return low.node("{} < {} || {} !== {}", b, a, a, a, binds=OR, operand_binds=binds)

    for end in range(length - 1, 0, -1):
        for k in range(end):
            keys = lanes[0][k], lanes[0][k + 1]
            swap = low.elementwise(keys, keys[0].shape, np.dtype(bool), wrong)
            for lane, value in zip(lanes, values, strict=True):
                three = [swap, lane[k], lane[k + 1]]
                lane[k] = low.elementwise(three, swap.shape, value.dtype, lambda s, a, b: choice(low, s, b, a))
                lane[k + 1] = low.elementwise(three, swap.shape, value.dtype, lambda s, a, b: choice(low, s, a, b))
    shape = values[0].shape
    positions = np.arange(int(np.prod(shape, dtype=int))).reshape(shape)
    places = [np.take(positions, [k], axis=axis) for k in range(length)]
    return [
        joined(low, shape, np.dtype(value.dtype), list(zip(places, lane, strict=True)))
        for value, lane in zip(values, lanes, strict=True)
    ]


@rule("dot_general")
def _dot_general(low, eqn, x, y):
    shape, dtype = result_of(eqn)
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
    if length > 64 and is_float(dtype) and dtype.itemsize > 2:
        products = low.elementwise(
            [left, right], (*shape, length), dtype, lambda a, b: arithmetic(low, dtype, "*", a, b), fuse=True
        )
        return _sum(low, products, shape, dtype, (len(shape),))
    if length > 64:
        raise low.unsupported(f"a product that sums over {length} numbers in half precision, or whole ones,")
    # As XLA has it: products in half precision are added up in single precision, and rounded once.
    inner = np.dtype("float32") if is_float(dtype) and dtype.itemsize == 2 else dtype
    for k in range(length):  # one after the other, as an accumulator has it
        lanes = [side.rearranged(lambda a, k=k: a[..., k]) for side in (left, right)]
        lanes = [converted_array(low, lane, inner) for lane in lanes]
        last = None if k == length - 1 and inner == dtype else True  # all that comes before it is read once
        first = last if total is None else True
        product = low.elementwise(lanes, shape, inner, lambda a, b: arithmetic(low, inner, "*", a, b), fuse=first)
        if total is None:
            total = product
            continue
        both = [total, product]
        total = low.elementwise(both, shape, inner, lambda a, b: arithmetic(low, inner, "+", a, b), fuse=last)
    return converted_array(low, total, dtype) if total is not None else Known(np.zeros(shape, dtype))


def converted_array(low, value, dtype):
    """A whole value as another dtype."""
    if np.dtype(value.dtype) == dtype:
        return value
    return low.elementwise([value], value.shape, dtype, lambda a: converted(low, a, value.dtype, dtype))
