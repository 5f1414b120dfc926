"""The bulk file of BaTIS: column names and codes checked against code that reads it; figures made up."""

from datetime import date
from pathlib import Path

import pytest

from caudal.reference import ImportFault, Reference
from caudal.reference.publishers import read_batis

HEADER = (
    "Reporter,type_Reporter,Partner,type_Partner,Flow,Item_code,type_Item,Year,Reported_value,Final_value,"
    "Final_value_methodology,Balanced_value\n"
)


def test_balanced_values_with_the_world_are_taken(tmp_path: Path, reference: Reference) -> None:
    path = tmp_path / "OECD-WTO_BATIS_BPM6_December2025_bulk.csv"
    path.write_text(
        "\ufeff"
        + HEADER
        + "CL,c,WL,r,X,SI,b,2022,500,500,R_NAT,512.5\n"
        + "CL,c,WL,r,M,SH,b,2022,,1900.25,E2,1912.125\n"
        + "CL,c,US,c,X,SI,b,2022,300,300,R_NAT,310\n"
        + "CL,c,WL,r,X,SI,b,2014,1,1,R_NAT,1\n"
        + "CL,c,WL,r,X,SPX4,b,2022,1,1,E1,1\n"
        + "EU,r,WL,r,X,SI,b,2022,1,1,E1,1\n",
        encoding="utf-8",
    )
    [imported] = read_batis(path, reference, 2015, date(2026, 11, 1))
    assert [(r["country"], r["year"], r["flow"], r["item"], r["value_usd_m"]) for r in imported.rows] == [
        ("CL", "2022", "export", "SI", "512.5"),
        ("CL", "2022", "import", "SH", "1912.125"),
    ]
    assert imported.left_out == {
        "item SPX4 is not one of services_trade.csv": 1,
        "a region or group, not a country": 1,
    }


def test_a_flow_of_another_name_is_refused(tmp_path: Path, reference: Reference) -> None:
    path = tmp_path / "x.csv"
    path.write_text(HEADER + "CL,c,WL,r,E,SI,b,2022,500,500,R_NAT,512.5\n", encoding="utf-8")
    with pytest.raises(ImportFault, match="line 2, column Flow: 'E' is neither X nor M"):
        read_batis(path, reference, 2015, date(2026, 11, 1))
