"""Addresses and names are taken out of text; what is no address stays."""

import pytest

from caudal.collector.support.redaction import Redaction
from tests.support.planted import forms_of_address, found_in

WORDS = {"core-1": "exporter-3f", "core-10": "exporter-4a", "uy-net": "<operator>", "eth1": "<interface>"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("core-1 at 192.0.2.1: lost", "exporter-3f at <address>: lost"),
        ("CORE-10, core-1", "exporter-4a, exporter-3f"),
        ("core-12 and my-core-1 are others", "core-12 and my-core-1 are others"),
        ("listening on 192.0.2.1:2055", "listening on <address>:2055"),
        ("[2001:db8::1]:2055, 2001:db8::1.", "[<address>]:2055, <address>."),
        ("::ffff:192.0.2.1 and ::1", "<address> and <address>"),
        ("203.000.113.201 with zeros", "<address> with zeros"),
        ("02:00:5e:10:20:ff is a card", "<address> is a card"),
        ("https://user:pw@caudal.regulator.example/v1 answers 503", "<url> answers 503"),
        ("caudal.regulator.example cannot be resolved", "<name> cannot be resolved"),
        ("/var/lib/juan/state cannot be read", "<path> cannot be read"),
        ("ask noc@uy-net.example", "ask <mail>"),
        ("AS 64500 and AS64501", "AS <number> and AS <number>"),
        ("uy-net's eth1", "<operator>'s <interface>"),
    ],
)
def test_what_is_taken_out(text: str, expected: str) -> None:
    assert Redaction(WORDS).text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "It states sampling 1:2919759872, which is 1:2222 with its octets the wrong way round.",
        "12:30:05 - 3.5 % of 1,000 records: 1:1,000; set `sampling_override = true`",
        "raise net.core.rmem_max, or give the collector CAP_NET_ADMIN",
        "batch 3f2a9c80b1d4 (231 bytes)",
        "service.token_file: the token is shorter than the 32 letters that a service asks for",
        "netflow9, template 256, domain 0, version 0.1.0",
    ],
)
def test_what_stays(text: str) -> None:
    assert Redaction(WORDS).text(text) == text


def test_values_within_values() -> None:
    found = Redaction(WORDS).values(
        {"core-1": [{"name": "core-1", "count": 7, "none": None}, ("192.0.2.1",)]}
    )
    assert found == {"core-1": [{"name": "exporter-3f", "count": 7, "none": None}, ["<address>"]]}


@pytest.mark.parametrize("address", ["198.18.213.77", "2001:db8:dead:77::beef", "192.0.2.171"])
def test_no_usual_way_to_write_an_address_is_left(address: str) -> None:
    texts = {form.decode() for form in forms_of_address(address) if b"." in form or b":" in form}
    texts = {text for text in texts if text.isascii() and text.isprintable()}
    said = Redaction({}).text(" ".join(f"at {text}, and {text}: so" for text in sorted(texts)))
    assert not found_in(said.encode(), [text.encode() for text in texts if len(text) > 8])
