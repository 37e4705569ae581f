"""The controls of a path lab."""

import ipywidgets as widgets

from optcourse import plotting
from optcourse.labs.choices import SCHEDULES, UNSCHEDULED, Choice, offered
from optcourse.labs.controls import LOOK, NARROW, Hyperparameter, Quiet, Soon, message, said
from optcourse.labs.path_figure import draw_paths
from optcourse.labs.path_lab import MOST_OPTIMIZERS, MOST_STEPS, SETTINGS, drawable_surfaces
from optcourse.labs.pictures import picture
from optcourse.surfaces import from_text

OWN = "a formula of your own"
NOTHING = ("no optimizer", None)


class PathView:
    """Widgets that show and change a `PathLab`; what it refuses is said, and stays as it was typed."""

    def __init__(self, lab):
        self.lab, self._quiet, self.problem = lab, Quiet(), ""
        self._soon = Soon(self.draw)
        self._make_controls()
        self.slots = [Slot(i, self._chosen) for i in range(MOST_OPTIMIZERS)]
        self.picture, self.message = widgets.HTML(), widgets.HTML()
        self.show_code = widgets.ToggleButton(description="Take it with you", value=False, icon="code")
        self.code = widgets.Textarea(rows=16, description="code", layout={"width": "100%", "display": "none"})
        self.show_code.observe(self._code_shown, "value")
        row = {"display": "flex", "flex_flow": "row wrap"}
        self.widget = widgets.VBox(
            [
                widgets.Box([self.surface, self.formula, self.low, self.high], layout=row),
                widgets.Box([*self.start, self.steps, self.noise, self.seed], layout=row),
                widgets.Box([slot.widget for slot in self.slots], layout=row),
                self.message,
                self.picture,
                self.show_code,
                self.code,
            ]
        )
        self._show_settings()
        lab.observe(self._changed, list(SETTINGS))
        self.draw()

    def _make_controls(self):
        named = [(name.replace("_", " "), name) for name in drawable_surfaces()]
        self.surface = widgets.Dropdown(options=[*named, (OWN, OWN)], description="surface", **LOOK)
        self.formula = widgets.Text(
            description="formula in x, y", placeholder="x**2 + 10*y**2", continuous_update=False, **LOOK
        )
        self.low = widgets.FloatText(value=-5.0, description="drawn from", **NARROW)
        self.high = widgets.FloatText(value=5.0, description="drawn to", **NARROW)
        self.start = [widgets.FloatText(description=f"start {axis}", step=0.1, **NARROW) for axis in "xy"]
        self.steps = widgets.BoundedIntText(description="steps", min=1, max=MOST_STEPS, **NARROW)
        self.noise = widgets.BoundedFloatText(description="gradient noise", min=0.0, max=1e6, step=0.1, **NARROW)
        self.seed = widgets.BoundedIntText(description="seed of the noise", min=0, max=10**6, **NARROW)
        for control in (self.surface, self.formula, self.low, self.high):
            control.observe(self._surface_chosen, "value")
        for control, name in ((self.steps, "steps"), (self.noise, "noise"), (self.seed, "seed")):
            control.observe(lambda change, name=name: self._set(name, change.new), "value")
        for control in self.start:
            control.observe(lambda change: self._set("start", self._start()), "value")

    # --- from the reader -----------------------------------------------------------------------------------------

    def _set(self, name, value):
        if self._quiet:
            return
        try:
            setattr(self.lab, name, value() if callable(value) else value)
            self.problem = ""
        except Exception as error:  # whatever it is, a lab says it and goes on
            self.problem = said(error)
        self._soon()

    def _surface_chosen(self, change):
        own = self.surface.value == OWN
        for control in (self.formula, self.low, self.high):
            control.layout.display = "" if own else "none"
        if own and not self.formula.value.strip():
            return
        name, box = self.surface.value, (self.low.value, self.high.value)

        def surface():
            if not own:
                return name
            formula = self.formula.value
            if box[0] >= box[1]:
                raise ValueError(f"what is drawn from {box[0]:g} must be drawn to more than that, got {box[1]:g}.")
            return from_text(formula, domain=[box] * from_text(formula).dim)

        self._set("surface", surface)

    def _start(self):
        return [control.value for control in self.start[: self.lab.surface.dim]]

    def _chosen(self):
        def choices():
            return [choice for choice in (slot.choice() for slot in self.slots) if choice is not None]

        self._set("choices", choices)

    # --- from Python ---------------------------------------------------------------------------------------------

    def _changed(self, change):
        self.problem = ""
        self._show_settings()
        self._soon()

    def _show_settings(self):
        lab = self.lab
        with self._quiet():
            known = lab.surface.name in drawable_surfaces()
            self.surface.value = lab.surface.name if known else OWN
            if not known and hasattr(lab.surface.function, "text"):
                self.formula.value = lab.surface.function.text
                self.low.value, self.high.value = lab.surface.domain[0]
            for control in (self.formula, self.low, self.high):
                control.layout.display = "none" if known else ""
            for control, value in zip(self.start, lab.start, strict=False):
                control.value = value
            self.start[1].layout.display = "" if lab.surface.dim == 2 else "none"
            self.steps.value, self.noise.value, self.seed.value = lab.steps, lab.noise, lab.seed
            self.seed.layout.display = "" if lab.noise else "none"
            for i, slot in enumerate(self.slots):
                slot.show(lab.choices[i] if i < len(lab.choices) else None)

    # --- the figure ----------------------------------------------------------------------------------------------

    def draw(self):
        """Draw the paths of now; where that fails, say why and leave the figure as it was."""
        try:
            paths = self.lab.paths()
            alt = plotting.describe(paths)
            self.picture.value = picture(draw_paths(paths), alt)
            self.code.value = self.lab.code()
            text = alt
        except Exception as error:
            self.problem, text = self.problem or said(error), ""
        self.message.value = message(self.problem, wrong=True) if self.problem else message(text)

    def _code_shown(self, change):
        self.code.layout.display = "" if change.new else "none"


class Slot:
    """The controls of one optimizer. Settings of those chosen before are kept, and come back with them."""

    def __init__(self, number, changed):
        self._changed, self._quiet, self._kept, self._key = changed, Quiet(), {}, None
        options = [*([NOTHING] if number else []), *offered()]
        self.optimizer = widgets.Dropdown(options=options, description=f"optimizer {number + 1}", **LOOK)
        self.schedule = widgets.Dropdown(options=list(SCHEDULES), description="schedule", **LOOK)
        self.settings = widgets.VBox([])
        self.controls = {}
        self.widget = widgets.VBox([self.optimizer, self.schedule, self.settings], layout={"margin": "0 1em 0 0"})
        self.optimizer.observe(self._optimizer_chosen, "value")
        self.schedule.observe(self._tell, "value")

    def choice(self) -> Choice | None:
        """What is chosen here; None for no optimizer."""
        if self.optimizer.value is None:
            return None
        name, backend = self.optimizer.value
        schedule = "constant" if name in UNSCHEDULED else self.schedule.value
        return Choice(name, backend, {key: control.value for key, control in self.controls.items()}, schedule)

    def show(self, choice: Choice | None):
        """Show a choice that was made elsewhere."""
        with self._quiet():
            key = None if choice is None else (choice.name, choice.backend)
            self.optimizer.value = key
            self._make_controls(choice)
            if choice is not None and choice.name not in UNSCHEDULED:
                self.schedule.value = choice.schedule

    def _optimizer_chosen(self, change):
        if self._quiet:
            return
        with self._quiet():
            key = self.optimizer.value
            self._make_controls(None if key is None else Choice(*key, self._known(*key)))
        self._tell()

    def _known(self, name, backend) -> dict:
        """Settings to begin with: those of the same optimizer, out of the other library too."""
        if self._key is not None and name == self._key[0]:
            shown = {name: control.value for name, control in self.controls.items()}
            return Choice(name, backend).shared(shown)
        return self._kept.get((name, backend), {})

    def _make_controls(self, choice):
        if self._key is not None:
            self._kept[self._key] = {name: control.value for name, control in self.controls.items()}
        key = None if choice is None else (choice.name, choice.backend)
        if key != self._key:
            values = choice.hyperparams if choice else {}
            self.controls = {name: Hyperparameter(name, value, self._tell) for name, value in values.items()}
            self.settings.children = tuple(control.widget for control in self.controls.values())
            self._key = key
        for name, control in self.controls.items():
            if control.value != choice.hyperparams[name]:
                control.set(choice.hyperparams[name])
        self.schedule.layout.display = "none" if choice is None or choice.name in UNSCHEDULED else ""

    def _tell(self, *_):
        if not self._quiet:
            self._changed()
