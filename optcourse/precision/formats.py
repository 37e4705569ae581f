"""Number formats: what a few exponent and mantissa bits can hold. Everything is computed from these bits."""

import math
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

MOST = 2_000_000  # numbers that `numbers` lists at once


@dataclass(frozen=True, repr=False)
class Format:
    """A binary floating-point format: a sign, `exponent_bits`, and `mantissa_bits` behind the leading one.

    A normal number is +-(1 + k / 2^mantissa_bits) 2^e, with 0 <= k < 2^mantissa_bits and 1 - bias <= e <= bias, where
    bias = 2^(exponent_bits - 1) - 1. Below the smallest of them, subnormal numbers go on to 0 in equal steps.

    Args:
        name: what JAX and PyTorch call it, more or less.
        exponent_bits, mantissa_bits: how the bits are shared out.
        has_infinity: False for float8_e4m3, which has numbers in place of infinities, up to e = bias + 1.
        bytes: in memory; TF32 is kept in four.
        source: where it is defined.
    """

    name: str
    exponent_bits: int
    mantissa_bits: int
    has_infinity: bool = True
    bytes: int = 4
    source: str = ""

    def __repr__(self):
        return (
            f"<Format {self.name}: {self.exponent_bits} exponent bits, {self.mantissa_bits} mantissa bits, "
            f"epsilon 2^-{self.mantissa_bits}, largest {self.largest:.6g}>"
        )

    @property
    def bits(self) -> int:
        """Sign, exponent and mantissa together."""
        return 1 + self.exponent_bits + self.mantissa_bits

    @property
    def bias(self) -> int:
        """What is taken from the stored exponent; also the largest exponent, where there are infinities."""
        return 2 ** (self.exponent_bits - 1) - 1

    @property
    def epsilon(self) -> float:
        """From 1 to the next larger number: 2^-mantissa_bits. Rounding errs by half of it at most, relatively."""
        return 2.0**-self.mantissa_bits

    @property
    def largest(self) -> float:
        """The largest finite number."""
        if self.has_infinity:
            return (2 - self.epsilon) * 2.0**self.bias
        return (2 - 2 * self.epsilon) * 2.0 ** (self.bias + 1)  # the last pattern of all is nan

    @property
    def smallest_normal(self) -> float:
        """The smallest positive number with all its mantissa bits: 2^(1 - bias)."""
        return 2.0 ** (1 - self.bias)

    @property
    def smallest(self) -> float:
        """The smallest positive number, a subnormal one, with a single bit left."""
        return self.smallest_normal * self.epsilon

    @property
    def dtype(self):
        """The native NumPy dtype (of ml_dtypes, which JAX uses), or None for TF32, which is emulated."""
        name = {"float8_e4m3": "float8_e4m3fn"}.get(self.name, self.name)
        return None if name == "tf32" else jnp.dtype(getattr(jnp, name))

    def spacing(self, x):
        """From |x| to the next larger number of the format: 2^floor(log2 |x|) epsilon, `smallest` near 0.

        >>> from optcourse import precision
        >>> precision.get("float16").spacing(1000.0)
        0.5

        Args:
            x: a number, or an array of any shape.

        Returns:
            The same shape, in double precision; nan where x is beyond the largest number.
        """
        x = np.abs(np.asarray(x, dtype=float))
        with np.errstate(invalid="ignore"):
            _, exponent = np.frexp(np.maximum(x, self.smallest_normal))
            steps = np.where(x <= self.largest, np.ldexp(self.epsilon, exponent - 1), math.nan)
        return steps if steps.ndim else float(steps)

    def neighbours(self, x: float) -> tuple[float, float]:
        """The largest number of the format below x and the smallest above; x itself is neither.

        >>> from optcourse import precision
        >>> precision.get("bfloat16").neighbours(1.0)
        (0.99609375, 1.0078125)
        """
        x = float(x)
        if math.isnan(x):
            raise ValueError("nan has no neighbours.")
        down, up = self._below(x), -self._below(-x)
        return down, up

    def numbers(self, low: float, high: float) -> np.ndarray:
        """Every number of the format from low to high, in order, in double precision.

        >>> from optcourse import precision
        >>> precision.get("float8_e4m3").numbers(1, 2)
        array([1.   , 1.125, 1.25 , 1.375, 1.5  , 1.625, 1.75 , 1.875, 2.   ])

        Raises:
            ValueError: if low > high, or for more than two million numbers.
        """
        if not low <= high:
            raise ValueError(f"numbers(low, high) needs low <= high, got {low!r} and {high!r}.")
        first, last = -self._rank(-low), self._rank(high)
        if last - first >= MOST:
            raise ValueError(f"{self.name} has {last - first + 1} numbers from {low:g} to {high:g}: ask for fewer.")
        found = self._ranked(np.arange(first, last + 1))
        return found[(found >= low) & (found <= high)]  # beyond the largest number there is none

    def pattern(self, x: float) -> str:
        """The bits of a number of the format: sign, exponent, mantissa.

        >>> from optcourse import precision
        >>> precision.get("float16").pattern(-1.5)
        '1 01111 1000000000'
        """
        rank = self._rank(abs(x))
        if self._ranked(rank) != abs(x):
            raise ValueError(f"{x!r} is no finite number of {self.name}; its neighbours are {self.neighbours(x)}.")
        digits = format(rank, f"0{self.bits - 1}b")
        sign = int(math.copysign(1, x) < 0)
        return f"{sign} {digits[: self.exponent_bits]} {digits[self.exponent_bits :]}"

    # Finite numbers have ranks: 0 is 0, the k-th positive number is k, its negative -k. For positive numbers the rank
    # is what their bits are as a whole number, which is why the formats sort as whole numbers do.

    def _rank(self, x: float) -> int:
        """The rank of the largest finite number that is at most x."""
        if x < 0:
            return -self._rank_above(-x)
        x = min(x, self.largest)
        exponent = math.frexp(max(x, self.smallest_normal))[1] - 1
        steps = math.floor(math.ldexp(x, self.mantissa_bits - exponent))  # the leading one included
        return ((exponent + self.bias - 1) << self.mantissa_bits) + steps

    def _rank_above(self, x: float) -> int:
        """The rank of the smallest finite number that is at least x, for x >= 0."""
        rank = self._rank(x)
        return rank if self._ranked(rank) >= min(x, self.largest) else rank + 1

    def _ranked(self, rank):
        size = np.abs(rank)
        exponent, mantissa = size >> self.mantissa_bits, size & (2**self.mantissa_bits - 1)
        leading = np.where(exponent > 0, 2**self.mantissa_bits, 0)
        values = np.ldexp((leading + mantissa).astype(float), np.maximum(exponent, 1) - self.bias - self.mantissa_bits)
        return np.where(np.asarray(rank) < 0, -values, values)

    def _below(self, x: float) -> float:
        if x > self.largest:
            return self.largest
        if x <= -self.largest:
            return -math.inf if self.has_infinity else math.nan
        rank = self._rank(x)
        return float(self._ranked(rank if self._ranked(rank) < x else rank - 1))
