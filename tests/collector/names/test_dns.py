"""DNS answers as scapy makes them are read as scapy reads them; damaged ones are refused."""

import ipaddress
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.dns import DNS, DNSQR, DNSRR

from caudal.collector.names.dns import Answer, UnreadableAnswer, read_answer

from .messages import dns_answer


def addresses(*texts: str) -> tuple[bytes, ...]:
    return tuple(ipaddress.ip_address(text).packed for text in texts)


def test_addresses_of_a_name() -> None:
    assert read_answer(dns_answer("WWW.Example.com", "192.0.2.1", "192.0.2.2", ttl=30)) == Answer(
        (b"www.example.com",), addresses("192.0.2.1", "192.0.2.2"), 30
    )


def test_aliases_and_ipv6() -> None:
    message = dns_answer(
        "www.example.com", "2001:db8::1", aliases=["a.example.net", "b.cdn.example"], question="AAAA"
    )
    assert read_answer(message) == Answer(
        (b"www.example.com", b"a.example.net", b"b.cdn.example"), addresses("2001:db8::1"), 60
    )


def test_compressed_names() -> None:
    # As servers write it: the owner of each record points into the question, an alias into the name before.
    question = b"\x03www\x07example\x03com\0\0\x01\0\x01"
    alias = b"\xc0\x0c\0\x05\0\x01\0\0\0\x0a\0\x06\x03cdn\xc0\x10"
    address = b"\xc0\x2d\0\x01\0\x01\0\0\0\x05\0\x04\xc0\0\x02\x09"
    message = b"\0\x07\x81\x80\0\x01\0\x02\0\0\0\0" + question + alias + address
    assert read_answer(message) == Answer((b"www.example.com", b"cdn.example.com"), addresses("192.0.2.9"), 5)


def test_records_that_do_not_belong_to_the_question_are_passed_over() -> None:
    message = DNS(
        qr=1,
        qd=DNSQR(qname="www.example.com"),
        an=[
            DNSRR(rrname="www.bank.example", rdata="192.0.2.66"),
            DNSRR(rrname="www.example.com", type="TXT", rdata="x"),
            DNSRR(rrname="www.example.com", rdata="192.0.2.1"),
        ],
    )
    assert read_answer(bytes(message)) == Answer((b"www.example.com",), addresses("192.0.2.1"), 0)


@pytest.mark.parametrize(
    "message",
    [
        DNS(qr=0, qd=DNSQR(qname="a.example")),
        DNS(qr=1, rcode=3, qd=DNSQR(qname="a.example")),
        DNS(qr=1, qd=DNSQR(qname="a.example")),
        DNS(qr=1, qd=DNSQR(qname="a.example", qtype="MX"), an=DNSRR(rrname="a.example", rdata="192.0.2.1")),
        DNS(qr=1, opcode=5, qd=DNSQR(qname="a.example"), an=DNSRR(rrname="a.example", rdata="192.0.2.1")),
        DNS(qr=1, qd=DNSQR(qname="a.example"), an=DNSRR(rrname="a.example", type="CNAME", rdata="b.example")),
    ],
)
def test_what_says_nothing_of_an_address(message: DNS) -> None:
    assert read_answer(bytes(message)) is None


@pytest.mark.parametrize(
    "message",
    [
        b"\0" * 11,
        dns_answer("www.example.com", "192.0.2.1")[:-1],
        dns_answer("www.example.com", "192.0.2.1")[:30],
        # A name that points to itself, and one that points behind the message.
        b"\0\x07\x81\x80\0\x01\0\x01\0\0\0\0" + b"\xc0\x0c\0\x01\0\x01" + bytes(20),
        b"\0\x07\x81\x80\0\x01\0\x01\0\0\0\0" + b"\xff\xff\0\x01\0\x01" + bytes(20),
        b"\0\x07\x81\x80\0\x01\0\x01\0\0\0\0" + b"\x80" + bytes(40),
        b"\0\x07\x81\x80\0\x01\0\x01\0\0\0\0" + (b"\x3f" + b"a" * 63) * 6 + bytes(40),
    ],
)
def test_what_cannot_be_read(message: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        read_answer(message)


ANSWER = dns_answer("www.example.com", "192.0.2.1", "192.0.2.2", aliases=["a.example.net"])


@settings(max_examples=300)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.tuples(st.integers(0, len(ANSWER) - 1), st.binary(min_size=1, max_size=3)).map(
            lambda change: ANSWER[: change[0]] + change[1] + ANSWER[change[0] + len(change[1]) :]
        ),
    )
)
def test_whatever_comes_is_read_or_refused(message: bytes) -> None:
    try:
        answer = read_answer(message)
    except UnreadableAnswer:
        return
    assert answer is None or (answer.addresses and len(answer.names[0]) < 256)


def test_the_same_as_scapy() -> None:
    choose = random.Random(3)
    for _ in range(20):
        hosts = [f"192.0.2.{choose.randrange(256)}" for _ in range(choose.randrange(1, 5))]
        aliases = [f"h{choose.randrange(9)}.n{at}.example" for at in range(choose.randrange(3))]
        message = dns_answer("www.example.com", *hosts, aliases=aliases)
        read = read_answer(message)
        dissected = DNS(message)
        assert read is not None
        assert list(read.addresses) == [
            ipaddress.ip_address(record.rdata).packed for record in dissected.an if record.type == 1
        ]
        assert [name.decode() + "." for name in read.names[1:]] == [
            record.rdata.decode() for record in dissected.an if record.type == 5
        ]
