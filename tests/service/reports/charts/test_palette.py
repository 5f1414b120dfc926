"""Colours that stay apart in grey and under every form of colour blindness."""

from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt
import pytest

from caudal.service.reports.charts.palette import (
    COLOURS,
    COMMON_COLOUR,
    FAINT,
    INK,
    INTERVAL_COLOUR,
    OTHER_COLOUR,
    PAPER,
    ROUTE_COLOUR,
    SHADES,
    UNKNOWN_COLOUR,
    WAYS,
)

from ..struck import CONTRAST, contrast, luminance, rgb

# What is told apart by its lightness is so many steps of CIE L* apart.
LIGHTNESS_STEP = 10.0
# And so far in CIE L*a*b* (ΔE*ab) to every reader.
DISTANCE = 20.0
Matrix = npt.NDArray[np.float64]
# Machado, Oliveira & Fernandes (2009), table 1, severity 1.0, of linear RGB.
SIMULATED = {
    "usual": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritan": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = TO_XYZ @ np.ones(3)


def lightness(colour: str) -> float:
    """CIE L*, which is all that is left in grey."""
    y = luminance(rgb(colour))
    return float(116 * np.cbrt(y) - 16 if y > 216 / 24389 else y * 24389 / 27)


def lab(colour: str, seen: Matrix) -> Matrix:
    """A colour in CIE L*a*b* as a reader sees it."""
    told = np.array(rgb(colour))
    linear = np.where(told <= 0.04045, told / 12.92, ((told + 0.055) / 1.055) ** 2.4)
    ratio = TO_XYZ @ np.clip(seen @ linear, 0, 1) / WHITE
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("shades", [COLOURS, SHADES, WAYS])
def test_shades_stay_apart_in_grey(shades: tuple[str, ...]) -> None:
    steps = sorted(lightness(each) for each in shades)
    assert min(b - a for a, b in pairwise(steps)) >= LIGHTNESS_STEP


@pytest.mark.parametrize("seen", SIMULATED)
def test_countries_stay_apart_to_every_reader(seen: str) -> None:
    for one, other in combinations(COLOURS, 2):
        distance = np.linalg.norm(lab(one, SIMULATED[seen]) - lab(other, SIMULATED[seen]))
        assert distance >= DISTANCE, (seen, one, other)


def test_classes_of_the_map_go_one_way_and_leave_the_empty_white() -> None:
    steps = [lightness(each) for each in (PAPER, *SHADES)]
    assert steps == sorted(steps, reverse=True) and steps[0] - steps[1] >= 7


def test_texts_and_signs_have_the_contrast_they_need() -> None:
    paper = rgb(PAPER)
    assert min(contrast(rgb(each), paper) for each in (INK, FAINT)) >= CONTRAST
    # Of signs (WCAG 2.2, 1.4.11): arcs, dots and rings; bars of an interval end in dark strokes.
    assert min(contrast(rgb(each), paper) for each in (ROUTE_COLOUR, COLOURS[0])) >= 3
    assert contrast(rgb(COLOURS[0]), rgb(INTERVAL_COLOUR)) >= 3


def test_what_is_no_country_is_grey_or_white() -> None:
    for each in (COMMON_COLOUR, OTHER_COLOUR, UNKNOWN_COLOUR):
        assert max(rgb(each)) - min(rgb(each)) < 0.1
