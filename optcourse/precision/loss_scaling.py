"""Loss scaling: the loss times a large number, so that gradients do not vanish in float16; steps with overflow skipped.

    scaled gradient g' = d(s loss)/d(params); if all of g' is finite, the optimizer is given g'/s; else nothing changes.

Source: Micikevicius et al. 2018, section 3.2, arXiv:1710.03740; the dynamic rule is that of `torch.amp.GradScaler`.
"""

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from optcourse.optimizers.contract import Recipe
from optcourse.optimizers.torch_backend import TorchTransformation
from optcourse.optimizers.transforms import has_invalid_gradients
from optcourse.optimizers.wrapping import around, split
from optcourse.precision.scales import DynamicScale, ScaleState, StaticScale
from optcourse.precision.torch_scaling import open_scaled


class ScaledState(NamedTuple):
    """The scale's state, and that of the optimizer inside. torch's optimizers keep `inner` as torch does."""

    scaling: ScaleState
    inner: Any


def scaled(factory, scale: StaticScale | DynamicScale | None = None):
    """The optimizer with a scaled loss: gradients of scale * loss, unscaled; a step with overflow changes nothing.

    In a skipped step neither params nor the optimizer's own state change, and the scale backs off. Its settings are
    hyperparameters beside the optimizer's: `loss_scale`; or `initial`, `growth`, `backoff`, `interval`.

    >>> import optcourse as oc
    >>> from optcourse import optimizers, surfaces
    >>> sgd = scaled(optimizers.sgd, DynamicScale(initial=1e39))(learning_rate=0.1)  # too large for float32
    >>> path = oc.run(sgd, surfaces.booth(), jnp.ones(2, "float32"), steps=4)
    >>> path.opt_state.scaling.skipped
    array([0, 1, 2, 3, 4], dtype=int32)

    `run` and `sweep` hand the loss to it. By hand, without `value_fn`, `update` takes the gradients for those of the
    loss times `state.scaling.scale`. On the torch backend it is `torch.amp.GradScaler` itself that does the work.
    Noise that a surface adds to gradients is not seen: it belongs to gradients that were computed elsewhere.

    Args:
        factory: `optimizers.adam` and the like, or an optimizer.
        scale: by default `DynamicScale()`.
    """
    scale = DynamicScale() if scale is None else scale
    if not isinstance(scale, (StaticScale, DynamicScale)):
        raise TypeError(f"scale must be a StaticScale or a DynamicScale, got {scale!r}.")
    own = {field.name: float(getattr(scale, field.name)) for field in fields(scale)}
    return around(factory, "scaled ", lambda optimizer: _Scaled(optimizer.recipe, optimizer.backend, type(scale)), own)


def scaling_history(path) -> ScaleState:
    """Scale, good steps and skipped steps before each step of a scaled path and after the last: (steps + 1,) each.

    For both backends; the path must have recorded its `opt_state`.
    """
    states = path.opt_state
    if not isinstance(states, list):
        states = [states]
    if not isinstance(states[0], ScaledState):
        raise TypeError(f"{path.optimizer.name} has no loss scale: wrap its factory with precision.scaled.")
    rows = [[np.atleast_1d(value) for value in state.scaling] for state in states]
    return ScaleState(*(np.concatenate(column) for column in zip(*rows, strict=True)))


@dataclass(frozen=True)
class _Scaled:
    inner: Recipe
    backend: str
    kind: type

    def __call__(self, hyperparams):
        hyperparams, own = split(hyperparams, [field.name for field in fields(self.kind)])
        inner, scale = self.inner(hyperparams), self.kind(**own)
        if self.backend == "torch":
            return TorchTransformation(lambda params, state: open_scaled(inner, params, state, scale))

        def init(params):
            return ScaledState(scale.init(), inner.init(params))

        def update(grads, state, params, *, value_fn=None, **extra):
            factor = state.scaling.scale
            if value_fn is not None:
                grads = jax.grad(lambda p: value_fn(p) * factor)(params)
            finite = ~jnp.asarray(has_invalid_gradients(grads))
            unscale = 1 / factor
            grads = jax.tree.map(lambda g: g * unscale.astype(jnp.promote_types(g.dtype, jnp.float32)), grads)
            extra = {**extra, "grad": grads, "value_fn": value_fn}
            updates, inner_state = inner.update(grads, state.inner, params, **extra)
            updates = jax.tree.map(lambda u: jnp.where(finite, u, jnp.zeros_like(u)), updates)
            inner_state = jax.tree.map(lambda new, old: jnp.where(finite, new, old), inner_state, state.inner)
            return updates, ScaledState(scale.update(state.scaling, finite), inner_state)

        return optax.GradientTransformationExtraArgs(init, update)
