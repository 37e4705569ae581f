"""Colours that survive every kind of colour vision, by simulation; contrast of lines and text.

A distance is that of Luo, Cui and Li (2006), in which about 1 can just be seen side by side. The simulation is that of
Machado, Oliveira and Fernandes (2009), doi:10.1109/TVCG.2009.113, at full severity.
"""

import itertools
import json
import re

import numpy as np
import pytest
from colorspacious import cspace_convert, deltaE
from colorspacious.cvd import machado_et_al_2009_matrix

from optcourse import optimizers
from optcourse.explorables import bundle
from optcourse.plotting import style

VISION = ("normal", "deuteranomaly", "protanomaly", "tritanomaly")
APART = 10.0  # between two colours of paths, for every vision: ten times what can just be seen
LINE, TEXT = 3.0, 4.5  # WCAG 2.2, success criteria 1.4.11 and 1.4.3
each_theme = pytest.mark.parametrize("theme", style.THEMES.values(), ids=style.THEMES)


def rgb(color: str) -> np.ndarray:
    """#rrggbb as numbers from 0 to 1; of #rrggbbaa the alpha is left out."""
    return np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def over(color: str, ground: str) -> np.ndarray:
    """A colour that lets something through, in front of a ground."""
    alpha = int(color[7:9], 16) / 255 if len(color) == 9 else 1.0
    return alpha * rgb(color) + (1 - alpha) * rgb(ground)


def seen_by(vision: str, color: np.ndarray) -> np.ndarray:
    if vision == "normal":
        return color
    simulated = {"name": "sRGB1+CVD", "cvd_type": vision, "severity": 100}
    return np.clip(cspace_convert(color, simulated, "sRGB1"), 0, 1)


def luminance(color: np.ndarray) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    linear = np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(a: np.ndarray, b: np.ndarray) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def distances(palette: dict[str, str], vision: str) -> dict[tuple[str, str], float]:
    """How far apart every two colours of a palette look."""
    seen = {name: seen_by(vision, rgb(color)) for name, color in palette.items()}
    pairs = itertools.combinations(palette, 2)
    return {(a, b): float(deltaE(seen[a], seen[b], input_space="sRGB1")) for a, b in pairs}


def test_the_simulation_is_that_of_the_paper():
    # Table 1 of the paper, severity 1.0.
    table = {
        "protanomaly": [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        "deuteranomaly": [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.01182, 0.04294, 0.968881],
        ],
        "tritanomaly": [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.3039],
        ],
    }
    for kind, matrix in table.items():
        np.testing.assert_allclose(machado_et_al_2009_matrix(kind, 100), matrix, atol=1e-6)
        np.testing.assert_allclose(seen_by(kind, np.array([0.5, 0.5, 0.5])), 0.5, atol=1e-3)  # grey stays grey


@each_theme
@pytest.mark.parametrize("vision", VISION)
def test_every_two_colours_of_paths_stay_apart(theme, vision):
    close = {pair: round(d, 1) for pair, d in distances(theme["palette"], vision).items() if d < APART}
    assert not close, f"closer than {APART} in CAM02-UCS for {vision}"


def test_colours_that_fall_together_are_noticed():
    red_and_green = {"red": "#B05000", "green": "#707000"}  # the same to who has no middle cones
    assert distances(red_and_green, "normal")["red", "green"] > 2 * APART
    assert distances(red_and_green, "deuteranomaly")["red", "green"] < APART
    assert contrast(rgb("#767676"), rgb("#ffffff")) == pytest.approx(4.54, abs=0.01)  # an example of WCAG's own


def test_marker_or_line_style_repeats_what_the_colour_says():
    looks = style.path_styles(list(optimizers.catalogue()))
    for a, b in itertools.combinations(looks, 2):
        assert (a["marker"], a["linestyle"]) != (b["marker"], b["linestyle"])
    few = style.path_styles(["sgd", "momentum", "nesterov", "rmsprop", "adam"])
    assert len({look["marker"] for look in few}) == len({look["color"] for look in few}) == 5


@each_theme
def test_lines_stand_out_from_what_is_around_them(theme):
    # A path has a halo, so that what lies next to it is the halo over the ground, from the lowest loss to the highest.
    for name, color in theme["palette"].items():
        for ground in ("low", "high", "paper"):
            beside = over(theme["halo"], theme[ground])
            assert contrast(rgb(color), beside) >= LINE, f"{name} on the halo over {ground}"
        assert contrast(rgb(color), rgb(theme["paper"])) >= LINE, f"{name} as a curve"


@each_theme
def test_text_can_be_read(theme):
    for ink, ground in itertools.product(("ink", "faint", "accent"), ("paper", "soft")):
        assert contrast(rgb(theme[ink]), rgb(theme[ground])) >= TEXT, f"{ink} on {ground}"
    assert contrast(rgb(theme["paper"]), rgb(theme["accent"])) >= TEXT, "a pressed button"


def test_signs_of_the_basin_map_repeat_its_colours_and_can_be_read():
    # Areas may look alike: on each stands a sign, black with a pale edge, which the table below the map explains.
    source = (bundle.PAGE / "basins.js").read_text(encoding="utf-8")
    colors = json.loads(re.search(r"BASIN_COLORS = (\[.*?\]);", source)[1])
    assert len(colors) == len(set(colors)) == 8
    for color in colors:
        assert contrast(rgb("#000000"), rgb(color)) >= TEXT
    assert "drawSign(context, this.endings.kinds[kind]?.sign" in source


def test_live_figures_have_the_same_colours():
    script = bundle.runtime()
    for theme in style.THEMES.values():
        for color in (*theme["palette"].values(), theme["ink"], theme["paper"], theme["halo"]):
            assert color.lower() in script.lower()
