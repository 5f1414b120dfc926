"""ITU DataHub files. Column names were checked against code that reads such downloads; codes of series are from memory."""

from datetime import date
from pathlib import Path

import pytest

from caudal.reference import ImportFault, Reference
from caudal.reference.publishers import read_itu

TAKEN = date(2026, 10, 1)
HEADER = (
    "seriesID,seriesCode,seriesName,seriesParent,seriesUnits,entityID,entityIso,entityName,dataValue,dataYear,"
    "dataNote,dataSource,seriesDescription\n"
)


def download(path: Path, *rows: str) -> Path:
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def test_series_of_one_technology_share_a_row(tmp_path: Path, reference: Reference) -> None:
    path = download(
        tmp_path / "active-mobile-broadband-subscriptions.csv",
        "11622,i271mw,Active mobile-broadband subscriptions,x,Number,1,CHL,Chile,21000000.0,2024,,Subtel,x",
        '11623,i911mw,"Active mobile-broadband subscriptions per 100",x,Per 100,1,CHL,Chile,106.91234567,2024,,ITU,x',
        "11622,i271mw,Active mobile-broadband subscriptions,x,Number,1,CHL,Chile,20000000.0,2010,,Subtel,x",
        "11622,i271mw,Active mobile-broadband subscriptions,x,Number,9,WLD,World,1e9,2024,,ITU,x",
        "178,i112,Fixed-telephone subscriptions,x,Number,1,CHL,Chile,2.0,2024,,Subtel,x",
    )
    [imported] = read_itu([path], reference, 2015, TAKEN)
    assert [dict(row) for row in imported.rows] == [
        {
            "country": "CL",
            "year": "2024",
            "technology": "mobile_broadband",
            "subscriptions": "21000000",
            "per_100_inhabitants": "106.9123",
            "source": "ITU DataHub, series i271mw, i911mw",
            "as_of": "2026-10-01",
            "status": "verified",
            "note": "",
        }
    ]
    assert imported.left_out == {
        "a region or group, not a country": 1,
        "series i112 is not one that facts are made of": 1,
    }


def test_a_series_of_another_code_can_be_named(tmp_path: Path, reference: Reference) -> None:
    path = download(tmp_path / "x.csv", "1,new,Mobile broadband,x,x,1,BOL,Bolivia,7000000,2024,,ATT,x")
    with pytest.raises(
        ImportFault, match=r"series in it: new \(Mobile broadband\); known are i4213tfbb, .*--series"
    ):
        read_itu([path], reference, 2015, TAKEN)
    [imported] = read_itu([path], reference, 2015, TAKEN, {"new": ("mobile_broadband", "subscriptions")})
    assert imported.rows[0]["subscriptions"] == "7000000"


def test_a_file_of_another_form_is_refused(tmp_path: Path, reference: Reference) -> None:
    path = tmp_path / "x.csv"
    path.write_text("Country,2020\nChile,1\n", encoding="utf-8")
    with pytest.raises(
        ImportFault, match="no line names the columns entityIso, dataYear, dataValue, seriesCode"
    ):
        read_itu([path], reference, 2015, TAKEN)
