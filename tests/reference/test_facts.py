"""Files of facts: every kind of fault is found, and named by file, line and column."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.reference import FILES, FactError, load_reference
from caudal.reference.reading.facts import DATA, load_facts

Spoil = Callable[[str, str, str], Path]


@pytest.fixture
def spoil(tmp_path: Path) -> Spoil:
    """Copy the files of facts, and replace one text in one of them."""
    directory = tmp_path / "data"
    shutil.copytree(DATA, directory, ignore=shutil.ignore_patterns("addresses"))

    def replace(name: str, old: str, new: str) -> Path:
        path = directory / f"{name}.csv"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return directory

    return replace


def refused(directory: Path) -> FactError:
    with pytest.raises(FactError) as caught:
        load_reference(directory=directory)
    return caught.value


@pytest.mark.parametrize(
    ("name", "old", "new", "column", "says"),
    [
        ("platforms", "google,", ",", "platform_id", "is empty; a value is required here"),
        ("platforms", "Alphabet Inc.,US,US,US", "Alphabet Inc.,US,US,", "control_country", "is empty"),
        ("platforms", "Alphabet Inc.,US,US,US", "Alphabet Inc.,US,US,usa", "control_country", "alpha-2 code"),
        (
            "platforms",
            "Alphabet Inc.,US,US,US",
            "Alphabet Inc.,US,US,QX",
            "control_country",
            "QX is not a country",
        ),
        (
            "platforms",
            "search_ads_video,4",
            "search_ads_video,9",
            "ladder_stage",
            "not a stage of the value ladder",
        ),
        (
            "platforms",
            "search_ads_video,4",
            "search_ads_vidoe,4",
            "category",
            "search_ads_vidoe is not a category of categories.csv; name one of them, or add a row there",
        ),
        ("categories", "observes_people,1", "watches_people,1", "function", "'watches_people' is not one of"),
        (
            "categories",
            "advertising user_data",
            "advertising userdata",
            "levies",
            "'userdata' is not one of advertising, intermediation",
        ),
        ("categories", "advertising user_data", "user_data user_data", "levies", "each once"),
        ("platform_asns", "google,15169", "google,0", "asn", "not an AS number"),
        (
            "platform_asns",
            "google,15169",
            "gogle,15169",
            "platform_id",
            "gogle is not a platform of platforms.csv",
        ),
        ("platform_asns", "google,36040", "google,15169", "asn", "asn 15169 is given twice; first on line 2"),
        ("access_networks", "BR,28573", "BR,15169", "asn", "claimed twice; platform_asns.csv, line 2"),
        ("transit_asns", "3356,US", "28573,US", "asn", "claimed twice; access_networks.csv, line 3"),
        ("economies", ",93772,", ",93772.5,", "population", "'93772.5' is not a whole number"),
        ("economies", ",CELAC,", ",CELAK,", "region_group", "CELAK is not a group of country_groups.csv"),
        ("country_groups", "full members,AR", "full members,Argentina", "country", "alpha-2 code"),
        ("adequacy", "2010-10-19", "2010-13-19", "date", "'2010-13-19' is not a date written YYYY-MM-DD"),
        ("moratorium", "1998-05-20", "May 1998", "date", "not a day, month or year"),
        (
            "access_laws",
            "in force,yes,1.0",
            "in force,yes,1.7",
            "exposure_weight_proposal",
            "not a share between 0 and 1",
        ),
        ("transit_asns", "verified_asn_memory_control", "checked", "status", "'checked' is not a status"),
        ("transit_asns", "verified_asn_memory_control", "synthetic", "status", "belong in an overlay"),
        ("services_trade", ",export,", ",sale,", "flow", "'sale' is not one of export, import"),
        ("anycast_prefixes", "1.0.0.0/24", "1.0.0.1/24", "prefix", "is not a prefix"),
        (
            "cloud_regions",
            "aws,sa-east-1,BR",
            "aws,sa-east-1,ZZ",
            "country",
            "a region has the country it lies in",
        ),
        ("platform_domains", "acrobat.com", "Acrobat.com", "suffix", "is not a domain"),
        ("platform_domains", "acrobat.com", " acrobat.com", "suffix", "white space"),
    ],
)
def test_a_wrong_cell_is_named_by_file_line_and_column(
    spoil: Spoil, name: str, old: str, new: str, column: str, says: str
) -> None:
    directory = spoil(name, old, new)
    error = refused(directory)
    assert error.file == directory / f"{name}.csv"
    assert error.column == column
    assert says in str(error)
    lines = error.file.read_text(encoding="utf-8").splitlines()
    assert new.strip(" ,") in lines[error.line - 1]
    assert str(error).startswith(f"{error.file}, line {error.line}, column {column}: ")


def test_a_header_must_name_the_declared_columns(spoil: Spoil) -> None:
    assert "colour: is not a column of transit_asns.csv; it has asn" in str(
        refused(spoil("transit_asns", "asn,control_country", "asn,colour"))
    )


def test_a_header_must_name_every_declared_column(spoil: Spoil) -> None:
    directory = spoil("transit_asns", "status,note\n", "status\n")
    assert "line 1, column note: is missing from the header" in str(refused(directory))


def test_a_row_must_have_as_many_cells_as_the_header(spoil: Spoil) -> None:
    error = refused(spoil("transit_asns", "3356,US,", "3356,US,too,many,"))
    assert "has 14 cells; the header names 12 columns" in str(error)
    assert error.line == 2


def test_text_that_is_no_csv_is_refused(spoil: Spoil) -> None:
    assert "is not CSV" in str(refused(spoil("transit_asns", '"@ip-location-db', '"@"ip-location-db')))


def test_bytes_that_are_no_text_are_refused(spoil: Spoil) -> None:
    directory = spoil("transit_asns", "3356", "3356")
    (directory / "transit_asns.csv").write_bytes(b"asn\xff")
    assert "is not UTF-8 text" in str(refused(directory))


def test_a_missing_file_is_named(spoil: Spoil) -> None:
    directory = spoil("transit_asns", "3356", "3356")
    (directory / "transit_asns.csv").unlink()
    assert "transit_asns.csv: cannot be read: No such file" in str(refused(directory))


def test_the_line_of_a_row_after_a_quoted_line_break_is_right(spoil: Spoil) -> None:
    directory = spoil("transit_asns", "Lumen/Level 3", '"Lumen\nLevel 3"')
    path = directory / "transit_asns.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("174,US", "174,??"), encoding="utf-8")
    assert refused(directory).line == 4


def test_every_file_says_where_each_row_is_from() -> None:
    reference = load_reference()
    for file in FILES:
        frame = reference.facts(file.name)
        assert frame.height > 0 or file.cure, file.name
        assert frame.filter(frame["source"] == "").is_empty()
        assert frame["as_of"].null_count() == 0
        assert "synthetic" not in set(frame["status"])


def test_the_package_holds_the_declared_files_and_no_other() -> None:
    assert {path.name for path in DATA.glob("*.csv")} == {file.filename for file in FILES}


COLUMNS = {column.kind: column for file in FILES for column in file.columns}


@given(st.sampled_from(sorted(COLUMNS)), st.text(max_size=12) | st.from_regex(r"[-+0-9.eE/:*A-Za-z]{0,40}"))
def test_no_text_breaks_the_reading_of_a_cell(kind: str, text: str) -> None:
    try:
        value = replace(COLUMNS[kind], required=False).read(text)  # type: ignore[index]
    except ValueError as error:
        assert repr(text) in str(error) or text in str(error)
    else:
        assert text or value in ("", None)


@pytest.mark.parametrize(
    ("kind", "text"),
    [("countries", "0 "), ("countries", "CL  MX"), ("countries", "cl MX"), ("ids", "a  b"), ("ids", " ")],
)
def test_what_is_wrong_in_a_list_is_told_with_the_whole_list(kind: str, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        COLUMNS[kind].read(text)


@pytest.mark.parametrize(
    "text",
    [
        "*.akamaized.net",
        "*a-b-c*.akamaized.net",
        "x.*-game.net",
        "*-games.net",
        "*-Game.akamaized.net",
        "*-game.akamaized.",
    ],
)
def test_a_pattern_of_hosts_cannot_take_those_of_others(text: str) -> None:
    assert COLUMNS["hosts"].read("*-ak-spotify-com.akamaized.net") == "*-ak-spotify-com.akamaized.net"
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        COLUMNS["hosts"].read(text)


def test_an_unspoilt_copy_is_right(spoil: Spoil) -> None:
    assert (
        load_reference(directory=spoil("platforms", "google", "google")).version == load_reference().version
    )


def test_what_anybody_can_edit_or_copies_a_filing_is_a_weak_source() -> None:
    uncitable = re.compile(r"wikipedia|wikinews|/wiki/|\.wiki/|fandom\.com|opencapital\.sh", re.IGNORECASE)
    found = [
        f"{file.name}: {row['source']}"
        for file in FILES
        for row in load_facts(file).frame.iter_rows(named=True)
        if uncitable.search(row["source"]) and row["status"] not in ("verified_weak", "from_memory", "own")
    ]
    assert not found
