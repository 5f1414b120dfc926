"""The search for what was planted finds it in whatever way it was written down."""

import base64
import hashlib
import ipaddress
import json
import struct

import numpy as np
import pytest

from tests.support.planted import as_written, forms_of_address, forms_of_name, found_in

FOUR, SIX = "198.18.213.77", "2001:2::be:ef:77"
NAME = "planted-9b7e51.netflix.com"


def half(number: int) -> int:
    return int(ipaddress.ip_address(SIX)) >> (0 if number else 64) & (1 << 64) - 1


@pytest.mark.parametrize(
    "content",
    [
        FOUR.encode(),
        b"GET http://198.18.213.77:80/",
        b"77.213.18.198.in-addr.arpa",
        b"[::FFFF:198.18.213.77]",
        b'{"host": 3323123021}',
        json.dumps({"host": struct.unpack("<I", ipaddress.ip_address(FOUR).packed)[0]}).encode(),
        b"c612d54d",
        b"4D:D5:12:C6".lower(),
        repr(ipaddress.ip_address(FOUR).packed).encode(),
        np.array([ipaddress.ip_address(FOUR)._ip], np.uint64).tobytes(),  # type: ignore[union-attr]
        base64.b64encode(b"x " + FOUR.encode() + b" y"),
        base64.b64encode(ipaddress.ip_address(FOUR).packed),
        hashlib.sha256(FOUR.encode()).hexdigest().encode(),
    ],
)
def test_an_ipv4_address(content: bytes) -> None:
    assert found_in(b"before " + content + b" behind", forms_of_address(FOUR))
    assert not found_in(b"before " + content + b" behind", forms_of_address("198.18.213.78"))


@pytest.mark.parametrize(
    "content",
    [
        SIX.encode(),
        SIX.upper().encode(),
        b"2001:0002:0000:0000:0000:00be:00ef:0077",
        str(int(ipaddress.ip_address(SIX))).encode(),
        str(half(0)).encode(),
        str(half(1)).encode(),
        str(half(0) >> 8).encode(),
        ipaddress.ip_address(SIX).packed,
        np.array([half(0), half(1)], "<u8").tobytes(),
        ipaddress.ip_address(SIX).packed.hex().encode(),
        base64.b64encode(b"z" + ipaddress.ip_address(SIX).packed + b"zz"),
        ipaddress.ip_address(SIX).reverse_pointer.encode(),
    ],
)
def test_an_ipv6_address(content: bytes) -> None:
    assert found_in(b"before " + content + b" behind", forms_of_address(SIX))
    assert not found_in(b"before " + content + b" behind", forms_of_address("2001:db8:7:700::be:ef:78"))


@pytest.mark.parametrize(
    "content",
    [
        NAME.encode(),
        NAME.upper().encode(),
        b"\x0eplanted-9b7e51\7netflix\3com\0",
        NAME.encode().hex().encode(),
        base64.b64encode(b"sni=" + NAME.encode() + b";"),
        hashlib.sha256(NAME.encode()).hexdigest().encode(),
        hashlib.md5(NAME.encode()).hexdigest().encode(),
    ],
)
def test_a_name(content: bytes) -> None:
    assert found_in(b"before " + content + b" behind", forms_of_name(NAME))
    assert not found_in(b"before " + content + b" behind", forms_of_name("planted-9b7e52.netflix.com"))


def test_values_are_searched_as_shown_and_as_sent() -> None:
    assert found_in(as_written({"name": NAME, "host": int(ipaddress.ip_address(FOUR))}), forms_of_name(NAME))
    assert found_in(as_written([int(ipaddress.ip_address(FOUR))]), forms_of_address(FOUR))
