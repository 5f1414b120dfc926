"""Charts of real countries with made-up traffic: home is on the map, Europe is crowded, and no text is struck."""

from dataclasses import replace

import polars as pl
import pytest

from caudal.reference import load_reference
from caudal.service.reports.content import Content
from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.language import LANGUAGES, Language
from caudal.service.reports.pictures import destination_map, flow_chart, pictures
from caudal.service.reports.typeface.lines import RESERVE
from caudal.service.vocabulary.referencenames import country_names

from .samples import content, measures, observed
from .struck import struck

COUNTRIES = ("US", "BR", "IE", "NL", "DE", "GB", "FR", "ES", "SG", "CN", "AR", "CL", "MX", "")
NEIGHBOURS = {"CL": "AR", "BR": "US", "MX": "US"}


@pytest.fixture(scope="module")
def places() -> dict[str, dict[str, str]]:
    return country_names(load_reference())


def of(economy: str, places: dict[str, dict[str, str]]) -> Content:
    """A month of an economy whose traffic halves from place to place, each under three jurisdictions."""
    rows = [
        {
            "border": "domestic" if place == economy else "out" if number % 2 else "in",
            "location": place,
            "control": control,
            "bytes": 1e6 * 0.7**number / (1 + step),
            "bytes_variance": 1e6,
            "flows": 1000,
        }
        for number, place in enumerate((economy, *(each for each in COUNTRIES if each != economy)))
        for step, control in enumerate(("US", place, NEIGHBOURS[economy]))
    ]
    made = content(
        measures(
            "2026-10",
            observed("J4", 0.6, 0.5, 0.7, "US"),
            observed("V3", 4e8, 2e8, 9e8),
            observed("P1", -0.4, -0.6, 0.1),
        ),
        cells=pl.DataFrame(rows),
    )
    names = {language: places[language][economy] for language in LANGUAGES}
    return replace(made, economy=economy, names=names, places=places)


@pytest.mark.parametrize("economy", NEIGHBOURS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_struck(economy: str, language: str, places: dict[str, dict[str, str]]) -> None:
    edition = Edition(of(economy, places), Language.of(language, economy))
    for drawn in (destination_map(edition), flow_chart(edition)):
        assert drawn is not None and struck(drawn, RESERVE) == []
    for each in pictures(edition):
        assert struck(each.svg(edition), RESERVE) == []


@pytest.mark.parametrize("economy", NEIGHBOURS)
def test_home_is_named_on_the_map(economy: str, places: dict[str, dict[str, str]]) -> None:
    edition = Edition(of(economy, places), Language.of("es", economy))
    drawn = destination_map(edition)
    assert drawn is not None
    bold = [part for part in drawn.split("<text") if 'font-weight="600"' in part]
    assert any(edition.economy in part for part in bold)
