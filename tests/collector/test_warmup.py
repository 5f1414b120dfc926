"""After warming up nothing is left to compile for what exporters usually send."""

import socket
import time
from typing import Any

import pytest

from caudal.collector.columns.allowlist import AllowList
from caudal.collector.columns.kernel import kernels
from caudal.collector.exporters.ledger import COUNT
from caudal.collector.pipeline.pipeline import Pipeline
from caudal.collector.pipeline.warmup import warm_up
from caudal.collector.receive.receiver import Receiver
from tests.support.builders import (
    BASIC,
    HOME,
    NOW_MS,
    TABLE,
    VARIABLE,
    a_set,
    basic,
    ethernet,
    flow_sample,
    ipfix,
    lot,
    netflow5,
    netflow9,
    raw_header,
    record5,
    sflow,
    template,
    udp4,
)


def pipeline() -> Pipeline:
    made: Any = Pipeline(economy="UY", home=HOME, table=TABLE, window_seconds=300, k=5)  # type: ignore[arg-type]
    made.exporters.number("192.0.2.7")
    return made  # type: ignore[no-any-return]


def test_every_datagram_of_it_is_understood() -> None:
    one = pipeline()
    warm_up(one, int(time.time() * 1000))
    counts = {
        name: int(one.ledger.totals[COUNT[name]])
        for name in ("datagrams", "malformed", "waiting", "aggregated", "repeated")
    }
    assert counts == {
        "datagrams": 8,
        "malformed": 0,
        "waiting": 0,
        "aggregated": 2 * (1 + 3 + 4 + 1) + 1,
        "repeated": 1,
    }


def test_who_is_allowed_does_not_matter() -> None:
    one = pipeline()
    one.exporters.allow = AllowList(["10.0.0.0/8"])
    warm_up(one, NOW_MS)
    assert one.ledger.totals[COUNT["filtered"]] == 0


def compiled() -> int:
    return sum(len(each.signatures) for each in kernels)


@pytest.mark.skipif(not kernels, reason="nothing is compiled")
def test_nothing_is_compiled_after_it() -> None:
    warm_up(pipeline(), NOW_MS)
    before = compiled()
    one = pipeline()
    sample = flow_sample(raw_header(ethernet(udp4("198.18.0.1", "203.0.113.9"))))
    one.datagrams(
        lot([
            netflow5([record5()] * 30),
            netflow9(template(256, *BASIC), a_set(256, basic() * 20)),
            netflow9(template(258, *BASIC, (48, 2)), a_set(258, (basic() + b"\0\1") * 20 + (basic() + b"\0\2") * 9)),
            ipfix(template(257, *BASIC, (82, VARIABLE), ipfix=True), a_set(257, (basic() + b"\2eh") * 20)),
            ipfix(template(256, *BASIC, ipfix=True), a_set(256, basic() * 20)),
            ipfix(template(259, (8, 4), (12, 4), (22, 4), (85, 4), (86, 4), ipfix=True), a_set(259, bytes(range(40)))),
            sflow(sample),
        ])
    )  # fmt: skip
    with (
        Receiver("127.0.0.1:0", one.exporters, 1 << 20) as receiver,
        socket.socket(type=socket.SOCK_DGRAM) as out,
    ):
        out.sendto(netflow9(template(256, *BASIC), a_set(256, basic() * 20)), ("127.0.0.1", receiver.port))
        received = receiver.receive()
        assert received is not None
        assert one.datagrams(received) == 20
    one.take(None, str)
    assert compiled() == before
