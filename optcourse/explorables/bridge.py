"""Between a live figure on a page and the Python that made it: what the reader chose can be read, observed and set."""

import operator
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache

import numpy as np
import traitlets

from optcourse.arrays import finite_number
from optcourse.explorables import bundle
from optcourse.suggestions import did_you_mean
from optcourse.tracing import check_start

SETTINGS = ("start", "steps", "step", "precision", "hyperparams", "shown")


class Settings(traitlets.HasTraits):
    """What a reader can choose in a live figure; the base of `Explorable`.

    Before the figure is displayed they are what it begins with. In JupyterLab, Notebook 7 and Colab they follow the
    reader from then on. `figure.observe(function, "start")` calls the function at each change; where no kernel is
    connected to the page they stay as they are. Setting one moves the figure: at once in JupyterLab and Notebook 7,
    when it is displayed again in Colab.
    """

    start = traitlets.Any(help="where the paths begin: one number for each parameter of the surface")
    steps = traitlets.Any(help="how many steps the paths have")
    step = traitlets.Any(help="the step that is shown, from 0 to steps")
    precision = traitlets.Any(help="the number format of the paths")
    hyperparams = traitlets.Any(help="by label and name; what is left out of an assignment stays as it is")
    shown = traitlets.Any(help="labels of the optimizers whose paths are shown")

    # `surface`, `spec` and `name` are those of the figure, and there before the settings begin.

    _connection = None

    def begin(self) -> None:
        """Set everything to how the figure begins."""
        spec = self.spec
        with self.hold_trait_notifications():
            self.start = spec["start"]
            self.steps, self.step = spec["steps"], spec["step"]
            self.precision = spec["precisions"][0]
            self.hyperparams = self._first_hyperparams()
            self.shown = self._labels()

    def settings(self) -> dict:
        """All of it as plain data, in the form that the page and links use."""
        return {
            "start": list(self.start),
            "steps": self.steps,
            "precision": self.precision,
            "methods": {label: {"shown": label in self.shown, **values} for label, values in self.hyperparams.items()},
            "step": self.step,
        }

    def follow(self, given: Mapping) -> None:
        """Take over settings that come from a page; what this figure cannot have is left as it is."""
        methods = {k: dict(v) for k, v in given.get("methods", {}).items() if k in self.hyperparams}
        given = {
            **given,
            "shown": [label for label in self._labels() if methods.get(label, {}).pop("shown", label in self.shown)],
            "hyperparams": methods,
        }
        with self.hold_trait_notifications():
            for name in SETTINGS:
                with suppress(KeyError, TypeError, ValueError):
                    setattr(self, name, self._checked(name, given[name], steps=given.get("steps")))

    # --- what can be chosen ----------------------------------------------------------------------------------

    @traitlets.validate(*SETTINGS)
    def _check(self, proposal):
        return self._checked(proposal.trait.name, proposal.value)

    def _checked(self, name, value, *, steps=None):
        if name == "step":
            return _count(value, "step", 0, self.steps if steps is None else steps)
        return getattr(self, f"_checked_{name}")(value)

    def _checked_start(self, value):
        return tuple(float(x) for x in np.asarray(check_start(self.surface, value)))

    def _checked_steps(self, value):
        return _count(value, "steps", 1, self.spec["mostSteps"], " For more, build the figure with steps=...")

    def _checked_precision(self, value):
        return _known(value, self.spec["precisions"], "precision", " For others, build the figure with precisions=...")

    def _checked_shown(self, value):
        labels = (value,) if isinstance(value, str) else tuple(value)
        for label in labels:
            _known(label, self._labels(), "optimizer")
        if not labels:
            raise ValueError(f"one optimizer at least must be shown, out of: {', '.join(self._labels())}.")
        return tuple(label for label in self._labels() if label in labels)

    def _checked_hyperparams(self, value):
        if not isinstance(value, Mapping) or not all(isinstance(part, Mapping) for part in value.values()):
            raise TypeError(f"hyperparams must be a dict such as {self._example()}, got {value!r}.")
        merged = {label: dict(values) for label, values in (self.hyperparams or self._first_hyperparams()).items()}
        for label, values in value.items():
            _known(label, merged, "optimizer")
            for name, number in values.items():
                _known(name, merged[label], f"hyperparameter of {label}")
                merged[label][name] = finite_number(number, f"{name} of {label}")
        return _ReadOnly({label: _ReadOnly(values) for label, values in merged.items()})

    def _labels(self):
        return tuple(method["label"] for method in self.spec["methods"])

    def _first_hyperparams(self):
        return {m["label"]: {h["name"]: h["value"] for h in m["hyperparams"]} for m in self.spec["methods"]}

    def _example(self):
        settings = [(label, name) for label, values in self.hyperparams.items() for name in values]
        label, name = next((one for one in settings if one[1] == "learning_rate"), (settings or [("Adam", "b1")])[0])
        return {label: {name: 0.1}}

    # --- keeping everything in step -----------------------------------------------------------------------------

    @traitlets.observe("steps")
    def _keep_step(self, change):
        """As on the page: who looks at the last step goes on looking at the last."""
        if isinstance(change.old, int):
            self.step = self.steps if self.step == change.old else min(self.step, self.steps)

    @traitlets.observe(*SETTINGS)
    def _tell_page(self, change):
        if self._connection is not None:
            self._connection.settings = self.settings()


class _ReadOnly(dict):
    """A dict that says how to change it: a change inside would be noticed by nobody."""

    def _refuse(self, *args, **kwargs):
        raise TypeError(
            'hyperparams are changed by assignment: figure.hyperparams = {"Adam": {"learning_rate": 0.1}}. '
            "What you leave out stays as it is."
        )

    __setitem__ = __delitem__ = __ior__ = update = pop = popitem = clear = setdefault = _refuse

    def __reduce__(self):
        return dict, (dict(self),)  # copies can be changed


def _count(value, what, low, high, hint=""):
    try:
        count = operator.index(value)
    except TypeError:
        raise TypeError(f"{what} must be a whole number, got {value!r}.") from None
    if isinstance(value, bool) or not low <= count <= high:
        hint = hint if count > high else ""
        raise ValueError(f"{what} must be {low} to {high} in this figure, got {value!r}.{hint}")
    return count


def _known(name, known, what, hint=""):
    if name not in known:
        raise ValueError(
            f"this figure has no {what} {name!r}.{did_you_mean(str(name), known)} "
            f"It has: {', '.join(known) or 'none'}.{hint}"
        )
    return name


# --- the connection ------------------------------------------------------------------------------------------------

_connections = {}  # by name: the page can tell figures apart only by that, and the newest has it


def connect(figure: Settings) -> None:
    """Connect a figure that is being displayed with its views on the page, if there is a kernel that can.

    In JupyterLab and Notebook 7 through a widget that is never displayed, so that an output holds nothing that a
    stored notebook or a static page could not show; in Colab, whose outputs are isolated frames, through a
    function that the frame may call. Without anywidget, without a kernel, and where a tool executes a notebook,
    nothing happens.
    """
    if "google.colab" in sys.modules:
        from google.colab import output

        output.register_callback(f"optcourse.{figure.name}", lambda *given: _answer(figure, *given))
    elif _has_reader():
        with suppress(ImportError):
            _open(figure)


def _answer(figure, given=None):
    """Called by Colab's frame: take over what it says, if anything, and say how it is now."""
    from IPython.display import JSON

    if given is not None:
        figure.follow(given)
    return JSON(figure.settings())


def _has_reader() -> bool:
    """Whether cells are run by somebody: tools that execute notebooks say that there is nobody to ask for input."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        return False
    request = kernel.get_parent() if hasattr(kernel, "get_parent") else {}
    return request.get("content", {}).get("allow_stdin", True)


def _open(figure) -> None:
    if figure._connection is not None and _connections.get(figure.name) is figure._connection:
        return
    connection = _widget_class()(name=figure.name, settings=figure.settings())
    connection.observe(lambda change: figure.follow(change.new), "settings")
    connection.on_msg(lambda widget, content, buffers: widget.set_state(content))
    earlier = _connections.get(figure.name)
    if earlier is not None:
        earlier.close()
    _connections[figure.name] = figure._connection = connection


@cache
def _widget_class():
    import anywidget

    class Connection(anywidget.AnyWidget):
        """What the page and Python share; its other end is `page/jupyter.js`."""

        _esm = (bundle.PAGE / "jupyter.js").read_text(encoding="utf-8")
        name = traitlets.Unicode().tag(sync=True)
        settings = traitlets.Dict().tag(sync=True, echo_update=False)  # an echo would pull back who drags on

    return Connection
