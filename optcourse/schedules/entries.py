"""What a schedule's catalogue entry is, and the decorator that turns a signature into a factory of schedules."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass

from optcourse.optimizers.contract import check_names
from optcourse.optimizers.entries import Difference
from optcourse.schedules.checks import CHECKS, check_length, check_peak
from optcourse.schedules.schedule import Schedule
from optcourse.suggestions import did_you_mean


@dataclass(frozen=True, eq=False)
class Entry:
    """A catalogue entry: everything about one kind of schedule but its peak, its steps and its settings.

    Args:
        name: the factory's name.
        title: as people write it.
        optax: `optax(peak, steps, **settings)` is Optax's schedule `count -> rate`, or, for a schedule that listens,
            the transformation that scales updates.
        torch: `torch(lr_scheduler, optimizer, peak, steps, **settings)` is PyTorch's scheduler, made from its module.
            None where it is a SequentialLR of the parts.
        parts: for a schedule made of others, `parts(peak, steps, **settings) -> (schedules, boundaries)`.
        optax_name, torch_name: what it is called, or made of, in each library.
        agreement: "equal" (the same rates for all of its steps), "different", or "one library" (the other one has
            no name for it: it is put together there, with the same rates).
        tolerance: relative to the peak, up to which equal ones agree.
        differences: how the libraries differ: in their own defaults, in a rate, or after the last step.
        source: where it was proposed.
        listens: to the loss. `rates(schedule, losses)` are then Optax's, `listener(schedule, peak)` is for torch.
        scaled: `scaled(schedule, factor)`, where settings hold rates too.
        write: the code that makes a schedule.
    """

    name: str
    title: str
    optax: Callable
    torch: Callable | None
    optax_name: str
    torch_name: str
    agreement: str = "equal"
    tolerance: float = 1e-12
    differences: tuple[Difference, ...] = ()
    source: str = ""
    parts: Callable | None = None
    listens: bool = False
    rates: Callable | None = None
    listener: Callable | None = None
    scaled: Callable | None = None
    write: Callable | None = None

    def compose(self, how: str, schedule, steps, share) -> Schedule:
        """The schedule with a warmup or a cooldown."""
        from optcourse.schedules import composing  # which is made of entries itself

        return composing.COMPOSED[how](schedule, steps, share)


ENTRIES: dict[str, Entry] = {}
FACTORIES: dict[str, Callable[..., Schedule]] = {}


def entry(title, **known):
    """Decorate a signature `name(peak, steps, *, ...)`: it becomes the factory, its settings checked by their names."""

    def decorate(declared):
        name, signature = declared.__name__, inspect.signature(declared)
        ENTRIES[name] = Entry(name=name, title=title, write=functools.partial(_write, signature), **known)

        @functools.wraps(declared)
        def factory(*args, **kwargs):
            check_names(name, kwargs, signature.parameters)
            values = signature.bind(*args, **kwargs)
            values.apply_defaults()
            settings = dict(values.arguments)
            peak, steps = check_peak(settings.pop("peak")), settings.pop("steps", None)
            if steps is not None or signature.parameters["steps"].default is not None:
                steps = check_length(steps)
            settings = {key: CHECKS[key](key, value, steps) for key, value in settings.items()}
            made = Schedule(ENTRIES[name], peak, steps, tuple(settings.items()))
            if not made.listens:
                made.optax  # noqa: B018  what only fits together wrongly is said now
            return made

        FACTORIES[name] = factory
        return factory

    return decorate


def _write(signature, schedule) -> str:
    settings = [repr(schedule.peak)] + ([repr(schedule.steps)] if schedule.steps is not None else [])
    for name, value in schedule.settings:
        if value != signature.parameters[name].default:
            settings.append(f"{name}={value!r}")
    return f"schedules.{schedule.kind}({', '.join(settings)})"


def catalogue() -> dict[str, Callable[..., Schedule]]:
    """Every factory of schedules, by name."""
    return dict(FACTORIES)


def entries() -> dict[str, Entry]:
    """What is known about every schedule: its name in both libraries, how far they agree, its source."""
    return dict(ENTRIES)


def get(name: str) -> Callable[..., Schedule]:
    """The factory called `name`; a KeyError suggests the nearest right name."""
    if name not in FACTORIES:
        raise KeyError(f"no schedule {name!r}.{did_you_mean(name, FACTORIES)} There are: {', '.join(FACTORIES)}.")
    return FACTORIES[name]
