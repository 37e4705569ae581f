"""Students' names as nbgrader can have them: in the names of folders, in addresses and as keys of its gradebook."""

import re
from collections.abc import Iterable

from grading.results import Result

LONGEST_ID = 240  # bytes


def student_id(student: str) -> str:
    """A student's name as nbgrader can have it in paths and addresses: without most signs, which are spelled in bytes.

    >>> student_id("Müller, Anna+1")
    'Müller~2C Anna~2B1'
    """
    last = len(student) - 1

    def stays(place: int, letter: str) -> bool:
        known = letter.isalnum() or letter in "_-.@ " or (letter.isprintable() and not letter.isascii())
        # What the name of a folder should not begin or end with.
        return known and not (place == 0 and letter in "-@. ") and not (place == last and letter in ". ")

    def spelled(letter: str) -> str:
        return "".join(f"~{byte:02X}" for byte in letter.encode("utf-8", "surrogateescape"))

    return "".join(letter if stays(place, letter) else spelled(letter) for place, letter in enumerate(student))


def student_name(identifier: str) -> str:
    """The name that `student_id` made an id of.

    >>> student_name("Müller~2C Anna~2B1")
    'Müller, Anna+1'
    """

    def said(match):
        return bytes.fromhex(match[0].replace("~", "")).decode("utf-8", "surrogateescape")

    return re.sub(r"(~[0-9A-F]{2})+", said, identifier)


def by_student(results: Iterable[Result]) -> dict[str, Result]:
    """The results by student.

    Raises:
        ValueError: if there are two of one student, or a name is too long for a folder.
    """
    found: dict[str, Result] = {}
    for result in results:
        if len(student_id(result.student).encode()) > LONGEST_ID:
            raise ValueError(f"{result.student!r} is too long for a folder's name. Rename the submission.")
        if other := found.get(result.student):
            files = f"{other.file} and {result.file}"
            raise ValueError(f"{result.student!r} has two submissions, {files}. Keep one of them.")
        found[result.student] = result
    return found
