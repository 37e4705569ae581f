"""What the exercises call right is what torch does."""

import numpy as np
import pytest
import torch

from optcourse import precision
from optcourse.exercises import check
from optcourse.exercises.mixed_precision.kahan_weights import kahan_weights
from optcourse.exercises.mixed_precision.kahan_weights import make_questions as kahan_questions
from optcourse.exercises.mixed_precision.logs import CASES, make_log
from optcourse.exercises.mixed_precision.read_log import read_log
from optcourse.exercises.mixed_precision.scaled_descent import make_questions, scaled_descent


@pytest.mark.parametrize("seed", range(5))
def test_the_scaler_that_is_asked_for_is_grad_scaler(seed):
    for asked in make_questions(np.random.default_rng(seed)):
        scaler = torch.amp.GradScaler("cpu", init_scale=asked["scale"], growth_interval=asked["interval"])
        weights = torch.zeros(2, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.SGD([weights], lr=asked["learning_rate"])
        path, scales = [np.zeros(2)], [asked["scale"]]
        for gradient in asked["gradients"]:
            scaler.scale(torch.zeros(()))
            weights.grad = torch.from_numpy(gradient.copy())
            scaler.step(optimizer)
            scaler.update()
            path.append(weights.detach().numpy().copy())
            scales.append(scaler.get_scale())
        ours = scaled_descent(**asked)
        np.testing.assert_allclose(ours[0], path, rtol=1e-12)
        np.testing.assert_array_equal(ours[1], scales)
        assert len(np.unique(scales)) > 2


@pytest.mark.parametrize("seed", range(5))
def test_the_kahan_that_is_asked_for_is_arithmetic_in_the_format(seed):
    for asked in kahan_questions(np.random.default_rng(seed)):
        dtype = getattr(torch, asked["form"])
        weight, compensation = torch.tensor(asked["weight"], dtype=dtype), torch.tensor(0.0, dtype=dtype)
        path = [float(weight)]
        for update in asked["updates"]:
            wanted = torch.tensor(update, dtype=dtype) + compensation
            new = weight + wanted
            compensation = wanted - (new - weight)
            weight = new
            path.append(float(weight))
        ours = kahan_weights(**asked)
        np.testing.assert_array_equal(ours, path)
        exact = asked["weight"] + asked["updates"].sum()
        assert abs(ours[-1] - exact) <= precision.get(asked["form"]).spacing(exact)


def test_the_guesses_are_what_the_formats_hold():
    right = {"spacing": 0.5, "first_gap": 2049, "lost_step": 2.0**-8, "scale": 4.0, "b2": 1.0}
    assert check("format_guess", right).passed
    half, brain = np.float16, "bfloat16"
    assert float(half(1000.0)) + right["spacing"] == np.nextafter(half(1000.0), half(2000.0))
    whole = np.arange(1, 4096)
    assert whole[whole.astype(half).astype(int) != whole][0] == right["first_gap"]
    at, beyond = (precision.round_to(1 + factor * right["lost_step"], brain) for factor in (1, 1.01))
    assert at == 1 < beyond
    assert half(right["scale"] * 1e-8) > 0 == half(right["scale"] / 2 * 1e-8)
    assert precision.round_to(0.999, brain) == right["b2"]


def test_every_log_is_told_apart_with_room_to_spare():
    for seed in range(40):
        for case in CASES:
            log = make_log(case, np.random.default_rng(seed))
            assert read_log(**log) == case
            if case == "underflow":
                assert log["zeros"].max() >= 0.375 and np.isfinite(log["loss"]).all()
            if case == "healthy":
                assert log["zeros"].max() < 0.2 and log["loss"][-1] < log["loss"][0] / 10
            if case == "stagnation":
                assert log["loss"][-1] > 1 and log["zeros"].max() == 0
            if case == "b2":
                assert log["update"][0] > 1e4
