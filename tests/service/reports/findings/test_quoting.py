"""How a finding is quoted: with all that belongs to it, and with what must not be concluded."""

from dataclasses import replace

import pytest

from caudal.service.indicators import CATALOGUE
from caudal.service.reports.content import Content
from caudal.service.reports.edition.edition import Edition, Publication
from caudal.service.reports.forms.document import report
from caudal.service.reports.language import LANGUAGES, Language

from ..samples import content, measures, observed

J4 = observed("J4", 0.626, 0.61, 0.70, "US")
V3 = observed("V3", 4.6e8, 2.43e8, 8.7e8, "all_platforms")


def edition(made: Content, language: str = "en") -> Edition:
    return Edition(made, Language.of(language, "CL"), Publication(url="https://caudal.example/"))


def month(flags: frozenset[str] = frozenset(), vintage: str | None = None) -> Content:
    made = content(measures("2026-10", J4, V3, flags=flags))
    return replace(made, provenance=replace(made.provenance, vintage=vintage))


def test_a_quote_holds_everything_in_one_text() -> None:
    said = edition(month(vintage="CL-2026-10-v1"))
    quote = said.quote(said.content.groups[0])
    assert quote.text == (
        "“62.6% of the measured traffic (between 61.0% and 70.0%; networks that serve 40% of the users) goes to networks "
        "controlled from the United States.” Interval (95%): 61.0 – 70.0%. Coverage: networks that serve 4,000,000 people, "
        "40.0% of the country's internet users. Undetermined: 5.0% of the traffic. Caudal: Chile, October 2026; vintage "
        "CL-2026-10-v1. https://caudal.example/v1/reports/CL/2026-10?vintage=CL-2026-10-v1"
    )
    for part in (quote.sentence, quote.interval, quote.coverage, quote.vintage, quote.address):
        assert part and part in quote.text
    assert quote.cautions == (
        "Control is of the company, not of the data: it says where an order could be given, not that one was.",
        "It holds for the networks that report, not for the whole country.",
    )


def test_what_was_not_published_says_when_it_was_computed() -> None:
    said = edition(month())
    assert "; computed on November 21, 2026, not published. https://caudal.example/v1/reports/CL/2026-10" in (
        said.quote(said.content.groups[0]).text
    )


def test_what_was_not_metered_has_no_coverage() -> None:
    said = edition(month())
    quote = said.quote(said.content.groups[1])
    assert quote.coverage == "" and "Undetermined" not in quote.text
    assert "Interval (90%): US$\u00a0243 – 870\u00a0million a year." in quote.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_made_up_and_running_months_say_so(language: str) -> None:
    said = edition(month(frozenset({"synthetic", "partial_month"})), language)
    phrases = said.language.phrases["quote"]
    for group in said.content.groups:
        text = said.quote(group).text
        assert phrases["synthetic"] in text and phrases["partial"] in text
    plain = edition(month(), language)
    assert phrases["synthetic"] not in plain.quote(plain.content.groups[0]).text


def test_where_nothing_is_told_there_is_nothing_to_caution_of() -> None:
    made = content(measures("2026-10", replace(J4, coverage=0.01)))
    quote = edition(made).quote(made.groups[0])
    assert quote.interval == "" and quote.cautions == ()
    assert "nothing is said of the country" in quote.text


def test_every_indicator_has_one_or_two_cautions() -> None:
    assert all(1 <= len(each.definition.cautions) <= 2 for each in CATALOGUE.values())


def test_the_json_holds_what_the_sentence_is_made_of() -> None:
    first, second = report(edition(month())).findings
    assert (first.indicator, first.dimension, first.base, first.told) == ("J4", "US", "measured", True)
    assert first.interval is not None and first.coverage == 0.4
    assert (first.interval.value, first.interval.low, first.interval.high, first.interval.level) == (
        0.626,
        0.61,
        0.7,
        0.95,
    )
    assert first.quote.sentence in first.finding and len(first.cautions) == 2
    assert second.changes == [
        "There are no figures of the month before to compare with.",
        "There are no figures of the same month of last year to compare with.",
    ]
    untold = report(edition(content(measures("2026-10", replace(J4, coverage=None))))).findings[0]
    assert not untold.told and untold.interval is None and untold.indicator == "J4"


@pytest.mark.parametrize("language", LANGUAGES)
def test_more_subscribers_than_users_is_no_share_of_the_users(language: str) -> None:
    made = content(measures("2026-10", replace(J4, coverage=58.19)))
    made = replace(made, coverage=replace(made.coverage, users=1.7e6, share=58.19))
    said = edition(made, language)
    quote = said.quote(made.groups[0])
    for text in (said.finding(made.groups[0]), quote.text, said.coverage()):
        assert "819" not in text
    assert said.language.number(1.7e6) in quote.coverage and said.language.number(1.7e6) in said.coverage()
    assert "5.819" not in quote.coverage and quote.coverage in quote.text
