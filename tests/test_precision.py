"""Number formats and rounding: every number of the small formats, and casts bit for bit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from optcourse import precision
from optcourse.arrays import double_precision

NATIVE = ["float32", "float16", "bfloat16", "float8_e4m3", "float8_e5m2"]
SMALL = NATIVE[1:]
TORCH = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float8_e4m3": torch.float8_e4m3fn,
    "float8_e5m2": torch.float8_e5m2,
}


def every_number(form):
    """All finite numbers of a format out of all its bit patterns, by ml_dtypes or NumPy."""
    words = np.arange(2**form.bits, dtype=np.uint16 if form.bits == 16 else np.uint8)
    with np.errstate(invalid="ignore"):  # nan among them
        values = words.view(form.dtype).astype(np.float64)
    return np.unique(values[np.isfinite(values)])


def hard_cases(form, dtype):
    """Numbers of the format, halfway points, and what lies next to them, over the whole range."""
    if form.name in SMALL:
        numbers = every_number(form)
    else:
        rng = np.random.default_rng(0)
        exact = rng.integers(0, 2**32, 20_000, dtype=np.uint32).view(np.float32)
        numbers = np.unique(exact[np.isfinite(exact)].astype(np.float64))
    halfway = np.concatenate([(numbers[1:] + numbers[:-1]) / 2, [form.largest + form.spacing(form.largest) / 2]])
    halfway = np.concatenate([halfway, -halfway[-1:]])
    with np.errstate(over="ignore"):
        exact = np.concatenate([numbers, halfway]).astype(dtype)
        beside = [np.nextafter(exact, np.array(side, dtype)) for side in (-np.inf, np.inf)]
    return np.concatenate([exact, *beside, np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e30, -1e30], dtype)])


def cast(x, form):
    """The native cast, and back."""
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        return x.astype(form.dtype).astype(x.dtype)


def same_bits(a, b):
    a, b = np.asarray(a), np.asarray(b)
    return bool(np.all((a == b) & (np.signbit(a) == np.signbit(b)) | (np.isnan(a) & np.isnan(b))))


@pytest.mark.parametrize("name", NATIVE)
def test_what_a_format_holds_is_what_the_libraries_say(name):
    form = precision.get(name)
    theirs, torchs = jnp.finfo(form.dtype), torch.finfo(TORCH[name])
    assert form.epsilon == float(theirs.eps) == torchs.eps
    assert form.largest == float(theirs.max) == torchs.max
    assert form.smallest_normal == float(theirs.tiny) == torchs.tiny
    assert form.smallest == float(theirs.smallest_subnormal)
    assert form.bits == theirs.bits == torchs.bits == 8 * form.bytes
    assert form.mantissa_bits == theirs.nmant and form.exponent_bits == theirs.nexp


def test_tf32_has_the_range_of_float32_and_the_precision_of_float16():
    tf32, wide, half = map(precision.get, ("tf32", "float32", "float16"))
    assert tf32.smallest_normal == wide.smallest_normal and tf32.epsilon == half.epsilon
    assert tf32.bits == 19 and tf32.bytes == 4 and tf32.dtype is None


@pytest.mark.parametrize("name", SMALL)
def test_every_number_of_a_small_format(name):
    form = precision.get(name)
    numbers = every_number(form)
    assert np.array_equal(form.numbers(-np.inf, np.inf), numbers)
    assert np.array_equal(form.spacing(numbers[numbers >= 0][:-1]), np.diff(numbers[numbers >= 0]))
    few = np.arange(len(numbers))[:: max(1, len(numbers) // 500)][1:-1]
    for i in few:
        below, above = form.neighbours(numbers[i])
        assert below == numbers[i - 1] and above == numbers[i + 1]
        between = (numbers[i] + above) / 2
        assert form.neighbours(between) == (numbers[i], above)
        assert np.array_equal(form.numbers(below, above), numbers[i - 1 : i + 2])
        bits = np.array(numbers[i]).astype(form.dtype).view(f"uint{form.bits}")
        assert int(form.pattern(numbers[i]).replace(" ", ""), 2) == int(bits)


def test_neighbours_at_the_ends():
    half, quarter = precision.get("float16"), precision.get("float8_e4m3")
    assert half.neighbours(65504)[1] == np.inf and half.neighbours(1e6) == (65504, np.inf)
    assert half.neighbours(-65504)[0] == -np.inf and half.neighbours(0) == (-(2.0**-24), 2.0**-24)
    assert np.isnan(quarter.neighbours(448)[1])
    assert half.numbers(1e5, 1e6).size == half.numbers(-1e6, -1e5).size == 0
    assert np.isnan(half.spacing(1e5))


def test_wrong_questions_are_answered_with_a_hint():
    with pytest.raises(KeyError, match="Did you mean 'bfloat16'"):
        precision.get("bfloat")
    with pytest.raises(ValueError, match="low <= high"):
        precision.get("float16").numbers(2, 1)
    with pytest.raises(ValueError, match="ask for fewer"):
        precision.get("float32").numbers(0, 1)
    with pytest.raises(ValueError, match="neighbours are"):
        precision.get("float16").pattern(0.1)
    with pytest.raises(ValueError, match="no neighbours"):
        precision.get("float16").neighbours(np.nan)


@pytest.mark.parametrize("name", SMALL)
def test_rounding_is_the_cast_bit_for_bit(name):
    form = precision.get(name)
    x = hard_cases(form, np.float32)
    expected = cast(x, form)
    assert same_bits(precision.round_to(x, name), expected)
    assert same_bits(jax.jit(lambda x: precision.round_to(x, name))(x), expected)
    in_torch = precision.round_to(torch.from_numpy(x), name)
    assert same_bits(in_torch.numpy(), expected) and in_torch.dtype == torch.float32
    theirs = torch.from_numpy(x).to(TORCH[name]).float().numpy()
    if name == "float8_e4m3":  # where torch saturates, we do on request
        theirs, expected = theirs[np.isfinite(x)], precision.round_to(x, name, saturate=True)[np.isfinite(x)]
    assert same_bits(theirs, expected)


@pytest.mark.parametrize("name", ["float32", "float16"])
def test_rounding_from_double_is_numpys_cast(name):
    form = precision.get(name)
    x = hard_cases(form, np.float64)
    assert same_bits(precision.round_to(x, name), cast(x, form))
    assert same_bits(precision.round_to(torch.from_numpy(x), name).numpy(), cast(x, form))
    with double_precision():
        assert same_bits(jax.jit(lambda x: precision.round_to(x, name))(x), cast(x, form))


@pytest.mark.parametrize("name", precision.catalogue())
def test_rounding_from_double_goes_to_the_nearest(name):
    form = precision.get(name)
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, size=2000) * 2.0 ** rng.uniform(-8, 8, size=2000)
    rounded = precision.round_to(x, name)
    for value, got in zip(x, rounded, strict=True):
        below, above = form.neighbours(value)
        assert got in (below, above) and abs(got - value) == min(value - below, above - value)
    assert same_bits(precision.round_to(rounded, name), rounded)
    with double_precision():
        assert same_bits(precision.round_to(jnp.asarray(x), name), rounded)


def test_rounding_to_tf32_cuts_thirteen_bits():
    x = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    words = precision.round_to(x, "tf32").view(np.uint32)
    assert np.all(words & (2**13 - 1) == 0)
    assert np.max(np.abs(precision.round_to(x, "tf32") - x) / np.abs(x)) <= 2.0**-11


@pytest.mark.parametrize("name", precision.catalogue())
def test_saturation_keeps_numbers_finite(name):
    form = precision.get(name)
    x = np.array([form.largest, 1.0, np.inf, -np.inf, 1e300, -1e300])
    rounded = precision.round_to(x, name, saturate=True)
    assert np.array_equal(rounded, [form.largest, 1, form.largest, -form.largest, form.largest, -form.largest])
    assert np.isnan(precision.round_to(np.nan, name, saturate=True))


def test_rounding_keeps_library_shape_and_dtype():
    assert isinstance(precision.round_to(0.1, "float16"), float)
    assert precision.round_to(np.ones((2, 3), np.float32), "float16").shape == (2, 3)
    assert precision.round_to(jnp.ones(3, jnp.float16), "float8_e4m3").dtype == jnp.float16
    assert precision.round_to(torch.ones(3, dtype=torch.bfloat16), "float8_e4m3").dtype == torch.bfloat16
    assert precision.round_to(np.ones(3, jnp.bfloat16), "float8_e4m3").dtype == jnp.bfloat16


def test_derivatives_pass_through_rounding():
    gradient = jax.grad(lambda x: precision.round_to(x * x, "bfloat16"))(1.234)
    assert gradient == pytest.approx(2.468)


@pytest.mark.parametrize("name", precision.catalogue())
def test_stochastic_rounding_is_unbiased_with_the_variance_of_theory(name):
    form, count = precision.get(name), 40_000
    for x in (
        1.0 + form.epsilon / 3,
        -3.3,
        0.7 * form.smallest_normal * form.epsilon if form.exponent_bits < 8 else 5.1,
    ):
        below, above = form.neighbours(x)
        drawn = precision.stochastic_round(np.full(count, x), name, seed=3)
        assert set(np.unique(drawn)) == {below, above}
        variance = (x - below) * (above - x)
        assert abs(drawn.mean() - x) < 4 * np.sqrt(variance / count)
        assert drawn.var() == pytest.approx(variance, rel=0.05)
        share = (x - below) / (above - below)
        assert abs((drawn == above).mean() - share) < 4 * np.sqrt(share * (1 - share) / count)


def test_stochastic_rounding_is_the_same_in_every_library_and_leaves_numbers_of_the_format():
    x = np.random.default_rng(0).normal(size=500).astype(np.float32)
    drawn = precision.stochastic_round(x, "bfloat16", 5)
    assert same_bits(precision.stochastic_round(jnp.asarray(x), "bfloat16", 5), drawn)
    assert same_bits(precision.stochastic_round(torch.from_numpy(x), "bfloat16", 5).numpy(), drawn)
    assert not same_bits(precision.stochastic_round(x, "bfloat16", 6), drawn)
    for name in SMALL:
        numbers = every_number(precision.get(name))
        assert np.array_equal(precision.stochastic_round(numbers, name, 1), numbers)
    assert precision.stochastic_round(np.array([np.inf, -1e30]), "float16").tolist() == [np.inf, -np.inf]


def test_a_thousand_small_updates():
    values = [1.0] + [1e-3] * 1000
    assert precision.plain_sum(values, "bfloat16") == 1.0
    assert precision.kahan_sum(values, "bfloat16") == 2.0


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32"])
def test_a_compensated_sum_is_as_good_as_one_rounding(name):
    """Kahan's bound: the error does not grow with the number of terms."""
    form = precision.get(name)
    values = precision.round_to(np.random.default_rng(0).uniform(0, 1, 1500), name)
    exact = values.sum()
    assert abs(precision.kahan_sum(values, name) - exact) <= 2 * form.spacing(exact)
    if form.bits == 16:
        assert abs(precision.plain_sum(values, name) - exact) > 4 * form.spacing(exact)
