"""The yardsticks of compiled steps: Adam on Rosenbrock by hand, in JavaScript and for numba, each step recorded."""

import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import jax
import numpy as np
import optax
from numba import njit
from playwright._impl._driver import compute_driver_executable

from optcourse import optimizers, surfaces
from optcourse.arrays import double_precision, weakly_typed
from optcourse.explorables import compile_function

SIZE = 7  # params, count, mu, nu

BY_HAND = """
function byHand(path, at, hyper, to) {
  const x = path[at], y = path[at + 1];
  const [b1, b2, eps, rate] = hyper;
  const r = y - x * x;
  const gx = -2 * (1 - x) - 400 * x * r;
  const gy = 200 * r;
  const t = path[at + 2] + 1;
  const mx = (1 - b1) * gx + b1 * path[at + 3];
  const my = (1 - b1) * gy + b1 * path[at + 4];
  const vx = (1 - b2) * gx * gx + b2 * path[at + 5];
  const vy = (1 - b2) * gy * gy + b2 * path[at + 6];
  const c1 = 1 - b1 ** t, c2 = 1 - b2 ** t;
  path[to] = x - rate * (mx / c1) / (Math.sqrt(vx / c2) + eps);
  path[to + 1] = y - rate * (my / c1) / (Math.sqrt(vy / c2) + eps);
  path[to + 2] = t;
  path[to + 3] = mx;
  path[to + 4] = my;
  path[to + 5] = vx;
  path[to + 6] = vy;
}
"""

# Both loops in turns, as a figure runs them: a path in one array, each step reading the row before.
_DRIVER = """
const [steps, size, repeats, start, hyper] = SETTINGS;
const numbers = Float64Array.from(hyper);
const loops = {
  compiled(path) {
    for (let t = 0; t < steps; t++) compiled(path, t * size, numbers, 0, path, (t + 1) * size);
  },
  byHand(path) {
    for (let t = 0; t < steps; t++) byHand(path, t * size, numbers, (t + 1) * size);
  },
};
const report = { compiled: { seconds: [] }, byHand: { seconds: [] } };
for (let k = 0; k < repeats + 5; k++) {
  for (const [name, loop] of Object.entries(loops)) {
    const path = new Float64Array((steps + 1) * size);
    path.set(start);
    const began = performance.now();
    for (let j = 0; j < 20; j++) loop(path);
    if (k >= 5) report[name].seconds.push((performance.now() - began) / 20000);
    report[name].end = [...path.subarray(steps * size, steps * size + 2)];
  }
}
console.log(JSON.stringify(report));
"""


def compiled_source() -> str:
    """The whole step of the catalogue's Adam on Rosenbrock, compiled."""
    surface, adam = surfaces.rosenbrock(), optimizers.adam()

    def compiled(carry, hyperparams):
        params, state = carry
        grads = jax.grad(surface)(params)
        updates, state = adam.recipe(weakly_typed(hyperparams)).update(grads, state, params)
        return optax.apply_updates(params, updates), state

    with double_precision():
        params = np.zeros(2)
        examples = (params, adam.init(params)), dict(adam.hyperparams)
        return compile_function(compiled, *examples).source


def in_javascript(start, *, steps, repeats, learning_rate, b1, b2, eps) -> dict[str, dict]:
    """Seconds of each repeat and where it ended, for `compiled` and `byHand`; both in one process, in turns."""
    settings = json.dumps([steps, SIZE, repeats, [*start], [b1, b2, eps, learning_rate]])
    with TemporaryDirectory() as name:
        program = Path(name, "program.js")
        program.write_text(f'"use strict";\n{compiled_source()}\n{BY_HAND}\n{_DRIVER.replace("SETTINGS", settings)}')
        node = compute_driver_executable()[0]
        done = subprocess.run([node, str(program)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


@njit(error_model="numpy", cache=False)
def in_numba(path, steps, b1, b2, eps, rate):
    """The same for numba: one step after the other into (steps + 1, 7)."""
    for step in range(steps):
        x, y = path[step, 0], path[step, 1]
        r = y - x * x
        gx = -2.0 * (1.0 - x) - 400.0 * x * r
        gy = 200.0 * r
        t = path[step, 2] + 1.0
        mx = (1.0 - b1) * gx + b1 * path[step, 3]
        my = (1.0 - b1) * gy + b1 * path[step, 4]
        vx = (1.0 - b2) * gx * gx + b2 * path[step, 5]
        vy = (1.0 - b2) * gy * gy + b2 * path[step, 6]
        c1, c2 = 1.0 - b1**t, 1.0 - b2**t
        path[step + 1, 0] = x - rate * (mx / c1) / (np.sqrt(vx / c2) + eps)
        path[step + 1, 1] = y - rate * (my / c1) / (np.sqrt(vy / c2) + eps)
        path[step + 1, 2] = t
        path[step + 1, 3] = mx
        path[step + 1, 4] = my
        path[step + 1, 5] = vx
        path[step + 1, 6] = vy
