"""ClientHellos: OpenSSL's own, crafted ones, cut at every octet, and damaged."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.tls.extensions import TLS_Ext_ServerName
from scapy.layers.tls.record import TLS

from caudal.collector.names.clienthello import (
    Hello,
    handshake_of_records,
    hellos_in_one_record,
    read_hello,
)
from caudal.collector.names.hellos import Hellos

from .messages import ECH, KEY_SHARE, extension, hello, real_hello, records, server_name


def read(stream: bytes) -> Hello:
    handshake = handshake_of_records(stream)
    assert handshake is not None
    return read_hello(handshake)


def test_openssls_hello() -> None:
    stream = real_hello("www.example.com")
    assert read(stream) == Hello("named", b"www.example.com")
    dissected = TLS(stream).msg[0].ext
    [names] = [each.servernames for each in dissected if isinstance(each, TLS_Ext_ServerName)]
    assert names[0].servername == b"www.example.com", "scapy reads the same"
    assert read(real_hello(None)) == Hello("unnamed")


def test_an_encrypted_hello_is_noted() -> None:
    assert read_hello(hello(server_name("public.example"), ECH)) == Hello("named", b"public.example", True)
    assert read_hello(hello(ECH)) == Hello("unnamed", b"", True)


def test_a_name_is_found_in_a_beginning_that_holds_it() -> None:
    whole = hello(server_name("www.example.com"), KEY_SHARE)
    assert read_hello(whole[:400]) == Hello("more", b"www.example.com")
    assert read_hello(hello(KEY_SHARE, server_name("www.example.com"))[:400]) == Hello("more")


def test_records_may_divide_it_anywhere() -> None:
    whole = hello(KEY_SHARE, server_name("www.example.com"), ECH)
    for size in (1, 7, 500, len(whole)):
        assert read(records(whole, size)) == Hello("named", b"www.example.com", True)
    assert handshake_of_records(b"\x17\x03\x03\0\x01x") is None
    assert handshake_of_records(records(whole) + b"\x17\x03\x03\0\x01x") == whole


@pytest.mark.parametrize("handshake", [hello(server_name("a.example"), ECH), real_hello("a.example")[5:]])
def test_every_beginning_asks_for_more(handshake: bytes) -> None:
    for cut in range(len(handshake)):
        assert read_hello(handshake[:cut]).state == "more"
    assert read_hello(handshake + b"more").state == "named"


@pytest.mark.parametrize(
    "handshake",
    [
        b"\x02" + hello()[1:],
        b"\x01\0\0\x05" + bytes(5),
        b"\x01\xff\xff\xff" + bytes(50),
        hello(extension(0, b"\0\x04\x01\0\x01a")),
        hello(extension(0, b"\0\x09\0\0\x09abc")),
        hello(extension(0, b"\0\x03\0\0\0")),
        hello(extension(0, b"")),
        hello(b"\0\x17\0\x05abc"),
        hello(server_name("a.example"))[:38] + b"\xff" + hello(server_name("a.example"))[39:],
    ],
)
def test_contradictions_are_unreadable(handshake: bytes) -> None:
    assert read_hello(handshake).state == "unreadable"


def test_a_hello_without_extensions() -> None:
    body = b"\x03\x01" + bytes(32) + b"\0\0\x02\0\x2f\x01\0"
    assert read_hello(b"\x01" + len(body).to_bytes(3) + body) == Hello("unnamed")


WHOLE = records(hello(KEY_SHARE, server_name("www.example.com"), ECH))


@settings(max_examples=300)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.tuples(st.integers(5, 120), st.binary(min_size=1, max_size=4)).map(
            lambda change: WHOLE[: change[0]] + change[1] + WHOLE[change[0] + len(change[1]) :]
        ),
    )
)
def test_whatever_comes_is_some_state(stream: bytes) -> None:
    handshake = handshake_of_records(stream)
    if handshake is not None:
        assert read_hello(handshake).state in ("named", "unnamed", "more", "unreadable")


STREAMS = [
    real_hello("www.netflix.com"),
    records(hello(server_name("a.example"), ECH)),
    records(hello(server_name("a.example"), KEY_SHARE)),
    records(hello(), 50),
]


@settings(max_examples=200)
@given(
    stream=st.sampled_from(STREAMS),
    changes=st.lists(st.tuples(st.integers(0, 150), st.integers(0, 255)), max_size=3),
    cut=st.one_of(st.just(0), st.integers(0, 200)),
    behind=st.binary(max_size=8),
)
def test_hellos_in_one_record_say_what_their_stream_says(
    stream: bytes, changes: list[tuple[int, int]], cut: int, behind: bytes
) -> None:
    octets = bytearray(stream[: len(stream) - cut] + behind)
    for at, octet in changes:
        octets[at % len(octets)] = octet
    buffer = np.frombuffer(octets, np.uint8)
    places = np.array([0]), np.array([len(octets)])
    [said] = hellos_in_one_record(buffer, *places)
    if said is not None:
        assert said == Hellos().begin(1, 0, bytes(octets), 0)
    elif not (cut or changes):
        assert stream == STREAMS[-1], "this alone is in several records"
