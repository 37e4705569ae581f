"""Labs: figures that need a kernel. Choose and write everything yourself, or train a network and watch it.

Nothing else in the package imports this, and it is imported only when it is asked for: it brings ipywidgets and, for
`training_lab`, scikit-learn.
"""

import importlib

from optcourse.suggestions import did_you_mean

_PLACES = {
    "path_lab": "path_lab",
    "PathLab": "path_lab",
    "Choice": "choices",
    "training_lab": "training_lab",
    "TrainingLab": "training_lab",
    "TrainingSession": "training",
}
__all__ = ["Choice", "PathLab", "TrainingLab", "TrainingSession", "path_lab", "training_lab"]


def __getattr__(name):
    if name in _PLACES:
        # `path_lab` is both a module and the function in it; the function is what `labs.path_lab` means.
        value = getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"optcourse.labs has no {name!r}.{did_you_mean(name, __all__)}")
