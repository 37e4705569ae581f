"""Grade a folder of submissions (`make grade SUBMISSIONS=folder`, or `python -m grading folder`)."""

import argparse
import os
import signal
import sys
from pathlib import Path

from tqdm import tqdm

from grading.pipeline import Assignment, grade
from grading.reports import feedback, gradebook, report
from grading.results import count_by_state
from grading.sandbox import MB, Limits, Sandbox
from grading.submissions import assignment_in
from optcourse.exercises.exercise import PUBLIC_SEED
from optcourse.suggestions import did_you_mean

ROOT = Path(__file__).resolve().parent.parent
SEED = "OPTCOURSE_SEED"


def main() -> int:
    arguments = parse()
    if (arguments.course / "submitted").resolve() in [(home := arguments.submissions.resolve()), *home.parents]:
        print(f"{arguments.submissions} is where nbgrader keeps what is graded. Copy it elsewhere, and grade the copy.")
        return 2
    known = sorted(path.stem for path in (ROOT / "book" / "exercises").glob("*.ipynb"))
    assignment = arguments.assignment or (known[0] if len(known) == 1 else assignment_in(arguments.submissions))
    if not assignment:
        print(f"Nothing in {arguments.submissions} says which assignment it is. Say it: ASSIGNMENT=, or --assignment.")
        print(f"There are: {', '.join(known)}.")
        return 2
    master = arguments.course / "source" / assignment / f"{assignment}.ipynb"
    release = ROOT / "book" / "exercises" / f"{assignment}.ipynb"
    if not master.exists() or not release.exists():
        hint = did_you_mean(assignment, known)
        print(f"There is no assignment {assignment!r}.{hint} There are: {', '.join(known)}.")
        return 2
    print(f"Assignment: {assignment}.")
    say_what_is_special()

    into = arguments.course / "grades" / assignment
    limits = Limits(time=arguments.time, cell_time=arguments.cell_time, memory=arguments.memory * MB)
    # A request to end is an interruption too: sandboxes are stopped, and what is done is kept. (A shell that starts a
    # program in the background has it ignore interruptions.)
    for request in (signal.SIGTERM, signal.SIGINT):
        signal.signal(request, signal.default_int_handler)
    try:
        with tqdm(unit=" submissions", disable=None) as bar:

            def on_result(result, known):
                bar.set_postfix_str(f"{result.student}: {result.state}{' (known)' if known else ''}")
                bar.update()

            results = grade(
                arguments.submissions,
                Assignment(assignment, release, os.environ.get(SEED) or PUBLIC_SEED),
                keep_in=into / "results",
                limits=limits,
                jobs=arguments.jobs,
                on_result=on_result,
            )
    except FileNotFoundError as error:
        print(error)
        return 2
    except KeyboardInterrupt:
        print("\nStopped. What has been graded is kept: the same command goes on from here.")
        return 130

    points = report.points_of(master)
    where = {"course": arguments.course, "assignment": assignment}
    complete = True
    try:
        gradebook.record(results, **where)
    except (gradebook.NotRecorded, ValueError) as error:
        print(f"{error}\nThe table below is right all the same.")
        complete = False
    recorded = gradebook.read(**where)
    feedback.write(results, **where)
    report.write(results, points, into, recorded=recorded)
    print(report.table(results, points, recorded=recorded))
    counts = ", ".join(f"{count} {state}" for state, count in count_by_state(results).items())
    print(f"\n{len(results)} submissions: {counts}.")
    for what, where in (("Table", into / "grades.csv"), ("Report", into / "report.html")):
        print(f"{what + ':':<10}{where}")
    print(f"Feedback: {arguments.course / 'feedback'}")
    return 0 if complete else 1


def parse():
    parser = argparse.ArgumentParser(prog="python -m grading", description=__doc__)
    parser.add_argument("submissions", type=Path, help="the folder of submissions: a file or a folder for each student")
    parser.add_argument("--assignment", help="default: the one that most of the notebooks belong to")
    parser.add_argument("--course", type=Path, default=ROOT / "exercises", help="nbgrader's course folder")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at a time; default: one per core")
    defaults = Limits()
    parser.add_argument("--time", type=float, default=defaults.time, help="seconds for a submission: %(default)s")
    parser.add_argument("--cell-time", type=float, default=defaults.cell_time, help="seconds for a cell: %(default)s")
    parser.add_argument("--memory", type=int, default=defaults.memory // MB, help="MB for a submission: %(default)s")
    parser.epilog = f"The private seed is taken from the environment variable {SEED}."
    return parser.parse_args()


def say_what_is_special() -> None:
    """What an instructor should know before trusting the grades."""
    if not os.environ.get(SEED):
        print(f"No private seed ({SEED}): the questions are those that students can see in their notebooks.")
    if weakness := Sandbox().weakness:
        print(f"Warning: {weakness}")


if __name__ == "__main__":
    sys.exit(main())
