"""What a lab offers: optimizers of both libraries, with their hyperparameters and a schedule."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from optcourse import optimizers
from optcourse.labs.schedules import TABLE, Schedule, check_kind
from optcourse.optimizers.contract import Optimizer, check_backend, check_names

LIBRARIES = {"optax": "Optax", "torch": "PyTorch"}
UNSCHEDULED = ("rprop",)  # its learning rate is only the length of its first step


@dataclass(frozen=True)
class Choice:
    """An optimizer as it is chosen in a lab.

    >>> choice = Choice("adam", hyperparams={"learning_rate": 0.1}, schedule="cosine")
    >>> choice.label
    'Adam, cosine'
    >>> choice.python(steps=100)
    'optimizers.adam(learning_rate=optax.cosine_decay_schedule(0.1, 100))'

    Args:
        name: in `optimizers.catalogue()`.
        backend: "optax" or "torch".
        hyperparams: those that differ from the defaults; the learning rate is the schedule's largest.
        schedule: a name in `labs.schedules.TABLE`.

    Raises:
        KeyError, TypeError, ValueError: for what does not exist, with the nearest name that does.
    """

    name: str
    backend: str = "optax"
    hyperparams: Mapping[str, float] = field(default_factory=dict)
    schedule: str = "constant"

    def __post_init__(self):
        check_backend(self.backend)
        check_kind(self.schedule)
        standard = optimizers.get(self.name)(backend=self.backend).hyperparams
        if optimizers.entries()[self.name].matrices_only and self.backend == "torch":
            raise ValueError(f"PyTorch's {self.title} takes nothing but matrices; choose Optax's.")
        if self.schedule != "constant" and self.name in UNSCHEDULED:
            raise ValueError(f"{self.title} takes no schedule: its learning rate is only the length of its first step.")
        check_names(self.name, self.hyperparams, standard)
        values = {name: _number(name, value) for name, value in {**standard, **self.hyperparams}.items()}
        object.__setattr__(self, "hyperparams", values)

    @property
    def title(self) -> str:
        """The optimizer's name as people write it."""
        return optimizers.entries()[self.name].title

    @property
    def label(self) -> str:
        """What figures call it."""
        label = self.title if self.backend == "optax" else f"{self.title} of PyTorch"
        return label if self.schedule == "constant" else f"{label}, {self.schedule}"

    def shared(self, hyperparams: Mapping[str, float]) -> dict[str, float]:
        """Those of the given hyperparameters that this optimizer has too."""
        return {name: value for name, value in hyperparams.items() if name in self.hyperparams}

    def build(self, steps: int) -> Optimizer:
        """The optimizer, its schedule made for so many steps."""
        values = dict(self.hyperparams)
        if self.schedule != "constant":
            values["learning_rate"] = Schedule(self.schedule, values["learning_rate"], steps)
        return optimizers.get(self.name)(**values, backend=self.backend)

    def python(self, steps: int) -> str:
        """How to write it."""
        standard = optimizers.get(self.name)(backend=self.backend).hyperparams
        rate = self.hyperparams["learning_rate"]
        given = repr(rate) if self.schedule == "constant" else Schedule(self.schedule, rate, steps).python
        arguments = [f"learning_rate={given}"]
        arguments += [f"{k}={v!r}" for k, v in self.hyperparams.items() if k != "learning_rate" and v != standard[k]]
        arguments += ['backend="torch"'] if self.backend == "torch" else []
        return f"optimizers.{self.name}({', '.join(arguments)})"


def choice_of(given, schedule: str = "constant") -> Choice:
    """A Choice out of one, a name, a factory of the catalogue, or an optimizer of it with numbers as settings."""
    if isinstance(given, Choice):
        return given
    if isinstance(given, str):
        return Choice(given, schedule=schedule)
    if given in optimizers.catalogue().values():
        given = given()
    if not isinstance(given, Optimizer) or given.name not in optimizers.catalogue():
        raise TypeError(f"a lab offers the optimizers of the catalogue, such as optimizers.adam(0.1); got {given!r}.")
    values = dict(given.hyperparams)
    rate = values.get("learning_rate")
    if isinstance(rate, Schedule):
        schedule, values["learning_rate"] = rate.kind, rate.peak
    elif callable(rate):
        raise TypeError(f"a lab has its own schedules: schedule=... out of {', '.join(TABLE)}.")
    return Choice(given.name, given.backend, values, schedule)


def offered() -> list[tuple[str, tuple[str, str]]]:
    """What can be chosen: ("Adam (PyTorch)", ("adam", "torch")) and so on, in the order of the catalogue."""
    return [
        (f"{entry.title} ({library})", (name, backend))
        for name, entry in optimizers.entries().items()
        for backend, library in LIBRARIES.items()
        if getattr(entry, backend) is not None and not (entry.matrices_only and backend == "torch")
    ]


def _number(name, value) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, got {value!r}.") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {value!r}.")
    return number
