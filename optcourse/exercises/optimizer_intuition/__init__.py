"""The exercises of the chapter `optimizer_intuition`: five methods to write, and a figure to read."""

from optcourse.exercises.optimizer_intuition.adam import ADAM
from optcourse.exercises.optimizer_intuition.gradient_descent import GRADIENT_DESCENT
from optcourse.exercises.optimizer_intuition.heavy_ball import HEAVY_BALL
from optcourse.exercises.optimizer_intuition.nesterov import NESTEROV
from optcourse.exercises.optimizer_intuition.rmsprop import RMSPROP
from optcourse.exercises.optimizer_intuition.which_path import WHICH_PATH

EXERCISES = (GRADIENT_DESCENT, HEAVY_BALL, NESTEROV, RMSPROP, ADAM, WHICH_PATH)
