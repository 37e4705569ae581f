"""What the exercises of `schedulers` say is true: their references are the libraries', their numbers those of runs."""

import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import optcourse as oc
from optcourse import optimizers, schedules, surfaces
from optcourse.arrays import double_precision
from optcourse.exercises.schedulers import collapsed_run, cosine_with_warmup, plateau_rates, resume, resumed_rates
from optcourse.exercises.schedulers.schedule_forecast import FALLS, WAIT, cloud


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 2), st.integers(1, 20), st.integers(1, 60))
def test_cosine_with_warmup_is_that_of_optax(peak, warmup, rest):
    steps = warmup + rest
    theirs = optax.warmup_cosine_decay_schedule(0.0, peak, warmup, steps)
    with double_precision():
        expected = [float(theirs(float(step))) for step in range(steps + 5)]
    made = cosine_with_warmup.made_of(peak, warmup, steps, steps + 5)
    np.testing.assert_allclose(made, expected, rtol=1e-9, atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.1, 5), min_size=1, max_size=40), st.integers(0, 5), st.floats(0.1, 0.9))
def test_the_plateau_of_the_text_is_that_of_torch(losses, patience, factor):
    text = plateau_rates.walk(losses, 0.3, factor, patience)
    np.testing.assert_allclose(text, plateau_rates.plateau_rates(losses, 0.3, factor, patience), rtol=1e-6, atol=2e-8)


def test_the_repaired_loop_does_what_a_resumed_run_does():
    peak, steps, stop = 0.1, 40, 25
    sgd = optimizers.momentum(schedules.cosine(peak, steps))
    bowl = surfaces.quadratic_bowl((1.7,))
    half = oc.run(sgd, bowl, [4.0], steps=stop)
    rest = oc.run(sgd, bowl, half.final_params, steps=steps - stop, opt_state=half.final_opt_state, first_step=stop)
    x, velocity = 4.0, 0.0
    for step in range(stop):
        rate = resume.cosine(step, peak, steps)
        velocity = resume.MOMENTUM * velocity + 1.7 * x
        x -= rate * velocity
    checkpoint = {"x": x, "velocity": velocity, "step": stop - 1, "rate": rate}
    rates, last = resume.resume(checkpoint, 1.7, peak, steps)
    assert last == pytest.approx(float(rest.final_params[0]), rel=1e-9)
    np.testing.assert_allclose(rates, schedules.cosine(peak, steps).rates(steps)[stop:], rtol=1e-12)


def test_the_resumed_runs_begin_and_end_where_the_text_says():
    rates = resumed_rates()
    assert {name: (round(float(r[0]), 3), round(float(r[-1]), 3)) for name, r in rates.items()} == {
        "planned": (0.075, 0.0),
        "A": (0.057, 0.0),
        "B": (0.001, 0.042),
        "C": (0.075, 0.0),
        "D": (0.001, 0.0),
    }
    assert [int(np.argmax(rates[name])) + 80 for name in "BD"] == [100, 92] and rates["C"][60] < 1e-9 < rates["C"][59]


def test_the_forecast_is_what_a_crowd_does():
    lower = schedules.join([schedules.constant(0.5, 200), schedules.constant(0.05, 300)], at=[200])
    crowd = surfaces.quadratic_bowl((1.0,) * 400).with_noise(1.0)
    path = oc.run(optimizers.sgd(lower), crowd, np.zeros(400), steps=500, record="params")
    spread = (path.params**2).mean(axis=1)
    assert spread[50:200].mean() == pytest.approx(cloud(0.5), rel=0.02)
    assert spread[350:].mean() == pytest.approx(cloud(0.05), rel=0.04)
    assert pytest.approx(13, rel=1e-6) == FALLS and round(WAIT) == 47


def test_the_collapsed_run_is_as_the_model_answer_says():
    run = collapsed_run()
    assert run.loss[-1] == pytest.approx(5.31, abs=0.01) and run.rate[120] < 1e-11 and run.rate[-1] < 1e-12
    averaged, patient = collapsed_run(average=20), collapsed_run(patience=30)
    constant = collapsed_run(patience=10**6)
    for other in (averaged, patient, constant):
        assert other.loss[-50:].mean() == pytest.approx(0.42, abs=0.015)
    assert np.flatnonzero(np.diff(patient.rate))[0] + 1 == 73 and (constant.rate == 0.05).all()
