"""The invariant of the ledger, per exporter and window, whatever comes: every row of every batch balances.

received = decoded + waiting + malformed + filtered, and decoded = the sum of what its records say. Datagrams of all
protocols in any order, damaged or not, from exporters allowed and not, in any split into lots; windows are
taken and the collector is restarted in between.
"""

import struct
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal.collector.columns.datagrams import Exporters
from caudal.collector.exporters.exportertotals import FIRST
from caudal.collector.exporters.pseudonym import pseudonym
from caudal.collector.locate.boundary import Boundary
from caudal.collector.memory.exportermemory import FILE, ExporterMemory
from caudal.collector.pipeline.pipeline import Pipeline
from caudal.contract.batch import BALANCE, LEDGER_COUNTS
from tests.support.builders import (
    BASIC,
    HOME,
    NOW_MS,
    OCTETS,
    PACKETS,
    SECONDS,
    TABLE,
    VARIABLE,
    a_set,
    basic,
    ethernet,
    expanded_sample,
    flow_sample,
    ip,
    ipfix,
    lot,
    netflow5,
    netflow7,
    netflow9,
    options9,
    raw_header,
    record5,
    record7,
    sample,
    sflow,
    template,
    udp4,
    withdrawal,
)

KEY = bytes(32)
# The last is not allowed.
ADDRESSES = ("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "203.0.113.9")
WITH_INTERFACE = template(258, *BASIC, (14, 4), (61, 1))


def stream(n: int) -> list[bytes]:
    """One datagram of each kind, of a window of its own."""
    seconds = SECONDS + n * 290
    sampled = template(257, *BASIC, (48, 1))
    rate = a_set(300, struct.pack(">IBI", 1, n % 2, 10 + n))
    biflow = template(258, OCTETS, (1, 4, 29305), (9999, VARIABLE), ipfix=True)
    header = raw_header(ethernet(udp4("198.18.0.1", "203.0.113.9")))
    section = ethernet(udp4("198.18.0.1", "203.0.113.9"))
    packets = template(260, (312, 2), (315, VARIABLE), ipfix=True)
    translated = ip("64:ff9b::203.0.113.9").to_bytes(16, "big")
    return [
        netflow5([record5(octets=n + 1)] * 3, seconds=seconds, sequence=n * 3),
        netflow7([record7(octets=n)] * 2, seconds=seconds, sequence=n * 2),
        netflow9(template(256, *BASIC), sampled, WITH_INTERFACE, options9(300, [(1, 4)], [(48, 1), (50, 4)]),
                 rate, seconds=seconds, sequence=n),
        netflow9(a_set(256, basic() * 3), a_set(257, basic() + bytes([n % 2])), seconds=seconds, sequence=n),
        netflow9(a_set(258, b"".join(basic() + struct.pack(">IB", i, i % 2) for i in (0, 7, 8))), seconds=seconds),
        netflow9(a_set(256, basic(octets=0, packets=0)), rate, seconds=seconds, sequence=n),
        netflow9(template(256, OCTETS, PACKETS) if n % 2 else b"", a_set(256, bytes(40)), seconds=seconds),
        ipfix(biflow, a_set(258, struct.pack(">II", n, n % 2) + b"\2ab"), seconds=seconds, sequence=n),
        ipfix(a_set(258, struct.pack(">II", 5, 5) + b"\xff\0\1x" + b"\0\0\0\1\0"), seconds=seconds, sequence=n),
        ipfix(withdrawal(258), seconds=seconds, sequence=n),
        ipfix(template(259, OCTETS, ipfix=True), a_set(259, bytes(7)) * 3, seconds=seconds, sequence=n),
        sflow(flow_sample(header, sequence=n), expanded_sample(header, sequence=n), sample(2, bytes(80)), sequence=n),
        sflow(flow_sample(raw_header(bytes(20)), sequence=n), flow_sample(sequence=n), sequence=n + 1),
        ipfix(packets, a_set(260, b"".join(bytes([1, 0, len(one)]) + one for one in (section, bytes(20), b""))),
              a_set(260, b"\1\0\xff\xff\xff"), seconds=seconds, sequence=n),
        netflow9(template(261, (104, 48), (103, 2)), a_set(261, section + bytes(50 - len(section)) + section[:30]),
                 template(262, (8, 4)), a_set(262, bytes(8)), seconds=seconds, sequence=n),
        ipfix(template(263, (28, 16), (352, 4), PACKETS, (243, 2), ipfix=True),
              a_set(263, translated + struct.pack(">IIH", 15_180, n, n % 2)), seconds=seconds, sequence=n),
        ipfix(
            template(271, *BASIC[:2], (22, 4), (85, 4), (86, 4), (85, 4, 29305), ipfix=True),
            a_set(271, (basic()[:8] + struct.pack(">IIII", n % 2, 100 * n, n, 50)) * 2), seconds=seconds, sequence=n,
        ),
        netflow9(
            template(272, *BASIC[:2], (148, 4), (233, 1), (231, 4), (232, 4)),
            a_set(272, b"".join(basic()[:8] + struct.pack(">IBII", 7, what, 500, 600 * n) for what in (1, 5, 2))),
            seconds=seconds, sequence=n,
        ),
        netflow5([record5()], count=5, seconds=seconds)[:60],
        ipfix(a_set(700, bytes(8)), seconds=seconds, sequence=n),  # its template never comes
    ]  # fmt: skip


STREAM = [payload for n in range(4) for payload in stream(n)]


class Life:
    """A collector's work up to its batches, over restarts: one ledger of all rows that ever left."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._elapsed = 0.0
        self.rows: list[dict[str, Any]] = []
        self.flows = 0
        self._begin()

    def _begin(self) -> None:
        self._pipeline = Pipeline(
            economy="UY",
            home=HOME,
            table=TABLE,  # type: ignore[arg-type]
            window_seconds=300,
            k=2,
            allow=("192.0.2.0/24",),
            boundaries={ADDRESSES[1]: Boundary(external=frozenset({7}), metered="egress")},
            sampling={ADDRESSES[2]: 100},
            template_wait_seconds=900,
        )
        exporters = self._pipeline.exporters
        # Of five one is not allowed, and for one there may be no room.
        exporters._limit = 3
        assert isinstance(exporters, Exporters)
        self._memory = self._pipeline.memory = ExporterMemory(
            self._directory / FILE, exporters, self._pipeline.decoder, self._pipeline.ledger,
            partial(pseudonym, KEY), clock=lambda: self._elapsed, wall=lambda: SECONDS + self._elapsed,
        )  # fmt: skip
        self._memory.__enter__()
        self._forgotten = np.zeros(len(LEDGER_COUNTS), np.int64)

    def receive(self, sent: list[tuple[int, bytes]]) -> None:
        numbers = [self._pipeline.exporters.number(ADDRESSES[exporter]) for exporter, _ in sent]
        now_ms = NOW_MS + int(self._elapsed * 1000)
        payloads = [payload for _, payload in sent]
        ports = [50_000 + len(payload) % 3 for payload in payloads]  # several processes behind each address
        self._pipeline.datagrams(lot(payloads, numbers, now_ms, ports))

    def pass_time(self, seconds: float) -> None:
        self._elapsed += seconds
        for number in self._memory.tick():
            self._forgotten += self._pipeline.ledger.by_exporter()[FIRST + number]
            self._pipeline.forget([number])

    def take(self, before_ms: int | None) -> None:
        flows, ledger = self._pipeline.take(before_ms, str)
        self.flows += sum(flows["flows"].to_pylist())
        self.rows += ledger.to_pylist()
        # What is told of each exporter adds up to what is told of all, whatever windows were taken away.
        by_exporter = self._pipeline.ledger.by_exporter().sum(axis=0) + self._forgotten
        assert by_exporter.tolist() == self._pipeline.ledger.totals.tolist()

    def restart(self) -> None:
        self.end()
        self._begin()

    def end(self) -> None:
        self._pipeline.decoder.give_up_waiting()
        self.take(None)
        self._memory.__exit__(None, None, None)


def check(counts: dict[str, Any]) -> None:
    assert counts["received"] == sum(
        counts[name] for name in ("decoded", "waiting", "malformed", "filtered")
    ), counts
    assert counts["decoded"] == sum(counts[part] for part in BALANCE["decoded"]), counts
    assert counts["decoded"] == sum(counts[name] for name in LEDGER_COUNTS if name.startswith("sampling_"))


damage = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=3)
datagram = st.tuples(
    st.integers(0, len(ADDRESSES) - 1),
    st.sampled_from(STREAM),
    damage,
    st.one_of(st.none(), st.integers(0, 90)),
)
step = st.one_of(
    st.tuples(st.just("receive"), st.lists(datagram, min_size=1, max_size=8)),
    st.tuples(st.just("pass"), st.floats(1, 700)),
    st.tuples(st.just("take"), st.integers(0, 1500)),
    st.tuples(st.just("restart"), st.none()),
)


@settings(max_examples=150)
@given(st.lists(step, max_size=12))
def test_every_row_balances_whatever_comes(steps: list[tuple[str, Any]]) -> None:
    sent = 0
    with tempfile.TemporaryDirectory() as directory:
        life = Life(Path(directory))
        for what, how in steps:
            if what == "receive":
                payloads = []
                for exporter, payload, faults, cut in how:
                    octets = bytearray(payload)
                    for at, value in faults:
                        octets[at % len(octets)] = value
                    payloads.append((exporter, bytes(octets[:cut])))
                life.receive(payloads)
                sent += len(payloads)
            elif what == "pass":
                life.pass_time(how)
            elif what == "take":
                life.take(NOW_MS + how * 1000)
            else:
                life.restart()
        life.end()
    in_all: Counter[tuple[str, Any]] = Counter()
    for row in life.rows:
        check(row)
        for name in LEDGER_COUNTS:
            in_all[name] += row[name]
    assert in_all["datagrams"] == sent
    assert in_all["waiting"] == 0, "at the end nothing waits any more"
    assert in_all["aggregated"] == life.flows
    by_window: dict[tuple[str, Any], Counter[str]] = {}
    for row in life.rows:
        sums = by_window.setdefault((row["exporter"], row["window_start"]), Counter())
        sums.update({name: row[name] for name in LEDGER_COUNTS})
    for sums in by_window.values():
        assert min(sums[name] for name in ("received", "decoded", "malformed", "filtered", "aggregated")) >= 0


def test_the_stream_has_something_of_everything(tmp_path: Path) -> None:
    """Without damage, so that the search above begins from every count there is."""
    life = Life(tmp_path)
    for exporter in range(len(ADDRESSES)):
        life.receive([(exporter, payload) for payload in STREAM])
    life.take(None)
    counts = Counter({name: sum(row[name] for row in life.rows) for name in LEDGER_COUNTS})
    life.end()
    assert not [
        name
        for name in ("decoded", "waiting", "malformed", "filtered", "aggregated", "events", "sampling_config")
        if counts[name] <= 0
    ], counts
    assert {row["exporter"] for row in life.rows} >= {"0", "1", "2", "-1", "-2"}
