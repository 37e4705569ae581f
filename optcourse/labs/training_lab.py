"""`training_lab`: a small real network, trained while you watch, with everything under your hand.

The training is an asyncio task on the kernel's own loop, a few hundredths of a second at a time; it runs in ipykernel
6.17 and 7. A thread was tried and trains at the same speed, since Python runs one of the two at a time anyway.
The task cannot be in the middle of a step when a cell or a slider changes something, so that nothing has to be
locked; it stands still while a cell runs; and widgets are only ever touched from the kernel's main thread. In
return, a step that takes long holds up the controls as long, which is the second in which JAX compiles the first.
"""

import asyncio
import time
from dataclasses import replace

import traitlets

from optcourse.labs.choices import Choice, choice_of
from optcourse.labs.controls import said
from optcourse.labs.output import mimebundle
from optcourse.labs.pictures import picture
from optcourse.labs.training import TrainingSession, check_count
from optcourse.labs.training_figure import describe_training, draw_training

TURN = 0.04  # seconds of training between two looks at what the reader does
PAUSE = 0.004  # seconds in which that is looked at
DRAWING = 0.25  # largest share of the time that goes into drawing
LEAST = 0.6  # seconds between two figures
MOST_STEPS = 20_000  # then a run stops by itself: nobody may be looking any more

_running = []  # the lab that trains now; there is one processor to share


class TrainingLab(traitlets.HasTraits):
    """A network in training; see `training_lab`.

    `session` is what trains, with all that was recorded; a reset makes another. `choice` is the optimizer: setting it
    begins a new run. `learning_rate` and the other hyperparameters (`replace`) change the run that goes on.
    """

    running = traitlets.Bool(False, read_only=True, help="whether it trains now")
    step = traitlets.Int(0, read_only=True, help="how many steps the session has taken")
    problem = traitlets.Unicode("", read_only=True, help="what went wrong last, in words")

    def __init__(self, choice, *, batch=64, seed=0, horizon=1000, still=200, alt=None):
        super().__init__()
        self._alt, self._still_steps = alt, check_count("still", still, 1)
        self._settings = {"batch": batch, "seed": seed, "horizon": horizon}
        self._choice = choice_of(choice)
        self._view, self._task = None, None
        self.earlier = None
        self.session = _session(self._choice, self._settings)

    def __repr__(self):
        return f"<TrainingLab of {self._choice.label}: {self.session.step} steps>"

    # --- settings ------------------------------------------------------------------------------------------------

    @property
    def choice(self) -> Choice:
        """The optimizer, with its hyperparameters as they are now."""
        return Choice(
            self._choice.name, self._choice.backend, dict(self.session.optimizer.hyperparams), self._choice.schedule
        )

    @choice.setter
    def choice(self, given):
        self.reset(choice=given)

    @property
    def learning_rate(self) -> float:
        """The learning rate, of a schedule the largest; setting it changes the run that goes on."""
        return float(self.session.optimizer.hyperparams["learning_rate"])

    @learning_rate.setter
    def learning_rate(self, value):
        self.replace(learning_rate=value)

    def replace(self, **hyperparams) -> None:
        """Change hyperparameters, from the next step on."""
        Choice(self._choice.name, self._choice.backend, {**self.choice.hyperparams, **hyperparams})  # or an error
        self.session.replace(**{name: float(value) for name, value in hyperparams.items()})
        self._tell()

    # --- what the buttons do -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Train until `stop`, in the background of the notebook.

        Raises:
            RuntimeError: without an event loop, that is outside notebooks; there, use `session.advance`.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError("nothing runs in the background here: use lab.session.advance(100).") from None
        if self.running:
            return
        for other in _running:
            other.stop()
        _running.append(self)
        self.set_trait("problem", "")
        self.set_trait("running", True)
        self._task = loop.create_task(self._train())

    def stop(self) -> None:
        """Stop; no step is taken after this has returned."""
        self.set_trait("running", False)
        if self in _running:
            _running.remove(self)
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._tell()

    def advance(self, steps: int) -> None:
        """Take so many steps now, and show them."""
        self._guarded(lambda: self.session.advance(steps))
        self._tell()

    def reset(self, *, choice=None, **settings) -> None:
        """Begin again, with the hyperparameters of now, or with another optimizer, `batch`, `seed` or `horizon`.

        The run so far stays behind the new one, in `earlier`.
        """
        choice = self.choice if choice is None else choice_of(choice)
        settings = {**self._settings, **settings}
        session = _session(choice, settings)  # or an error, and the run goes on
        self.stop()
        self.earlier = self.session if self.session.step else self.earlier
        self.session, self._choice, self._settings = session, choice, settings
        self.set_trait("problem", "")
        self._tell()

    async def _train(self):
        drawn, cost = time.perf_counter(), 0.0
        while self.running:
            began = time.perf_counter()
            while self.running and time.perf_counter() - began < TURN:
                self._guarded(lambda: self.session.advance(2))
                if self.problem or self.session.stuck or self.session.step >= MOST_STEPS:
                    self.stop()
                    return
            self.set_trait("step", self.session.step)
            now = time.perf_counter()
            if now - drawn > max(LEAST, cost / DRAWING):
                self._draw()
                drawn, cost = time.perf_counter(), time.perf_counter() - now
            await asyncio.sleep(PAUSE)

    def _guarded(self, work):
        try:
            work()
        except Exception as error:  # a lab says what is wrong and goes on
            self.set_trait("problem", said(error))

    # --- what is shown -------------------------------------------------------------------------------------------

    def figure(self):
        """The curves so far, as a matplotlib figure."""
        return draw_training(self.session, self.earlier)

    def to_html(self) -> str:
        """What stays where no kernel runs: the curves after some steps with the settings of now, as a picture."""
        session = self.session.fresh()
        session.advance(self._still_steps)
        return picture(draw_training(session), self._alt or describe_training(session), stored=True)

    def view(self):
        """The lab as an ipywidgets widget; the same one at every call."""
        if self._view is None:
            from optcourse.labs.training_view import TrainingView

            self._view = TrainingView(self)
        return self._view.widget

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return mimebundle(self)

    def _tell(self):
        self.set_trait("step", self.session.step)
        if self._view is not None:
            self._view.show()

    def _draw(self):
        if self._view is not None:
            self._view.draw()


def training_lab(
    optimizer="adam",
    *,
    schedule: str = "constant",
    batch: int = 64,
    seed: int = 0,
    horizon: int = 1000,
    still: int = 200,
    alt: str | None = None,
) -> TrainingLab:
    """A lab for training: a multilayer perceptron on handwritten digits, and any optimizer of the catalogue.

    It shows itself in a notebook. Where no kernel runs, a picture of the first steps with these settings is in its
    place.

    >>> lab = training_lab("sgd", still=20)
    >>> lab.advance(10)
    >>> lab.learning_rate = 0.05  # and the run goes on
    >>> lab.advance(10)
    >>> lab.session.record.learning_rate.values[[0, -1]].round(2)
    array([0.01, 0.05])

    Args:
        optimizer: a name, a factory, an optimizer of the catalogue, or a `labs.Choice`; on either backend.
        schedule: a name in `schedules.catalogue()` that does not listen to the loss, made for `horizon` steps.
        batch: images in a mini-batch.
        seed: of the initial weights and of the order of the images.
        horizon: steps that a schedule is made for.
        still: steps shown where no kernel runs.
        alt: the text of that picture; by default made from the run.

    Raises:
        ImportError: without scikit-learn, which has the digits.
        KeyError, TypeError, ValueError: for bad input.
    """
    choice = choice_of(optimizer, schedule)
    return TrainingLab(choice, batch=batch, seed=seed, horizon=horizon, still=still, alt=alt)


def _session(choice: Choice, settings) -> TrainingSession:
    """A session that sets the rate by itself: the optimizer gets a number for each step, whatever the schedule."""
    return TrainingSession(replace(choice, schedule="constant").build(1), schedule=choice.schedule, **settings)
