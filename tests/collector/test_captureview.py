"""What `caudal inspect` says of exporters, in words that a router engineer understands."""

import struct
from pathlib import Path

import pytest

from caudal.collector.files.inspection import Inspection
from caudal.collector.pipeline.blueprint import pipeline_of
from caudal.collector.settings.override import Override, rates_given
from caudal.collector.settings.settings import CollectorSettings
from caudal.collector.signs.signs import Sign
from caudal.common.errors import SettingsError
from tests.support.builders import (
    BASIC,
    DESTINATION,
    HOME,
    NOW_MS,
    PROTOCOL,
    SECONDS,
    SOURCE,
    TABLE,
    a_set,
    basic,
    netflow5,
    netflow9,
    record5,
    template,
)

from .replay.captures import Sent, capture

FIELD = Path(__file__).parents[1] / "data" / "field"


def look(path: Path, inspection: Inspection) -> dict[str, Sign]:
    for _ in inspection.flows(path):
        pass
    return {sign.kind: sign for sign in inspection.signs()}


def signs(directory: Path, sent: list[Sent], **override: object) -> dict[str, Sign]:
    return look(capture(directory / "exports.pcap", sent), Inspection(override=Override(**override)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("file", "kinds"),
    [
        ("huge_counts.pcap", {"counts_not_believed"}),
        ("rate_reversed.pcap", {"rate_not_believed"}),
        ("mpls_mac_4c.pcap", set()),
        ("mpls_mac_64.pcap", set()),
        ("three_messages.ipfix", set()),
    ],
)
def test_what_is_said_of_reports_from_the_field(file: str, kinds: set[str]) -> None:
    assert set(look(FIELD / file, Inspection())) == kinds


def test_a_router_whose_records_are_as_they_should_be(tmp_path: Path) -> None:
    records = [record5(packets=10), record5("203.0.113.9", "198.18.0.1", packets=10)] * 15
    assert signs(tmp_path, [(NOW_MS, netflow5(records))], home=HOME) == {}


def test_records_of_which_none_tells_counts(tmp_path: Path) -> None:
    data = struct.pack(">IIB", 0xC6120001, 0xCB007109, 6)
    sent = netflow9(template(256, SOURCE, DESTINATION, PROTOCOL), a_set(256, data * 4))
    found = signs(tmp_path, [(NOW_MS, sent)])
    (sign,) = found.values()
    assert "4 of its 4 records tell neither octets nor packets" in sign.sentence
    assert sign.needs_attention


def test_records_without_addresses(tmp_path: Path) -> None:
    data = struct.pack(">II", 1000, 10)
    found = signs(tmp_path, [(NOW_MS, netflow9(template(256, *BASIC[2:]), a_set(256, data * 4)))])
    assert found["no_addresses"].sentence.startswith("4 of 4 records have no IP addresses")


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(-7200, "2 hours behind"), (600, "10 minutes ahead of"), (-90, "90 seconds behind")],
)
def test_a_clock_that_is_off(tmp_path: Path, seconds: int, says: str) -> None:
    sent: list[Sent] = [
        (NOW_MS + n, netflow5([record5()], seconds=SECONDS + seconds, sequence=n)) for n in range(3)
    ]
    assert f"Its clock is {says}" in signs(tmp_path, sent)["clock_off"].sentence


def test_a_datagram_that_was_late_is_no_wrong_clock(tmp_path: Path) -> None:
    sent: list[Sent] = [
        (NOW_MS, netflow5([record5()])),
        (NOW_MS + 300_000, netflow5([record5()], sequence=1)),
    ]
    assert "clock_off" not in signs(tmp_path, sent)


def test_sampled_by_the_look_of_it(tmp_path: Path) -> None:
    sent: list[Sent] = [(NOW_MS, netflow5([record5(packets=1)] * 30))]
    assert "its records have 1 packet each" in signs(tmp_path, sent)["perhaps_sampled"].sentence
    assert "perhaps_sampled" not in signs(tmp_path, sent, sampling={"192.0.2.1": 1000.0})


def test_only_one_direction(tmp_path: Path) -> None:
    sent: list[Sent] = [(NOW_MS, netflow5([record5(packets=10)] * 30))]
    assert "goes out of the network" in signs(tmp_path, sent, home=HOME)["one_direction"].sentence
    assert "one_direction" not in signs(tmp_path, sent)


def test_an_exporter_that_is_not_allowed(tmp_path: Path) -> None:
    found = signs(tmp_path, [(NOW_MS, netflow5([record5()]))], allow=["10.0.0.0/8"])
    assert "1 datagram comes from addresses that `allow` does not hold" in found["not_allowed"].sentence


def test_as_the_collector_would_do_it(tmp_path: Path) -> None:
    """Rates, allowed exporters and boundaries are those of the settings; the ledger balances."""
    settings = CollectorSettings.model_validate(
        {
            "collector": "xa-1",
            "operator": "demo-net",
            "economy": "UY",
            "home": HOME,
            "state_directory": tmp_path / "state",
            "service": {"url": "http://127.0.0.1:1", "token_file": tmp_path / "token"},
            "exporters": {"192.0.2.1": {"sampling": 100, "external": [7]}},
        }
    )
    sent = netflow9(template(256, *BASIC), a_set(256, basic() * 3))
    path = capture(tmp_path / "exports.pcap", [(NOW_MS, sent)])
    over = Override({"192.0.2.1": 500.0}).over(settings)
    assert over.exporters["192.0.2.1"].external == {7}
    for of, rate in ((settings, 100), (over, 500)):
        inspection = Inspection(pipeline=pipeline_of(of, TABLE), home=of.home)  # type: ignore[arg-type]
        records = list(inspection.records(path))
        assert {record["sampling_rate"] for record in records} == {rate}
        totals = inspection.totals()
        assert totals["decoded"] == totals["aggregated"] == totals["sampling_config"] == 3
        assert totals["interface_unknown"] == 3


def test_rates_as_they_are_written() -> None:
    assert rates_given(["192.0.2.1=1000", "192.0.2.0/26=1:512", "2001:db8::1=2"]) == {
        "192.0.2.1": 1000, "192.0.2.0/26": 512, "2001:db8::1": 2,
    }  # fmt: skip
    for wrong in ("192.0.2.1", "core-1=1000", "192.0.2.1=0", "192.0.2.1=many"):
        with pytest.raises(SettingsError, match="write it like"):
            rates_given([wrong])
