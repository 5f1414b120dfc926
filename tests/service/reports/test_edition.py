"""Sentences: made of values, one for each group, and of nothing else."""

import pytest

from caudal.service.reason import reason as no_value
from caudal.service.reports.content import Content
from caudal.service.reports.edition import Edition
from caudal.service.reports.language import LANGUAGES, Language

from .samples import CELLS, content, measures, observed


def edition(of: Content, language: str = "en") -> Edition:
    return Edition(of, Language.of(language, "CL"))


def month(value: float = 0.625, spread: float = 0.01, name: str = "2026-10") -> Content:
    return content(
        measures(
            name, observed("J4", value, value - spread, value + spread, "US"), observed("J1", 0.3, 0.2, 0.4)
        )
    )


def test_a_finding_is_made_of_values() -> None:
    [group] = month().groups
    assert edition(month()).finding(group) == (
        "Networks controlled from one country (United States) carry 62.5% (61.5 – 63.5%) of all traffic; "
        "30.0% (20.0 – 40.0%) of the traffic with a known place stays in the country."
    )
    assert "(Estados Unidos) llevan 62,5%" in edition(month(), "es").finding(group)
    other = month(0.5)
    assert "50.0% (49.0 – 51.0%)" in edition(other).finding(other.groups[0])


def test_changes_are_said_where_intervals_allow_and_in_every_language() -> None:
    now = measures("2026-10", observed("J4", 0.6, 0.59, 0.61, "US"), observed("J1", 0.3, 0.2, 0.4))
    before = measures("2026-09", observed("J4", 0.5, 0.49, 0.51, "US"), observed("J1", 0.1, 0.0, 0.2))
    both = content(now, {"month_before": before})
    said = edition(both).changes(both.groups[0])
    # J4 is apart; J1 touches at 0.2, and is not said.
    assert said == [
        "Control share by jurisdiction (United States) rose from 50.0% in September 2026 to 60.0%.",
        "There are no figures of the same month of last year to compare with.",
    ]
    assert "septiembre de 2026" in edition(both, "es").changes(both.groups[0])[0]
    assert "setembro de 2026" in edition(both, "pt").changes(both.groups[0])[0]


def test_no_change_is_said_as_that() -> None:
    same = content(
        measures("2026-10", observed("J1", 0.3, 0.2, 0.4)),
        {"year_before": measures("2025-10", observed("J1", 0.31, 0.2, 0.4))},
    )
    said = edition(same).changes(same.groups[0])
    assert (
        said[1]
        == "Since October 2025, a year before, there is no change that the intervals allow to be told."
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_known_is_said_with_its_reason(language: str) -> None:
    empty = content(
        measures("2026-10", observed("J1", None, reason=no_value("no_bytes"))), cells=CELLS.clear()
    )
    said = edition(empty, language)
    reason = {
        "en": "there are no bytes out or in",
        "es": "no hay bytes salientes",
        "pt": "não foi medido tráfego de saída",
    }
    assert reason[language] in said.finding(empty.groups[0])
    assert said.lines(empty.groups[0])[0].interval == ""


def test_a_group_and_an_indicator_without_words_of_their_own_are_still_said() -> None:
    only = content(measures("2026-10", observed("J7", 0.7, 0.6, 0.8, "equal")))
    assert "0.700 (0.600 – 0.800)" in edition(only).finding(only.groups[0])


def test_a_synthetic_or_partial_month_says_so_and_is_cited_so() -> None:
    flags = frozenset({"synthetic", "partial_month"})
    said = edition(content(measures("2026-10", observed("J1", 0.3), flags=flags)))
    assert len(said.banners) == 2
    assert said.citation.endswith("[synthetic data]")
    assert not edition(month()).banners


def test_the_fingerprint_is_that_of_the_figures() -> None:
    assert month().fingerprint == month().fingerprint
    assert month(0.6250001).fingerprint != month().fingerprint
    assert month(name="2026-09").fingerprint != month().fingerprint
