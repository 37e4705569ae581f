"""Laws of the schedules: what the two libraries set, where they differ, and that optimizers follow them."""

import copy

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim import lr_scheduler

import optcourse as oc
from optcourse import optimizers, schedules, surfaces
from optcourse.optimizers import BACKENDS
from optcourse.schedules.entries import Entry

STEPS = 1000
FOLLOWING = [name for name, entry in schedules.entries().items() if not entry.listens]
AGREEING = [name for name in FOLLOWING if schedules.entries()[name].agreement != "different"]
# Settings beside the defaults, for the comparison of the libraries.
SETTINGS = {
    "step": {"every": 130, "factor": 0.5},
    "multistep": {"at": (100, 0.4, 999), "factor": 0.3},
    "exponential": {"end": 0.5},
    "linear": {"end": 0.2},
    "polynomial": {"power": 0.9},
    "cosine": {"end": 0.1},
    "warm_restarts": {"first": 300, "growth": 1, "end": 0.05},
    "warmup": {"warmup": 37, "start": 0.5},
    "warmup_cosine": {"warmup": 123, "start": 0.2, "end": 0.1},
    "cyclic": {"base": 0.25, "cycles": 5},
    "warmup_stable_decay": {"warmup": 0.1, "decay": 333, "end": 0.1},
}


def sgd_of_torch(**settings):
    return torch.optim.SGD([torch.zeros(1, dtype=torch.float64)], lr=0.1, **settings)


# --- the two libraries --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("standard", [True, False])
@pytest.mark.parametrize("name", AGREEING)
def test_both_libraries_set_the_same_rates_step_by_step(name, standard):
    schedule = schedules.get(name)(0.3, STEPS, **({} if standard else SETTINGS.get(name, {})))
    tolerance = schedule.entry.tolerance * schedule.peak
    np.testing.assert_allclose(schedule.rates(STEPS), schedule.torch_rates(STEPS), rtol=0, atol=tolerance)
    assert schedule.rates(STEPS).max() == pytest.approx(schedule.peak, rel=1e-12)


@pytest.mark.parametrize("name", FOLLOWING)
def test_torch_rates_are_those_of_a_training_loop_with_the_real_scheduler(name):
    schedule = schedules.get(name)(0.3, 50)
    optimizer = sgd_of_torch()
    scheduler, rates = schedule.torch(optimizer), []
    for _ in range(50):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    np.testing.assert_array_equal(schedule.torch_rates(50), rates)
    named = schedule.entry.torch_name.split("(")[0].split(" ")[0]
    assert type(scheduler).__name__ == named


@pytest.mark.parametrize("name", FOLLOWING)
def test_an_entry_names_what_exists(name):
    entry = schedules.entries()[name]
    home = entry.optax_name.split("(")[0].split(" ")[0]
    assert callable(getattr(optax, home.removeprefix("optax.")))
    assert entry.agreement in ("equal", "different", "one library") and entry.title


def test_one_cycle_differs_where_it_is_said_to():
    schedule = schedules.one_cycle(1.0, 100)
    assert np.abs(schedule.rates(100) - schedule.torch_rates(100)).max() > 0.01


# Every difference in the catalogue, and how it is seen: what is returned must be what the catalogue says, where that is
# a number; the others assert.


def _rate(name, step, steps=100, **settings):
    schedule = schedules.get(name)(1.0, steps, **settings)
    return schedule(step), schedule.torch_rates(step + 1)[-1]


def _refused_zero(name):
    schedule = schedules.get(name)(1.0, 100, start=0.0)
    assert schedule(0) == 0.0
    with pytest.raises(ValueError, match="refuses a warmup that starts from 0"):
        schedule.torch_rates(1)
    with pytest.raises(ValueError, match="greater than 0"):
        lr_scheduler.LinearLR(sgd_of_torch(), 0.0)


def _first_by_default(scheduler_class):
    optimizer = sgd_of_torch()
    scheduler_class(optimizer)
    return optimizer.param_groups[0]["lr"] / 0.1


def _constant_by_default():
    return optax.constant_schedule(1.0)(0), _first_by_default(lr_scheduler.ConstantLR)


def _linear_goes_up():
    optimizer = sgd_of_torch()
    scheduler = lr_scheduler.LinearLR(optimizer)
    for _ in range(5):
        optimizer.step(), scheduler.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1)
    assert _first_by_default(lr_scheduler.LinearLR) == pytest.approx(1 / 3)
    with pytest.raises(TypeError):
        optax.linear_schedule()


def _power_by_default():
    assert lr_scheduler.PolynomialLR(sgd_of_torch()).power == 1.0
    with pytest.raises(TypeError):
        optax.polynomial_schedule(1.0, 0.0, transition_steps=10)


def _lowest_of_cosine():
    assert float(optax.cosine_decay_schedule(0.5, 10, alpha=0.1)(10)) == pytest.approx(0.05)
    optimizer = sgd_of_torch()
    assert lr_scheduler.CosineAnnealingLR(optimizer, 10, eta_min=0.05).eta_min == 0.05


def _restarts():
    assert (schedules.warm_restarts(1.0, 70).rates(700)[70:] == 0).all()
    rates = schedules.warm_restarts(1.0, 70).torch_rates(631)
    assert [i for i, rate in enumerate(rates) if rate == 1.0] == [0, 10, 30, 70, 150, 310, 630]


def _first_of_warmup():
    assert _first_by_default(lr_scheduler.LinearLR) == pytest.approx(1 / 3)
    with pytest.raises(TypeError):
        optax.warmup_constant_schedule(peak_value=1.0, warmup_steps=5)


def _warmup_counts():
    ours = optax.warmup_cosine_decay_schedule(0.0, 1.0, 10, 110)
    assert float(ours(110)) == 0 and float(ours(60)) == pytest.approx(0.5)
    rates = schedules.warmup_cosine(1.0, 110, warmup=10).torch_rates(111)
    scheduler = schedules.warmup_cosine(1.0, 110, warmup=10).torch(sgd_of_torch())
    assert scheduler._schedulers[1].T_max == 100 and rates[60] == pytest.approx(0.5) and rates[110] < 1e-12


def _momentum(make, low, high):
    for before in (0.0, 0.5):
        optimizer = sgd_of_torch(momentum=before)
        scheduler, seen = make(optimizer), []
        for _ in range(99):
            seen.append(optimizer.param_groups[0]["momentum"])
            optimizer.step(), scheduler.step()
        assert (min(seen), max(seen)) == (pytest.approx(low, abs=2e-4), high)
    with pytest.raises(ValueError, match="optimizer must support momentum"):
        make(torch.optim.Adagrad([torch.zeros(1)]))


def _two_steps_after():
    assert schedules.one_cycle(1.0, 100).rates(200)[100:] == pytest.approx(np.full(100, 4e-6))
    assert len(schedules.one_cycle(1.0, 100).torch_rates(101)) == 101
    with pytest.raises(ValueError, match="OneCycleLR of PyTorch has no rate for step 101"):
        schedules.one_cycle(1.0, 100).torch_rates(102)


def _argpeak():
    schedule = schedules.one_cycle(1.0, 100)
    return schedule.rates(100).argmax(), schedule.torch_rates(100).argmax()


def _lowest():
    schedule = schedules.one_cycle(1.0, 100)
    return tuple(int(np.flatnonzero(r <= 4.0001e-6)[0]) for r in (schedule.rates(101), schedule.torch_rates(100)))


def _lowers_at(patience):
    losses = np.ones(patience + 5)
    ours = schedules.plateau(1.0, patience=patience, factor=0.5)
    # The first loss is an improvement on infinity. torch's rate is that of the step after the loss it heard.
    return np.argmax(ours.rates(losses) < 1), np.argmax(ours.torch_rates(losses) < 1) - 1


def _patience_counts():
    for patience in (1, 2, 7):
        assert _lowers_at(patience) == (patience, patience + 1)


def _first_lower():
    ours = schedules.plateau(1.0, patience=3)
    return np.argmax(ours.rates(np.ones(9)) < 1), np.argmax(ours.torch_rates(np.ones(9)) < 1)


def _which_step():
    better, worse = [3.0, 3.0], [3.0, 2.0]  # the second loss lowers the rate, or does not
    ours, theirs = schedules.plateau(1.0, patience=1), schedules.plateau(1.0, patience=0)
    assert ours.rates(better)[1] == 0.1 and ours.rates(worse)[1] == 1.0
    assert (theirs.torch_rates([*better, 1.0]) == [1.0, 1.0, 0.1]).all()


def _patience_zero():
    ours = schedules.plateau(1.0, patience=0)
    improving, worsening = [3.0, 2.0, 1.0, 0.5], [1.0, 2.0, 3.0, 4.0]
    np.testing.assert_allclose(ours.rates(improving), [0.1, 0.01, 0.001, 0.0001])
    np.testing.assert_allclose(ours.rates(worsening), [0.1, 0.1, 0.1, 0.1])
    np.testing.assert_allclose(ours.torch_rates(improving), np.ones(4))
    np.testing.assert_allclose(ours.torch_rates(worsening), [1.0, 1.0, 0.1, 0.01])


def _tiny_changes():
    tiny = schedules.plateau(1e-8, patience=1)
    assert tiny.rates(np.ones(9))[-1] < 1e-12
    assert (tiny.torch_rates(np.ones(9)) == 1e-8).all()


def _improvement():
    both = optax.contrib.reduce_on_plateau(patience=1, rtol=0.1, atol=0.1)
    state, scales = both.init(jnp.zeros(())), []
    for value in (1.0, 0.85):  # an improvement by one of the two thresholds, not by both
        scale, state = both.update(jnp.ones(()), state, value=value)
        scales.append(float(scale))
    assert scales == [1.0, pytest.approx(0.1)]
    for mode, improved in (("rel", True), ("abs", True)):
        optimizer = sgd_of_torch()
        scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=0.1, threshold_mode=mode)
        scheduler.step(1.0), scheduler.step(0.85)
        assert (optimizer.param_groups[0]["lr"] == 0.1) == improved


def _averages():
    losses = [4.0, 2.0, 3.0, 3.0, 5.0, 1.0]  # means of two: 3, 3, 3
    ours = schedules.plateau(1.0, patience=1, average=2)
    np.testing.assert_allclose(ours.rates(losses), [1.0, 1.0, 1.0, 0.1, 0.1, 0.01])
    assert "accumulation_size" not in lr_scheduler.ReduceLROnPlateau.__init__.__annotations__


def _lowest_of_plateau():
    ours = schedules.plateau(0.5, patience=1, end=0.2)
    assert ours.rates(np.ones(9))[-1] == pytest.approx(0.1) and ours.torch_rates(np.ones(9))[-1] == pytest.approx(0.1)
    assert ours.torch(sgd_of_torch()).min_lrs == [pytest.approx(0.1)]


DIFFERENCES = {
    ("constant", "rate of the first step, by default"): _constant_by_default,
    ("linear", "direction, by default"): _linear_goes_up,
    ("polynomial", "power, by default"): _power_by_default,
    ("cosine", "rate 50 steps after the last"): lambda: _rate("cosine", 150),
    ("cosine", "the lowest rate is given as"): _lowest_of_cosine,
    ("warm_restarts", "rate of the step after the last, 70 steps"): lambda: _rate("warm_restarts", 70, 70),
    ("warm_restarts", "cycles"): _restarts,
    ("warmup", "a first rate of 0"): lambda: _refused_zero("warmup"),
    ("warmup", "first rate, by default"): _first_of_warmup,
    ("warmup_cosine", "a first rate of 0"): lambda: _refused_zero("warmup_cosine"),
    ("warmup_cosine", "rate 95 steps after the last"): lambda: _rate("warmup_cosine", 195),
    ("warmup_cosine", "decay_steps and T_max count"): _warmup_counts,
    ("cyclic", "momentum, by default"): lambda: _momentum(
        lambda optimizer: lr_scheduler.CyclicLR(optimizer, 0.01, 0.1, step_size_up=20), 0.8, 0.9
    ),
    ("cyclic", "rate half a cycle after the last step"): lambda: _rate("cyclic", 125),
    ("one_cycle", "step of the peak"): _argpeak,
    ("one_cycle", "rate of the last step, 99"): lambda: _rate("one_cycle", 99),
    ("one_cycle", "first step with the lowest rate"): _lowest,
    ("one_cycle", "two steps after the last"): _two_steps_after,
    ("one_cycle", "momentum, by default"): lambda: _momentum(
        lambda optimizer: lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=100), 0.85, 0.95
    ),
    ("warmup_stable_decay", "a first rate of 0"): lambda: _refused_zero("warmup_stable_decay"),
    ("plateau", "lowers the rate at the loss without improvement, in a row, number"): _patience_counts,
    ("plateau", "step of the first lower rate, where no loss improves, patience 3"): _first_lower,
    ("plateau", "the lower rate is for"): _which_step,
    ("plateau", "patience 0"): _patience_zero,
    ("plateau", "changes of less than 1e-8"): _tiny_changes,
    ("plateau", "improvement"): _improvement,
    ("plateau", "noise of mini-batches"): _averages,
    ("plateau", "the lowest rate is given as"): _lowest_of_plateau,
}


def test_every_difference_has_its_check():
    named = {
        (entry.name, difference.what) for entry in schedules.entries().values() for difference in entry.differences
    }
    assert named == set(DIFFERENCES)


@pytest.mark.parametrize("which", DIFFERENCES, ids=" ".join)
def test_the_libraries_differ_as_the_catalogue_says(which):
    name, what = which
    (difference,) = [d for d in schedules.entries()[name].differences if d.what == what]
    seen = DIFFERENCES[which]()
    numbers = isinstance(difference.optax, (int, float)) and isinstance(difference.torch, (int, float))
    assert (seen is not None) == numbers
    if numbers:
        assert seen == pytest.approx((difference.optax, difference.torch), abs=5e-7)


def test_double_precision_is_kept_where_optax_by_itself_loses_it():
    schedule = schedules.exponential(1.0, 1000)
    exact = 0.01 ** (np.arange(1000) / 1000)
    np.testing.assert_allclose(schedule.rates(1000), exact, rtol=1e-13)
    path = oc.run(optimizers.sgd(schedule), surfaces.LossSurface(lambda p: p[0], dim=1), [0.0], steps=100)
    np.testing.assert_allclose(-path.updates[:, 0], exact[:100], rtol=1e-13)
    path = oc.run(optimizers.sgd(schedule.optax), surfaces.LossSurface(lambda p: p[0], dim=1), [0.0], steps=100)
    assert np.abs(-path.updates[:, 0] / exact[:100] - 1).max() > 1e-9  # Optax divides an integer step in float32


# --- the value ----------------------------------------------------------------------------------------------------


def everything():
    made = [schedules.get(name)(0.25, 100) for name in FOLLOWING]
    points = schedules.from_points([(0, 0.0), (10, 0.5), (40, 0.1)])
    both = schedules.join([schedules.linear(0.2, 30), schedules.cosine(0.4, 50, end=0.5)], at=[30])
    return [
        *made,
        points,
        both,
        schedules.linear(0.1, 20, end=0.5).with_warmup(5, start=0.2).with_cooldown(10, end=0.1),
    ]


@pytest.mark.parametrize("schedule", everything(), ids=repr)
def test_its_repr_makes_it_again(schedule):
    again = eval(repr(schedule), {"schedules": schedules})
    assert again == schedule and hash(again) == hash(schedule) and repr(again) == repr(schedule)


@pytest.mark.parametrize("schedule", everything(), ids=repr)
def test_it_is_linear_in_its_peak(schedule):
    twice = schedule.with_peak(2 * schedule.peak)
    np.testing.assert_allclose(twice.rates(120), 2 * schedule.rates(120), rtol=1e-9)
    if schedule.kind != "one_cycle":  # which ends
        np.testing.assert_allclose(twice.torch_rates(120), 2 * schedule.torch_rates(120), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("schedule", everything(), ids=repr)
def test_a_number_a_traced_step_and_an_array_of_rates_say_the_same(schedule):
    rates = schedule.rates(60)
    for step in (0, 1, 33, 59):
        assert schedule(step) == pytest.approx(rates[step], rel=1e-14)
        assert jax.jit(schedule)(step) == pytest.approx(rates[step], rel=1e-5, abs=1e-8)
        assert jax.jit(lambda x, step=step: x * schedule(step))(1.0) == pytest.approx(rates[step], rel=1e-5)


def test_settings_that_are_not_settings_are_seen_in_its_repr_only_where_they_differ():
    assert repr(schedules.cosine(0.1, 100, end=0.0)) == "schedules.cosine(0.1, 100)"
    assert repr(schedules.plateau(0.1, patience=3)) == "schedules.plateau(0.1, patience=3)"


# --- composition --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in FOLLOWING if name != "one_cycle"])
def test_joined_schedules_agree_over_a_thousand_steps(name):
    first = schedules.linear(0.4, 150, end=0.5)
    joined = schedules.join([first, schedules.get(name)(0.2, 500), schedules.warmup_cosine(0.1, 350)], at=[150, 650])
    whole = joined.with_warmup(20)
    np.testing.assert_allclose(whole.rates(1000), whole.torch_rates(1000), rtol=0, atol=1e-12)
    np.testing.assert_allclose(whole.rates(1000)[170:670], schedules.get(name)(0.2, 500).rates(500), atol=1e-12)


def test_a_one_cycle_inside_another_keeps_what_each_library_makes_of_it():
    cycle = schedules.one_cycle(0.2, 300)
    joined = schedules.join([schedules.constant(0.1, 50), cycle, schedules.linear(0.05, 50)], at=[50, 350])
    np.testing.assert_allclose(joined.rates(400)[50:350], cycle.rates(300), atol=1e-15)
    np.testing.assert_allclose(joined.torch_rates(400)[50:350], cycle.torch_rates(300), atol=1e-15)
    with pytest.raises(ValueError, match="only one of them fits"):
        schedules.join([cycle, cycle], at=[300]).torch_rates(5)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_warmup_leads_to_the_schedule_and_a_cooldown_away_from_it(data):
    inner = data.draw(st.sampled_from([schedules.constant(0.3, 40), schedules.cosine(0.3, 40, end=0.2)]))
    up, down = data.draw(st.integers(1, 20)), data.draw(st.integers(1, 20))
    whole = inner.with_warmup(up).with_cooldown(down)
    rates = whole.rates(whole.steps + 5)
    assert whole.steps == up + 40 + down
    np.testing.assert_allclose(rates[up : up + 40], inner.rates(40), rtol=1e-12)
    assert (np.diff(rates[: up + 1]) > 0).all() and (np.diff(rates[up + 40 : -5]) < 0).all()
    assert rates[0] == pytest.approx(0.01 * inner(0)) and rates[-5:] == pytest.approx(0.0, abs=1e-15)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 50), st.floats(0, 1)), min_size=1, max_size=6), st.floats(0.1, 1))
def test_points_are_joined_by_straight_lines(gaps, first):
    at = np.cumsum([0] + [gap for gap, _ in gaps])
    rates = [first] + [rate for _, rate in gaps]
    schedule = schedules.from_points(list(zip(at.tolist(), rates, strict=True)))
    expected = np.interp(np.arange(at[-1] + 10), at, rates)
    np.testing.assert_allclose(schedule.rates(len(expected)), expected, atol=1e-12)
    np.testing.assert_allclose(schedule.torch_rates(len(expected)), expected, atol=1e-12)
    drawn = schedules.drawn(optimizers.sgd, list(zip(at.tolist(), rates, strict=True)))()
    followed = [optimizers.get_learning_rate(drawn, step=t) for t in (0, int(at[-1]) // 2, int(at[-1]))]
    np.testing.assert_allclose(followed, expected[[0, at[-1] // 2, at[-1]]], atol=1e-12)


# --- inside optimizers --------------------------------------------------------------------------------------------

LINE = surfaces.LossSurface(lambda p: p[0], dim=1, name="line")  # gradient 1: an update of SGD is minus the rate


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("schedule", everything(), ids=repr)
def test_an_optimizer_follows_its_library(schedule, backend):
    expected = schedule.rates(40) if backend == "optax" else schedule.torch_rates(40)
    for sgd in (
        optimizers.sgd(learning_rate=schedule, backend=backend),
        schedules.scheduled(optimizers.sgd, schedule)(backend=backend),
    ):
        path = oc.run(sgd, LINE, [0.0], steps=40)
        np.testing.assert_allclose(-path.updates[:, 0], expected, rtol=1e-9, atol=1e-14)
        assert optimizers.get_learning_rate(sgd, step=33) == pytest.approx(expected[33], rel=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_resumed_run_continues_the_schedule(backend, tmp_path):
    optimizer = optimizers.adam(learning_rate=schedules.warmup_cosine(0.2, 40), backend=backend)
    surface = surfaces.himmelblau()
    whole = oc.run(optimizer, surface, [0.0, 1.0], steps=40)
    half = oc.run(optimizer, surface, [0.0, 1.0], steps=20)
    optimizers.save_state(tmp_path / "half.npz", optimizer, half.final_params, half.final_opt_state, step=20)
    saved = optimizers.load_state(tmp_path / "half.npz", optimizer)
    rest = oc.run(optimizer, surface, saved.params, steps=20, opt_state=saved.opt_state, first_step=saved.step)
    np.testing.assert_array_equal(rest.final_params, whole.final_params)


def test_a_run_past_the_end_of_torchs_one_cycle_says_so():
    sgd = optimizers.sgd(schedules.one_cycle(0.1, 30), backend="torch")
    assert oc.run(sgd, LINE, [0.0], steps=31).steps == 31
    with pytest.raises(ValueError, match="ends after 30 steps"):
        oc.run(sgd, LINE, [0.0], steps=32)


def test_the_peak_of_a_scheduled_optimizer_is_data():
    sgd = schedules.scheduled(optimizers.momentum, schedules.cosine(1.0, 30))
    grid = oc.sweep(sgd, LINE, [0.0], steps=30, learning_rate=[0.1, 0.2], momentum=0.0, record=("updates",))
    np.testing.assert_allclose(2 * grid.updates[0], grid.updates[1], rtol=1e-12)
    np.testing.assert_allclose(-grid.updates[1, :, 0], schedules.cosine(0.2, 30).rates(30), rtol=1e-12)
    torch_grid = oc.sweep(
        sgd, LINE, [0.0], steps=30, learning_rate=[0.1, 0.2], momentum=0.0, record=("updates",), backend="torch"
    )
    np.testing.assert_allclose(torch_grid.updates, grid.updates, rtol=1e-9, atol=1e-15)
    again = sgd(learning_rate=0.3)
    assert jax.tree.leaves(again) == [0.3, 0.9] and jax.tree.structure(again) == jax.tree.structure(sgd(0.4))
    assert sgd().hyperparams["learning_rate"] == 1.0


def test_drawn_points_are_hyperparameters():
    make = schedules.drawn(optimizers.adam, [(0, 0.0), (10, 0.1), (30, 0.0)])
    assert make.rate_steps == (0, 10, 30)
    adam = make(rate_1=0.2, b1=0.8)
    assert dict(adam.hyperparams) == {"rate_0": 0.0, "rate_1": 0.2, "rate_2": 0.0, "b1": 0.8, "b2": 0.999, "eps": 1e-8}
    paths = [oc.run(make(backend=b), surfaces.booth(), [0.0, 0.0], steps=40) for b in BACKENDS]
    np.testing.assert_allclose(paths[0].params, paths[1].params, rtol=1e-9)
    grid = oc.sweep(make, LINE, [0.0], steps=5, rate_0=[0.1, 0.2], record="last")
    assert grid.final_params.shape == (2, 1)
    with pytest.raises(TypeError, match="no hyperparameter 'rate_3'"):
        make(rate_3=0.1)


def test_parameter_groups_follow_schedules_of_their_own():
    params = {"a": np.zeros(1), "b": np.zeros(1)}
    surface = surfaces.LossSurface(lambda p: p["a"].sum() + p["b"].sum(), dim=None)
    for backend in BACKENDS:
        groups = optimizers.parameter_groups(
            {
                "a": schedules.scheduled(optimizers.sgd, schedules.cosine(1.0, 10))(0.5, backend=backend),
                "b": optimizers.sgd(schedules.plateau(1.0, patience=1), backend=backend),
            }
        )
        path = oc.run(groups, surface, params, steps=6)
        np.testing.assert_allclose(-path.updates["a"][:, 0], schedules.cosine(0.5, 10).rates(6), rtol=1e-9)
        half = oc.run(groups, surface, params, steps=3)
        rest = oc.run(groups, surface, half.final_params, steps=3, opt_state=half.final_opt_state)
        np.testing.assert_array_equal(rest.final_params["b"], path.final_params["b"])


# --- listening ----------------------------------------------------------------------------------------------------

LOSSES = st.lists(st.floats(0.1, 10).map(lambda x: round(x, 2)), min_size=3, max_size=40)


@settings(max_examples=40, deadline=None)
@given(LOSSES, st.integers(0, 4), st.integers(0, 3), st.integers(1, 3))
def test_torch_does_what_optax_does_with_one_loss_less_of_patience_and_a_step_later(
    losses, patience, cooldown, average
):
    """The two libraries' plateaus are one algorithm but for that."""
    shape = {"cooldown": cooldown, "average": average, "factor": 0.5, "threshold": 0.01}
    ours = schedules.plateau(1.0, patience=patience + 1, **shape).rates(losses)
    theirs = schedules.plateau(1.0, patience=patience, **shape).torch_rates([*losses, 1.0])
    np.testing.assert_allclose(ours, theirs[1:], rtol=1e-6)


@settings(max_examples=20, deadline=None)
@given(LOSSES, st.integers(1, 4))
def test_torchs_plateau_is_the_real_scheduler_in_a_training_loop(losses, patience):
    optimizer = sgd_of_torch()
    scheduler = schedules.plateau(0.1, patience=patience).torch(optimizer)
    assert type(scheduler) is lr_scheduler.ReduceLROnPlateau
    rates = []
    for loss in losses:
        rates.append(optimizer.param_groups[0]["lr"])
        scheduler.step(loss)
    np.testing.assert_array_equal(schedules.plateau(0.1, patience=patience).torch_rates(losses), rates)


@pytest.mark.parametrize("around", ["nothing", "clipping", "accumulation"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_with_a_plateau_hears_its_losses_and_goes_on_where_it_was(backend, around, tmp_path):
    wrap = {
        "nothing": lambda o: o,
        "clipping": lambda o: optimizers.clip_by_global_norm(o, 1.0),
        "accumulation": lambda o: optimizers.accumulate(o, 2),
    }[around]
    schedule = schedules.plateau(0.3, patience=3, factor=0.5)
    optimizer = wrap(optimizers.sgd(schedule, backend=backend))
    surface = surfaces.quadratic_bowl().with_noise(0.5)
    whole = oc.run(optimizer, surface, [1.0, 1.0], steps=40)
    if around == "nothing":
        rates = schedule.rates(whole.loss[:-1]) if backend == "optax" else schedule.torch_rates(whole.loss[:-1])
        np.testing.assert_allclose(whole.updates, -rates[:, None] * whole.gradients, rtol=1e-9, atol=1e-13)
        assert rates[-1] < 0.1
    half = oc.run(optimizer, surface, [1.0, 1.0], steps=21)
    optimizers.save_state(tmp_path / "half.npz", optimizer, half.final_params, half.final_opt_state, step=21)
    saved = optimizers.load_state(tmp_path / "half.npz", optimizer)
    rest = oc.run(optimizer, surface, saved.params, steps=19, opt_state=saved.opt_state, first_step=21)
    np.testing.assert_array_equal(rest.final_params, whole.final_params)
    assert whole.opt_state is not None and len(whole) == 40


def test_update_of_a_listening_torch_optimizer_is_pure_and_wants_the_loss():
    sgd = optimizers.sgd(schedules.plateau(1.0, patience=0), backend="torch")
    params, grads = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    state = sgd.init(params)
    before = copy.deepcopy(state)
    for _ in range(2):
        _, after = sgd.update(grads, state, params, value=1.0)
    assert state == before and after.listening[0]["best"] == 1.0 and after.count == 1
    _, worse = sgd.update(grads, after, params, value=2.0)
    updates, _ = sgd.update(grads, worse, params, value=2.0)
    assert float(updates) == pytest.approx(-0.1)
    with pytest.raises(TypeError, match="listens to the loss: pass value=loss"):
        sgd.update(grads, state, params)


def test_the_peak_of_a_plateau_can_be_swept_in_both_libraries():
    sgd = schedules.scheduled(optimizers.sgd, schedules.plateau(1.0, patience=2))
    surface = surfaces.quadratic_bowl().with_noise(1.0)
    for backend in BACKENDS:
        grid = oc.sweep(sgd, surface, [1.0, 1.0], steps=20, learning_rate=[0.1, 0.3], backend=backend)
        alone = oc.run(
            optimizers.sgd(schedules.plateau(0.3, patience=2), backend=backend), surface, [1.0, 1.0], steps=20
        )
        np.testing.assert_allclose(grid.params[1], alone.params, rtol=1e-9)


def harmonic(loss, heard):
    """One over the number of losses above 1 so far."""
    heard = {"count": heard["count"] + jnp.where(loss > 1, 1, 0), "last": loss}
    return 1.0 / jnp.maximum(heard["count"], 1), heard


def test_a_listening_schedule_of_ones_own_is_the_same_in_both_libraries():
    own = schedules.listening(0.2, lambda: {"count": 0, "last": 0.0}, harmonic)
    np.testing.assert_allclose(own.rates([2, 2, 0.5, 2]), [0.2, 0.1, 0.1, 0.2 / 3], rtol=1e-12)
    np.testing.assert_allclose(own.torch_rates([2, 2, 0.5, 2]), [0.2, 0.1, 0.1, 0.2 / 3], rtol=1e-12)
    surface = surfaces.quadratic_bowl()
    paths = [oc.run(optimizers.adam(own, backend=backend), surface, [2.0, 2.0], steps=30) for backend in BACKENDS]
    np.testing.assert_allclose(paths[0].params, paths[1].params, rtol=1e-9, atol=1e-12)
    for path in paths:
        half = oc.run(path.optimizer, surface, [2.0, 2.0], steps=10)
        rest = oc.run(path.optimizer, surface, half.final_params, steps=20, opt_state=half.final_opt_state)
        np.testing.assert_array_equal(rest.final_params, path.final_params)
    assert repr(own) == "schedules.listening(0.2, <lambda>, harmonic)"
    with pytest.raises(TypeError, match="PyTorch has no scheduler for functions that listen"):
        own.torch(sgd_of_torch())


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: schedules.cosine(0.1, 0), ValueError, "steps must be 1 or more, got 0"),
        (lambda: schedules.cosine(0.1, 10.5), TypeError, "steps must be a whole number, got 10.5"),
        (lambda: schedules.cosine(0.0, 10), ValueError, "peak learning rate must be above 0"),
        (lambda: schedules.cosine("0.1", 10), TypeError, "peak learning rate must be a number, got '0.1'"),
        (lambda: schedules.cosine(float("nan"), 10), ValueError, "peak learning rate must be finite"),
        (lambda: schedules.cosine(0.1, 10, ende=0.1), TypeError, "no hyperparameter 'ende'. Did you mean 'end'"),
        (lambda: schedules.cosine(0.1, 10, end=1.5), ValueError, "end is a share of the peak and must be from 0 to 1"),
        (lambda: schedules.warmup_cosine(0.1, 10, warmup=1.5), ValueError, "warmup must be a share of the steps"),
        (lambda: schedules.warmup_cosine(0.1, 10, warmup=11), ValueError, "must not be longer than the schedule"),
        (lambda: schedules.warmup_cosine(0.1, 10, warmup=10), ValueError, "nothing is left for the cosine"),
        (lambda: schedules.warmup_stable_decay(0.1, 10, warmup=6, decay=6), ValueError, "take 12 steps"),
        (lambda: schedules.multistep(0.1, 10, at=(5, 3)), ValueError, "at must increase"),
        (lambda: schedules.multistep(0.1, 10, at=5), TypeError, "at must be a sequence"),
        (lambda: schedules.step(0.1, 10, factor=1.0), ValueError, "factor must be above 0 and below 1"),
        (lambda: schedules.step(0.1, 10, every=-1), ValueError, "every must be 0 or more"),
        (lambda: schedules.polynomial(0.1, 10, power=0), ValueError, "power must be above 0"),
        (lambda: schedules.one_cycle(0.1, 100, div_factor=0.5), ValueError, "div_factor must be 1 or more"),
        (lambda: schedules.one_cycle(0.1, 3), ValueError, "no step to rise in"),
        (lambda: schedules.one_cycle(0.1, 10, pct_start=0.1).torch_rates(3), ValueError, "divides by zero"),
        (lambda: schedules.cyclic(0.1, 10, cycles=0), ValueError, "cycles must be 1 or more"),
        (lambda: schedules.plateau(0.1, patience=-1), ValueError, "patience must be 0 or more"),
        (lambda: schedules.plateau(0.1)(5), TypeError, "plateau listens to the loss"),
        (lambda: schedules.plateau(0.1).rates(5), TypeError, "takes the losses it heard"),
        (lambda: schedules.plateau(0.1).with_warmup(5), TypeError, "cannot be joined"),
        (lambda: schedules.plot([schedules.plateau(0.1)]), TypeError, "cannot be joined, nor warmed up, nor drawn"),
        (lambda: schedules.listening(0.1, 0.0, harmonic), TypeError, "init must be a function"),
        (lambda: schedules.join([], at=[]), ValueError, "one schedule or more"),
        (lambda: schedules.join([0.1, schedules.constant(1, 1)], at=[5]), TypeError, "expected a schedule such as"),
        (lambda: schedules.join([schedules.constant(1, 1)] * 3, at=[5]), ValueError, "meet at 2 boundaries"),
        (lambda: schedules.join([schedules.constant(1, 1)] * 3, at=[5, 5]), ValueError, "boundaries must increase"),
        (lambda: schedules.cosine(0.1, 10).with_cooldown(5), ValueError, "ends at 0 by itself"),
        (lambda: schedules.from_points([(0, 0.1)]), ValueError, "two points or more"),
        (lambda: schedules.from_points([(0, 0.1), (0, 0.2)]), ValueError, "steps of the points must increase"),
        (lambda: schedules.from_points([(0, 0.0), (5, 0.0)]), ValueError, "not all 0"),
        (lambda: schedules.from_points([0.1, 0.2]), TypeError, "points are pairs"),
        (lambda: schedules.scheduled(optimizers.sgd, optax.constant_schedule(1.0)), TypeError, "expected a schedule"),
        (lambda: schedules.scheduled(optimizers.sgd(schedules.step(1, 9)), schedules.step(1, 9)), TypeError, "number"),
        (lambda: schedules.scheduled(lambda rate: rate, schedules.constant(1, 9)), TypeError, "with a learning_rate"),
        (lambda: schedules.get("cosin"), KeyError, "Did you mean 'cosine'"),
        (lambda: schedules.cosinus, AttributeError, "Did you mean 'cosine'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_words(make, error, message):
    with pytest.raises(error, match=message):
        make()


# --- pictures -----------------------------------------------------------------------------------------------------


def test_a_picture_shows_the_rates():
    one, other = schedules.cosine(0.1, 50), schedules.one_cycle(0.2, 60)
    ax = schedules.plot([one, other])
    assert [line.get_label() for line in ax.lines] == ["cosine(0.1, 50)", "one_cycle(0.2, 60)"]
    for line, schedule in zip(ax.lines, (one, other), strict=True):
        np.testing.assert_allclose(line.get_ydata(), schedule.rates(61))
    assert ax.get_xlabel() == "step" and ax.get_ylabel() == "learning rate"
    theirs = schedules.plot({"torch": other}, ax=None, torch=True)
    np.testing.assert_allclose(theirs.lines[0].get_ydata(), other.torch_rates(61))
    assert one.plot(steps=5).lines[0].get_xdata().tolist() == [0, 1, 2, 3, 4]
    assert isinstance(one.entry, Entry)
