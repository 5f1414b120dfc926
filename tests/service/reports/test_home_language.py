"""A report comes in the language of the people of its economy, whatever else is official there."""

import pytest

from caudal.reference import load_reference
from caudal.service.reports.reports import language_of
from caudal.service.vocabulary.languages import LANGUAGES

# Andorra's is Catalan; Spanish is what most of its people speak among the languages of the reports.
SPANISH = frozenset(
    {
        *("AD", "AR", "BO", "CL", "CO", "CR", "CU", "DO", "EC", "ES", "GQ"),
        *("GT", "HN", "MX", "NI", "PA", "PE", "PR", "PY", "SV", "UY", "VE"),
    }
)
PORTUGUESE = frozenset({"AO", "BR", "CV", "GW", "MO", "MZ", "PT", "ST", "TL"})
# The languages that what is expected is said of.
AMONG = ("es", "pt", "en")
EXPECTED = dict.fromkeys(SPANISH, "es") | dict.fromkeys(PORTUGUESE, "pt")
ECONOMIES = sorted(load_reference().countries["country"].to_list())


@pytest.mark.parametrize("economy", ECONOMIES)
def test_every_economy_has_the_language_of_its_people(economy: str) -> None:
    assert language_of(economy, AMONG) == EXPECTED.get(economy, "en")


@pytest.mark.parametrize(
    ("economy", "language"),
    # English beside Spanish: in the United States, Belize and Gibraltar it is English, in Puerto Rico Spanish.
    [("US", "en"), ("BZ", "en"), ("GI", "en"), ("PH", "en"), ("PR", "es"), ("HT", "en"), ("XA", "en")],
)
def test_where_several_are_spoken(economy: str, language: str) -> None:
    assert language_of(economy, AMONG) == language


def test_where_nothing_else_is_said_it_is_one_of_those_there_are() -> None:
    assert {language_of(economy) for economy in ECONOMIES} == set(LANGUAGES)
    if set(LANGUAGES) == set(AMONG):
        assert all(language_of(economy) == language_of(economy, AMONG) for economy in ECONOMIES)


def test_no_economy_is_left_out() -> None:
    assert EXPECTED.keys() <= set(ECONOMIES)
