"""Answers as students hand them in: pasted into a notebook, under the name that the exercise asks for."""

import inspect


def source(answer, name: str) -> str:
    """The code of an answer that is a function, called `name`."""
    return inspect.getsource(answer).replace(f"def {answer.__name__}(", f"def {name}(", 1)


def pasted(answer, name: str) -> str:
    """The code of an answer to the exercise `name`: a function, or a dict with the value beside other variables."""
    return source(answer, name) if callable(answer) else f"{name} = {answer[name]!r}"
