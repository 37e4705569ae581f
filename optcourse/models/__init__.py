"""Small real models as loss surfaces: what `run` and `sweep` do on a bowl, they do on a network.

A model's loss is a `LossSurface` over a pytree of weights; a mini-batch belongs to a step and to the seed of a run.
"""

from optcourse.models.classifier import accuracy, digits_loss, evaluate
from optcourse.models.curvature import sharpness
from optcourse.models.curve_fit import curve_fit_loss
from optcourse.models.digits import load_digits
from optcourse.models.networks import initial_params
from optcourse.models.text import load_text, text_loss
from optcourse.models.transformer import transformer_params

__all__ = [
    "accuracy",
    "curve_fit_loss",
    "digits_loss",
    "evaluate",
    "initial_params",
    "load_digits",
    "load_text",
    "sharpness",
    "text_loss",
    "transformer_params",
]
