"""Number formats and training in them: rounding, loss scaling, policies, weights kept narrow, memory."""

from optcourse.precision.adam_8bit import Quantized, adam_8bit, dequantize, dynamic_levels, quantize
from optcourse.precision.catalogue import catalogue, get
from optcourse.precision.formats import Format
from optcourse.precision.loss_scaling import ScaledState, scaled, scaling_history
from optcourse.precision.memory import Memory, memory
from optcourse.precision.policies import in_precision
from optcourse.precision.rounding import kahan_add, kahan_sum, plain_sum, round_to, stochastic_round
from optcourse.precision.scales import DynamicScale, ScaleState, StaticScale
from optcourse.precision.weights import KeptState, kept_in
from optcourse.suggestions import missing_attribute

__all__ = [
    "DynamicScale",
    "Format",
    "KeptState",
    "Memory",
    "Quantized",
    "ScaleState",
    "ScaledState",
    "StaticScale",
    "adam_8bit",
    "catalogue",
    "dequantize",
    "dynamic_levels",
    "get",
    "in_precision",
    "kahan_add",
    "kahan_sum",
    "kept_in",
    "memory",
    "plain_sum",
    "quantize",
    "round_to",
    "scaled",
    "scaling_history",
    "stochastic_round",
]

__getattr__ = missing_attribute(__name__, __all__)
