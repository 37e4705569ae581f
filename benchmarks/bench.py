"""Measure the package against its yardsticks: `make bench`.

Each row compares two things measured in turns in this process and says whether the target is reached.
Both sides are checked to return the same numbers before either is timed. Ratios are of the best times;
in brackets stands how far the median lies above the best.
"""

import os
import platform
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version
from typing import NamedTuple

import jax
import numba
import numpy as np

import optcourse as oc
from benchmarks import by_hand, compiled_step, numba_adam
from benchmarks.timing import Times, in_turns
from optcourse import optimizers, surfaces

STEPS, LANES, START = 1000, 10_000, [-2.0, 2.0]
ADAM = {"learning_rate": 0.01, "b1": 0.9, "b2": 0.999, "eps": 1e-8}
RATES = np.logspace(-4, 0, LANES)


class Row(NamedTuple):
    """One line of the table: `ratio` is to be at least, or at most, `target`."""

    what: str
    against: str
    ratio: float
    at_least: bool
    target: float
    measured: str

    @property
    def reached(self) -> bool:
        return self.ratio >= self.target if self.at_least else self.ratio <= self.target


def main(more=()) -> None:
    began = time.perf_counter()
    print(machine(), end="\n\n")
    print(f"{'':4}{'what':42} {'against':46} {'ratio':>8}  {'target':>10}  measured (best; median above it)")
    for measure in (import_time, run_on_optax, run_on_torch, compilations, sweep_last, sweep_everything, *more):
        for row in measure():
            limit = f"{'>=' if row.at_least else '<='} {row.target:,g}"
            mark = "ok" if row.reached else "--"
            print(f"{mark:4}{row.what:42} {row.against:46} {row.ratio:8,.2f}  {limit:>10}  {row.measured}", flush=True)
    print(f"\n-- target not reached. Measured in {time.perf_counter() - began:.0f} s, load {os.getloadavg()[0]:.1f}.")


def machine() -> str:
    model = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as file:
            model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), model)
    packages = ", ".join(f"{name} {version(name)}" for name in ("jax", "optax", "torch", "numba", "numpy", "xarray"))
    return (
        f"{platform.node()}: {model}, {os.cpu_count()} cores, {platform.system()}, load {os.getloadavg()[0]:.1f}\n"
        f"Python {platform.python_version()}, {packages}"
    )


def run_on_optax():
    """`run` against torch in a Python loop, and against a bare scan."""
    surface, adam = surfaces.rosenbrock(), optimizers.adam(**ADAM)

    def ours():
        path = oc.run(adam, surface, START, steps=STEPS)
        moments = path.opt_state[0]
        names = ("params", "loss", "gradients", "updates", "step_size")
        return {n: getattr(path, n) for n in names} | {"count": moments.count, "mu": moments.mu, "nu": moments.nu}

    torch_loop = partial(by_hand.torch_loop, by_hand.rosenbrock, START, steps=STEPS, **ADAM)
    default = partial(by_hand.scan_loop(surface, STEPS, by_hand.DEFAULT_LOOPS), START, **ADAM)
    same_option = partial(by_hand.scan_loop(surface, STEPS), START, **ADAM)
    same_numbers(ours(), torch_loop(), 1e-9)
    same_numbers(ours(), default(), 1e-9)
    same_numbers(ours(), same_option(), 1e-9)

    run, by_torch = in_turns(ours, torch_loop, repeats=5, warm=20)
    yield compare(
        "run, Adam on Rosenbrock, 1,000 steps", "torch.optim in a Python loop", run, by_torch, 1000, faster=True
    )
    run, bare, with_option = in_turns(ours, default, same_option, repeats=40, warm=10)
    yield compare("the same", "bare jit(lax.scan)", run, bare, 1.1)
    yield compare("the same", "bare jit(lax.scan), XLA option as in optcourse", run, with_option, 1.1)


def run_on_torch():
    """`run` on torch against a hand-written loop."""
    surface, adam = surfaces.rosenbrock(), optimizers.adam(**ADAM, backend="torch")

    def ours():
        path = oc.run(adam, surface, START, steps=STEPS, progress=False)
        moments = path.opt_state.per_param
        names = ("params", "loss", "gradients", "updates", "step_size")
        kept = {"count": moments["step"], "mu": moments["exp_avg"], "nu": moments["exp_avg_sq"]}
        return {name: getattr(path, name) for name in names} | kept

    by_torch = partial(by_hand.torch_loop, surface, START, steps=STEPS, **ADAM)  # one loss: the loops are compared
    same_numbers(ours(), by_torch(), 1e-12)
    run, loop = in_turns(ours, by_torch, repeats=7)
    yield compare("run on torch, the same", "a hand-written torch loop", run, loop, 1.2)


def sweep_last():
    """`sweep` that keeps the end of each path against numba."""
    surface, adam = surfaces.rosenbrock(), optimizers.adam(**ADAM)
    hyperparams = tuple(ADAM[name] for name in ("b1", "b2", "eps"))

    def ours():
        return oc.sweep(adam, surface, START, steps=STEPS, record="last", learning_rate=RATES)

    def kernel(function):
        return function(RATES, np.array(START), STEPS, *hyperparams)

    kernels = [partial(kernel, function) for function in (numba_adam.lane_by_lane, numba_adam.block_by_block)]
    grid, smooth = ours(), RATES < 0.1  # above that some paths are chaotic: rounding decides where they end
    for params, loss in (each() for each in kernels):
        same_numbers(
            {"params": grid.final_params.values[smooth], "loss": grid.final_loss.values[smooth]},
            {"params": params[smooth], "loss": loss[smooth]},
            1e-9,
        )
    fastest = min(zip(in_turns(*kernels, repeats=2), kernels, strict=True), key=lambda pair: pair[0].best)[1]
    sweep, yardstick = in_turns(ours, fastest, repeats=10, warm=4)
    what = f"sweep, {LANES:,} rates x {STEPS:,} steps, last point"
    yield compare(what, f"numba kernel, {numba.get_num_threads()} threads", sweep, yardstick, 0.6, throughput=True)


def sweep_everything():
    """`sweep` that records everything against writing as many bytes to fresh memory."""
    surface, adam = surfaces.rosenbrock(), optimizers.adam(**ADAM)

    def ours():
        return oc.sweep(adam, surface, START, steps=STEPS, record="everything", learning_rate=RATES)

    grid = ours()
    one = oc.run(optimizers.adam(**ADAM | {"learning_rate": RATES[2500]}), surface, START, steps=STEPS)
    same_numbers({"params": grid.params.values[2500]}, {"params": one.params}, 1e-9)
    written = sum(grid[name].nbytes for name in grid.data_vars if not name.startswith("final_"))
    del grid

    def fill(threads):
        pieces = np.array_split(np.empty(written // 8), threads)
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda piece: piece.fill(1.0), pieces))

    counts = sorted({1, os.cpu_count(), 2 * os.cpu_count()})
    fills = [partial(fill, threads) for threads in counts]
    best = min(zip(in_turns(*fills, repeats=3), counts, strict=True), key=lambda pair: pair[0].best)[1]
    sweep, memory = in_turns(ours, partial(fill, best), repeats=6)
    against = f"ndarray.fill of {written / 1e9:.2f} GB new memory, {best} threads"
    yield compare("the same, full record", against, sweep, memory, 0.3, throughput=True)


def in_the_page():
    """A compiled step in JavaScript against the same method by hand, in JavaScript and in numba."""
    path = np.zeros((STEPS + 1, compiled_step.SIZE))
    path[0, :2] = START

    def numba_path():
        compiled_step.in_numba(path, STEPS, ADAM["b1"], ADAM["b2"], ADAM["eps"], ADAM["learning_rate"])

    ours, by_hand_, in_numba = [], [], []
    for _ in range(5):
        report = compiled_step.in_javascript(START, steps=STEPS, repeats=20, **ADAM)
        ours += report["compiled"]["seconds"]
        by_hand_ += report["byHand"]["seconds"]
        in_numba += in_turns(numba_path, repeats=5, warm=20)[0].seconds
        for name in report:
            np.testing.assert_allclose(report[name]["end"], path[-1, :2], rtol=1e-9)
    ours, by_hand_, in_numba = Times(ours), Times(by_hand_), Times(in_numba)
    yield compare("compiled step, Adam, 1,000 steps", "the same in JavaScript by hand", ours, by_hand_, 1.5)
    yield compare("the same", "the same in numba, one thread", ours, in_numba, 4)


def compilations():
    """How often JAX compiles in calls that differ from the first in numbers only."""
    surface, compiled = surfaces.rosenbrock(), []

    def listen(event, _, **__):
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    jax.jit(lambda x: x + 2)(1.0)
    assert compiled, "this version of JAX reports its compilations under another name"

    oc.run(optimizers.adam(0.01), surface, START, steps=STEPS)
    compiled.clear()
    oc.run(optimizers.adam(0.02, b1=0.5), surface, [1.0, -1.0], steps=STEPS)
    yield count("a second run: learning rate, b1, start", "the first: no compilation", len(compiled))
    oc.sweep(optimizers.adam, surface, START, steps=STEPS, record="last", learning_rate=RATES[:64])
    compiled.clear()
    oc.sweep(optimizers.adam, surface, [1.0, -1.0], steps=STEPS, record="last", learning_rate=RATES[64:128], b2=0.9)
    yield count("a second sweep: learning rates, b2, start", "the first: no compilation", len(compiled))


def import_time():
    """`import optcourse` against `import jax`, each in new processes, and what it brings along."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}  # compiled once, as after any installation

    def fresh(statement):
        command = [sys.executable, "-c", statement]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout

    def seconds(module):
        return float(fresh(f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"))

    seconds("optcourse")
    pairs = [(seconds("optcourse"), seconds("jax")) for _ in range(9)]
    ours, theirs = (Times(list(column)) for column in zip(*pairs, strict=True))
    yield compare("import optcourse", "import jax", ours, theirs, 1.2)
    heavy = ("torch", "matplotlib", "plotly", "xarray")
    loaded = fresh(f"import optcourse, sys; print(*[m for m in {heavy} if m in sys.modules])").split()
    yield count("import optcourse, heavy modules it brings", f"none of {', '.join(heavy)}", len(loaded))


def compare(what, against, ours: Times, theirs: Times, target, *, faster=False, throughput=False) -> Row:
    """A row whose ratio is our time over theirs, or the inverse where more is better."""
    at_least = faster or throughput
    ratio = theirs.best / ours.best if at_least else ours.best / theirs.best
    return Row(what, against, ratio, at_least, target, f"{show(ours)} against {show(theirs)}")


def count(what, against, found) -> Row:
    """A row that counts what there must be none of."""
    return Row(what, against, found, False, 0, "")


def show(times: Times) -> str:
    scale, unit = next((s, u) for s, u in ((1, "s"), (1e3, "ms"), (1e6, "us")) if times.best * s >= 0.1 or u == "us")
    return f"{times.best * scale:.3g} {unit} (+{times.spread:.0%})"


def same_numbers(ours, theirs, tolerance) -> None:
    """Stop the benchmark where the two sides do not return the same."""
    for name, values in theirs.items():
        mine = ours[name][1:]  # torch has no state before the first step: the first entry differs
        np.testing.assert_allclose(mine, values[1 : len(mine) + 1], rtol=tolerance, atol=tolerance, err_msg=name)
