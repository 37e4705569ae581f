"""`torch.amp.GradScaler` around a torch session: the real one, on real gradients."""

import jax
import numpy as np

from optcourse.arrays import to_numpy
from optcourse.precision.scales import ScaleState


def open_scaled(inner, params, state, scale):
    """A session of the optimizer inside, whose steps GradScaler takes; `scale` says how it is set up."""
    return _ScaledSession(inner.open(params, None if state is None else state.inner), state, scale)


class _ScaledSession:
    def __init__(self, inner, state, scale):
        import torch

        self.inner, self.leaves, self.structure, self.scale = inner, inner.leaves, inner.structure, scale
        self.param_groups = [{"params": inner.leaves}]  # GradScaler takes this session for an optimizer
        self.fixed = hasattr(scale, "loss_scale")
        first = scale.loss_scale if self.fixed else scale.initial
        rule = {} if self.fixed else {"growth_factor": scale.growth, "backoff_factor": scale.backoff}
        rule |= {} if self.fixed else {"growth_interval": int(scale.interval)}
        self.scaler = torch.amp.GradScaler("cpu", init_scale=float(first), **rule)
        self.good_steps, self.skipped, self.told, self.stepped = 0, 0, (None, None), False
        if state is not None:
            scaling = to_numpy(state.scaling)
            self.good_steps, self.skipped = int(scaling.good_steps), int(scaling.skipped)
            kept = {"scale": float(scaling.scale), "_growth_tracker": self.good_steps}
            self.scaler.load_state_dict(self.scaler.state_dict() | kept)
        self.scaler.scale(torch.zeros(()))  # it makes its own state when it is first used

    def step(self, grads=None, value_fn=None, value=None):
        """For `run`: a step of GradScaler. For GradScaler: the step of the optimizer, unless it skips it."""
        if grads is None:
            self.stepped = True
            return self.inner.step([leaf.grad for leaf in self.leaves], *self.told)
        import torch

        if value_fn is None:
            for leaf, grad in zip(self.leaves, grads, strict=True):
                leaf.grad = grad.clone()
        else:
            with torch.enable_grad():
                loss = self.scaler.scale(value_fn(jax.tree.unflatten(self.structure, self.leaves)))
                grads = torch.autograd.grad(loss, self.leaves, allow_unused=True, materialize_grads=True)
            for leaf, grad in zip(self.leaves, grads, strict=True):
                leaf.grad = grad
        self.told, self.stepped = (value_fn, value), False
        self.scaler.step(self)
        self.scaler.update(self.scale.loss_scale if self.fixed else None)
        self.good_steps = self.good_steps + 1 if self.stepped else 0
        self.skipped += not self.stepped

    def params(self):
        return self.inner.params()

    def state(self):
        import torch

        from optcourse.precision.loss_scaling import ScaledState

        good = self.good_steps if self.fixed else self.scaler.state_dict()["_growth_tracker"]
        counts = (torch.tensor(np.int32(count)) for count in (good, self.skipped))
        return ScaledState(ScaleState(torch.tensor(np.float32(self.scaler.get_scale())), *counts), self.inner.state())
