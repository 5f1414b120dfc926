"""The command line: what strangers type, and what they are told when it is wrong."""

import gzip
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from caudal import __version__
from caudal.cli import app

DATA = Path(__file__).parents[1] / "data"
TRAFFIC, EXPORTS = str(DATA / "traffic.pcap.gz"), str(DATA / "exports.pcap.gz")
HOME = ["--home", "10.20.0.0/16", "--home", "2001:db8:20::/48"]
# What scapy counts in traffic.pcap.gz: IP bytes and packets, both versions of IP (see test_life_of_a_flow).
BYTES, PACKETS = 1_296_151, 2_055


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def answer(*arguments: str) -> dict[str, Any]:
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)  # type: ignore[no-any-return]


def refused(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 2
    assert not result.stdout
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1
    assert "Traceback" not in result.stderr
    return lines[0]


def test_version() -> None:
    assert run("version").stdout.strip() == __version__


def test_meter_answers_totals_ledger_and_indicators() -> None:
    found = answer("meter", TRAFFIC, *HOME, "--economy", "CL", "--json")
    assert found["total"]["bytes"] == BYTES
    assert found["total"]["packets"] == PACKETS
    assert found["months"] == ["2026-11"]
    assert set(found["by"]) == {"platform", "control", "country", "direction"}
    for rows in found["by"].values():
        assert sum(row["bytes"] for row in rows) == BYTES
    assert {row["direction"] for row in found["by"]["direction"]} == {"in", "out"}
    assert found["ledger"]["balanced"]
    assert found["ledger"]["counts"]["datagrams"] == PACKETS
    assert [each["id"] for each in found["indicators"]][:3] == ["J1", "J2", "J3"]
    assert found["synthetic"] is False


def test_meter_takes_exports_for_what_they_are() -> None:
    found = answer("meter", EXPORTS, *HOME, "--economy", "CL", "--json")
    four = answer("meter", TRAFFIC, "--home", "10.20.0.0/16", "--economy", "CL", "--json")
    in_or_out = sum(row["bytes"] for row in four["by"]["direction"] if row["direction"] in ("in", "out"))
    # v9 and IPFIX report all of it, v5 only IPv4.
    assert found["total"]["bytes"] == 2 * BYTES + in_or_out


def test_meter_can_be_told_what_a_file_is() -> None:
    as_packets = answer("meter", EXPORTS, *HOME, "--economy", "CL", "--as", "packets", "--json")
    assert {row["direction"] for row in as_packets["by"]["direction"]} == {"transit"}
    assert as_packets["ledger"]["counts"]["datagrams"] == 113
    assert "--as" in refused("meter", TRAFFIC, *HOME, "--economy", "CL", "--as", "exports")


def test_several_files_add_up() -> None:
    twice = answer("meter", TRAFFIC, EXPORTS, *HOME, "--economy", "CL", "--json")
    assert twice["total"]["bytes"] > 3 * BYTES


def test_meter_shows_tables() -> None:
    result = run("meter", TRAFFIC, *HOME, "--economy", "CL")
    assert result.exit_code == 0
    for text in (
        "Google",
        "Controlled from",
        "J1",
        "everything received is accounted for",
        "Bytes" and "bytes",
    ):
        assert text in result.stdout


def test_meter_says_when_nothing_is_home() -> None:
    result = run("meter", TRAFFIC, "--home", "192.0.2.0/24", "--economy", "CL")
    assert "check --home" in result.stdout


def test_folding_changes_no_total() -> None:
    folded = answer("meter", TRAFFIC, *HOME, "--economy", "CL", "--k-anonymity", "5", "--json")
    assert folded["total"]["bytes"] == BYTES
    assert (
        folded["undetermined"] > answer("meter", TRAFFIC, *HOME, "--economy", "CL", "--json")["undetermined"]
    )


def test_inspect_gives_one_object_per_record_and_the_ledger_last() -> None:
    result = run("inspect", EXPORTS, "--json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    ledger = lines.pop()
    assert set(ledger) == {"ledger", "not_believed", "signs"}
    # softflowd's version 5 tells times of eleven days before it exported them.
    assert {(each["rate"], each["counts"], each["time"]) for each in ledger["not_believed"]} == {
        (0, 0, 851),
        (0, 0, 1122),
    }
    assert len(lines) == ledger["ledger"]["decoded"] == 3_095
    assert list(lines[0]) == [
        "exporter", "protocol", "observation_domain", "template", "start", "end", "source", "destination",
        "source_port", "destination_port", "ip_protocol", "sampled_bytes", "sampled_packets", "sampling_rate",
        "sampling_from", "bytes", "packets", "source_as", "destination_as", "input", "output", "kind",
        "not_believed",
    ]  # fmt: skip
    by_protocol = {
        name: sum(r["bytes"] for r in lines if r["protocol"] == name) for name in ("netflow9", "ipfix")
    }
    assert by_protocol == {"netflow9": BYTES, "ipfix": BYTES}


def test_inspect_sums_up() -> None:
    result = run("inspect", EXPORTS)
    assert result.exit_code == 0
    assert "1025" in result.stdout
    assert "without a sampling rate" in result.stdout.replace("\n", " ")


def test_inspect_says_what_it_passed_over(tmp_path: Path) -> None:
    """An sFlow agent that polls counters and samples no flows."""
    counters = struct.pack(">IIIII", 2, 12, 1, 7, 0)
    header = struct.pack(">IIIIIII", 5, 1, 0xC000_0201, 0, 1, 1000, 1)
    path = tmp_path / "agent.dat"
    path.write_bytes(header + counters)
    result = run("inspect", str(path))
    assert "1 sFlow sample of counters" in result.stdout


@pytest.mark.parametrize("verb", ["meter", "inspect"])
def test_a_file_that_is_no_capture_is_refused(tmp_path: Path, verb: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a capture")
    arguments = [*HOME, "--economy", "CL"] if verb == "meter" else []
    assert str(path) in refused(verb, str(path), *arguments)
    assert "No such file" in refused(verb, str(tmp_path / "missing"), *arguments)


def test_unknown_economies_and_bad_prefixes_are_refused() -> None:
    assert "'QQ'" in refused("meter", TRAFFIC, *HOME, "--economy", "QQ")
    assert "10.0.0.0/33" in refused("meter", TRAFFIC, "--home", "10.0.0.0/33", "--economy", "CL")


@pytest.mark.parametrize("verb", ["collect", "serve"])
def test_settings_that_cannot_be_used_are_refused(tmp_path: Path, verb: str) -> None:
    assert "missing.toml" in refused(verb, "--config", str(tmp_path / "missing.toml"))
    (tmp_path / "bad.toml").write_text('nonsense = "yes"\n')
    assert "bad.toml" in refused(verb, "--config", str(tmp_path / "bad.toml"))


def test_reference_is_shown() -> None:
    result = run("reference", "show")
    assert result.exit_code == 0
    assert "platforms" in result.stdout
    assert "DB-IP" in result.stdout


def test_address_tables_are_built_from_ranges(tmp_path: Path) -> None:
    (tmp_path / "asn.csv").write_text("192.0.2.0,192.0.2.255,64496\n")
    (tmp_path / "country.csv").write_text("192.0.2.0/24,CL\n")
    inputs = ["--asn", str(tmp_path / "asn.csv"), "--country", str(tmp_path / "country.csv")]
    result = run("reference", "build", *inputs, "--no-cloud", "--output", str(tmp_path / "tables"))
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "tables" / "asn4.parquet").exists()
    (tmp_path / "country.csv").write_text("192.0.2.0/33,CL\n")
    assert "country.csv" in refused(
        "reference", "build", *inputs, "--no-cloud", "--output", str(tmp_path / "other")
    )
    assert not (tmp_path / "other").exists()


def test_damaged_captures_are_metered_to_the_damage_and_say_so(tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(gzip.decompress(Path(TRAFFIC).read_bytes())[:300_000])
    found = answer("meter", str(cut), *HOME, "--economy", "CL", "--json")
    assert 0 < found["total"]["bytes"] < BYTES
    assert "ends inside the packet" in found["damage"][0]
    assert "ends inside the packet" in run("meter", str(cut), *HOME, "--economy", "CL").stdout
    cut_gz = tmp_path / "cut.pcap.gz"
    cut_gz.write_bytes(Path(EXPORTS).read_bytes()[:30_000])
    inspected = run("inspect", str(cut_gz), "--json")
    assert "cut short" in inspected.stderr
    assert 0 < json.loads(inspected.stdout.splitlines()[-1])["ledger"]["decoded"] < 3_095


def test_the_ledger_is_whole_when_flows_ended_in_the_month_before_their_export(tmp_path: Path) -> None:
    header = struct.pack(">HHIIIIBBH", 5, 1, 20_000, 1_769_904_010, 0, 0, 0, 0, 0)  # 2026-02-01T00:00:10Z
    record = struct.pack(">4s4sIHHIIIIHHBBBBHHBBH", b"\x0a\x14\x00\x01", b"\x08\x08\x08\x08", 0, 0, 0, 1, 1000,
                         0, 1, 5, 443, 0, 0, 6, 0, 0, 0, 0, 0, 0)  # fmt: skip
    (tmp_path / "one.dat").write_bytes(header + record)  # it ended 20 s before
    found = answer("meter", str(tmp_path / "one.dat"), "--home", "10.20.0.0/16", "--economy", "CL", "--json")
    assert found["months"] == ["2026-01"]
    assert found["ledger"]["counts"]["received"] == found["ledger"]["counts"]["aggregated"] == 1


def test_months_that_have_not_begun_and_unusable_directories_are_refused() -> None:
    assert "2099-06" in refused("demo", "--once", "--until", "2099-06")
    assert "/proc/x" in refused("demo", "--once", "--directory", "/proc/x")
