"""Help with misspelt names in error messages."""

from difflib import get_close_matches

# What other libraries and papers call our hyperparameters.
ELSEWHERE = {
    "lr": "learning_rate",
    "step_size": "learning_rate",
    "eta": "learning_rate",
    "beta": "momentum",
    "rho": "decay",
    "alpha": "decay",
    "beta1": "b1",
    "beta2": "b2",
    "betas": "b1",
    "epsilon": "eps",
}


def did_you_mean(name, known) -> str:
    """` Did you mean 'learning_rate'?`, or nothing when no known name is near."""
    known = {str(candidate).lower(): str(candidate) for candidate in known}
    name = str(name).lower()
    near = [ELSEWHERE[name]] if ELSEWHERE.get(name) in known else get_close_matches(name, known, n=1, cutoff=0.5)
    return f" Did you mean {known[near[0]]!r}?" if near else ""


def missing_attribute(module: str, known):
    """A module's `__getattr__` for names it does not have: an AttributeError with the nearest right name."""

    def getattr_(name):
        raise AttributeError(f"{module} has no {name!r}.{did_you_mean(name, known)}")

    return getattr_
