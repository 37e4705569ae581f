"""`LossSurface`: a loss, and everything the course knows about it, as one frozen value."""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.flatten_util import ravel_pytree

from optcourse.arrays import double_precision, framework, to_numpy, to_torch


class Minimum(NamedTuple):
    """A minimum: where it lies and the loss there."""

    params: tuple[float, ...]
    loss: float


@dataclass(frozen=True, repr=False)
class LossSurface:
    """A loss over parameters, differentiated by the library its input belongs to.

    Any function of one's own becomes a surface in one line:

    >>> bowl = LossSurface(lambda params: params[0] ** 2 + 3 * params[1] ** 2)
    >>> bowl.gradient(np.array([1.0, 1.0]))
    array([2., 6.])

    Calling it, `.gradient` and `.hessian` take JAX arrays (JAX's autodiff), torch tensors (torch's
    autograd) and NumPy arrays or lists (computed by JAX in double precision) and answer in kind.

    Args:
        function: `function(params) -> scalar`; with `step_dependent`, `function(params, step)`; with `seeded`,
            `function(params, step, seed)`. Written with `optcourse.arrays.namespace(params)`, it runs on every library.
        name: what figures and errors call it; by default the function's name.
        dim: number of parameters, or None for params that are a pytree.
        domain: a (low, high) pair per parameter: where it is drawn.
        minima: every known global minimum.
        formula: TeX, without dollar signs.
        start: a good place to start from, used by examples and tests.
        source: where it comes from.
        constants: keyword arguments for `function`.
        step_dependent: the loss changes with the step.
        period: of a step-dependent loss; called without a step it is averaged over one period.
        seeded: the loss changes with the seed of a run as well, as that of a mini-batch does; implies `step_dependent`.
        noise_scale: standard deviation of the Gaussian noise on each coordinate of sampled gradients.
    """

    function: Callable
    name: str = ""
    dim: int | None = 2
    domain: tuple[tuple[float, float], ...] | None = None
    minima: tuple[Minimum, ...] = ()
    formula: str = ""
    start: tuple[float, ...] | None = None
    source: str = ""
    constants: Any = field(default=())
    step_dependent: bool = False
    period: int | None = None
    noise_scale: float = 0.0
    seeded: bool = False

    def __post_init__(self):
        if not callable(self.function):
            raise TypeError(f"a LossSurface is made from a function of params, got {type(self.function).__name__}.")
        set_ = partial(object.__setattr__, self)  # the dataclass is frozen
        set_("name", self.name or getattr(self.function, "__name__", "surface"))
        if isinstance(self.constants, Mapping):
            set_("constants", tuple(self.constants.items()))
        if self.seeded:
            set_("step_dependent", True)
        if self.start is not None:
            set_("start", tuple(self.start))  # hashable, as a surface must be for compiled code to be found again
        _check_arguments(self)
        if self.dim is not None:
            set_("domain", check_domain([(-5.0, 5.0)] * self.dim if self.domain is None else self.domain, self.dim))

    def __repr__(self):
        return f"<LossSurface {self.name}{': ' + self.formula if self.formula else ''}>"

    def __call__(self, params, step=None, seed=0):
        """Loss at `params` (at `step`, and for the run's `seed`, where the loss depends on them)."""
        params = self._as_array(params)
        if not self.step_dependent:
            return self._evaluate(params)
        drawn = [seed] * self.seeded
        if step is not None:
            return self._evaluate(params, step, *drawn)
        if self.period is None:
            raise ValueError(f"the loss {self.name} changes with the step: say which, as in surface(params, step=0).")
        return sum(self._evaluate(params, t, *drawn) for t in range(self.period)) / self.period

    def gradient(self, params, step=None, seed=0):
        """Gradient of the loss, with the structure and library of `params`."""
        if framework(params) == "torch":
            return _torch_gradient(self, params, step, seed)
        return self._through_jax(_jax_gradient, params, step, seed)

    def hessian(self, params, step=None):
        """Matrix of second derivatives, (dim, dim); a pytree of params is flattened first."""
        if framework(params) == "torch":
            import torch

            return torch.autograd.functional.hessian(lambda p: self(p, step), params.detach())
        return self._through_jax(_jax_hessian, params, step)

    def sampled_gradient(self, params, step, seed):
        """Gradient plus Gaussian noise of `noise_scale`: the same noise for a step and seed, in every library."""
        return self.add_noise(self.gradient(params, step, seed), step, seed)

    def add_noise(self, gradient, step, seed):
        """The given gradient plus the noise that belongs to this step and seed."""
        if not self.noise_scale:
            return gradient
        if framework(gradient) == "torch":
            return to_torch(self.add_noise(to_numpy(gradient), step, seed))
        return self._through_jax(_jax_noisy, gradient, step, seed)

    def losses(self, points):
        """Loss at many points at once, in double precision: (..., dim) -> (...), NumPy."""
        points = np.asarray(points, dtype=float)
        with double_precision():
            flat = _jax_losses(self, points.reshape(-1, points.shape[-1]))
        return np.asarray(flat).reshape(points.shape[:-1])

    def with_noise(self, scale: float) -> "LossSurface":
        """The same surface whose sampled gradients carry Gaussian noise of standard deviation `scale`."""
        return replace(self, noise_scale=float(scale))

    def plot_contours(self, ax=None, **options):
        """Draw the contours on a matplotlib Axes and return it; see `optcourse.plotting.plot_contours`."""
        from optcourse import plotting

        return plotting.plot_contours(self, ax=ax, **options)

    def _through_jax(self, compute, params, *rest):
        if framework(params) == "jax":
            return compute(self, params, *rest)
        params = self._as_array(params)
        with double_precision():
            return to_numpy(compute(self, params, *rest))

    def _as_array(self, params):
        if self.dim is None or hasattr(params, "dtype"):
            return params
        if isinstance(params, (int, float)):
            raise TypeError(f"params of {self.name} are one list of {self.dim} numbers, as in surface([1.0, 2.0]).")
        return np.asarray(params, dtype=float)

    def _evaluate(self, *arguments):
        try:
            return self.function(*arguments, **dict(self.constants))
        except (jax.errors.TracerArrayConversionError, jax.errors.ConcretizationTypeError) as error:
            raise TypeError(
                f"the surface {self.name} takes its params for plain numbers, so they cannot be differentiated: use "
                "jax.numpy (or optcourse.arrays.namespace(params), which serves torch as well) in place of numpy, "
                "math and float, and where() in place of if."
            ) from error


def _check_arguments(surface):
    """Raise TypeError unless the function can be called as the surface is going to."""
    arguments = ["params", *["step"] * surface.step_dependent, *["seed"] * surface.seeded]
    try:
        inspect.signature(surface.function).bind(*arguments, **dict(surface.constants))
    except ValueError:  # some callables have no signature
        return
    except TypeError as error:
        raise TypeError(
            f"the function of a surface is called as {surface.name}({', '.join(arguments)}), with all parameters in "
            f"params: {error}."
        ) from None


def check_domain(domain, dim: int) -> tuple[tuple[float, float], ...]:
    """The domain as ((low, high), ...), one pair for each parameter; raise ValueError if it is not one."""
    try:
        box = tuple((float(low), float(high)) for low, high in domain)
    except (TypeError, ValueError):
        box = ()
    if len(box) != dim or not all(-math.inf < low < high < math.inf for low, high in box):
        raise ValueError(f"domain must hold {dim} (low, high) pair{'s' * (dim > 1)} with low < high, got {domain!r}.")
    return box


@partial(jax.jit, static_argnums=0)
def _jax_gradient(surface, params, step, seed):
    return jax.grad(surface)(params, step, seed)


@partial(jax.jit, static_argnums=0)
def _jax_hessian(surface, params, step):
    flat, unflatten = ravel_pytree(params)
    return jax.hessian(lambda p: surface(unflatten(p), step))(flat)


@partial(jax.jit, static_argnums=0)
def _jax_losses(surface, points):
    return jax.vmap(surface)(points)


@partial(jax.jit, static_argnums=0)
def _jax_noisy(surface, gradient, step, seed):
    leaves, structure = jax.tree.flatten(gradient)
    keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), step), len(leaves))
    noise = [jax.random.normal(key, leaf.shape, leaf.dtype) for key, leaf in zip(keys, leaves, strict=True)]
    return jax.tree.unflatten(structure, [g + surface.noise_scale * n for g, n in zip(leaves, noise, strict=True)])


def _torch_gradient(surface, params, step, seed):
    import torch

    leaves, structure = jax.tree.flatten(params)
    leaves = [leaf.detach().clone().requires_grad_() for leaf in leaves]
    with torch.enable_grad():
        loss = surface(jax.tree.unflatten(structure, leaves), step, seed)
        gradients = torch.autograd.grad(loss, leaves, allow_unused=True, materialize_grads=True)
    return jax.tree.unflatten(structure, gradients)
