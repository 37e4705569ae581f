"""What is said about an answer that is none: nothing was written, the function failed, or was stopped."""

from optcourse.exercises import verdict


def missing(name: str) -> verdict.Verdict:
    return verdict.not_attempted(name, f"There is no `{name}` in your notebook: was its cell deleted or renamed?")


def interrupted(name: str, what_ends: str = "") -> verdict.Verdict:
    message = f"You interrupted it while it was running. Does its loop end{what_ends}?"
    return verdict.not_yet(name, message, mistake="interrupted")


def failed(name: str, answer: dict, arguments: list[str], elsewhere: str = "") -> tuple[str, str]:
    """The mistake and the message for an exception: which, where, and, `elsewhere`, what was different before."""
    where = f" in the line `{answer['line'].strip()}`" if answer["line"] else ""
    message = f"Your function raised {answer['error']}{where}: {answer['message'].rstrip('.') or 'without a message'}."
    if not answer["line"] and answer["error"] == "TypeError":
        message += f" It is called as `{name}({', '.join(arguments)})`."
    return f"raises {answer['error'][:40]}", f"{message} {elsewhere}".rstrip()


def told(answer) -> dict:
    """The kind of an answer, and what it tells in words, all of it text: it comes from students' code."""
    return {key: str(answer.get(key, ""))[:300] for key in ("kind", "error", "message", "line")}
