import os

# numba's idle threads are to sleep, not to spin, or they would slow whatever is measured after them.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from benchmarks import devices, grading, page
from benchmarks.bench import main

main([*page.ROWS, devices.rows, grading.rows])
