"""Floods of what costs nothing to forge: what is kept of it stays within its bounds, whatever comes next.

Exporters, templates, samplers and waiting sets: test_exportermemory.py and decode/. Here the rest.
"""

import gc
import struct
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.packet import Raw

from caudal.collector.columns.datagrams import NO_ROOM, Exporters
from caudal.collector.decode.sequence.samplesequence import Agents, Sources
from caudal.collector.decode.sequence.sequence import Sequences
from caudal.collector.exporters.activity import ExporterActivity
from caudal.collector.names.domains import Domain, DomainList
from caudal.collector.names.tagger import Tagger
from caudal.collector.packets.packetchunk import PacketChunk
from caudal.collector.packets.packets import PacketCounts, read_packets
from caudal.collector.pipeline.pipeline import Pipeline
from tests.support.builders import (
    BASIC,
    HOME,
    NOW_MS,
    SECONDS,
    TABLE,
    a_set,
    basic,
    bench,
    ethernet,
    flow_sample,
    ipfix,
    lot,
    netflow5,
    netflow9,
    options10,
    raw_header,
    sflow,
    template,
    udp4,
)

from .names.messages import KEY_SHARE, dns_answer, hello, records, server_name

HEADER = raw_header(ethernet(udp4("198.18.0.1", "203.0.113.9")))


def kept_after(rounds: int, flood: Callable[[int], None]) -> list[int]:
    """Return the octets in use after each round of a flood but the first, which compiles what it needs."""
    sizes = []
    flood(0)
    tracemalloc.start()
    try:
        for number in range(1, rounds):
            flood(number)
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    return sizes


def test_streams_of_numbers_out_of_order() -> None:
    """Each stream as dear as can be: with gaps, so that it remembers holes and what it saw."""
    under = bench()
    under.decoder.sequences = sequences = Sequences(streams=100, streams_per_exporter=40)

    def flood(number: int) -> None:
        for turn in range(12):
            under.decode(
                *(
                    netflow9(sequence=turn * 5000 + n % 3 * 7, domain=number * 60 + n // 3 + 1)
                    for n in range(180)
                ),
                *(netflow5([], sequence=turn * 100_000, engine=number * 60 + n) for n in range(60)),
                exporter=[n % 3 for n in range(240)],
            )

    sizes = kept_after(6, flood)
    assert len(sequences) <= 100
    assert sizes[-1] - sizes[2] < 1 << 20, sizes


def test_agents_and_sources_of_sflow() -> None:
    under = bench()
    agents = under.decoder.sflow_agents
    agents.datagrams = Agents(agents=300, agents_per_exporter=200)

    def flood(number: int) -> None:
        for turn in (7, 1, 400):
            under.decode(
                *(
                    sflow(
                        flow_sample(HEADER, sequence=turn, source=n),
                        agent=f"10.{number}.{n >> 8}.{n & 255}",
                        sequence=turn,
                    )
                    for n in range(500)
                ),
                exporter=[n % 3 for n in range(500)],
            )

    sizes = kept_after(6, flood)
    assert len(agents.datagrams) <= 300 + 500, "the bound, and what one lot may add to it"
    assert sizes[-1] - sizes[2] < 1 << 20, sizes


def test_sources_of_sflow_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caudal.collector.decode.sequence.samplesequence._MOST_SOURCES", 1000)
    sources = Sources()
    for number in range(20):
        new = np.arange(500) + number * 500
        sources.follow(new, np.ones(500, np.int64), np.zeros(500, np.int64))
        assert len(sources) <= 1500


def test_boot_times_of_domains_without_end() -> None:
    """Each domain says when it booted; what is kept of that is bounded by the templates that are."""
    under = bench(templates_per_exporter=40)
    for number in range(10):
        under.decode(
            *(
                ipfix(
                    options10(300, [(130, 4)], [(160, 8)]),
                    a_set(300, struct.pack(">IQ", 1, NOW_MS - 1000 - n)),
                    domain=number * 100 + n,
                )
                for n in range(100)
            )
        )
    assert len(under.decoder.templates) <= 40
    assert len(under.decoder._boot_ms) <= 40
    assert under.count("received") == under.count("malformed") + under.count("waiting")


def pipeline() -> Pipeline:
    made = Pipeline(economy="UY", home=HOME, table=TABLE, window_seconds=300, k=1)  # type: ignore[arg-type]
    for number in range(3):
        made.exporters.number(f"192.0.2.{number}")
    return made


def exported_at(seconds: list[int], *, empty: bool) -> Pipeline:
    """Give a pipeline exports of these times, 500 at a time, and take what is over as a collector does."""
    made = pipeline()
    data = [] if empty else [a_set(256, basic())]
    made.datagrams(lot([netflow9(template(256, *BASIC))]))
    for first in range(0, len(seconds), 500):
        part = seconds[first : first + 500]
        made.datagrams(lot([netflow9(*data, seconds=at, sequence=n) for n, at in enumerate(part)]))
        if made.crowded or first % 1000 == 0:
            made.take(NOW_MS - 60_000, str)
    return made


@pytest.mark.parametrize("empty", [False, True], ids=["with flows", "without flows"])
def test_export_times_all_over_the_past(empty: bool) -> None:
    """Windows are over as soon as they are opened, and go with the next batch."""
    made = exported_at([SECONDS - 300 * n for n in range(1_500)], empty=empty)
    assert len(made.windows) <= 501
    made.take(NOW_MS, str)
    assert len(made.windows) <= 1


@pytest.mark.parametrize("empty", [False, True], ids=["with flows", "without flows"])
def test_export_times_to_come_are_not_believed(empty: bool) -> None:
    """More than an hour ahead is taken for now, so that an hour of windows is open at most."""
    made = exported_at([SECONDS + 300 * n for n in range(2_000)], empty=empty)
    assert len(made.windows) <= 13 + 1


def test_networks_without_end() -> None:
    """Records name the AS number of the far end, so whoever forges them chooses how many cells there are."""
    made = pipeline()
    made._aggregator._most_cells = 500
    fields = (*BASIC, (17, 4))
    made.datagrams(lot([netflow9(template(256, *fields))]))
    octets = 0
    taken = []
    for number in range(20):
        records = b"".join(basic() + struct.pack(">I", number * 200 + n + 1) for n in range(200))
        made.datagrams(lot([netflow9(a_set(256, records), seconds=SECONDS - 1, sequence=number)]))
        octets += 200 * 1000
        if made.crowded:
            taken.append(made.take(NOW_MS - 3_600_000, str)[0])
        assert len(made._aggregator._cells) <= 500 + 200
    taken.append(made.take(None, str)[0])
    assert len(taken) > 5
    assert sum(sum(flows["bytes"].to_pylist()) for flows in taken) == octets


def test_attendance_grows_with_places_only() -> None:
    exporters, attendance = Exporters(limit=100), ExporterActivity()
    for number in range(1000):
        address = f"10.0.{number >> 8}.{number & 255}"
        attendance.note(lot([b""], exporters.number(address)))
    assert exporters.number("203.0.113.1") == NO_ROOM
    assert attendance.count == len(exporters) == 100
    assert len(attendance._datagrams) <= 128


def chunk(packets: list[bytes], now_ms: int) -> PacketChunk:
    length = np.array([len(packet) for packet in packets], np.int64)
    return PacketChunk(
        np.frombuffer(b"".join(packets) + bytes(64), np.uint8),
        np.cumsum(length) - length,
        length,
        length,
        np.full(len(packets), now_ms, np.int64),
        np.full(len(packets), 101, np.uint16),
    )


def test_names_without_end() -> None:
    """Answers, whole hellos and beginnings of hellos, each of another name and another host."""
    tagger = Tagger(DomainList([Domain("netflix.com", "netflix", registrable=True)]), bits=8)
    tables = (tagger._connections, tagger._asked, tagger._told)
    begun = records(hello(server_name("a.example"), KEY_SHARE))[:700]

    def arrays() -> int:
        return sum(
            value.nbytes for table in tables for value in vars(table).values() if hasattr(value, "nbytes")
        )

    def packets(number: int) -> list[bytes]:
        made = []
        for n in range(80):
            host = f"198.18.{number}.{n}"
            answer = dns_answer(f"n{number}-{n}.netflix.com", f"203.0.{number}.{n}")
            whole = records(hello(server_name(f"h{number}-{n}.netflix.com")))
            made += [
                bytes(IP(src="198.18.0.53", dst=host) / UDP(sport=53, dport=4000) / Raw(answer)),
                bytes(IP(src=host, dst="203.0.113.9") / TCP(sport=5000, dport=443) / Raw(whole)),
                bytes(IP(src=host, dst="203.0.113.9") / TCP(sport=5001, dport=443, seq=1) / Raw(begun)),
            ]
        return made

    chunks = [chunk(packets(number), NOW_MS + number) for number in range(5)]

    def flood(number: int) -> None:
        for seen in read_packets(chunks[number], PacketCounts()):
            tagger.look(chunks[number], seen)

    tagger._hellos._most = 50
    before = arrays()
    sizes = kept_after(5, flood)
    assert arrays() == before
    assert len(tagger._hellos) <= 50
    assert tagger.counts.dns_answers == 400
    assert sum(table.given_up for table in tables) > 0
    assert sizes[-1] - sizes[1] < 1 << 18, sizes
