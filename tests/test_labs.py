"""The labs without a browser: what trains, what is chosen, what is refused, what is stored."""

import asyncio
import itertools
import json
import subprocess
import sys

import execute
import nbformat
import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt

import optcourse as oc
from optcourse import labs, optimizers, schedules, surfaces
from optcourse.labs import Choice, TrainingSession, path_lab, training_lab
from optcourse.labs.choices import SCHEDULES, offered, schedule_of
from optcourse.labs.networks import _jax_step
from optcourse.labs.path_figure import live_optimizers
from optcourse.labs.path_lab import drawable_surfaces
from optcourse.labs.training_figure import describe_training, draw_training

BACKENDS = ("optax", "torch")
SMALL = {"hidden": (8,), "batch": 32, "evaluate_every": 5}


def adam(rate=0.01, backend="optax"):
    return optimizers.adam(rate, backend=backend)


def numbers(session):
    return session.record.to_array().values


# --- training ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_it_learns_and_says_what_it_measured(backend):
    session = TrainingSession(adam(backend=backend), batch=32)
    before = session.params
    assert session.advance(60) == session.step == 60
    record = session.record
    assert dict(record.sizes) == {"step": 60, "layer": 3, "evaluated_at": 7}
    assert record.held_out_loss[-1] < record.held_out_loss[0] / 3
    assert record.held_out_accuracy[-1] > 0.8
    assert (record.learning_rate == 0.01).all()
    for layer, values in session.params.items():
        assert {name: value.shape for name, value in values.items()} == {k: v.shape for k, v in before[layer].items()}
        assert not np.array_equal(values["weight"], before[layer]["weight"])


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_interrupted_run_goes_on_with_the_same_numbers(backend, monkeypatch):
    whole, parts = (TrainingSession(adam(backend=backend), schedule="cosine", horizon=25, **SMALL) for _ in range(2))
    whole.advance(20)
    count = itertools.count()
    real = type(parts._network).step

    def stops_once(self, *args):
        done = real(self, *args)
        if next(count) == 6:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(type(parts._network), "step", stops_once)
    with pytest.raises(KeyboardInterrupt):
        parts.advance(9)
    assert parts.step == 6
    for steps in (1, 0, 13):
        parts.advance(steps)
    np.testing.assert_array_equal(numbers(parts), numbers(whole))


def test_the_two_frameworks_train_the_same_network():
    ours, theirs = (TrainingSession(optimizers.momentum(0.1, backend=backend), **SMALL) for backend in BACKENDS)
    for session in (ours, theirs):
        session.advance(20)
        session.replace(learning_rate=0.01)
        session.advance(10)
    np.testing.assert_allclose(numbers(ours), numbers(theirs), rtol=1e-9)


def test_what_is_recorded_is_what_happened():
    session = TrainingSession(optimizers.sgd(0.1), **SMALL)
    before = session.params
    session.advance(1)
    after, record = session.params, session.record.isel(step=0)
    for layer in before:
        weights = np.concatenate([before[layer][name].ravel() for name in before[layer]])
        update = np.concatenate([(after[layer][name] - before[layer][name]).ravel() for name in before[layer]])
        ratio = np.linalg.norm(update) / np.linalg.norm(weights)
        assert float(record.update_to_weight.sel(layer=layer)) == pytest.approx(ratio)
        assert float(record.effective_rate.sel(layer=layer)) == pytest.approx(0.1)  # of SGD: the learning rate
    assert float(record.gradient_norm) == pytest.approx(
        np.sqrt(sum(np.sum((after[a][b] - before[a][b]) ** 2) for a in before for b in before[a])) / 0.1
    )


def test_each_epoch_sees_every_image_once_in_another_order():
    session = TrainingSession(adam(), batch=100)
    first, second = (np.concatenate([session._batch(e * 13 + i) for i in range(13)]) for e in (0, 1))
    assert len(set(first.tolist())) == len(set(second.tolist())) == 1300
    assert not np.array_equal(first, second)
    other = TrainingSession(adam(), batch=100, seed=1)
    assert not np.array_equal(other._batch(0), session._batch(0))


def test_a_new_rate_is_taken_by_the_next_step_and_compiles_nothing():
    session = TrainingSession(adam(0.01), **SMALL)
    session.advance(5)
    compiled = _jax_step._cache_size()
    session.replace(learning_rate=0.001, b1=0.8)
    session.advance(5)
    assert _jax_step._cache_size() == compiled
    assert session.record.learning_rate.values.tolist() == [0.01] * 5 + [0.001] * 5
    assert session.changes == [(5, "learning_rate", 0.001), (5, "b1", 0.8)]
    with pytest.raises(TypeError, match="Did you mean 'learning_rate'"):
        session.replace(lr=0.1)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_schedules_set_the_rate_of_the_session(kind):
    session = TrainingSession(optimizers.sgd(0.5), schedule=kind, horizon=20, **SMALL)
    session.advance(25)
    expected = schedules.get(kind)(0.5, 20).rates(25)
    assert session.record.learning_rate.values == pytest.approx(expected, rel=1e-12)


def test_divergence_is_said_and_ends_where_nothing_is_finite():
    far = TrainingSession(optimizers.sgd(1000.0), **SMALL)
    assert far.advance(20) == 20 and far.diverged_at == 1
    assert "diverged at step 1" in describe_training(far)
    lost = TrainingSession(optimizers.sgd(1e200), **SMALL)
    assert lost.advance(20) < 20 and lost.stuck and lost.diverged_at is not None
    assert lost.advance(5) == 0
    draw_training(lost), draw_training(far, lost)


def test_torch_keeps_the_number_of_threads_that_it_had():
    before = torch.get_num_threads()
    session = TrainingSession(adam(backend="torch"), **SMALL)
    session.advance(2)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("name, backend", [("lbfgs", "torch"), ("muon", "optax")])
def test_optimizers_that_need_more_than_a_gradient_train_it_too(name, backend):
    session = TrainingSession(optimizers.get(name)(backend=backend), hidden=(4,), batch=16, evaluate_every=100)
    session.advance(3)
    assert np.isfinite(session.record.loss).all() and session.record.loss[-1] != session.record.loss[0]


@pytest.mark.parametrize(
    "settings, error, message",
    [
        ({"batch": 0}, ValueError, "batch must be from 1 to 1347, got 0"),
        ({"batch": 2000}, ValueError, "batch must be from 1 to 1347"),
        ({"batch": 3.5}, TypeError, "batch must be a whole number"),
        ({"hidden": (0,)}, ValueError, "every width in hidden must be 1 or more"),
        ({"seed": -1}, ValueError, "seed must be 0 or more"),
        ({"schedule": "cosin"}, ValueError, "Did you mean 'cosine'"),
        ({"dtype": "float16"}, ValueError, '"float64" or "float32"'),
    ],
)
def test_bad_settings_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        TrainingSession(adam(), **settings)


def test_an_optimizer_is_an_optimizer():
    with pytest.raises(TypeError, match="expected an Optimizer"):
        TrainingSession("adam")


def test_without_scikit_learn_it_is_said_what_to_install(monkeypatch):
    from optcourse.models import digits

    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match="pip install scikit-learn"):
        digits.load_digits.__wrapped__()


def test_float32_is_float32():
    session = TrainingSession(adam(), dtype="float32", **SMALL)
    session.advance(3)
    assert {value.dtype for layer in session.params.values() for value in layer.values()} == {np.dtype("float32")}


# --- schedules and choices ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SCHEDULES)
def test_every_schedule_is_finite_from_one_step_on_in_both_libraries(kind):
    for steps in (1, 2, 7, 100):
        schedule = schedule_of(kind, 0.5, steps)
        for rates in (schedule.rates(steps), schedule.torch_rates(steps)):
            assert np.isfinite(rates).all() and (rates >= 0).all() and rates.max() <= 0.5


def test_schedules_change_the_path_in_both_libraries_alike():
    constant = oc.run(optimizers.adam(0.1), surfaces.beale(), surfaces.beale().start, steps=20)
    for kind in ("cosine", "warmup_cosine"):
        chosen = [Choice("adam", backend, {"learning_rate": 0.1}, kind) for backend in BACKENDS]
        ours, theirs = path_lab("beale", chosen, steps=20).paths().values()
        np.testing.assert_allclose(ours.params, theirs.params, rtol=1e-5)
        assert np.abs(ours.params - constant.params).max() > 1e-3
    chosen = [Choice("adam", backend, {"learning_rate": 0.1}, "one_cycle") for backend in BACKENDS]
    ours, theirs = path_lab("beale", chosen, steps=20).paths().values()
    assert np.abs(ours.params - theirs.params).max() > 1e-2  # each follows its own library


def test_what_is_offered_exists_and_nothing_else():
    pairs = [pair for _, pair in offered()]
    assert ("lion", "torch") not in pairs and ("muon", "torch") not in pairs
    assert {name for name, _ in pairs} == set(optimizers.catalogue())
    for name, backend in pairs:
        Choice(name, backend)


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        (("adan",), KeyError, "Did you mean 'adam'"),
        (("lion", "torch"), ValueError, "does not exist in torch"),
        (("muon", "torch"), ValueError, "nothing but matrices"),
        (("adam", "jax"), ValueError, "unknown backend"),
        (("adam", "optax", {"lr": 0.1}), TypeError, "Did you mean 'learning_rate'"),
        (("adam", "optax", {"b1": "much"}), TypeError, "b1 must be a number"),
        (("adam", "optax", {"b1": np.nan}), ValueError, "b1 must be finite"),
        (("adam", "optax", {}, "cosinus"), ValueError, "Did you mean 'cosine'"),
        (("adam", "optax", {}, "plateau"), ValueError, "It listens to the loss"),
        (("rprop", "optax", {}, "cosine"), ValueError, "takes no schedule"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        Choice(*arguments)


# --- the lab for paths --------------------------------------------------------------------------------------------


def test_settings_can_be_read_set_and_observed():
    lab, seen = path_lab("rosenbrock", ["sgd"], steps=5), []
    lab.observe(lambda change: seen.append(change.name))
    lab.surface = "x**2 + y**2"
    assert lab.surface == surfaces.from_text("x**2 + y**2") and lab.start == (-2.5, -2.5)
    lab.choices = [optimizers.adam(0.1), optimizers.lion, "rmsprop"]
    assert [choice.label for choice in lab.choices] == ["Adam", "Lion", "RMSprop"]
    lab.start = [1, 2]
    assert seen == ["start", "surface", "choices", "start"]
    assert lab.optimizers["Adam"].hyperparams["learning_rate"] == 0.1
    expected = oc.run(optimizers.adam(0.1), lab.surface, [1.0, 2.0], steps=5)
    np.testing.assert_array_equal(lab.paths()["Adam"].params, expected.params)
    assert lab.paths()["Adam"] is lab.paths()["Adam"], "what did not change is not computed again"


@pytest.mark.parametrize(
    "name, value, error, message",
    [
        ("surface", "x^2", ValueError, "write \\*\\*"),
        ("surface", "rosenbrok", KeyError, "Did you mean 'rosenbrock'"),
        ("surface", 3, TypeError, "a surface's name"),
        ("surface", surfaces.rosenbrock(dim=4), ValueError, "one or two parameters"),
        ("choices", [], ValueError, "one to 3"),
        ("choices", ["sgd"] * 4, ValueError, "one to 3"),
        ("choices", [3], TypeError, "the optimizers of the catalogue"),
        ("start", [1.0], ValueError, "shape"),
        ("start", [np.nan, 1.0], ValueError, "finite"),
        ("steps", 0, ValueError, "from 1 to 20000"),
        ("steps", 2.5, TypeError, "whole number"),
        ("noise", -1, ValueError, "0 or more"),
        ("seed", -1, ValueError, "0 or more"),
    ],
)
def test_what_is_refused_changes_nothing(name, value, error, message):
    lab = path_lab("rosenbrock", ["sgd"], steps=5)
    before = getattr(lab, name)
    with pytest.raises(error, match=message):
        setattr(lab, name, value)
    assert getattr(lab, name) == before


def test_noise_has_a_seed():
    lab = path_lab("quadratic_bowl", ["sgd"], steps=20, noise=1.0)
    first = lab.paths()["SGD"].params
    lab.seed = 1
    assert not np.array_equal(lab.paths()["SGD"].params, first)
    lab.seed = 0
    np.testing.assert_array_equal(lab.paths()["SGD"].params, first)


def test_the_code_to_take_makes_the_same_figure(monkeypatch):
    chosen = [Choice("adam", schedule="cosine", hyperparams={"b1": 0.5}), Choice("nadam", "torch"), Choice("adam")]
    lab = path_lab("x**2 + 3*y**2", chosen, start=[1.0, 2.0], steps=30, noise=0.5, seed=3)
    monkeypatch.setattr(plt, "show", lambda: None)
    names = {}
    with plt.ioff():
        exec(lab.code(), names)
    for there, here in zip(names["axes"], lab.figure().axes, strict=True):
        assert len(there.lines) == len(here.lines) >= 3
        for one, other in zip(there.lines, here.lines, strict=True):
            np.testing.assert_allclose(one.get_xydata(), other.get_xydata(), rtol=1e-6, atol=1e-7)
            assert (one.get_color(), one.get_marker()) == (other.get_color(), other.get_marker())
    plt.close(names["fig"])


def test_every_surface_of_the_plane_or_line_is_offered():
    assert {"rosenbrock", "reddi_online", "heavy_ball_cycle"} <= set(drawable_surfaces())


def test_its_live_figure_has_the_same_settings_and_torch_by_its_twin():
    chosen = [Choice("adam", "torch", {"learning_rate": 0.1}), Choice("nadam", "torch"), Choice("sgd", schedule="step")]
    figure = path_lab("x**2 + y**2", chosen, start=[1, 2], steps=20, name="f").explorable()
    assert [method["label"] for method in figure.spec["methods"]] == ["Adam of PyTorch", "SGD, step"]  # NAdam differs
    assert (figure.start, figure.steps, figure.name) == ((1.0, 2.0), 20, "f")
    assert figure.hyperparams["Adam of PyTorch"]["learning_rate"] == 0.1
    chosen = [Choice("sgd", "torch", schedule="one_cycle"), Choice("sgd", "torch", schedule="cosine")]
    lab = path_lab("x**2 + y**2", chosen, start=[1, 2], steps=20)
    assert live_optimizers(lab)[1] == ["SGD of PyTorch, one_cycle"]  # each library has its own


def test_where_there_is_no_live_figure_there_is_a_picture_with_a_text():
    html = path_lab("x**2", [Choice("nadam", "torch")], steps=5).to_html()
    assert html.startswith("<img") and 'alt="NAdam of PyTorch on x**2' in html


# --- controls -----------------------------------------------------------------------------------------------------


@pytest.fixture
def shown():
    lab = path_lab("rosenbrock", ["sgd"], steps=5)
    lab.view()
    return lab, lab._view


def test_controls_change_the_lab_and_the_lab_changes_controls(shown):
    lab, view = shown
    picture = view.picture.value
    assert 'alt="SGD on rosenbrock' in picture
    view.slots[0].controls["learning_rate"].slider.value = 0.0001
    assert lab.choices[0].hyperparams["learning_rate"] == 0.0001
    assert view.picture.value != picture
    view.slots[1].optimizer.value = ("adam", "torch")
    view.slots[1].schedule.value = "cosine"
    assert lab.choices[1] == Choice("adam", "torch", schedule="cosine")
    lab.choices = [optimizers.momentum(20.0)]
    assert view.slots[0].optimizer.value == ("momentum", "optax") and view.slots[1].optimizer.value is None
    number, slider = (getattr(view.slots[0].controls["learning_rate"], part) for part in ("number", "slider"))
    assert number.value == slider.value == 20.0
    lab.surface = "cos(x) + 0.1*x**2"
    assert view.formula.value == "cos(x) + 0.1 * x**2" and view.start[1].layout.display == "none"


def test_a_mistake_is_said_in_the_lab_and_nothing_typed_is_lost(shown):
    lab, view = shown
    picture = view.picture.value
    view.surface.value = view.surface.options[-1][1]
    view.formula.value = "x^2 + y"
    assert "write **" in view.message.value and 'role="alert"' in view.message.value
    assert (view.formula.value, lab.surface.name, view.picture.value) == ("x^2 + y", "rosenbrock", picture)
    view.formula.value = "x**2 + y**2"
    assert lab.surface.name == "x**2 + y**2" and 'role="status"' in view.message.value
    view.low.value = 7.0
    assert "must be drawn to more than that" in view.message.value


def test_settings_of_an_optimizer_come_back_with_it(shown):
    lab, view = shown
    slot = view.slots[0]
    slot.controls["learning_rate"].number.value = 0.0005
    slot.optimizer.value = ("adam", "optax")
    slot.optimizer.value = ("sgd", "optax")
    assert slot.controls["learning_rate"].value == lab.choices[0].hyperparams["learning_rate"] == 0.0005
    slot.schedule.value = "cosine"
    slot.optimizer.value = ("rprop", "optax")
    assert lab.choices[0].schedule == "constant" and slot.schedule.layout.display == "none"


def test_a_surface_that_fails_while_it_runs_is_said(shown):
    lab, view = shown
    lab.surface = surfaces.LossSurface(lambda p: p, name="not a number")
    assert "must return a single number" in view.message.value


def test_every_control_has_a_name_and_none_is_of_ipywidgets_8_alone(shown):
    widgets = list(descendants(shown[1].widget)) + list(descendants(training_lab("adam").view()))
    for widget in widgets:
        assert widget._view_name.removesuffix("View") in KINDS
        if widget._view_name.removesuffix("View") not in UNNAMED:
            assert widget.description and len(widget.description) < 20
    assert len(widgets) > 40


UNNAMED = {"VBox", "HBox", "Box", "HTML", "FloatSlider", "FloatLogSlider"}  # the number beside a slider has the name
KINDS = {*UNNAMED, "Dropdown", "Text", "FloatText", "IntText", "Button", "ToggleButton", "Textarea"}


def descendants(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from descendants(child)


# --- the lab for training -----------------------------------------------------------------------------------------


def test_start_steer_stop_and_go_on():
    lab = training_lab("sgd")
    lab.view()
    view = lab._view

    async def use():
        view.start.click()
        assert lab.running and view.start.disabled and not view.stop.disabled
        while lab.session.step < 20:
            await asyncio.sleep(0.01)
        view.controls["learning_rate"].number.value = 0.1
        steered = lab.session.step
        while lab.session.step < steered + 20:
            await asyncio.sleep(0.01)
        view.stop.click()
        stopped, weights = lab.session.step, lab.session.params["layer 1"]["weight"]
        await asyncio.sleep(0.2)
        assert lab.session.step == lab.step == stopped and not lab.running
        np.testing.assert_array_equal(lab.session.params["layer 1"]["weight"], weights)
        assert lab.session.changes == [(steered, "learning_rate", 0.1)]
        view.start.click()
        while lab.session.step < stopped + 10:
            await asyncio.sleep(0.01)
        other = training_lab("sgd")
        other.start()
        assert not lab.running, "one lab trains at a time"
        other.stop()

    asyncio.run(asyncio.wait_for(use(), 120))
    assert f"Step {lab.session.step}" in view.status.value and "Standing still" in view.status.value
    same = TrainingSession(optimizers.sgd(0.01))  # and the numbers are those of a run without any lab
    same.advance(lab.session.changes[0].step)
    same.replace(learning_rate=0.1)
    same.advance(lab.session.step - same.step)
    np.testing.assert_array_equal(same.record.loss, lab.session.record.loss)


def test_a_reset_keeps_the_settings_and_the_run_before():
    lab = training_lab("adam")
    lab.view()
    lab.advance(5)
    lab.learning_rate = 0.02
    first = lab.session
    lab._view.reset.click()
    assert (lab.session.step, lab.learning_rate, lab.earlier) == (0, 0.02, first)
    lab._view.optimizer.value = ("momentum", "torch")
    assert lab.choice == Choice("momentum", "torch") and list(lab._view.controls) == ["learning_rate", "momentum"]
    lab._view.schedule.value = "one_cycle"
    lab._view.horizon.value = 50
    assert (lab.session.schedule, lab.session.horizon, lab.choice.schedule) == ("one_cycle", 50, "one_cycle")


def test_what_goes_wrong_is_said_in_the_lab():
    lab = training_lab("sgd")
    lab.view()
    lab._view.start.click()  # there is no event loop here
    assert "nothing runs in the background" in lab._view.status.value
    lab.reset()
    lab._view.controls["learning_rate"].number.value = 1e5
    lab.advance(3)
    assert "diverged at step 1" in lab._view.status.value
    with pytest.raises(TypeError, match="has no hyperparameter"):
        lab.replace(momentum=0.5)


def test_its_still_is_the_same_every_time_and_disturbs_no_run():
    lab = training_lab("adam", still=5)
    lab.advance(3)
    assert lab.to_html() == lab.to_html() and lab.session.step == 3
    assert "after 5 steps" in lab.to_html()


# --- what is stored -----------------------------------------------------------------------------------------------


def test_no_widget_is_stored_and_the_figure_is():
    view = {"text/html": "<img>", execute.WIDGET_VIEW: {"model_id": "1"}}
    output = nbformat.v4.new_output("display_data", data=view)
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("x"), nbformat.v4.new_code_cell("lab", outputs=[output])],
        metadata={"widgets": {"state": {}}},
    )
    execute.drop_widget_views(notebook)
    assert notebook.cells[1].outputs[0].data == {"text/html": "<img>"} and "widgets" not in notebook.metadata


@pytest.mark.parametrize("page", ["lab_paths", "lab_training"])
def test_the_pages_hold_figures_with_texts_and_no_widgets(page):
    path = execute.chapters.BOOK / f"{page}.ipynb"
    assert "widget-view" not in path.read_text() and "widgets" not in json.loads(path.read_text())["metadata"]
    outputs = [o for cell in nbformat.read(path, 4).cells for o in cell.get("outputs", []) if "data" in o]
    (shown,) = [output.data["text/html"] for output in outputs if "text/html" in output.data]
    assert 'alt="' in shown and ("data-optcourse" in shown) == (page == "lab_paths")


def test_labs_are_imported_only_when_they_are_asked_for():
    script = (
        "import sys, optcourse\n"
        "assert not any(name.startswith(('optcourse.labs', 'ipywidgets', 'sklearn')) for name in sys.modules)\n"
        "optcourse.labs.path_lab\n"
        "assert 'sklearn' not in sys.modules and 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    with pytest.raises(AttributeError, match="Did you mean 'path_lab'"):
        labs.path_labs  # noqa: B018
