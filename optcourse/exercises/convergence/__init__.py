"""The exercises of the chapter `convergence`: from curvatures to settings, regimes, averages, and a forecast."""

from optcourse.exercises.convergence.best_rate import BEST_RATE
from optcourse.exercises.convergence.heavy_ball_settings import HEAVY_BALL_SETTINGS
from optcourse.exercises.convergence.momentum_regime import MOMENTUM_REGIME
from optcourse.exercises.convergence.ringing_curve import ringing_curve
from optcourse.exercises.convergence.ringing_forecast import RINGING_FORECAST
from optcourse.exercises.convergence.tail_averages import TAIL_AVERAGES

EXERCISES = (BEST_RATE, HEAVY_BALL_SETTINGS, MOMENTUM_REGIME, RINGING_FORECAST, TAIL_AVERAGES)

__all__ = ["EXERCISES", "ringing_curve"]
