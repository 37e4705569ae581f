"""Live figures: the production optimizers, compiled for the page."""

from optcourse.explorables import array_primitives, control_flow, indexing, random_primitives  # noqa: F401  they register rules
from optcourse.explorables.compiler import CompileError, JavaScriptFunction, Module, compile_function
from optcourse.explorables.figure import Explorable
from optcourse.explorables.live_curves import LiveCurves

__all__ = ["CompileError", "Explorable", "JavaScriptFunction", "LiveCurves", "Module", "compile_function"]
