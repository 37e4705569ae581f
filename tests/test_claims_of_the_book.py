"""Every claim of the book is a check that can fail: with another number it does, and its two sides are not the same.

nbval runs the checks themselves. These tests look at what was recorded, and at how the chapters call `verify`.
"""

import ast
import math

import chapters
import claims
import pytest

from optcourse.claims import verify

CLAIMS = [
    (chapter.name, record)
    for chapter in chapters.chapters()
    if chapter.notebook.exists()
    for record in claims.collect(chapter.read_notebook())
]
NUMBERS = [(name, record) for name, record in CLAIMS if claims.has_number(record)]
# Shares that are counted in a sample: the tolerance is three standard errors, however small the share.
WIDEST = 1 / 3  # of the theory


def bounds_of(record) -> dict:
    words = (
        record["theory"].replace(" to ", " ").replace("at least ", "at_least ").replace("at most ", "at_most ").split()
    )
    if words[0] in ("at_least", "at_most"):
        return {words[0]: float(words[1])}
    return {"at_least": float(words[0]), "at_most": float(words[1])}


def test_there_are_claims_in_every_chapter_of_the_course():
    courses = [page.removeprefix("book/exercises/") for page in chapters.pages() if page.startswith("book/exercises/")]
    assert len(courses) >= 5  # a chapter of the course is one with exercises
    for chapter in courses:
        numbers = [record for name, record in NUMBERS if name == chapter]
        assert len(numbers) >= 15, chapter


@pytest.mark.parametrize("name, record", NUMBERS, ids=[f"{name}: {record['statement']}" for name, record in NUMBERS])
def test_a_claim_fails_when_its_number_is_changed(name, record):
    if record["tolerance"] == "bounds":
        bounds = bounds_of(record)
        for side, beyond in (("at_least", -math.inf), ("at_most", math.inf)):
            if side in bounds:
                other = math.nextafter(bounds[side], beyond)
                with pytest.raises(AssertionError):
                    verify(record["statement"], other, **bounds)
        low, high = bounds.get("at_least"), bounds.get("at_most")
        assert low is None or high is None or low < high
        return
    theory, tolerance = float(record["theory"]), record["tolerance"]
    changes = (theory + 1.01 * tolerance + 1e-300, theory - 1.01 * tolerance - 1e-300, 1.5 * theory, -theory)
    for changed in (*[x for x in changes if abs(x - theory) > tolerance], math.nan):
        with pytest.raises(AssertionError):
            verify(record["statement"], changed, theory, tolerance=tolerance)
    assert theory == 0 or not tolerance or tolerance <= WIDEST * abs(theory), (
        f"{name}: a tolerance of {tolerance:g} about {theory:g} accepts almost anything"
    )


def test_no_statement_is_made_twice():
    seen = [(name, record["statement"]) for name, record in CLAIMS]
    assert len(set(seen)) == len(seen), sorted({claim for claim in seen if seen.count(claim) > 1})


def calls(chapter):
    for cell in chapter.read_notebook().cells:
        if cell.cell_type == "code":
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "verify":
                    yield node


@pytest.mark.parametrize("chapter", chapters.chapters(), ids=lambda chapter: chapter.name)
def test_what_is_measured_is_computed_and_not_the_theory_itself(chapter):
    for call in calls(chapter):
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        measured = call.args[1] if len(call.args) > 1 else keywords["measured"]
        theory = call.args[2] if len(call.args) > 2 else keywords.get("theory")
        text = ast.unparse(call)
        assert any(isinstance(node, (ast.Name, ast.Call)) for node in ast.walk(measured)), f"a literal: {text}"
        assert theory is None or ast.dump(theory) != ast.dump(measured), f"the same on both sides: {text}"
