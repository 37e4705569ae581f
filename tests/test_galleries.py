"""The gallery pages: complete, up to date, and true where they state numbers."""

import re

import chapters
import galleries
import numpy as np
import pytest
import schedule_gallery

from optcourse import optimizers, schedules, surfaces
from optcourse.surfaces import LossSurface, Minimum

CATALOGUES = {"surface_gallery": surfaces.catalogue(), "optimizer_gallery": optimizers.catalogue()}


@pytest.mark.parametrize("name", CATALOGUES)
def test_a_gallery_shows_everything_once_and_is_up_to_date(name):
    page = galleries.page_of(name)
    assert f"book/{name}" in chapters.pages()
    assert galleries.is_up_to_date(page), f"{page.name}: the package changed since it was made. Run make execute."
    shown = re.findall(r"^```{live-figure} \w+ (\w+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert shown == list(CATALOGUES[name])


def test_the_gallery_of_schedules_shows_each_once_with_its_picture_and_every_difference():
    page = galleries.page_of("schedule_gallery")
    assert "book/schedule_gallery" in chapters.pages()
    assert galleries.is_up_to_date(page), f"{page.name}: the package changed since it was made. Run make execute."
    text = page.read_text(encoding="utf-8")
    shown = re.findall(r"^```{figure} images/schedules/(\w+)\.png$", text, re.MULTILINE)
    assert shown == list(schedules.catalogue())
    assert {path.stem for path in schedule_gallery.PICTURES.iterdir()} == set(shown)
    for entry in schedules.entries().values():
        assert all(f"| {difference.what} |" in text for difference in entry.differences)
        assert entry.source in text and entry.torch_name in text


def test_words_for_a_schedule_are_its_numbers():
    words = schedule_gallery.words_for(schedules.entries()["cosine"])
    assert "1 at step 0, 0.854 at step 25, 0.5 at step 50" in words and "0 at step 130" in words
    assert "Through step 99, PyTorch's is the same" in words
    one_cycle = schedule_gallery.words_for(schedules.entries()["one_cycle"])
    assert "Through step 99, PyTorch's differs by up to 0.03" in one_cycle


def test_the_directives_ask_for_the_figures_that_are_compiled():
    kinds = [kind for kind, _, _ in galleries.wanted()]
    assert kinds.count("surface") == len(surfaces.catalogue())
    assert kinds.count("optimizer") == len(optimizers.catalogue())


def test_the_learning_rate_is_the_best_of_those_tried():
    import optcourse as oc

    bowl = surfaces.quadratic_bowl()
    best = galleries.best_rate("sgd", bowl)
    scores = {
        rate: np.median(oc.run(optimizers.sgd(rate), bowl, bowl.start, steps=galleries.STEPS).loss[-galleries.LAST :])
        for rate in galleries.RATES
    }
    assert scores[best] == pytest.approx(np.nanmin(list(scores.values())), rel=1e-9)
    assert galleries.best_rate("lbfgs", bowl) == 1.0  # many are perfect: the nearest to the default


def test_curvature_is_that_of_the_surface():
    bowl = LossSurface(lambda p: 3 * p[0] ** 2 + 0.5 * p[1] ** 2, minima=(Minimum((0.0, 0.0), 0.0),))
    said = galleries.curvature_at(bowl, bowl.minima[0])
    assert said == ", curvatures 1 and 6, where gradient descent can settle with rates below 2/L = 0.3333"
    crease = surfaces.nonsmooth()
    assert "on a crease" in galleries.curvature_at(crease, crease.minima[0])
    assert "no second derivative" in galleries.curvature_at(surfaces.cone(), surfaces.cone().minima[0])


def test_a_figure_is_compiled_once(tmp_path, monkeypatch):
    monkeypatch.setattr(galleries, "KEPT", tmp_path)
    rates = (("sgd", 0.1),)
    html = galleries.figure_html("surface", "booth", rates)
    (kept,) = tmp_path.iterdir()
    kept.write_text("kept", encoding="utf-8")
    assert 'data-optcourse="surface-booth"' in html
    assert galleries.figure_html("surface", "booth", rates) == "kept"
    other = galleries.figure_html("surface", "booth", (("sgd", 0.2),))
    assert other not in ("kept", html)
