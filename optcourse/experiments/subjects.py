"""What every experiment is told: optimizers and surfaces, by name or as they are, and the devices to share."""

from collections.abc import Mapping

import jax

from optcourse import optimizers, surfaces
from optcourse.optimizers.contract import Optimizer
from optcourse.surfaces.loss_surface import LossSurface
from optcourse.tracing import check_start


def surface_of(given) -> LossSurface:
    """A surface, or the standard form of the one that is called so."""
    if isinstance(given, LossSurface):
        return given
    if isinstance(given, str):
        return surfaces.get(given)()
    raise TypeError(f"surface must be a LossSurface or a name of the catalogue, got {type(given).__name__}.")


def optimizers_of(given) -> dict[str, Optimizer]:
    """Optimizers by label, out of one, a list, or a dict by label; each an Optimizer, a factory or a name.

    >>> list(optimizers_of(["adam", optimizers.sgd(0.1)]))
    ['adam', 'sgd']
    """
    if isinstance(given, Mapping):
        return {str(label): _optimizer(one) for label, one in given.items()}
    found = [_optimizer(one) for one in (given if isinstance(given, (list, tuple)) else [given])]
    labels = [one.name for one in found]
    if not found:
        raise ValueError("there is no optimizer: the list is empty.")
    if len(set(labels)) < len(labels):
        raise ValueError(f"two optimizers have one name in {labels}: give a dict by label.")
    return dict(zip(labels, found, strict=True))


def _optimizer(given) -> Optimizer:
    if isinstance(given, Optimizer):
        return given
    factory = optimizers.get(given) if isinstance(given, str) else given
    if factory in optimizers.catalogue().values():
        return factory()
    raise TypeError(f"expected an Optimizer, a factory or a name of the catalogue, got {given!r}.")


def start_of(surface: LossSurface, start):
    """The given start, or the surface's own."""
    if start is not None:
        return start
    if surface.start is None:
        raise ValueError(f"{surface.name} has no start of its own: give one, start=[...].")
    return check_start(surface, surface.start)


def minimum_loss_of(surface: LossSurface) -> float:
    """The lowest loss that is known."""
    if not surface.minima:
        raise ValueError(f"no minimum is known of {surface.name}: give target.")
    return min(minimum.loss for minimum in surface.minima)


def shared_among(devices, optimizer: Optimizer):
    """The devices given, or every CPU device where JAX was told to have several; None stands for one.

    A GPU must be asked for: what begins with plain numbers is computed on the CPU. torch's optimizers take one path
    after the other, whatever is given.
    """
    if optimizer.backend == "torch":
        return None
    if devices is not None:
        return tuple(devices)
    try:
        cpus = tuple(jax.local_devices(backend="cpu"))
    except RuntimeError:  # JAX was told to do without it
        return None
    return cpus if len(cpus) > 1 else None
