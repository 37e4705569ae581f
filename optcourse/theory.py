"""What theory predicts for a quadratic: how fast an optimizer contracts, and which learning rates are stable.

Near a minimum a smooth loss is a quadratic, and SGD, heavy ball and Nesterov's momentum act on each eigenvector
of its Hessian alone, as a linear recursion. Sources: Polyak 1964, doi:10.1016/0041-5553(64)90137-5; Lessard, Recht
and Packard 2016, doi:10.1137/15M1009597, section 2.
"""

import math

import jax.numpy as jnp


def contraction(optimizer: str, eigenvalues, hyperparams):
    """The factor by which the distance to the minimum shrinks with each step, in the long run; None without theory.

    Args:
        optimizer: name in the catalogue; "sgd", "momentum" and "nesterov" have a theory.
        eigenvalues: of the Hessian, (dim,).
        hyperparams: learning_rate and momentum, by name.

    Returns:
        The largest modulus of a root of the recursion, over all eigenvalues; above 1 the path diverges.

    >>> round(float(contraction("sgd", jnp.array([1.0, 100.0]), {"learning_rate": 0.01})), 6)
    0.99
    """
    if optimizer not in LIMITS:
        return None
    rate, beta = hyperparams["learning_rate"], hyperparams.get("momentum", 0.0)
    kept = 1 - rate * eigenvalues
    if optimizer == "sgd":
        return jnp.max(jnp.abs(kept))
    if optimizer == "momentum":  # z^2 - (1 + beta - rate * eigenvalue) z + beta = 0
        return jnp.max(_largest_root(beta + kept, jnp.full_like(kept, beta)))
    return jnp.max(_largest_root((1 + beta) * kept, beta * kept))  # z^2 - (1 + beta) kept z + beta kept = 0


def stability_limit(optimizer: str, largest_eigenvalue, hyperparams):
    """The learning rate above which it diverges on a quadratic; None without theory.

    >>> float(stability_limit("sgd", 100.0, {"learning_rate": 0.01}))
    0.02
    """
    if optimizer not in LIMITS:
        return None
    return LIMITS[optimizer](hyperparams.get("momentum", 0.0)) / largest_eigenvalue


def best_settings(optimizer: str, smallest: float, largest: float) -> dict[str, float]:
    r"""The learning rate, and momentum, with the fastest worst contraction for eigenvalues m = smallest to L = largest.

    sgd: 2/(L + m). momentum: 4/(\sqrt L + \sqrt m)^2 and ((\sqrt\kappa - 1)/(\sqrt\kappa + 1))^2, with \kappa = L/m.
    nesterov: 1/L and (\sqrt\kappa - 1)/(\sqrt\kappa + 1), the standard choice, which a larger rate would still beat.

    >>> best_settings("sgd", 1.0, 99.0)
    {'learning_rate': 0.02}

    Raises:
        ValueError: without a theory, or unless 0 < smallest <= largest.

    Source: Lessard, Recht and Packard 2016, doi:10.1137/15M1009597, section 2.2 and table 1.
    """
    if optimizer not in LIMITS:
        raise ValueError(f"there is no theory for {optimizer!r}; there is for {', '.join(LIMITS)}.")
    if not 0 < smallest <= largest:
        raise ValueError(f"eigenvalues must be 0 < smallest <= largest, got {smallest:g} and {largest:g}.")
    if optimizer == "sgd":
        return {"learning_rate": 2 / (largest + smallest)}
    root = math.sqrt(largest / smallest)
    factor = (root - 1) / (root + 1)
    if optimizer == "momentum":
        rate = 4 / (math.sqrt(largest) + math.sqrt(smallest)) ** 2
        return {"learning_rate": rate, "momentum": factor**2}
    return {"learning_rate": 1 / largest, "momentum": factor}


LIMITS = {
    "sgd": lambda beta: 2.0,
    "momentum": lambda beta: 2 * (1 + beta),
    "nesterov": lambda beta: (2 + 2 * beta) / (1 + 2 * beta),
}


def _largest_root(sum_of_roots, product):
    """Largest modulus of the roots of z^2 - sum z + product, for real coefficients."""
    discriminant = sum_of_roots**2 - 4 * product
    real = (jnp.abs(sum_of_roots) + jnp.sqrt(jnp.maximum(discriminant, 0.0))) / 2
    return jnp.where(discriminant < 0, jnp.sqrt(jnp.abs(product)), real)
