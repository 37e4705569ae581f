"""Policies: a loss computed in a narrow format, with weights and gradients in a wide one."""

from dataclasses import dataclass, replace

import jax

from optcourse.arrays import double_precision, framework, to_numpy
from optcourse.precision.catalogue import get
from optcourse.precision.formats import Format
from optcourse.precision.rounding import round_to
from optcourse.surfaces.loss_surface import LossSurface


def in_precision(surface: LossSurface, compute: str | Format = "float16", *, master: str | Format = "float32"):
    """The same loss, computed in another format: params are cast on the way in, the loss is returned wide.

    In float16 and bfloat16 the arithmetic is the library's own, forward and backward: gradients of intermediate
    results are of that format too, and may vanish or overflow there. They arrive in the dtype of params, so that the
    optimizer and its weights stay wide: the weights that `run` starts from are the main weights.

    For float8 and tf32, in which a CPU cannot compute, params are rounded and everything else is done in the dtype of
    params, as hardware multiplies such numbers and adds in float32.

    Which parts of a model stay in float32 all the same is its own setting: `keep_float32` of `models.digits_loss` and
    `models.text_loss`. By default it is the loss, as under `torch.autocast`, and in a transformer the softmax and the
    norms, as there on a GPU; on a CPU, autocast computes those in the format that they are given.

    >>> import numpy as np
    >>> from optcourse import surfaces
    >>> tiny = in_precision(surfaces.LossSurface(lambda params: 1e-5 * params[0] ** 2, dim=1), "float16")
    >>> tiny.gradient(np.float32([1e-3]))  # 2e-8 is below half of 2^-24
    array([0.], dtype=float32)

    Args:
        surface: any loss; of JAX arrays and torch tensors, as far as it takes them.
        compute: the narrow format.
        master: the format that the weights are kept in, and the loss is returned in. Params of a wider dtype, as
            float64, are rounded to it first.

    Source: Micikevicius et al. 2018, arXiv:1710.03740.
    """
    if not isinstance(surface, LossSurface):
        raise TypeError(f"in_precision takes a LossSurface, got {type(surface).__name__}: LossSurface(function).")
    compute, master = get(compute), get(master)
    return replace(
        surface,
        function=_InPrecision(surface, compute, master),
        name=f"{surface.name} in {compute.name}",
        constants=(),
    )


@dataclass(frozen=True)
class _InPrecision:
    surface: LossSurface
    compute: Format
    master: Format

    def __call__(self, params, *at):
        if framework(params) == "numpy":
            with double_precision():
                return to_numpy(self(jax.tree.map(jax.numpy.asarray, params), *at))
        narrow = jax.tree.map(lambda leaf: _cast(_cast(leaf, self.master), self.compute), params)
        loss = self.surface.function(narrow, *at, **dict(self.surface.constants))
        return _as_dtype(_as_dtype(loss, self.master), jax.tree.leaves(params)[0].dtype)


def _cast(leaf, form: Format):
    """A weight in the format: as a native array, which derivatives pass by a cast, or rounded in its own dtype."""
    if framework(leaf) == "torch":
        if _native(form):
            return _as_dtype(leaf, form)
        return leaf + (round_to(leaf.detach(), form) - leaf.detach())
    rounded = round_to(leaf, form) if leaf.dtype.itemsize >= form.bytes else leaf
    return _as_dtype(rounded, form) if _native(form) else rounded


def _as_dtype(array, dtype):
    """The array with a dtype of its own library, or that of a native format."""
    name = dtype.name if isinstance(dtype, Format) else str(dtype).removeprefix("torch.")
    if framework(array) == "torch":
        import torch

        return array.to(getattr(torch, name))
    return array.astype(name) if name in ("float32", "float64") else array.astype(getattr(jax.numpy, name))


def _native(form: Format) -> bool:
    """Whether a CPU computes in it."""
    return form.bytes > 1 and form.dtype is not None
