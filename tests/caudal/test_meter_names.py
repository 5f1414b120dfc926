"""`caudal meter` on traffic with names: whose it is beats whose network it comes from, and no name stays anywhere."""

import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.packet import Packet, Raw
from typer.testing import CliRunner, Result

from caudal.cli import app

from ..collector.names.messages import (
    ECH,
    crypto,
    dns_answer,
    hello,
    quic_initial,
    real_hello,
    records,
    server_name,
)

HOME, RESOLVER = "198.18.0.1", "198.18.0.53"
# Of Cloudflare (AS13335) and of Akamai (AS20940), both carriers of others' content.
CLOUDFLARE, CLOUDFLARE2, AKAMAI, CLOUDFLARE3 = "104.16.1.1", "104.16.1.2", "23.55.161.5", "104.16.1.3"
PLANTED = "planted-4f1c2a"


def connection(far: str, port: int, first: bytes, size: int, kind: type[Packet] = TCP) -> list[Packet]:
    """A client's first packet, and so many octets back, headers included."""
    there = IP(src=HOME, dst=far) / kind(sport=port, dport=443) / Raw(first)
    back = IP(src=far, dst=HOME) / kind(sport=443, dport=port)
    return [there, *(back / Raw(bytes(1_000 - len(back))) for _ in range(size // 1_000))]


def capture(path: Path, packets: list[Packet]) -> Path:
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 101)]
    for number, packet in enumerate(packets):
        data = bytes(packet)
        out.append(struct.pack("<IIII", 1_767_225_600, number * 1_000, len(data), len(data)) + data)
    path.write_bytes(b"".join(out))
    return path


def traffic() -> list[Packet]:
    answer = dns_answer(f"{PLANTED}.spotify.com", AKAMAI, aliases=[f"{PLANTED}.edgekey.net"])
    return [
        *connection(CLOUDFLARE, 50_001, real_hello(f"{PLANTED}.netflix.com"), 40_000),
        *connection(
            CLOUDFLARE,
            50_002,
            quic_initial(crypto(hello(server_name(f"{PLANTED}.netflix.com")))),
            60_000,
            UDP,
        ),
        IP(src=RESOLVER, dst=HOME) / UDP(sport=53, dport=40_000) / Raw(answer),
        *connection(AKAMAI, 50_003, b"", 30_000),
        *connection(CLOUDFLARE2, 50_004, real_hello(f"{PLANTED}.example.org"), 20_000),
        *connection(CLOUDFLARE3, 50_005, records(hello(server_name("cloudflare-ech.com"), ECH)), 10_000),
    ]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["meter", *arguments, "--home", "198.18.0.0/16", "--economy", "UY"])


def incoming(path: Path, *options: str) -> tuple[dict[str, int], dict[str, Any]]:
    """Return the bytes by platform, rounded down to what was sent back, and the whole answer."""
    result = run(str(path), "--json", *options)
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    return {row["platform"]: row["bytes"] // 10_000 * 10_000 for row in answer["by"]["platform"]}, answer


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where `caudal meter` works, which it would remove after."""

    @contextmanager
    def directory(**_: str) -> Iterator[str]:
        (tmp_path / "kept").mkdir()
        yield str(tmp_path / "kept")

    monkeypatch.setattr("caudal.commands.meter.tempfile.TemporaryDirectory", directory)
    return tmp_path / "kept"


def test_netflix_on_an_address_of_cloudflare_counts_as_netflix(tmp_path: Path, kept: Path) -> None:
    path = capture(tmp_path / "x.pcap", traffic())
    by_platform, answer = incoming(path)
    assert by_platform["netflix"] == 100_000
    assert by_platform["spotify"] == 30_000
    assert by_platform["cloudflare"] == 30_000, "an unlisted and a hidden name leave it to the network"
    names = answer["names"]
    assert {outcome: flows for outcome, flows in names["flows"].items() if flows} == {
        "named": 4, "resolved": 2, "unlisted": 2, "encrypted": 2, "unseen": 1,
    }  # fmt: skip
    assert (names["dns_answers"], names["client_hellos"], names["quic_initials"]) == (1, 3, 1)
    assert sum(names["bytes"].values()) == answer["total"]["bytes"]
    assert answer["ledger"]["balanced"]
    searched = 0
    for file in kept.rglob("*"):
        if file.is_file():
            searched += 1
            assert PLANTED.encode() not in file.read_bytes(), file
    assert searched > 10, "there was a store to search"
    assert PLANTED not in json.dumps(answer)


def test_names_can_be_left_alone(tmp_path: Path) -> None:
    path = capture(tmp_path / "x.pcap", traffic())
    by_platform, answer = incoming(path, "--no-names")
    assert by_platform["cloudflare"] == 130_000
    assert "netflix" not in by_platform
    assert answer["names"] is None


def test_what_names_told_is_shown(tmp_path: Path) -> None:
    shown = run(str(capture(tmp_path / "x.pcap", traffic())))
    assert shown.exit_code == 0
    assert "Names (DNS, TLS, QUIC)" in shown.stdout
    assert "Netflix" in shown.stdout
    assert PLANTED not in shown.stdout


def test_a_cache_that_no_list_names_is_found_by_what_home_addresses_serve(tmp_path: Path) -> None:
    """A server at home whose clients ask for Netflix, until the list says whose it is."""
    cache = "198.18.9.7"
    hello_of = real_hello("x.netflix.com")
    path = capture(
        tmp_path / "x.pcap",
        [*connection(cache, 50_001, hello_of, 60_000), *connection(CLOUDFLARE, 50_002, hello_of, 40_000)],
    )
    _, answer = incoming(path)
    [found] = answer["unlisted_caches"]
    assert found["platform"] == "netflix"
    assert found["prefixes"] == ["198.18.9.0/24"]
    assert found["share"] == pytest.approx(0.6, abs=0.01)
    by_direction = {row["direction"]: row["bytes"] // 10_000 * 10_000 for row in answer["by"]["direction"]}
    assert (by_direction["internal"], by_direction["in"]) == (60_000, 40_000)
    shown = " ".join(run(str(path)).stdout.split())
    assert "Home addresses serve 60% of netflix" in shown
    assert "198.18.9.0/24" in shown
    listed = tmp_path / "locations.csv"
    listed.write_text(f"prefix,country,asn,platform\n{cache}/32,UY,,netflix\n", encoding="utf-8")
    _, answer = incoming(path, "--locations", str(listed))
    assert answer["unlisted_caches"] == []
    by_direction = {row["direction"]: row["bytes"] // 10_000 * 10_000 for row in answer["by"]["direction"]}
    assert by_direction["in"] == 100_000
