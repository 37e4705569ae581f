"""`LiveCurves`: a live chart of any JAX function of a few sliders, for notebooks and for static pages."""

import itertools
from collections.abc import Mapping
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from optcourse.arrays import double_precision, weakly_typed
from optcourse.explorables.chart_spec import (
    axis_of,
    check_known,
    check_parameters,
    default_sliders,
    is_number,
    looks_of,
    slider_range,
)
from optcourse.explorables.compiler import Module
from optcourse.explorables.on_page import OnPage
from optcourse.explorables.program import Program
from optcourse.explorables.still import still_chart

MOST_VARIANTS = 32


class LiveCurves(OnPage):
    """A live chart: move the sliders, and see the curves, dots, bars and numbers that a JAX function makes of them.

    The function is compiled to JavaScript in double precision (`compile_function`), so the chart needs no kernel and
    no network and shows what JAX computes, up to rounding. It is called with the sliders as numbers and the choices as
    they are, and returns a dict by label: an array of y values (x is 0, 1, 2, ...), a pair `(x, y)` of arrays, or a
    single number, which is shown as text. Where a value is nan or infinite the curve has a gap.

    >>> def decay(rate=0.1):
    ...     return {"kept": (1 - rate) ** jnp.arange(5.0), "halved after": jnp.log(0.5) / jnp.log(1 - rate)}
    >>> figure = LiveCurves(decay, x_label="step", y_limits=(0, 1))
    >>> figure
    <LiveCurves of decay: kept, halved after>
    >>> figure(rate=0.5)
    {'kept': array([1.    , 0.5   , 0.25  , 0.125 , 0.0625]), 'halved after': 1.0}

    Args:
        function: of sliders and choices, by keyword.
        sliders: by parameter, the number where its slider begins; whole numbers (`int`) go in whole steps. By default
            the parameters of the function with a number as default.
        choices: by parameter, what can be chosen: texts, numbers or other values, of which the reader sees `str`.
            The first is chosen at first. The function is compiled for every combination, of which there are 32 at most.
        ranges: (low, high) of a slider; logarithmic where low is positive and high more than 30 times as much.
        names: what a slider or a choice is called, by parameter; by default the parameter's own words.
        styles: "line", "dots", "bars" or "steps" (a value holds until the next), one for all or by label; by default
            "line".
        colors: by label, out of `plotting.PALETTE`; otherwise by label as `plotting.path_styles` has it.
        x_label, y_label: what the axes show, with units.
        x_log, y_log: logarithmic axes; what is not positive leaves a gap.
        x_limits, y_limits: (low, high) of an axis, each a number, or None to follow the curves.
        x_ticks, y_ticks: by value, what is written there instead of numbers: `{0: "float32", 1: "float16"}`.
        digits: of the numbers that are read off.
        title: what the figure is called; by default the function's name.
        name: what the figure is called in links; by default made from its contents.
        caption: one or two sentences under the figure: what to try, what to look at.
        alt: what the still picture shows, for those who do not see it; by default from the numbers.

    Raises:
        TypeError, ValueError: for bad input.
        CompileError: for a function with a part that has no JavaScript translation.
    """

    def __init__(
        self,
        function,
        *,
        sliders: Mapping[str, float] | None = None,
        choices: Mapping | None = None,
        ranges: Mapping | None = None,
        names: Mapping[str, str] | None = None,
        styles="line",
        colors: Mapping[str, str] | None = None,
        x_label: str = "",
        y_label: str = "",
        x_log: bool = False,
        y_log: bool = False,
        x_limits=None,
        y_limits=None,
        x_ticks=None,
        y_ticks=None,
        digits: int = 5,
        title: str | None = None,
        name: str | None = None,
        caption: str = "",
        alt: str | None = None,
    ):
        called = getattr(function, "__name__", "curves").strip("<>")
        self.function = function
        self._sliders = default_sliders(function) if sliders is None else dict(sliders)
        self._choices = {key: tuple(values) for key, values in (choices or {}).items()}
        check_parameters(function, self._sliders, self._choices)
        self._caption, self._alt, self._known = caption, alt, {}
        self._variants = list(itertools.product(*self._choices.values()))
        if not 1 <= len(self._variants) <= MOST_VARIANTS:
            raise ValueError(
                f"the function is compiled for every combination of the choices: 1 to {MOST_VARIANTS}, "
                f"got {len(self._variants)}."
            )
        self._program, variants = self._compiled(called)
        labels = list(dict.fromkeys(part["label"] for variant in variants for part in variant["parts"]))
        curves = [label for label in labels if not is_number(variants, label)]
        settings, given = [*self._sliders, *self._choices], {"ranges": ranges, "names": names}
        for what, by_name in given.items():
            check_known(what, by_name or {}, settings if what == "names" else [*self._sliders])
        words = {key: key.replace("_", " ") for key in settings} | dict(names or {})
        self.spec = {
            "id": "",
            "title": title or called.replace("_", " "),
            "sliders": [
                {
                    "name": key,
                    "text": words[key],
                    "value": float(value),
                    "range": slider_range(key, value, ranges or {}),
                    "at": sorted(self._sliders).index(key),
                }
                for key, value in self._sliders.items()
            ],
            "choices": [
                {"name": key, "text": words[key], "options": [str(value) for value in values]}
                for key, values in self._choices.items()
            ],
            "curves": looks_of(curves, styles, colors or {}),
            "axes": [axis_of(x_label, x_log, x_limits, x_ticks), axis_of(y_label, y_log, y_limits, y_ticks)],
            "digits": int(digits),
            "variants": variants,
        }
        self._call_it(name, called)

    def __repr__(self):
        labels = dict.fromkeys(part["label"] for variant in self.spec["variants"] for part in variant["parts"])
        return f"<LiveCurves of {self.spec['title']}: {', '.join(labels)}>"

    def __call__(self, **settings) -> dict:
        """What the figure shows at these settings, computed by JAX; what is left out is as it begins.

        Returns:
            dict by label: arrays (n,), pairs of them, numbers.
        """
        check_known("settings", settings, [*self._sliders, *self._choices])
        chosen = {key: settings.get(key, values[0]) for key, values in self._choices.items()}
        for key, value in chosen.items():
            if value not in self._choices[key]:
                raise ValueError(f"{key} must be one of {', '.join(map(str, self._choices[key]))}, got {value!r}.")
        compute, layout = self._computed(tuple(chosen.values()))
        with double_precision():
            values = {key: jnp.asarray(float(settings.get(key, value))) for key, value in self._sliders.items()}
            flat = iter(compute(values))
        parts = {}
        for label, kind in layout:
            y = np.asarray(next(flat))
            parts[label] = (y, np.asarray(next(flat))) if kind == "pair" else y.item() if kind == "number" else y
        return parts

    def _computed(self, combination):
        """The function for these choices, compiled by JAX once, and the labels and kinds of what it returns."""
        if combination not in self._known:
            layout = []
            chosen = dict(zip(self._choices, combination, strict=True))
            self._known[combination] = jax.jit(partial(self._flat, chosen, layout)), layout
        return self._known[combination]

    # --- what is compiled --------------------------------------------------------------------------------------------

    def _flat(self, chosen, layout, values):
        """The function's arrays one after the other; `layout` is told their labels and kinds."""
        result = self.function(**weakly_typed(values), **chosen)
        if not isinstance(result, Mapping):
            raise TypeError(f"the function must return a dict by label, got {type(result).__name__}.")
        arrays = []
        for label, value in result.items():
            parts = [jnp.asarray(part) for part in (value if isinstance(value, tuple) else (value,))]
            shapes = [part.shape for part in parts]
            if (
                len({*shapes}) > 1
                or len(parts) not in (1, 2)
                or len(shapes[0]) > 1
                or (len(parts) == 2 and not shapes[0])
            ):
                raise ValueError(
                    f"{label!r} must be an array of y values, a pair (x, y) of arrays of one length, or a number, "
                    f"got shapes {', '.join(map(str, shapes))}."
                )
            layout.append((str(label), "pair" if len(parts) == 2 else "curve" if shapes[0] else "number"))
            arrays += parts
        return tuple(arrays)

    def _compiled(self, called) -> tuple[Program, list[dict]]:
        """The function compiled for each combination of choices, and where its parts stand in what it writes."""
        module, functions, variants = Module(), [], []
        sliders = {key: jax.ShapeDtypeStruct((), jnp.float64) for key in self._sliders}
        for combination in self._variants:
            layout = []
            chosen = dict(zip(self._choices, combination, strict=True))
            added = module.add(partial(self._flat, chosen, layout), sliders, name=called)
            leaves, parts = iter(added.results), []
            for label, kind in layout:
                at = [next(leaves) for _ in range(2 if kind == "pair" else 1)]
                x = {"x": at[0].offset} if kind == "pair" else {}
                parts.append({"label": label, **x, "y": at[-1].offset, "size": at[-1].size, "number": kind == "number"})
            functions.append(added.name)
            variants.append({"function": added.name, "size": added.size, "parts": parts})
        program = Program(module.source, tuple(sorted(module.helpers)), tuple(functions), {}, ())
        return program, variants

    def _still(self, paths: bool) -> str:
        return still_chart(self.spec, self() if paths else {}, self._alt or "")
