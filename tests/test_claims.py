"""A claim that holds is printed and recorded; one that does not fails the cell."""

import math

import pytest

from optcourse.claims import show, verify


@pytest.mark.parametrize(
    ("measured", "theory", "tolerance"),
    [(1.05, 1.0, 0.1), (3, 3, 0), ("Adam", "Adam", 0), (True, True, 0), (math.inf, math.inf, 0), (1e-16, 0, 1e-12)],
)
def test_a_true_claim_is_printed(capsys, measured, theory, tolerance):
    verify("it holds", measured, theory, tolerance=tolerance)
    assert capsys.readouterr().out.startswith("✓ it holds\n" if theory is True else "✓ it holds: measured ")


@pytest.mark.parametrize(
    ("measured", "theory", "tolerance"),
    [(1.2, 1.0, 0.1), (3, 4, 0), ("Adam", "SGD", 0), (False, True, 0), (math.nan, 1.0, 1.0), (math.inf, 1.0, 1e9)],
)
def test_a_false_claim_fails(measured, theory, tolerance):
    with pytest.raises(AssertionError, match="✗ it does not: measured"):
        verify("it does not", measured, theory, tolerance=tolerance)


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"at_least": 5000, "at_most": 10_000}, "5000 to 10000"),
        ({"at_least": 5000}, "at least 5000"),
        ({"at_most": 1e4}, "at most 10000"),
    ],
)
def test_bounds_take_the_place_of_a_theory(capsys, bounds, expected):
    verify("steps", 7321, **bounds)
    assert capsys.readouterr().out == f"✓ steps: measured 7300, expected {expected}\n"
    for beyond in (4999 if "at_least" in bounds else 10_001, math.nan):
        with pytest.raises(AssertionError, match=f"✗ steps: measured .*, expected {expected}"):
            verify("steps", beyond, **bounds)


def test_digits_show_on_which_side_of_a_bound_it_is(capsys):
    verify("near", 1.1537, at_most=1.155)
    verify("far", 1.1537, at_most=2)
    verify("large", 12_345_678.0, at_least=5)
    said = [line.split("measured ")[1].split(",")[0] for line in capsys.readouterr().out.splitlines()]
    assert said == ["1.15", "1.2", "1.2e+07"]
    with pytest.raises(AssertionError, match=r"measured 1\.2, expected at most 1\.1552"):
        verify("beyond", 1.1556, at_most=1.1552)


def test_a_claim_needs_a_theory_or_bounds_and_not_both():
    with pytest.raises(TypeError, match="either what theory says, or bounds"):
        verify("nothing to compare with", 1.0)
    with pytest.raises(TypeError, match="either what theory says, or bounds"):
        verify("both", 1.0, 1.0, at_least=0.5)


def test_numbers_are_shown_to_the_precision_that_is_checked():
    assert show(0.04003, 1e-4) == "0.0400"
    assert show(1001.6012, 0.1) == "1001.6"
    assert show(30.0, 0) == "30"
    assert show(3e-16, 1e-12) == "0"
    assert show(29484.6, 5) == "29485"


def test_a_claim_leaves_a_record_in_a_notebook():
    from IPython.testing.globalipapp import get_ipython, start_ipython
    from IPython.utils.capture import capture_output

    start_ipython() or get_ipython()
    with capture_output() as captured:
        verify("recorded", 0.1234, 0.1235, tolerance=1e-3, source="theory")
    (output,) = captured.outputs
    assert output.metadata["optcourse"]["claim"] == {
        "statement": "recorded",
        "measured": "0.123",
        "theory": "0.123",
        "tolerance": 1e-3,
        "source": "theory",
    }
