"""What the Python source called a value, and where an equation came from, read off JAX's tracebacks."""

import linecache
import re
from pathlib import Path
from typing import NamedTuple

import jax

_ASSIGNMENT = re.compile(r"\s*([A-Za-z]\w*)\s*(?::[^=]+)?=[^=]")
_JAX = str(Path(jax.__file__).parent)
# What only carries calls along: naming a value after it would say nothing.
_PLUMBING = ("optcourse/explorables/", "optcourse/loops.py", "optcourse/surfaces/loss_surface.py")
_PLUMBING += ("/functools.py", "/contextlib.py")


class Frame(NamedTuple):
    """One line of Python on the way to an equation, innermost first."""

    file: str
    function: str
    line: int


def frames(eqn) -> tuple[Frame, ...]:
    """The lines of user code that made an equation, innermost first; empty where JAX did not keep them."""
    traceback = getattr(eqn.source_info, "traceback", None)
    if traceback is None:
        return ()
    found = []
    for frame in traceback.frames:
        if frame.file_name.startswith(_JAX):
            continue
        if "optcourse/explorables/" in frame.file_name.replace("\\", "/"):
            break  # whoever called the compiler has no part in it
        found.append(Frame(frame.file_name, frame.function_name, frame.line_num))
    return tuple(found)


def is_gradient(eqn) -> bool:
    """Whether the equation belongs to the backward pass, where the source's names mean something else."""
    return "transpose" in str(eqn.source_info.name_stack)


def origin(eqn) -> str:
    """The function that an equation came from, for a comment: `scale_by_adam`, `gradient of rosenbrock`."""
    for frame in frames(eqn):
        if not _is_plumbing(frame):
            function = frame.function.split(".")[0]
            return f"gradient of {function}" if is_gradient(eqn) else function
    return ""


def where(eqn) -> str:
    """File, line and function of an equation, for an error; empty where JAX did not keep them."""
    lines = frames(eqn)
    line = next((frame for frame in lines if not _is_carrier(frame.file)), lines[0] if lines else None)
    return f"{line.file}:{line.line} ({line.function})" if line else ""


def assigned_names(eqns) -> list[str]:
    """For each equation the variable that its result was assigned to, or "".

    The last of the equations that one line made holds the value of that line.
    """
    stacks = [() if is_gradient(eqn) else frames(eqn) for eqn in eqns]
    names = []
    for position, stack in enumerate(stacks):
        later = set(stacks[position + 1]) if position + 1 < len(stacks) else set()
        name = ""
        for frame in stack:
            if frame in later:  # the line goes on
                break
            if not _is_plumbing(frame) and (name := _assigned_in(frame)):
                break
        names.append(name)
    return names


def _assigned_in(frame: Frame) -> str:
    match = _ASSIGNMENT.match(linecache.getline(frame.file, frame.line))
    return match.group(1) if match else ""


def _is_plumbing(frame: Frame) -> bool:
    return frame.function == "<lambda>" or _is_carrier(frame.file)


def _is_carrier(file: str) -> bool:
    """Whether a file only carries calls along; code that was generated does, cells of a notebook do not."""
    file = file.replace("\\", "/")
    return any(part in file for part in _PLUMBING) or ("<" in file and "<ipython-input" not in file)
