"""The exercises of the chapter `mixed_precision`: formats, a loss scaler, Kahan's update, logs to be diagnosed."""

from optcourse.exercises.mixed_precision.format_guess import FORMAT_GUESS
from optcourse.exercises.mixed_precision.kahan_weights import KAHAN_WEIGHTS
from optcourse.exercises.mixed_precision.logs import make_log
from optcourse.exercises.mixed_precision.read_log import READ_LOG
from optcourse.exercises.mixed_precision.scaled_descent import SCALED_DESCENT

EXERCISES = (FORMAT_GUESS, SCALED_DESCENT, KAHAN_WEIGHTS, READ_LOG)

__all__ = ["EXERCISES", "make_log"]
