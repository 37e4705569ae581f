"""Labelled controls of ipywidgets that are the same in 7 and 8, and what the two labs' views share."""

import asyncio
import html
import math
from collections.abc import Callable
from contextlib import contextmanager

import ipywidgets as widgets

from optcourse.explorables.program import slider

RATES = (1e-5, 10.0)  # wide enough for every optimizer to be too slow and to diverge
DELAY = 0.1  # seconds without a change until a figure is drawn: who drags or holds a key goes on
LOOK = {"style": {"description_width": "9.5em"}, "layout": {"width": "24em", "max_width": "100%"}}
NARROW = {"style": {"description_width": "9.5em"}, "layout": {"width": "17em"}}


class Hyperparameter:
    """One hyperparameter: a labelled number, and for most of them a slider beside it; `changed(value)` is called.

    ipywidgets gives its sliders no name that a screen reader could say. The number has one, and does all that the
    slider does.
    """

    def __init__(self, name: str, value: float, changed: Callable[[float], None]):
        self._changed, self._quiet = changed, Quiet()
        self.number = widgets.FloatText(description=name.replace("_", " "), **NARROW)
        self.slider = _slider(name, value)
        self.widget = widgets.HBox([self.number, *([self.slider] if self.slider else [])])
        self.set(value)
        self.number.observe(lambda change: self._moved(change.new), "value")
        if self.slider:
            self.slider.observe(lambda change: self._moved(_rounded(change.new)), "value")

    @property
    def value(self) -> float:
        """What is set."""
        return self.number.value

    def set(self, value: float) -> None:
        """Show a value that was set elsewhere, also one beyond the slider's ends."""
        with self._quiet():
            self.number.value = value
            if self.slider and (value > 0 or not hasattr(self.slider, "base")):
                place = math.log10(value) if hasattr(self.slider, "base") else value
                self.slider.min, self.slider.max = min(self.slider.min, place), max(self.slider.max, place)
                self.slider.value = value

    def _moved(self, value):
        if not self._quiet:
            self.set(value)
            self._changed(value)


def _slider(name, value):
    """A slider on a logarithmic scale, for rates and the like, or from 0 to 1, for decays; None for the rest."""
    look = {"readout": False, "continuous_update": False, "layout": {"width": "10em"}}
    scale = slider(name, value)
    if scale["scale"] == "log":
        low, high = RATES if name == "learning_rate" else (scale["low"], scale["high"])
        limits = {"min": math.log10(min(low, value)), "max": math.log10(max(high, value))}
        return widgets.FloatLogSlider(value=value, base=10, step=0.05, **limits, **look)
    if scale["scale"] == "decay":
        return widgets.FloatSlider(value=value, min=0.0, max=max(0.999, value), step=0.001, **look)
    return None


def _rounded(value: float) -> float:
    """A slider's value in the digits that somebody would write."""
    return float(f"{value:.3g}")


def message(text: str, *, wrong: bool = False) -> str:
    """A line that screen readers announce when it changes."""
    look = "color: #b00020; background: #fff; padding: 0.3em; font-weight: 600" if wrong else ""
    return f'<p role="{"alert" if wrong else "status"}" style="{look}; line-height: 1.4">{html.escape(text)}</p>'


def said(error: Exception) -> str:
    """What an error says, as a sentence."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return text or type(error).__name__


class Soon:
    """Calls a function a little later, once for all that was asked meanwhile; at once where no event loop runs."""

    def __init__(self, function: Callable[[], None]):
        self.function, self._waiting = function, None

    def __call__(self, *_):
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.function()
            return
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = loop.call_later(DELAY, self.function)


class Quiet:
    """Tells changes that a person makes in a control from those that the program makes."""

    def __init__(self):
        self.depth = 0

    @contextmanager
    def __call__(self):
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    def __bool__(self):
        return self.depth > 0
