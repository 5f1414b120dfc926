"""Whatever an overlay or a publisher's file holds, it is answered with faults, never with a traceback."""

import tempfile
from datetime import date
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from caudal.reference import FILES, ImportFault, load_reference
from caudal.reference.files.declaration import FactFile
from caudal.reference.publishers import TARGETS, read_batis, read_itu, read_sdmx_data, read_world_bank
from caudal.reference.reading.checks import check_between
from caudal.reference.reading.facts import read_facts
from caudal.reference.reading.suspicions import suspect
from caudal.reference.reference import examine

REFERENCE = load_reference()
SHIPPED = examine()[0]
TAKEN = date(2026, 11, 1)
CELLS = st.sampled_from(
    [
        "",
        "US",
        "google",
        "15169",
        "2026-10-01",
        "2024",
        "verified",
        "1",
        "0.5",
        "-1",
        "x" * 300,
        '"',
        "é\n",
        "1e400",
        "*",
    ]
) | st.text(max_size=8)


@st.composite
def written(draw: st.DrawFn) -> tuple[FactFile, str]:
    file = draw(st.sampled_from(FILES))
    names = [column.name for column in file.columns]
    header = draw(st.just(names) | st.permutations(names) | st.lists(CELLS, max_size=4))
    rows = draw(st.lists(st.lists(CELLS, min_size=len(header), max_size=len(header)), max_size=4))
    return file, "\n".join(",".join(row) for row in [header, *rows])


@given(written())
@settings(max_examples=80)
def test_no_overlay_breaks_the_check(overlay: tuple[FactFile, str]) -> None:
    file, text = overlay
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / file.filename).write_text(text, encoding="utf-8", errors="surrogateescape")
        faults: list[Exception] = []
        facts = {**SHIPPED, file.name: read_facts(file, faults, Path(name))}  # type: ignore[arg-type]
        faults.extend(check_between(facts))
        suspicions = suspect(facts, SHIPPED, TAKEN, overlay_only=True)
        assert all(str(each) for each in (*faults, *suspicions))


HEADERS = st.sampled_from(
    [
        "Country Code,Indicator Code,2023\n",
        '"Last Updated Date","2026-10-07",\nCountry Code,Indicator Code,2023\n',
        "entityIso,dataYear,dataValue,seriesCode\n",
        "Reporter,Partner,Flow,Item_code,Year,Balanced_value\n",
        "REF_AREA,COUNTERPART_AREA,ACCOUNTING_ENTRY,MEASURE,TIME_PERIOD,OBS_VALUE,UNIT_MULT\n",
        "REPORTER,PARTNER,PRODUCTCODE,TARIFFTYPE,NOMENCODE,TIME_PERIOD,OBS_VALUE\n",
        "REF_AREA,ACTIVITY,TIME_PERIOD,OBS_VALUE\n",
        "",
    ]
)
VALUES = st.sampled_from(
    [
        "CHL",
        "CL",
        "152",
        "W",
        "WL",
        "000",
        "X",
        "SI",
        "2023",
        "IT.NET.BBND",
        "i271mw",
        "MFN",
        "H6",
        "370610",
        "J",
        "_T",
        "1",
        "-5",
        "nan",
        "inf",
        "1e999",
        "",
        "..",
        "918",
        "²",
        "9e20",
    ]
) | st.text(max_size=5)


@given(HEADERS, st.lists(st.lists(VALUES, min_size=1, max_size=8), max_size=4), st.binary(max_size=6))
@settings(max_examples=120)
def test_no_file_of_a_publisher_breaks_an_import(header: str, rows: list[list[str]], tail: bytes) -> None:
    text = header + "".join(",".join(row) + "\n" for row in rows)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "file.csv"
        path.write_bytes(text.encode("utf-8", errors="replace") + tail)
        for read in (
            lambda: read_world_bank([path], REFERENCE, 2015),
            lambda: read_itu([path], REFERENCE, 2015, TAKEN),
            lambda: read_batis(path, REFERENCE, 2015, TAKEN),
            *(
                lambda target=target: read_sdmx_data(path, target, REFERENCE, 2015, TAKEN)
                for target in TARGETS.values()
            ),
        ):
            try:
                imported = read()
            except ImportFault as error:
                assert str(path) in str(error)
            else:
                assert any(each.rows for each in imported)
