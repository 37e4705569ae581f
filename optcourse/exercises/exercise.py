"""What an exercise is: questions made from a seed, and a judge of the answers.

An answer can be obtained where the student's code runs (`answers.ask`), and judged elsewhere: questions and answers are
plain data that JSON can hold.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from optcourse.exercises.mistake import Mistake
from optcourse.exercises.verdict import Verdict

PUBLIC_SEED = "public"


@dataclass(frozen=True)
class Exercise:
    """One exercise of a chapter.

    `name` is what `check` is called with, and the variable or function that the student writes in the notebook.
    `needs` names further variables of the notebook that the answer depends on. `make_questions` gets a random generator
    and returns dicts that JSON can hold; `judge` gets those and as many answers (see `answers.ask`).

    The rest is for tests and reports: `kind` is "path", "function" or "value"; `mistakes` are those that the judge
    knows; `parts` names the parts of a value that is a dict.
    """

    name: str
    chapter: str
    make_questions: Callable[[np.random.Generator], list[dict]]
    judge: Callable[[list[dict], list[dict]], Verdict]
    needs: tuple[str, ...] = ()
    kind: str = "value"
    mistakes: tuple[Mistake, ...] = ()
    parts: tuple[str, ...] = ()

    def questions(self, seed: str = PUBLIC_SEED) -> list[dict]:
        """Fresh questions: the same for the same seed, others for another."""
        digest = hashlib.sha256(f"{seed}\n{self.name}".encode()).digest()
        return self.make_questions(np.random.default_rng(list(digest)))
