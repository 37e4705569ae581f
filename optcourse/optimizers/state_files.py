"""Save an optimizer's state and its parameters to a file, and read them back to continue to the bit.

The file is a NumPy `.npz` archive (no pickle: loading runs no code) whose entry `header` is JSON.
"""

import json
import os
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from optcourse.arrays import to_numpy, to_torch
from optcourse.optimizers.contract import Optimizer
from optcourse.optimizers.torch_backend import TorchState, as_tensors
from optcourse.optimizers.transforms import TorchAccumulation

FORMAT = "optcourse state 1"
TORCH_STATES = {"TorchState": TorchState, "TorchAccumulation": TorchAccumulation}


class SavedState(NamedTuple):
    """What a file holds: enough to go on where it was written."""

    params: Any
    opt_state: Any
    step: int


def save_state(file, optimizer: Optimizer, params, opt_state, *, step: int = 0) -> None:
    """Write parameters, optimizer state and step number to `file`; an existing file is replaced only when done.

    Args:
        file: path, usually ending in .npz.
        optimizer: the optimizer that the state belongs to; its hyperparameters are not saved.
        params, opt_state: such as `path.final_params`, `path.final_opt_state`.
        step: how many steps were taken.
    """
    arrays = []
    header = {
        "format": FORMAT,
        "optimizer": optimizer.name,
        "backend": optimizer.backend,
        "step": int(step),
        "params": _describe(to_numpy(params), arrays),
    }
    if optimizer.backend == "torch":
        header["state"] = _describe(to_numpy(opt_state), arrays)
    else:
        header["state"] = [
            [jax.tree_util.keystr(path), _describe(np.asarray(leaf), arrays)]
            for path, leaf in jax.tree_util.tree_leaves_with_path(opt_state)
        ]
    file = Path(file)
    part = file.with_name(file.name + ".part")
    try:
        with open(part, "wb") as stream:
            np.savez(stream, header=np.array(json.dumps(header)), **{f"a{i}": a for i, a in enumerate(arrays)})
        os.replace(part, file)
    finally:
        part.unlink(missing_ok=True)


def load_state(file, optimizer: Optimizer, *, like=None) -> SavedState:
    """Read what `save_state` wrote; arrays come back as NumPy (optax) or tensors (torch), of the same dtype.

    Args:
        file: the path.
        optimizer: must be the optimizer that wrote the file; other hyperparameters are fine.
        like: parameters whose structure and shapes the saved ones must have, if given.

    Raises:
        FileNotFoundError: no such file. ValueError: corrupted, not such a file, or of another optimizer or model.
    """
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"expected the Optimizer that wrote the file, got {optimizer!r}.")
    file = Path(file)
    header, arrays = _read(file)
    for what, ours in (("optimizer", optimizer.name), ("backend", optimizer.backend)):
        if header[what] != ours:
            raise ValueError(f"{file} holds the state of {what} {header[what]!r}, not {ours!r}; load it with that one.")
    try:
        params = _rebuild(header["params"], arrays)
        if like is not None:
            _check_like(file, to_numpy(like), params)
        if optimizer.backend == "torch":
            state = _rebuild(header["state"], arrays)
            return SavedState(to_torch(params), as_tensors(state), header["step"])
        state = _fill(file, optimizer, params, header["state"], arrays)
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"{file} is damaged: {error!r}. Use an earlier copy.") from error
    return SavedState(params, state, header["step"])


def _read(file: Path):
    try:
        with open(file, "rb") as stream, np.load(stream, allow_pickle=False) as archive:
            header = json.loads(str(archive["header"]))
            arrays = [archive[f"a{i}"] for i in range(len(archive.files) - 1)]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"{file} is damaged or not a state file ({error}). Use an earlier copy.") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ValueError(f"{file} is not a state file of this version (expected {FORMAT!r}).")
    return header, arrays


def _describe(tree, arrays: list):
    """The tree as JSON, its arrays appended to `arrays` and referred to by number."""
    if tree is None or isinstance(tree, (bool, int, float, str)):
        return {"value": tree}
    if isinstance(tree, dict):
        return {"dict": [[key, _describe(value, arrays)] for key, value in tree.items()]}
    if type(tree).__name__ in TORCH_STATES:
        return {type(tree).__name__: [_describe(value, arrays) for value in tree]}
    if type(tree) in (list, tuple):
        return {type(tree).__name__: [_describe(value, arrays) for value in tree]}
    if not isinstance(tree, (np.ndarray, np.generic)) or tree.dtype == object:
        raise TypeError(f"params must be arrays in dicts, lists or tuples to be saved, got {type(tree).__name__}.")
    array = np.asarray(tree)
    # npz knows NumPy's own dtypes only: bfloat16 and float8 travel as raw bits beside their name.
    raw = array if array.dtype.isbuiltin else array.view(f"u{array.dtype.itemsize}")
    arrays.append(raw)
    return {"array": len(arrays) - 1, "dtype": array.dtype.name}


def _rebuild(node, arrays):
    kind = next(iter(node))
    inside = node[kind]
    if kind == "value":
        return inside
    if kind == "array":
        dtype = jnp.dtype(node["dtype"])
        return arrays[inside] if arrays[inside].dtype == dtype else arrays[inside].view(dtype)
    if kind == "dict":
        return {key: _rebuild(value, arrays) for key, value in inside}
    values = [_rebuild(value, arrays) for value in inside]
    if kind in TORCH_STATES:
        return TORCH_STATES[kind](*values)
    return tuple(values) if kind == "tuple" else values


def _fill(file, optimizer, params, saved, arrays):
    """Put saved leaves into the state that the optimizer makes for these params, which they must fit."""
    template = jax.eval_shape(optimizer.init, params)
    leaves, structure = jax.tree_util.tree_flatten_with_path(template)
    ours, theirs = [jax.tree_util.keystr(path) for path, _ in leaves], [path for path, _ in saved]
    if ours != theirs:
        odd = sorted(set(ours) ^ set(theirs)) or ours
        raise ValueError(f"{file} was saved with other settings of {optimizer.name}: its state differs at {odd[0]}.")
    values = [_rebuild(node, arrays) for _, node in saved]
    for (path, expected), value in zip(leaves, values, strict=True):
        if expected.shape != value.shape:
            raise ValueError(
                f"{file} does not fit {optimizer.name}: {jax.tree_util.keystr(path)} has shape {value.shape}, "
                f"expected {expected.shape}."
            )
    return jax.tree.unflatten(structure, values)


def _check_like(file, like, params):
    ours, theirs = (
        {jax.tree_util.keystr(path): leaf.shape for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}
        for tree in (like, params)
    )
    if ours != theirs:
        raise ValueError(f"{file} holds params of other shapes: {theirs}, expected {ours}.")
