"""How easy a text is to read: syllables, formulas whose scores are known, and the table of the documentation."""

import pytest

from bench.readability.page import BEFORE, into, table
from bench.readability.score import FORMULAS, Counts, band, counted, score
from bench.readability.syllables import syllables
from bench.readability.texts import texts_of
from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.language import Language
from caudal.service.vocabulary.reason import reason

from ..service.reports.samples import content, measures, observed

WORDS = {
    "es": "el:1 país:2 tráfico:3 ubicación:4 jurisdicción:4 ciudadanía:5 que:1 guerra:2 pingüino:3 cuáles:2 leer:2 muy:1 "
    "ley:1 construido:3 autoridad:4 baúl:2 averiguar:4 aéreo:4 proveedores:5",
    "pt": "não:1 país:2 mãe:1 países:3 rainha:3 ruim:2 juiz:2 saúde:3 muito:2 saiu:2 região:3 regiões:3 história:3 água:2 "
    "quanto:2 ciência:3 experiência:5 nacional:4 economia:5 contínua:3 continua:4 ideia:3 dia:2 põe:1 operadora:5",
    "en": "the:1 data:2 country:2 jurisdiction:4 company:3 figures:2 delivered:3 changes:2 tables:2 needed:2 leaves:1",
}


@pytest.mark.parametrize(
    ("language", "word", "count"),
    [
        (code, word, int(count))
        for code, words in WORDS.items()
        for word, count in (each.split(":") for each in words.split())
    ],
)
def test_syllables(language: str, word: str, count: int) -> None:
    assert syllables(word, language) == count
    assert syllables(word.upper(), language) == count


@pytest.mark.parametrize(
    ("language", "text", "counts", "known", "called"),
    [
        # Worked by hand from the published formulas.
        ("en", "The cat sat on the mat.", Counts(1, 6, 6), 116.145, "very easy"),
        ("es", "La casa es blanca. El perro duerme.", Counts(2, 7, 11), 105.435, "muy fácil"),
        ("pt", "O gato dorme.", Counts(1, 3, 5), 104.79, "muito fácil"),
        (
            "es",
            "La adecuación constituye una condición jurídica internacionalmente reconocida.",
            Counts(1, 8, 30),
            -34.79,
            "muy difícil",
        ),
    ],
)
def test_scores_of_known_texts(language: str, text: str, counts: Counts, known: float, called: str) -> None:
    assert counted([text], language) == counts
    assert score(counts, language) == pytest.approx(known, abs=0.01)
    assert band(score(counts, language), language) == called


def test_numbers_are_left_out_and_abbreviations_end_no_sentence() -> None:
    assert counted(["El 62,6 % (art. 45) baja."], "es") == counted(["El art baja."], "es")
    assert counted(["Uno. Dos", "Tres"], "es").sentences == 3
    assert counted(["1.234", ""], "es") == Counts()


def test_a_text_without_words_and_a_language_without_formula_are_told() -> None:
    with pytest.raises(ValueError, match="give one with words"):
        score(Counts(), "es")
    with pytest.raises(ValueError, match="there are es, pt, en"):
        score(Counts(1, 1, 1), "fr")


@pytest.mark.parametrize("code", FORMULAS)
def test_a_report_has_texts_of_each_kind(code: str) -> None:
    month = content(
        measures(
            "2026-10",
            observed("J4", 0.6, 0.59, 0.61, "US", flags=("from_memory",)),
            observed("V10", None, reason=reason("whole_month")),
        )
    )
    texts = texts_of(Edition(month, Language.of(code, "CL")))
    assert all(texts[kind] for kind in ("findings", "questions", "notices", "reasons"))
    assert all(counted(each, code).words for kind, each in texts.items() if kind != "cautions")


def test_the_table_stands_between_its_marks() -> None:
    counts = {code: {"findings": Counts(1, 10, 20)} for code in FORMULAS}
    text = table({}, counts)
    assert "| findings | – |  | 72 | bastante fácil | – → 10 |" in text
    page = into("before\n<!-- readability -->\nold\n<!-- /readability -->\nafter\n", text)
    assert page.startswith("before\n<!-- readability -->\n|") and page.endswith("\nafter\n")
    assert "old" not in page
    with pytest.raises(ValueError, match="no place for the table"):
        into("nothing", text)


def test_what_was_measured_before_is_kept() -> None:
    assert BEFORE.is_file()
