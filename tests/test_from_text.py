"""Surfaces made of a formula that somebody typed: the same numbers in every library, and words for what is wrong."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from javascript import Task, run_tasks

import optcourse as oc
from optcourse import optimizers, surfaces
from optcourse.arrays import double_precision
from optcourse.explorables import Module
from optcourse.surfaces.from_text import FUNCTIONS, from_text

POINTS = np.array([[0.3, 0.7], [0.8, 0.2], [1.3, 0.6], [0.45, 1.9]])
# Text, and the same in Python's own arithmetic.
FORMULAS = {
    "x**2 + 10*y**2": lambda x, y: x**2 + 10 * y**2,
    "-x**2 - (-y)": lambda x, y: -(x**2) + y,
    "+x / y % 0.7": lambda x, y: x / y % 0.7,
    "x ** y + y**0.5 + 2**x + x**-1": lambda x, y: x**y + y**0.5 + 2**x + 1 / x,
    "sin(x) + cos(y) + tan(x*y)": lambda x, y: math.sin(x) + math.cos(y) + math.tan(x * y),
    "exp(-x) * log(y) + sqrt(x) + abs(-y)": lambda x, y: math.exp(-x) * math.log(y) + math.sqrt(x) + y,
    "sinh(x) - cosh(y) + tanh(x)": lambda x, y: math.sinh(x) - math.cosh(y) + math.tanh(x),
    "minimum(x, y) + 3*maximum(x, 0.5)": lambda x, y: min(x, y) + 3 * max(x, 0.5),
    "sin(pi*x) + e**y + exp(1) + y/3e1": lambda x, y: math.sin(math.pi * x) + math.e**y + math.e + y / 30,
}
LIBRARIES = {"numpy": np.asarray, "jax": jnp.asarray, "torch": torch.tensor}


def test_every_function_is_in_a_formula():
    for name in [*FUNCTIONS, "pi", "e", "%"]:
        assert any(name in text for text in FORMULAS), name


@pytest.mark.parametrize("text", FORMULAS)
def test_loss_is_what_the_text_says_in_every_library(text):
    surface = from_text(text)
    for point in POINTS:
        expected = pytest.approx(FORMULAS[text](*point.tolist()), rel=1e-12)
        with double_precision():
            for library, array in LIBRARIES.items():
                assert float(surface(array(point))) == expected, library


@pytest.mark.parametrize("text", FORMULAS)
def test_gradients_agree_with_differences_and_with_each_other(text):
    surface, h = from_text(text), 1e-6
    for point in POINTS:
        differences = [(surface(point + h * axis) - surface(point - h * axis)) / (2 * h) for axis in np.eye(2)]
        assert surface.gradient(point) == pytest.approx(differences, rel=1e-5, abs=1e-6)
        assert surface.gradient(torch.tensor(point)).numpy() == pytest.approx(surface.gradient(point), rel=1e-12)


def test_compiled_for_the_page_they_compute_what_jax_computes():
    module, tasks, expected = Module(), [], []
    with double_precision():
        for i, text in enumerate(FORMULAS):
            surface = from_text(text)
            compiled = module.add(lambda p, s=surface: (s(p), s.gradient(p)), jnp.asarray(POINTS[0]), name=f"f{i}")
            tasks.append(Task(compiled, (POINTS,)))
            expected.append([[float(surface(p)), *surface.gradient(p)] for p in POINTS])
    for text, here, there in zip(FORMULAS, run_tasks(module, tasks), expected, strict=True):
        assert here[:, 0] == pytest.approx(np.array(there), rel=1e-9), text


def test_a_formula_of_x_alone_is_a_curve_and_one_of_y_a_surface():
    assert (from_text("cos(3*x) + x**2").dim, from_text("y**2").dim) == (1, 2)
    assert from_text("cos(3*x) + x**2").gradient([0.0]) == pytest.approx([0.0])
    path = oc.run(optimizers.sgd(0.1, backend="torch"), from_text("y**2"), [1.0, 1.0], steps=3)
    assert path.final_params == pytest.approx([1.0, 0.8**3])


def test_equal_formulas_are_equal_surfaces_and_can_be_found_again():
    one, same, other = (from_text(text) for text in ("x**2+y", " x**2  + y ", "x**2 + y + 1"))
    assert one == same and hash(one) == hash(same) and one.name == "x**2 + y"
    assert one != other
    assert from_text("x**2", name="bowl").name == "bowl"


def test_it_is_drawn_and_started_where_it_is_finite():
    assert from_text("log(x) + y**2", domain=[(-1, 3), (0, 1)]).start[0] > 0
    assert from_text("x**2", domain=[(-1, 1)]).domain == ((-1.0, 1.0),)
    surface = from_text("maximum(x, 1) - 1 + abs(y)")  # flat at the first place that is tried
    assert surface.gradient(surface.start).any()
    assert from_text("x*y", start=(1, 2)).start == (1.0, 2.0)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"text": "log(-1 - x**2)"}, "no finite value for x from -5 to 5"),
        ({"text": "log(x)", "start": [-1.0]}, "is nan at the start"),
        ({"text": "x*y", "start": [1.0]}, "2 numbers, x and y"),
        ({"text": "x*y", "domain": [(0, 1)]}, "domain must hold 2"),
        ({"text": "3"}, "does not depend on x or y"),
        ({"text": "  "}, "no formula"),
        ({"text": "x" * 501}, "500 characters at most"),
        ({"text": "-" * 499 + "x"}, "nested too deeply"),
    ],
)
def test_what_cannot_be_a_surface_is_said(options, message):
    with pytest.raises(ValueError, match=message):
        from_text(options.pop("text"), **options)


# Text, the character at which it goes wrong, and a part of the advice.
MISTAKES = [
    ("x^2", 2, "write **"),
    ("x**2 + y²", 9, "write **"),
    ("2x", 1, "needs its *"),
    ("x y", 1, "needs its *"),
    ("3(x + 1)", 1, "needs its *"),
    ("x(y + 1)", 1, "needs its *"),
    ("1 + np.sin(x)", 5, "write sin alone"),
    ("sinn(x)", 1, "'sin'"),
    ("1 + ln(x)", 5, "write log"),
    ("sin x", 1, "sin(x)"),
    ("2*sin", 3, "sin(x)"),
    ("sin(x, y)", 1, "1 argument"),
    ("maximum(x)", 1, "2 arguments"),
    ("z**2 + x", 1, "not known"),
    ("x[0] + x[1]", 1, "called x and y"),
    ("x +", 3, "missing"),
    ("(x + 1", 1, "parentheses"),
    ("x + 1)", 6, "parentheses"),
    ("loss = x**2", 6, "only what the loss is"),
    ("0,5*x", 1, "a point"),
    ("x + 1/0", 5, "divides by zero"),
    ("9**9**9*x", 1, "too large"),
    ("pi**999*x", 1, "too large"),
    ("(-pi)**0.5*x", 1, "not a finite, real number"),
    ("1e999*x", 1, "not a finite"),
    ("(-1)**0.5*x", 1, "not a finite"),
    ("x < 1", 1, "You may use"),
    ("x if x else y", 1, "You may use"),
    ("__import__('os')", 1, "not known"),
    ("x.__class__", 1, "alone"),
    ("lambda: 0", 1, "You may use"),
    ("'x'*2", 1, "You may use"),
    ("True*x", 1, "You may use"),
    ("x//2", 1, "You may use"),
]


@pytest.mark.parametrize("text, character, advice", MISTAKES, ids=[text for text, *_ in MISTAKES])
def test_a_mistake_is_shown_with_its_place_and_what_to_do(text, character, advice):
    with pytest.raises(ValueError) as caught:
        from_text(text)
    assert f"at its character {character}, " in str(caught.value)
    assert advice in str(caught.value)


def test_only_texts_are_read():
    with pytest.raises(TypeError, match="a formula is a text"):
        from_text(lambda params: params[0])


def test_it_is_among_the_surfaces_but_not_in_the_catalogue():
    assert surfaces.from_text is from_text
    assert "from_text" not in surfaces.catalogue()


def test_a_live_figure_says_how_to_write_it():
    figure = oc.Explorable(from_text("x**2 + 3*y**2", domain=[(-2, 2), (-1, 1)]), optimizers.adam(0.1), panels=[])
    assert figure.spec["surface"]["python"] == (
        "surfaces.from_text('x**2 + 3 * y**2', domain=((-2.0, 2.0), (-1.0, 1.0)))"
    )
    assert eval(figure.spec["surface"]["python"], {"surfaces": surfaces}) == figure.surface
