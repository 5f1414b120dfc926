"""Files of facts of earlier versions are read, converted, and as an overlay refused in one line."""

import csv
import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from caudal.cli import app
from caudal.reference import FactError, load_reference, older
from caudal.reference.files.catalogue import FILES, TRANSIT_ASNS
from caudal.reference.files.declaration import FactFile
from caudal.reference.older import Older, converted, is_older, olders
from caudal.reference.reading.facts import DATA

RUN = CliRunner()
# An earlier version had the operator of a transit network in its note, and a column of its rank.
BEFORE = "asn,control_country,rank,as_name,source,as_of,status,note\n"
ROW = '64999,CL,7,OWN-AS,our list,2026-11-01,verified,"operator: Own S.A.; says the head, of networks"\n'


def typed(row: Mapping[str, str]) -> dict[str, str]:
    said = row["note"].partition("operator: ")[2].partition(";")[0]
    return {**{name: text for name, text in row.items() if name != "rank"}, "operator": said}


@pytest.fixture
def earlier(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"transit_asns": Older(("operator",), ("rank",), typed)}
    monkeypatch.setattr(older, "olders", lambda: known)


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    directory = tmp_path / "overlay"
    directory.mkdir()
    (directory / "transit_asns.csv").write_text(BEFORE + ROW, encoding="utf-8")
    return directory


def cells(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_conversion_is_of_a_file_and_of_columns_that_it_has() -> None:
    known = {file.name: {column.name for column in file.columns} for file in FILES}
    for name, each in olders().items():
        assert set(each.added) <= known[name], name
        assert not set(each.removed) & known[name], name


def test_no_file_that_ships_is_of_an_earlier_version() -> None:
    for file in FILES:
        rows = [
            line
            for line in csv.reader(io.StringIO((DATA / file.filename).read_text(encoding="utf-8")))
            if line
        ]
        assert not is_older(file, rows[0], rows[1:]), file.filename


@pytest.mark.usefixtures("earlier")
def test_an_older_file_is_read_in_todays_columns() -> None:
    (row,) = cells(converted(TRANSIT_ASNS, BEFORE + ROW))
    assert list(row) == [column.name for column in TRANSIT_ASNS.columns]
    assert (row["operator"], row["valid_to"]) == ("Own S.A.", "")
    assert row["note"] == "operator: Own S.A.; says the head, of networks"


@pytest.mark.usefixtures("earlier")
def test_a_file_of_today_stays_as_it_is() -> None:
    text = (DATA / "transit_asns.csv").read_text(encoding="utf-8")
    assert cells(converted(TRANSIT_ASNS, text)) == cells(text)


@pytest.mark.usefixtures("earlier")
def test_an_overlay_that_leaves_out_what_its_prose_does_not_say_is_of_today(overlay: Path) -> None:
    header = [name for name in BEFORE.strip().split(",") if name != "rank"]
    silent = ["64999", "CL", "OWN-AS", "our list", "2026-11-01", "verified", "no operator: none"]
    file = optional()
    assert not is_older(file, header, [[*silent[:-1], "of our own"]])
    assert is_older(file, header, [silent])
    (row,) = cells(converted(file, f"{','.join(header)}\n{','.join(silent)}\n"))
    assert row["operator"] == "none"


def optional() -> FactFile:
    """Transit networks whose operator may be empty."""
    columns = (
        replace(each, required=False) if each.name == "operator" else each for each in TRANSIT_ASNS.columns
    )
    return replace(TRANSIT_ASNS, columns=tuple(columns))


@pytest.mark.usefixtures("earlier")
def test_what_was_shipped_before_is_converted_whatever_it_says() -> None:
    header = [each.name for each in TRANSIT_ASNS.columns if each.name != "operator"]
    row = dict.fromkeys(header, "") | {"asn": "1", "note": "says nothing"}
    text = f"{','.join(header)}\n{','.join(row.values())}\n"
    moved: list[str] = []
    known = {"transit_asns": Older(("operator",), (), lambda row: (moved.append(row["asn"]), dict(row))[1])}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(older, "olders", lambda: known)
        converted(optional(), text, shipped=True)
        assert moved[-1:] == ["1"]


@pytest.mark.usefixtures("earlier")
def test_an_overlay_of_before_is_refused_in_one_line(overlay: Path) -> None:
    with pytest.raises(FactError) as raised:
        load_reference(overlay)
    assert str(raised.value).count("\n") == 0
    assert f"`caudal reference convert {overlay}` writes it anew" in str(raised.value)
    assert "more" not in str(raised.value)


@pytest.mark.usefixtures("earlier")
def test_an_overlay_is_converted_and_keeps_its_notes(overlay: Path) -> None:
    (overlay / "indicators.csv").write_text("id\nJ1\n", encoding="utf-8")
    result = RUN.invoke(app, ["reference", "convert", str(overlay)])
    assert result.exit_code == 0, result.output
    assert "transit_asns.csv: 1 row in today's columns" in result.output
    assert "indicators.csv: set aside" in result.output
    (row,) = cells((overlay / "transit_asns.csv").read_text(encoding="utf-8"))
    assert (row["operator"], row["note"]) == ("Own S.A.", "operator: Own S.A.; says the head, of networks")
    assert (overlay / ".transit_asns.csv.before").read_text(encoding="utf-8") == BEFORE + ROW
    assert load_reference(overlay).facts("transit_asns").filter(asn=64999)["operator"].to_list() == [
        "Own S.A."
    ]
    again = RUN.invoke(app, ["reference", "convert", str(overlay)])
    assert (again.exit_code, again.output) == (0, "every file has today's columns\n")


@pytest.mark.usefixtures("earlier")
def test_what_cannot_be_converted_is_said_and_stays(overlay: Path) -> None:
    (overlay / "transit_asns.csv").write_text(BEFORE + '64999,"CL', encoding="utf-8")
    result = RUN.invoke(app, ["reference", "convert", str(overlay)])
    assert result.exit_code == 2
    assert "transit_asns.csv: cannot be converted" in result.output
    assert (overlay / "transit_asns.csv").read_text(encoding="utf-8") == BEFORE + '64999,"CL'
    assert RUN.invoke(app, ["reference", "convert", str(overlay / "none")]).exit_code == 2


def test_a_row_that_no_conversion_can_read_is_named(overlay: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(row: Mapping[str, str]) -> dict[str, str]:
        return {"operator": str(float(row["note"]))}

    monkeypatch.setattr(older, "olders", lambda: {"transit_asns": Older(("operator",), ("rank",), failing)})
    result = RUN.invoke(app, ["reference", "convert", str(overlay)])
    assert result.exit_code == 2
    assert "asn 64999: cannot be read in today's columns" in result.output
