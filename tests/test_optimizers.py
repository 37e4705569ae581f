"""The catalogue: every optimizer on every surface, and what it says about Optax against PyTorch."""

import inspect

import jax
import numpy as np
import optax
import pytest
import torch

import optcourse as oc
from optcourse import optimizers, surfaces
from optcourse.surfaces import LossSurface

CATALOGUE = optimizers.catalogue()
ENTRIES = optimizers.entries()
SURFACES = {name: factory() for name, factory in surfaces.catalogue().items()}
IN_TORCH = [name for name, entry in ENTRIES.items() if entry.torch and not entry.matrices_only]
STEPS = 25
LEARNING_RATE = 1e-3  # below every stability limit but those at a few starting points

# Two layers fitting four points: a surface whose parameters are matrices, as Muon wants them.
INPUTS = np.array([[1.0, 0.5, -1.0], [-0.5, 2.0, 0.3], [0.2, -1.0, 1.0], [1.5, 1.0, 0.7]])
MATRICES = LossSurface(lambda params: (((INPUTS @ params["w"]) ** 2 - 1.0) ** 2).mean(), name="matrices", dim=None)
TORCH_MATRICES = LossSurface(
    lambda params: (((torch.from_numpy(INPUTS) @ params["w"]) ** 2 - 1.0) ** 2).mean(), name="matrices", dim=None
)
WEIGHTS = {"w": np.array([[0.3, -0.2], [0.1, 0.4], [-0.5, 0.2]])}


def everywhere(params, step):
    """The sum of all surfaces, each with parameters of its own: one compilation takes an optimizer over all."""
    return sum(surface(params[name], step) for name, surface in SURFACES.items())


EVERYWHERE = LossSurface(everywhere, name="all surfaces", dim=None, step_dependent=True)
STARTS = {name: np.array(surface.start) for name, surface in SURFACES.items()}


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_optimizer_on_every_surface(name):
    """Updates lead from each point to the next, the record reproduces itself, and torch agrees where we say so."""
    path = oc.run(CATALOGUE[name](learning_rate=LEARNING_RATE), EVERYWHERE, STARTS, steps=STEPS)
    for surface in SURFACES:
        params, updates = path.params[surface], path.updates[surface]
        assert np.isfinite(params[:2]).all() and params.dtype == np.float64
        updates_lead_on(params, updates)
    sizes = np.sqrt(sum((path.updates[surface] ** 2).sum(-1) for surface in SURFACES))
    np.testing.assert_allclose(path.step_size, sizes, rtol=1e-12)
    if name in IN_TORCH:
        for surface in SURFACES.values():
            twin = oc.run(CATALOGUE[name](LEARNING_RATE, backend="torch"), surface, surface.start, steps=STEPS)
            updates_lead_on(twin.params, twin.updates)
            if ENTRIES[name].agreement == "equal":
                same_path(path.params[surface.name], twin.params, ENTRIES[name].tolerance)


def updates_lead_on(params, updates):
    """params[t] + updates[t] == params[t + 1], to the last two bits (a fused multiply-add rounds once)."""
    before, after = params[:-1], params[1:]
    finite = np.isfinite(after)
    before, updates, after = before[finite], updates[finite], after[finite]
    error = np.abs(before + updates - after)
    assert (error <= 4 * np.finfo(float).eps * (np.abs(before) + np.abs(after))).all()


def same_path(ours, theirs, tolerance):
    """Equal to rounding, on the part of the path before it diverges (if it does)."""
    bounded = np.cumprod((np.abs(ours) < 1e6).all(-1)).astype(bool)
    np.testing.assert_allclose(ours[bounded], theirs[bounded], rtol=tolerance, atol=1e-3 * tolerance)


@pytest.mark.parametrize("surface", ["rosenbrock", "himmelblau", "quadratic_bowl"])
@pytest.mark.parametrize("backend", optimizers.BACKENDS)
def test_lbfgs_finds_a_minimum(surface, backend):
    surface = SURFACES[surface]
    path = oc.run(optimizers.lbfgs(backend=backend), surface, surface.start, steps=60)
    assert path.final_loss < 1e-10
    updates_lead_on(path.params, path.updates)


@pytest.mark.parametrize("backend", optimizers.BACKENDS)
def test_lbfgs_without_line_search_reaches_the_bottom_of_a_bowl(backend):
    optimizer = optimizers.lbfgs(learning_rate=0.7, line_search=False, backend=backend)
    assert oc.run(optimizer, SURFACES["quadratic_bowl"], [1.0, 1.0], steps=60).final_loss < 1e-8


def test_gradient_descent_on_a_quadratic_is_its_closed_form():
    bowl = surfaces.quadratic_bowl()
    curvatures = np.diag(bowl.hessian([0.0, 0.0]))
    powers = (1 - 0.03 * curvatures) ** np.arange(51)[:, None]
    for backend in optimizers.BACKENDS:
        path = oc.run(optimizers.sgd(0.03, backend=backend), bowl, [3.0, -2.0], steps=50)
        np.testing.assert_allclose(path.params, powers * [3.0, -2.0], rtol=1e-12, atol=1e-15)


# --- What the catalogue says about the two libraries -------------------------------------------------------


def test_every_entry_is_complete():
    for name, entry in ENTRIES.items():
        assert entry.agreement in ("equal", "different", "one library"), name
        assert entry.source and entry.title and inspect.getdoc(CATALOGUE[name]), name
        assert bool(entry.torch) == bool(entry.torch_name), name
        assert (entry.agreement == "one library") == (entry.torch is None), name
        assert entry.agreement != "different" or entry.differences, name


@pytest.mark.parametrize("name", [name for name in IN_TORCH if ENTRIES[name].agreement == "different"])
def test_one_name_but_two_algorithms(name):
    surface = SURFACES["rosenbrock"]
    ours, theirs = (
        oc.run(CATALOGUE[name](learning_rate=0.02, backend=backend), surface, surface.start, steps=60)
        for backend in optimizers.BACKENDS
    )
    gap = np.abs(ours.params - theirs.params).max()
    assert gap > 1e-6, f"{name} is catalogued as different but both libraries walk the same path"


def library_default(function, argument):
    return inspect.signature(function).parameters[argument].default


@pytest.mark.parametrize(
    ("name", "what", "optax_function", "optax_argument", "torch_class", "torch_argument"),
    [
        ("rmsprop", "default decay of the squared gradients", optax.rmsprop, "decay", torch.optim.RMSprop, "alpha"),
        (
            "adagrad",
            "default initial_accumulator_value",
            optax.adagrad,
            "initial_accumulator_value",
            torch.optim.Adagrad,
            "initial_accumulator_value",
        ),
        ("adagrad", "default eps", optax.adagrad, "eps", torch.optim.Adagrad, "eps"),
        ("adamw", "default weight_decay", optax.adamw, "weight_decay", torch.optim.AdamW, "weight_decay"),
        ("muon", "default weight_decay", optax.contrib.muon, "weight_decay", torch.optim.Muon, "weight_decay"),
        ("muon", "default eps", optax.contrib.muon, "eps", torch.optim.Muon, "eps"),
        ("lbfgs", "default memory", optax.lbfgs, "memory_size", torch.optim.LBFGS, "history_size"),
    ],
)
def test_default_differences_are_the_libraries_own(
    name, what, optax_function, optax_argument, torch_class, torch_argument
):
    difference = next(d for d in ENTRIES[name].differences if d.what == what)
    assert difference.optax == library_default(optax_function, optax_argument)
    assert difference.torch == library_default(torch_class, torch_argument)


def test_rmsprop_with_library_defaults_takes_other_first_steps():
    stated = next(d for d in ENTRIES["rmsprop"].differences if "first step" in d.what)
    bowl = surfaces.quadratic_bowl()
    for optimizer, expected in (
        (optimizers.from_optax(optax.rmsprop, learning_rate=0.01), stated.optax),
        (optimizers.from_torch(torch.optim.RMSprop, lr=0.01), stated.torch),
    ):
        first = np.abs(oc.run(optimizer, bowl, [3.0, 2.0], steps=1).updates[0])
        np.testing.assert_allclose(first / 0.01, expected, rtol=1e-3)


def test_rprop_in_optax_stands_still_in_its_first_step():
    stated = ENTRIES["rprop"].differences[0]
    for backend, expected in (("optax", stated.optax), ("torch", stated.torch)):
        path = oc.run(optimizers.rprop(0.01, backend=backend), SURFACES["booth"], [0.0, 0.0], steps=1)
        np.testing.assert_allclose(np.abs(path.updates[0]) / 0.01, expected)


def test_adagrad_adds_eps_in_different_places():
    """With gradient 1 and eps 0.21, Optax divides by sqrt(1 + eps) and torch by 1 + eps."""
    line = LossSurface(lambda params: params[0], dim=1)
    steps = {
        backend: -oc.run(optimizers.adagrad(1.0, eps=0.21, backend=backend), line, [0.0], steps=1).updates[0, 0]
        for backend in optimizers.BACKENDS
    }
    np.testing.assert_allclose([steps["optax"], steps["torch"]], [1 / 1.1, 1 / 1.21], rtol=1e-12)


def test_radam_adds_eps_after_or_before_bias_correction():
    """Under a constant gradient 1, both moments are 1 once corrected; only eps tells the libraries apart."""
    line = LossSurface(lambda params: params[0], dim=1)
    steps = {
        backend: oc.run(optimizers.radam(1.0, eps=0.1, backend=backend), line, [0.0], steps=10).updates[-1, 0]
        for backend in optimizers.BACKENDS
    }
    expected = (1 + 0.1) / (1 + 0.1 / np.sqrt(1 - 0.999**10))
    np.testing.assert_allclose(steps["torch"] / steps["optax"], expected, rtol=1e-9)


def test_amsgrad_takes_its_maximum_before_or_after_bias_correction():
    """A large first gradient, then small ones: Optax keeps the corrected maximum g^2, torch the raw (1 - b2) g^2."""
    gradient = LossSurface(
        lambda params, step: params[0] * (1.0 + 99.0 * (step == 0)),
        dim=1,
        step_dependent=True,
        name="one large gradient",
    )
    paths = {
        backend: oc.run(optimizers.amsgrad(0.1, backend=backend), gradient, [0.0], steps=50)
        for backend in optimizers.BACKENDS
    }
    state = paths["optax"].opt_state[0]
    np.testing.assert_allclose(state.nu_max[-1], 100.0**2, rtol=1e-9)
    np.testing.assert_allclose(paths["torch"].opt_state.per_param["max_exp_avg_sq"][-1], 0.001 * 100.0**2, rtol=0.05)


def test_nadam_warms_up_b1_in_torch_only():
    path = oc.run(optimizers.nadam(backend="torch"), SURFACES["booth"], [0.0, 0.0], steps=3)
    products = path.opt_state.per_param["mu_product"][1:]
    expected = np.cumprod(0.9 * (1 - 0.5 * 0.96 ** (0.004 * np.arange(1, 4))))
    np.testing.assert_allclose(products, expected, rtol=1e-6)


@pytest.mark.parametrize(("rows", "columns"), [(2, 8), (8, 2)])
def test_muon_scales_opposite_axes(rows, columns):
    """Optax lengthens the step of wide matrices, torch that of tall ones; both by sqrt(longer / shorter)."""
    grads = np.random.default_rng(0).normal(size=(rows, columns))
    size = {}
    for backend in optimizers.BACKENDS:
        optimizer = optimizers.muon(learning_rate=1.0, backend=backend)
        as_array = jax.numpy.asarray if backend == "optax" else torch.from_numpy
        zeros = as_array(np.zeros_like(grads, dtype=np.float32))
        updates, _ = optimizer.update(as_array(grads.astype(np.float32)), optimizer.init(zeros), zeros)
        size[backend] = np.linalg.norm(np.asarray(updates), 2)
    factor = 2.0 if (rows > columns) else 0.5  # torch against Optax
    np.testing.assert_allclose(size["torch"] / size["optax"], factor, rtol=0.1)


def test_muon_moves_matrices_in_both_libraries_and_torch_refuses_vectors():
    for backend, surface in (("optax", MATRICES), ("torch", TORCH_MATRICES)):
        path = oc.run(optimizers.muon(0.02, backend=backend), surface, WEIGHTS, steps=60)
        assert path.final_loss < path.loss[0] / 2
    with pytest.raises(ValueError, match="2D"):
        oc.run(optimizers.muon(backend="torch"), SURFACES["booth"], [0.0, 0.0], steps=1)


def test_adadelta_leaves_its_twin_only_where_rounding_is_amplified():
    """On Rosenbrock with learning rate 1 the two libraries part; a start moved by one rounding error parts as far."""
    surface = SURFACES["rosenbrock"]
    ours, theirs = (
        oc.run(optimizers.adadelta(1.0, backend=backend), surface, [-2.0, 2.0], steps=500)
        for backend in optimizers.BACKENDS
    )
    nudged = oc.run(optimizers.adadelta(1.0), surface, [np.nextafter(-2.0, 0.0), 2.0], steps=500)
    same_path(ours.params[:50], theirs.params[:50], ENTRIES["adadelta"].tolerance)
    between_libraries = np.abs(ours.params - theirs.params).max()
    from_rounding = np.abs(ours.params - nudged.params).max()
    assert between_libraries < 100 * from_rounding


# --- The contract -------------------------------------------------------------------------------------------


def test_update_is_pure_and_reproduces_every_recorded_step():
    surface = SURFACES["rosenbrock"]
    for backend in optimizers.BACKENDS:
        optimizer = optimizers.adam(0.05, backend=backend)
        as_array = torch.tensor if backend == "torch" else np.asarray
        params = as_array([-1.0, 1.0])
        if backend == "torch":
            params = params.double()
        state = optimizer.init(params)
        grads = surface.gradient(params)
        first, new_state = optimizer.update(grads, state, params)
        again, _ = optimizer.update(grads, state, params)
        np.testing.assert_array_equal(np.asarray(first), np.asarray(again))
        later, _ = optimizer.update(grads, new_state, params)
        assert np.isfinite(np.asarray(later)).all()
        np.testing.assert_array_equal(np.asarray(params), [-1.0, 1.0])


def test_hyperparameters_are_leaves():
    optimizer = optimizers.adam(learning_rate=0.1)
    assert sorted(jax.tree.leaves(optimizer)) == sorted([0.1, 0.9, 0.999, 1e-8])
    doubled = jax.tree.map(lambda value: 2 * value, optimizer)
    assert doubled.hyperparams["learning_rate"] == 0.2
    params = jax.numpy.array([1.0, -1.0])

    @jax.jit
    def step(optimizer, grads):
        return optimizer.update(grads, optimizer.init(params), params)[0]

    step(optimizer, params)
    step(optimizers.adam(learning_rate=0.3, b1=0.5), params)
    assert step._cache_size() == 1


def test_a_schedule_is_followed_by_both_libraries():
    schedule = optax.cosine_decay_schedule(0.05, 40)
    surface = SURFACES["rosenbrock"]
    ours, theirs = (
        oc.run(optimizers.adam(schedule, backend=backend), surface, [-2.0, 2.0], steps=60)
        for backend in optimizers.BACKENDS
    )
    np.testing.assert_allclose(ours.params, theirs.params, rtol=1e-12)
    assert (ours.step_size[40:] == 0).all() and ours.step_size[39] > 0
    assert optimizers.get_learning_rate(optimizers.adam(schedule), step=20) == pytest.approx(0.025)


def test_anything_else_from_either_library():
    surface = SURFACES["booth"]
    sealed = optimizers.from_optax(optax.yogi(0.1), name="yogi")
    open_ = optimizers.from_optax(optax.yogi, learning_rate=0.1)
    one, two = (oc.run(optimizer, surface, [0.0, 0.0], steps=20) for optimizer in (sealed, open_))
    np.testing.assert_allclose(one.params, two.params, rtol=1e-12)
    grid = oc.sweep(open_, surface, [0.0, 0.0], steps=20, learning_rate=[0.1, 0.2])
    np.testing.assert_allclose(grid.params.sel(learning_rate=0.1), one.params, rtol=1e-12)
    asgd = optimizers.from_torch(torch.optim.ASGD, lr=0.05)
    assert oc.run(asgd, surface, [0.0, 0.0], steps=100).final_loss < 1e-3
    assert optimizers.get_learning_rate(asgd) == 0.05


def bare_update(optimizer):
    params = torch.ones(2)
    return optimizer.update(params, optimizer.init(params), params)


# --- Bad input --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attempt", "error", "says"),
    [
        (lambda: optimizers.adam(learnig_rate=0.1), TypeError, "Did you mean 'learning_rate'"),
        (lambda: optimizers.adam(0.1).replace(beta1=0.5), TypeError, "has no hyperparameter 'beta1'"),
        (lambda: optimizers.adam(0.1, backend="pytorch"), ValueError, "Did you mean 'torch'"),
        (lambda: optimizers.adam(lr=0.1), TypeError, "Did you mean 'learning_rate'"),
        (lambda: optimizers.momentum(beta=0.9), TypeError, "Did you mean 'momentum'"),
        (lambda: optimizers.adm, AttributeError, "Did you mean 'adam'"),
        (lambda: optimizers.get("SGD"), KeyError, "Did you mean 'sgd'"),
        (lambda: optimizers.adam([0.1, 0.2]), TypeError, "use sweep"),
        (lambda: optimizers.adam("fast"), TypeError, "must be a number"),
        (lambda: optimizers.lion(backend="torch"), ValueError, "optax.lion"),
        (lambda: optimizers.schedule_free(backend="torch"), ValueError, "schedule_free_adamw"),
        (lambda: optimizers.get("adm"), KeyError, "adam"),
        (lambda: optimizers.from_optax(optax.lion(1e-3), b1=0.5), TypeError, "already built"),
        (lambda: optimizers.from_optax(3), TypeError, "GradientTransformation"),
        (lambda: optimizers.from_torch(torch.nn.Linear, lr=0.1), TypeError, "torch.optim.Optimizer class"),
        (lambda: optimizers.from_torch("Adam"), TypeError, "torch.optim.Optimizer class"),
        (
            lambda: oc.run(optimizers.rmsprop(eps_in_sqrt=True, backend="torch"), SURFACES["booth"], [0, 0], steps=1),
            ValueError,
            "eps_in_sqrt=False",
        ),
        (lambda: bare_update(optimizers.lbfgs(backend="torch")), TypeError, "value_fn"),
    ],
)
def test_bad_input_says_what_to_do(attempt, error, says):
    with pytest.raises(error) as raised:
        attempt()
    assert says in str(raised.value)
