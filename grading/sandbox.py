"""Run a command on code that nobody trusts: with limits, without a network, and with little to read.

Where bubblewrap works (Linux), the command sees Python, the package and a scratch folder in memory, and nothing else:
no network, no other processes, no home, no course. Elsewhere it runs as an ordinary process with the same limits on
time, memory, processes and output, and `Sandbox.weakness` says what is missing.
"""

import contextlib
import itertools
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from grading.walls import INSIDE, find_bubblewrap, font_lists, is_root

MB = 1 << 20
_users = itertools.cycle(range(20_000, 60_000))  # numbers that containers have too, and nobody else


@dataclass(frozen=True)
class Limits:
    """What one submission may use. Times are in seconds, sizes in bytes."""

    time: float = 240.0
    cell_time: float = 30.0
    memory: int = 2048 * MB
    processes: int = 64 + 6 * (os.cpu_count() or 1)  # threads count, and libraries start some for each core
    output: int = 2 * MB  # of one cell
    report: int = 16 * MB  # of the whole run, pictures included
    scratch: int = 256 * MB


@dataclass(frozen=True)
class Outcome:
    """What a command wrote, how it ended ("finished", or the limit that ended it), and the most memory it had."""

    report: bytes
    ended: str
    seconds: float
    memory: int


class Sandbox:
    """A way to run `inside.py`; `weakness` is empty where students' code is shut off from the machine."""

    def __init__(self):
        self.bubblewrap, self.weakness = find_bubblewrap()

    def run(self, job: bytes, limits: Limits, stop: threading.Event) -> Outcome:
        """Give `job` to a fresh process and collect its report, at most `limits.report` bytes of it."""
        with tempfile.TemporaryDirectory(prefix="optcourse-grading-", ignore_cleanup_errors=True) as scratch:
            home = Path(scratch, secrets.token_hex(16))
            home.mkdir()
            if is_root():  # the process inside becomes somebody else; its neighbours cannot guess this name
                os.chmod(scratch, 0o711)
                home.chmod(0o777)
            command, environment = self.command(home, limits)
            began = time.monotonic()
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd=home,
                start_new_session=True,
            )
            report = Pipe(process, job, limits.report)
            try:
                ended, memory = watch(process, report, limits, stop)
            finally:
                end(process)
            return Outcome(report.read(), ended, time.monotonic() - began, memory)

    def command(self, scratch: Path, limits: Limits) -> tuple[list[str], dict]:
        python = [sys.executable, "-I", "-B"]
        if not self.bubblewrap:
            return [*python, str(INSIDE)], surroundings(scratch)
        size = ["--size", str(limits.scratch), "--perms", "1777"]
        walls = [*self.bubblewrap, *size, "--tmpfs", "/scratch", "--chdir", "/scratch", "--remount-ro", "/"]
        return [*walls, "--", *python, "/inside.py"], surroundings(Path("/scratch"))

    def limits_inside(self, limits: Limits) -> dict:
        """The limits that the process inside puts on itself, and what it needs to begin."""
        user = next(_users) if is_root() and (self.bubblewrap or others_can_run_python()) else None
        return {
            "time": limits.time,
            "cell_time": limits.cell_time,
            "memory": limits.memory,
            "processes": limits.processes + (0 if self.bubblewrap or user else tasks_of_this_user()),
            "output": limits.output,
            "file_size": limits.scratch,
            "user": user,
            "font_lists": [f"/fonts/{path.name}" if self.bubblewrap else str(path) for path in font_lists()],
        }


def surroundings(home: Path) -> dict:
    """A clean environment: nothing of the instructor's, the seed above all."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
        "HOME": str(home),
        "TMPDIR": str(home),
        "MPLCONFIGDIR": str(home / "matplotlib"),
        "LANG": "C.UTF-8",
        "JAX_PLATFORMS": "cpu",
        "JUPYTER_PREFER_ENV_PATH": "1",
        **threads,
    }


def others_can_run_python() -> bool:
    """Whether a process that gives up being root can still read Python and the package."""
    needed = [Path(place).resolve() for place in (sys.prefix, sys.base_prefix, INSIDE.parent.parent)]
    return all(folder.stat().st_mode & 0o001 for place in needed for folder in (place, *place.parents))


def tasks_of_this_user() -> int:
    """How many threads run for this user: the limit on processes counts them all."""
    count = 0
    for process in psutil.process_iter(["uids", "num_threads"]):
        if process.info["uids"] and process.info["uids"].real == os.getuid():
            count += process.info["num_threads"] or 0
    return count


class Pipe:
    """Feeds a process and reads what it writes, up to a limit, without ever blocking the one who watches."""

    def __init__(self, process, job: bytes, limit: int):
        self.process, self.limit, self.parts, self.size = process, limit, [], 0
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.writer = threading.Thread(target=self._write, args=(job,), daemon=True)
        self.reader.start()
        self.writer.start()

    @property
    def full(self) -> bool:
        return self.size > self.limit

    def read(self) -> bytes:
        self.reader.join(timeout=10)
        self.writer.join(timeout=10)
        self.process.stdout.close()
        return b"".join(self.parts)[: self.limit]

    def _write(self, job: bytes) -> None:
        with contextlib.suppress(OSError), self.process.stdin:  # it may end before it has read everything
            self.process.stdin.write(job)

    def _read(self) -> None:
        while not self.full and (part := self.process.stdout.read1(1 << 16)):
            self.parts.append(part)
            self.size += len(part)


def watch(process, report: Pipe, limits: Limits, stop: threading.Event) -> tuple[str, int]:
    """Wait for the end of a process, or for the moment when it goes over a limit; how it ended, and its memory."""
    end_at, most = time.monotonic() + limits.time, 0
    while True:
        try:
            process.wait(timeout=0.2)
            return "finished", most
        except subprocess.TimeoutExpired:
            most = max(most, memory_of(process.pid, limits.memory))
        if most > limits.memory:
            return "out of memory", most
        if stop.is_set():
            return "stopped", most
        if time.monotonic() > end_at:
            return "timed out", most
        if report.full:
            return "too much output", most


def memory_of(pid: int, limit: int) -> int:
    """The memory of a process and all that it started, in bytes.

    The quick sum counts what several of them share once for each; only when it is over the limit, the exact one is
    taken, in which each page counts once.
    """
    total = 0
    for exact in (False, True):
        total = 0
        for process in family(pid):
            try:
                total += exact_memory(process) if exact else process.memory_info().rss
            except psutil.Error:  # it has ended
                continue
        if total <= limit:
            break
    return total


def exact_memory(process: psutil.Process) -> int:
    """The memory of a process, in which what it shares with others is shared out; all of it where that is not told."""
    try:
        return process.memory_full_info().pss
    except (psutil.AccessDenied, AttributeError):
        return process.memory_info().rss


def family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return []


def end(process) -> None:
    """End a process and everything it started. (In bubblewrap, the rest ends with the first.)"""
    for _ in range(100):
        started = family(process.pid)[1:]
        for member in started:
            with contextlib.suppress(psutil.Error):
                member.kill()
        if not started:
            break
    process.kill()
    process.wait()
