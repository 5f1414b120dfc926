"""World Bank files: lines above the header, columns and codes as in downloads of api.worldbank.org and DataBank.

The layout was checked against code that reads such downloads; the figures are made up for the test.
"""

import zipfile
from pathlib import Path

import pytest

from caudal.reference import ImportFault, Reference, load_reference
from caudal.reference.publishers import read_world_bank, write_overlay

ABOVE = '"Data Source","World Development Indicators",\n\n"Last Updated Date","2026-10-07",\n\n'
HEADER = '"Country Name","Country Code","Indicator Name","Indicator Code","2013","2022","2023","2024",\n'


def download(path: Path, code: str, *rows: str) -> Path:
    path.write_text("\ufeff" + ABOVE + HEADER + "".join(f"{row},\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return [
        download(
            tmp_path / "API_SP.POP.TOTL_DS2_en_csv_v2_1.csv",
            "SP.POP.TOTL",
            '"Chile","CHL","Population, total","SP.POP.TOTL","1","19600000","19700000","20000000"',
            '"World","WLD","Population, total","SP.POP.TOTL","1","2","3","4"',
            '"Kosovo","XKX","Population, total","SP.POP.TOTL","1","2","3","4"',
        ),
        download(
            tmp_path / "API_IT.NET.USER.ZS_DS2_en_csv_v2_1.csv",
            "IT.NET.USER.ZS",
            '"Chile","CHL","Individuals using the Internet (% of population)","IT.NET.USER.ZS","","90.1","95.5",""',
        ),
        download(
            tmp_path / "API_IT.NET.BBND_DS2_en_csv_v2_1.csv",
            "IT.NET.BBND",
            '"Chile","CHL","Fixed broadband subscriptions","IT.NET.BBND","2300000","4200000","4500000",""',
            '"Namibia","NAM","Fixed broadband subscriptions","IT.NET.BBND","","91000","",""',
        ),
        download(
            tmp_path / "API_BM.GSR.ROYL.CD_DS2_en_csv_v2_1.csv",
            "BM.GSR.ROYL.CD",
            '"Chile","CHL","Charges for the use of intellectual property, payments (BoP, current US$)",'
            '"BM.GSR.ROYL.CD","","1912345678.9","",""',
        ),
    ]


def test_people_and_users_take_the_place_of_the_old(
    files: list[Path], tmp_path: Path, reference: Reference
) -> None:
    overlay = tmp_path / "overlay"
    write_overlay(overlay, read_world_bank(files, reference, 2015))
    before, after = reference.economy("CL"), load_reference(overlay).economy("CL")
    assert (after.population, after.population_year) == (20_000_000, 2024)
    # 95.5 % of 20,000,000 people.
    assert (after.internet_users_percent, after.internet_year, after.internet_users) == (
        95.5,
        2023,
        19_100_000,
    )
    assert after.gdp_usd == before.gdp_usd
    assert after.name_es == "Chile"
    assert after.as_of.isoformat() == "2026-10-07"
    assert (
        "population: World Bank, World Development Indicators, SP.POP.TOTL, last updated 2026-10-07 (2024)"
        in (after.source)
    )
    assert "datasets/population" not in after.source
    assert "GDP: factbook" in after.source
    assert after.status == "verified_derived"


def test_subscriptions_and_trade_become_rows(files: list[Path], tmp_path: Path, reference: Reference) -> None:
    overlay = tmp_path / "overlay"
    write_overlay(overlay, read_world_bank(files, reference, 2015))
    facts = load_reference(overlay)
    own = facts.facts("subscribers").filter(facts.facts("subscribers")["overlay"])
    assert own.select("country", "year", "technology", "subscriptions").rows() == [
        ("CL", 2022, "fixed_broadband", 4_200_000),
        ("CL", 2023, "fixed_broadband", 4_500_000),
        ("NA", 2022, "fixed_broadband", 91_000),
    ]
    trade = facts.facts("services_trade").filter(facts.facts("services_trade")["overlay"])
    assert trade.select("country", "year", "flow", "item", "value_usd_m").rows() == [
        ("CL", 2022, "import", "SH", 1912.3456789)
    ]


def test_regions_and_other_indicators_are_counted(files: list[Path], reference: Reference) -> None:
    other = download(
        files[0].parent / "other.csv", "SE.XPD", '"Chile","CHL","Education","SE.XPD","","1","",""'
    )
    economies, *_ = read_world_bank([*files, other], reference, 2015)
    assert economies.left_out == {
        "a region or group, not a country": 1,
        "indicator SE.XPD is not one that facts are made of": 1,
    }
    assert [row["country"] for row in economies.rows] == ["CL"]


def test_a_fresh_product_dates_the_remark_on_the_old(tmp_path: Path, reference: Reference) -> None:
    rows = [
        '"Nigeria","NGA","GDP (current US$)","NY.GDP.MKTP.CD","","","","243000000000"',
        '"Cuba","CUB","GDP (current US$)","NY.GDP.MKTP.CD","","","","107000000000"',
    ]
    path = download(tmp_path / "gdp.csv", "NY.GDP.MKTP.CD", *rows)
    write_overlay(tmp_path / "overlay", read_world_bank([path], reference, 2015))
    facts = load_reference(tmp_path / "overlay")
    assert facts.economy("NG").note.startswith("of before 2026-")
    assert facts.economy("NG").note.endswith(f": {reference.economy('NG').note}")
    assert (facts.economy("NG").gdp_usd, facts.economy("NG").gdp_year) == (243e9, 2024)
    # Cuba's official rate is what makes its product no weight, whoever publishes it.
    weight = dict(facts.economies.select("country", "usable_as_weight").iter_rows())
    assert (weight["CU"], weight["NG"]) == (False, True)
    revision = dict(reference.economies.select("country", "gdp_revision_percent").iter_rows())
    assert revision["NG"] == 41
    assert dict(facts.economies.select("country", "gdp_revision_percent").iter_rows())["NG"] is None


def test_a_zip_with_metadata_is_read(files: list[Path], tmp_path: Path, reference: Reference) -> None:
    path = tmp_path / "API_IT.NET.BBND.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(files[2], files[2].name)
        archive.writestr("Metadata_Country_API_IT.NET.BBND_DS2_en_csv_v2_1.csv", '"Country Code"\n"CHL"\n')
        archive.writestr("Metadata_Indicator_API_IT.NET.BBND_DS2_en_csv_v2_1.csv", '"INDICATOR_CODE"\n')
    _, subscribers, _ = read_world_bank([path], reference, 2023)
    assert [(row["country"], row["year"]) for row in subscribers.rows] == [("CL", "2023")]


def test_databank_writes_years_and_gaps_its_own_way(tmp_path: Path, reference: Reference) -> None:
    path = tmp_path / "Data.csv"
    path.write_text(
        "Country Name,Country Code,Series Name,Series Code,2022 [YR2022],2023 [YR2023]\n"
        "Uruguay,URY,Mobile cellular subscriptions (per 100 people),IT.CEL.SETS.P2,139.123456,..\n"
        "Uruguay,URY,Mobile cellular subscriptions,IT.CEL.SETS,4754000,..\n"
        "\n\nData from database: World Development Indicators\nLast Updated: 10/07/2026\n",
        encoding="utf-8",
    )
    with pytest.raises(ImportFault, match="has no Last Updated Date; say when it was taken with --as-of"):
        read_world_bank([path], reference, 2015)
    from datetime import date

    _, subscribers, _ = read_world_bank([path], reference, 2015, date(2026, 10, 8))
    assert [dict(row) for row in subscribers.rows] == [
        {
            "country": "UY",
            "year": "2022",
            "technology": "mobile_cellular",
            "per_100_inhabitants": "139.1235",
            "subscriptions": "4754000",
            "source": "World Bank, World Development Indicators, IT.CEL.SETS, last updated 2026-10-08",
            "as_of": "2026-10-08",
            "status": "verified",
            "note": "",
        }
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n", "no line names the columns Country Code and Indicator Code"),
        ("", "no line names the columns"),
        (ABOVE + HEADER, "no observation of 2015 or later could be used"),
        (
            ABOVE + HEADER + '"Chile","CHL","x","IT.NET.BBND","","many","",""\n',
            "column 2022: 'many' is not a number",
        ),
        (ABOVE.replace("2026-10-07", "soon") + HEADER, "Last Updated Date is not a date"),
        ('"a\nb', "is not CSV|no line names"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, reference: Reference, text: str, says: str) -> None:
    path = tmp_path / "file.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ImportFault, match=says):
        read_world_bank([path], reference, 2015)


def test_bytes_that_are_no_text_and_missing_files_are_refused(tmp_path: Path, reference: Reference) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ImportFault, match="is not UTF-8 text"):
        read_world_bank([path], reference, 2015)
    with pytest.raises(ImportFault, match="cannot be read"):
        read_world_bank([tmp_path / "none.csv"], reference, 2015)
