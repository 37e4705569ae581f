"""Runs in the sandbox: executes one notebook and lets the student's code answer the questions.

It reads a job from stdin, as JSON, and writes what happens to stdout, a line of JSON for each thing, so that what was
known before a limit stopped it is not lost. It imports nothing of the grader, which is not there to be read. All that
it writes may have been forged by the code it runs, and is treated so.
"""

import ast
import asyncio
import json
import os
import queue
import resource
import runpy
import shutil
import signal
import sys
import traceback
from pathlib import Path

PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 4, 36


def main() -> None:
    job = json.load(sys.stdin)
    report = private_stdout()
    session = Session(job, report)
    try:
        settle(job["limits"])
        restrict(job["limits"])
        asyncio.run(session.run())
    except BaseException:
        session.tell(end="failed", why=traceback.format_exc()[-2000:])


def private_stdout():
    """Keep stdout for the report: whatever else is started here writes to nowhere."""
    report = os.fdopen(os.dup(1), "w", encoding="utf-8")  # not inherited by children
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    return report


def restrict(limits: dict) -> None:
    """Give up every right that is not needed, for this process and all that it starts."""
    if limits["user"] is not None:  # root is not bound by a limit on processes
        os.setgroups([])
        os.setgid(limits["user"])
        os.setuid(limits["user"])
    for what, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_DATA, limits["memory"]),
        (resource.RLIMIT_FSIZE, limits["file_size"]),
        (resource.RLIMIT_NPROC, limits["processes"]),
    ):
        hard = resource.getrlimit(what)[1]
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(what, (limit, limit))
    if sys.platform == "linux":
        import ctypes

        prctl = ctypes.CDLL(None).prctl
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # orphans stay below us, to be found and ended
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)  # what this process has open is closed to those it starts
        runpy.run_path(str(Path(__file__).with_name("syscalls.py")))["refuse"]()


def settle(limits: dict) -> None:
    """A home in the scratch folder, with matplotlib's list of fonts: to make it anew takes seconds."""
    os.chdir(os.environ["HOME"])
    fonts = Path(os.environ["MPLCONFIGDIR"])
    fonts.mkdir(exist_ok=True)
    fonts.chmod(0o777)  # whoever this process becomes
    for known in limits["font_lists"]:
        shutil.copy(known, fonts)
        fonts.joinpath(Path(known).name).chmod(0o644)


class Session:
    """One kernel that runs one notebook."""

    def __init__(self, job: dict, report):
        self.job, self.report = job, report

    def tell(self, **what) -> None:
        self.report.write(json.dumps(what) + "\n")
        self.report.flush()

    async def run(self) -> None:
        import nbformat
        from nbclient.exceptions import DeadKernelError

        notebook = nbformat.from_dict(self.job["notebook"])
        client = self.client(notebook)
        try:
            async with client.async_setup_kernel():
                try:
                    for index in self.job["to_run"]:
                        await self.run_cell(client, index)
                        if self.is_hoarding(client):
                            self.tell(end="out of memory", notebook=notebook)
                            return
                    self.tell(notebook=notebook)
                    for exercise in self.job["exercises"]:
                        await self.ask(client, exercise)
                    self.tell(end="finished")
                except DeadKernelError:
                    self.tell(end="kernel died", notebook=notebook)
                except TimeoutError:
                    self.tell(end="timed out")
                finally:
                    client.km.signal_kernel(signal.SIGKILL)
        except RecursionError:
            raise
        except (RuntimeError, ProcessLookupError):  # the kernel is gone already
            pass

    def client(self, notebook):
        """An executor that stops a cell that prints too much or takes too long, and goes on with the next."""
        from nbclient import NotebookClient

        session, limits = self, self.job["limits"]

        class Client(NotebookClient):
            def process_message(self, message, cell, cell_index):
                if message["header"]["msg_type"] in ("stream", "display_data", "execute_result", "update_display_data"):
                    session.printed += len(json.dumps(message["content"]))
                    if session.printed > limits["output"]:
                        if not session.flooded:
                            session.flooded = True
                            self.task_interrupt = asyncio.ensure_future(self.km.interrupt_kernel())
                        return None
                return super().process_message(message, cell, cell_index)

        return Client(
            notebook,
            timeout=limits["cell_time"],
            interrupt_on_timeout=True,
            error_on_timeout={"ename": "TimedOut", "evalue": "", "traceback": []},
            allow_errors=True,
            kernel_name="python3",
            record_timing=False,
            coalesce_streams=True,
            startup_timeout=limits["time"],
            shutdown_kernel="immediate",
            extra_arguments=["--HistoryManager.enabled=False"],
        )

    async def run_cell(self, client, index: int) -> None:
        self.printed, self.flooded = 0, False
        cell = client.nb.cells[index]
        cell.outputs = []
        replies = []
        client.on_cell_executed = lambda cell, cell_index, execute_reply: replies.append(execute_reply)
        await client.async_execute_cell(cell, index)
        content = replies[0]["content"] if replies else {"status": "ok"}
        status = "ok" if content["status"] == "ok" else content.get("ename", "error")
        if self.flooded:
            status = "too much output"
        elif status == "TimedOut":
            status = "timed out"
        self.tell(cell=index, status=status, error=str(content.get("evalue", ""))[:500])

    def is_hoarding(self, client) -> bool:
        """Whether the kernel keeps so much memory that nothing else can run in it any more."""
        import psutil

        try:
            used = psutil.Process(client.km.provisioner.pid).memory_info().rss
        except psutil.Error:
            return False
        return used > 0.8 * self.job["limits"]["memory"]

    async def ask(self, client, exercise: dict) -> None:
        """Let the kernel answer all questions of one exercise."""
        name = exercise["name"]
        call = "__import__('optcourse.exercises.remote', fromlist=['ask_all']).ask_all({!r}, globals())"
        asked = {"answers": call.format(json.dumps(exercise))}
        message = client.kc.execute("", silent=True, store_history=False, user_expressions=asked)
        reply = await self.wait_for(client, message, self.job["limits"]["cell_time"])
        if reply is None:  # it is still running: stop it, and see whether it lets itself be stopped
            await client.km.interrupt_kernel()
            self.tell(exercise=name, failed="timed out")
            if await self.wait_for(client, message, 10) is None:
                raise TimeoutError("it cannot be interrupted")
            return
        answered = reply["content"].get("user_expressions", {}).get("answers", {})
        try:
            self.tell(exercise=name, answers=json.loads(ast.literal_eval(answered["data"]["text/plain"])))
        except (AttributeError, KeyError, TypeError, ValueError, SyntaxError, RecursionError, MemoryError):
            self.tell(exercise=name, failed=str(answered.get("ename", "no answer")))

    async def wait_for(self, client, message: str, seconds: float):
        """The kernel's reply, or None when it has not come in time."""
        from nbclient.exceptions import DeadKernelError

        end = asyncio.get_running_loop().time() + seconds
        while (left := end - asyncio.get_running_loop().time()) > 0:
            try:
                reply = await client.kc.get_shell_msg(timeout=min(left, 1))
            except (queue.Empty, TimeoutError):
                if not await client.km.is_alive():
                    raise DeadKernelError("the kernel died") from None
                continue
            if reply["parent_header"].get("msg_id") == message:
                return reply
        return None


if __name__ == "__main__":
    main()
