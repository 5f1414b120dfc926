"""The draws behind sums of money."""

import subprocess
import sys

import numpy as np
import pytest

from caudal.service.indicators.statistics.montecarlo import (
    DRAWS,
    apart,
    band,
    between,
    between_logs,
    estimate,
    normal,
    uniform,
)


def test_draws_lie_one_in_each_step():
    steps = np.sort((uniform("a factor") * DRAWS).astype(int))
    assert (steps == np.arange(DRAWS)).all()


def test_a_name_alone_decides_its_draws():
    first = uniform("one").copy()
    uniform.cache_clear()
    uniform("two")
    assert (uniform("one") == first).all()


def test_factors_of_two_names_are_independent():
    assert abs(np.corrcoef(uniform("one"), uniform("two"))[0, 1]) < 4 / np.sqrt(DRAWS)


def test_another_process_draws_the_same():
    script = "from caudal.service.indicators.statistics.montecarlo import uniform; print(repr(float(uniform('theta')[7])))"
    there = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert float(there) == uniform("theta")[7]


def test_the_draws_of_published_vintages_stay():
    """A change of these numbers changes every published sum of money: it needs new method versions."""
    assert uniform("theta")[:3] == pytest.approx(
        [0.7366740054101568, 0.3119941680874594, 0.7012692136489098], abs=1e-15
    )


def test_percentiles_of_an_even_factor_are_where_they_must_be():
    found = band(between("a factor", 0.0, 100.0))
    assert (found.low, found.value, found.high) == pytest.approx((5.0, 50.0, 95.0), abs=0.02)


def test_percentiles_on_the_log_scale():
    # e^(ln 1 + 0.05·ln 100), …: 100^0.05 = 1.2589, 100^0.5 = 10, 100^0.95 = 79.43
    found = band(between_logs("a factor", 1.0, 100.0))
    assert (found.low, found.value, found.high) == pytest.approx((1.2589, 10.0, 79.433), rel=1e-3)
    assert (between_logs("a factor", 3.0, 3.0) == 3.0).all()


def test_a_factor_apart_from_one_has_one_in_the_middle():
    found = band(apart("a factor", 0.25))
    # e^(∓0.9·0.25)
    assert (found.low, found.value, found.high) == pytest.approx((0.79852, 1.0, 1.25232), rel=1e-3)
    assert (apart("a factor", 0.0) == 1.0).all()


def test_normal_deviates_have_mean_zero_and_variance_one():
    assert float(normal("noise").mean()) == pytest.approx(0.0, abs=1e-3)
    assert float(normal("noise").var()) == pytest.approx(1.0, abs=1e-2)


def test_an_estimate_carries_seed_and_draws():
    answer = estimate(band(between("a factor", 0.0, 1.0)), 7, "x", {"more": 1.0}, {"from_memory"})
    assert answer.low < answer.value < answer.high
    assert answer.details["draws"] == DRAWS
    assert answer.details["seed"] > 0
    assert answer.details["more"] == 1.0
    assert (answer.flows, answer.dimension, answer.flags) == (7, "x", frozenset({"from_memory"}))
