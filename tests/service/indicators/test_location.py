"""Bytes that were placed wrongly: how many, and how surely."""

import math

import numpy as np
import pytest

from caudal.service.indicators.model.cells import MonthCells
from caudal.service.indicators.statistics.accuracy import Accuracy
from caudal.service.indicators.statistics.location import location_scenarios, misplaced

Z = 1.959964
LEVEL = 0.95
MEASURED = Accuracy(0.8, 100, extrapolated=False)


@pytest.fixture(scope="module")
def read(cells, context):
    return lambda rows: MonthCells.read(cells(rows), context())


@pytest.fixture(scope="module")
def rows(cell):
    """1,000 bytes: BR 600 by a database, in 100 networks of 6; US 200 exactly; 200 nowhere known."""
    networks = [cell(6, "BR", "database", remote_asn=64500 + n) for n in range(100)]
    return [*networks, cell(200, "US", "operator", "search"), cell(200)]


def everything(month):
    return np.ones(len(month), dtype=np.bool_)


@pytest.fixture
def pointed(cell):
    """1,000 bytes by a database: BR 600 in 100 networks of 6, US the rest; each network's bytes with such a variance."""

    def make(variance=0.0):
        networks = [
            cell(6, "BR", "database", remote_asn=64500 + n, bytes_variance=variance) for n in range(100)
        ]
        return [*networks, cell(400, "US", "database", "search")]

    return make


def in_brazil(month):
    return month.equals("remote_country", "BR")


def test_what_was_placed_elsewhere_follows_from_what_was_not(read, pointed):
    month = read(pointed())
    # 600/0.8 = 750, so 150 were not; dM/dSe = −0.6/0.8², Se ± √(0.8·0.2/100); and 100 networks found of about 125:
    # √(0.2·100·6²)/(1000·0.8), at the upper limit of how many there are.
    error = 0.6 / 0.64 * math.sqrt(0.16 / 100)
    by_network = math.sqrt(0.2 * 100 * 36) / 800 / (1 - Z * math.sqrt(0.2 / (0.8 * 100)))
    expected = 0.15 + Z * math.hypot(error, by_network)
    assert misplaced(month, in_brazil(month), MEASURED, LEVEL) == pytest.approx(expected, abs=1e-6)


def test_sampling_of_what_was_found_counts_too(read, pointed):
    month, same = read(pointed(36.0)), read(pointed())
    sampled, exact = (misplaced(each, in_brazil(each), MEASURED, LEVEL) - 0.15 for each in (month, same))
    # 60 bytes of 1,000, a quarter of which were placed elsewhere.
    assert sampled == pytest.approx(math.hypot(exact, Z * 0.25 * 0.06), abs=1e-6)


def test_no_more_was_misplaced_than_lies_where_errors_point_to(read, cell):
    few = read(
        [cell(900, "BR", "database"), cell(10, "US", "database"), cell(90, "US", "operator", "search")]
    )
    assert misplaced(few, in_brazil(few), MEASURED, LEVEL) == pytest.approx(0.01)
    none = read([cell(900, "BR", "database"), cell(100, "US", "operator", "search")])
    assert misplaced(none, in_brazil(none), MEASURED, LEVEL) == 0.0


def test_nothing_was_misplaced_of_what_no_database_placed_or_nobody_measured(read, rows, pointed):
    month = read(rows)
    assert misplaced(month, ~in_brazil(month), MEASURED, LEVEL) == 0.0
    month = read(pointed())
    assert misplaced(month, everything(month), MEASURED, LEVEL) > 0.0
    assert misplaced(month, everything(month), None, LEVEL) == 0.0


def test_certain_of_its_database_a_country_misses_nothing(read, pointed):
    month = read(pointed())
    assert misplaced(month, in_brazil(month), Accuracy(1.0, 100, extrapolated=False), LEVEL) == 0.0


def test_every_scenario_holds_its_value_and_the_corrected_ones_are_the_widest(read, rows):
    month = read(rows)
    inside = month.equals("remote_country", "BR")
    scenarios = list(location_scenarios(month, inside, everything(month), everything(month), MEASURED, LEVEL))
    # As located, without and with the unknown 200; the same of 600 corrected, Sp 0.998 and 1.
    corrected = 600 * (1 - 0.002) / 0.798, 600 / 0.8
    assert [each.value for each in scenarios] == pytest.approx(
        [0.6, 0.8, min(0.6, corrected[0] / 1000), min(0.6, corrected[1] / 1000) + 0.2]
    )
    for each in scenarios:
        assert each.interval[0] <= each.value <= each.interval[1]
    # Without sampling nothing else moves what was located.
    assert [each.interval for each in scenarios[:2]] == [pytest.approx((0.6, 0.6)), pytest.approx((0.8, 0.8))]
    without = list(location_scenarios(month, inside, everything(month), everything(month), None, LEVEL))
    assert without == scenarios[:2]
