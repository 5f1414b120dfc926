"""Three languages that say the same, with numbers as each writes them."""

import string

import pytest
from babel.numbers import parse_decimal
from hypothesis import given
from hypothesis import strategies as st

from caudal.collector.batch import LEDGER_COUNTS
from caudal.service.evaluation import FLAG_TEXTS
from caudal.service.indicators import CATALOGUE
from caudal.service.reports.language import LANGUAGES, Language
from caudal.service.reports.language.language import MINUS


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("code", LANGUAGES)
def test_languages_have_the_same_phrases_with_the_same_figures(code: str) -> None:
    ours, english = Language.of(code, "").phrases, Language.of("en", "").phrases
    assert ours.keys() == english.keys()
    for section, phrases in english.items():
        if section != "dimension":
            assert ours[section].keys() == phrases.keys(), section
        for key, phrase in phrases.items():
            assert places(ours[section][key]) == places(phrase), f"{section}.{key}"


def test_everything_there_is_has_a_name() -> None:
    phrases = Language.of("en", "").phrases
    definitions = [each.definition for each in CATALOGUE.values()]
    assert {definition.id for definition in definitions} <= phrases["clause"].keys()
    assert {definition.group for definition in definitions} <= phrases["group"].keys()
    assert {definition.unit for definition in definitions} <= phrases["unit"].keys()
    assert FLAG_TEXTS.keys() <= phrases["flag"].keys()
    assert set(LEDGER_COUNTS) <= phrases["count"].keys()


@pytest.mark.parametrize(
    ("code", "economy", "percent", "money", "month"),
    [
        ("es", "CL", "71,2%", "1.235 millones de USD al año", "octubre de 2026"),
        ("es", "MX", "71.2%", "1,235 millones de USD al año", "octubre de 2026"),
        ("es", "XA", "71,2\u00a0%", "1.235 millones de USD al año", "octubre de 2026"),
        ("pt", "BR", "71,2%", "1.235 milhões de USD por ano", "outubro de 2026"),
        ("en", "CL", "71.2%", "1,235 million USD a year", "October 2026"),
    ],
)
def test_numbers_and_months(code: str, economy: str, percent: str, money: str, month: str) -> None:
    language = Language.of(code, economy)
    assert language.percent(0.7123) == percent
    assert language.figure(1.2346e9, 1e9, 2e9, "USD/year").value == money
    assert language.month("2026-10") == month


def test_a_minus_sign_is_one_and_stands_beside_no_dash() -> None:
    text = Language.of("es", "CL").figure(-0.25, -0.31, 0.1, "index")
    assert (text.value, text.interval) == ("−0,250", "−0,310 a 0,100")


@pytest.mark.parametrize(("code", "economy"), [("es", "CL"), ("es", "MX"), ("pt", "BR"), ("en", "US")])
@given(share=st.floats(1e-6, 1))
def test_a_share_reads_back_as_it_was(code: str, economy: str, share: float) -> None:
    language = Language.of(code, economy)
    text = language.percent(share).rstrip("%").strip().replace(MINUS, "-")
    shown = float(parse_decimal(text, locale=language.locale, strict=True)) / 100
    assert shown == pytest.approx(share, abs=0.0005, rel=0.06)
