"""Writing imported rows: beside a deployment's own, checked before anything is replaced."""

from pathlib import Path

import pytest

from caudal.reference import FactError, ImportFault, load_reference
from caudal.reference.files.catalogue import SUBSCRIBERS
from caudal.reference.publishers import Imported, write_overlay

HEADER = "country,year,technology,subscriptions,source,as_of,status\n"


def row(country: str, subscriptions: str, source: str = "ITU DataHub, series i271mw") -> dict[str, str]:
    return {
        "country": country,
        "year": "2024",
        "technology": "mobile_broadband",
        "subscriptions": subscriptions,
        "source": source,
        "as_of": "2026-10-01",
        "status": "verified",
        "note": "",
    }


def test_rows_of_another_source_are_kept_and_those_of_the_same_renewed(tmp_path: Path) -> None:
    path = tmp_path / "subscribers.csv"
    path.write_text(
        HEADER + "CL,2024,mobile_broadband,1,our regulator,2026-09-01,verified\n"
        'PE,2024,mobile_broadband,2,"ITU DataHub, series i271mw",2026-01-01,verified\n',
        encoding="utf-8",
    )
    [written] = write_overlay(
        tmp_path, [Imported(SUBSCRIBERS, "ITU", (row("CL", "10"), row("PE", "20"), row("BO", "30")))]
    )
    assert (written.added, written.replaced, written.kept) == (1, 1, 1)
    assert "1 kept as they were" in str(written)
    facts = load_reference(tmp_path).facts("subscribers")
    own = facts.filter(facts["overlay"]).select("country", "subscriptions", "source").rows()
    assert own == [
        ("BO", 30, "ITU DataHub, series i271mw"),
        ("CL", 1, "our regulator"),
        ("PE", 20, "ITU DataHub, series i271mw"),
    ]


def test_rows_that_do_not_fit_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "subscribers.csv"
    path.write_text(HEADER, encoding="utf-8")
    with pytest.raises(ImportFault, match=r"column subscriptions: -1 is negative; nothing was written"):
        write_overlay(tmp_path, [Imported(SUBSCRIBERS, "ITU", (row("CL", "-1"),))])
    assert path.read_text(encoding="utf-8") == HEADER
    assert [each.name for each in tmp_path.iterdir()] == ["subscribers.csv"]


def test_an_overlay_with_faults_is_not_added_to(tmp_path: Path) -> None:
    path = tmp_path / "subscribers.csv"
    path.write_text(HEADER + "CL,2024,pigeons,1,x,2026-09-01,verified\n", encoding="utf-8")
    with pytest.raises(FactError, match="'pigeons' is not one of"):
        write_overlay(tmp_path, [Imported(SUBSCRIBERS, "ITU", (row("CL", "1"),))])
