"""How a sweep scales over devices: virtual ones of the CPU, each run in a process of its own, in turns.

Virtual devices share the cores, so the most that can be gained is the number of cores. More devices than cores show
what sharing costs.
"""

import os
import subprocess
import sys

from benchmarks.bench import Row
from benchmarks.timing import Times

LANES, STEPS, TURNS = 16_000, 4000, 3

SWEEP = f"""
import os, sys, time
devices, cores = int(sys.argv[1]), int(sys.argv[2])
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={{devices}}"
import jax
import numpy as np
import optcourse as oc
from optcourse import optimizers, surfaces

def sweep():
    shared = jax.devices() if devices > 1 else None
    grid = oc.sweep(optimizers.adam, surfaces.rosenbrock(), [-2.0, 2.0], steps={STEPS}, record="last",
                    learning_rate=np.logspace(-4, -2, {LANES}), devices=shared)
    return float(grid.final_loss.sum())

total, seconds = sweep(), []
for _ in range(4):
    began = time.perf_counter()
    assert abs(sweep() - total) < 1e-9 * abs(total)
    seconds.append(time.perf_counter() - began)
print(total, *seconds)
"""


def rows():
    cores = len(os.sched_getaffinity(0))
    cases = {"alone": (1, 1), "pieces": (1, cores), "as cores": (cores, cores), "eight": (8, cores)}
    seconds, totals = {name: [] for name in cases}, []
    for _ in range(TURNS):
        for name, (devices, used) in cases.items():
            command = [sys.executable, "-c", SWEEP, str(devices), str(used)]
            total, *times = map(
                float, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
            )
            totals.append(total)
            seconds[name] += times
    assert max(totals) - min(totals) < 1e-9 * abs(totals[0]), "the same numbers on any number of devices"
    times = {name: Times(values) for name, values in seconds.items()}
    what = f"sweep, {LANES:,} rates x {STEPS:,} steps, {{}} virtual devices"
    for name, devices in (("as cores", cores), ("eight", 8)):
        for against, label, target in (
            ("alone", "one core", 0.8 * cores),
            ("pieces", f"threads on {cores} cores", 0.8),
        ):
            ratio = times[against].best / times[name].best
            measured = f"{times[name].best:.2f} s (+{times[name].spread:.0%}), {times[against].best:.2f} s"
            yield Row(what.format(devices), label, ratio, True, target, measured)
