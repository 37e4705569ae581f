"""How JAX's compiler is to treat our loops on a CPU."""

import os

LIMIT = 2**20  # bytes that one step touches: about what stays in a core's second-level cache


def compile_small_loops_whole() -> None:
    """Have XLA compile a loop with small steps to one function; by default each operation of each step is a call.

    A thousand steps on a surface take 0.3 ms so, 1.4 ms otherwise; the numbers are the same. There is no setting
    for a single function, so this is one for the process, in XLA_FLAGS, where JAX looks when it first computes:
    whoever computes with JAX before importing `optcourse` keeps the slow loops. Nothing is changed where
    XLA_FLAGS already has such options.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if "xla_backend_extra_options" not in flags:
        option = f"--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold={LIMIT}"
        os.environ["XLA_FLAGS"] = f"{flags} {option}".strip()
