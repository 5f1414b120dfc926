"""Which row stands for an indicator: by what it is, never by where it stands in a list."""

from itertools import permutations

import pytest

from caudal.service.indicators import CATALOGUE, Observation
from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.findings.relevance import adds_up, ordered, relevant
from caudal.service.reports.forms.view import view
from caudal.service.reports.language import Language
from caudal.service.reports.pictures import group_chart
from caudal.service.vocabulary.reason import reason

from ..samples import content, measures, observed

Row = tuple[str | None, float | None]


def row(
    indicator: str, dimension: str | None, value: float | None, flows: int = 4000, **details: float
) -> Observation:
    why = None if value is not None else reason("no_bytes")
    made = observed(indicator, value, dimension=dimension, reason=why)
    return Observation(**{**vars(made), "flows": flows, "details": details})


def stands(indicator: str, rows: list[Observation], economy: str = "CL") -> str | None:
    """Return the dimension that stands for an indicator, the same in every order of the rows."""
    definition = CATALOGUE[indicator].definition
    found = {relevant(definition, list(each), economy).dimension for each in permutations(rows)}
    assert len(found) == 1, found
    firsts = {ordered(definition, list(each), economy)[0].dimension for each in permutations(rows)}
    assert firsts == found
    return found.pop()


@pytest.mark.parametrize(
    ("indicator", "rows", "wanted"),
    [
        # The largest foreign jurisdiction, though the country itself has more.
        ("J4", [("CL", 0.6), ("CN", 0.05), ("US", 0.3)], "US"),
        ("J4", [("CL", 0.6)], "CL"),
        # The country's own regime; where it says nothing, the model.
        ("J6", [("EU", 0.3), ("CL", 0.2), ("CL_strict", 0.1), ("EU_strict", 0.2)], "CL"),
        ("J6", [("CL", None), ("EU_strict", 0.2), ("EU", 0.3)], "EU"),
        ("J7", [("proposal", 0.4), ("US", 0.9), ("equal", 0.7), ("content_only", 0.5)], "equal"),
        ("J8", [("place", None), ("network", 0.2), ("network_US", 0.2)], "network"),
        (
            "C4",
            [("largest_1", 0.3), ("pays-largest_4", 1.0), ("largest_8", 0.9), ("largest_4", 0.6)],
            "largest_4",
        ),
        ("C7", [("BR", 0.1), ("US-pays", 0.99), ("US", 0.7)], "US"),
        ("C6", [("AS1", 0.1), ("AS3356", 0.4), ("AS174", 0.3)], "AS3356"),
        ("V3", [("amazon", 5e9), ("all_platforms", 2e9), ("zoom", 1e6)], "all_platforms"),
        ("V4", [("amazon", 90.0), ("all_platforms", 0.2)], "all_platforms"),
        ("V6", [("SH", -9e9), ("DDS", -1e9), ("SI", 2e9)], "DDS"),
        ("V7", [("bound_rates", 9e6), ("applied_rates", 2e6)], "applied_rates"),
        ("P1", [("delivered", 0.9), ("sent", 0.5)], "sent"),
        ("P3", [("region", 0.9), ("economy", 0.5)], "economy"),
        ("P3", [("region", 0.9), ("economy", None)], "region"),
        ("P4", [("commodity_standard", 0.2), ("special_custom", 0.7)], "special_custom"),
        ("V2", [("US", 3.0), (None, 2.0), ("pays", 9.0)], None),
    ],
)
def test_the_row_that_stands_for_an_indicator(indicator: str, rows: list[Row], wanted: str | None) -> None:
    assert stands(indicator, [row(indicator, *each) for each in rows]) == wanted


def test_a_levy_is_that_of_the_country_itself() -> None:
    austria = row("V8", "AT-dst-5", 9e6, in_force=1)
    proposed, weaker = row("V8", "CL-csd-3", 5e6, in_force=0), row("V8", "CL-dst-1", 7e5, in_force=1)
    assert stands("V8", [austria, proposed, weaker]) == "CL-dst-1"
    assert stands("V8", [austria, proposed]) == "CL-csd-3"


def test_without_one_of_its_own_the_levy_of_middle_yield_stands() -> None:
    others = [
        row("V8", name, value, in_force=1)
        for name, value in (("AT-dst-5", 1e6), ("GB-dst-2", 4e6), ("TR-dst-5", 9e6))
    ]
    assert stands("V8", others) == "GB-dst-2"


def test_of_few_providers_the_largest_alone() -> None:
    assert (
        stands("C4", [row("C4", "largest_4", 1.0, providers=3), row("C4", "largest_1", 0.7, providers=3)])
        == "largest_1"
    )


def test_where_parts_do_not_add_up_it_is_the_one_with_most_traffic() -> None:
    large, small = row("V4", "google", 0.1, flows=9000), row("V4", "zoom", 80.0, flows=110)
    assert stands("V4", [small, large]) == "google"
    assert (
        stands("V3", [row("V3", "zoom", 80.0, flows=110), row("V3", "google", 900.0, flows=100)]) == "google"
    )
    assert not adds_up(CATALOGUE["V4"].definition) and adds_up(CATALOGUE["V3"].definition)


def test_a_value_stands_before_none_and_nothing_for_nothing() -> None:
    assert stands("J4", [row("J4", "BR", 0.01), row("J4", "US", None)]) == "BR"
    with pytest.raises(ValueError, match="J4 has no observation"):
        relevant(CATALOGUE["J4"].definition, [], "CL")
    assert ordered(CATALOGUE["J4"].definition, [], "CL") == []


def test_paper_page_and_chart_begin_with_the_row_that_stands() -> None:
    """Though Amazon and Austria come first in the alphabet, and in the data."""
    made = content(
        measures(
            "2026-10",
            row("V4", "amazon", 90.0, flows=110),
            row("V4", "all_platforms", 0.2),
            row("V8", "AT-dst-5", 9e6, in_force=1),
            row("V8", "CL-dst-1", 7e5, in_force=1),
        )
    )
    edition = Edition(made, Language.of("en", "CL"))
    [paper] = view(edition, paper=True)["groups"]
    assert [each["of"] for each in paper["rows"]] == [
        "all that publish revenue by region",
        "Chile: digital services tax, 1.0%",
    ]
    [page] = view(edition, paper=False)["groups"]
    assert [each["of"] for each in page["rows"]][::2] == [
        "all that publish revenue by region",
        "Chile: digital services tax, 1.0%",
    ]
    chart = group_chart(edition, made.groups[0])
    assert chart is not None and 0 < chart.index("all that publish revenue by region") < chart.index("amazon")
    assert 0 < chart.index("Chile: digital") < chart.index("AT: digital")
