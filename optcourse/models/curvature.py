"""The largest curvature of a loss over a pytree, without its whole Hessian."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from optcourse.arrays import double_precision
from optcourse.surfaces.loss_surface import LossSurface

WHOLE = 1000  # parameters up to which the Hessian itself is computed


def sharpness(surface: LossSurface, params, *, step: int | None = None) -> float:
    """The largest eigenvalue of the Hessian, by which the stability limit of gradient descent is 2 / sharpness.

    Up to 1,000 parameters the Hessian is computed and its eigenvalues are exact to rounding; above, Lanczos' method
    with 60 Hessian-vector products is, to about six digits.

    >>> from optcourse import surfaces
    >>> round(sharpness(surfaces.quadratic_bowl((2.0, 20.0)), [1.0, 1.0]), 6)
    20.0

    Args:
        surface: a `LossSurface`.
        params: where, an array or a pytree.
        step: of a loss that changes with it.
    """
    params = jax.tree.map(np.asarray, np.asarray(params, dtype=float) if surface.dim is not None else params)
    size = sum(leaf.size for leaf in jax.tree.leaves(params))
    with double_precision():
        if size <= WHOLE:
            return float(np.linalg.eigvalsh(_symmetric(surface.hessian(params, step)))[-1])
        return float(_lanczos(surface, params, step, 60))


def _symmetric(matrix):
    matrix = np.asarray(matrix)
    return (matrix + matrix.T) / 2


@partial(jax.jit, static_argnums=(0, 3))
def _lanczos(surface, params, step, count):
    """The largest Ritz value after `count` products, each new vector made orthogonal to all before it."""
    flat, unflatten = ravel_pytree(params)

    def gradient(p):
        return jax.grad(lambda q: surface(unflatten(q), step))(p)

    def product(vector):
        return jax.jvp(gradient, (flat,), (vector,))[1]

    first = jax.random.normal(jax.random.key(0), flat.shape, flat.dtype)
    basis = jnp.zeros((count + 1, flat.size), flat.dtype).at[0].set(first / jnp.linalg.norm(first))

    def extend(i, carry):
        basis, alphas, betas = carry
        new = product(basis[i])
        alphas = alphas.at[i].set(new @ basis[i])
        for _ in range(2):  # the second time takes out what rounding left
            new = new - basis.T @ (basis @ new)
        beta = jnp.linalg.norm(new)
        return basis.at[i + 1].set(new / beta), alphas, betas.at[i].set(beta)

    zeros = jnp.zeros(count, flat.dtype)
    _, alphas, betas = jax.lax.fori_loop(0, count, extend, (basis, zeros, zeros))
    tridiagonal = jnp.diag(alphas) + jnp.diag(betas[:-1], 1) + jnp.diag(betas[:-1], -1)
    return jnp.linalg.eigvalsh(tridiagonal)[-1]
