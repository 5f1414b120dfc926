"""The regions of filings as sets of countries."""

import pytest

from caudal.reference import load_reference
from caudal.service.indicators.facts.filingregions import FilingRegions
from tests.service.indicators.world import SUBREGIONS, table, world


@pytest.fixture(scope="module")
def regions(context, country):
    facts = world(
        filing_regions=load_reference().facts("filing_regions"),
        countries=table(*({"country": c, "region": r} for c, r in SUBREGIONS.items())),
        country_groups=table(
            *({"group_id": "BLOC", "country": c} for c in ("CL", "MX", "AQ", "XX")),
            {"group_id": "UNINHABITED", "country": "AQ"},
        ),
    )
    return FilingRegions(context(country(country="CL"), facts=facts))


@pytest.mark.parametrize(
    ("region", "countries"),
    [
        ("US_CANADA", {"US", "CA"}),
        ("LATAM", {"CL", "BR", "MX"}),
        ("OTHER_AMERICAS", {"CL", "BR", "MX", "CA"}),
        ("EUROPE", {"DE", "TR"}),
        ("EMEA", {"DE", "TR", "NG", "IR"}),
        ("APAC", {"CN"}),
        ("UK_EUROPE_LATAM", {"DE", "CL", "BR", "MX"}),
        ("OUTSIDE_CHINA", set(SUBREGIONS) - {"AQ", "CN"}),
        ("DE", {"DE"}),
        ("BLOC", {"CL", "MX"}),
    ],
)
def test_a_region_is_its_countries(regions, region, countries):
    assert regions.find("search", region, ()).countries == countries


def test_the_same_name_means_what_the_reporter_means(regions):
    assert regions.find("apple", "EUROPE", ()).countries == {"DE", "TR", "NG", "IR"}


def test_the_rest_of_the_world_is_what_the_other_regions_leave(regions):
    rest = regions.find("search", "REST_OF_WORLD", ("US_CANADA", "EUROPE", "APAC"))
    assert rest.countries == {"CL", "BR", "MX", "NG", "IR"}
    assert not rest.seen
    others = regions.find("search", "REST_OF_WORLD", ("US", "DE"))
    assert others.countries == set(SUBREGIONS) - {"AQ", "US", "DE"}
    assert others.seen


@pytest.mark.parametrize("region", ["WORLD", "AWS_SEGMENT", "HEDGING", "NORTH_AMERICA_SEGMENT", "ZZ"])
def test_what_is_no_part_of_the_world_has_no_countries(regions, region):
    assert regions.find("search", region, ()) is None


def test_a_rest_of_nothing_known_is_not_the_world(regions):
    assert regions.find("search", "REST_OF_WORLD", ("AWS_SEGMENT",)) is None


def test_the_regions_of_each_shipped_filing_do_not_overlap(context):
    """Meta, Google, Netflix, Amazon, Microsoft: a country's revenue is in one region of a filing at most."""
    reference = load_reference()
    facts = {name: reference.facts(name) for name in ("countries", "country_groups", "filing_regions")}
    regions = FilingRegions(context(facts=facts))
    filings: dict[tuple[object, ...], list[str]] = {}
    for row in reference.facts("regional_revenue").iter_rows(named=True):
        usable = row["metric"] == "revenue_usd_m" and row["usable_for_value"]
        if usable and row["platform_id"] != "bytedance":
            filings.setdefault((row["platform_id"], row["period"]), []).append(row["region"])
    for (platform, _), names in filings.items():
        found = [regions.find(platform, name, [n for n in names if n != name]) for name in names]
        sets = [each.countries for each in found if each is not None]
        assert sum(len(each) for each in sets) == len(frozenset().union(*sets)), platform
