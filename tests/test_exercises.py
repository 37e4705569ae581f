"""Exercises: what is right passes however it is written, what is wrong is told what went wrong, and nothing raises."""

import dataclasses
import functools
import html
import importlib
import itertools
import json
import re
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import optcourse as oc
from optcourse import exercises
from optcourse.exercises import answers, check, same_path
from optcourse.exercises import path_rules as rules
from optcourse.exercises import walk as walk_on
from optcourse.exercises.optimizer_intuition import adam, anonymous_paths, rmsprop, which_path
from optcourse.exercises.plain import in_parts, plain

matplotlib.use("Agg")
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # students' code divides by zero

CATALOGUE = exercises.catalogue()
KINDS = {
    kind: [n for n, exercise in CATALOGUE.items() if exercise.kind == kind] for kind in ("path", "function", "value")
}
METHODS = [name for name in KINDS["path"] if CATALOGUE[name].chapter == "optimizer_intuition"]
SEEDS = ("public", "1", "a private seed")
MANY_SEEDS = [str(seed) for seed in range(25)]


def collected(exercise):
    """The module with the right and wrong answers of an exercise's chapter; where it is missing, one test says so."""
    try:
        return importlib.import_module(f"exercises.answers.{exercise.chapter}")
    except ModuleNotFoundError:
        return SimpleNamespace(RIGHT={}, WRONG={})


def judged(name: str, answer, seed: str):
    variables = answer if CATALOGUE[name].kind == "value" else {name: answer}
    more = {key: value for key, value in variables.items() if key != name}
    return check(name, variables[name], seed=seed, **more)


def named(answer) -> str:
    return getattr(answer, "__name__", "value")


def called(value) -> str:
    """An exercise with its chapter, so that `pytest -k chapter` finds all about it; an answer by its name."""
    return f"{CATALOGUE[value].chapter}-{value}" if isinstance(value, str) else named(value)


def each(names):
    return pytest.mark.parametrize("name", names, ids=called)


def one_of_each_kind() -> list[str]:
    """The last exercise of each kind in each chapter: it has the most mistakes."""
    return list({(exercise.chapter, exercise.kind): name for name, exercise in CATALOGUE.items()}.values())


RIGHT = [(name, answer) for name, exercise in CATALOGUE.items() for answer in collected(exercise).RIGHT.get(name, [])]
WRONG = [
    (name, *entry) for name, exercise in CATALOGUE.items() for entry in collected(exercise).WRONG.get(name, {}).items()
]


def plain_answer(name: str):
    """The first of the right answers, which computes in the dtype that it is given."""
    return collected(CATALOGUE[name]).RIGHT[name][0]


def distance(path, other) -> float:
    """The largest difference of two paths, in tolerances."""
    size = 1 + np.maximum.accumulate(np.abs(other).max(axis=1))[:, None]
    return float(np.max(np.abs(path - other) / size) / same_path.TOLERANCE)


def walk(path, question, dtype=float):
    gradient = answers.surface_of(question).gradient
    start = np.array(question["start"], dtype=dtype)
    return path(gradient, start, steps=question["steps"], **question["hyperparameters"])


def production(question, factory):
    return oc.run(
        factory(**question["hyperparameters"]),
        answers.surface_of(question),
        question["start"],
        steps=question["steps"],
    ).params


# --- the collected answers


def test_names_are_unique_in_the_book_and_chapters_are_those_of_their_packages():
    packages = importlib.import_module("optcourse.exercises.catalogue").CHAPTERS
    entries = [
        (package.__name__.rpartition(".")[2], exercise) for package in packages for exercise in package.EXERCISES
    ]
    assert len(entries) == len(CATALOGUE)
    assert all(exercise.chapter == package for package, exercise in entries)


@each(CATALOGUE)
def test_every_exercise_has_right_and_wrong_answers_to_be_tested_with(name):
    known = collected(CATALOGUE[name])
    assert len(known.RIGHT.get(name, ())) >= 2
    assert len(known.WRONG.get(name, ())) >= 4


@pytest.mark.parametrize("name, answer", RIGHT, ids=called)
def test_right_answers_pass_however_they_are_written(name, answer):
    for seed in SEEDS:
        verdict = judged(name, answer, seed)
        assert verdict.passed, f"seed {seed}: {verdict}"
        assert verdict.score == 1 and verdict.mistake == ""


@each(KINDS["path"] + KINDS["function"])
def test_right_answers_pass_on_many_seeds(name):
    for seed, answer in itertools.product(MANY_SEEDS, collected(CATALOGUE[name]).RIGHT[name][:2]):
        verdict = check(name, answer, seed=seed)
        assert verdict.passed, f"seed {seed}: {verdict}"


@pytest.mark.parametrize(
    "name, mistake, answer", WRONG, ids=[f"{called(name)}-{mistake}" for name, mistake, _ in WRONG]
)
def test_wrong_answers_are_told_their_own_mistake(name, mistake, answer):
    for seed in (*SEEDS, "2", "3"):
        verdict = judged(name, answer, seed)
        assert (verdict.status, verdict.mistake) == ("not yet", mistake), f"seed {seed}: {verdict}"
        assert verdict.score < 1 and len(verdict.message) > 40


@each(CATALOGUE)
def test_every_mistake_has_a_message_of_its_own(name):
    wrong = collected(CATALOGUE[name]).WRONG[name]
    messages = {judged(name, answer, "public").message for answer in wrong.values()}
    assert len(messages) == len(wrong)


@each(CATALOGUE)
def test_every_known_mistake_is_made_by_somebody(name):
    assert {mistake.name for mistake in CATALOGUE[name].mistakes} <= set(collected(CATALOGUE[name]).WRONG[name])


@each(KINDS["path"] + KINDS["function"])
def test_every_known_mistake_is_told_from_all_others(name):
    exercise = CATALOGUE[name]
    for seed, mistake in itertools.product(MANY_SEEDS[:8], exercise.mistakes):
        assert check(name, mistake.answer, seed=seed).mistake == mistake.name, f"seed {seed}"


# --- what makes judging safe: rounding is far below the tolerance, every mistake far above


@each(KINDS["path"])
def test_single_precision_stays_far_below_the_tolerance(name):
    method = plain_answer(name)
    for question in itertools.chain.from_iterable(map(CATALOGUE[name].questions, MANY_SEEDS)):
        single = walk(method, question, np.float32)
        assert single.dtype == np.float32
        assert distance(single, walk(method, question)) < 0.05


@each(KINDS["function"])
def test_answers_in_single_precision_pass(name):
    def single(value):
        return value.astype(np.float32) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value

    for seed in MANY_SEEDS:
        asked = CATALOGUE[name].questions(seed)
        given = [
            answers.call_with(
                lambda **written: plain_answer(name)(**{k: single(v) for k, v in written.items()}), q["call"]
            )
            for q in asked
        ]
        assert CATALOGUE[name].judge(asked, given).passed, f"seed {seed}"


@each(KINDS["path"])
def test_mistakes_are_far_from_what_is_right_and_from_each_other(name):
    paths = {"right": plain_answer(name), **{m.name: m.answer for m in CATALOGUE[name].mistakes}}
    for seed in MANY_SEEDS[:8]:
        asked = CATALOGUE[name].questions(seed)
        walked = {who: [walk(path, question) for question in asked] for who, path in paths.items()}
        for (one, first), (other, second) in itertools.combinations(walked.items(), 2):
            apart = [np.nan_to_num(np.abs(a - b), nan=np.inf) for a, b in zip(first, second, strict=True)]
            finite = [np.isfinite(a).all() and np.isfinite(b).all() for a, b in zip(first, second, strict=True)]
            far = any(not ok or gap.max() > 20 * same_path.TOLERANCE for ok, gap in zip(finite, apart, strict=True))
            assert far, f"seed {seed}: {one} and {other}"


def test_the_place_of_eps_makes_no_difference():
    inside = rules.with_squares(rmsprop.average, lambda g, s, eps, decay, t: g / np.sqrt(s + eps))
    corrected = rules.with_moments(
        adam.mean,
        adam.mean_square,
        lambda m, s, eps, b1, b2, t: m / (1 - b1**t) / np.sqrt(s / (1 - b2**t) + eps),
    )
    folded = rules.with_moments(
        adam.mean,
        adam.mean_square,
        lambda m, s, eps, b1, b2, t: np.sqrt(1 - b2**t) / (1 - b1**t) * m / (np.sqrt(s) + eps),
    )
    for name, path in (("rmsprop", inside), ("adam", corrected), ("adam", folded)):
        for question in itertools.chain.from_iterable(map(CATALOGUE[name].questions, MANY_SEEDS)):
            assert distance(walk(path, question), walk(plain_answer(name), question)) < 0.05


@each(METHODS)
def test_questions_have_a_coordinate_without_gradient_and_no_tiny_ones(name):
    for seed in MANY_SEEDS:
        asked = CATALOGUE[name].questions(seed)
        slopes = np.concatenate([answers.surface_of(q).gradient(np.array(q["start"])) for q in asked])
        assert (slopes == 0).sum() == 1
        assert np.abs(slopes[slopes != 0]).min() > 1
        assert {len(question["start"]) for question in asked} == {1, 2, 3}
        assert len(asked[0]["start"]) == 2


# --- laws that messages cite


def first_step(answer, question):
    path = np.asarray(walk(answer, question))
    return path[1] - path[0]


@each(METHODS)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_numbers_in_messages_are_those_of_the_path(name, seed):
    question, known = CATALOGUE[name].questions(seed)[0], collected(CATALOGUE[name])
    rate = question["hyperparameters"]["learning_rate"]
    right = first_step(known.RIGHT[name][0], question)
    checked = 0
    for mistake, answer in known.WRONG[name].items():
        message = judged(name, answer, seed).message
        patterns = {
            r"first step is ([\d.e-]+) times too long": lambda step: np.linalg.norm(step) / np.linalg.norm(right),
            r"([\d.e-]+) times as long as it should be": lambda step: np.linalg.norm(step) / np.linalg.norm(right),
            r"first step is ([\d.e-]+) in every coordinate": lambda step: np.abs(step).max(),
            r"where ([\d.e-]+) is right": lambda step: np.abs(right).max(),
            r"first step is ([\d.e-]+) learning rates": lambda step: np.abs(step).max() / rate,
        }
        for pattern, measured in patterns.items():
            for number in re.findall(pattern, message):
                assert float(number) == pytest.approx(measured(first_step(answer, question)), rel=6e-3), mistake
                checked += 1
    assert checked >= 2


def test_the_laws_of_first_steps_hold_for_the_production_optimizers():
    for seed in MANY_SEEDS[:10]:
        question = CATALOGUE["adam"].questions(seed)[0]
        step, rate = np.diff(production(question, oc.optimizers.adam), axis=0)[0], question["hyperparameters"]
        slope = answers.surface_of(question).gradient(np.array(question["start"]))
        assert step == pytest.approx(-rate["learning_rate"] * np.sign(slope), rel=1e-6)
        question = CATALOGUE["rmsprop"].questions(seed)[0]
        step = np.diff(production(question, oc.optimizers.rmsprop), axis=0)[0]
        assert np.abs(step) == pytest.approx(rmsprop.first_step(question["hyperparameters"]), rel=1e-6)


def test_an_unknown_mistake_is_described_by_its_first_wrong_step_and_a_law():
    def half(gradient, start, learning_rate, b1, b2, eps, steps):
        path = adam.RIGHT(gradient, start, learning_rate=learning_rate, b1=b1, b2=b2, eps=eps, steps=steps)
        return start + 0.5 * (path - start)

    verdict = check("adam", half)
    assert verdict.mistake == "another mistake"
    assert "Your first step is not right" in verdict.message
    assert "0.5 times as long as it should be" in verdict.message
    rate = CATALOGUE["adam"].questions()[0]["hyperparameters"]["learning_rate"]
    assert f"moves by the learning rate, {rate:.3g}" in verdict.message


def test_a_path_that_goes_wrong_later_is_told_where():
    def stops(gradient, start, learning_rate, steps):
        path = [start]
        for t in range(steps):
            path.append(path[-1] - learning_rate * gradient(path[-1]) if t < 4 else path[-1])
        return path

    verdict = check("gradient_descent", stops)
    assert "Your first 4 steps are right, step 5 is not" in verdict.message
    assert "does not move" in verdict.message


@pytest.mark.parametrize("factor", [1.0002, 1.0008, 0.995])
@pytest.mark.parametrize("seed", SEEDS)
def test_points_that_differ_a_little_are_written_with_the_digits_that_tell_them_apart(factor, seed):
    def nearly(gradient, start, learning_rate, steps):
        return plain_answer("gradient_descent")(gradient, start, learning_rate=factor * learning_rate, steps=steps)

    message = check("gradient_descent", nearly, seed=seed).message
    right, wrong = re.search(r"should lead to (\(.*?\)) and leads to (\(.*?\))", message).groups()
    assert right != wrong
    assert float(re.search(r"differs by a factor of ([\d.]+): rounding", message)[1]) == pytest.approx(factor, rel=1e-4)


def test_a_path_is_compared_with_the_form_that_it_follows_longest():
    def fading(answer, gradient, start, learning_rate, momentum, steps):
        path = np.array(answer(gradient, start, learning_rate, momentum, steps))
        path[5:] = path[4]
        return path

    known = collected(CATALOGUE["nesterov"])
    question = CATALOGUE["nesterov"].questions()[0]
    for answer, begins in (
        (known.nesterov_looks_ahead, "As the classical form, your first 4 steps are right, step 5 is not"),
        (known.nesterov_as_in_the_chapter, "Your first 4 steps are right, step 5 is not"),
    ):
        verdict = check("nesterov", functools.partial(fading, answer))
        assert verdict.message.startswith(begins)
        lines = {line.get_label(): line for line in verdict.plot().get_lines()}
        np.testing.assert_allclose(lines["right"].get_xydata(), walk(answer, question), atol=1e-6)
        matplotlib.pyplot.close("all")


@pytest.mark.parametrize("mistake", ["no bias correction", "first moment not corrected", "goes uphill"])
def test_a_known_mistake_is_recognised_without_eps_too(mistake):
    path = next(known.answer for known in adam.MISTAKES if known.name == mistake)

    def answer(gradient, start, learning_rate, b1, b2, eps, steps):
        return path(gradient, start, learning_rate=learning_rate, b1=b1, b2=b2, eps=0.0, steps=steps)

    verdict = check("adam", answer)
    assert verdict.mistake == mistake
    assert "And eps is missing" in verdict.message


def test_the_questions_that_are_right_are_counted():
    assert check("adam", collected(CATALOGUE["adam"]).adam_without_eps).message.endswith("3 of 4 questions are right.")
    assert "questions" not in check("adam", collected(CATALOGUE["adam"]).adam_uphill).message


def test_an_array_changed_in_place_is_recognised_behind_a_copied_start_and_among_whole_numbers():
    def one_array(gradient, start, learning_rate, steps):
        params, path = start.copy(), [start]
        for _ in range(steps):
            params -= learning_rate * gradient(params)
            path.append(params)
        return path

    def whole(gradient, start, learning_rate, steps):
        path = np.zeros((steps + 1, len(start)), dtype=int)
        path[0] = start
        for i in range(steps):
            path[i + 1] = path[i] - learning_rate * gradient(path[i])
        return path

    def long_doubles(gradient, start, learning_rate, steps):
        path = [start.astype(np.longdouble)]
        for _ in range(steps):
            path.append(path[-1] - learning_rate * gradient(path[-1]))
        return path

    verdict = check("gradient_descent", one_array)
    assert "All rows after the first are the same point" in verdict.message
    assert "Append `params.copy()`" in verdict.message
    assert check("gradient_descent", whole).mistake == "whole numbers only"
    assert check("gradient_descent", long_doubles).passed


# --- the points of a function that passes can be drawn


@each(METHODS)
def test_whatever_passes_can_be_walked_on_any_surface(name):
    settings_ = {
        "gradient_descent": {"learning_rate": 1e-3},
        "heavy_ball": {"learning_rate": 1e-4, "momentum": 0.9},
        "nesterov": {"learning_rate": 1e-4, "momentum": 0.9},
        "rmsprop": {"learning_rate": 0.01, "decay": 0.9, "eps": 1e-8},
        "adam": {"learning_rate": 0.01, "b1": 0.9, "b2": 0.999, "eps": 1e-8},
    }[name]
    start, valley = np.array([-1.5, 2.0]), oc.surfaces.rosenbrock()
    paths = [walk_on(answer, valley, start, steps=30, **settings_) for answer in collected(CATALOGUE[name]).RIGHT[name]]
    assert (start == [-1.5, 2.0]).all()
    for path in paths:
        assert path.shape == (31, 2) and path.dtype == float
        forms = [paths[0], paths[1]]  # Nesterov's two forms; otherwise two solutions of one
        assert min(distance(path, form) for form in forms) < 0.5


def test_without_points_walk_says_so():
    bowl = oc.surfaces.quadratic_bowl()
    for answer, message in ((lambda *a: None, "no points"), (lambda *a: [[1.0, 2.0]], "shape"), (None, "no points")):
        with pytest.raises(ValueError, match=message):
            walk_on(answer, bowl, [1.0, 2.0], learning_rate=0.1, steps=3)
    with pytest.raises(ValueError, match="more than 60 gradients"):
        walk_on(endless_and_deaf, bowl, [1.0, 2.0], learning_rate=0.1, steps=3)


def test_the_classical_form_of_nesterov_passes_with_a_remark_and_the_chapters_without():
    known = collected(CATALOGUE["nesterov"])
    assert check("nesterov", known.nesterov_as_in_the_chapter).message == ""
    assert "classical form" in check("nesterov", known.nesterov_looks_ahead).message


# --- questions, answers and verdicts are plain data


@each(KINDS["path"] + KINDS["function"])
def test_questions_are_the_same_for_a_seed_and_others_for_another(name):
    exercise = CATALOGUE[name]
    assert exercise.questions("a") == exercise.questions("a")
    texts = {json.dumps(exercise.questions(seed)) for seed in MANY_SEEDS}
    assert len(texts) == len(MANY_SEEDS)
    assert exercise.questions() == exercise.questions("public")


@pytest.mark.parametrize("name, answer", [*RIGHT, *((name, answer) for name, _, answer in WRONG)], ids=called)
def test_questions_and_answers_survive_json(name, answer):
    exercise = CATALOGUE[name]
    questions = json.loads(json.dumps(exercise.questions()))
    assert questions == exercise.questions()
    picked = answers.pick(exercise, answer if exercise.kind == "value" else {name: answer})
    given = json.loads(json.dumps(answers.ask_all(picked, questions)))
    assert str(exercise.judge(questions, given)) == str(judged(name, answer, "public"))


def test_the_seed_can_come_from_the_environment(monkeypatch):
    def told(gradient, start, learning_rate, steps):
        raise ValueError(f"{start}")

    monkeypatch.setenv("OPTCOURSE_SEED", "7")
    assert check("gradient_descent", told) == check("gradient_descent", told, seed="7")
    monkeypatch.delenv("OPTCOURSE_SEED")
    assert check("gradient_descent", told) != check("gradient_descent", told, seed="7")


# --- how a function may be called


@pytest.mark.parametrize(
    "function",
    [
        lambda gradient, start, learning_rate, momentum, steps: (gradient, start, learning_rate, momentum, steps),
        lambda f, x, a, b, n: (f, x, a, b, n),
        lambda start, gradient, steps, momentum, learning_rate: (gradient, start, learning_rate, momentum, steps),
        lambda grad, start, n_steps, lr, beta: (grad, start, lr, beta, n_steps),
        lambda gradient, start, **rest: (gradient, start, rest["learning_rate"], rest["momentum"], rest["steps"]),
        lambda *all_of_them: all_of_them,
        lambda f, x, /, learning_rate, momentum, *, steps: (f, x, learning_rate, momentum, steps),
    ],
)
def test_arguments_are_found_by_name_and_otherwise_by_place(function):
    arguments = {"gradient": "gradient", "start": "start", "learning_rate": 0.1, "momentum": 0.9, "steps": 3}
    assert answers.call(function, arguments) == ("gradient", "start", 0.1, 0.9, 3)


@pytest.mark.parametrize(
    "rows",
    [
        lambda path: path.astype(object),
        lambda path: [row.tolist() for row in path],
        lambda path: iter(path),
        lambda path: path[:, 0] if path.shape[1] == 1 else path,
        lambda path: np.asfortranarray(path).astype(np.longdouble),
        lambda path: np.ma.array(path),
        lambda path: (row for row in path),
        lambda path: [[__import__("torch").tensor(x, requires_grad=True) for x in row] for row in path],
    ],
)
def test_points_may_come_in_any_container(rows):
    assert check("gradient_descent", lambda *a, **k: rows(plain_answer("gradient_descent")(*a, **k))).passed


# --- never raises


class Hostile:
    """Raises wherever it is touched."""

    def boom(self, *arguments, **named):
        raise SystemExit("boom")

    __array__ = __iter__ = __len__ = __eq__ = __repr__ = __str__ = __float__ = __bool__ = __hash__ = __index__ = boom

    def __getattr__(self, name):
        raise ValueError(name)


class Disguised:
    @property
    def __class__(self):
        raise RuntimeError("no class")


class SilentError(Exception):
    def __str__(self):
        raise KeyError("no text")


class HostileDict(dict):
    def items(self):
        raise ValueError

    __len__ = items


class HostileText(str):
    def lower(self):
        raise ValueError

    __str__ = lower


def endless_without_gradients(gradient, start, *rest):
    while True:
        yield start


def endless_with_gradients(gradient, start, *rest):
    while True:
        yield gradient(start)


def endless_and_deaf(gradient, start, *rest):
    while True:
        try:
            gradient(start)
        except Exception:
            continue


def recursive(*rest):
    return recursive(*rest)


LOOP = []
LOOP.append(LOOP)
ZOO = [
    *(Hostile(), Hostile, Disguised(), HostileDict(a=1), HostileText("A"), LOOP, object(), type, len, int, np.sin),
    *(None, ..., True, 1, 1.5, 1j, 10**400, float("nan"), "x" * 10**6, b"x", bytearray(3), range(10**9), json),
    *(
        [],
        (),
        {},
        "",
        [[1, 2], [3]],
        [None] * 5,
        [10**400],
        {1, 2},
        {Hostile: 1},
        {"A": 10**5000},
        {"a": {"b": {"c": {}}}},
    ),
    *(np.zeros(10**6), np.zeros((3, 3), complex), np.array(["a"]), np.array([object()]), np.float16(1), np.ma.masked),
    *(np.zeros((0, 2)), np.zeros((13, 0)), np.broadcast_to(1.0, (10**9, 2)), np.datetime64("2020-01-01")),
    *(np.full((13, 2), np.nan), np.full((13, 2), np.inf), np.full((13, 2), 1e308), [Hostile()], [[Hostile(), 1]]),
]
ERRORS = [
    SystemExit(1),
    MemoryError(),
    StopIteration(),
    GeneratorExit(),
    BaseException(),
    SilentError(),
    Exception("<b>"),
]


def raiser(error):
    def function(*arguments, **settings):
        raise error

    return function


@each(one_of_each_kind())
def test_nothing_that_a_notebook_can_hold_makes_check_raise(name):
    exercise = CATALOGUE[name]
    returning = [lambda *a, value=value, **k: value for value in ZOO]
    endless = [endless_without_gradients, endless_with_gradients, endless_and_deaf] if exercise.kind == "path" else []
    for answer in [*ZOO, *returning, *map(raiser, ERRORS), *endless, recursive]:
        verdict = check(name, answer, **dict.fromkeys(exercise.needs, answer))
        assert verdict.status in ("not yet", "not attempted"), verdict.message
        assert verdict.message and str(verdict) and verdict._repr_html_()


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=12))
@settings(deadline=None, max_examples=60)
def test_any_value_becomes_plain_data(value):
    for answer in (value, {"A": value}, [value, value]):
        assert json.loads(json.dumps(plain(answer)))["kind"] in {"nothing", "value", "numbers", "strange"}
        assert json.loads(json.dumps(in_parts(answer)))["kind"] in {"nothing", "value", "numbers", "strange", "parts"}


KEYS = st.sampled_from(
    ["kind", "values", "dtype", "value", "parts", "called", "changed", "empty", "message", "line", "A", "error"]
    + [key for name in one_of_each_kind() for key in (name, *CATALOGUE[name].needs, *CATALOGUE[name].parts)]
)
WORDS = st.sampled_from(
    ["numbers", "value", "parts", "error", "nothing", "strange", "float64", "f8,f8", "O", "adam", ""]
)
FORGED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=15,
)


@given(forged=FORGED)
@settings(deadline=None, max_examples=100)
@each(one_of_each_kind())
def test_a_judge_survives_forged_answers(name, forged):
    questions = CATALOGUE[name].questions()
    assert not CATALOGUE[name].judge(questions, [forged] * len(questions)).passed


def test_names_that_are_none_are_answered_in_words():
    assert "Did you mean 'adam'?" in check("admam", None).message
    assert check("Adam", None).message.startswith("There is no exercise 'Adam'.")
    for name in (None, 3, Hostile(), [], len):
        assert 'check("heavy_ball", heavy_ball)' in check(name, None).message
    assert '`check("adam", adam)`' in check("adam").message
    assert '`check("which_path", which_path, variant=variant)`' in check("which_path", {}).message
    with pytest.raises(KeyError, match="Did you mean"):
        exercises.get("admam")


@each(CATALOGUE)
def test_what_is_missing_or_unwritten_is_not_attempted(name):
    questions = CATALOGUE[name].questions()
    missing = CATALOGUE[name].judge(questions, [{"kind": "missing"}] * len(questions))
    assert missing.status == "not attempted" and name in missing.message

    def stub(*arguments):
        raise NotImplementedError

    exercise = CATALOGUE[name]
    empty = [lambda *a: None, stub]
    if exercise.kind == "value":
        empty = [dict.fromkeys(exercise.parts), dict.fromkeys(exercise.parts, "")] if exercise.parts else [""]
    for answer in (None, ..., *empty):
        verdict = check(name, answer, **dict.fromkeys(exercise.needs, 1))
        assert (verdict.status, verdict.score, verdict.mistake) == ("not attempted", 0, "")


@each([name for name in KINDS["value"] if CATALOGUE[name].parts])
def test_the_parts_of_a_value_are_judged_one_by_one(name):
    answer, parts = plain_answer(name), CATALOGUE[name].parts
    assert set(answer[name]) == set(parts)
    for key in parts:
        verdict = judged(name, {**answer, name: {**answer[name], key: None}}, "public")
        assert verdict.status == "not yet" and verdict.score == pytest.approx(1 - 1 / len(parts))
        assert f"Still empty: {key}." in verdict.message


@each(KINDS["value"])
def test_a_number_in_quotes_is_refused(name):
    answer, parts = plain_answer(name), CATALOGUE[name].parts
    numbers = {
        key: value
        for key, value in (answer[name] if parts else {"": answer[name]}).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    for key, value in numbers.items():
        text = {**answer[name], key: str(value)} if parts else str(value)
        verdict = judged(name, {**answer, name: text}, "public")
        assert verdict.mistake == "a number in quotes" and "without quotes" in verdict.message
        assert verdict.score == pytest.approx(1 - 1 / max(len(parts), 1))


def test_an_interrupted_function_is_not_asked_again():
    asked = []

    def interrupted(*arguments):
        asked.append(arguments)
        raise KeyboardInterrupt

    assert check("adam", interrupted).mistake == "interrupted"
    assert len(asked) == 1


def test_an_error_says_where_in_the_students_code():
    def adam(gradient, start, learning_rate, b1, b2, eps, steps):
        return np.zeros(3) @ start

    verdict = check("adam", adam)
    assert "ValueError in the line `return np.zeros(3) @ start`" in verdict.message

    def only_two(gradient, start, learning_rate, steps):
        path = [start]
        for _ in range(steps):
            path.append(path[-1] - learning_rate * gradient(path[-1]))
            assert start[1] is not None
        return path

    assert (
        "Here `start` has 1 coordinate; the questions before raised nothing."
        in check("gradient_descent", only_two).message
    )
    assert "It is called as `adam(gradient, start, " in check("adam", lambda gradient: 1).message


# --- verdicts


def test_a_verdict_is_escaped_and_counts_its_points():
    verdict = check("adam", raiser(ValueError("<script>alert(1)</script>")))
    shown = verdict._repr_html_()
    assert "<script>" not in shown and html.escape("<script>") in shown
    assert "<code>raise error</code>" in shown
    assert verdict.points(2) == 0
    assert check("adam", adam.RIGHT).points(2) == 2
    assert check("admam", adam.RIGHT).points(2) == 0
    assert dataclasses.replace(verdict, score=0.5).points(3) == 1.5


def test_a_wrong_path_is_drawn_beside_the_right_one():
    from matplotlib import pyplot as plt

    wrong = collected(CATALOGUE["adam"]).WRONG["adam"]
    for mistake in ("no bias correction", "t starts at 0", "no square root"):
        _, ax = plt.subplots()
        assert check("adam", wrong[mistake]).plot(ax) is ax
        assert {line.get_label() for line in ax.get_lines()} >= {"right", "yours"}
        plt.close(ax.figure)


def test_without_a_picture_plot_says_why_and_lets_the_notebook_run(capsys):
    for answer in (adam.RIGHT, None, 3):
        assert check("adam", answer).plot() is None
        assert "There is no picture of 'adam': " in capsys.readouterr().out


# --- which path is whose


def test_neighbours_have_other_orders_and_every_order_occurs():
    orders = [tuple(anonymous_paths.names_of(variant).values()) for variant in range(-30, 60)]
    assert all(one != other for one, other in itertools.pairwise(orders))
    assert {len(set(orders[i : i + 24])) for i in range(60)} == {24}
    starts = {tuple(exercises.anonymous_paths(variant).paths["A"][0]) for variant in range(4)}
    assert len(starts) == 4


@pytest.mark.parametrize("variant", [0, 1, 2, 3, 97, -5, 10**20])
def test_anonymous_paths_are_those_of_the_production_optimizers(variant):
    figure = exercises.anonymous_paths(variant)
    start = figure.paths["A"][0]
    for label, name in anonymous_paths.names_of(variant).items():
        optimizer = anonymous_paths.OPTIMIZERS[name]
        path = oc.run(optimizer, anonymous_paths.ravine(), start, steps=anonymous_paths.STEPS)
        np.testing.assert_allclose(figure.paths[label], path.params, atol=1e-9)
    assert not any(name in repr(figure) for name in anonymous_paths.OPTIMIZERS)


def test_the_figure_can_be_read_without_colours():
    from matplotlib import pyplot as plt

    _, ax = plt.subplots()
    assert exercises.anonymous_paths(5).plot(ax) is ax
    lines = {line.get_label(): line for line in ax.get_lines() if line.get_label() in anonymous_paths.LABELS}
    assert len(lines) == 4
    assert len({line.get_marker() for line in lines.values()}) == 4
    assert len({line.get_linestyle() for line in lines.values()}) == 4
    assert {text.get_text() for text in ax.texts} == set(anonymous_paths.LABELS)
    for line in lines.values():
        low, high = np.array([ax.get_xlim(), ax.get_ylim()]).T
        assert ((line.get_xydata() >= low) & (line.get_xydata() <= high)).all()
    plt.close(ax.figure)


@pytest.mark.parametrize("variant", ["17", 1.5, True, None, [1]])
def test_a_variant_that_is_no_whole_number_is_refused_in_words(variant):
    with pytest.raises(TypeError, match="whole number"):
        exercises.anonymous_paths(variant)
    verdict = check("which_path", anonymous_paths.names_of(0), variant=variant)
    assert verdict.mistake == "variant is not a whole number"


def test_an_unknown_name_is_a_wrong_label_and_a_strange_variant_keeps_what_it_is_to_itself():
    right = anonymous_paths.names_of(0)
    verdict = check("which_path", {**right, "B": "admam"}, variant=0)
    assert verdict.score == 0.75 and verdict.message.startswith("3 of 4 are right: A, C, D.")
    assert "B is 'admam', which is none of the four. Did you mean 'adam'?" in verdict.message
    assert "it is an object." in check("which_path", right, variant=object()).message


@pytest.mark.parametrize("variant", range(24))
def test_labels_are_judged_one_by_one(variant):
    right = anonymous_paths.names_of(variant)
    assert check("which_path", right, variant=variant).passed
    assert check("which_path", right, variant=np.int64(variant)).passed
    for one, other in itertools.combinations(right, 2):
        swapped = {**right, one: right[other], other: right[one]}
        verdict = check("which_path", swapped, variant=variant)
        assert verdict.score == 0.5 and verdict.points(4) == 2
        kept = ", ".join(label for label in right if label not in (one, other))
        assert verdict.message.startswith(f"2 of 4 are right: {kept}.")
        for label in (one, other):
            assert f"{label} is not {which_path.TITLES[swapped[label]]}:" in verdict.message
            assert f"{label} is {which_path.TITLES[right[label]]}" not in verdict.message


def test_what_speaks_against_a_name_is_true_of_the_path_and_not_of_the_names_own():
    paths = {name: anonymous_paths.run(name).params for name in anonymous_paths.OPTIMIZERS}
    steps = {name: np.diff(path, axis=0) for name, path in paths.items()}
    ratio = {name: np.abs(step[0]).max() / np.abs(step[0]).min() for name, step in steps.items()}
    leap = {name: np.linalg.norm(step[0]) / np.linalg.norm(step[1]) for name, step in steps.items()}
    assert ratio["adam"] == pytest.approx(1) and ratio["rmsprop"] == pytest.approx(1)
    assert ratio["sgd"] == pytest.approx(ratio["momentum"]) and ratio["sgd"] > 4
    assert leap["rmsprop"] > 1.9 and leap["adam"] == pytest.approx(1, abs=0.05)
    for claimed, true in itertools.permutations(paths, 2):
        said = which_path.sign_against(claimed, paths[true])
        adaptive = {"rmsprop", "adam"}
        if (claimed in adaptive) != (true in adaptive):
            wanted = (
                "equally long in both" if true in adaptive else f"{ratio[true]:.1f} times as long in one coordinate"
            )
        else:
            wanted = {
                "sgd": "degrees away",
                "momentum": "straight downhill",
                "rmsprop": "about as long as its second",
            }.get(claimed, f"{leap[true]:.1f} times as long as its second")
        assert wanted in said, (claimed, true, said)


def test_one_name_for_all_paths_earns_nothing():
    for variant in range(8):
        for name in ("sgd", "momentum", "rmsprop", "adam"):
            found = check("which_path", dict.fromkeys("ABCD", name), variant=variant)
            assert found.score == 0 and "more than once" in found.message
