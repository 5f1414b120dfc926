"""Three languages that say the same, with numbers as each writes them."""

import re
import string
from importlib.resources import files

import pytest
from babel.numbers import parse_decimal
from hypothesis import given
from hypothesis import strategies as st

from caudal.contract.batch import LEDGER_COUNTS
from caudal.reference import Reference, attributions, load_reference
from caudal.reference.files.platformfiles import FUNCTIONS
from caudal.service.evaluation.evaluation import FLAG_TEXTS
from caudal.service.indicators import CATALOGUE
from caudal.service.indicators.groups import (
    access,
    centralisation,
    detours,
    integration,
    positioning,
    positioningmap,
    tariffs,
    value,
    valuecaptured,
)
from caudal.service.indicators.model.base import BASES
from caudal.service.reports.language import LANGUAGES, Language
from caudal.service.reports.language.language import MINUS
from caudal.service.reports.language.method import fingerprint, method_text
from caudal.service.vocabulary.dimension import slug
from caudal.service.vocabulary.languages import TRANSLATED, indicator_texts, texts
from caudal.service.vocabulary.reason import REASONS

# What is told in English by the program itself, and so needs no words in English; names of kinds of service, which the
# reference has in English and may have in others.
FROM_ENGLISH = frozenset({"attribution", "category"})
FILES = files("caudal.service") / "texts"
# A file, a column, a page of the documentation or a command: nothing that a ministry could look up.
TECHNICAL = re.compile(r"\w\.(csv|md|toml)\b|\b[a-z]+_[a-z_]+\b|docs/|caudal ")


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load_reference()


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("code", LANGUAGES)
def test_languages_have_the_same_phrases_with_the_same_figures(code: str) -> None:
    ours, english = Language.of(code, "").phrases, Language.of("en", "").phrases
    assert ours.keys() - FROM_ENGLISH == english.keys()
    for section, phrases in english.items():
        assert ours[section].keys() == phrases.keys(), section
        # A reason may tell fewer of its figures in one language than in another.
        for key, phrase in phrases.items() if section != "reason" else ():
            assert places(ours[section][key]) == places(phrase), f"{section}.{key}"


def test_everything_there_is_has_a_name() -> None:
    phrases = Language.of("en", "").phrases
    definitions = [each.definition for each in CATALOGUE.values()]
    assert {definition.id for definition in definitions} <= phrases["clause"].keys()
    assert {definition.group for definition in definitions} <= phrases["group"].keys()
    assert {definition.unit for definition in definitions} <= phrases["unit"].keys()
    assert FLAG_TEXTS.keys() <= phrases["flag"].keys()
    assert set(LEDGER_COUNTS) <= phrases["count"].keys()
    assert FLAG_TEXTS.keys() <= phrases["mark"].keys()
    assert {definition.source_status for definition in definitions} <= phrases["status"].keys()


def test_every_dimension_that_is_no_name_has_one(reference: Reference) -> None:
    phrases = Language.of("en", "").phrases
    of_indicators = {
        *access.SCENARIOS,
        access.OWN,
        valuecaptured.ALL_PLATFORMS,
        value.ALL_BUT_VIDEO,
        detours.PLACE,
        detours.NETWORK,
        integration.ECONOMY,
        integration.REGION,
        positioning.SENT,
        positioning.DELIVERED,
        centralisation.SERVICES,
        *tariffs.RATE_OF,
        *("_".join(quadrant) for quadrant in positioningmap.QUADRANTS),
    }
    items = set(reference.facts("services_trade")["item"])
    assert of_indicators | items <= phrases["dimension"].keys()
    assert phrases["function"].keys() == FUNCTIONS.keys()
    assert {slug(each) for each in reference.facts("digital_taxes")["instrument"]} <= phrases[
        "instrument"
    ].keys()


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_reason_is_told_to_people(code: str) -> None:
    told = Language.of(code, "").phrases["reason"]
    assert told.keys() == REASONS.keys()
    for name, text in REASONS.items():
        assert places(told[name]) <= places(text), name
        assert not TECHNICAL.search(re.sub(r"\{\w+\}", "", told[name])), name
        assert told[name] != text or name == "earlier"


@pytest.mark.parametrize("code", LANGUAGES)
def test_fixed_texts_leave_percentages_and_signs_to_the_language(code: str) -> None:
    for part in ("", ".indicators") if code in TRANSLATED else ("",):
        file = FILES / f"{code}{part}.toml"
        text = file.read_text("utf-8")
        assert not re.findall(r".{0,20}[0-9}]\s*%.{0,9}", re.sub(r"\{\d+(\.\d+)?%\}", "", text)), file.name
        # A hyphen is no minus: U+2212 before every negative number.
        assert not re.findall(r".{0,20}(?<![\w/.)–-])-\d.{0,9}", text), file.name


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_source_is_attributed(code: str) -> None:
    assert Language.of(code, "").phrases["attribution"].keys() == set(attributions())


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_method_is_told_as_it_is_now(code: str) -> None:
    definitions = [each.definition for each in CATALOGUE.values()]
    told = indicator_texts(code)
    assert told.keys() == {definition.id for definition in definitions}
    stale = {
        definition.id: fingerprint(definition)
        for definition in definitions
        if told[definition.id]["of"] != fingerprint(definition)
    }
    assert not stale, (
        f"translate anew in {code}.indicators.toml what changed, and write its fingerprint: {stale}"
    )


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_indicator_has_a_title_and_every_method_is_whole(code: str) -> None:
    for indicator, told in indicator_texts(code).items():
        assert {"of", "title", "formula", "source", "critique", "short", "clause"} <= told.keys(), indicator
        assert all(told.values()), indicator
        assert CATALOGUE[indicator].definition.title[code] == told["title"]


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_kind_of_service_has_a_name(code: str, reference: Reference) -> None:
    categories = reference.facts("categories")
    named = categories["category"] if f"name_{code}" in categories.columns else texts(code)["category"]
    assert set(named) == set(categories["category"])


def test_a_method_is_told_in_its_language_with_its_numbers() -> None:
    definition = CATALOGUE["V10"].definition
    assert method_text(definition, Language.of("en", "CL")).formula == definition.formula
    assert method_text(definition, Language.of("es", "CL")).formula.startswith(
        "AA = 0,25 · max(0, π_p − 0,10 ·"
    )
    assert method_text(definition, Language.of("es", "MX")).formula.startswith(
        "AA = 0.25 · max(0, π_p − 0.10 ·"
    )
    assert "20.000 millones de euros" in method_text(definition, Language.of("es", "CL")).critique


@pytest.mark.parametrize(
    ("code", "economy", "percent", "money", "month"),
    [
        ("es", "CL", "71,2%", "1.235 millones de dólares al año", "octubre de 2026"),
        ("es", "MX", "71.2%", "1,235 millones de dólares al año", "octubre de 2026"),
        ("es", "XA", "71,2\u00a0%", "1235 millones de dólares al año", "octubre de 2026"),
        ("pt", "BR", "71,2%", "US$ 1,23 bilhão por ano", "outubro de 2026"),
        ("pt", "AO", "71,2%", "US$ 1,23 mil milhões por ano", "outubro de 2026"),
        ("en", "CL", "71.2%", "US$ 1.23 billion a year", "October 2026"),
    ],
)
def test_numbers_and_months(code: str, economy: str, percent: str, money: str, month: str) -> None:
    language = Language.of(code, economy)
    assert language.percent(0.7123) == percent
    assert language.figure(1.2346e9, 1e9, 2e9, "USD/year").value.replace("\u00a0", " ") == money
    assert language.month("2026-10") == month


def test_an_axis_is_in_the_plural() -> None:
    assert Language.of("pt", "BR").scale("USD/year", 1.1e6) == (1e-6, "\u00a0milhões por ano")
    assert Language.of("es", "CL").scale("USD/year", 1e6) == (1e-6, "\u00a0millones de dólares al año")


def test_a_minus_sign_is_one_and_stands_beside_no_dash() -> None:
    text = Language.of("es", "CL").figure(-0.25, -0.31, 0.1, "index")
    assert (text.value, text.interval) == ("−0,250", "−0,310 a 0,100")


@pytest.mark.parametrize(
    ("code", "unit", "amount", "written"),
    [
        ("es", "USD/year", 19.6e9, "19.600 millones de dólares al año"),
        ("es", "USD/year", 1e6, "1,00 millón de dólares al año"),
        ("es", "USD/GB", 0.35, "0,350 dólares por GB"),
        ("es", "USD", -3.4e9, "−3.400 millones de dólares"),
        ("pt", "USD/year", 19.6e9, "US$ 19,6 bilhões por ano"),
        ("pt", "USD/year", 1.5e6, "US$ 1,50 milhão por ano"),
        ("pt", "USD", -3.4e9, "−US$ 3,40 bilhões"),
        ("en", "USD/year", 19.6e9, "US$ 19.6 billion a year"),
        ("en", "USD", 945_000.0, "US$ 945,000"),
    ],
)
def test_money(code: str, unit: str, amount: float, written: str) -> None:
    text = Language.of(code, {"es": "CL", "pt": "BR", "en": "US"}[code]).figure(amount, amount, amount, unit)
    assert text.value.replace("\u00a0", " ") == written
    assert text.bare in text.value or text.bare.startswith(MINUS)


def test_amounts_of_one_chart_are_scaled_alike() -> None:
    text = Language.of("pt", "BR").figure(9e8, 8e8, 1e9, "USD/year", size=2e9)
    assert (text.bare, text.interval) == ("0,90", "0,80 – 1,00")


@pytest.mark.parametrize(
    ("code", "economy", "thousand", "ten_thousand"),
    [
        # minimumGroupingDigits is 2 in es, es-GQ and pt-PT, 1 in es-419, pt-BR and pt-AO.
        ("es", "ES", "1234", "12.345"),
        ("es", "GQ", "1234", "12.345"),
        ("es", "XA", "1234", "12.345"),
        ("es", "CL", "1.234", "12.345"),
        ("es", "MX", "1,234", "12,345"),
        ("es", "CR", "1\u00a0234", "12\u00a0345"),
        ("pt", "PT", "1234", "12\u00a0345"),
        ("pt", "MZ", "1234", "12\u00a0345"),
        ("pt", "AO", "1\u00a0234", "12\u00a0345"),
        ("pt", "BR", "1.234", "12.345"),
        ("en", "US", "1,234", "12,345"),
    ],
)
def test_thousands_are_apart_where_cldr_has_it(
    code: str, economy: str, thousand: str, ten_thousand: str
) -> None:
    language = Language.of(code, economy)
    assert (language.number(1234), language.number(12345)) == (thousand, ten_thousand)
    # What is rounded to ten thousand is written as ten thousand.
    assert language.number(9999.96, 1) == language.number(10_000, 1)
    assert language.number(-1234) == MINUS + thousand


def test_a_fixed_text_has_the_numbers_of_the_country() -> None:
    text = "±{40%}, {1800} puntos, {0.25}, {names}"
    assert Language.of("es", "CL").written(text) == "±40%, 1.800 puntos, 0,25, {names}"
    assert Language.of("es", "").written(text) == "±40\u00a0%, 1800 puntos, 0,25, {names}"
    assert "±100%" in Language.of("es", "MX").phrases["flag"]["variance_unknown"]


@pytest.mark.parametrize(("code", "economy"), [("es", "CL"), ("es", "MX"), ("pt", "BR"), ("en", "US")])
@given(share=st.floats(1e-6, 1))
def test_a_share_reads_back_as_it_was(code: str, economy: str, share: float) -> None:
    language = Language.of(code, economy)
    text = language.percent(share).rstrip("%").strip().replace(MINUS, "-")
    shown = float(parse_decimal(text, locale=language.locale, strict=True)) / 100
    assert shown == pytest.approx(share, abs=0.0005, rel=0.06)


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_base_has_words_and_every_clause_takes_them(code: str) -> None:
    phrases = Language.of(code, "").phrases
    assert phrases["base"].keys() == BASES.keys()
    for indicator, clause in phrases["clause"].items():
        assert {"base", "value", "aside"} <= places(clause), indicator
    cautions = [each.definition.cautions for each in CATALOGUE.values()]
    assert {each for caution in cautions for each in caution} == phrases["caution"].keys()
