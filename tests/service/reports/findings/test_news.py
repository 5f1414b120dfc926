"""What changed: few things, beyond the intervals and beyond what a reader rounds away."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from caudal.service.indicators import Observation
from caudal.service.reports.content.change import Since, noticeable, same_networks
from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.findings.news import MOST
from caudal.service.reports.language import LANGUAGES, Language

from ..samples import content, measures, observed

SHARES = st.floats(0, 1, allow_nan=False)


def edition(
    now: list[Observation], before: list[Observation], since: Since = "month_before", language: str = "en"
) -> Edition:
    month = {"month_before": "2026-09", "year_before": "2025-10"}[since]
    made = content(measures("2026-10", *now), {since: measures(month, *before)})
    return Edition(made, Language.of(language, "CL"))


def share(
    value: float, indicator: str = "J4", dimension: str | None = "US", spread: float = 0.002
) -> Observation:
    return observed(indicator, value, value - spread, value + spread, dimension)


def test_a_change_is_told_of_the_row_that_stands_for_an_indicator() -> None:
    said = edition([share(0.6), share(0.2, dimension="CN")], [share(0.5), share(0.1, dimension="CN")])
    told = [
        "Share of traffic by the jurisdiction that controls it (United States) rose from 50.0% in September 2026 to 60.0% of the measured traffic."
    ]
    # China's rose as well, and is in the data only.
    assert said.changed() == told
    assert said.changes(said.content.groups[0]) == told


@pytest.mark.parametrize("language", LANGUAGES)
def test_months_are_named_in_every_language(language: str) -> None:
    [told] = edition([share(0.6)], [share(0.5)], "year_before", language).changed()
    known = {"en": "October 2025", "es": "octubre de 2025", "pt": "outubro de 2025"}
    assert known.get(language, Language.of(language, "CL").month("2025-10")) in told
    assert {"en": "60.0% of", "es": "60,0% del", "pt": "60,0% do"}.get(language, "60") in told


@pytest.mark.parametrize(
    ("now", "before"),
    [
        # The intervals touch; the difference is less than a hundredth; the networks are not the same.
        (observed("J1", 0.3, 0.2, 0.4), observed("J1", 0.1, 0.0, 0.2)),
        (share(0.724), share(0.718, spread=0.001)),
        (share(0.6), replace(share(0.5), coverage=0.2)),
        # An index says nothing by itself.
        (observed("C2", 0.6, 0.59, 0.61), observed("C2", 0.4, 0.39, 0.41)),
        # Nothing is told of a month that was too little covered, or of one whose interval says nothing.
        (replace(share(0.6), coverage=0.05), replace(share(0.5), coverage=0.05)),
        (observed("J1", 0.9, 0.61, 0.95), observed("J1", 0.3, 0.05, 0.60)),
    ],
)
def test_what_is_no_news(now: Observation, before: Observation) -> None:
    assert edition([now], [before]).changed() == [
        "Since September 2026, nothing changed beyond the intervals and by more than rounding takes away.",
        "There are no figures of the same month of last year to compare with.",
    ]


def test_at_most_five_headlines_first_then_the_largest_beside_their_intervals() -> None:
    rows = {
        "J4": "US", "J1": None, "J2": None, "J3": None, "J5": None, "J9": None, "C4": "largest_4", "C7": "US", "P2": None
    }  # fmt: skip
    spread = {"J3": 0.001}
    now = [share(0.6, name, of, spread.get(name, 0.01)) for name, of in rows.items()]
    before = [share(0.5, name, of, spread.get(name, 0.01)) for name, of in rows.items()]
    said = edition(now, before).changed()
    assert len(said) == MOST
    assert [each.split(" rose")[0] for each in said] == [
        "Share of traffic by the jurisdiction that controls it (United States)",
        "Share of the k largest platforms (the 4 largest)",
        "Services lost if a jurisdiction refused them (United States)",
        "Share of the region's platforms in data processing (stages 3 to 5)",
        "Share of traffic under domestic control",
    ]
    assert not any("more" in each for each in said)


def test_both_months_are_rounded_alike() -> None:
    now, before = (
        observed("V3", 1.2346e9, 1.2e9, 1.3e9, "all_platforms"),
        observed("V3", 9.5e8, 9e8, 1e9, "all_platforms"),
    )
    [said] = edition([now], [before]).changed()
    assert (
        " from US$\u00a00.95\u00a0billion a year in September 2026 to US$\u00a01.23\u00a0billion a year."
        in said
    )


@given(SHARES, SHARES)
def test_what_is_noticed_is_so_from_either_side_and_is_a_hundredth(now: float, before: float) -> None:
    noticed = noticeable(now, before, hundredths=True)
    assert noticed == noticeable(before, now, hundredths=True)
    if noticed:
        assert abs(now - before) > 0.0099


@given(st.floats(1e-6, 1e12), st.floats(1e-6, 1e12), st.floats(1e-3, 1e3))
def test_other_figures_are_noticed_by_their_first_two_digits(
    now: float, before: float, factor: float
) -> None:
    larger = max(now, before)
    if noticeable(now, before, hundredths=False):
        assert abs(now - before) > 0.0099 * larger
    elif now != before:
        assert abs(now - before) <= 0.1001 * larger


@given(SHARES, SHARES, SHARES, SHARES)
def test_a_told_change_is_told_with_two_figures_that_differ(a: float, b: float, x: float, y: float) -> None:
    now, before = sorted((a, x)), sorted((b, y))
    assume(now[0] > before[1] or before[0] > now[1])
    said = edition([observed("J1", now[0], *now)], [observed("J1", before[0], *before)]).changed()
    if " rose from " in said[0] or " fell from " in said[0]:
        first, _, rest = said[0].partition(" from ")[2].partition(" in ")
        assert first != rest.partition(" to ")[2].partition(" of ")[0]


def test_networks_are_the_same_where_they_cover_as_much() -> None:
    assert same_networks(0.41, 0.40) and same_networks(None, None)
    assert not same_networks(0.41, None) and not same_networks(0.6, 0.4)
