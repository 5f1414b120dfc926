"""Older files of law and trade say in columns what they said in words."""

import pytest

from caudal.reference.files.catalogue import (
    ACCESS_LAWS,
    ADEQUACY,
    GEOLOCATION_ACCURACY,
    MORATORIUM,
    PRODUCT_IMPORTS,
    SERVICES_TRADE,
    TARIFF_LINES,
)
from caudal.reference.older import (
    access_laws,
    adequacy,
    geolocation_accuracy,
    moratorium,
    product_imports,
    services_trade,
    tariff_lines,
)

FILES = (
    (adequacy, ADEQUACY),
    (access_laws, ACCESS_LAWS),
    (moratorium, MORATORIUM),
    (services_trade, SERVICES_TRADE),
    (tariff_lines, TARIFF_LINES),
    (product_imports, PRODUCT_IMPORTS),
    (geolocation_accuracy, GEOLOCATION_ACCURACY),
)


@pytest.mark.parametrize(
    ("row", "covers"),
    [
        ({"country": "AR", "scope": ""}, "country"),
        ({"country": "*", "scope": "international organisation"}, "organisation"),
        ({"country": "*", "scope": "and others"}, "rest"),
    ],
)
def test_what_stands_in_the_place_of_a_country(row: dict[str, str], covers: str) -> None:
    assert adequacy.typed(row) == {**row, "covers": covers}


@pytest.mark.parametrize(
    ("jurisdiction", "scope", "kind", "content"),
    [
        ("US", "content+metadata", "national", "1"),
        ("US", "signals", "national", "1"),
        ("SG", "stored", "national", "1"),
        ("CN", "any", "national", "1"),
        ("KR", "subscriber data", "national", "0"),
        ("EU", "content+metadata, criminal", "union", "1"),
        ("INT", "subscriber", "treaty", "0"),
    ],
)
def test_treaties_and_laws_that_reach_content(jurisdiction: str, scope: str, kind: str, content: str) -> None:
    found = access_laws.typed({"jurisdiction": jurisdiction, "scope": scope})
    assert (found["kind"], found["reaches_content"]) == (kind, content)


@pytest.mark.parametrize(
    ("kind", "what", "effect"),
    [
        ("event", "Moratorium adopted", "in_force"),
        ("event", "MC13: extended to MC14", "in_force"),
        ("event", "MC14 ended without renewal; lapsed", "lapsed"),
        ("event", "66 members signed an agreement", ""),
        ("estimate", "a loss, since adopted", ""),
    ],
)
def test_what_an_event_did_to_the_moratorium(kind: str, what: str, effect: str) -> None:
    assert moratorium.typed({"kind": kind, "what": what})["effect"] == effect


def test_figures_that_were_likely_imputed() -> None:
    flat = "series flat for years in the source: likely imputed"
    assert services_trade.typed({"note": flat})["imputed"] == "1"
    assert services_trade.typed({"note": "last year in the source"})["imputed"] == ""


def test_every_candidate_line_was_taken() -> None:
    assert [
        tariff_lines.typed({"in_un_list_of_49": each})["keep"] for each in ("candidate", "yes", "no")
    ] == [
        "1",
        "1",
        "0",
    ]
    assert product_imports.typed({})["preferential_percent"] == ""


@pytest.mark.parametrize(
    ("group", "usable", "countries", "excepted"),
    [
        ("aws all", "0", "", ""),
        ("aws LatAm", "0", "", ""),
        ("non-US regions", "1", "", "US"),
        ("LatAm regions BR CL CO MX", "1", "BR CL CO MX", ""),
        ("all regions BR", "1", "BR", ""),
    ],
)
def test_whose_regions_were_measured(group: str, usable: str, countries: str, excepted: str) -> None:
    assert geolocation_accuracy.typed({"group": group}) == {
        "group": group,
        "usable": usable,
        "countries": countries,
        "excepted": excepted,
    }


@pytest.mark.parametrize(("older", "file"), FILES, ids=[file.name for _, file in FILES])
def test_columns_added_are_declared_and_filled(older, file) -> None:
    assert {each.name for each in file.columns} >= set(older.ADDED)
    row = dict.fromkeys((each.name for each in file.columns if each.name not in older.ADDED), "")
    found = older.typed(row)
    assert set(found) == {each.name for each in file.columns}
    for name in older.ADDED:
        column = file.column(name)
        assert column is not None
        column.read(found[name])
