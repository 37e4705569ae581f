"""The yardsticks of `run`, written by hand as one would without this package: Adam on Rosenbrock, all recorded."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

# XLA compiles as it does by default, without the option that optcourse sets for the process.
DEFAULT_LOOPS = {"xla_disable_hlo_passes": "small-while-loop-hoisting"}


def rosenbrock(params):
    """The loss, as one would write it for torch."""
    x, y = params[0], params[1]
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def torch_loop(loss, start, *, steps, learning_rate, b1, b2, eps):
    """torch.optim in a Python loop; returns the same arrays as `run`, by name."""
    params = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([params], lr=learning_rate, betas=(b1, b2), eps=eps)
    history = {name: [] for name in ("params", "loss", "gradients", "updates", "step_size", "count", "mu", "nu")}

    def keep(value):
        history["params"].append(params.detach().clone())
        history["loss"].append(value.detach())
        state = optimizer.state[params]
        history["count"].append(state["step"].clone() if state else torch.zeros(()))
        history["mu"].append(state["exp_avg"].clone() if state else torch.zeros_like(params))
        history["nu"].append(state["exp_avg_sq"].clone() if state else torch.zeros_like(params))

    for _ in range(steps):
        optimizer.zero_grad()
        value = loss(params)
        value.backward()
        keep(value)
        history["gradients"].append(params.grad.clone())
        optimizer.step()
        updates = params.detach() - history["params"][-1]
        history["updates"].append(updates)
        history["step_size"].append(torch.linalg.vector_norm(updates))
    with torch.no_grad():
        keep(loss(params))
    return {name: torch.stack(values).detach().numpy() for name, values in history.items()}


def scan_loop(loss, steps, compiler_options=None):
    """A compiled `lax.scan`, as a function of (start, learning_rate, b1, b2, eps) with the same arrays as `run`."""

    def path(start, learning_rate, b1, b2, eps):
        optimizer = optax.adam(learning_rate, b1, b2, eps)

        def step(carry, _):
            params, state = carry
            value, gradients = jax.value_and_grad(loss)(params)
            updates, new_state = optimizer.update(gradients, state, params)
            moments = state[0]
            seen = (params, value, gradients, updates, jnp.linalg.norm(updates), moments.count, moments.mu, moments.nu)
            return (optax.apply_updates(params, updates), new_state), seen

        _, seen = jax.lax.scan(step, (start, optimizer.init(start)), length=steps + 1)
        return seen

    compiled = jax.jit(path, compiler_options=compiler_options)
    names = ("params", "loss", "gradients", "updates", "step_size", "count", "mu", "nu")

    def arrays(start, **hyperparams):
        with jax.enable_x64(True):
            seen = compiled(np.asarray(start), **hyperparams)
        return {name: np.asarray(values) for name, values in zip(names, seen, strict=True)}

    return arrays
