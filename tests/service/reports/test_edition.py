"""Sentences: made of values, one for each group, and of nothing else."""

import pytest

from caudal.service.reports.content import Content
from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.language import LANGUAGES, Language
from caudal.service.vocabulary.reason import reason as no_value

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
        "62.5% of the measured traffic (between 61.5% and 63.5%; networks that serve 40% of the users) goes to networks "
        "controlled from the United States. 30.0% of the measured traffic with a known location (between 20.0% and 40.0%) "
        "stays in the country."
    )
    assert edition(month(), "es").found()[0].sentence == (
        "El 62,5% del tráfico medido (entre 61,5% y 63,5%; redes que atienden al 40% de los usuarios) pasa por empresas "
        "controladas desde Estados Unidos."
    )
    assert (
        "a partir dos Estados Unidos respondem por 62,5% do tráfego medido"
        in edition(month(), "pt").found()[0].sentence
    )
    other = month(0.5)
    assert "(between 49.0% and 51.0%; " in edition(other).finding(other.groups[0])


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_known_is_said_with_its_reason(language: str) -> None:
    empty = content(
        measures("2026-10", observed("J1", None, reason=no_value("no_bytes"))), cells=CELLS.clear()
    )
    said = edition(empty, language)
    reason = {
        "en": "No outgoing or incoming traffic was measured in the month.",
        "es": "En el mes no se midió tráfico de salida ni de entrada.",
        "pt": "Não foi medido tráfego de saída",
    }
    phrase = Language.of(language, "CL").phrases["reason"]["no_bytes"]
    assert reason.get(language, phrase) in said.finding(empty.groups[0])
    assert said.lines(empty.groups[0])[0].interval == ""


def test_a_group_and_an_indicator_without_words_of_their_own_are_still_said() -> None:
    only = content(measures("2026-10", observed("J7", 0.7, 0.6, 0.8, "equal")))
    assert "70.0% of the measured traffic (between 60.0% and 80.0%; " in edition(only).finding(only.groups[0])


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
