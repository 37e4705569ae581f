"""Help with misspelt names in error messages."""

from difflib import get_close_matches


def did_you_mean(name, known) -> str:
    """` Did you mean 'learning_rate'?`, or nothing when no known name is near."""
    near = get_close_matches(str(name), [str(candidate) for candidate in known], n=1, cutoff=0.5)
    return f" Did you mean {near[0]!r}?" if near else ""
