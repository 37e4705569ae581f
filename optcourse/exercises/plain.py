"""Any value as plain data, which JSON can hold, whatever kind of object it is."""

import itertools
from collections.abc import Sequence

import numpy as np

from optcourse.arrays import to_numpy

LARGEST = 100_000  # numbers in an array, entries of a list
LONGEST = 2_000  # letters in a text
MOST = 100  # entries of a dict, or of a list that is no array
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


def in_parts(value) -> dict:
    """A value as data, with tuples, lists and dicts of unlike things taken apart. Raises nothing but KeyboardInterrupt.

    As `plain`, with "parts" in place of dicts and of lists that are no arrays: `parts` is a list or a dict of values as
    data. Arrays of truth values are "numbers" of the dtype bool.
    """
    try:
        return _in_parts(value, DEEP)
    except KeyboardInterrupt:
        raise
    except BaseException:
        return {"kind": "strange", "message": kind_of(value)}


def _in_parts(value, depth: int) -> dict:
    if hasattr(value, "dtype"):
        value = to_numpy(value)
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind in "bU" and value.ndim == 0:
            value = value.item()
        elif value.dtype.kind == "b" and value.size <= LARGEST:
            return {"kind": "numbers", "values": value.astype(float).tolist(), "dtype": "bool"}
        elif value.dtype.kind == "U" and value.size <= MOST:
            value = value.tolist()
    if isinstance(value, str | bool):
        return {"kind": "value", "value": _simple(value, 0), "message": kind_of(value)}
    if isinstance(value, dict) and depth and len(value) <= MOST:
        return {"kind": "parts", "parts": {str(_simple(key, 0)): _in_parts(value[key], depth - 1) for key in value}}
    if isinstance(value, list | tuple) and depth and len(value) <= LARGEST:
        truths = sum(isinstance(entry, bool | np.bool_) for entry in value)
        if truths and truths == len(value):
            return {"kind": "numbers", "values": [float(entry) for entry in value], "dtype": "bool"}
        found = {"kind": "strange"} if truths else plain(value)
        if found["kind"] == "numbers" or not 0 < len(value) <= MOST:
            return found
        return {"kind": "parts", "parts": [_in_parts(entry, depth - 1) for entry in value]}
    return _plain(value)


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
    elif hasattr(value, "dtype") and np.size(array := to_numpy(value)) == 1:
        value = array.item()
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
    if isinstance(value, dict) and depth and len(value) <= MOST:
        return {str(_simple(key, 0)): _simple(entry, depth - 1) for key, entry in value.items()}
    if isinstance(value, list | tuple) and depth and len(value) <= MOST:
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
