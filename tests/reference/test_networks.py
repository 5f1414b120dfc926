"""The networks listed: their addresses are those of the tables, their owners are said with how they are known."""

from pathlib import Path

import polars as pl
import pytest

from caudal.reference import FactError, Reference, load_reference
from caudal.reference.addresses.announced import announced

# The largest by product (economies.csv).
LARGEST = [
    "BR",
    "MX",
    "AR",
    "CO",
    "CL",
    "PE",
    "VE",
    "EC",
    "DO",
    "GT",
    "CU",
    "CR",
    "PA",
    "UY",
    "BO",
    "PY",
    "HN",
    "SV",
]
# Thousands of small providers hold the rest of Brazil, an academic and government network that of Cuba; in
# Honduras, networks of which nobody says what they are for.
BELOW = {"BR": 0.72, "CU": 0.74, "HN": 0.70}


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load_reference()


@pytest.fixture(scope="module")
def counted(reference: Reference) -> pl.DataFrame:
    return announced(sorted(reference.countries["country"]))


def test_an_address_counts_for_one_network_and_one_country(counted: pl.DataFrame) -> None:
    assert counted.select("country", "asn").is_unique().all()
    assert counted["ipv4_addresses"].sum() < 2**32
    [ice] = counted.filter((pl.col("country") == "CR") & (pl.col("asn") == 11830))["ipv4_addresses"]
    assert 1_400_000 < ice < 1_500_000


def test_every_access_network_has_the_addresses_that_the_tables_place_in_its_country(
    reference: Reference, counted: pl.DataFrame
) -> None:
    listed = reference.history("access_networks").join(
        counted, on=["country", "asn"], how="left", suffix="_by_table"
    )
    wrong = listed.filter(pl.col("ipv4_addresses") != pl.col("ipv4_addresses_by_table").fill_null(0))
    assert wrong.is_empty(), wrong.select("country", "asn", "ipv4_addresses", "ipv4_addresses_by_table")


@pytest.mark.parametrize("country", LARGEST)
def test_the_access_networks_listed_hold_four_fifths_of_the_addresses(
    reference: Reference, counted: pl.DataFrame, country: str
) -> None:
    listed = set(reference.facts("access_networks")["asn"])
    here = counted.filter(pl.col("country") == country)
    held = here.filter(pl.col("asn").is_in(sorted(listed)))["ipv4_addresses"].sum()
    assert held / here["ipv4_addresses"].sum() >= BELOW.get(country, 0.8)


def test_every_owner_is_said_with_how_it_is_known(reference: Reference) -> None:
    access = reference.history("access_networks")
    assert not access.filter((pl.col("parent_basis") == "") | (pl.col("control_rule") == "")).height
    presumed = access.filter(pl.col("parent_basis") == "presumed")
    assert set(presumed["control_rule"]) == {"licence"}
    assert presumed.filter(pl.col("status").is_in(["verified", "verified_derived"])).is_empty()
    assert access.filter(pl.col("parent_basis").is_in(["filed", "press"])).height > access.height / 2
    assert (
        access["source"].str.contains("http").sum() >= access.filter(pl.col("parent_basis") == "press").height
    )


@pytest.mark.parametrize(
    ("asn", "before", "after"),
    [
        (7418, ("2026-01", "ES"), ("2026-03", "FR")),
        (3816, ("2026-01", "ES"), ("2026-03", "FR")),
        (22927, ("2025-02", "ES"), ("2025-03", "AR")),
        (22047, ("2022-09", "US"), ("2024-12", "MX")),
        (6147, ("2025-03", "ES"), ("2025-05", "AR")),
        (19422, ("2025-09", "ES"), ("2025-11", "FR")),
    ],
)
def test_a_network_that_was_sold_is_controlled_by_the_buyer_from_then_on(
    reference: Reference, asn: int, before: tuple[str, str], after: tuple[str, str]
) -> None:
    for month, country in (before, after):
        row = reference.at(month).networks.filter(pl.col("asn") == asn)
        assert row["control_country"].to_list() == [country], month


def test_a_network_of_several_countries_has_a_row_in_each_and_one_control(reference: Reference) -> None:
    claro = reference.facts("access_networks").filter(pl.col("asn") == 14754)
    assert set(claro["country"]) == {"GT", "SV", "NI", "HN", "CR"}
    assert set(claro["control_country"]) == {"MX"}
    assert reference.networks.filter(pl.col("asn") == 14754).height == 1


def test_two_owners_of_one_network_at_one_time_are_refused(tmp_path: Path) -> None:
    (tmp_path / "access_networks.csv").write_text(
        "country,asn,as_name,parent,control_country,source,as_of,status\n"
        "PA,14754,Telgua,Another S.A.,PA,made up,2026-11-30,synthetic\n",
        encoding="utf-8",
    )
    with pytest.raises(FactError, match=r"AS14754 is controlled otherwise in access_networks\.csv, line \d+"):
        load_reference(tmp_path)


def test_no_fact_is_of_a_database_whose_licence_is_not_known(reference: Reference) -> None:
    for name in ("access_networks", "transit_asns", "other_networks", "platform_asns"):
        assert not reference.history(name)["source"].str.contains("(?i)maxmind|plevin|peeringdb").any()
