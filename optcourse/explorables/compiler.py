"""Any JAX function of fixed small shapes as a JavaScript function, by way of its jaxpr.

`compile_function` traces the function with `jax.make_jaxpr` and translates the equations one by one, with the
rules of `primitives.py` and `control_flow.py`. Small arrays become one variable per element; larger ones become
loops over arrays. Each operation is rounded to the dtype that JAX gives it, and where XLA rounds it on a CPU, so
that float32, float16 and bfloat16 behave as in `run`; float64 is what JavaScript computes with.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import jax
import numpy as np

from optcourse.arrays import double_precision
from optcourse.explorables.code import Array, Names, literal
from optcourse.explorables.helpers import helper_sources
from optcourse.explorables.lowering import Lowering
from optcourse.explorables.values import CompileError, Leaf, layout


@dataclass(frozen=True)
class JavaScriptFunction:
    """A compiled function: `name(a, aAt, b, bAt, ..., out, outAt)`.

    Each argument is a Float64Array and the position in it where the flattened pytree begins; the results are
    written to `out` from `outAt` on, which must not overlap the arguments.
    """

    name: str
    source: str
    arguments: tuple[tuple[Leaf, ...], ...]
    results: tuple[Leaf, ...]
    helpers: tuple[str, ...]  # functions of numbers.js that it calls

    @property
    def size(self) -> int:
        """How many numbers it writes."""
        return sum(leaf.size for leaf in self.results)


class Module:
    """Several compiled functions that share what they have in common.

    Args:
        shared: names of jitted functions that become JavaScript functions of their own instead of being written
            out wherever they are called, each with the names of its results.
    """

    def __init__(self, shared: Mapping[str, Sequence[str]] | None = None):
        self.shared = dict(shared or {})
        self.names = Names()
        self.constants: list[str] = []
        self.functions: list[str] = []
        self.helpers: set[str] = set()
        self._known_arrays: dict[bytes, Array] = {}
        self._shared_functions: dict[tuple[str, str], tuple[str, Array]] = {}

    def add(self, function: Callable, *examples, name: str, explain: bool = False) -> JavaScriptFunction:
        """Compile `function` for arguments like `examples` (arrays or `jax.ShapeDtypeStruct`, in pytrees).

        With `explain` there is also a function `<name>Explained`, which returns every named value as well; comments
        say which Python function its lines came from.

        Raises:
            CompileError: for what has no translation.
        """
        with double_precision():
            try:
                jaxpr, result = jax.make_jaxpr(function, return_shape=True)(*examples)
            except (jax.errors.JAXTypeError, jax.errors.JAXIndexError) as error:
                raise CompileError(
                    f"{name} cannot be compiled: a shape or a branch of Python's depends on the numbers themselves. "
                    f"JAX says: {error}"
                ) from error
            parameters = _parameter_names(function, len(examples))
            arguments = tuple(layout(tree, at) for tree, at in zip(examples, parameters, strict=True))
            results = layout(result, "")
            lowering = Lowering(self)
            name = self.names.fresh(name)
            sources_, helpers = lowering.function(jaxpr, name, parameters, arguments, results, explain)
        self.functions.extend(sources_)
        self.helpers |= helpers
        return JavaScriptFunction(name, sources_[0], arguments, results, tuple(sorted(helpers)))

    def shared_function(self, name: str, jaxpr) -> tuple[str, Array]:
        """The JavaScript function for a jitted one that is called from several places, and where it leaves results."""
        key = name, str(jaxpr)
        if key not in self._shared_functions:
            own = self.names.fresh(name)
            size = sum(variable.aval.size for variable in jaxpr.jaxpr.outvars)
            out = Array(self.names.fresh(f"{name}_result"), size)
            self.constants.append(f"const {out.name} = new Float64Array({size});")
            source, helpers = Lowering(self).shared_function(jaxpr, own, out)
            self.functions.append(source)
            self.helpers |= helpers
            self._shared_functions[key] = own, out
        return self._shared_functions[key]

    @property
    def source(self) -> str:
        """Everything compiled so far; needs the functions of numbers.js named in `helpers` in scope."""
        return "\n".join([*self.constants, *self.functions])

    def known_array(self, values: np.ndarray, wanted: str) -> Array:
        values = np.asarray(values).reshape(-1)
        key = repr(values.tolist()).encode()
        if key not in self._known_arrays:
            name = self.names.fresh(wanted)
            numbers = ", ".join(literal(value).pattern for value in values.astype(float).tolist())
            self.constants.append(f"const {name} = Float64Array.of({numbers});")
            self._known_arrays[key] = Array(name, values.size)
        return self._known_arrays[key]


def compile_function(function: Callable, *examples, name: str | None = None) -> JavaScriptFunction:
    """Compile one function, complete with the helpers it needs.

    >>> compiled = compile_function(lambda x: x[0] * x[1] + 1, np.zeros(2), name="area")
    >>> print(compiled.source)
    function area(x, xAt, out, outAt) {
      const x_0 = x[xAt];
      const x_1 = x[xAt + 1];
      out[outAt] = x_0 * x_1 + 1;
    }

    Raises:
        CompileError: for what has no translation.
    """
    module = Module()
    compiled = module.add(function, *examples, name=name or getattr(function, "__name__", "compiled").strip("<>"))
    source = "\n".join(part for part in (helper_sources(compiled.helpers), module.source) if part)
    return JavaScriptFunction(compiled.name, source, compiled.arguments, compiled.results, compiled.helpers)


def _parameter_names(function, count: int) -> list[str]:
    try:
        known = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        known = []
    names = Names({"outAt"})
    return [names.fresh(known[k] if k < len(known) else f"x{k}") for k in range(count)]
