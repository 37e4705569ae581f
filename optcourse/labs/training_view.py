"""The controls of a training lab."""

from functools import partial

import ipywidgets as widgets

from optcourse.labs.choices import SCHEDULES, UNSCHEDULED, Choice, offered
from optcourse.labs.controls import LOOK, NARROW, Hyperparameter, Quiet, message, said
from optcourse.labs.pictures import picture
from optcourse.labs.training_figure import describe_training, draw_training
from optcourse.plotting.text import short


class TrainingView:
    """Widgets that show and steer a `TrainingLab`."""

    def __init__(self, lab):
        self.lab, self._quiet, self._key, self.controls = lab, Quiet(), None, {}
        self.optimizer = widgets.Dropdown(options=offered(), description="optimizer", **LOOK)
        self.schedule = widgets.Dropdown(options=list(SCHEDULES), description="schedule", **LOOK)
        self.horizon = widgets.BoundedIntText(description="schedule's length", min=1, max=10**6, **NARROW)
        self.batch = widgets.BoundedIntText(description="mini-batch", min=1, max=1347, **NARROW)
        self.seed = widgets.BoundedIntText(description="seed", min=0, max=10**6, **NARROW)
        self.settings = widgets.VBox([])
        button = {"layout": {"width": "9em"}}
        self.start = widgets.Button(description="Start", button_style="success", icon="play", **button)
        self.stop = widgets.Button(description="Stop", icon="stop", **button)
        self.ten = widgets.Button(description="10 steps", icon="step-forward", **button)
        self.hundred = widgets.Button(description="100 steps", icon="fast-forward", **button)
        self.reset = widgets.Button(description="Reset", icon="undo", **button)
        self.status, self.picture = widgets.HTML(), widgets.HTML()
        for control in (self.optimizer, self.schedule, self.horizon, self.batch, self.seed):
            control.observe(self._begin_again, "value")
        for control, act in (
            (self.start, lab.start),
            (self.stop, lab.stop),
            (self.ten, lambda: lab.advance(10)),
            (self.hundred, lambda: lab.advance(100)),
            (self.reset, lab.reset),
        ):
            control.on_click(lambda _, act=act: self._try(act))
        row = {"display": "flex", "flex_flow": "row wrap"}
        new_run = widgets.VBox(
            [
                widgets.HTML("<b>These begin a new run</b>"),
                self.optimizer,
                self.schedule,
                self.horizon,
                self.batch,
                self.seed,
            ],
            layout={"margin": "0 2em 0 0"},
        )
        while_running = widgets.VBox([widgets.HTML("<b>These change the run that goes on</b>"), self.settings])
        self.widget = widgets.VBox(
            [
                widgets.Box([new_run, while_running], layout=row),
                widgets.Box([self.start, self.stop, self.ten, self.hundred, self.reset], layout=row),
                self.status,
                self.picture,
            ]
        )
        lab.observe(self._show_status, ["running", "step", "problem"])
        self.show()

    # --- from the reader -----------------------------------------------------------------------------------------

    def _try(self, act):
        try:
            act()
        except Exception as error:
            self.lab.set_trait("problem", said(error))

    def _begin_again(self, change):
        if self._quiet:
            return
        name, backend = self.optimizer.value
        schedule = "constant" if name in UNSCHEDULED else self.schedule.value
        shown = {key: control.value for key, control in self.controls.items()}
        values = Choice(name, backend).shared(shown) if name == self._key[0] else {}
        settings = {"batch": self.batch.value, "seed": self.seed.value, "horizon": self.horizon.value}
        self._try(lambda: self.lab.reset(choice=Choice(name, backend, values, schedule), **settings))

    def _moved(self, name, value):
        if not self._quiet:
            self._try(lambda: self.lab.replace(**{name: value}))

    # --- from the lab --------------------------------------------------------------------------------------------

    def show(self):
        """Show the settings and curves of now."""
        lab, choice = self.lab, self.lab.choice
        with self._quiet():
            if (choice.name, choice.backend) != self._key:
                self._key = choice.name, choice.backend
                self.controls = {
                    name: Hyperparameter(name, value, partial(self._moved, name))
                    for name, value in choice.hyperparams.items()
                }
                self.settings.children = tuple(control.widget for control in self.controls.values())
            for name, control in self.controls.items():
                if control.value != choice.hyperparams[name]:
                    control.set(choice.hyperparams[name])
            self.optimizer.value = self._key
            unscheduled = choice.name in UNSCHEDULED
            self.schedule.layout.display = "none" if unscheduled else ""
            self.horizon.layout.display = "none" if unscheduled or choice.schedule == "constant" else ""
            self.schedule.value = choice.schedule
            session = lab.session
            self.batch.value, self.seed.value, self.horizon.value = session.batch, session.seed, session.horizon
        self._show_status()
        self.draw()

    def draw(self):
        """Draw the curves so far."""
        lab = self.lab
        self.picture.value = picture(draw_training(lab.session, lab.earlier), describe_training(lab.session))

    def _show_status(self, *_):
        lab, session = self.lab, self.lab.session
        self.start.disabled, self.stop.disabled = lab.running, not lab.running
        self.ten.disabled = self.hundred.disabled = lab.running
        if lab.problem:
            self.status.value = message(lab.problem, wrong=True)
            return
        if not session.step:
            self.status.value = message("Step 0. The network knows nothing yet: press Start.")
            return
        loss, rate = short(session.last_loss), short(session.learning_rate())
        line = f"Step {session.step}. Mini-batch loss {loss}, learning rate {rate}."
        if session.diverged_at is not None:
            line += f" This run diverged at step {session.diverged_at}. Lower the rate and press Reset."
        self.status.value = message(f"{line} {'Training.' if lab.running else 'Standing still.'}")
