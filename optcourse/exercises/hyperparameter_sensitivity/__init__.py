"""The exercises of the chapter `hyperparameter_sensitivity`: a finder, a batch size, a search, and reports to read."""

from optcourse.exercises.hyperparameter_sensitivity.expected_best import EXPECTED_BEST
from optcourse.exercises.hyperparameter_sensitivity.flaws import FLAWS
from optcourse.exercises.hyperparameter_sensitivity.range_test import RANGE_TEST
from optcourse.exercises.hyperparameter_sensitivity.scaled_rate import SCALED_RATE
from optcourse.exercises.hyperparameter_sensitivity.trials_needed import TRIALS_NEEDED

EXERCISES = (RANGE_TEST, SCALED_RATE, TRIALS_NEEDED, EXPECTED_BEST, FLAWS)

__all__ = ["EXERCISES"]
