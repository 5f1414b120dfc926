"""Facts over time: they answer as of the month asked, and may not contradict themselves at any time."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.reference import FactError, Reference, UnknownMonth, load_reference
from caudal.reference.reading.validity import Validity, day_of_month, of_period

DAYS = st.dates(date(2000, 1, 1), date(2030, 1, 1))
VALIDITIES = st.builds(lambda one, two: Validity(min(one, two), max(one, two)), DAYS, DAYS) | st.builds(
    Validity, st.none() | DAYS, st.none()
)


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load_reference()


def control(reference: Reference, month: str, asn: int) -> list[str]:
    networks = reference.at(month).networks
    return networks.filter(pl.col("asn") == asn)["control_country"].to_list()


def test_a_bloc_changes_its_members(reference: Reference) -> None:
    # The United Kingdom left at the end of 31 January 2020; Bolivia joined by law of 5 July 2024.
    assert "GB" in reference.at("2020-01").group("EU")
    assert "GB" not in reference.at("2020-02").group("EU")
    assert "BO" not in reference.at("2024-06").group("MERCOSUR")
    assert "BO" in reference.at("2024-07").group("MERCOSUR")
    assert reference.group("EU") == reference.at("2026-10").group("EU")


def test_adequacy_is_granted_and_annulled(reference: Reference) -> None:
    def instruments(month: str) -> list[str]:
        facts = reference.at(month).facts("adequacy")
        return facts.filter((pl.col("regime") == "EU") & (pl.col("country") == "US"))["instrument"].to_list()

    # Annulled on 6 October 2015 and 16 July 2020; the present decision is of 10 July 2023.
    assert instruments("2015-09") == ["2000/520/EC (Safe Harbour)"]
    assert instruments("2015-11") == []
    assert instruments("2020-07") == ["(EU) 2016/1250 (Privacy Shield)"]
    assert instruments("2020-08") == []
    assert instruments("2023-07") == ["(EU) 2023/1795 (Data Privacy Framework)"]
    brazil = reference.history("adequacy").filter((pl.col("regime") == "EU") & (pl.col("country") == "BR"))
    assert brazil["date"].to_list() == [date(2026, 1, 26)]
    # Of the 26th: the longer part of January was without it.
    for month, found in (("2026-01", 0), ("2026-02", 1)):
        rows = reference.at(month).facts("adequacy")
        assert rows.filter((pl.col("regime") == "EU") & (pl.col("country") == "BR")).height == found


def test_a_network_and_a_platform_are_sold(reference: Reference) -> None:
    assert control(reference, "2025-03", 6147) == ["ES"]
    assert control(reference, "2025-04", 6147) == ["AR"]
    assert control(reference, "2025-12", 11983) == ["CN"]
    assert control(reference, "2026-02", 11983) == ["US"]
    assert reference.networks["asn"].n_unique() == reference.networks.height


def test_a_tax_is_levied_between_its_dates(reference: Reference) -> None:
    def rates(month: str) -> list[float]:
        taxes = reference.at(month).facts("digital_taxes")
        return taxes.filter(pl.col("country") == "TR")["rate_percent"].to_list()

    assert (rates("2026-10"), rates("2027-01")) == ([5.0], [2.5])


def test_figures_are_kept_whatever_the_month(reference: Reference) -> None:
    assert reference.at("2019-01").facts("subscribers").height == reference.facts("subscribers").height
    assert reference.at("2019-01").economy("BR").population_year == 2024


def test_the_version_is_the_same_at_every_month(reference: Reference) -> None:
    assert reference.at("2019-01").version == reference.version
    assert reference.at("2019-01").at("2026-10").group("EU") == reference.group("EU")


@pytest.mark.parametrize(
    "text", ["2026", "2026-13", "2026-00", "2026-1", "0000-01", "October", "2026-10-01", ""]
)
def test_what_is_no_month_is_refused(reference: Reference, text: str) -> None:
    with pytest.raises(UnknownMonth, match="is not a month; write it YYYY-MM"):
        reference.at(text)


HEADER = "asn,control_country,operator,as_name,valid_from,valid_to,source,as_of,status\n"


def overlay(directory: Path, *rows: str) -> Path:
    lines = "".join(f"{row},test,2026-11-01,verified\n" for row in rows)
    (directory / "transit_asns.csv").write_text(HEADER + lines, encoding="utf-8")
    return directory


def test_an_overlay_replaces_every_row_of_a_key(tmp_path: Path) -> None:
    changed = load_reference(overlay(tmp_path, "3356,US,Old,Old,,2026-03-31", "3356,FR,New,New,2026-04-01,"))
    assert control(changed, "2026-03", 3356) == ["US"]
    assert control(changed, "2026-04", 3356) == ["FR"]
    assert changed.history("transit_asns").filter(pl.col("asn") == 3356).height == 2
    assert changed.facts("transit_asns").filter(pl.col("overlay"))["asn"].to_list() == [3356]


@pytest.mark.parametrize(
    ("rows", "column", "says"),
    [
        (
            ["1,US,A,A,,2026-04-01", "1,FR,B,B,2026-04-01,"],
            "valid_from",
            r"asn 1 holds here \(2026-04-01 to …\) and on line 2 \(… to 2026-04-01\) at once; end one on the day before",
        ),
        (["1,US,A,A,,", "1,FR,B,B,,"], "asn", "asn 1 is given twice; first on line 2"),
        (["1,US,A,A,2026-04-02,2026-04-01"], "valid_to", "2026-04-01 is before valid_from 2026-04-02"),
        (["15169,US,A,A,,"], "asn", r"AS15169 is claimed twice; platform_asns.csv, line 2"),
    ],
)
def test_facts_may_not_contradict_themselves(tmp_path: Path, rows: list[str], column: str, says: str) -> None:
    with pytest.raises(FactError, match=says) as caught:
        load_reference(overlay(tmp_path, *rows))
    assert caught.value.column == column
    assert caught.value.line == len(rows) + 1


def test_a_number_may_change_its_kind_in_time(tmp_path: Path) -> None:
    # AS3356 as transit until March, an access network from April on.
    overlay(tmp_path, "3356,US,Old,Old,,2026-03-31")
    (tmp_path / "access_networks.csv").write_text(
        "country,asn,as_name,parent,control_country,valid_from,source,as_of,status\n"
        "CL,3356,New,New,CL,2026-04-01,test,2026-11-01,verified\n",
        encoding="utf-8",
    )
    changed = load_reference(tmp_path)
    kinds = [
        changed.at(month).networks.filter(pl.col("asn") == 3356)["kind"].to_list()
        for month in ("2026-03", "2026-04")
    ]
    assert kinds == [["transit"], ["access"]]


@given(VALIDITIES, VALIDITIES, DAYS)
def test_what_holds_on_one_day_overlaps(one: Validity, two: Validity, day: date) -> None:
    assert one.overlaps(two) == two.overlaps(one)
    if one.holds(day) and two.holds(day):
        assert one.overlaps(two)
    if not one.overlaps(two):
        assert not (one.holds(day) and two.holds(day))


@given(DAYS)
def test_a_period_holds_the_days_in_its_name(day: date) -> None:
    for text in (f"{day:%Y}", f"{day:%Y-%m}", f"{day:%Y-%m-%d}"):
        assert of_period(text).holds(day)
    month = of_period(f"{day:%Y-%m}")
    assert month.since is not None
    assert month.until is not None
    assert (month.since.day, (date.fromordinal(month.until.toordinal() + 1)).day) == (1, 1)
    assert month.holds(day_of_month(f"{day:%Y-%m}"))
