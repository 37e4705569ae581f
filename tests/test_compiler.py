"""The compiler: each primitive, branch and loop returns in JavaScript what it returns in JAX."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from javascript import Task, flat_rows, run_tasks
from jax import lax

from optcourse import surfaces
from optcourse.arrays import double_precision
from optcourse.explorables import Module

RNG = np.random.default_rng(0)
SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1.5, 3.7, -7.25, 1e-7, 40.0, 1e300, np.inf, -np.inf, np.nan, 2.5])
FEW = np.array([0.7, -1.3, 2.5])
POSITIVE = np.array([0.3, 1.0, 2.7, 11.0])
MANY = RNG.normal(size=12)
MATRIX = RNG.normal(size=(3, 4))
WHOLE = np.array([7, -7, 3, 0, -2, 2147483647, -2147483648, 5, 100, -100], dtype=np.int32)
DIVISORS = np.array([2, 2, -2, 5, -3, 7, -1, -1, 7, 7], dtype=np.int32)
FLAGS = np.array([True, False, True, True])
OTHER_FLAGS = np.array([True, True, False, True])

# By family, then by name: a function and the arguments it is called with.
CASES: dict[str, dict[str, tuple]] = {}


def cases(family, **entries):
    CASES.setdefault(family, {}).update(entries)


# --- element by element -----------------------------------------------------------------------------------------

EXACT = ["abs", "ceil", "floor", "neg", "sign", "square", "sqrt"]
FUNCTIONS = "acos acosh asin asinh atan atanh cbrt cos cosh exp exp2 expm1 is_finite log log1p logistic rsqrt sin sinh"
for _name in [*EXACT, *FUNCTIONS.split(), "tan", "tanh", "round"]:
    _angles = np.where(np.abs(SPECIAL) > 1e3, 3.0, SPECIAL) if _name in ("sin", "cos", "tan") else SPECIAL
    cases("functions", **{_name: (getattr(lax, _name), _angles), f"{_name}_of_few": (getattr(lax, _name), FEW)})

_FIRST, _SECOND = (table.reshape(-1) for table in np.meshgrid(SPECIAL, SPECIAL))
for _symbol in ("add sub mul div rem max min", "eq ne lt le gt ge", "pow atan2"):
    for _name in _symbol.split():
        cases("two operands", **{_name: (getattr(lax, _name), _FIRST, _SECOND)})

cases(
    "elementwise",
    round_to_even=(jnp.round, SPECIAL),
    clamp=(lambda x: lax.clamp(-1.0, x, 2.0), SPECIAL),
    clamp_with_arrays=(lambda a, b, c: lax.clamp(a, b, c), np.full(16, -1.0), SPECIAL, np.full(16, 2.0)),
    clip=(lambda x: jnp.clip(x, -1, 1), FEW),
    where=(lambda x: jnp.where(x > 0, x, 2 * x), MANY),
    where_with_scalars=(lambda x: jnp.where(x[0] > 0, x, -x), MANY),
    select_three=(lambda x: lax.select_n(jnp.array([0, 1, 2]), x, 2 * x, 3 * x), FEW),
    select_traced=(lambda k, x: lax.select_n(k, x, 2 * x, 3 * x), np.array([2, 0, 1], np.int32), FEW),
    select_one_for_all=(lambda k, x: lax.select_n(k, x, -x), np.array(True), MANY),
    integer_powers=(lambda x: (x**2, x**3, x**7, x**-2, x**0, lax.integer_pow(x, 15)), FEW),
    powers_at_the_edge=(
        lambda x, y: x**y,
        np.array([0.0, -8.0, 2.0, 1.0, np.nan]),
        np.array([0.0, 3.0, -1.5, np.nan, 0]),
    ),
    norm=(jnp.linalg.norm, MANY),
    norms=(lambda x: (jnp.linalg.norm(x, axis=0), jnp.linalg.norm(x, ord=1, axis=1)), MATRIX),
    softmax=(jax.nn.softmax, FEW),
    logsumexp=(jax.nn.logsumexp, MANY),
    sigmoid_gradient=(jax.grad(lambda x: jnp.sum(jax.nn.sigmoid(x))), FEW),
    softplus=(jax.nn.softplus, np.array([-40.0, -1.0, 0.0, 2.0, 50.0])),
    silu=(jax.nn.silu, FEW),
    relu_gradient=(jax.grad(lambda x: jnp.sum(jax.nn.relu(x))), FEW),
    scalar_with_array=(lambda a, x: a * x + a, np.array(1.5), MANY),
    python_float=(lambda a, b: a * b, 1.5, 2.0),
    python_int=(lambda n, x: x * n, 3, FEW),
    no_operation=(lambda x: x, FEW),
    constant=(lambda x: jnp.ones(3), FEW),
    unused=(lambda x, y: y, MANY, FEW),
    twice_the_same=(lambda x: (x, x), MANY),
)

# --- shapes -----------------------------------------------------------------------------------------------------

cases(
    "shapes",
    reshape=(lambda x: x.reshape(2, 6).T, MATRIX),
    transpose=(lambda x: jnp.transpose(x, (2, 0, 1)), RNG.normal(size=(2, 3, 4))),
    transpose_then_add=(lambda x, y: x.T + y, MATRIX, RNG.normal(size=(4, 3))),
    reverse=(lambda x: (x[::-1], jnp.flip(x)), MATRIX),
    slices=(lambda x: (x[1:, ::2], x[0], x[:, -1]), MATRIX),
    broadcast=(lambda x: jnp.broadcast_to(x, (4, 3)) + 1, FEW),
    outer=(lambda x, y: x[:, None] * y[None, :], FEW, MANY),
    concatenate=(lambda x, y: jnp.concatenate([x, y, x]), FEW, MANY),
    concatenate_rows=(lambda x: jnp.concatenate([x, 2 * x], axis=1), MATRIX),
    concatenate_few=(lambda x: jnp.concatenate([x, -x]), FEW),
    stack=(lambda x, y: jnp.stack([x, y], axis=1), FEW, 2 * FEW),
    gradient_of_a_stack=(jax.grad(lambda x: (jnp.stack([x[0] * x[1], x[2]]) ** 2).sum()), FEW),
    split=(lambda x: jnp.split(x, [1, 3], axis=1), MATRIX),
    pad=(lambda x: lax.pad(x, 7.0, [(2, 1, 0)]), FEW),
    pad_with_holes=(lambda x: lax.pad(x, -1.0, [(1, 0, 2)]), FEW),
    pad_by_less_than_nothing=(lambda x: lax.pad(x, 0.0, [(-2, -1, 0), (-1, 3, 1)]), MATRIX),
    pad_with_argument=(lambda x, y: lax.pad(x, y, [(9, 0, 0)]), FEW, np.array(4.0)),
    iota=(lambda x: x + jnp.arange(3) + lax.broadcasted_iota(float, (2, 3), 0).sum(0), FEW),
    eye=(lambda x: jnp.eye(3) * x, FEW),
    squeeze=(lambda x: jnp.squeeze(x[None, :, None]), FEW),
    empty=(lambda x: (x[:0], jnp.concatenate([x[:0], x])), FEW),
    roll=(lambda x: jnp.roll(x, 1), MANY),
    diagonal=(jnp.diagonal, MATRIX),
    tile=(lambda x: jnp.tile(x, 4), FEW),
)

# --- sums, products, and what runs along an axis ------------------------------------------------------------------

cases(
    "reductions",
    sum_few=(jnp.sum, FEW),
    sum_many=(jnp.sum, MANY),
    sums=(lambda x: (x.sum(0), x.sum(1), x.sum()), MATRIX),
    sums_of_many=(lambda x: (x.sum(0), x.sum(1)), RNG.normal(size=(10, 12))),
    mean_and_variance=(lambda x: (x.mean(), x.var()), MANY),
    product=(lambda x: (jnp.prod(x), jnp.prod(x[:3])), MANY),
    extremes=(lambda x: (x.max(), x.min(), x.max(0), x.min(1)), MATRIX),
    extremes_with_nan=(lambda x: (x.max(), x.min()), SPECIAL),
    any_and_all=(lambda x: (jnp.any(x), jnp.all(x), jnp.any(x[1:2])), FLAGS),
    any_of_many=(lambda x: (jnp.any(x > 2.5), jnp.all(x > -9)), MANY),
    sum_of_nothing=(lambda x: (x[:0].sum(), jnp.prod(x[:0])), FEW),
    whole_numbers=(lambda x: (x.sum(), x.max(), x.min()), WHOLE),
    count_true=(lambda x: jnp.sum(x), FLAGS),
    argmax=(lambda x: (jnp.argmax(x), jnp.argmin(x), jnp.argmax(x, 0)), MATRIX),
    argmax_with_nan=(lambda x: (jnp.argmax(x), jnp.argmin(x)), np.array([1.0, np.nan, 5.0, np.nan])),
    argmax_of_equals=(lambda x: (jnp.argmax(x), jnp.argmin(x)), np.array([1.0, 3.0, 3.0, 1.0])),
    argmax_of_flags=(jnp.argmax, np.array([False, True, True])),
    cumsum=(lambda x: (jnp.cumsum(x), jnp.cumprod(x), lax.cumsum(x, reverse=True)), FEW),
    cumsum_many=(lambda x: (jnp.cumsum(x), lax.cumprod(x, reverse=True)), MANY),
    cumsum_axis=(lambda x: (jnp.cumsum(x, 0), jnp.cumsum(x, 1)), MATRIX),
    cummax=(lambda x: (lax.cummax(x), lax.cummin(x, reverse=True)), MANY),
    dot=(jnp.dot, FEW, 2 * FEW),
    dot_many=(jnp.dot, MANY, MANY[::-1]),
    matrix_vector=(lambda a, x: a @ x, MATRIX, POSITIVE),
    matrix_matrix=(lambda a: a @ a.T, MATRIX),
    batches=(lambda a, b: jnp.einsum("bij,bjk->bik", a, b), RNG.normal(size=(2, 3, 4)), RNG.normal(size=(2, 4, 2))),
    einsum=(lambda a, b: jnp.einsum("ij,kj->ki", a, b), MATRIX, RNG.normal(size=(2, 4))),
    outer_product=(lambda x: jnp.outer(x, x), FEW),
    matrix_gradient=(jax.grad(lambda a: jnp.sum(jnp.tanh(a @ a.T))), MATRIX),
)

# --- whole numbers and truth values ---------------------------------------------------------------------------------

cases(
    "integers",
    arithmetic=(lambda x, y: (x + y, x - y, x * y, -x, abs(x)), WHOLE, DIVISORS),
    division=(lambda x, y: (lax.div(x, y), lax.rem(x, y), x // y, x % y), WHOLE, DIVISORS),
    overflow=(lambda x: (x + 1, x * x, x * 3, -x), WHOLE),
    unsigned=(lambda x: (x + 1, x * x, x - 5, x // 3, ~x), WHOLE.astype(np.uint32)),
    bytes_=(lambda x: (x + x, x * x, -x), np.array([100, -128, 127, 3], np.int8)),
    unsigned_bytes=(lambda x: (x + x, x * x, -x), np.array([200, 255, 0, 3], np.uint8)),
    shorts=(lambda x: (x + x, x * x), np.array([30000, -32768, 7], np.int16)),
    bits=(lambda x, y: (x & y, x | y, x ^ y, ~x), WHOLE, DIVISORS),
    unsigned_bits=(lambda x: (x & 7, x | 8, x ^ 255, ~x), WHOLE.astype(np.uint32)),
    shifts=(
        lambda x, n: (lax.shift_left(x, n), lax.shift_right_logical(x, n), lax.shift_right_arithmetic(x, n)),
        WHOLE,
        np.array([0, 1, 2, 31, 32, 33, 5, -1, 7, 16], np.int32),
    ),
    unsigned_shifts=(lambda x: (x << 3, x >> 3, lax.shift_right_logical(x, jnp.uint32(5))), WHOLE.astype(np.uint32)),
    comparisons=(lambda x, y: (x < y, x == y, x >= y), WHOLE, DIVISORS),
    powers=(lambda x: (x**2, x**3), np.array([3, -4, 0], np.int32)),
    signs=(lambda x: (jnp.sign(x), jnp.maximum(x, 3), jnp.clip(x, -5, 5)), WHOLE),
    to_float=(lambda x: (x.astype(float), x.astype(float) / 3), WHOLE),
    from_float=(lambda x: (x.astype(jnp.int32), x.astype(jnp.uint8), x.astype(jnp.int64)), SPECIAL[:11]),
    narrowing=(lambda x: (x.astype(jnp.int8), x.astype(jnp.uint8), x.astype(jnp.uint32), x.astype(bool)), WHOLE),
    long=(lambda x: (x + 2**40, x * 3, x // 7, x % 7), np.array([2**45, -(2**45), 5], np.int64)),
    logic=(lambda a, b: (a & b, a | b, a ^ b, ~a, jnp.logical_not(b)), FLAGS, OTHER_FLAGS),
    logic_of_many=(lambda x: ((x > 0) & (x < 1), ~(x > 0) | (x > 1), (x > 0) ^ (x < 1)), MANY),
    flags_in_and_out=(lambda x: (x, ~x), np.tile(FLAGS, 3)),
    flags_as_numbers=(lambda a, x: (a * x, a.astype(float) + 1, jnp.where(a, x, 0)), FLAGS, POSITIVE),
    equality_of_flags=(lambda a, b: (a == b, a != b), FLAGS, OTHER_FLAGS),
)

# --- branches and loops -------------------------------------------------------------------------------------------


def swap(carry, _):
    a, b = carry
    return (b, a + b), a - b


def fibonacci_like(x):
    return lax.scan(swap, (x[0], x[1]), None, length=7)


def newton(x):
    return lax.while_loop(lambda c: jnp.abs(c[0] ** 2 - x) > 1e-9, lambda c: ((c[0] + x / c[0]) / 2, c[1] + 1), (x, 0))


def rotate_large(x):
    """Two carries larger than eight elements that change places."""
    return lax.fori_loop(0, 5, lambda i, c: (c[1] + i, c[0] * 0.5), (x, -x))


def loop_in_loop(x):
    def outer(total, row):
        inner = lax.while_loop(lambda c: c[0] < row, lambda c: (c[0] + 1, c[1] * 0.9 + c[0]), (0.0, total))[1]
        return inner, lax.scan(lambda c, y: (c + y * row, c), inner, jnp.arange(3.0))

    return lax.scan(outer, 0.0, x)


def branches(k, x):
    return lax.switch(k, [lambda x: x, lambda x: (-x) ** 2, lambda x: x[::-1]], x)


@jax.custom_jvp
def with_own_derivative(x):
    return jnp.sin(x)


with_own_derivative.defjvp(lambda primals, tangents: (jnp.sin(primals[0]), 100.0 * tangents[0]))


@jax.custom_vjp
def with_own_gradient(x):
    return jnp.sum(x**2)


with_own_gradient.defvjp(lambda x: (jnp.sum(x**2), x), lambda x, g: (g * 7 * x,))

INDEX = partial(np.array, dtype=np.int32)
cases(
    "control flow",
    **{
        f"cond_{flag}": (lambda p, x: lax.cond(p, lambda x: 2 * x, lambda x: x - 1, x), np.array(flag), FEW)
        for flag in (True, False)
    },
    **{f"switch_{k}": (branches, INDEX(k), FEW) for k in (-3, 0, 1, 2, 9)},
    **{f"switch_of_many_{k}": (branches, INDEX(k), MANY) for k in (0, 1, 2)},
    switch_known=(lambda x: branches(1, x), FEW),
    cond_known=(lambda x: lax.cond(True, jnp.sin, jnp.cos, x), FEW),
    cond_two_results=(lambda x: lax.cond(x[0] > 0, lambda: (x, 1), lambda: (-x, 2)), FEW),
    cond_in_cond=(lambda x: lax.cond(x > 0, lambda x: lax.cond(x > 2, jnp.sin, jnp.cos, x), jnp.exp, x), np.array(1.0)),
    cond_of_nothing=(lambda x: lax.cond(x > 0, lambda: (), lambda: ()), np.array(1.0)),
    while_loop=(newton, np.array(3.0)),
    while_not_entered=(lambda x: lax.while_loop(lambda c: c < 0, lambda c: c + 1, x), np.array(3.0)),
    while_large=(lambda x: lax.while_loop(lambda c: c.sum() < 50, lambda c: c * 1.5 + 1, x), MANY),
    fori=(lambda x: lax.fori_loop(0, 4, lambda i, c: c * 0.5 + i, x), FEW),
    fori_traced=(lambda n, x: lax.fori_loop(0, n, lambda i, c: c + i * x, jnp.zeros(3)), INDEX(5), FEW),
    scan=(fibonacci_like, FEW),
    scan_reverse=(lambda x: lax.scan(lambda c, y: (c * 0.5 + y, c), 0.0, x, reverse=True), MANY),
    scan_rows=(lambda x: lax.scan(lambda c, row: (c + row, (row * 2, c.sum())), jnp.zeros(4), x), MATRIX),
    scan_long_rows=(lambda x: lax.scan(lambda c, row: (c + row, row * 2), jnp.zeros(10), x), RNG.normal(size=(3, 10))),
    scan_transposed=(lambda x: lax.scan(lambda c, row: (c + row, row), jnp.zeros(3), x.T), MATRIX),
    scan_constants=(lambda x: lax.scan(lambda c, k: (c + k, c), 1.0, np.arange(5.0))[1] + x[0], FEW),
    scan_nothing=(lambda x: lax.scan(lambda c, y: (c, y), x, jnp.zeros((0, 2))), FEW),
    scan_flags=(lambda x: lax.scan(lambda c, y: (~c, (c, y > 0)), True, x), MANY),
    scan_gradient=(jax.grad(lambda x: lax.scan(lambda c, y: (jnp.sin(c) + y * c, None), 0.3, x)[0]), MANY),
    swapping_large=(rotate_large, MANY),
    swapping=(lambda x: lax.fori_loop(0, 3, lambda i, c: (c[1], c[2], c[0]), (x[0], x[1], x[2])), FEW),
    loop_in_loop=(loop_in_loop, POSITIVE),
    loop_in_branch=(lambda p, x: lax.cond(p, newton, lambda x: (x, 0), x), np.array(True), np.array(2.0)),
    branch_in_loop=(lambda x: lax.scan(lambda c, y: (lax.cond(y > 0, lambda: c + y, lambda: c / 2), c), 1.0, x), MANY),
    custom_jvp=(jax.value_and_grad(lambda x: jnp.sum(with_own_derivative(x))), FEW),
    custom_jvp_itself=(with_own_derivative, FEW),
    custom_vjp=(jax.value_and_grad(with_own_gradient), FEW),
    custom_vjp_itself=(with_own_gradient, FEW),
    checkpoint=(jax.grad(lambda x: jnp.sum(jax.checkpoint(lambda y: jnp.sin(jnp.sin(y)))(x))), FEW),
    jit=(lambda x: jax.jit(lambda y: jax.jit(jnp.sin)(y) + 1)(x), FEW),
    hessian=(jax.hessian(lambda x: jnp.sum(x**4) + x[0] * x[1]), FEW),
    vmap=(jax.vmap(lambda x: jnp.dot(x, x)), MATRIX),
)

# --- positions that are computed ------------------------------------------------------------------------------------

cases(
    "indexing",
    **{f"dynamic_slice_{k}": (lambda k, x: lax.dynamic_slice(x, (k,), (3,)), INDEX(k), MANY) for k in (-5, 0, 4, 99)},
    **{
        f"dynamic_update_{k}": (lambda k, x, y: lax.dynamic_update_slice(x, y, (k,)), INDEX(k), MANY, FEW)
        for k in (-1, 0, 5, 99)
    },
    dynamic_slice_2d=(lambda i, j, x: lax.dynamic_slice(x, (i, j), (2, 2)), INDEX(1), INDEX(3), MATRIX),
    dynamic_update_2d=(lambda i, x: lax.dynamic_update_slice(x, jnp.ones((2, 1)), (i, jnp.int32(2))), INDEX(2), MATRIX),
    dynamic_update_few=(lambda i, x: x.at[i].set(9.0), INDEX(1), FEW),
    dynamic_update_not_in_place=(lambda i, x: (x.at[i].set(9.0), x), INDEX(4), MANY),
    **{f"index_{k}": (lambda k, x: x[k], INDEX(k), MANY) for k in (-12, -1, 0, 5)},
    index_rows=(lambda k, x: x[k], INDEX(2), MATRIX),
    take=(lambda k, x: x[k], INDEX([3, 0, 3, -1]), MANY),
    take_many=(lambda k, x: x[k], INDEX([3, 0, 3, -1, 5, 6, 7, 8, 9, 2]), MANY),
    take_rows=(lambda k, x: x[k], INDEX([2, 0]), MATRIX),
    take_columns=(lambda k, x: x[:, k], INDEX([2, 0]), MATRIX),
    take_known=(lambda x: x[jnp.array([2, 0, 1])], FEW),
    take_filled=(lambda k, x: x.at[k].get(mode="fill", fill_value=-5.0), INDEX([1, 99, -99]), MANY),
    take_filled_with_nan=(lambda k, x: jnp.take(x, k), INDEX([1, 99]), MANY),
    take_clipped=(lambda k, x: x.at[k].get(mode="clip"), INDEX([1, 99, -99]), MANY),
    take_along_axis=(lambda k, x: jnp.take_along_axis(x, k, axis=1), INDEX([[1], [0], [3]]), MATRIX),
    scatter=(lambda k, x: x.at[k].set(jnp.array([7.0, 8.0])), INDEX([1, 4]), MANY),
    scatter_add=(lambda k, x: x.at[k].add(1.5), INDEX([1, 1, 4]), MANY),
    scatter_multiply=(lambda k, x: x.at[k].multiply(1.5), INDEX([1, 1, 4]), MANY),
    scatter_dropped=(lambda k, x: x.at[k].set(1.5), INDEX([1, 99]), MANY),
    scatter_clipped=(lambda k, x: x.at[k].set(1.5, mode="clip"), INDEX([1, 99]), MANY),
    scatter_rows=(lambda k, x: x.at[k].add(x[0]), INDEX([2, 0]), MATRIX),
    scatter_known=(lambda x: x.at[1].set(9.0), FEW),
    index_gradient=(lambda k, x: jax.grad(lambda y: jnp.sum(y[k] ** 2))(x), INDEX([2, 2, 5]), MANY),
)

# --- random numbers ---------------------------------------------------------------------------------------------------


def noisy(step, seed):
    """Normal numbers as a surface with noise adds them to its gradients."""
    keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), step), 2)
    return [jax.random.normal(key, (3,)) for key in keys]


cases(
    "random",
    **{f"seed_{seed}": (lambda s: jax.random.key_data(jax.random.key(s)), seed) for seed in (0, 7, -7, 2**40 + 3)},
    seed_of_32_bits=(lambda s: jax.random.key_data(jax.random.key(s)), INDEX(-3)),
    seed_known=(lambda n: jax.random.key_data(jax.random.fold_in(jax.random.key(5), n)), 3),
    fold_in=(lambda s, n: jax.random.key_data(jax.random.fold_in(jax.random.key(s), n)), 5, 123),
    split=(lambda s: jax.random.key_data(jax.random.split(jax.random.key(s), 5)), 5),
    bits=(lambda s: jax.random.bits(jax.random.key(s), (3, 4), jnp.uint32), 1),
    uniform=(lambda s: jax.random.uniform(jax.random.key(s), (20,)), 1),
    uniform_between=(lambda s: jax.random.uniform(jax.random.key(s), (5,), minval=-3.0, maxval=2.0), 1),
    uniform_float32=(lambda s: jax.random.uniform(jax.random.key(s), (20,), jnp.float32), 1),
    bernoulli=(lambda s: jax.random.bernoulli(jax.random.key(s), 0.3, (20,)), 1),
    normal=(lambda s: jax.random.normal(jax.random.key(s), (50,)), 2),
    noise=(noisy, 4, 9),
    noisy_gradient=(surfaces.rosenbrock().with_noise(0.3).sampled_gradient, FEW[:2], 4, 9),
    old_keys=(lambda s: jax.random.uniform(jax.random.wrap_key_data(s)), np.array([3, 4], np.uint32)),
    erf_inv=(lax.erf_inv, np.array([0.0, -0.3, 0.84, 0.86, -0.999999, 1 - 1e-15, 1.0, -1.0, 1e-9, 1.5])),
)

_SIGNS = np.array([3.0, -1.0, np.nan, 0.5, -np.inf, 2.0, np.inf])

cases(
    "order",
    sort=(jnp.sort, _SIGNS),
    sort_rows=(lambda x: jnp.sort(x, axis=0), MATRIX),
    sort_many_rows=(lambda x: jnp.sort(x, axis=1), RNG.normal(size=(5, 4))),
    sort_integers=(jnp.sort, WHOLE[:6]),
    sort_descending=(lambda x: jnp.sort(x, descending=True), FEW),
    argsort=(jnp.argsort, np.array([3.0, 1.0, 3.0, np.nan, 1.0])),
    median=(jnp.median, FEW),
    sort_gradient=(jax.grad(lambda x: jnp.sort(x) @ jnp.arange(3.0)), FEW),
    searchsorted=(lambda x: jnp.searchsorted(x, jnp.array([-2.0, 0.1, 9.0, jnp.nan])), np.sort(MANY)),
    searchsorted_right=(lambda x: jnp.searchsorted(x, x[2:4], side="right"), np.array([-1.0, 0.0, 0.0, 2.0, np.nan])),
    interp=(lambda x: jnp.interp(x, jnp.arange(4.0), jnp.arange(4.0) ** 2), np.array([-1.0, 0.3, 2.5, 7.0])),
    interp_gradient=(jax.grad(lambda x: jnp.interp(x, jnp.arange(4.0), jnp.arange(4.0) ** 2)), np.float64(1.4)),
    switch_gradient=(
        jax.grad(lambda x: lax.switch(jnp.int32(x), [jnp.sin, lambda y: y * jnp.cos(y), jnp.exp], x)),
        np.float64(1.4),
    ),
    cond_gradient=(jax.grad(lambda x: lax.cond(x[0] > 0, lambda y: y @ y, lambda y: jnp.sin(y).sum(), x)), MANY),
)

_LONG = RNG.normal(size=40)
_TABLE = RNG.normal(size=(3, 20))
_ROUND = np.array(
    [0.0, -0.0, 1.0005, -1.0015, 3.0, 6.1e-5, 6.1034e-5, 3e-8, 65519.0, -65520.0, 1e30, 1.7e308, -1.79e308]
)
_ROUND = np.array([*_ROUND, 2.0**-1022, np.inf, -np.inf, np.nan, 448.0, 0.1])

cases(
    "long axes",
    cumsum=(lambda x: (jnp.cumsum(x), jnp.cumprod(x), lax.cummax(x), lax.cummin(x)), _LONG),
    cumsum_reversed=(lambda x: (lax.cumsum(x, reverse=True), lax.cummax(x, reverse=True)), _LONG),
    cumsum_of_rows=(lambda x: (jnp.cumsum(x, 1), lax.cumsum(x, axis=1, reverse=True)), _TABLE),
    cumsum_of_columns=(lambda x: (jnp.cumsum(x.T, 0), lax.cumprod(x.T, axis=0, reverse=True)), _TABLE),
    cumsum_of_what_is_computed=(lambda x: jnp.cumsum(jnp.exp(-x)) / 3, _LONG),
    cumsum_of_whole_numbers=(lambda x: (jnp.cumsum(x.astype(jnp.int32)), jnp.cumsum(x > 0)), 9 * _LONG),
    cumsum_in_a_loop=(lambda x: lax.fori_loop(0, 3, lambda _, y: jnp.cumsum(y) / 5, x), _LONG),
    argmax=(lambda x: (jnp.argmax(x), jnp.argmin(x)), _LONG),
    argmax_of_rows=(lambda x: (jnp.argmax(x, 1), jnp.argmin(x.T, 0)), _TABLE),
    argmax_of_many_rows=(lambda x: jnp.argmax(x.reshape(12, 10), 1), np.tile(_TABLE, 2)),
    argmax_of_equals=(lambda x: (jnp.argmax(x), jnp.argmin(x)), np.repeat([1.0, 3.0, 3.0, 0.5], 5)),
    argmax_with_nan=(lambda x: (jnp.argmax(x), jnp.argmin(x)), np.array([*_LONG, np.nan, 99.0, np.nan])),
    sort=(jnp.sort, _LONG),
    sort_rows=(lambda x: (jnp.sort(x, 1), jnp.sort(-x.T, 0) * 2), _TABLE),
    sort_with_nan=(jnp.sort, np.array([3.0, np.nan, -np.inf, 2.0, np.nan, np.inf, -1.0, 0.5, 0.25, 7.0])),
    sort_whole_numbers=(jnp.sort, WHOLE),
    median=(lambda x: (jnp.median(x), jnp.quantile(x, 0.1)), _LONG),
    dot=(lambda x, y: (x @ y, jnp.outer(x, y)[::7, ::9] @ y[::9]), np.tile(_LONG, 3), np.tile(_LONG[::-1], 3)),
    dot_of_matrices=(lambda x: x @ x.T, RNG.normal(size=(3, 70))),
    scan_of_known=(lambda x: x * lax.scan(lambda c, t: (c + t, c), 0.0, jnp.arange(20.0))[1][-1], FEW),
    histogram=(
        lambda x: ((x[:, None] >= jnp.linspace(-3, 3, 13)[:-1]) & (x[:, None] < jnp.linspace(-3, 3, 13)[1:])).sum(0),
        _LONG,
    ),
    table_of_what_is_known=(
        lambda x: x[:, None] * jnp.linspace(0, 1, 30) + jnp.linspace(1, 2, 20)[:, None],
        _LONG[:20],
    ),
    three_axes=(lambda x: (x[:, None, None] * jnp.arange(4.0)[:, None] + jnp.arange(5.0)).sum(1), _LONG),
)

# Mantissa and exponent bits. Numbers that get no smaller for XLA than it takes for zero: subnormal ones are left out.
_FORMATS = [(5, 10), (8, 7), (8, 23), (4, 3), (5, 2), (11, 7), (11, 3), (11, 0), (11, 52), (8, 0), (5, 30)]
cases(
    "reduce precision",
    **{f"to_{e}_{m}": (lambda x, e=e, m=m: lax.reduce_precision(x, e, m), _ROUND) for e, m in _FORMATS},
    **{
        f"of_float32_to_{e}_{m}": (
            lambda x, e=e, m=m: lax.reduce_precision(x.astype(jnp.float32), e, m),
            np.where(np.abs(_ROUND) < 2.0**-126, 0, _ROUND),
        )
        for e, m in _FORMATS
        if e <= 8
    },
    gradient=(jax.grad(lambda x: lax.reduce_precision(x, 8, 7).sum()), FEW),
)

cases(
    "device put",
    of_an_array=(lambda x: jax.device_put(x) + 1, FEW),
    of_a_constant=(lambda x: jax.device_put(FEW) * x, FEW),
)

_ERRORS = np.array([0.0, 1e-9, 0.3, -0.3, 1.0, -1.4999, 1.5, -1.5, 2.7, -4.0, 6.5, 20.0, np.inf, -np.inf, np.nan])
cases(
    "error function",
    erf=(lax.erf, _ERRORS),
    erfc=(lax.erfc, _ERRORS),
    gelu=(jax.value_and_grad(lambda x: jax.nn.gelu(x, approximate=False).sum()), FEW),
    normal_cdf=(jax.scipy.stats.norm.cdf, FEW),
)

# --- arguments and results in pytrees ---------------------------------------------------------------------------------

cases(
    "pytrees",
    nested=(lambda t: {"b": t["a"][0] + t["a"][1], "c": (t["z"],)}, {"a": [FEW, 2 * FEW], "z": np.array(1.0)}),
    nothing_given=(lambda t: jnp.ones(2), ()),
    nothing_returned=(lambda x: (), FEW),
    none_inside=(lambda t: (t[0] * 2, None), (FEW, None)),
    many_large=(lambda t: {"x": t["x"].T, "y": t["y"] * t["x"][0, 0]}, {"x": MATRIX, "y": MANY}),
    offsets=(lambda t: t[::-1], [MANY, FEW, MATRIX, np.array(2.0)]),
    mixed_dtypes=(lambda t: t, (FLAGS, WHOLE, FEW, np.float32(1.5))),
)


@cache
def results():
    """What every case returns in JavaScript, or the CompileError that it raised; all in one process."""
    module, tasks, found = Module(), {}, {}
    with double_precision():
        for family, entries in CASES.items():
            for name, (function, *arguments) in entries.items():
                try:
                    compiled = module.add(function, *arguments, name=f"{family} {name}")
                except Exception as error:  # the test of that case raises it
                    found[family, name] = error
                    continue
                rows = tuple(flat_rows(jax.tree.map(lambda x: np.asarray(x)[None], tree), 1) for tree in arguments)
                tasks[family, name] = Task(compiled, rows)
    found.update(
        {
            key: (tasks[key].function, out[0, 0])
            for key, out in zip(tasks, run_tasks(module, [*tasks.values()]), strict=True)
        }
    )
    return found


@cache
def jaxs(family):
    """What the cases of a family return in JAX; compiled together, which takes a fraction of the time."""
    functions = {name: function for name, (function, *_) in CASES[family].items()}

    def all_of_them(arguments):
        return {name: function(*arguments[name]) for name, function in functions.items()}

    with double_precision():
        return jax.jit(all_of_them)({name: arguments for name, (_, *arguments) in CASES[family].items()})


@pytest.mark.parametrize(("family", "name"), [(family, name) for family in CASES for name in CASES[family]])
def test_it_is_what_jax_returns(family, name):
    """Whole numbers and truth values exactly; others to a few ulps: XLA adds in another order, and fuses."""
    got = results()[family, name]
    if isinstance(got, Exception):
        raise got
    compiled, numbers = got
    expected = jax.tree.leaves(jaxs(family)[name])
    assert [leaf.shape for leaf in compiled.results] == [np.shape(leaf) for leaf in expected]
    assert [leaf.dtype for leaf in compiled.results] == [np.asarray(leaf).dtype.name for leaf in expected]
    for leaf, right in zip(compiled.results, expected, strict=True):
        mine, right = numbers[leaf.offset : leaf.offset + leaf.size], np.asarray(right).reshape(-1)
        if right.dtype.kind in "iub" or name in EXACT or family == "reduce precision":
            np.testing.assert_array_equal(mine, right.astype(float))
        elif family == "random" and "uniform" not in name:  # XLA's erf_inv is wrong by that much in its tails
            np.testing.assert_allclose(mine, right, rtol=1e-12)
        elif family == "error function":
            np.testing.assert_allclose(mine, right, rtol=1e-13, atol=0)
        elif family in ("functions", "two operands"):
            np.testing.assert_allclose(mine, right, rtol=2e-15, atol=0)
        else:
            finite = np.abs(right[np.isfinite(right)])
            np.testing.assert_allclose(mine, right, rtol=2e-15, atol=2e-15 * finite.max(initial=0))
