"""Walls around a program, made by bubblewrap (Linux): it sees Python and the package, no network, and nobody else."""

import functools
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import optcourse

INSIDE, SYSCALLS = (Path(__file__).with_name(name) for name in ("inside.py", "syscalls.py"))
SHARED_MEMORY = str(16 << 20)  # bytes of /dev/shm


@functools.cache
def find_bubblewrap() -> tuple[list[str], str]:
    """The command that shuts a program off, tried once; nothing and the reason where there is none that works."""
    if not shutil.which("bwrap"):
        reason = "bubblewrap (`bwrap`) is not installed" if sys.platform == "linux" else "there is no bubblewrap here"
    else:
        walls = bubblewrap()
        tried = subprocess.run([*walls, "--", sys.executable, "-c", ""], capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            return walls, ""
        reason = f"bubblewrap does not work here ({tried.stderr.strip().splitlines()[-1:] or ['no reason given']})"
    return [], f"{reason}: students' code can read this user's files and use the network. See grading/CONTAINER.md."


def bubblewrap() -> list[str]:
    """Walls around a program: it can read Python and the package, and write nothing."""
    options = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    # Root becomes somebody else inside: nobody's process may be limited in number, but root's may not.
    options += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if is_root() else ["--unshare-user"]
    options += ["--die-with-parent", "--new-session", "--hostname", "grading"]
    for system in ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        if os.path.islink(system):
            options += ["--symlink", os.readlink(system), system]
        elif os.path.isdir(system):
            options += ["--ro-bind", system, system]
    package = Path(optcourse.__file__).parent
    python = {Path(sys.prefix), Path(sys.base_prefix), Path(sysconfig.get_path("purelib")), package}
    folders = {parent for read in python for parent in read.parents} - {Path("/")}
    for folder in sorted(folders | {Path("/etc"), Path("/fonts")}):
        options += ["--perms", "755", "--dir", str(folder)]  # what bubblewrap makes by itself, only its maker may enter
    for read in sorted(python):
        options += ["--ro-bind", str(read), str(read)]
    for read in ("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts", "/etc/localtime"):
        options += ["--ro-bind-try", read, read]
    for fonts in font_lists():
        options += ["--ro-bind", str(fonts), f"/fonts/{fonts.name}"]
    options += ["--proc", "/proc", "--dev", "/dev"]
    options += ["--size", SHARED_MEMORY, "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]
    for module in (INSIDE, SYSCALLS):
        options += ["--ro-bind", str(module), f"/{module.name}"]
    return ["bwrap", *options, "--dir", "/scratch"]


@functools.cache
def font_lists() -> list[Path]:
    """Matplotlib's list of fonts, made once for all."""
    import matplotlib.font_manager

    return sorted(Path(matplotlib.get_cachedir()).glob("fontlist-*.json"))


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
