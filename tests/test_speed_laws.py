"""What keeps the package fast, as counts: nothing is timed here (`make bench` does that)."""

import subprocess
import sys

import jax
import numpy as np
import pytest

import optcourse as oc
from optcourse import optimizers, surfaces
from optcourse.arrays import double_precision

HEAVY = ("torch", "matplotlib", "plotly", "xarray")


@pytest.fixture(scope="module")
def all_compilations():
    """A list that grows by an entry for every function that JAX compiles."""
    compiled = []

    def listen(event, duration, **_):
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(duration)

    jax.monitoring.register_event_duration_secs_listener(listen)
    jax.jit(lambda x: x + 2)(1.0)
    assert compiled, "this version of JAX reports its compilations under another name"
    return compiled


@pytest.fixture
def compilations(all_compilations):
    all_compilations.clear()
    return all_compilations


@pytest.mark.parametrize("record", ["everything", "last", ("loss",)])
def test_another_learning_rate_b1_and_start_compile_nothing(compilations, record):
    surface = surfaces.booth()
    oc.run(optimizers.adam(0.01), surface, [0.0, 0.0], steps=12, record=record)
    assert compilations
    compilations.clear()
    oc.run(optimizers.adam(0.02), surface, [0.0, 0.0], steps=12, record=record)
    oc.run(optimizers.adam(0.01, b1=0.5), surface, [0.0, 0.0], steps=12, record=record)
    oc.run(optimizers.adam(0.01).replace(eps=1e-3), surface, np.array([2.0, -1.0]), steps=12, record=record)
    oc.run(optimizers.adam(np.float32(0.03)), surface, [1, 2], steps=12, record=record)
    oc.run(optimizers.adam(0.01), surfaces.booth(), [0.0, 0.0], steps=12, record=record)
    assert not compilations


def test_another_number_of_steps_compiles_nothing_where_only_the_end_is_kept(compilations):
    oc.run(optimizers.sgd(0.01), surfaces.booth(), [0.0, 0.0], steps=5, record="last")
    compilations.clear()
    oc.run(optimizers.sgd(0.01), surfaces.booth(), [0.0, 0.0], steps=50, record="last")
    assert not compilations


def test_a_trace_compiles_its_step_once(compilations):
    trace = oc.OptimizerTrace(optimizers.momentum(0.01), surfaces.booth(), [0.0, 0.0])
    trace.step()
    trace.step()
    compilations.clear()
    for _ in range(5):
        trace.step()
    assert not compilations


def test_a_sweep_over_other_values_compiles_nothing(compilations):
    def grid(rates, b1s, start):
        return oc.sweep(optimizers.adam, surfaces.booth(), start, steps=9, learning_rate=rates, b1=b1s)

    grid([0.1, 0.2, 0.3], [0.5, 0.9], [0.0, 0.0])
    assert compilations
    compilations.clear()
    grid([0.4, 0.5, 0.6], [0.0, 0.99], [3.0, 1.0])
    oc.sweep(optimizers.adam(eps=0.1), surfaces.booth(), [0, 1], steps=9, learning_rate=[1, 2, 3], b1=[0, 0.1])
    assert not compilations


def test_a_sweep_in_pieces_compiles_one_piece(compilations):
    lanes = 5001  # not a multiple of the pieces
    grid = oc.sweep(optimizers.sgd, surfaces.booth(), [0.0, 0.0], steps=3, learning_rate=np.linspace(0, 0.1, lanes))
    assert len(compilations) <= 2
    one = oc.run(optimizers.sgd(0.1), surfaces.booth(), [0.0, 0.0], steps=3)
    np.testing.assert_allclose(grid.params.values[-1], one.params, rtol=1e-12)
    np.testing.assert_allclose(grid.final_loss.values[-1], one.final_loss, rtol=1e-12)


def test_importing_the_package_loads_nothing_heavy_and_does_not_start_jax():
    code = (
        "import optcourse, sys\n"
        "from jax._src import xla_bridge\n"
        f"print([m for m in {HEAVY} if m in sys.modules], xla_bridge.backends_are_initialized())"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split("\n")[0] == "[] False"


def test_small_loops_are_compiled_to_one_function():
    from optcourse.loops import jitted_scan, plan_path

    plan, hyperparams = plan_path(optimizers.adam(), surfaces.booth(), 100, ("params", "loss"))
    with double_precision():
        compiled = jitted_scan.lower(plan, hyperparams, np.zeros(2), None, 0, 0, 100).compile()
    assert "xla_cpu_small_call" in compiled.as_text()
