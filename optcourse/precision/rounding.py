"""Rounding into a format, in NumPy, JAX and PyTorch: to nearest, at random, and sums that keep what is rounded off."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from optcourse.arrays import double_precision, framework, namespace, to_numpy
from optcourse.precision.catalogue import get
from optcourse.precision.formats import Format

# Wide dtypes, in which rounding is computed: bits of the exponent and of the mantissa, and the integer of this size.
WIDE = {"float32": (8, 23, "int32"), "float64": (11, 52, "int64")}


def round_to(x, form: str | Format, *, saturate: bool = False):
    """Each number of x as the nearest number of the format; halfway cases go to the even one.

    Subnormal numbers are kept. Beyond the largest number there is infinity, or nan in float8_e4m3, which has none: so
    cast NumPy (ml_dtypes) and JAX, and so does PyTorch, except that from 2.13 on it saturates float8_e4m3.
    Derivatives pass unchanged, as if nothing had been rounded.

    >>> round_to(1 + 2**-8, "bfloat16"), round_to(1 - 2**-8, "bfloat16"), round_to(0.999, "bfloat16")
    (1.0, 0.99609375, 1.0)

    Args:
        x: a number, or an array of NumPy, JAX or PyTorch; the answer has its shape and dtype. Arrays that are already
            narrower than float32 are rounded in float32.
        form: a format or its name.
        saturate: take the largest number where the nearest would lie beyond it; infinities as well.

    Returns:
        Like x: for a Python number, a Python float.
    """
    form = get(form)
    if isinstance(x, (int, float)):
        return float(_rounded(np.float64(x), form, saturate))
    if framework(x) == "jax":
        return _jax_round(x, form, saturate)
    return _in_wide(lambda wide: _rounded(wide, form, saturate), x)


def stochastic_round(x, form: str | Format, seed=0):
    """Each number of x as one of its two neighbours in the format, by chance; the mean of many is x.

    The neighbour above is taken with probability (x - below) / (above - below), so that the expected value is x and
    the variance (x - below) (above - x). Numbers of the format stay what they are. The chances are JAX's, from
    `seed`, whichever library x belongs to.

    >>> bool(abs(stochastic_round(np.full(10_000, 1.001), "bfloat16", 0).mean() - 1.001) < 1e-4)
    True

    Args:
        x: a number or an array of any library; the answer has its shape and dtype.
        form: a format or its name.
        seed: a whole number, or a JAX key.

    Source: Croci, Fasi, Higham, Mary and Mikaitis 2022, doi:10.1098/rsos.211631.
    """
    form = get(form)
    key = seed if hasattr(seed, "dtype") and jnp.issubdtype(seed.dtype, jax.dtypes.prng_key) else jax.random.key(seed)
    chances = jax.random.uniform(key, np.shape(x), jnp.float32)
    if isinstance(x, (int, float)):
        return float(_rounded_by_chance(np.float64(x), form, float(chances)))
    if framework(x) == "jax":
        return _in_wide(lambda wide: _rounded_by_chance(wide, form, chances.astype(wide.dtype)), x)
    xp = namespace(x)
    return _in_wide(lambda wide: _rounded_by_chance(wide, form, xp.asarray(np.array(chances), dtype=wide.dtype)), x)


def kahan_add(total, compensation, value, form: str | Format):
    """Add a value to a sum and keep what rounding took off: returns (total, compensation), both in the format.

    y = value - compensation, new = total + y, compensation = (new - total) - y, each rounded to the format.

    Source: Kahan 1965, doi:10.1145/363707.363723.
    """
    rounded = partial(round_to, form=get(form))
    corrected = rounded(value - compensation)
    new = rounded(total + corrected)
    return new, rounded(rounded(new - total) - corrected)


def plain_sum(values, form: str | Format) -> float:
    """The sum from first to last, rounded to the format after each addition.

    >>> plain_sum([1.0] + [1e-3] * 1000, "bfloat16")
    1.0
    """
    return _scanned(values, get(form), compensated=False)


def kahan_sum(values, form: str | Format) -> float:
    """The same with compensation: a second number of the format carries what was rounded off.

    >>> kahan_sum([1.0] + [1e-3] * 1000, "bfloat16")
    2.0
    """
    return _scanned(values, get(form), compensated=True)


# --- one formula for the three libraries ------------------------------------------------------------------------------


def _rounded(x, form, saturate=False):
    """x in a wide dtype, rounded: mantissa bits for normal numbers, equal steps below them, and the range."""
    xp = namespace(x)
    rounded = _keep_mantissa(x, form.mantissa_bits)
    if form.exponent_bits < WIDE[_name(x)][0]:  # else the wide dtype's own subnormals are rounded at the right place
        near_zero = xp.clip(x, -form.smallest_normal, form.smallest_normal)
        tiny = xp.round(near_zero / form.smallest) * form.smallest
        rounded = xp.where(xp.abs(x) < form.smallest_normal, tiny, rounded)
    if saturate:
        return xp.clip(rounded, -form.largest, form.largest)
    if form.has_infinity:
        beyond = xp.where(x > 0, xp.full_like(x, np.inf), xp.full_like(x, -np.inf))
    else:
        beyond = xp.full_like(x, np.nan)
    return xp.where(xp.abs(rounded) > form.largest, beyond, rounded)


def _rounded_by_chance(x, form, chances):
    xp = namespace(x)
    exponent_bits, _, _ = WIDE[_name(x)]
    inside = xp.abs(x) <= form.largest
    finite = xp.where(inside, x, xp.zeros_like(x))
    size = xp.abs(finite)
    power = _keep_mantissa(size, 0)  # the nearest power of two; the largest that is at most |x| is wanted
    power = xp.where(power > size, power / 2, power)
    # A step must not be subnormal in the wide dtype, which JAX takes for zero.
    least = form.smallest_normal if form.exponent_bits < exponent_bits else 2.0 ** (form.mantissa_bits - 126)
    step = xp.clip(power, least, None) * form.epsilon
    steps = finite / step
    below = xp.floor(steps)
    chosen = xp.where(chances < steps - below, below + 1, below) * step
    return _rounded(xp.where(inside, chosen, x), form)


def _keep_mantissa(x, bits):
    """x with so many bits behind the leading one, rounded to nearest even; the range is that of the dtype."""
    exponent, mantissa, integer = WIDE[_name(x)]
    if bits >= mantissa:
        return x
    if framework(x) == "jax":
        return jax.lax.reduce_precision(x, exponent, bits)
    # Half a unit less one, plus the last bit that stays, carries exactly when the rest is above half, or at half
    # beside an odd bit: in the bits of a float, the carry runs into the exponent as it should.
    xp = namespace(x)
    cut = mantissa - bits
    pattern = x.view(getattr(xp, integer))
    pattern = (pattern + (2 ** (cut - 1) - 1) + ((pattern >> cut) & 1)) >> cut << cut
    return xp.where(xp.isfinite(x), pattern.view(x.dtype), x)


@partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _jax_round(x, form, saturate):
    return _in_wide(lambda wide: _rounded(wide, form, saturate), x)


@_jax_round.defjvp
def _jax_round_jvp(form, saturate, primals, tangents):
    return _jax_round(primals[0], form, saturate), tangents[0]


def _in_wide(compute, x):
    """`compute` on x in float32 where x is narrower, the result in the dtype of x."""
    if framework(x) == "numpy":
        x = np.asarray(x)
    if _name(x) in WIDE:
        return compute(x)
    wide = x.float() if framework(x) == "torch" else x.astype("float32")
    narrow = compute(wide)
    return narrow.to(x.dtype) if framework(x) == "torch" else narrow.astype(x.dtype)


def _name(x) -> str:
    return str(x.dtype).removeprefix("torch.")


def _scanned(values, form, compensated) -> float:
    with double_precision():
        return float(_sums(jnp.asarray(to_numpy(values), dtype=float), form, compensated))


@partial(jax.jit, static_argnums=(1, 2))
def _sums(values, form, compensated):
    def add(carry, value):
        total, compensation = carry
        if compensated:
            return kahan_add(total, compensation, value, form), None
        return (round_to(total + value, form), compensation), None

    zero = jnp.zeros((), values.dtype)
    return jax.lax.scan(add, (zero, zero), round_to(values, form))[0][0]
