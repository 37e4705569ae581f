"""What a live figure computes: one surface and several optimizers, compiled for the page.

The step is that of `run` (`optcourse.loops.take_step`), so that the figure can do nothing else.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from optcourse import optimizers
from optcourse.arrays import double_precision, weakly_typed
from optcourse.explorables.compiler import Module
from optcourse.loops import scalar_loss, take_step
from optcourse.optimizers.contract import Optimizer
from optcourse.plotting.style import path_styles
from optcourse.surfaces.loss_surface import LossSurface
from optcourse.theory import contraction, stability_limit

PRECISIONS = ("float64", "float32", "float16", "bfloat16")


@dataclass(frozen=True, eq=False)
class Method:
    """One optimizer of a figure: its label, its hyperparameters, and how to build it from them."""

    label: str
    name: str
    hyperparams: Mapping[str, float]
    build: Callable[[Mapping[str, Any]], Any]
    python: str  # how to write it, with {} for the hyperparameters; "" for one's own
    rate: Callable | None = None  # the learning rate from (hyperparameters, step)
    rate_steps: tuple[int, ...] = ()  # of the points between which it is drawn: `rate_0`, `rate_1` ... are their rates
    scheduled: bool = False  # whether the rate changes with the step


def methods_of(given) -> list[Method]:
    """The optimizers of a figure out of an Optimizer, a factory, or a dict or list of them.

    Raises:
        TypeError: for anything else, and for optimizers that are not Optax's.
    """
    if isinstance(given, Mapping):
        return [_method(optimizer, str(label)) for label, optimizer in given.items()]
    if isinstance(given, (list, tuple)) and not isinstance(given, optax.GradientTransformation):
        labels, found = set(), []
        for optimizer in given:
            method = _method(optimizer, None)
            label, number = method.label, 1
            while label in labels:
                number += 1
                label = f"{method.label} {number}"
            labels.add(label)
            found.append(Method(label, method.name, method.hyperparams, method.build, method.python))
        return found
    return [_method(given, None)]


def _method(given, label: str | None) -> Method:
    if isinstance(given, optax.GradientTransformation):
        given = optimizers.from_optax(given, name=label)
    if isinstance(given, Optimizer):
        return _of_optimizer(given, label)
    if not callable(given):
        raise TypeError(
            f"expected optimizers such as optimizers.adam or optimizers.adam(0.1), got {given!r}. "
            "Your own is a function of its hyperparameters that returns an Optax optimizer."
        )
    if given in optimizers.catalogue().values():
        return _of_optimizer(given(), label)
    return _of_function(given, label)


def _of_optimizer(optimizer: Optimizer, label) -> Method:
    if optimizer.backend != "optax":
        raise TypeError(
            f"{optimizer.name} runs on {optimizer.backend}; live figures are compiled from Optax. "
            'Leave backend="torch" out, or compare the two with plot_comparison.'
        )
    traced, fixed = optimizer.traced_and_fixed()
    entry = optimizers.entries().get(optimizer.name)

    def build(hyperparams):
        return optimizer.recipe({**hyperparams, **dict(fixed)})

    hyperparams = {name: float(value) for name, value in traced.items()}
    label = label or (entry.title if entry else optimizer.name)
    python = "" if fixed else _python_of(optimizer)

    def with_values(values):
        return Optimizer(optimizer.name, "optax", {**values, **dict(fixed)}, optimizer.recipe)

    return Method(label, optimizer.name, hyperparams, build, python, *_schedule_of(optimizer, with_values))


def _schedule_of(optimizer, with_values) -> tuple:
    """A method's `rate`, `rate_steps` and `scheduled`, if the rate is known before the loss is."""
    if not isinstance(optimizer, Optimizer):
        return None, (), False
    given = _rate(optimizer)
    if given is None or getattr(given, "listens", False):
        return None, (), False

    def rate(hyperparams, step):
        now = _rate(with_values(hyperparams))
        return now(step) if callable(now) else now

    return rate, optimizer.recipe.steps if "rate_0" in optimizer.hyperparams else (), callable(given)


def _rate(optimizer: Optimizer):
    """The learning rate, a number or a function of the step; None if it has none."""
    if hasattr(optimizer.recipe, "rate_at"):
        return optimizer.recipe.rate_at(optimizer.hyperparams)
    return optimizer.hyperparams.get("learning_rate")


def _of_function(function, label) -> Method:
    """A function of hyperparameters, all with a number as default, that returns an optimizer."""
    name = getattr(function, "__name__", "optimizer").strip("<>")
    parameters = inspect.signature(function).parameters.values()
    missing = [
        p.name for p in parameters if p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]
    if missing:
        raise TypeError(
            f"{name} needs a default for {', '.join(missing)}: the sliders start there, as in "
            f"lambda {missing[0]}=0.1: ..."
        )
    hyperparams = {p.name: float(p.default) for p in parameters if isinstance(p.default, (float, np.floating))}

    def build(values):
        built = function(**values)
        if isinstance(built, Optimizer):
            if built.backend != "optax":
                raise TypeError(
                    f"{name} returns an optimizer of {built.backend}; live figures are compiled from Optax."
                )
            built = built.transformation
        if not isinstance(built, optax.GradientTransformation):
            raise TypeError(f"{name} must return an Optax optimizer or one of ours, got {type(built).__name__}.")
        return optax.with_extra_args_support(built)

    built = function()
    python = _python_of(built) if isinstance(built, Optimizer) and "rate_0" in built.hyperparams else ""
    return Method(label or name, name, hyperparams, build, python, *_schedule_of(built, lambda h: function(**h)))


def _python_of(optimizer: Optimizer) -> str:
    """`optimizers.adam({})`, with settings that are not hyperparameters filled in; "" if it is not in the catalogue."""
    factory = optimizers.catalogue().get(optimizer.name)
    if factory is None or optimizer.backend != "optax":
        return ""
    if "rate_0" in optimizer.hyperparams:
        inner = _python_of(Optimizer(optimizer.name, "optax", {}, optimizer.recipe.inner))
        points = [(step, optimizer.hyperparams[f"rate_{i}"]) for i, step in enumerate(optimizer.recipe.steps)]
        plain = inner == f"optimizers.{optimizer.name}({{}})"
        return f"schedules.drawn(optimizers.{optimizer.name}, {points})({{}})" if plain else ""
    recipe = factory().recipe
    if type(optimizer.recipe) is not type(recipe):  # given, and only called the same
        return ""
    standard, settings = dict(recipe.settings), dict(optimizer.recipe.settings)
    if settings.keys() != standard.keys():
        return ""
    changed = "".join(f", {name}={value!r}" for name, value in settings.items() if value != standard[name])
    return f"optimizers.{optimizer.name}({{}}{changed})"


@dataclass(frozen=True)
class Program:
    """Compiled functions, and what the page must know to call them."""

    source: str
    helpers: tuple[str, ...]
    functions: tuple[str, ...]
    surface: dict
    methods: tuple[dict, ...]


def compile_program(
    surface: LossSurface, methods: list[Method], precisions, *, explain: bool = True, rates: bool = False
) -> Program:
    """Compile loss, gradient, Hessian, and each optimizer's `init` and step, in each precision; on demand its rate."""
    module = Module()
    functions: list[str] = []
    name = _identifier(surface.name)

    def add(function, *examples, called, explain=False):
        compiled = module.add(function, *examples, name=called, explain=explain)
        functions.extend([compiled.name, f"{compiled.name}Explained"] if explain else [compiled.name])
        return compiled

    clock = (jax.ShapeDtypeStruct((), jnp.int32),)
    at = clock if surface.step_dependent else ()
    step_at = clock if ticks(surface) else ()
    compiled_surface, compiled_methods = {}, [{"precisions": {}} for _ in methods]
    with double_precision():
        for precision in precisions:
            suffix = "" if precision == "float64" else f"_{precision}"
            params = jax.ShapeDtypeStruct((surface.dim,), jnp.dtype(precision))
            loss = add(partial(_loss, surface), params, *at, called=f"{name}_loss{suffix}")
            compiled_surface[precision] = {"loss": loss.name}
            gradient = _shared_gradient(surface, f"{name}_loss_and_gradient{suffix}")
            module.shared[gradient.__name__] = ("loss", "gradient")
            for method, compiled in zip(methods, compiled_methods, strict=True):
                compiled["precisions"][precision] = _compile_method(
                    add, surface, method, params, step_at, gradient, suffix, explain and precision == "float64"
                )
        double = jax.ShapeDtypeStruct((surface.dim,), jnp.dtype("float64"))
        hessian = add(surface.hessian, double, *at, called=f"{name}_hessian")
        compiled_surface["hessian"] = hessian.name
        if surface.step_dependent:
            drawn = add(partial(_landscape, surface), double, called=f"{name}_landscape")
            compiled_surface["landscape"] = drawn.name
        for method, compiled in zip(methods, compiled_methods, strict=True):
            compiled["theory"] = _compile_theory(add, surface, method)
            compiled["rate"] = _compile_rate(add, method) if rates and method.rate else None
    helpers = tuple(sorted(module.helpers))
    return Program(module.source, helpers, tuple(functions), compiled_surface, tuple(compiled_methods))


def ticks(surface: LossSurface) -> bool:
    """Whether a step must know its number: the loss changes with it, or the noise of the gradient does."""
    return bool(surface.step_dependent or surface.noise_scale)


def _loss(surface, params, *at):
    return scalar_loss(surface, params, at[0] if at else None)


def _landscape(surface, params):
    """What is drawn of a loss that changes with the step: its average over a period, or the loss at step 0."""
    return scalar_loss(surface, params, None if surface.period else 0)


def _shared_gradient(surface, name):
    """Loss and gradient as one function of the page, which every optimizer calls."""

    def loss_and_gradient(params, *at):
        return jax.value_and_grad(lambda p: _loss(surface, p, *at))(params)

    loss_and_gradient.__name__ = name
    return jax.jit(loss_and_gradient)


class Carry(NamedTuple):
    """What one step hands to the next."""

    params: Any
    opt_state: Any


def _compile_method(add, surface, method: Method, params, at, gradient, suffix, explain) -> dict:
    hyperparams = {name: jax.ShapeDtypeStruct((), jnp.float64) for name in method.hyperparams}
    name = _identifier(method.label).lower()

    def init(params, hyperparams):
        return Carry(params, method.build(weakly_typed(hyperparams)).init(params))

    def step(state, hyperparams, *at):
        transformation = method.build(weakly_typed(hyperparams))
        at_step = at[0] if at else None
        loss_at = at if surface.step_dependent else ()
        new, seen = take_step(
            transformation, surface, *state, at_step, value_and_grad=lambda value_fn: lambda p: gradient(p, *loss_at)
        )
        return Carry(*new), seen["loss"], seen["gradients"], seen["updates"]

    state = jax.eval_shape(init, params, hyperparams)
    init_function = add(init, params, hyperparams, called=f"{name}_init{suffix}")
    step_function = add(step, state, hyperparams, *at, called=f"{name}_step{suffix}", explain=explain)
    leaves = step_function.arguments[0]
    return {
        "init": init_function.name,
        "step": step_function.name,
        "size": step_function.size,
        "stateSize": sum(leaf.size for leaf in leaves),
        "state": [_leaf(leaf) for leaf in leaves[1:]],
    }


def _leaf(leaf) -> dict:
    return {"name": leaf.name, "shape": list(leaf.shape), "offset": leaf.offset}


def _compile_rate(add, method: Method) -> str:
    hyperparams = {name: jax.ShapeDtypeStruct((), jnp.float64) for name in method.hyperparams}

    def rate(hyperparams, step):
        return jnp.asarray(method.rate(weakly_typed(hyperparams), step), float)

    clock = jax.ShapeDtypeStruct((), jnp.int32)
    return add(rate, hyperparams, clock, called=f"{_identifier(method.label).lower()}_rate").name


def _compile_theory(add, surface, method: Method) -> dict | None:
    own = not method.python  # whatever it is called
    if own or method.rate_steps or contraction(method.name, jnp.ones(surface.dim), method.hyperparams) is None:
        return None
    hyperparams = {name: jax.ShapeDtypeStruct((), jnp.float64) for name in method.hyperparams}
    name = _identifier(method.label).lower()

    def theory(eigenvalues, hyperparams):
        largest = jnp.max(eigenvalues)
        return contraction(method.name, eigenvalues, hyperparams), stability_limit(method.name, largest, hyperparams)

    compiled = add(theory, jax.ShapeDtypeStruct((surface.dim,), jnp.float64), hyperparams, called=f"{name}_theory")
    return compiled.name


def slider(name: str, value: float, given=None) -> dict:
    """Where a hyperparameter's slider begins and ends, and how it is spaced.

    Scales: "log"; "log0", which is 0 at its left end; "decay", evenly in log(1 - value); "linear".
    """
    if given is not None:
        low, high = given
        if not low < high or not low <= value <= high:
            raise ValueError(f"the range of {name} must be (low, high) around its value {value:g}, got {given!r}.")
        scale = "log" if low > 0 and high / low > 30 else "linear"
        return {"low": float(low), "high": float(high), "scale": scale}
    if name in DECAYS and 0 <= value < 1:
        return {"low": 0.0, "high": max(0.9999, value), "scale": "decay"}
    if value == 0 and name in SMALL:
        return {"low": 1e-12 if name.startswith("eps") else 1e-4, "high": 10.0, "scale": "log0"}
    if value > 0 and name in ("learning_rate", "lr"):
        low, high = 10 ** np.floor(np.log10(value) - 1.5), 10 ** np.ceil(np.log10(value) + 1)
        return {"low": float(low), "high": float(high), "scale": "log"}
    if value > 0:
        return {"low": value * 1e-4, "high": value * 1e4, "scale": "log"}
    return {"low": min(0.0, 2 * value), "high": max(1.0, 2 * abs(value)), "scale": "linear"}


SMALL = ("eps", "eps_root", "weight_decay", "initial_accumulator_value")  # 0 is a value, and so are powers of ten
DECAYS = ("b1", "b2", "b3", "beta", "beta1", "beta2", "momentum", "decay", "decay_rate", "rho")


def colors(methods: list[Method]) -> list[dict]:
    """The course's colour and line for each optimizer."""
    return [
        {"color": style["color"], "line": style["linestyle"], "marker": style["marker"]}
        for style in path_styles([method.name for method in methods])
    ]


def _identifier(text: str) -> str:
    words = "".join(c if c.isalnum() and c.isascii() else "_" for c in text).strip("_")
    return words or "f"
