"""What a grader calls in the kernel that has run a student's notebook. The answers are judged elsewhere."""

import json

from optcourse.exercises import answers
from optcourse.exercises.catalogue import get


def ask_all(exercise: str, variables: dict) -> str:
    """Put the questions of an exercise to a notebook's variables.

    Args:
        exercise: JSON: the exercise's `name` and its `questions`.
        variables: what the notebook has defined.

    Returns:
        JSON: an answer (see `answers.ask`) for each question.
    """
    asked = json.loads(exercise)
    if asked["name"] not in variables:
        return json.dumps([{"kind": "missing"}] * len(asked["questions"]))
    answer = answers.pick(get(asked["name"]), variables)
    return json.dumps(answers.ask_all(answer, asked["questions"]))
