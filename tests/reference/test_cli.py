"""`caudal reference check|show|diff|import`, as they are typed."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from caudal.cli import app
from caudal.reference import FILES

RUN = CliRunner()
NETWORKS = "platform_id,asn,as_name,source,as_of,status\n"


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    directory = tmp_path / "overlay"
    directory.mkdir()
    (directory / "platform_asns.csv").write_text(
        f"{NETWORKS}meta,15169,Renamed,our list,2026-11-01,verified\n", encoding="utf-8"
    )
    return directory


def test_check_says_every_fault_and_fails(overlay: Path) -> None:
    (overlay / "platform_asns.csv").write_text(
        f"{NETWORKS}nobody,9,N,x,2026-11-01,guess\nmeta,0,M,x,2026-11-01,verified\n,5,M,x,yesterday,verified\n",
        encoding="utf-8",
    )
    (overlay / "economy.csv").write_text("country\n", encoding="utf-8")
    result = RUN.invoke(app, ["reference", "check", str(overlay)])
    assert result.exit_code == 2
    faults = [line for line in result.output.splitlines() if line.startswith("fault: ")]
    wanted = [
        "economy.csv: is no file of facts",
        "platform_asns.csv, line 2, column status: 'guess' is not a status",
        "platform_asns.csv, line 2, column platform_id: nobody is not a platform",
        "platform_asns.csv, line 3, column asn: 0 is not an AS number",
        "platform_asns.csv, line 4, column platform_id: is empty",
        "platform_asns.csv, line 4, column as_of: 'yesterday' is not a date",
    ]
    assert len(faults) == len(wanted)
    for text in wanted:
        assert any(text in fault for fault in faults), text
    assert "6 faults" in result.output


def test_check_passes_what_is_right_and_says_what_is_odd(overlay: Path) -> None:
    result = RUN.invoke(app, ["reference", "check", str(overlay)])
    assert result.exit_code == 0
    assert "suspicious: " in result.output
    assert "meta replaces google" in result.output
    assert RUN.invoke(app, ["reference", "check", "--strict", str(overlay)]).exit_code == 1
    assert "0 faults" in RUN.invoke(app, ["reference", "check"]).output


def test_check_of_a_directory_that_is_none(tmp_path: Path) -> None:
    result = RUN.invoke(app, ["reference", "check", str(tmp_path / "none")])
    assert result.exit_code == 2
    assert "is not a directory" in result.output


def test_show_marks_what_the_deployment_says(overlay: Path) -> None:
    result = RUN.invoke(app, ["reference", "show", "AS15169", "--overlay", str(overlay)])
    assert result.exit_code == 0
    assert f"[OVERLAY {overlay / 'platform_asns.csv'}:2] platform_id meta; asn 15169" in result.output
    assert "OVERLAY" not in RUN.invoke(app, ["reference", "show", "AS15169"]).output
    listed = RUN.invoke(app, ["reference", "show", "--overlay", str(overlay)]).output
    assert "OVERLAY: 1" in next(line for line in listed.splitlines() if line.startswith("platform_asns"))
    assert all(file.name in listed for file in FILES)


def test_show_answers_as_of_a_month_and_as_json() -> None:
    def said(*options: str) -> list[dict[str, object]]:
        result = RUN.invoke(app, ["reference", "show", "6147", "--format", "json", *options])
        return json.loads(result.output)  # type: ignore[no-any-return]

    [row] = said("--month", "2025-03")
    assert (row["control_country"], row["holds_to"], row["overlay"]) == ("ES", "2025-04-12", False)
    assert [each["control_country"] for each in said()] == ["AR"]


@pytest.mark.parametrize(
    ("subject", "files"),
    [
        ("google", {"platforms.csv", "platform_asns.csv", "platform_domains.csv", "regional_revenue.csv"}),
        ("mercosur", {"country_groups.csv"}),
        ("adequacy.csv", {"adequacy.csv"}),
        ("VE", {"countries.csv", "country_groups.csv", "economies.csv", "subscribers.csv"}),
    ],
)
def test_show_finds_what_speaks_of_it(subject: str, files: set[str]) -> None:
    result = RUN.invoke(app, ["reference", "show", subject, "--format", "json"])
    assert files <= {row["file"] for row in json.loads(result.output)}


def test_show_shortens_a_long_answer() -> None:
    short = RUN.invoke(app, ["reference", "show", "platform_domains"]).output
    assert "rows before these; --all shows them" in short
    assert len(RUN.invoke(app, ["reference", "show", "platform_domains", "--all"]).output) > 10 * len(short)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["show", "gogle"], "near it: google"),
        (["show", "google", "--month", "2026-14"], "'2026-14' is not a month"),
        (["diff", "nowhere"], "is neither 'shipped' nor a directory"),
        (["import", "itu", "none.csv", "--overlay", "x"], "none.csv: cannot be read"),
        (
            ["import", "sdmx", "x.csv", "--overlay", "x", "--to", "services_trade", "--only", "A"],
            "not of the form NAME=VALUE",
        ),
        (["import", "itu", "x.csv", "--overlay", "x", "--series", "a=pigeons"], "'pigeons' is not one of"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    arguments: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = RUN.invoke(app, ["reference", *arguments])
    assert result.exit_code == 2
    assert says in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "x").exists()


def test_diff_counts_what_changes(overlay: Path) -> None:
    result = RUN.invoke(app, ["reference", "diff", str(overlay)])
    assert "platform_id: google → meta" in result.output
    assert f"from shipped to {overlay}: 0 added, 0 removed, 1 changed" in result.output
    [change] = json.loads(RUN.invoke(app, ["reference", "diff", str(overlay), "--format", "json"]).output)
    assert change["after"]["platform_id"] == "meta"


def test_imported_figures_are_facts_that_pass_the_check(tmp_path: Path) -> None:
    file = tmp_path / "mobile.csv"
    file.write_text(
        "seriesCode,seriesName,entityIso,dataValue,dataYear\n"
        "i271mw,Active mobile-broadband subscriptions,CHL,21000000,2024\n",
        encoding="utf-8",
    )
    overlay = tmp_path / "new" / "overlay"
    result = RUN.invoke(
        app, ["reference", "import", "itu", str(file), "--overlay", str(overlay), "--as-of", "2026-10-01"]
    )
    assert result.exit_code == 0, result.output
    assert "1 row added, 0 replaced" in result.output
    checked = RUN.invoke(app, ["reference", "check", "--strict", str(overlay)])
    assert checked.exit_code == 0, checked.output
    assert "+ subscribers: country CL, year 2024, technology mobile_broadband" in (
        RUN.invoke(app, ["reference", "diff", str(overlay)]).output
    )
