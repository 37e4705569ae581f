"""The exercises of the chapter `schedulers`: two schedules to write, runs that resumed wrongly, a forecast."""

from optcourse.exercises.schedulers.collapsed_run import collapsed_run
from optcourse.exercises.schedulers.cosine_with_warmup import COSINE_WITH_WARMUP
from optcourse.exercises.schedulers.plateau_rates import PLATEAU_RATES
from optcourse.exercises.schedulers.resume import RESUME
from optcourse.exercises.schedulers.resumed_runs import RESUMED_RUNS, resumed_rates
from optcourse.exercises.schedulers.schedule_forecast import SCHEDULE_FORECAST

EXERCISES = (COSINE_WITH_WARMUP, PLATEAU_RATES, RESUMED_RUNS, RESUME, SCHEDULE_FORECAST)

__all__ = ["EXERCISES", "collapsed_run", "resumed_rates"]
