"""Run compiled functions in the Node that comes with Playwright, on many rows of numbers at once."""

import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import jax
import numpy as np
from playwright._impl._driver import compute_driver_executable

from optcourse.explorables import JavaScriptFunction, Module
from optcourse.explorables.helpers import helper_sources

# Reads its tasks and their numbers, runs one after the other, writes what came out as float64.
_DRIVER = """
const fs = require("node:fs");
const tasks = JSON.parse(fs.readFileSync("tasks.json"));
const bytes = fs.readFileSync("in.bin");
const numbers = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
let at = 0;
const results = [];
for (const { name, rows, sizes, fed, steps, keep, out } of tasks) {
  const row = new Float64Array(out);
  for (let r = 0; r < rows; r++) {
    const given = sizes.map((size) => numbers.slice(at, (at += size)));
    const call = given.flatMap((values) => [values, 0]);
    for (let step = 0; step < steps; step++) {
      functions[name](...call, row, 0);
      results.push(row.slice(0, keep));
      given[0]?.set(row.subarray(0, fed));
    }
  }
}
const all = new Float64Array(results.reduce((total, part) => total + part.length, 0));
let to = 0;
for (const part of results) all.set(part, to), (to += part.length);
fs.writeFileSync("out.bin", Buffer.from(all.buffer));
"""


class Task(NamedTuple):
    """Call `function` with each row of `arguments`, arrays (rows, size of that argument).

    With `steps` the first results are the first argument of the next call, as in a training loop.
    """

    function: JavaScriptFunction
    arguments: tuple[np.ndarray, ...]
    steps: int = 1
    keep: int | None = None  # how many of the results are wanted; by default all


def run_javascript(source: str, folder: Path) -> str:
    """Run a program in strict mode with `folder` as its working directory; returns what it printed."""
    node = compute_driver_executable()[0]
    (folder / "program.js").write_text(f'"use strict";\n{source}', encoding="utf-8")
    done = subprocess.run([node, "program.js"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def run_tasks(module: Module, tasks: list[Task]) -> list[np.ndarray]:
    """What each task returns, (rows, steps, keep), all computed in one process."""
    tasks = [task._replace(arguments=tuple(np.atleast_2d(a) for a in task.arguments)) for task in tasks]
    descriptions = [
        {
            "name": task.function.name,
            "rows": _rows(task),
            "sizes": [argument.shape[1] for argument in task.arguments],
            "fed": task.arguments[0].shape[1] if task.arguments and task.steps > 1 else 0,
            "steps": task.steps,
            "keep": _kept(task),
            "out": task.function.size,
        }
        for task in tasks
    ]
    given = [
        np.concatenate([np.asarray(argument, dtype=np.float64) for argument in task.arguments], axis=1).reshape(-1)
        for task in tasks
        if task.arguments
    ]
    names = sorted({task.function.name for task in tasks})
    functions = f"const functions = {{ {', '.join(names)} }};"
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "tasks.json").write_text(json.dumps(descriptions))
        (folder / "in.bin").write_bytes(np.concatenate([*given, np.zeros(0)]).tobytes())
        run_javascript("\n".join([helper_sources(module.helpers), module.source, functions, _DRIVER]), folder)
        numbers = np.frombuffer((folder / "out.bin").read_bytes())
    shapes = [(_rows(task), task.steps, _kept(task)) for task in tasks]
    ends = np.cumsum([np.prod(shape, dtype=int) for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(np.split(numbers, ends[:-1]), shapes, strict=True)]


def flat_rows(tree, rows: int) -> np.ndarray:
    """A pytree of arrays with `rows` entries on axis 0, as compiled functions take it: (rows, size)."""
    leaves = [np.asarray(leaf).astype(np.float64).reshape(rows, -1) for leaf in jax.tree.leaves(tree)]
    return np.concatenate([*leaves, np.zeros((rows, 0))], axis=1)


def _rows(task: Task) -> int:
    return len(task.arguments[0]) if task.arguments else 1


def _kept(task: Task) -> int:
    return task.function.size if task.keep is None else task.keep
