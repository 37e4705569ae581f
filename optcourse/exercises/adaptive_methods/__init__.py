"""The exercises of the chapter `adaptive_methods`: two methods to write, steps to predict, a bound, a matrix step."""

from optcourse.exercises.adaptive_methods.adagrad import ADAGRAD
from optcourse.exercises.adaptive_methods.adamw import ADAMW
from optcourse.exercises.adaptive_methods.longest_step import LONGEST_STEP
from optcourse.exercises.adaptive_methods.newton_schulz import NEWTON_SCHULZ
from optcourse.exercises.adaptive_methods.step_forecast import STEP_FORECAST

EXERCISES = (ADAGRAD, STEP_FORECAST, ADAMW, LONGEST_STEP, NEWTON_SCHULZ)
