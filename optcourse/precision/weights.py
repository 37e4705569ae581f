"""Weights kept in a narrow format, and four ways to add updates that are smaller than its spacing."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optcourse.optimizers.contract import Optimizer, Recipe
from optcourse.optimizers.wrapping import around, split
from optcourse.precision.catalogue import get
from optcourse.precision.formats import Format
from optcourse.precision.rounding import round_to, stochastic_round
from optcourse.suggestions import did_you_mean

UPDATES = ("nearest", "stochastic", "kahan", "main weights")


class KeptState(NamedTuple):
    """The optimizer's own state, and what is kept beside the weights; what an update does not need is ()."""

    inner: Any
    steps: Any = ()  # taken so far, for "stochastic"
    compensation: Any = ()  # what rounding took off each weight, in its own dtype, for "kahan"
    main: Any = ()  # the weights in a wide dtype, for "main weights"


def kept_in(factory, form: str | Format, *, update: str = "nearest"):
    """The optimizer with its weights kept in a narrow format; it computes its updates u in a wide one.

    "nearest":       w' = rounded(w + u). What is smaller than half the spacing at w is lost.
    "stochastic":    w' = w + u, rounded at random to one of its neighbours; right on average. Chances are drawn from
                     the hyperparameter `rounding_seed`, the number of the step and the weight.
    "kahan":         v = u + c, w' = rounded(w + v), c' = rounded(v - (w' - w)): a second narrow number c for each
                     weight holds what rounding took off.
    "main weights":  m' = m + u in the optimizer's state, w' = rounded(m'): what mixed precision usually means.

    Params may be native arrays of the format (bfloat16, float16), as `run` takes them from its start; then updates
    are computed in float32. Or they are float32 or float64 arrays that hold numbers of the format, for every format:
    the start is rounded in the first step, but main weights begin where it is.

    >>> import optcourse as oc
    >>> from optcourse import optimizers
    >>> slope = oc.surfaces.LossSurface(lambda params: -params[0], dim=1)
    >>> for way in UPDATES[:1] + UPDATES[2:]:
    ...     sgd = kept_in(optimizers.sgd, "bfloat16", update=way)(learning_rate=1e-3)
    ...     print(way, oc.run(sgd, slope, [1.0], steps=1000).final_params)
    nearest [1.]
    kahan [2.]
    main weights [2.]

    Args:
        factory: `optimizers.adam` and the like, or an optimizer; Optax's.
        form: a format or its name.
        update: one of the four.

    Raises:
        KeyError, ValueError: for an unknown format or update; when called, for an optimizer of torch.

    Source: Micikevicius et al. 2018, section 3.1, arXiv:1710.03740 (main weights); Zamirai, Zhang, Aberger and De Sa
    2020, arXiv:2010.06192 (stochastic rounding, Kahan).
    """
    form = get(form)
    if update not in UPDATES:
        raise ValueError(
            f"unknown update {update!r}.{did_you_mean(update, UPDATES)} Choose from: {', '.join(UPDATES)}."
        )
    own = {"rounding_seed": 0.0} if update == "stochastic" else {}

    def recipe(optimizer: Optimizer):
        if optimizer.backend != "optax":
            raise ValueError(f"kept_in works on Optax's optimizers, {optimizer.name} runs on {optimizer.backend}.")
        return _KeptIn(optimizer.recipe, form, update)

    return around(factory, f"{form.name} ", recipe, own)


@dataclass(frozen=True)
class _KeptIn:
    inner: Recipe
    form: Format
    update: str

    def __call__(self, hyperparams):
        hyperparams, own = split(hyperparams, ["rounding_seed"] if self.update == "stochastic" else [])
        inner = self.inner(hyperparams)

        def init(params):
            return KeptState(
                inner.init(wide(params)),
                steps=jnp.zeros((), jnp.int32) if self.update == "stochastic" else (),
                compensation=jax.tree.map(jnp.zeros_like, params) if self.update == "kahan" else (),
                main=wide(params) if self.update == "main weights" else (),
            )

        def update(grads, state, params, *, value_fn=None, **extra):
            weights = state.main if self.update == "main weights" else jax.tree.map(self._rounded, wide(params))
            if value_fn is not None:  # the loss is that of the narrow weights, wherever the optimizer asks for it
                given, dtypes = value_fn, jax.tree.map(lambda leaf: leaf.dtype, params)

                def value_fn(p):
                    return given(jax.tree.map(lambda leaf, dtype: self._rounded(leaf).astype(dtype), p, dtypes))

            updates, inner_state = inner.update(wide(grads), state.inner, weights, value_fn=value_fn, **extra)
            new, state = self._add(weights, updates, state, own.get("rounding_seed"))
            change = jax.tree.map(lambda after, before: after - wide(before), new, params)
            return change, state._replace(inner=inner_state)

        return optax.GradientTransformationExtraArgs(init, update)

    def _rounded(self, leaf):
        return round_to(leaf, self.form)

    def _add(self, weights, updates, state, seed):
        """The new weights, and the state with what is kept beside them."""
        if self.update == "kahan":
            wanted = jax.tree.map(lambda u, c: u + wide(c), updates, state.compensation)
            new = jax.tree.map(lambda w, v: self._rounded(w + v), weights, wanted)
            lost = jax.tree.map(lambda v, after, before: self._rounded(v - (after - before)), wanted, new, weights)
            lost = jax.tree.map(lambda value, old: value.astype(old.dtype), lost, state.compensation)
            return new, state._replace(compensation=lost)
        exact = jax.tree.map(jnp.add, weights, updates)
        if self.update == "stochastic":
            key = jax.random.fold_in(jax.random.key(jnp.asarray(seed).astype(jnp.int32)), state.steps)
            leaves, structure = jax.tree.flatten(exact)
            keys = jax.random.split(key, len(leaves))
            new = [stochastic_round(leaf, self.form, k) for leaf, k in zip(leaves, keys, strict=True)]
            return jax.tree.unflatten(structure, new), state._replace(steps=state.steps + 1)
        new = jax.tree.map(self._rounded, exact)
        return new, state._replace(main=exact) if self.update == "main weights" else state


def wide(tree):
    """Arrays narrower than float32 in float32, the others as they are."""

    def widened(leaf):
        leaf = jnp.asarray(leaf)
        return leaf.astype(jnp.float32) if leaf.dtype.itemsize < 4 else leaf

    return jax.tree.map(widened, tree)
