"""Lower precisions in the compiled functions: every operation rounded as IEEE 754 has it, to the bit."""

from functools import cache

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from javascript import Task, run_tasks
from jax import lax

from optcourse.arrays import double_precision
from optcourse.explorables import Module

LOW = ("float32", "float16", "bfloat16")
OPERATIONS = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "rem": np.fmod}
SIZE = 6000

every_dtype = pytest.mark.parametrize("dtype", LOW)


def smallest_normal(dtype) -> float:
    return float(ml_dtypes.finfo(dtype).smallest_normal)


@cache
def operands(dtype):
    """Two lists of numbers of this dtype: any bits at all, ordinary ones, neighbours, and the ends of the range."""
    rng, kind = np.random.default_rng(0), jnp.dtype(dtype)
    bits = np.dtype(f"uint{8 * kind.itemsize}")
    any_bits = rng.integers(0, np.iinfo(bits).max, (2, SIZE // 2), dtype=bits, endpoint=True).view(kind)
    ordinary = rng.normal(size=(2, SIZE // 4)).astype(kind)
    near = rng.normal(size=SIZE // 8).astype(kind)
    neighbours = np.stack([near, (near.view(bits) + rng.integers(0, 3, near.size).astype(bits)).view(kind)])
    info = ml_dtypes.finfo(kind)
    ends = [0.0, -0.0, 1.0, -1.0, 1.5, 3.0, np.inf, -np.inf, np.nan]
    ends = [kind.type(x) for x in (*ends, info.max, info.min, info.tiny, info.smallest_subnormal, 1 + info.eps)]
    table = np.stack([grid.reshape(-1) for grid in np.meshgrid(np.array(ends, kind), np.array(ends, kind))])
    return np.concatenate([any_bits, ordinary, neighbours, table], axis=1)


def rounded(x, dtype):
    """Doubles rounded to the nearest number of a dtype, ties to even, in one go and by another way than numbers.js."""
    info = ml_dtypes.finfo(dtype)
    with np.errstate(invalid="ignore"):
        _, exponent = np.frexp(x)
        last_bit = np.maximum(exponent - info.nmant - 1, int(info.minexp) - info.nmant)
        nearest = np.ldexp(np.rint(np.ldexp(x, -last_bit)), last_bit)
        nearest = np.where(np.abs(nearest) > float(info.max), np.copysign(np.inf, x), nearest)
    return np.where(np.isfinite(x), nearest, x)


@cache
def doubles():
    """Doubles that are hard to round: halfway between two numbers of a lower precision, and beside that."""
    rng = np.random.default_rng(1)
    numbers = [np.ldexp(rng.normal(size=500), rng.integers(-160, 130, 500)), np.ldexp(rng.normal(size=500), -14)]
    for dtype in LOW:
        kind = jnp.dtype(dtype)
        near = rng.normal(size=300).astype(kind)
        scale = 2.0 ** rng.choice([0, 0, int(ml_dtypes.finfo(kind).minexp), int(ml_dtypes.finfo(kind).maxexp) - 2], 300)
        gap = np.abs(near.astype(float)) * float(ml_dtypes.finfo(kind).eps)
        half = rounded(near.astype(float), dtype) + np.ldexp(0.5, np.frexp(gap)[1] - 1) * 1.0
        numbers += [half * scale, np.nextafter(half, 9) * scale, np.nextafter(half, -9) * scale]
    numbers += [np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 65504.0, 65519.99, 65520.0, -65520.0, 1e-320, 2.0**-25])]
    return np.concatenate(numbers)


@cache
def javascript():
    """Every operation and conversion, in one process."""
    module, tasks = Module(), {}
    with double_precision():
        for dtype in LOW:
            left, right = operands(dtype)
            for name in OPERATIONS:
                compiled = module.add(getattr(lax, name), left, right, name=f"{name}_{dtype}")
                tasks[name, dtype] = Task(compiled, (left.astype(float)[None], right.astype(float)[None]))
            compiled = module.add(lax.sqrt, left, name=f"sqrt_{dtype}")
            tasks["sqrt", dtype] = Task(compiled, (left.astype(float)[None],))
            for other in (*LOW, "float64"):
                values = doubles() if other == "float64" else operands(other)[0]
                compiled = module.add(lambda x, to=dtype: x.astype(to), values, name=f"{other}_to_{dtype}")
                tasks[other, dtype] = Task(compiled, (values.astype(float)[None],))
    return {key: out[0, 0] for key, out in zip(tasks, run_tasks(module, [*tasks.values()]), strict=True)}


def same_bits(mine, right):
    """Equal, nan where the other is nan, and zeros of one sign."""
    right = np.asarray(right).astype(float)
    np.testing.assert_array_equal(mine, right)
    numbers = ~np.isnan(right)
    np.testing.assert_array_equal(np.signbit(mine[numbers]), np.signbit(right[numbers]))


@every_dtype
@pytest.mark.parametrize("name", [*OPERATIONS, "sqrt"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_operations_are_rounded_correctly(name, dtype):
    """As NumPy and ml_dtypes have it, for any operands; as XLA has it, which takes subnormal numbers for zero."""
    left, right = operands(dtype)
    given = (left,) if name == "sqrt" else (left, right)
    mine = javascript()[name, dtype]
    numpys = np.sqrt(left) if name == "sqrt" else OPERATIONS[name](left, right)
    assert numpys.dtype == jnp.dtype(dtype)
    same_bits(mine, numpys)
    with double_precision():
        jaxs = np.asarray(jax.jit(getattr(lax, name))(*given))
    flushed = np.any([is_subnormal(x, dtype) for x in (*given, numpys)], axis=0) & (dtype != "float16")
    assert flushed.mean() < 0.1
    same_bits(mine[~flushed], jaxs[~flushed])


@every_dtype
@pytest.mark.parametrize("source", [*LOW, "float64"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_conversions_are_those_of_jax(source, dtype):
    """Rounded once; but doubles reach half precision by way of float32, which rounds halfway cases twice.

    So has XLA it, whose numbers a figure is to show.
    """
    values = doubles() if source == "float64" else operands(source)[0]
    mine = javascript()[source, dtype]
    through = rounded(values.astype(float), "float32") if source == "float64" else values.astype(float)
    expected = rounded(through, dtype)
    same_bits(mine, expected)
    with double_precision():
        jaxs = np.asarray(jax.jit(lambda x: x.astype(dtype))(values))
    seen = ~(is_subnormal(values.astype(float), "float32") | is_subnormal(expected, "float32"))
    assert seen.mean() > 0.5
    same_bits(mine[seen], jaxs[seen])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_rounded_where_xla_rounds(dtype):
    """Inner products add up in single precision; 1 / (1 + exp(-x)) and exp(x log 2) are rounded at each step."""
    rng = np.random.default_rng(2)
    left, right = rng.normal(size=(2, 40, 5)).astype(dtype)
    functions = {"dot": lambda x, y: (x * 1) @ y, "logistic": lambda x, y: lax.logistic(x)}
    functions |= {"exp2": lambda x, y: lax.exp2(x), "sum": lambda x, y: jnp.sum(x), "mean": lambda x, y: jnp.mean(x)}
    module = Module()
    with double_precision():
        compiled = [module.add(function, left[0], right[0], name=name) for name, function in functions.items()]
        expected = [jax.vmap(function)(left, right) for function in functions.values()]
    tasks = [Task(function, (left.astype(float), right.astype(float))) for function in compiled]
    for got, jaxs in zip(run_tasks(module, tasks), expected, strict=True):
        same_bits(got[:, 0], np.asarray(jaxs).reshape(40, -1))


def is_subnormal(x, dtype):
    x = x.astype(float)
    return (np.abs(x) < smallest_normal(dtype)) & (x != 0)


@every_dtype
def test_a_learning_rate_keeps_the_params_dtype(dtype):
    """Python numbers are weak: an Adam step in low precision is computed in low precision throughout."""
    import optax

    params = np.array([0.5, -1.5], dtype)
    optimizer = optax.adam(0.1)
    state = optimizer.init(params)
    compiled = Module().add(optimizer.update, params, state, params, name="adam")
    assert {leaf.dtype for leaf in compiled.results} == {dtype, "int32"}
    assert ("f16round" in compiled.helpers) == (dtype == "float16")
    assert ("bf16round" in compiled.helpers) == (dtype == "bfloat16")
    if dtype == "float32":
        assert all("Math.fround(" in line for line in compiled.source.splitlines() if "Math.sqrt" in line)
