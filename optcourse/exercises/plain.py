"""Any value as plain data, which JSON can hold, whatever kind of object it is."""

import itertools
from collections.abc import Sequence

import numpy as np

from optcourse.arrays import to_numpy

LARGEST = 100_000  # numbers in an array, entries of a list
LONGEST = 2_000  # letters in a text
DEEP = 3  # lists in lists, dicts in dicts
IN_WORDS = {"ndarray": "array", "str": "text", "int": "whole number", "float": "number", "Tensor": "tensor"}


def plain(value) -> dict:
    """A value as data. Raises nothing but KeyboardInterrupt.

    `kind` is "nothing" (None and ...), "numbers" (`values` in nested lists, and `dtype`), "value" (`value`: text, a
    truth value or a dict) or "strange"; `message` says in words what kind of object it was.
    """
    try:
        return _plain(value)
    except KeyboardInterrupt:
        raise
    except BaseException:  # whatever a strange object raises when it is looked at
        return {"kind": "strange", "message": kind_of(value)}


def _plain(value) -> dict:
    if value is None or value is ...:
        return {"kind": "nothing"}
    if isinstance(value, str | bool | dict):
        return {"kind": "value", "value": _simple(value, DEEP), "message": kind_of(value)}
    if isinstance(value, Sequence) and len(value) > LARGEST:
        return {"kind": "strange", "message": f"a {type(value).__name__} of {len(value)} entries"}
    array = np.asarray(_without_tensors(value, DEEP))
    if array.size > LARGEST:
        return {"kind": "strange", "message": f"an array of shape {array.shape}"}
    if array.dtype.kind == "O":  # a path of Python's fractions, or an array that holds arrays
        array = np.asarray(_without_tensors(array.tolist(), DEEP), dtype=float)
    if array.dtype.kind not in "fiu" and str(array.dtype) != "bfloat16":
        held = {"c": " of complex numbers", "b": " of truth values", "U": " of text", "S": " of text"}
        what = f"an array{held.get(array.dtype.kind, '')}" if array.ndim else kind_of(value)
        return {"kind": "strange", "message": what}
    return {"kind": "numbers", "values": array.astype(float).tolist(), "dtype": str(array.dtype)}


def _without_tensors(value, depth: int):
    """The same lists with NumPy arrays in place of JAX's and torch's, which NumPy does not always understand."""
    if isinstance(value, list | tuple) and depth:
        return [_without_tensors(entry, depth - 1) for entry in value]
    return to_numpy(value) if hasattr(value, "dtype") else value


def _simple(value, depth: int):
    """Text, numbers, and dicts and lists of them; in place of anything else its kind, in words."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is ...:
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)[:LONGEST]
    if isinstance(value, int) and abs(value) < 2**63:
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, dict) and depth and len(value) <= 100:
        return {str(_simple(key, 0)): _simple(entry, depth - 1) for key, entry in value.items()}
    if isinstance(value, list | tuple) and depth and len(value) <= 100:
        return [_simple(entry, depth - 1) for entry in value]
    return {"strange": kind_of(value)}


def kind_of(value) -> str:
    """How a message calls a value that was not expected: "a dict", "a list of 3 entries, of sizes 1 and 2"."""
    kind = IN_WORDS.get(type(value).__name__, type(value).__name__)
    called = f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"
    try:
        if not isinstance(value, list | tuple):
            return called
        few = itertools.islice(value, 1000)
        sizes = {np.size(entry) for entry in few if isinstance(entry, np.ndarray | list | tuple | float | int)}
        unequal = f", of sizes {' and '.join(map(str, sorted(sizes)[:5]))}" if len(sizes) > 1 else ""
        return f"{called} of {len(value)} entries{unequal}"
    except Exception:
        return called
