"""Which measurement of location accuracy is chosen for an economy, and why."""

import polars as pl
import pytest

from caudal.reference import load_reference
from caudal.service.indicators.statistics.accuracy import (
    Accuracy,
    abroad_accuracy,
    accuracy_in,
    domestic_accuracy,
    regional_accuracy,
)

ABROAD = {"usable": [True], "countries": [""], "excepted": ["US"], "sampled_ips": [9]}


def test_a_countrys_own_measurement_comes_first(context, country):
    own = pl.DataFrame(
        {
            "truth": ["cloud_region_truth"] * 2,
            "usable": [True, True],
            "countries": ["BR CL CO MX", "BR"],
            "excepted": [None, None],
            "sampled_ips": [3000, 2000],
            "geo_whois_asn_country_2026_06": [0.773, 0.864],
        }
    )
    brazil = context(country("BR"), accuracy=own)
    assert domestic_accuracy(brazil) == Accuracy(0.864, 2000, extrapolated=False)
    assert regional_accuracy(brazil) == Accuracy(0.773, 3000, extrapolated=False)
    # Of one country's own measurement nothing follows for another.
    assert domestic_accuracy(context(country("CL"), accuracy=own)) == Accuracy(
        0.773, 3000, extrapolated=False
    )


def test_the_shipped_facts_hold_the_measurement_of_brazil(context, country):
    found = domestic_accuracy(context(country("BR"), accuracy=load_reference().accuracy))
    assert found is not None and not found.extrapolated
    # All of its 3,280,905 addresses were looked up, in 356 ranges.
    assert (found.sensitivity, found.trials) == (0.864, 356)


def test_where_the_ranges_are_told_they_are_the_trials(context, country):
    """Addresses of one range are right or wrong together: 3,000 of 40 ranges are 40 trials."""
    table = pl.DataFrame(
        {
            "usable": [True, True, True],
            "countries": ["BR CL CO MX", "BR", ""],
            "excepted": ["", "", "US"],
            "ranges": [40, 9000, None],
            "sampled_ips": [3000, 2000, 500],
            "geo_whois_asn_country_2026_06": [0.773, 0.864, 0.815],
        }
    )
    brazil = context(country("BR"), accuracy=table)
    assert regional_accuracy(brazil) == Accuracy(0.773, 40, extrapolated=False)
    # Of more ranges than addresses no more than the addresses were tried; and a row may not tell.
    assert domestic_accuracy(brazil) == Accuracy(0.864, 2000, extrapolated=False)
    assert abroad_accuracy(brazil) == Accuracy(0.815, 500, extrapolated=True)


def test_anywhere_abroad_is_the_row_of_all_other_regions(context):
    assert abroad_accuracy(context()) == Accuracy(0.815, 3000, extrapolated=True)


def test_a_country_of_the_row_has_the_rows_sensitivity(context, country):
    assert domestic_accuracy(context(country("CL"))) == Accuracy(0.773, 3000, extrapolated=False)
    assert regional_accuracy(context(country("BR"))) == Accuracy(0.773, 3000, extrapolated=False)


def test_a_neighbour_borrows_the_row_of_its_region_and_says_so(context):
    assert domestic_accuracy(context()) == Accuracy(0.773, 3000, extrapolated=True)


def test_elsewhere_the_row_of_all_other_regions_is_taken(context, country):
    far = context(country("KE"), region_members=frozenset({"KE", "TZ"}))
    assert domestic_accuracy(far) == Accuracy(0.815, 3000, extrapolated=True)


def test_nothing_fits_the_united_states(context, country):
    assert domestic_accuracy(context(country("US"), region_members=frozenset({"US", "CA"}))) is None


@pytest.mark.parametrize(
    "table",
    [
        pl.DataFrame(),
        pl.DataFrame({**ABROAD, "another_database": [0.9]}),
        pl.DataFrame({**ABROAD, "geo_whois_x": [0.001]}),
        pl.DataFrame({**ABROAD, "geo_whois_x": [None]}),
    ],
    ids=["empty", "other database", "no better than a coin", "not measured"],
)
def test_a_table_without_a_usable_figure_measures_nothing(context, table):
    assert domestic_accuracy(context(accuracy=table)) is None


def test_a_row_of_one_cloud_corrects_nothing(context):
    table = pl.DataFrame({**ABROAD, "usable": [False], "geo_whois_x": [0.9]})
    assert abroad_accuracy(context(accuracy=table)) is None


def test_a_territory_has_the_measurement_of_its_country(context):
    rows = pl.DataFrame(
        {
            "usable": [True, True, True],
            "countries": ["BR CL CO MX", "MX", ""],
            "excepted": ["", "", "US"],
            "sampled_ips": [3000, 2000, 500],
            "geo_whois_x": [0.773, 0.498, 0.815],
        }
    )
    here = context(accuracy=rows)
    found = {
        of: accuracy_in(here, frozenset(of.split())).sensitivity for of in ("MX", "CL", "DE", "CL MX", "")
    }
    assert found == {"MX": 0.498, "CL": 0.773, "DE": 0.815, "CL MX": 0.815, "": 0.815}
