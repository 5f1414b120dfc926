"""Requests of plain HTTP: which host they are for, and what is no request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.collector.names.request import CutRequest, UnreadableRequest, host_of

HEADERS = b"User-Agent: x\r\nAccept: */*\r\n"


@pytest.mark.parametrize(
    ("request_", "host"),
    [
        (b"GET / HTTP/1.1\r\nHost: www.netflix.com\r\n\r\n", b"www.netflix.com"),
        (
            b"GET /a?b=http://other.example/ HTTP/1.1\r\n" + HEADERS + b"host:\tvideo.example:8080 \r\n\r\n",
            b"video.example",
        ),
        (b"POST /x HTTP/1.0\nHOST: a.example.\n\nbody", b"a.example."),
        # A proxy is asked by the whole address, which goes before the header.
        (b"GET http://user@far.example:81/x HTTP/1.1\r\nHost: proxy.example\r\n\r\n", b"far.example"),
        (b"CONNECT tls.example:443 HTTP/1.1\r\nHost: proxy.example\r\n\r\n", b"tls.example"),
        # What was seen is enough, though the request goes on.
        (b"GET / HTTP/1.1\r\nHost: a.example\r\nCookie: aaaaaaaa", b"a.example"),
        (b"GET / HTTP/1.0\r\n\r\n", b""),
        (b"GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n", b""),
        (b"GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", b""),
        (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", b""),
        # Nothing of a body is taken for a header.
        (b"POST / HTTP/1.0\r\nA: b\r\n\r\nx\r\nHost: body.example\r\n\r\n", b""),
    ],
)
def test_the_host_of_a_request(request_: bytes, host: bytes) -> None:
    assert host_of(request_) == host


@pytest.mark.parametrize(
    "cut",
    [
        b"GET /very/long",
        b"GET / HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nHost: www.netf",
        b"GET / HTTP/1.1\r\nHost: a.b\r",
    ],
)
def test_a_request_that_ends_before_its_host_is_cut(cut: bytes) -> None:
    with pytest.raises(CutRequest):
        host_of(cut)


@pytest.mark.parametrize(
    "unread",
    [
        b"GET me a coffee\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a.example b.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: " + b"a" * 300 + b"\r\n\r\n",
    ],
)
def test_what_is_no_request_is_unreadable(unread: bytes) -> None:
    with pytest.raises(UnreadableRequest):
        host_of(unread)


@given(st.sampled_from([b"", b"GET ", b"GET / HTTP/1.1\r\nHost:", b"CONNECT "]), st.binary(max_size=400))
def test_no_octets_break_the_reading(beginning: bytes, rest: bytes) -> None:
    try:
        host = host_of(beginning + rest)
    except (CutRequest, UnreadableRequest):
        return
    assert len(host) <= 254 and (not host or host in beginning + rest)
