"""The result of one submission, and the folder that remembers results until all are there."""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

GRADED = "graded"
TIMED_OUT = "timed out"
OUT_OF_MEMORY = "out of memory"
TOO_MUCH_OUTPUT = "too much output"
KERNEL_DIED = "kernel died"
UNREADABLE = "unreadable"
WRONG_NOTEBOOK = "wrong notebook"
STATES = (GRADED, TIMED_OUT, OUT_OF_MEMORY, TOO_MUCH_OUTPUT, KERNEL_DIED, UNREADABLE, WRONG_NOTEBOOK)


@dataclass(frozen=True)
class Result:
    """What became of one submission.

    `state` is one of STATES: "graded" where every exercise was judged, otherwise why at least one could not be.
    `verdicts` holds for each exercise `status`, `score` (from 0 to 1, or None where nothing could be judged), `message`
    and `mistake`, as `optcourse.exercises.Verdict` has them; it is empty where nothing could be run. `notebook` is the
    executed notebook as JSON, every cell of the assignment in its place; its test cells have no outputs.
    """

    student: str
    file: str
    state: str
    explanation: str = ""
    verdicts: dict[str, dict] = field(default_factory=dict)
    notebook: str = ""
    seconds: float = 0.0


class Results:
    """The results that exist already, one file for each submission, so that a grader that is stopped can go on.

    A result is found again only for the same submission, graded in the same way: `key` is a fingerprint of both.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def find(self, file: str, key: str) -> Result | None:
        try:
            stored = json.loads(self._path(file).read_text(encoding="utf-8"))
            return Result(**stored["result"]) if stored["key"] == key else None
        except (OSError, ValueError, KeyError, TypeError):  # none, cut off, or of another version
            return None

    def keep(self, result: Result, key: str) -> None:
        """All of it or nothing, whenever the grader is stopped."""
        write_whole(self._path(result.file), json.dumps({"key": key, "result": asdict(result)}, indent=1))

    def _path(self, file: str) -> Path:
        return self.folder / f"{hashlib.sha256(file.encode()).hexdigest()[:24]}.json"


def write_whole(path: Path, text: str) -> None:
    """Write a file, all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.write_text(text, encoding="utf-8", newline="\n")
    os.replace(unfinished, path)


def writable(text: str) -> str:
    """The text with a sign for whatever cannot be written as UTF-8: half a character, a name from an old archive."""
    return text.encode("utf-8", "replace").decode()


def fingerprint(*parts: bytes | str) -> str:
    """A digest of all parts, in which it is seen where each of them ends."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def count_by_state(results: Iterable[Result]) -> dict[str, int]:
    found = [result.state for result in results]
    return {state: found.count(state) for state in STATES if state in found}
