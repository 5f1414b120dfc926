"""QUIC Initials: the packets of RFC 9001 and RFC 9369, and others made the same way."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal.collector.names.clienthello import read_hello
from caudal.collector.names.quic import UnreadableInitial, crypto_frames

from .messages import QUIC1, QUIC2, crypto, hello, quic_initial, server_name

# The ClientHello of RFC 9001, appendix A.2, which RFC 9369 uses, too.
RFC_HELLO = bytes.fromhex(
    "010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413011302010000c0"
    "00000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d00170018001000070005"
    "04616c706e000500050100000000003300260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43"
    "e994ec74d748002b0003020304000d0010000e0403050306030203080408050806002d00020101001c0002400100"
    "3900320408ffffffffffffffff05048000ffff07048000ffff0801100104800075300901100f088394c8f03e51570806048000ffff"
)
FRAMES = [(0, RFC_HELLO)]


@pytest.mark.parametrize(
    ("version", "begins", "ends"),
    [
        (
            QUIC1,
            "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11",
            "e221af44860018ab0856972e194cd934",
        ),
        (
            QUIC2,
            "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485",
            "a18b2faa745b6fe189cf772a9f84cbfc",
        ),
    ],
)
def test_the_packets_of_the_standards(version: tuple[int, str, str], begins: str, ends: str) -> None:
    packet = quic_initial(crypto(RFC_HELLO), version)
    assert (packet[:32].hex(), packet[-16:].hex(), len(packet)) == (begins, ends, 1_200)
    assert crypto_frames(packet) == FRAMES
    assert read_hello(RFC_HELLO).name == b"example.com"


def test_frames_out_of_order_between_others() -> None:
    ack = b"\x02\x00\x00\x01\x00\x00\x00" + b"\x03\x05\x00\x00\x00\x01\x02\x03"
    payload = b"\x01\0\0" + crypto(b"def", 3) + ack + crypto(b"abc") + b"\x1c\0\0\0" + crypto(b"never", 9)
    assert crypto_frames(quic_initial(payload)) == [(3, b"def"), (0, b"abc")]


def test_several_packets_in_a_datagram() -> None:
    first = quic_initial(crypto(b"abc"), size=300, token=b"token")
    zero_rtt = b"\xd0" + (1).to_bytes(4) + b"\x01d\0" + b"\x05" + bytes(5)
    second = quic_initial(crypto(b"def", 3), number=3, size=900)
    assert crypto_frames(first + zero_rtt + second) == [(0, b"abc"), (3, b"def")]
    assert crypto_frames(first + second[:-1]) == [(0, b"abc")]
    assert crypto_frames(first + bytes(50)) == [(0, b"abc")]


GOOD = quic_initial(crypto(hello(server_name("a.example"))))


@pytest.mark.parametrize(
    "datagram",
    [
        GOOD[:-1],
        GOOD[:-1] + b"\0",
        GOOD[:40],
        GOOD[:5],
        b"\xc0\xff\0\0\x1d" + GOOD[5:],
        GOOD[:5] + b"\x15" + GOOD[6:],
        b"\xc0\0\0\0\x01\0\0\0\x05" + bytes(5),
    ],
)
def test_what_cannot_be_decrypted(datagram: bytes) -> None:
    with pytest.raises(UnreadableInitial):
        crypto_frames(datagram)


def test_what_is_no_long_header_holds_nothing() -> None:
    assert crypto_frames(b"") == crypto_frames(b"\x40" + bytes(1_300)) == []


@settings(max_examples=200)
@given(
    payload=st.one_of(st.binary(max_size=60), st.binary(max_size=40).map(lambda octets: b"\x02" + octets)),
    change=st.integers(0, 1_199),
    version=st.sampled_from([QUIC1, QUIC2]),
)
def test_whatever_is_in_it_is_read_or_refused(
    payload: bytes, change: int, version: tuple[int, str, str]
) -> None:
    packet = quic_initial(payload, version)
    with contextlib.suppress(UnreadableInitial):
        crypto_frames(packet)
    damaged = bytearray(packet)
    damaged[change] ^= 0x41
    with contextlib.suppress(UnreadableInitial):
        assert crypto_frames(bytes(damaged)) == []
