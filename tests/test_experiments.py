"""The four experiments: their data are those of single runs and of theory, on one device or eight, kept in files."""

import json
import math
import os
import subprocess
import sys

import matplotlib
import numpy as np
import pytest

import optcourse as oc
from optcourse import experiments, metrics, optimizers, surfaces, theory
from optcourse.experiments import __main__ as command
from optcourse.experiments import files, momentum

matplotlib.use("Agg")
BOOTH = {"surface": "booth", "learning_rates": [0.02, 0.1, 0.2], "steps": 200, "progress": False}


# --- learning_rate_sweep


@pytest.mark.parametrize("name", ["sgd", "adam", "lion"])
def test_a_sweep_of_learning_rates_is_as_many_runs(name):
    data = experiments.learning_rate_sweep(name, target=1e-3, **BOOTH)
    assert data.steps_to_target.dims == ("optimizer", "learning_rate")
    for rate in data.learning_rate.values:
        path = oc.run(optimizers.get(name)(rate), surfaces.booth(), surfaces.booth().start, steps=200)
        found = data.sel(optimizer=name, learning_rate=rate)
        assert found.steps_to_target == metrics.settling_step(path.loss, 1e-3)
        np.testing.assert_allclose(found.final_loss, path.final_loss, rtol=1e-12)
        assert found.diverged == (metrics.divergence_step(path) is not None)


def test_several_starts_and_seeds_are_axes():
    noisy = surfaces.booth().with_noise(0.1)
    settings = BOOTH | {"surface": noisy, "target": 1.0}
    data = experiments.learning_rate_sweep(["sgd"], start=[[0.0, 0.0], [2.0, 2.0]], seeds=range(3), **settings)
    assert dict(data.sizes) == {"optimizer": 1, "learning_rate": 3, "start": 2, "seed": 3}
    path = oc.run(optimizers.sgd(0.1), noisy, [2.0, 2.0], steps=200, seed=2)
    assert data.final_loss.sel(learning_rate=0.1, start=1, seed=2) == pytest.approx(path.final_loss, rel=1e-12)


def test_the_default_target_is_a_thousandth_of_the_way_up():
    surface = surfaces.styblinski_tang()
    data = experiments.learning_rate_sweep("sgd", surface, learning_rates=[0.01], steps=5, progress=False)
    lowest, first = surface.minima[0].loss, float(surface(np.array(surface.start)))
    assert data.attrs["target"] == pytest.approx(lowest + 1e-3 * (first - lowest))


def test_the_successful_range_is_the_longest_run_of_rates_that_reach_the_target():
    rates = np.logspace(-4, 0, 9)
    steps = np.full((2, 9), math.inf)
    steps[0, [0, 3, 4, 5, 8]] = [9.0, 30.0, 20.0, 40.0, 1.0]
    import xarray

    data = xarray.Dataset(
        {"steps_to_target": (("optimizer", "learning_rate"), steps)},
        coords={"optimizer": ["some", "none"], "learning_rate": rates},
    )
    found = experiments.successful_range(data)
    some = found.sel(optimizer="some")
    assert (float(some.lowest), float(some.highest), float(some.best)) == (rates[3], rates[5], rates[4])
    assert some.decades == pytest.approx(1)
    assert found.sel(optimizer="none").to_array().isnull().all()


def test_a_rate_counts_only_if_every_start_gets_there():
    data = experiments.learning_rate_sweep(
        "sgd", "himmelblau", start=[[3.1, 2.1], [0.0, 0.0], [40.0, 40.0]], learning_rates=[0.01], steps=300, target=1e-6
    )
    assert np.isfinite(data.steps_to_target.values).sum() == 2  # from (40, 40) it diverges
    assert experiments.successful_range(data).decades.isnull().all()
    near = experiments.successful_range(data.isel(start=[0, 1]))
    assert near.decades == 0 and near.best == 0.01


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"optimizers": "adm"}, KeyError, "Did you mean 'adam'"),
        ({"optimizers": []}, ValueError, "the list is empty"),
        ({"optimizers": ["adam", optimizers.adam(0.1)]}, ValueError, "give a dict by label"),
        ({"optimizers": [3]}, TypeError, "expected an Optimizer, a factory or a name"),
        ({"surface": "rosenbrok"}, KeyError, "Did you mean 'rosenbrock'"),
        ({"surface": 3}, TypeError, "LossSurface or a name"),
        ({"surface": surfaces.LossSurface(lambda p: p[0] ** 2)}, ValueError, "no start of its own"),
        ({"surface": surfaces.LossSurface(lambda p: p[0] ** 2, start=(1.0, 1.0))}, ValueError, "give target"),
        ({"devices": ["cpu"]}, TypeError, "devices must be JAX devices"),
    ],
)
def test_bad_input_says_what_to_do(arguments, error, says):
    with pytest.raises(error, match=says):
        experiments.learning_rate_sweep(**arguments)


# --- momentum_effects


@pytest.mark.parametrize("name", ["momentum", "nesterov"])
def test_measured_contraction_is_the_predicted_one(name):
    data = experiments.momentum_effects(optimizer=name, progress=False)
    apart = abs(data.measured_rate - data.predicted_rate)
    # Near a double root a path declines like t rate^t, and its slope is not yet the rate.
    assert apart.max() < 0.04 and apart.quantile(0.9) < 2e-3 and apart.median() < 1e-6
    stable = data.learning_rate < theory.stability_limit(name, 25.0, {"momentum": data.momentum}) - 1e-9
    assert (((data.measured_rate < 1) == stable).mean()) > 0.995


def test_the_measured_contraction_sees_a_wrong_rule():
    kept = experiments.momentum_effects(momenta=[0.5], learning_rates=[0.05], progress=False)
    wrong = oc.run(optimizers.momentum(0.05, momentum=0.6), surfaces.quadratic_bowl((1, 25)), [-4.0, 2.0], steps=300)
    assert abs(momentum.contraction_of(metrics.distance_to_minimum(wrong)) - kept.predicted_rate) > 0.01


@pytest.mark.parametrize("factor", [0.5, 0.97, 1.0, 1.03, 3.0])
def test_contraction_of_a_geometric_path_is_its_factor(factor):
    steps = np.arange(400)
    swinging = np.abs(np.cos(0.7 * steps))
    with np.errstate(over="ignore"):
        for path in (factor**steps, factor**steps * swinging):
            assert momentum.contraction_of(path) == pytest.approx(factor, rel=5e-3)


def test_oscillation_is_none_below_critical_damping():
    data = experiments.momentum_effects(
        surfaces.quadratic_bowl((1.0, 1.0)), momenta=[0.0, 0.9], learning_rates=[0.5, 1.5], steps=60, progress=False
    )
    assert data.oscillation.sel(momentum=0.0, learning_rate=0.5) == 0
    assert data.oscillation.sel(momentum=0.0, learning_rate=1.5) == 1
    assert 0.05 < data.oscillation.sel(momentum=0.9, learning_rate=0.5) < 0.6


def test_momentum_effects_needs_momentum_and_a_minimum():
    with pytest.raises(ValueError, match="has no momentum to change"):
        experiments.momentum_effects(optimizer="adam")
    with pytest.raises(ValueError, match="no minimum is known"):
        experiments.momentum_effects("saddle")


# --- convergence_analysis


def test_convergence_is_as_fast_as_theory_says():
    data = experiments.convergence_analysis(condition_numbers=[10, 300], progress=False)
    np.testing.assert_allclose(data.measured_rate, data.predicted_rate, rtol=0, atol=2e-3)
    root = np.sqrt(data.condition_number)
    rates = {
        "sgd": (data.condition_number - 1) / (data.condition_number + 1),
        "momentum": (root - 1) / (root + 1),
        "nesterov": 1 - 1 / root,
    }
    for name, rate in rates.items():  # as published
        np.testing.assert_allclose(data.predicted_rate.sel(optimizer=name), rate, atol=1e-7)
    assert (data.steps.sel(optimizer="momentum") < data.steps.sel(optimizer="sgd")).all()


def test_best_settings_cannot_be_improved_on():
    for name in ("sgd", "momentum"):
        best = theory.best_settings(name, 1.0, 50.0)
        eigenvalues = np.array([1.0, 50.0])
        lowest = float(theory.contraction(name, eigenvalues, best))
        for change in (0.98, 1.02):
            for setting in best:
                other = theory.contraction(name, eigenvalues, best | {setting: best[setting] * change})
                assert other > lowest
    with pytest.raises(ValueError, match="no theory for 'adam'"):
        theory.best_settings("adam", 1.0, 2.0)
    with pytest.raises(ValueError, match="0 < smallest <= largest"):
        theory.best_settings("sgd", 2.0, 1.0)


# --- adaptive_lr_behavior


def test_effective_rates_are_updates_over_gradients():
    slope = surfaces.LossSurface(lambda p: p[0] + 100 * p[1], name="slope", start=(0.0, 0.0))
    data = experiments.adaptive_lr_behavior(
        {"sgd": optimizers.sgd(0.1), "AdaGrad": optimizers.adagrad(0.1)}, slope, steps=50, progress=False
    )
    assert np.allclose(data.effective_rate.sel(optimizer="sgd"), 0.1, rtol=1e-12)
    # Under a constant gradient g its step is lr / sqrt(t), so the rate is lr / (g sqrt(t)).
    expected = 0.1 / np.sqrt(np.arange(1, 51))[:, None] / np.array([1.0, 100.0])
    assert np.allclose(data.effective_rate.sel(optimizer="AdaGrad"), expected, rtol=1e-6)


# --- figures


MADE = {
    "learning_rate_sweep": lambda: experiments.learning_rate_sweep(["sgd", "adam"], seeds=[0, 1], **BOOTH),
    "momentum_effects": lambda: experiments.momentum_effects(steps=60, progress=False),
    "adaptive_lr_behavior": lambda: experiments.adaptive_lr_behavior(steps=20, progress=False),
    "convergence_analysis": lambda: experiments.convergence_analysis(condition_numbers=[10, 20], progress=False),
}


@pytest.mark.parametrize("name", experiments.CATALOGUE)
def test_every_experiment_draws_its_figure_also_from_a_file(name, tmp_path):
    data = MADE[name]()
    assert data.attrs["experiment"] == name
    ax = experiments.plot(data)
    assert ax.get_xlabel() and ax.get_ylabel() and (ax.lines or ax.collections)
    data.attrs["axes"] = " ".join(map(str, data.dims))
    for ending in files.FORMATS:
        path = tmp_path / f"{name}{ending}"
        files.save(data, path)
        kept = files.load(path)
        assert kept.equals(data.drop_vars([n for n in data.coords if n not in kept.coords])) or ending == ".csv"
        for variable in data.data_vars:
            again = kept[variable].transpose(*[dim for dim in data[variable].dims]) if ending == ".nc" else None
            assert again is None or np.array_equal(again, data[variable], equal_nan=data[variable].dtype.kind == "f")
        assert experiments.plot(kept).get_xlabel() == ax.get_xlabel()
    matplotlib.pyplot.close("all")


def test_ranges_are_drawn_and_what_has_none_says_so():
    data = experiments.learning_rate_sweep(["sgd", "adadelta"], "booth", steps=100, progress=False)
    ax = experiments.plot_ranges(data)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["sgd", "adadelta"]
    texts = [text.get_text() for text in ax.texts]
    assert texts == ["at none of these rates"] * int(experiments.successful_range(data).decades.isnull().sum())


def test_data_of_no_experiment_are_refused():
    import xarray

    with pytest.raises(ValueError, match="these data are of no experiment"):
        experiments.plot(xarray.Dataset())


# --- the command line

SWEEP = ["learning_rate_sweep", "--surface", "booth", "--steps", "50", "--rates", "1e-2", "1", "5", "--quiet"]


def test_the_command_of_the_readme(capsys):
    assert command.main(["learning_rate_sweep", "--optimizer", "adam", "--surface", "rosenbrock", "--quiet"]) == 0
    assert "adam" in capsys.readouterr().out


@pytest.mark.parametrize("ending", files.FORMATS)
def test_a_file_holds_what_the_function_returns(tmp_path, ending, capsys):
    path, figure = tmp_path / f"sweep{ending}", tmp_path / "sweep.png"
    assert command.main([*SWEEP, "--optimizer", "adam", "--output", str(path), "--figure", str(figure)]) == 0
    kept = files.load(path)
    made = experiments.learning_rate_sweep("adam", "booth", learning_rates=np.geomspace(1e-2, 1, 5), steps=50)
    for name in made.data_vars:
        np.testing.assert_array_equal(kept[name], made[name])
    assert kept.attrs["target"] == made.attrs["target"]
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert str(path) in capsys.readouterr().out


def test_a_stopped_command_goes_on_where_it_was(tmp_path, monkeypatch, capsys):
    path = tmp_path / "sweep.csv"
    asked = [*SWEEP, "--optimizer", "sgd", "--optimizer", "adam", "--output", str(path)]
    whole = tmp_path / "whole.csv"
    command.main([*asked[:-1], str(whole)])
    function, draw = experiments.CATALOGUE["learning_rate_sweep"]
    computed = []

    def interrupted(optimizers, *arguments, **settings):
        if "adam" in optimizers and "sgd" in computed and "adam" not in computed:
            computed.append("adam")
            raise KeyboardInterrupt
        computed.extend(optimizers)
        return function(optimizers, *arguments, **settings)

    interrupted.__defaults__, interrupted.__doc__ = function.__defaults__, function.__doc__
    monkeypatch.setitem(experiments.CATALOGUE, "learning_rate_sweep", (interrupted, draw))
    assert command.main(asked) == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert list(files.load(path).optimizer.values) == ["sgd"]
    assert command.main(asked) == 0
    assert computed == ["sgd", "adam", "adam"], "sgd was finished and is not computed again"
    assert path.read_text() == whole.read_text()


def test_a_file_of_other_settings_is_not_overwritten_unless_asked(tmp_path, capsys):
    path = tmp_path / "sweep.nc"
    command.main([*SWEEP, "--optimizer", "sgd", "--output", str(path)])
    before = path.read_bytes()
    other = ["60" if part == "50" else part for part in SWEEP]
    assert command.main([*other, "--optimizer", "sgd", "--output", str(path)]) == 2
    assert "made with other settings" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert command.main([*other, "--optimizer", "sgd", "--output", str(path), "--again"]) == 0
    assert files.load(path).attrs["steps"] == 60


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["learning_rate_sweep", "--optimizer", "adm"], "Did you mean 'adam'"),
        (["learning_rate_sweep", "--output", "sweep.txt"], "must end in .csv or .nc"),
        (["learning_rate_sweep", "--output", "nowhere/sweep.csv"], "there is no folder nowhere"),
        (["learning_rate_sweep", "--rates", "1", "0.1", "5"], "the lowest, the highest and how many"),
        (["learning_rate_sweep", "--devices", "tpus"], "--devices is cpu, gpu, or a number"),
        (["momentum_effects", "--optimizer", "momentum", "--optimizer", "nesterov"], "takes one optimizer"),
        (["convergence_analysis", "--optimizer", "adam"], "no theory for 'adam'"),
    ],
)
def test_a_wrong_command_says_what_to_do_and_nothing_is_written(arguments, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command.main([*arguments, "--quiet"]) == 2
    assert says in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_file_of_somebody_else_is_not_taken_for_ours(tmp_path, capsys):
    path = tmp_path / "mine.csv"
    path.write_text("a,b\n1,2\n")
    assert command.main([*SWEEP, "--output", str(path)]) == 2
    assert "not a file of an experiment" in capsys.readouterr().err
    assert path.read_text() == "a,b\n1,2\n"


# --- several devices

EIGHT = """
import json
import jax
import numpy as np
import optcourse as oc
from optcourse import experiments, models, optimizers, surfaces

devices = jax.devices()
apart = {}


def compare(name, compute):
    one, shared = compute(None), compute(devices)
    assert set(one.data_vars) == set(shared.data_vars)
    for v in one.data_vars:
        a, b = np.asarray(one[v], dtype=float), np.asarray(shared[v], dtype=float)
        lost = ~np.isfinite(a)
        if a.shape != b.shape or (lost != ~np.isfinite(b)).any():
            apart[name] = 1.0
        else:
            differ = np.abs(a[~lost] - b[~lost]) / (1e-3 + np.abs(a[~lost]))
            apart[name] = max(apart.get(name, 0.0), float(differ.max(initial=0.0)))


rates = np.logspace(-4, -2, 37)  # which eight do not divide, and small enough for paths that do not amplify rounding
valley = surfaces.rosenbrock()
for record in ("last", "everything", "loss"):
    compare(record, lambda devices: oc.sweep(
        optimizers.adam, valley, [-1.2, 1.0], steps=150, learning_rate=rates, b1=[0.0, 0.9], record=record,
        devices=devices))
noisy = valley.with_noise(1.0)
compare("starts and seeds", lambda devices: oc.sweep(
    optimizers.momentum, noisy, [[-1.2, 1.0], [0.0, 0.0]], steps=50, seed=range(5), learning_rate=[1e-4, 1e-3],
    devices=devices))
compare("pieces", lambda devices: oc.sweep(
    optimizers.sgd, valley, [-1.2, 1.0], steps=20, learning_rate=np.linspace(0, 1e-3, 9001), record="last",
    devices=devices))
compare("fewer than devices", lambda devices: oc.sweep(
    optimizers.sgd, valley, [-1.2, 1.0], steps=20, learning_rate=[1e-4, 1e-3, 1e-2], devices=devices))
network = models.initial_params((64, 8, 10))
compare("network", lambda devices: oc.sweep(
    optimizers.adam, models.digits_loss(), network, steps=20, learning_rate=np.logspace(-3, -1, 10), seed=[0, 1],
    record="loss", devices=devices))
compare("learning_rate_sweep", lambda devices: experiments.learning_rate_sweep(  # by default on all
    ["sgd", "adam"], steps=100, progress=False, devices=None if devices else jax.devices()[:1]))
compare("momentum_effects", lambda devices: experiments.momentum_effects(
    steps=50, progress=False, devices=devices or jax.devices()[:1]))
print(json.dumps({"devices": len(devices), "apart": apart}))
"""


def test_eight_devices_compute_the_same_numbers():
    surroundings = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=8", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", EIGHT], env=surroundings, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["devices"] == 8
    # Equal but for rounding: how many lanes a device has decides which of them its vector instructions take.
    assert len(seen["apart"]) == 9 and max(seen["apart"].values()) < 1e-11, seen


def test_torch_runs_on_no_devices_of_jax():
    import jax

    with pytest.raises(ValueError, match="leave devices out"):
        oc.sweep(
            optimizers.sgd,
            surfaces.booth(),
            [0.0, 0.0],
            steps=2,
            learning_rate=[0.1],
            backend="torch",
            devices=jax.devices(),
        )
