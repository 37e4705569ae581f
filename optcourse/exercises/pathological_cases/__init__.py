"""The exercises of the chapter `pathological_cases`: clipping, saddles, Adam's drift, and logs to be diagnosed."""

from optcourse.exercises.pathological_cases.adam_drift import ADAM_DRIFT
from optcourse.exercises.pathological_cases.clip_by_norm import CLIP_BY_NORM
from optcourse.exercises.pathological_cases.diagnose import DIAGNOSE
from optcourse.exercises.pathological_cases.logs import make_log
from optcourse.exercises.pathological_cases.saddle_steps import SADDLE_STEPS
from optcourse.exercises.pathological_cases.stuck_run import stuck_run

EXERCISES = (CLIP_BY_NORM, SADDLE_STEPS, ADAM_DRIFT, DIAGNOSE)

__all__ = ["EXERCISES", "make_log", "stuck_run"]
