"""Where JAX computes: on the CPU, unless the caller has chosen another device.

In a process of its own with two virtual CPUs, because JAX counts its devices once. The first, where JAX computes by
itself, stands for a GPU, and the second for the CPU beside it. None of this has been seen by a real GPU.
"""

import json
import os
import subprocess
import sys

import pytest

WALK = """
import json
import jax
import numpy as np
import optcourse as oc
from optcourse import optimizers, surfaces, sweeps, tracing
from optcourse.surfaces import loss_surface

gpu, cpu = jax.devices()
names = {gpu: "gpu", cpu: "cpu"}
jax.default_backend, jax.local_devices = lambda: "gpu", lambda backend: [cpu]
places = set()

def watch(module, name):
    compute = getattr(module, name)
    def watched(*arguments):
        result = compute(*arguments)
        places.update(names[device] for leaf in jax.tree.leaves(result) for device in leaf.devices())
        return result
    watched.eval_shape = compute.eval_shape
    setattr(module, name, watched)

watch(tracing, "jitted_scan")
watch(sweeps, "_sweep_lanes")
for name in ("_jax_gradient", "_jax_hessian", "_jax_losses"):
    watch(loss_surface, name)

adam, bowl = optimizers.adam(0.1), surfaces.quadratic_bowl()
plain = np.array([1.0, 2.0])
calls = {
    "run": lambda start: oc.run(adam, bowl, start, steps=20).params,
    "sweep": lambda start, points=2: oc.sweep(
        optimizers.adam, bowl, start, steps=20, learning_rate=np.linspace(0.01, 0.1, points)
    ).final_params,
    "sweep in pieces": lambda start: calls["sweep"](start, 3000),
    "gradient": bowl.gradient,
    "hessian": bowl.hessian,
    "losses": lambda start: bowl.losses([start]),
}
seen = {}

def note(start, given):
    for name, call in calls.items():
        if given == "put" and name in ("gradient", "hessian", "losses"):
            continue  # they answer JAX arrays by JAX's own rules
        places.clear()
        value = np.asarray(call(start)).tolist()
        seen[f"{name}, {given}"] = [sorted(places), value]

note(plain, "plain")
note(jax.device_put(plain.astype(np.float32), gpu), "put")
with jax.default_device(gpu):
    note(plain, "set")
places.clear()
calls["run"](jax.numpy.array([1.0, 2.0]))
seen["run, by itself"] = [sorted(places), None]
print(json.dumps(seen))
"""

WANTED = {"plain": "cpu", "put": "gpu", "set": "gpu", "by itself": "cpu"}


@pytest.fixture(scope="module")
def seen():
    """Where each call was computed and what it gave, by the call and by how its start was given."""
    surroundings = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", WALK], env=surroundings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_plain_numbers_go_to_the_cpu_and_what_was_put_on_a_device_stays_there(seen):
    places = {call: where for call, (where, _) in seen.items()}
    assert len(places) == 6 + 3 + 6 + 1
    assert places == {call: [WANTED[call.split(", ")[1]]] for call in places}


def test_the_numbers_do_not_depend_on_the_device(seen):
    for call in ("run", "sweep", "sweep in pieces", "gradient", "hessian", "losses"):
        assert seen[f"{call}, plain"][1] == seen[f"{call}, set"][1]
