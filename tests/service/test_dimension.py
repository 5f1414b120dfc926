"""Dimensions are ids of SDMX that hold their figures."""

import pytest

from caudal.service.migration.dimensions import read_dimension
from caudal.service.vocabulary.dimension import ID, Parts, design, largest, parts, slug, strict, through
from caudal.service.vocabulary.dimension import words as in_words


@pytest.mark.parametrize(
    ("made", "held"),
    [
        (largest(4), Parts("largest", "largest_4", count=4)),
        (strict("EU"), Parts("strict", "EU")),
        (through("network", "US"), Parts("through", "network", country="US")),
        (design("GB", "DST", 2.0), Parts("design", "dst", country="GB", percent=2.0)),
        (design("IN", "equalisation levy", 7.5), Parts("design", "equalisation_levy", "IN", percent=7.5)),
        ("US", Parts("plain", "US")),
        ("video_streaming", Parts("plain", "video_streaming")),
        ("AS3356", Parts("plain", "AS3356")),
        ("network", Parts("plain", "network")),
    ],
)
def test_an_id_holds_its_figures(made: str, held: Parts) -> None:
    assert parts(made) == held
    assert ID.fullmatch(made)


@pytest.mark.parametrize(
    ("dimension", "told"),
    [
        (largest(1), "the largest"),
        (f"observes_people-{largest(4)}", "observes people: the 4 largest"),
        (strict("EU"), "EU: place and control"),
        (through("network", "US"), "by network, through US"),
        (design("IN", "equalisation levy", 7.5), "IN: equalisation levy, 7.5 %"),
        ("US-finds_answers", "US: finds answers"),
        ("without_video_and_cdn", "without video and cdn"),
    ],
)
def test_a_table_says_it_in_words(dimension: str, told: str) -> None:
    assert in_words(dimension) == told


def test_a_name_becomes_an_id() -> None:
    assert slug("Contribución (ley 1/2020), 3 %") == "contribucion_ley_1_2020_3"


@pytest.mark.parametrize(
    ("words", "id_"),
    [
        ("k=8", "largest_8"),
        ("EU strict", "EU_strict"),
        ("place US", "place_US"),
        ("place", "place"),
        ("all except video and CDN", "without_video_and_cdn"),
        ("applied rates, with demand and VAT", "applied_rates_demand_vat"),
        ("special, custom", "special_custom"),
        ("BR CIDE-Digital (bill PL 2358/2020) 5 %", "BR-cide_digital_bill_pl_2358_2020-5"),
        ("UY SEP tax 4.5 %", "UY-sep_tax-4_5"),
        ("google", "google"),
    ],
)
def test_words_of_before_become_ids_and_ids_stay(words: str, id_: str) -> None:
    assert read_dimension(words) == id_
    assert read_dimension(id_) == id_
