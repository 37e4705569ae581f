"""`verify` a claim: print what was measured beside what theory says, and fail if they are apart.

Each claim also leaves a machine-readable record in its output, from which the book's list of verified
claims is made.
"""

import math
import numbers


def verify(statement: str, measured, theory, *, tolerance: float = 0.0, source: str = "") -> None:
    """Check that a measured value is the one that theory, or a publication, gives; print both.

    >>> verify("gradient descent diverges above 2/L", 0.04003, 0.04, tolerance=1e-4)
    ✓ gradient descent diverges above 2/L: measured 0.0400, theory 0.0400

    Args:
        statement: a short sentence without the numbers.
        measured: a number, or something to compare exactly: a name, or True where the statement says it all.
        theory: what it should be.
        tolerance: largest absolute difference; numbers are printed to this precision.
        source: where the theory is from, if it is not derived on the page.

    Raises:
        AssertionError: if they differ by more, or the measured value is nan.
    """
    is_number = isinstance(theory, numbers.Real) and not isinstance(theory, bool)
    if is_number:
        measured, theory = float(measured), float(theory)
        holds = measured == theory or abs(measured - theory) <= tolerance
    else:
        holds = measured == theory
    shown = [show(value, tolerance) if is_number else str(value) for value in (measured, theory)]
    if not holds:
        exact = f" ({measured!r} against {theory!r}, tolerance {tolerance:g})" if is_number else ""
        raise AssertionError(f"✗ {statement}: measured {shown[0]}, theory {shown[1]}{exact}")
    line = f"✓ {statement}" if theory is True else f"✓ {statement}: measured {shown[0]}, theory {shown[1]}"
    record = {
        "statement": statement,
        "measured": shown[0],
        "theory": shown[1],
        "tolerance": tolerance,
        "source": source,
    }
    _publish(line, {"optcourse": {"claim": record}})


def show(value: float, tolerance: float) -> str:
    """A number to the precision of `tolerance`: 0.0400 for 1e-4, 30 for 0, 1.5e-12 for what is smaller than 1e-6."""
    if not math.isfinite(value):
        return str(value)
    if tolerance == 0:
        return f"{value:g}"
    decimals = max(0, math.ceil(-math.log10(tolerance) - 1e-9))
    rounded = round(value, decimals)
    return f"{rounded:.{decimals}f}" if decimals <= 6 else f"{rounded:g}"


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
