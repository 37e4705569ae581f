"""The annotations are true: the public functions run with every argument and shape checked as it is passed.

In a process of its own, because checked annotations would answer bad input before the package does.
"""

import subprocess
import sys

WALK = """
import numpy as np
from jaxtyping import install_import_hook

with install_import_hook("optcourse", "beartype.beartype"):
    import optcourse as oc
    from optcourse import claims, metrics, optimizers, plotting, schedules, surfaces

for backend in optimizers.BACKENDS:
    for make in (optimizers.adam, optimizers.lbfgs):
        path = oc.run(make(backend=backend), surfaces.himmelblau(), [0.0, 1.0], steps=12)
        metrics.summary(path)
        metrics.distance_to_minimum(path)
        path[3], path[-1], path[2:4], path.final_loss, path.opt_state
    adam = optimizers.adam(0.1, backend=backend)
    for other in (
        optimizers.clip_by_global_norm(adam, 1.0),
        optimizers.accumulate(adam, 2),
        optimizers.project_to_box(adam, -1.0, 1.0),
        optimizers.set_learning_rate(adam, 0.2),
    ):
        oc.run(other, surfaces.booth(), [0.0, 1.0], steps=3, record="last")
    grid = oc.sweep(adam, surfaces.booth(), [[0.0, 1.0], [1.0, 1.0]], steps=3, b1=[0.5, 0.9])
    metrics.settling_step(grid.loss, 1.0)
    oc.OptimizerTrace(adam, surfaces.booth(), [0.0, 1.0]).step()
for backend in optimizers.BACKENDS:
    for schedule in (
        schedules.warmup_cosine(0.1, 5),
        schedules.from_points([(0, 0.1), (5, 0.0)]).with_warmup(2),
        schedules.plateau(0.1, patience=1),
    ):
        oc.run(schedules.scheduled(optimizers.adam, schedule)(backend=backend), surfaces.booth(), [0.0, 1.0], steps=3)
        oc.run(optimizers.sgd(schedule, backend=backend), surfaces.booth(), [0.0, 1.0], steps=3)
    drawn = schedules.drawn(optimizers.sgd, [(0, 0.1), (5, 0.0)])
    oc.run(drawn(backend=backend), surfaces.booth(), [0.0, 1.0], steps=3)
for name, factory in surfaces.catalogue().items():
    surface = factory()
    point = np.array(surface.start)
    surface(point, 1), surface.gradient(point, 1), surface.losses(point[None])
plotting.plot_trajectory(path)
claims.verify("types hold", 1.0, 1.0)
"""


def test_public_functions_keep_their_annotations():
    result = subprocess.run([sys.executable, "-W", "ignore", "-c", WALK], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-3000:]
