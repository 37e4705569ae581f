"""What a catalogue entry is, and the decorator that turns a signature into an optimizer factory."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from optcourse.optimizers.contract import Optimizer, check_backend, check_names, check_value
from optcourse.optimizers.optax_backend import OptaxRecipe
from optcourse.optimizers.torch_backend import TorchRecipe


class Difference(NamedTuple):
    """One thing that Optax and PyTorch do differently under the same name."""

    what: str
    optax: Any
    torch: Any


@dataclass(frozen=True)
class Entry:
    """A catalogue entry: everything about one optimizer that is not its code.

    Args:
        name: the factory's name.
        title: as people write it.
        optax: the Optax factory, called with our hyperparameters; None if Optax has none.
        torch: translates our hyperparameters to (torch class, arguments); None if torch has none.
        optax_name, torch_name: where it lives in each library.
        agreement: "equal" (one algorithm with our defaults), "different" (two algorithms under one name),
            or "one library".
        tolerance: relative difference up to which equal ones agree, where the path does not amplify it.
        differences: how the libraries differ, in their defaults or in the algorithm.
        matrices_only: torch takes nothing but matrices.
        source: the paper.
    """

    name: str
    title: str
    optax: Callable | None
    torch: Callable | None
    optax_name: str
    torch_name: str
    agreement: str
    tolerance: float
    differences: tuple[Difference, ...]
    matrices_only: bool
    source: str


ENTRIES: dict[str, Entry] = {}
FACTORIES: dict[str, Callable[..., Optimizer]] = {}


def entry(
    title,
    *,
    optax,
    torch,
    optax_name,
    torch_name,
    source,
    agreement="equal",
    tolerance=1e-9,
    differences=(),
    matrices_only=False,
):
    """Decorate a signature: floats in it become hyperparameters (traced), everything else is a fixed setting."""

    def decorate(declared):
        name = declared.__name__
        ENTRIES[name] = Entry(
            name=name,
            title=title,
            optax=optax,
            torch=torch,
            optax_name=optax_name,
            torch_name=torch_name,
            agreement=agreement,
            tolerance=tolerance,
            differences=tuple(differences),
            matrices_only=matrices_only,
            source=source,
        )
        signature = inspect.signature(declared)
        known = [parameter for parameter in signature.parameters if parameter != "backend"]
        traced = [p for p in known if isinstance(signature.parameters[p].default, float)]

        @functools.wraps(declared)
        def factory(*args, backend="optax", **kwargs):
            check_names(name, kwargs, known)
            check_backend(backend)
            values = signature.bind(*args, **kwargs)
            values.apply_defaults()
            hyperparams = {p: check_value(name, p, values.arguments[p]) for p in traced}
            settings = tuple((p, values.arguments[p]) for p in known if p not in traced)
            return Optimizer(name, backend, hyperparams, _recipe(ENTRIES[name], backend, settings))

        FACTORIES[name] = factory
        return factory

    return decorate


def _recipe(entry: Entry, backend: str, settings):
    if getattr(entry, backend) is None:
        other, where = ("optax", entry.optax_name) if backend == "torch" else ("torch", entry.torch_name)
        raise ValueError(f'{entry.name} does not exist in {backend}. Use backend="{other}": it is {where}.')
    return OptaxRecipe(entry.optax, settings) if backend == "optax" else TorchRecipe(entry.torch, settings)
