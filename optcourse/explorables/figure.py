"""`Explorable`: a live figure of optimizers on a surface, for notebooks and for static pages."""

import jax.numpy as jnp
import numpy as np

from optcourse.explorables.bridge import Settings, connect
from optcourse.explorables.on_page import OnPage, as_script
from optcourse.explorables.program import PRECISIONS, colors, compile_program, methods_of, slider, ticks
from optcourse.explorables.still import still_picture
from optcourse.optimizers.contract import Optimizer
from optcourse.plotting.view import check_drawable
from optcourse.suggestions import did_you_mean
from optcourse.surfaces import LossSurface, catalogue
from optcourse.surfaces.from_text import Expression
from optcourse.tracing import check_start, check_steps, run

PANELS = ("schedule", "inspector", "theory", "sensitivity", "phase", "basins", "precision", "share")


class Explorable(OnPage, Settings):
    """A live figure: drag the start, move the hyperparameters, and see what Optax itself does.

    The surface and each optimizer's real Optax update are compiled to JavaScript (`compile_function`), so the
    figure needs no kernel and no network, and computes what `run` computes: the same numbers up to rounding, which
    paths that are chaotic amplify.

    >>> from optcourse import optimizers, surfaces
    >>> figure = Explorable(surfaces.rosenbrock(), {"Adam": optimizers.adam, "SGD": optimizers.sgd}, steps=100)
    >>> figure
    <Explorable of Adam, SGD on rosenbrock: 100 steps>

    In a notebook Python sees what the reader chose: `start`, `steps`, `step`, `precision`, `hyperparams` and `shown`
    can be read, observed, and set (see `Settings`).

    >>> figure.start = [0.0, 1.0]
    >>> figure.hyperparams = {"Adam": {"learning_rate": 0.3}}
    >>> figure.optimizers["Adam"].hyperparams["learning_rate"]
    0.3

    Args:
        surface: a LossSurface of one or two parameters.
        optimizers: a dict by label, a list, or one of: an Optimizer (its settings are where the sliders begin), a
            factory such as `optimizers.adam`, an Optax optimizer, or your own function of hyperparameters with
            defaults that returns one. Defaults that are floats become sliders, others stay as they are.
        start: where paths begin; by default the surface's own start.
        steps: how many steps, which the reader may change.
        step: the step that is shown at first; by default the last.
        panels: which of "schedule", "inspector", "theory", "sensitivity", "phase", "basins", "precision", "share" there
            are; by default all that fit. With "schedule" the points of `schedules.drawn` are dragged in a chart of the
            learning rate, and have no sliders.
        open: which of them are unfolded from the beginning; by default "schedule", where rates are drawn.
        precisions: number formats that the reader can choose, out of "float64", "float32", "float16", "bfloat16".
        ranges: (low, high) of a slider, by hyperparameter name.
        name: what the figure is called in links; by default made from its contents.
        caption: one or two sentences under the figure: what to try, what to look at.
        alt: what the figure shows, for those who do not see it; by default from the paths.

    Raises:
        TypeError, ValueError: for bad input.
        CompileError: for a surface or optimizer with a part that has no JavaScript translation.
    """

    def __init__(
        self,
        surface: LossSurface,
        optimizers,
        *,
        start=None,
        steps: int = 200,
        step: int | None = None,
        panels=None,
        open=None,
        precisions=("float64",),
        ranges=None,
        name: str | None = None,
        caption: str = "",
        alt: str | None = None,
    ):
        check_drawable(surface)
        self.surface = surface
        self._methods = methods_of(optimizers)
        if not self._methods:
            raise ValueError("there is no optimizer to show: the list is empty.")
        start = check_start(surface, _default_start(surface) if start is None else start)
        if check_steps(steps) < 1:
            raise ValueError("steps must be 1 or more, got 0.")
        self._precisions = _chosen("precision", precisions, PRECISIONS)
        self._panels = _chosen("panel", self._fitting() if panels is None else panels, PANELS)
        self._open = _chosen("panel", self._unfolded() if open is None else open, self._panels)
        self._ranges = self._checked_ranges(ranges or {})
        if not self._precisions:
            raise ValueError(f"a figure computes in one number format at least, out of: {', '.join(PRECISIONS)}.")
        if "schedule" in self._panels and not any(method.rate for method in self._methods):
            raise ValueError("the schedule panel shows learning rates: no optimizer here has one that is known.")
        if "precision" in self._panels and len(self._precisions) == 1:
            raise ValueError(
                'the precision panel compares number formats: give several, as in precisions=["float64", "bfloat16"].'
            )
        self._alt, self._caption = alt, caption
        self._program = compile_program(
            surface,
            self._methods,
            self._precisions,
            explain="inspector" in self._panels,
            rates="schedule" in self._panels,
        )
        self.spec = self._spec([float(x) for x in start], int(steps), self._checked_first_step(step, int(steps)))
        self._call_it(name, surface.name.strip("<>"))
        super().__init__()
        self.begin()
        self._first = self.settings()

    def __repr__(self):
        labels = ", ".join(method.label for method in self._methods)
        return f"<Explorable of {labels} on {self.surface.name}: {self.steps} steps>"

    def _still(self, paths: bool) -> str:
        return still_picture(self.surface, self.paths() if paths else {}, self._alt or "")

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        connect(self)
        return super()._repr_mimebundle_(include, exclude)

    # --- what the page is told ---------------------------------------------------------------------------------

    def _spec(self, start, steps, step) -> dict:
        surface, program = self.surface, self._program
        labels = " and ".join(filter(None, [", ".join(m.label for m in self._methods[:-1]), self._methods[-1].label]))
        return {
            "id": "",
            "title": f"{labels} on {surface.name.replace('_', ' ').strip('<>')}",
            "start": start,
            "steps": steps,
            "step": step,
            "mostSteps": max(1000, 5 * steps),
            "precisions": list(self._precisions),
            "panels": list(self._panels),
            "open": list(self._open),
            "surface": {
                "name": surface.name,
                "python": python_of_surface(surface),
                "dim": surface.dim,
                "domain": [list(pair) for pair in surface.domain],
                "minima": [{"params": list(m.params), "loss": m.loss} for m in surface.minima],
                "stepDependent": surface.step_dependent,
                "ticks": ticks(surface),
                "landscape": program.surface.get("landscape"),
                "hessian": program.surface["hessian"],
                "precisions": {p: program.surface[p] for p in self._precisions},
            },
            "methods": [
                {
                    "label": method.label,
                    "python": method.python,
                    "style": style,
                    "rateSteps": list(method.rate_steps),
                    "hyperparams": [
                        self._hyperparameter(name, method.hyperparams[name]) for name in sorted(method.hyperparams)
                    ],
                    **compiled,
                }
                for method, style, compiled in zip(self._methods, colors(self._methods), program.methods, strict=True)
            ],
        }

    def _fitting(self) -> list[str]:
        """The panels that have something to show: a phase diagram has two settings, and a minimum to go to."""
        pairs = self.surface.minima and any(len(method.hyperparams) > 1 for method in self._methods)
        scheduled = any(method.scheduled for method in self._methods)
        fits = {"precision": len(self._precisions) > 1, "phase": pairs, "schedule": scheduled}
        return [panel for panel in PANELS if fits.get(panel, True)]

    def _unfolded(self) -> list[str]:
        drawn = any(method.rate_steps for method in self._methods)
        return ["schedule"] if drawn and "schedule" in self._panels else []

    def _checked_first_step(self, step, steps) -> int:
        if step is not None and not 0 <= check_steps(step) <= steps:
            raise ValueError(f"step must be 0 to {steps}, the number of steps, got {step}.")
        return steps if step is None else int(step)

    def _checked_ranges(self, ranges):
        known = sorted({name for method in self._methods for name in method.hyperparams})
        for name in ranges:
            if name not in known:
                near = did_you_mean(name, known)
                raise ValueError(f"no hyperparameter {name!r}.{near} There are: {', '.join(known)}.")
        return dict(ranges)

    def _hyperparameter(self, name: str, value: float) -> dict:
        return {"name": name, "value": value, "range": slider(name, value, self._ranges.get(name))}

    def _moved(self) -> str:
        """Where the figure begins, if Python or a reader has moved it meanwhile."""
        settings = self.settings()
        return "" if settings == self._first else f"settings: {as_script(settings)},\n"

    # --- what Python sees --------------------------------------------------------------------------------------------

    @property
    def optimizers(self) -> dict[str, Optimizer]:
        """The optimizers by label, with the hyperparameters as they are set now."""
        return {m.label: Optimizer(m.name, "optax", self.hyperparams[m.label], m.build) for m in self._methods}

    def paths(self) -> dict:
        """The paths that are shown, as `run` computes them from the settings of now, by label."""
        start = np.asarray(self.start, jnp.dtype(self.precision))
        optimizers = self.optimizers
        return {label: run(optimizers[label], self.surface, start, steps=self.steps) for label in self.shown}


def python_of_surface(surface: LossSurface) -> str:
    """How to write the surface, `surfaces.rosenbrock()`; "" if it is one's own function."""
    if isinstance(surface.function, Expression):
        return surface.function.python(surface)
    factory = catalogue().get(surface.name)
    if factory is None:
        return ""
    if factory() == surface:
        return f"surfaces.{surface.name}()"
    arguments = dict(surface.constants)
    try:
        if factory(**arguments) == surface:
            return f"surfaces.{surface.name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"
    except TypeError:
        pass
    return ""


def _default_start(surface):
    if surface.start is not None:
        return list(surface.start)
    return [low + 0.25 * (high - low) for low, high in surface.domain]


def _chosen(what: str, names, known) -> tuple[str, ...]:
    names = (names,) if isinstance(names, str) else tuple(names)
    for name in names:
        if name not in known:
            raise ValueError(f"no {what} {name!r}.{did_you_mean(name, known)} There are: {', '.join(known)}.")
    return names
