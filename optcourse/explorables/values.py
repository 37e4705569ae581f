"""Arrays at compile time: known numbers, one expression for each element, a view of an array in JavaScript,
or a computation that is still to be written."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

from optcourse.explorables.code import ATOM, EQUAL, PLUS, Array, Node, literal

LARGEST_UNROLLED = 8  # arrays with more elements become loops
NUMBERS = {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"}
NUMBERS |= {"float64", "float32", "float16", "bfloat16"}
THREEFRY = "key<fry>"  # the dtype of random keys, JAX's default kind


class CompileError(NotImplementedError):
    """The function uses something that has no JavaScript translation; the message names it and its place."""


class Leaf(NamedTuple):
    """One array of a pytree in a flat Float64Array."""

    name: str
    path: str
    shape: tuple[int, ...]
    dtype: str
    offset: int

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=int))


@dataclass(frozen=True, eq=False)
class Known:
    """An array whose numbers are known now."""

    array: np.ndarray

    @property
    def shape(self):
        return self.array.shape

    @property
    def dtype(self):
        return self.array.dtype

    def element(self, index: int) -> Node:
        return literal(self.array.reshape(-1)[index].item())

    def rearranged(self, change) -> "Known":
        return Known(np.asarray(change(self.array)))


@dataclass(frozen=True, eq=False)
class Scalars:
    """An array with an expression for each element: what small arrays become."""

    nodes: np.ndarray  # of Node
    dtype: np.dtype

    @property
    def shape(self):
        return self.nodes.shape

    def element(self, index: int) -> Node:
        return self.nodes.reshape(-1)[index]

    def rearranged(self, change) -> "Scalars":
        return Scalars(np.asarray(change(self.nodes), dtype=object), self.dtype)


@dataclass(frozen=True, eq=False)
class View:
    """An array whose elements are `array[base + index]`: what large arrays become."""

    array: Array
    index: np.ndarray  # of int
    dtype: np.dtype
    base: Node | None = None

    @property
    def shape(self):
        return self.index.shape

    def element(self, index: int) -> Node:
        return self.at(literal(int(self.index.reshape(-1)[index])))

    def at(self, position: Node) -> Node:
        """The element at a position that is an expression, counted from `base`."""
        pattern, operands, binds = "{}", (position,), (0,)
        if self.base is not None:
            pattern, operands, binds = "{} + {}", (self.base, position), (PLUS, PLUS)
            if position.value == 0:
                pattern, operands, binds = "{}", (self.base,), (0,)
        test = " !== 0" if self.dtype == bool else ""
        whole = EQUAL if test else ATOM
        return Node(f"{self.array.name}[{pattern}]{test}", operands, whole, binds, needs=[self.array])

    def rearranged(self, change) -> "View":
        return View(self.array, np.asarray(change(self.index), dtype=int), self.dtype, self.base)


@dataclass(frozen=True, eq=False)
class Lazy:
    """A large array that is read once, so that its elements are computed in the loop that reads them."""

    compute: Callable[[Node], Node]  # the element at a position that is an expression
    index: np.ndarray  # of int
    dtype: np.dtype

    @property
    def shape(self):
        return self.index.shape

    def element(self, index: int) -> Node:
        return self.compute(literal(int(self.index.reshape(-1)[index])))

    def rearranged(self, change) -> "Lazy":
        return Lazy(self.compute, np.asarray(change(self.index), dtype=int), self.dtype)


@dataclass(frozen=True, eq=False)
class Keys:
    """An array of random keys: two arrays of 32-bit words."""

    first: Known | Scalars | View
    second: Known | Scalars | View

    @property
    def shape(self):
        return self.first.shape

    def rearranged(self, change) -> "Keys":
        return Keys(self.first.rearranged(change), self.second.rearranged(change))


def known(value) -> Known | Keys:
    """A constant of a jaxpr."""
    if hasattr(value, "dtype") and jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key):
        words = np.asarray(jax.random.key_data(value))
        return Keys(Known(words[..., 0]), Known(words[..., 1]))
    return Known(np.asarray(value))


def scalars(nodes, shape, dtype) -> Scalars:
    """A `Scalars` of this shape from a flat list of nodes."""
    array = np.empty(len(nodes), dtype=object)
    array[:] = nodes
    return Scalars(array.reshape(shape), np.dtype(dtype))


def layout(tree: Any, argument: str) -> tuple[Leaf, ...]:
    """Where each leaf of a pytree stands in its flat array, and what to call it."""
    leaves, offset = [], 0
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        dtype = leaf.dtype if hasattr(leaf, "dtype") else np.asarray(leaf).dtype
        if dtype.name not in NUMBERS:
            place = f"{argument or 'the result'}{jax.tree_util.keystr(path)}"
            raise CompileError(f"{place} is a {dtype.name}, which has no translation to JavaScript.")
        dtype = np.dtype(dtype)
        keys = [getattr(key, "name", getattr(key, "key", None)) for key in path]
        named = [key for key in keys if isinstance(key, str)]
        name = named[-1] if named else argument or "result"
        leaves.append(Leaf(name, jax.tree_util.keystr(path), np.shape(leaf), dtype.name, offset))
        offset += leaves[-1].size
    return tuple(leaves)
