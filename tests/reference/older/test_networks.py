"""Older rows of networks and names are read with today's columns."""

import csv

import pytest

from caudal.reference.files.catalogue import ACCESS_NETWORKS, PLATFORM_DOMAINS, TRANSIT_ASNS
from caudal.reference.older import access_networks, platform_domains, transit_asns
from caudal.reference.reading.facts import DATA

OLD_NETWORK = {
    "country": "CL",
    "asn": "7418",
    "as_name": "TELEFONICA CHILE S.A.",
    "parent": "Telefónica, S.A.",
    "control_country": "ES",
    "ipv4_addresses": "2471168",
    "valid_from": "",
    "valid_to": "",
    "source": "table; parent and control country from memory",
    "as_of": "2026-06-17",
    "status": "verified_asn_memory_control",
    "note": "whether and to whom this operator was sold: not checked, recheck",
}


def test_what_was_from_memory_and_to_be_checked_again_still_is() -> None:
    row = access_networks.typed(OLD_NETWORK)
    assert (row["parent_basis"], row["control_rule"], row["recheck"]) == ("from_memory", "", "1")


def test_a_licensing_country_is_told_from_an_owner() -> None:
    note = "no majority holder known: control taken as the licensing country"
    row = access_networks.typed({**OLD_NETWORK, "note": note, "source": "https://example.org"})
    assert (row["parent_basis"], row["control_rule"], row["recheck"]) == ("", "licence", "")


def test_a_carrier_of_content_is_told_by_its_note() -> None:
    note = "service=Azure; carrier (tenant content): a longer owner suffix wins"
    assert platform_domains.typed({"suffix": "azure.net", "note": note})["carrier"] == "1"
    note = "the owner of the name is no carrier"
    assert platform_domains.typed({"suffix": "azure.net", "note": note})["carrier"] == ""
    note = "the left labels embed the owner: strip this suffix and look up the rest"
    assert platform_domains.typed({"suffix": "akamaihd.net", "note": note})["embeds"] == "1"


def test_a_carrier_of_traffic_is_known_from_memory() -> None:
    row = transit_asns.typed({"asn": "174", "source": "table; control country from memory", "note": ""})
    assert (row["parent_basis"], row["recheck"]) == ("from_memory", "")


@pytest.mark.parametrize(
    ("file", "older"),
    [
        (ACCESS_NETWORKS, access_networks),
        (TRANSIT_ASNS, transit_asns),
        (PLATFORM_DOMAINS, platform_domains),
    ],
)
def test_the_columns_added_are_todays(file, older) -> None:  # type: ignore[no-untyped-def]
    assert set(older.ADDED) <= {column.name for column in file.columns}


def test_shipped_names_say_in_columns_what_their_notes_say() -> None:
    with (DATA / "platform_domains.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    again = [platform_domains.typed(row) for row in rows]
    assert [(row["carrier"], row["embeds"]) for row in rows] == [
        (row["carrier"], row["embeds"]) for row in again
    ]


def test_a_row_whose_prose_says_nothing_has_nothing_in_the_new_columns() -> None:
    plain = {**OLD_NETWORK, "source": "https://example.org/filing", "note": ""}
    row = access_networks.typed(plain)
    assert [row[name] for name in access_networks.ADDED] == ["", "", ""]
    row = transit_asns.typed(plain)
    assert [row[name] for name in transit_asns.ADDED] == ["", ""]
