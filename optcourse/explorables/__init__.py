"""Live figures: the production optimizers, compiled for the page."""

from optcourse.explorables import (  # noqa: F401  they register rules
    array_primitives,
    axis_primitives,
    control_flow,
    indexing,
    random_primitives,
)
from optcourse.explorables.compiler import CompileError, JavaScriptFunction, Module, compile_function
from optcourse.explorables.figure import Explorable
from optcourse.explorables.live_curves import LiveCurves

__all__ = ["CompileError", "Explorable", "JavaScriptFunction", "LiveCurves", "Module", "compile_function"]
