"""What a lab offers: optimizers of both libraries, with their hyperparameters and a schedule."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from optcourse import optimizers, schedules
from optcourse.arrays import finite_number
from optcourse.optimizers.contract import Optimizer, check_backend, check_names
from optcourse.schedules import Schedule
from optcourse.suggestions import did_you_mean

LIBRARIES = {"optax": "Optax", "torch": "PyTorch"}
UNSCHEDULED = ("rprop",)  # its learning rate is only the length of its first step
# Those that follow the step: a lab plots the rate of each step beforehand, which one that listens to the loss has not.
SCHEDULES = tuple(name for name, entry in schedules.entries().items() if not entry.listens)
SHORTEST = 10  # a shorter schedule has no warmup, and no three quarters


@dataclass(frozen=True)
class Choice:
    """An optimizer as it is chosen in a lab.

    >>> choice = Choice("adam", hyperparams={"learning_rate": 0.1}, schedule="cosine")
    >>> choice.label
    'Adam, cosine'
    >>> choice.python(steps=100)
    'optimizers.adam(learning_rate=schedules.cosine(0.1, 100))'

    Args:
        name: in `optimizers.catalogue()`.
        backend: "optax" or "torch".
        hyperparams: those that differ from the defaults; the learning rate is the schedule's largest.
        schedule: a name in `schedules.catalogue()`, but none that listens to the loss.

    Raises:
        KeyError, TypeError, ValueError: for what does not exist, with the nearest name that does.
    """

    name: str
    backend: str = "optax"
    hyperparams: Mapping[str, float] = field(default_factory=dict)
    schedule: str = "constant"

    def __post_init__(self):
        check_backend(self.backend)
        check_schedule(self.schedule)
        standard = optimizers.get(self.name)(backend=self.backend).hyperparams
        if optimizers.entries()[self.name].matrices_only and self.backend == "torch":
            raise ValueError(f"PyTorch's {self.title} takes nothing but matrices; choose Optax's.")
        if self.schedule != "constant" and self.name in UNSCHEDULED:
            raise ValueError(f"{self.title} takes no schedule: its learning rate is only the length of its first step.")
        check_names(self.name, self.hyperparams, standard)
        values = {name: finite_number(value, name) for name, value in {**standard, **self.hyperparams}.items()}
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
            values["learning_rate"] = schedule_of(self.schedule, values["learning_rate"], steps)
        return optimizers.get(self.name)(**values, backend=self.backend)

    def python(self, steps: int) -> str:
        """How to write it."""
        standard = optimizers.get(self.name)(backend=self.backend).hyperparams
        rate = self.hyperparams["learning_rate"]
        given = repr(rate) if self.schedule == "constant" else repr(schedule_of(self.schedule, rate, steps))
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
    if isinstance(rate, Schedule) and rate.kind in SCHEDULES:
        schedule, values["learning_rate"] = rate.kind, rate.peak
    elif callable(rate):
        raise TypeError(f"a lab has its own schedules: schedule=... out of {', '.join(SCHEDULES)}.")
    return Choice(given.name, given.backend, values, schedule)


def check_schedule(name: str) -> str:
    """The name of a schedule that a lab offers; raise ValueError for any other."""
    if name not in SCHEDULES:
        heard = " It listens to the loss; use it in run." if name in schedules.entries() else ""
        raise ValueError(
            f"a lab has no schedule {name!r}.{heard or did_you_mean(str(name), SCHEDULES)} "
            f"There are: {', '.join(SCHEDULES)}."
        )
    return name


def schedule_of(name: str, peak: float, steps: int) -> Schedule:
    """The schedule of a name with its standard settings, made for so many steps."""
    return schedules.get(check_schedule(name))(peak, max(steps, SHORTEST))


def offered() -> list[tuple[str, tuple[str, str]]]:
    """What can be chosen: ("Adam (PyTorch)", ("adam", "torch")) and so on, in the order of the catalogue."""
    return [
        (f"{entry.title} ({library})", (name, backend))
        for name, entry in optimizers.entries().items()
        for backend, library in LIBRARIES.items()
        if getattr(entry, backend) is not None and not (entry.matrices_only and backend == "torch")
    ]
