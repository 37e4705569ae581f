"""How nbgrader treats the exercises, with this folder as the course.

In an activated environment: `cd exercises`, then `nbgrader generate_assignment optimizer_intuition`, and so on.

`check` takes its questions from the private seed in OPTCOURSE_SEED. The kernels that nbgrader starts inherit it, so set
it where nbgrader is started (on a JupyterHub: in the environment of the instructor's server). Students' code runs in
the same kernel and could read it there; `make grade` keeps it from them.
"""

c = get_config()  # noqa: F821  nbgrader defines it

c.CourseDirectory.course_id = "optcourse"
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc"]

# A stub that runs and returns nothing: an unfinished notebook runs from top to bottom.
c.ClearSolutions.code_stub = {"python": "# Your answer goes here."}
c.ClearSolutions.text_stub = "*Your answer goes here.*"

c.Execute.timeout = 120  # seconds for a cell; the first imports JAX
