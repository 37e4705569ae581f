"""`TrainingSession`: a small real network on real digits, trained a few steps at a time, everything measured.

It knows nothing about widgets; `training_lab` shows one.
"""

from typing import NamedTuple

import numpy as np
import xarray

from optcourse.labs.choices import check_schedule, schedule_of
from optcourse.labs.networks import as_numpy, network_of
from optcourse.models import initial_params, load_digits
from optcourse.optimizers.contract import Optimizer
from optcourse.tracing import check_steps

FAR = 100  # a loss so many times the first counts as diverged


class Change(NamedTuple):
    """A hyperparameter that was changed, from `step` on."""

    step: int
    name: str
    value: float


class TrainingSession:
    """A multilayer perceptron on scikit-learn's digits, trained by a real optimizer, step by step.

    >>> from optcourse import optimizers
    >>> session = TrainingSession(optimizers.adam(0.003))
    >>> session.advance(100)
    100
    >>> bool(session.record.held_out_loss[-1] < session.record.held_out_loss[0] / 2)
    True
    >>> session.replace(learning_rate=0.0003)  # and go on
    >>> session.advance(50)
    50

    The same settings give the same numbers, whether steps are taken one at a time or all at once, and however often
    `advance` is interrupted. Optimizers of either backend train the same network from the same weights on the same
    mini-batches, each in its own framework.

    Args:
        optimizer: from `optcourse.optimizers`, on either backend.
        hidden: widths of the hidden layers.
        batch: images in a mini-batch.
        seed: of the initial weights and of the order of the images.
        schedule: a name in `schedules.catalogue()`, but none that listens to the loss; the optimizer's own learning
            rate is its largest.
        horizon: the number of steps the schedule is made for.
        dtype: "float64" or "float32".
        evaluate_every: steps between two evaluations on the images that are held out.

    Raises:
        TypeError, ValueError: for bad input, before anything has run.
        ImportError: without scikit-learn.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        *,
        hidden=(64, 32),
        batch: int = 64,
        seed: int = 0,
        schedule: str = "constant",
        horizon: int = 1000,
        dtype: str = "float64",
        evaluate_every: int = 10,
    ):
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"expected an Optimizer such as optimizers.adam(0.003), got {type(optimizer).__name__}.")
        self._train, self._held_out = load_digits()
        self.batch = check_count("batch", batch, 1, len(self._train.digits))
        self.horizon = check_count("horizon", horizon, 1)
        self.evaluate_every = check_count("evaluate_every", evaluate_every, 1)
        self.hidden = tuple(check_count("every width in hidden", width, 1) for width in hidden)
        self.seed = check_count("seed", seed, 0)
        self.schedule = check_schedule(schedule)
        if dtype not in ("float64", "float32"):
            raise ValueError(f'dtype must be "float64" or "float32", got {dtype!r}.')
        self.dtype = dtype
        self.optimizer = optimizer
        self._network = network_of(optimizer)
        self.changes: list[Change] = []
        params = initial_params((64, *self.hidden, 10), self.seed, dtype)
        self._now = (0, self._network.place(params), None)  # replaced as a whole: an interrupt finds it complete
        self._rows, self._evaluations = [], {}
        self._order, self._rates = (None, None), (None, ())
        images, digits = self._held_out
        self._evaluated = self._network.place(images.astype(dtype)), self._network.place(digits)

    def __repr__(self):
        return f"<TrainingSession of {self.optimizer.name} ({self.optimizer.backend}): {self.step} steps>"

    @property
    def step(self) -> int:
        """How many steps have been taken."""
        return self._now[0]

    @property
    def params(self) -> dict:
        """The weights as they are now, by layer; a copy, in NumPy."""
        return as_numpy(self._now[1])

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers, from the images to the digits."""
        return tuple(self._now[1])

    @property
    def last_loss(self) -> float:
        """Loss of the last mini-batch, before its step; nan before the first."""
        return self._rows[self.step - 1][0] if self.step else float("nan")

    @property
    def diverged_at(self) -> int | None:
        """The first step whose loss was not finite, or above `FAR` times the first; None if there is none.

        A network with ReLUs seldom gets to inf: its units die, and it stays far above where it began.
        """
        losses = np.array([row[0] for row in self._rows[: self.step]])
        lost = np.flatnonzero(~(losses <= FAR * losses[:1]))
        return int(lost[0]) if len(lost) else self.step - 1 if self.stuck else None

    @property
    def stuck(self) -> bool:
        """Whether the last step left something that is not finite, so that no further step can be taken."""
        return bool(self.step) and not np.isfinite(np.hstack(self._rows[self.step - 1])).all()

    def learning_rate(self, step: int | None = None) -> float:
        """The rate at a step, by default the next one."""
        rate = float(self.optimizer.hyperparams["learning_rate"])
        if self.schedule == "constant":
            return rate
        step = self.step if step is None else check_steps(step)
        if self._rates[0] != rate or step >= len(self._rates[1]):
            length = max(self.horizon, 2 * step) + 1
            self._rates = rate, schedule_of(self.schedule, rate, self.horizon).rates(length)
        return float(self._rates[1][step])

    def replace(self, **hyperparams) -> None:
        """Change hyperparameters from the next step on; the optimizer keeps its state."""
        old = self.optimizer
        self.optimizer = old.replace(**hyperparams)
        for name, value in hyperparams.items():
            if value != old.hyperparams[name]:
                self.changes.append(Change(self.step, name, float(value)))

    def fresh(self) -> "TrainingSession":
        """A session with these settings and hyperparameters that has not begun."""
        return TrainingSession(
            self.optimizer,
            hidden=self.hidden,
            batch=self.batch,
            seed=self.seed,
            schedule=self.schedule,
            horizon=self.horizon,
            dtype=self.dtype,
            evaluate_every=self.evaluate_every,
        )

    def advance(self, steps: int) -> int:
        """Take so many more steps; returns how many were taken, fewer only where the weights are no longer finite."""
        with self._network.stepping():
            for taken in range(check_steps(steps)):
                if self.stuck:
                    return taken
                self._take_step()
            self._evaluate()
        return steps

    def _take_step(self) -> None:
        step, params, state = self._now
        self._evaluate()
        rate = self.learning_rate()
        chosen = self._batch(step)
        images = self._network.place(self._train.images[chosen].astype(self.dtype))
        digits = self._network.place(self._train.digits[chosen])
        optimizer = self.optimizer if self.schedule == "constant" else self.optimizer.replace(learning_rate=rate)
        done = self._network.step(optimizer, params, state, images, digits)
        del self._rows[step:]  # what an interrupt may have left behind
        self._rows.append((done.loss, rate, done.gradients, done.updates, done.weights))
        self._now = (step + 1, done.params, done.state)

    def _evaluate(self) -> None:
        step, params, _ = self._now
        if step % self.evaluate_every == 0 and step not in self._evaluations:
            self._evaluations[step] = self._network.evaluate(params, *self._evaluated)

    def _batch(self, step: int) -> np.ndarray:
        """Which images a step sees: each epoch in an order of its own, a rest that fills no batch left out."""
        count = len(self._train.digits)
        epoch, place = divmod(step, count // self.batch)
        if self._order[0] != epoch:
            self._order = (epoch, np.random.default_rng([self.seed, epoch]).permutation(count))
        return self._order[1][place * self.batch : (place + 1) * self.batch]

    @property
    def record(self) -> xarray.Dataset:
        """All that was measured, labelled.

        By `step`: `loss` (of the mini-batch, before the step), `learning_rate`, `gradient_norm`. By `step` and
        `layer`: `update_to_weight` and `effective_rate`, the L2 norm of the update over that of the weights, and over
        that of the gradient. By `evaluated_at`, the number of steps taken before: `held_out_loss` and
        `held_out_accuracy`.
        """
        rows = self._rows[: self.step]
        loss, rate, *norms = zip(*rows, strict=True) if rows else ([], [], [], [], [])
        gradients, updates, weights = (np.reshape(values, (len(rows), len(self.layers))) for values in norms)
        measured = {at: values for at, values in self._evaluations.items() if at <= self.step}
        held_out = np.array(list(measured.values())).reshape(-1, 2)
        with np.errstate(all="ignore"):
            ratio, effective = updates / weights, updates / gradients
            norm = np.sqrt(np.sum(gradients**2, axis=1))
        return xarray.Dataset(
            {
                "loss": ("step", np.array(loss, dtype=float)),
                "learning_rate": ("step", np.array(rate, dtype=float)),
                "gradient_norm": ("step", norm),
                "update_to_weight": (("step", "layer"), ratio),
                "effective_rate": (("step", "layer"), effective),
                "held_out_loss": ("evaluated_at", held_out[:, 0]),
                "held_out_accuracy": ("evaluated_at", held_out[:, 1]),
            },
            coords={"step": np.arange(len(rows)), "layer": list(self.layers), "evaluated_at": list(measured)},
        )


def check_count(name: str, value, least: int, most: int | None = None) -> int:
    """`value` as an int from `least` to `most`; raise TypeError or ValueError if it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number, got {value!r}.")
    if value < least or (most is not None and value > most):
        limits = f"{least} or more" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name} must be {limits}, got {value}.")
    return int(value)
