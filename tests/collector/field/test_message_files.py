"""IPFIX files (RFC 5655): messages one behind the other, of any number, whole or not."""

import gzip
import struct
from pathlib import Path

import pytest

from caudal.collector.capture.capturekind import file_kind
from caudal.collector.capture.messagefile import MessageFile
from tests.support.builders import BASIC, SECONDS, a_set, basic, ipfix, options10, template

from .balanced import FILES, inspected, metered

THREE = FILES / "three_messages.ipfix"
T = template(256, *BASIC, ipfix=True)


def message(number: int, *sets: bytes) -> bytes:
    return ipfix(*sets, seconds=SECONDS + number, sequence=number)


def test_three_messages() -> None:
    records, ledger, damage = inspected(THREE)
    assert [record["bytes"] for record in records] == [1_000, 2_000, 3_000, 4_000]
    assert {record["source"] for record in records} == {"203.0.113.5"}
    assert (ledger["datagrams"], ledger["received"], ledger["lost"], damage) == (3, 4, 0, [])


def test_three_messages_metered() -> None:
    bytes_of, ledger = metered(THREE)
    assert bytes_of == {"in": 10_000}
    assert ledger["aggregated"] == 4


def test_a_file_of_messages_that_is_packed(tmp_path: Path) -> None:
    path = tmp_path / "x.ipfix.gz"
    path.write_bytes(gzip.compress(THREE.read_bytes()))
    assert file_kind(path) == "messages"
    assert len(inspected(path)[0]) == 4


@pytest.mark.parametrize("cut", [8, 25, 40, 59])
def test_a_file_cut_short_keeps_what_came_before(tmp_path: Path, cut: int) -> None:
    whole = THREE.read_bytes()
    path = tmp_path / "cut.ipfix"
    path.write_bytes(whole[:-cut])
    records, ledger, damage = inspected(path)
    assert [record["bytes"] for record in records] == [1_000, 2_000, 3_000]
    # What there is of the last message is read as a datagram that was cut short, if its header is there.
    assert (ledger["malformed"] > 0) == (cut <= 60 - 16)
    assert damage == [f"{path}: the file ends inside the IPFIX message at byte 192"]


def test_damage_in_the_middle_keeps_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "damaged.ipfix"
    octets = bytearray(THREE.read_bytes())
    octets[92:94] = b"\0\5"
    path.write_bytes(octets + octets)
    # Only what follows the first message tells that it is a file of several.
    assert file_kind(path) == "payload"
    octets[92:94], octets[192:194] = b"\0\x0a", b"\xff\xff"
    path.write_bytes(octets)
    records, _, damage = inspected(path)
    assert len(records) == 3
    assert damage == [f"{path}: no IPFIX message begins at byte 192; reading ended there"]


def test_a_packed_file_cut_short_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x.ipfix.gz"
    messages = b"".join(message(n, T if n == 0 else a_set(256, basic(octets=n * n))) for n in range(40_000))
    path.write_bytes(gzip.compress(messages)[:-2_000])
    records, _, damage = inspected(path)
    assert 1_000 < len(records) < 39_999
    assert "gzip data is damaged or cut short" in damage[0]


def test_a_file_that_begins_with_options(tmp_path: Path) -> None:
    path = tmp_path / "options.ipfix"
    options = options10(300, [(144, 4)], [(34, 4)])
    path.write_bytes(
        message(0, options)
        + message(0, a_set(300, struct.pack(">II", 0, 100)))
        + message(1, T, a_set(256, basic("203.0.113.5", "198.51.100.10")))
    )
    assert file_kind(path) == "messages"
    assert metered(path)[0] == {"in": 100_000}


def test_one_message_is_a_file_as_well(tmp_path: Path) -> None:
    path = tmp_path / "one.ipfix"
    path.write_bytes(message(0, T, a_set(256, basic() * 3)))
    assert len(inspected(path)[0]) == 3


def test_messages_across_pieces(tmp_path: Path) -> None:
    """Whatever the size of the pieces, messages of up to 65,535 octets are read whole."""
    large = message(1, a_set(256, basic() * 4094))
    assert len(large) < 65_536
    path = tmp_path / "large.ipfix"
    path.write_bytes(message(0, T) + large + message(4095, a_set(256, basic())) * 7 + large)
    for octets in (1_000, 65_537, 4 << 20):
        file = MessageFile(path, chunk_bytes=octets)
        lengths = [int(length) for lot in file.datagrams() for length in lot.length]
        assert sum(lengths) == path.stat().st_size
        assert (len(lengths), file.messages, file.damage) == (10, 10, "")
