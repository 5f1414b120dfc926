"""What changes between two versions of the facts."""

import shutil
import zipfile
from pathlib import Path

import pytest

from caudal.reference import FILES, FactError
from caudal.reference.reading.difference import SHIPPED, differences
from caudal.reference.reading.facts import DATA

HEADER = (DATA / "transit_asns.csv").read_text(encoding="utf-8").splitlines()[0] + "\n"
LUMEN = next(
    line
    for line in (DATA / "transit_asns.csv").read_text(encoding="utf-8").splitlines()
    if line.startswith("3356,")
)


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    directory = tmp_path / "overlay"
    directory.mkdir()
    (directory / "transit_asns.csv").write_text(
        HEADER + LUMEN.replace("3356,US,", "3356,FR,") + "\n64999,CL,Own,Own,,,,,x,2026-11-01,verified,\n",
        encoding="utf-8",
    )
    return directory


@pytest.fixture
def complete(tmp_path: Path) -> Path:
    directory = tmp_path / "data"
    directory.mkdir()
    for file in FILES:
        shutil.copy(DATA / file.filename, directory)
    return directory


def test_an_overlay_against_what_is_shipped(overlay: Path) -> None:
    added, changed = sorted(differences(SHIPPED, str(overlay)), key=lambda change: change.before is not None)
    assert changed.file == "transit_asns"
    assert changed.key == {"asn": "3356", "from": ""}
    assert (changed.before, changed.after) == ({"control_country": "US"}, {"control_country": "FR"})
    assert str(changed) == "~ transit_asns: asn 3356: control_country: US → FR"
    assert added.before is None
    assert str(added).startswith("+ transit_asns: asn 64999: control_country CL; operator Own;")
    back = list(differences(str(overlay), SHIPPED))
    assert {str(each)[0] for each in back} == {"~", "-"}


def test_two_overlays(overlay: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "transit_asns.csv").write_text(
        HEADER
        + LUMEN.replace("3356,US,", "3356,US,").replace(",,,,", ",,,2026-03-31,", 1)
        + "\n3356,FR,New,New,,,2026-04-01,,x,2026-11-01,verified,\n",
        encoding="utf-8",
    )
    found = {str(each)[:60] for each in differences(str(overlay), str(other))}
    assert len(found) == 3
    assert any(each.startswith("+ transit_asns: asn 3356, from 2026-04-01") for each in found)
    assert any(each.startswith("- transit_asns: asn 64999") for each in found)


def test_the_same_facts_do_not_differ(complete: Path) -> None:
    assert list(differences(SHIPPED, SHIPPED)) == []
    assert list(differences(SHIPPED, str(complete))) == []


def test_a_wheel_of_older_facts_may_lack_columns_and_files(complete: Path, tmp_path: Path) -> None:
    (complete / "product_imports.csv").unlink()
    wheel = tmp_path / "caudal-0.1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path in complete.glob("*.csv"):
            text = path.read_text(encoding="utf-8")
            if path.name == "transit_asns.csv":
                text = text.replace("asn,control_country,", "asn,control,", 1)
            archive.writestr(f"caudal/reference/data/{path.name}", text)
    found = list(differences(str(wheel), SHIPPED))
    assert {each.file for each in found} == {"transit_asns"}
    assert all(each.before and each.after for each in found)
    assert {name for each in found for name in each.before or ()} == {"control", "control_country"}


@pytest.mark.parametrize(
    ("name", "says"), [("nowhere", "is neither 'shipped' nor a directory"), ("x.whl", "is not a wheel")]
)
def test_what_is_no_version_is_refused(name: str, says: str) -> None:
    with pytest.raises(FactError, match=says):
        list(differences(SHIPPED, name))
