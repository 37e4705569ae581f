"""What compiled code looks like, and what the compiler says where it gives up."""

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from javascript import Task, run_javascript, run_tasks

from optcourse import optimizers, surfaces
from optcourse.arrays import double_precision, weakly_typed
from optcourse.explorables import CompileError, Module, compile_function
from optcourse.explorables.helpers import helper_sources
from optcourse.loops import take_step

PAIRS = [("adam", "rosenbrock"), ("lbfgs", "himmelblau"), ("muon", "network_slice"), ("radam", "cliff")]


def step_of(name, surface):
    """A whole step of the catalogue, and arguments for it."""
    optimizer, surface = optimizers.get(name)(), surfaces.get(surface)()

    def step(params, state, hyperparams):
        loss, grads = jax.value_and_grad(surface)(params)
        update = optimizer.recipe(weakly_typed(hyperparams)).update
        updates, state = update(grads, state, params, value=loss, grad=grads, value_fn=surface)
        return params + updates, state, loss

    params = np.array(surface.start)
    with double_precision():
        return step, (params, optimizer.init(params), dict(optimizer.hyperparams))


@cache
def module_of_steps() -> Module:
    module = Module()
    for name, surface in PAIRS:
        step, arguments = step_of(name, surface)
        module.add(step, *arguments, name=f"{name}_{surface}", explain=True)
    half = jax.tree.map(lambda leaf: leaf.astype("bfloat16"), np.ones(2))
    module.add(lambda x: jnp.sin(x) * x, half, name="half")
    return module


# --- errors -----------------------------------------------------------------------------------------------------


def a_function_of_factorials(x):
    return jax.lax.lgamma(x * 2)


def test_an_unknown_primitive_is_named_with_its_place():
    with pytest.raises(CompileError, match=r"'lgamma'.*test_compiler_output\.py:\d+ \(a_function_of_factorials\)"):
        compile_function(a_function_of_factorials, np.ones(3))


def test_it_is_named_where_it_stands_inside_of_loops_and_branches():
    def loop(x):
        return jax.lax.scan(lambda c, y: (a_function_of_factorials(c), y), x, jnp.arange(3.0))

    with pytest.raises(CompileError, match=r"'lgamma'.*a_function_of_factorials"):
        compile_function(jax.jit(jax.grad(lambda x: loop(x)[0].sum())), np.ones(3))


@pytest.mark.parametrize("of", [a_function_of_factorials, lambda x: jax.lax.lgamma(x)])
def test_the_place_is_in_the_surface_and_not_in_what_calls_it(of):
    """Also for a lambda, on the way to a gradient, and in the step of an optimizer."""
    surface = surfaces.LossSurface(lambda params: of(params)[0])
    optimizer = optax.with_extra_args_support(optax.identity())
    for function in (surface, jax.grad(surface), lambda params: take_step(optimizer, surface, params, ())[0]):
        with pytest.raises(CompileError, match=r"comes from .*test_compiler_output\.py:\d+ \("):
            compile_function(function, np.ones(2), name="loss")


def test_complex_numbers_are_refused():
    with pytest.raises(CompileError, match="complex128"):
        compile_function(lambda x: x * 1j, np.ones(2))
    with pytest.raises(CompileError, match=r"z\['a'\].*complex128"):
        compile_function(lambda z: z["a"], {"a": np.ones(2, complex)})


def test_keys_are_refused_by_name():
    with pytest.raises(CompileError, match=r"key is a key<"):
        compile_function(lambda key: jnp.zeros(2), jax.random.key(0))


@pytest.mark.parametrize(
    "function", [lambda x: x[x > 0], lambda x: x if x[0] > 0 else -x, lambda x: jnp.zeros(int(x[0])), jnp.nonzero]
)
def test_shapes_that_depend_on_numbers_are_refused(function):
    with pytest.raises(CompileError, match="depends on the numbers"):
        compile_function(function, np.ones(3))


# --- the text -----------------------------------------------------------------------------------------------------


def test_nothing_is_evaluated_from_text():
    """Pages with a strict content security policy run the figures too."""
    source = helper_sources(module_of_steps().helpers) + module_of_steps().source
    assert not re.search(r"\beval\b|\bFunction\b|\bwith\s*\(|\bvar\b|\bimport\b|\bdocument\b|\bwindow\b", source)
    assert source.isascii()


def test_every_constant_is_used():
    for function in module_of_steps().functions:
        if "Explained(" in function.splitlines()[0]:
            continue  # which returns them all
        names = re.findall(r"(?:const|let) (\w+)", function)
        unused = {name for name in names if len(re.findall(rf"\b{name}\b", function)) < 2}
        assert names and not unused, function.splitlines()[0]


def test_no_noise():
    """No comparison with a truth value, no factor of one, no bracket around a name."""
    for function in module_of_steps().functions:
        assert not re.search(r"[!=]== (true|false)\b|(?<![\w.])1 \* |\* 1(?![\w.])|(?<!\w)\((\w+)\)(?! [{=])", function)


def test_the_text_is_the_same_in_another_process():
    command = "import test_compiler_output as t; print(t.module_of_steps().source, end='')"
    here = Path(__file__).parent
    other = subprocess.run(
        [sys.executable, "-c", command], check=True, capture_output=True, text=True, cwd=here, env=_other_seed(here)
    )
    assert other.stdout == module_of_steps().source


def _other_seed(here):
    import os

    path = os.pathsep.join([str(here.parent), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": path}


def test_the_names_of_the_source_are_kept():
    step, arguments = step_of("adam", "rosenbrock")
    source = compile_function(step, *arguments).source
    for name in ("mu_0", "nu_1", "mu_hat_0", "nu_hat_1", "count", "b1", "b2", "eps", "learning_rate"):
        assert re.search(rf"const {name} = ", source), name
    assert "mu_hat_0 / (Math.sqrt(nu_hat_0) + eps)" in source


def test_the_explained_function_returns_the_same_numbers(tmp_path):
    module, (step, arguments) = Module(), step_of("adam", "rosenbrock")
    compiled = module.add(step, *arguments, name="adam", explain=True)
    sizes = [len(jax.tree.leaves(leaves)) and sum(leaf.size for leaf in leaves) for leaves in compiled.arguments]
    given = ", ".join(f"Float64Array.from({{length: {size}}}, (_, k) => (k + 1) / 8), 0" for size in sizes)
    program = f"""
      const [one, two] = [new Float64Array({compiled.size}), new Float64Array({compiled.size})];
      adam({given}, one, 0);
      const named = adamExplained({given}, two, 0);
      console.log(JSON.stringify([[...one], [...two], named]));
    """
    source = helper_sources(module.helpers) + module.source + program
    one, two, named = json.loads(run_javascript(source, tmp_path))
    assert one == two
    assert {"mu_hat_0", "nu_hat_1", "b1"} <= named.keys()
    assert all(isinstance(value, (int, float, bool)) for value in named.values())


# --- any expression -------------------------------------------------------------------------------------------------

UNARY = [jnp.tanh, jnp.square, jnp.negative, jnp.abs, jnp.cos, lambda x: x > 0.3, lambda x: 1.5 * x, lambda x: x + 0.0]
BINARY = [
    jnp.add,
    jnp.subtract,
    jnp.multiply,
    jnp.maximum,
    lambda x, y: x / (1 + y * y),
    lambda x, y: jnp.where(x > y, x, y),
]


@st.composite
def expressions(draw):
    """A function of two arrays: a few operations, each on what is there already."""
    operations = draw(
        st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=9)
    )

    def function(x, y):
        values = [x, y]
        for number, first, second in operations:
            a, b = values[first % len(values)], values[second % len(values)]
            result = (UNARY + BINARY)[number % (len(UNARY) + len(BINARY))]
            values.append(result(a) * 1.0 if number % (len(UNARY) + len(BINARY)) < len(UNARY) else result(a, b))
        return values[-1], sum(values)

    return function


@settings(max_examples=12, deadline=None, derandomize=True)
@given(functions=st.lists(expressions(), min_size=4, max_size=4), size=st.sampled_from([(), (3,), (11,)]))
def test_random_expressions(functions, size):
    """Operation by operation, without XLA's fusing, to the last bits."""
    rng = np.random.default_rng(0)
    given_ = rng.normal(size=(2, *size))
    module = Module()
    with double_precision():
        tasks = [
            Task(module.add(f, *given_, name=f"f{k}"), tuple(a.reshape(1, -1) for a in given_))
            for k, f in enumerate(functions)
        ]
        for f, result in zip(functions, run_tasks(module, tasks), strict=True):
            right = np.concatenate([np.asarray(leaf).reshape(-1) for leaf in f(*given_)])
            np.testing.assert_allclose(result[0, 0], right, rtol=1e-14, atol=1e-14 * np.abs(right).max())
