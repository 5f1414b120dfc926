"""When nothing is told: the interval says nothing, the coverage is too low, there is no value or it is withheld."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.service.confidentiality.confidentiality import CONFIDENTIAL
from caudal.service.indicators import CATALOGUE, Observation
from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.findings.telling import COVERAGE_FLOOR, Silence, silence
from caudal.service.reports.language import LANGUAGES, Language
from caudal.service.vocabulary.reason import reason

from ..samples import content, measures, observed

WITHHELD = reason("withheld", why=reason("one_reported", minimum=3), rule="few", degree="primary")


def why(indicator: str, seen: Observation) -> Silence | None:
    return silence(CATALOGUE[indicator].definition, seen)


@pytest.mark.parametrize(
    ("indicator", "low", "value", "high", "expected"),
    [
        ("J1", 0.20, 0.30, 0.70, None),
        ("J1", 0.20, 0.30, 0.71, Silence.WIDE),
        # From −1 to 1: half of that is one.
        ("V1", -0.99, -0.5, -0.01, None),
        ("V1", -0.1, 0.2, 0.5, Silence.STRADDLES),
        ("V1", 0.0, 0.2, 0.5, Silence.STRADDLES),
        ("V6", -9e9, -4e9, -2e9, None),
        ("V6", -9e9, -4e9, 1e9, Silence.STRADDLES),
        ("V6", -9e9, -1e9, -1e8, Silence.WIDE),
        # Without a greatest value: ten times is the order of magnitude.
        ("V3", 1e8, 3e8, 1e9, None),
        ("V3", 1e8, 3e8, 1.1e9, Silence.WIDE),
        ("V7", 0.0, 3e8, 1e9, Silence.WIDE),
        ("C3", 2.0, 4.0, 15.0, None),
        ("C3", 1.4, 4.0, 15.0, Silence.WIDE),
    ],
)
def test_an_interval_that_says_nothing(
    indicator: str, low: float, value: float, high: float, expected: Silence | None
) -> None:
    assert why(indicator, observed(indicator, value, low, high)) == expected


def test_a_country_of_which_too_little_was_metered() -> None:
    seen = observed("J4", 0.6, 0.58, 0.62, "US")
    assert why("J4", replace(seen, coverage=COVERAGE_FLOOR)) is None
    assert why("J4", replace(seen, coverage=COVERAGE_FLOOR - 0.001)) is Silence.COVERAGE
    assert why("J4", replace(seen, coverage=None)) is Silence.COVERAGE_UNKNOWN
    # What rests on filings, tariffs or routes was not metered.
    for indicator in ("V3", "V5", "V6", "C6"):
        assert why(indicator, replace(observed(indicator, 0.5, 0.4, 0.6), coverage=0.0029)) is None


def test_what_is_withheld_and_what_lacks_are_two_things() -> None:
    assert why("J1", observed("J1", None, reason=reason("no_bytes"))) is Silence.INSUFFICIENT
    assert why("J1", observed("J1", None, reason=WITHHELD, flags=(CONFIDENTIAL,))) is Silence.CONFIDENTIAL


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=3).map(sorted), st.sampled_from(["V1"]))
def test_no_direction_is_told_of_an_interval_that_holds_both(limits: list[float], indicator: str) -> None:
    low, value, high = limits
    if why(indicator, observed(indicator, value, low, high)) is None:
        assert low > 0 or high < 0


def said(seen: Observation, language: str = "en") -> str:
    made = content(measures("2026-10", seen))
    return Edition(made, Language.of(language, "CL")).finding(made.groups[0])


def test_each_silence_says_why_and_who_has_what_is_missing() -> None:
    seen = observed("J4", 0.6, 0.58, 0.62, "US")
    assert said(replace(seen, coverage=0.0029)) == (
        "Share of traffic by the jurisdiction that controls it: nothing is said of the country, as the reporting networks serve 0.29% of its users, "
        "less than 10%. The other operators have what is missing."
    )
    assert "Their operators have that number." in said(replace(seen, coverage=None))
    assert said(replace(seen, low=0.1, high=0.9)) == (
        "Share of traffic by the jurisdiction that controls it: nothing can be stated, as the value may be anything between 10.0% and 90.0%. What is missing "
        "are locations and operators of the undetermined traffic, and more networks: the operators have them."
    )
    assert (
        "no direction can be stated, as the value may be anything between −US$\u00a02.00 and US$\u00a01.00\u00a0billion a year."
        in said(observed("V6", -1e9, -2e9, 1e9, "DDS"))
    )
    assert "withheld for confidentiality" in said(
        observed("J1", None, reason=WITHHELD, flags=(CONFIDENTIAL,))
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_that_is_not_told_is_in_the_sentences(language: str) -> None:
    """An index that straddles zero is told neither above nor below, in no group and no language."""
    seen = [
        observed("V1", 0.28, -0.1, 0.6, "without_video_and_cdn"),
        observed("V3", 4e8, 2e8, 8e8, "all_platforms"),
    ]
    made = content(measures("2026-10", *seen))
    found = Edition(made, Language.of(language, "CL")).found()
    assert [each.indicator for each in found] == ["V3"] and found[0].more == ()
    assert "0,28" not in found[0].text and "0.28" not in found[0].text
