"""`verify` a claim: print what was measured beside what theory says, and fail if they are apart.

Each claim also leaves a machine-readable record in its output, from which the book's list of verified
claims is made.
"""

import math
import numbers

NOT_GIVEN = object()


def verify(
    statement: str,
    measured,
    theory=NOT_GIVEN,
    *,
    tolerance: float = 0.0,
    at_least: float | None = None,
    at_most: float | None = None,
    source: str = "",
) -> None:
    """Check that a measured value is the one that theory, or a publication, gives; print both.

    >>> verify("gradient descent diverges above 2/L", 0.04003, 0.04, tolerance=1e-4)
    ✓ gradient descent diverges above 2/L: measured 0.0400, theory 0.0400
    >>> verify("steps that SGD needs in the valley", 7321, at_least=5000, at_most=10_000)
    ✓ steps that SGD needs in the valley: measured 7300, expected 5000 to 10000

    Args:
        statement: a short sentence without the numbers.
        measured: a number, or something to compare exactly: a name, or True where the statement says it all.
        theory: what it should be.
        tolerance: largest absolute difference; numbers are printed to this precision.
        at_least, at_most: bounds, one or both, in place of `theory`; two digits of what was measured are printed then,
            or as many as it takes to see on which side of a bound it is.
        source: where the theory is from, if it is not derived on the page.

    Raises:
        AssertionError: if they differ by more, or the measured value is nan.
        TypeError: unless there is either a theory or a bound.
    """
    bounded = at_least is not None or at_most is not None
    if bounded == (theory is not NOT_GIVEN):
        raise TypeError("a claim needs either what theory says, or bounds: at_least, at_most or both.")
    if bounded:
        low, high = (-math.inf if at_least is None else at_least), (math.inf if at_most is None else at_most)
        measured = float(measured)
        holds = low <= measured <= high
        shown, exact = [_few_digits(measured, low, high), _interval(at_least, at_most)], f" ({measured!r})"
        relation = "expected"
    else:
        holds, shown, exact = _compare(measured, theory, tolerance)
        relation = "theory"
    if not holds:
        raise AssertionError(f"✗ {statement}: measured {shown[0]}, {relation} {shown[1]}{exact}")
    line = f"✓ {statement}" if theory is True else f"✓ {statement}: measured {shown[0]}, {relation} {shown[1]}"
    record = {
        "statement": statement,
        "measured": shown[0],
        "theory": shown[1],
        "tolerance": "bounds" if bounded else tolerance,
        "source": source,
    }
    _publish(line, {"optcourse": {"claim": record}})


def _compare(measured, theory, tolerance) -> tuple[bool, list[str], str]:
    """Whether the two agree, both as they are shown, and both exactly, for the error message."""
    if not isinstance(theory, numbers.Real) or isinstance(theory, bool):
        return measured == theory, [str(measured), str(theory)], ""
    measured, theory = float(measured), float(theory)
    holds = measured == theory or abs(measured - theory) <= tolerance
    shown = [show(value, tolerance) for value in (measured, theory)]
    return holds, shown, f" ({measured!r} against {theory!r}, tolerance {tolerance:g})"


def show(value: float, tolerance: float) -> str:
    """A number to the precision of `tolerance`: 0.0400 for 1e-4, 30 for 0, 1.5e-12 for what is smaller than 1e-6."""
    if not math.isfinite(value):
        return str(value)
    if tolerance == 0:
        return f"{value:g}"
    decimals = max(0, math.ceil(-math.log10(tolerance) - 1e-9))
    rounded = round(value, decimals)
    return f"{rounded:.{decimals}f}" if decimals <= 6 else f"{rounded:g}"


def _few_digits(value: float, low: float, high: float) -> str:
    """7300 for 7321, 0.037 for 0.03671; 1.154 where 1.155 is the most that it may be."""
    if not math.isfinite(value):
        return str(value)
    inside = low <= value <= high
    rounded = (float(f"{value:.{digits}e}") for digits in range(1, 17))
    rounded = next((x for x in rounded if (low <= x <= high) == inside), value)
    return f"{rounded:.12g}" if abs(rounded) < 1e6 else f"{rounded:.1e}"


def _interval(at_least, at_most) -> str:
    if at_most is None:
        return f"at least {at_least:.12g}"
    return f"at most {at_most:.12g}" if at_least is None else f"{at_least:.12g} to {at_most:.12g}"


def _publish(line: str, metadata: dict) -> None:
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:  # a plain script
        print(line)
        return
    if get_ipython() is None:
        print(line)
    else:
        display({"text/plain": line}, raw=True, metadata=metadata)
