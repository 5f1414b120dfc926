"""sFlow version 5: flow samples to flow records, by the sampled headers.

Each flow sample becomes one record of one packet: the IP bytes that its header tells, the sampling rate
that the sample gives. Counter samples carry no flows and are passed over. Source: sFlow.org,
"sFlow Version 5" (2004), §5.3.
"""

import struct
from dataclasses import dataclass, field

import numpy as np

from caudal.collector import flowrecords
from caudal.collector.capture.link import ETHERNET, IPV4, IPV6
from caudal.collector.capture.packetchunk import NO_LINK_TYPE, PacketChunk
from caudal.collector.capture.packets import PacketCounts, Packets, read_packets
from caudal.collector.datagrams import Datagrams
from caudal.collector.decode.sequence import Sequences
from caudal.collector.flowrecords import ABSENT, I64, FlowRecords
from caudal.collector.ledger import COUNT, Tally

_FLOW_SAMPLE, _EXPANDED_FLOW_SAMPLE = 1, 3
_RAW_HEADER, _SAMPLED_IPV4, _SAMPLED_IPV6, _EXTENDED_GATEWAY = 1, 3, 4, 1003
# Header protocols of sFlow, and the link types of captures that look the same.
_LINK_TYPE = {1: ETHERNET, 11: IPV4, 12: IPV6}
_BEHIND_LAST = 64
_NO_INTERFACE = (0x3FFF_FFFF, 0xFFFF_FFFF)
# What an agent did not say of a sample, until it is found in it.
_OF_PACKET = ("source", "destination", "ip_protocol", "bytes", "packets")
_ABSENT_AT_FIRST = sum(
    int(ABSENT[name]) for name in ("template", "source_port", "destination_port", *_OF_PACKET)
)


class _Malformed(Exception):
    """A datagram or sample that ends before it should."""


class _Reader:
    """Reads big-endian numbers from a slice of octets, and no further."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.at = 0

    def number(self) -> int:
        if self.at + 4 > len(self.data):
            raise _Malformed
        (value,) = struct.unpack_from(">I", self.data, self.at)
        self.at += 4
        return int(value)

    def octets(self, length: int) -> memoryview:
        if length < 0 or self.at + length > len(self.data):
            raise _Malformed
        value = self.data[self.at : self.at + length]
        self.at += length
        return value

    def address(self) -> bytes:
        kind = self.number()
        if kind not in (0, 1, 2):
            raise _Malformed
        return bytes(self.octets((0, 4, 16)[kind]))


@dataclass
class _Samples:
    """Flow samples as they are found, one entry in each list."""

    datagram: list[int] = field(default_factory=list)
    domain: list[int] = field(default_factory=list)
    rate: list[int] = field(default_factory=list)
    input: list[int | None] = field(default_factory=list)
    output: list[int | None] = field(default_factory=list)
    source_as: list[int | None] = field(default_factory=list)
    destination_as: list[int | None] = field(default_factory=list)
    link: list[int] = field(default_factory=list)
    header: list[bytes] = field(default_factory=list)
    original: list[int] = field(default_factory=list)


def decode(datagrams: Datagrams, which: I64, counts: Tally, sequences: Sequences) -> FlowRecords:
    """Return the flow records of the sFlow datagrams at positions `which`, and fill `counts` there.

    sFlow has no clock of its own: time is that of receipt. A sample that cannot be read counts as
    malformed; the others of its datagram are kept. Sequence numbers are those of the agent and sub-agent
    that the datagram names, which need not be where it was sent from.
    """
    samples = _Samples()
    for datagram in which.tolist():
        start, length = int(datagrams.offset[datagram]), int(datagrams.length[datagram])
        reader = _Reader(datagrams.buffer.data[start : start + length])
        before = len(samples.datagram)
        bad = 0
        try:
            agent, sub_agent, sequence = _read_header(reader)
            stream = (
                int(datagrams.exporter[datagram]),
                flowrecords.SFLOW5,
                int.from_bytes(agent, "big") << 32 | sub_agent,
            )
            lost = sequences.follow(stream, np.array([sequence]), np.ones(1, np.int64))
            counts[COUNT["lost_datagrams"], datagram] += int(lost[0])
            for _ in range(reader.number()):
                bad += _read_sample(reader, datagram, sub_agent, samples)
        except _Malformed:
            bad += 1
        found = len(samples.datagram) - before
        counts[COUNT["received"], datagram] += found + bad
        counts[COUNT["decoded"], datagram] += found
        counts[COUNT["malformed"], datagram] += bad
    return _records(datagrams, samples)


def _read_header(reader: _Reader) -> tuple[bytes, int, int]:
    """Return agent address, sub-agent and sequence number."""
    reader.number()  # version
    agent, sub_agent, sequence = reader.address(), reader.number(), reader.number()
    reader.number()  # uptime
    return agent, sub_agent, sequence


def _read_sample(reader: _Reader, datagram: int, sub_agent: int, samples: _Samples) -> int:
    """Read one sample; return how many were malformed inside, 0 or 1."""
    kind, length = reader.number(), reader.number()
    sample = _Reader(reader.octets(length))
    if kind in (_FLOW_SAMPLE, _EXPANDED_FLOW_SAMPLE):
        try:
            _read_flow_sample(sample, datagram, sub_agent, samples, expanded=kind == _EXPANDED_FLOW_SAMPLE)
        except _Malformed:
            return 1
    return 0


def _read_flow_sample(
    sample: _Reader, datagram: int, sub_agent: int, samples: _Samples, *, expanded: bool
) -> None:
    sample.octets(12 if expanded else 8)  # sequence number, source id
    rate = sample.number()
    sample.octets(8)  # sample pool, drops
    interfaces: list[int | None] = []
    for _ in ("input", "output"):
        form, value = (sample.number(), sample.number()) if expanded else divmod(sample.number(), 1 << 30)
        # Discarded, several interfaces, or the device itself: no interface to name.
        interfaces.append(None if form or value in _NO_INTERFACE else value)
    link, header, original = NO_LINK_TYPE, b"", 0
    source_as: int | None = None
    destination_as: int | None = None
    for _ in range(sample.number()):
        kind, length = sample.number(), sample.number()
        body = _Reader(sample.octets(length))
        if kind == _RAW_HEADER:
            protocol, original = body.number(), body.number()
            body.number()  # octets stripped off the end
            link, header = _LINK_TYPE.get(protocol, NO_LINK_TYPE), bytes(body.octets(body.number()))
        elif kind in (_SAMPLED_IPV4, _SAMPLED_IPV6) and not header:
            link, header, original = _header_of(body, version=4 if kind == _SAMPLED_IPV4 else 6)
        elif kind == _EXTENDED_GATEWAY:
            source_as, destination_as = _gateway(body)
    samples.datagram.append(datagram)
    samples.domain.append(sub_agent)
    samples.rate.append(rate)
    samples.input.append(interfaces[0])
    samples.output.append(interfaces[1])
    samples.source_as.append(source_as)
    samples.destination_as.append(destination_as)
    samples.link.append(link)
    samples.header.append(header)
    samples.original.append(original)


def _header_of(body: _Reader, *, version: int) -> tuple[int, bytes, int]:
    """Write the IP header that a record of its fields describes, so that one path reads both."""
    length, protocol = body.number(), body.number()
    octets = 4 if version == 4 else 16
    addresses = bytes(body.octets(2 * octets))
    ports = struct.pack(">HH", body.number() & 0xFFFF, body.number() & 0xFFFF)
    total = min(length, 0xFFFF)
    if version == 4:
        start = struct.pack(">BBHHHBBH", 0x45, 0, total, 0, 0, 64, protocol & 0xFF, 0)
        return IPV4, start + addresses + ports, total
    start = struct.pack(">IHBB", 6 << 28, max(0, total - 40), protocol & 0xFF, 64)
    return IPV6, start + addresses + ports, total


def _gateway(body: _Reader) -> tuple[int, int]:
    """Return source and destination AS; the destination is the end of the path, or the router's own AS."""
    body.address()
    own, source = body.number(), body.number()
    body.number()  # source peer
    destination = own
    for _ in range(body.number()):
        body.number()  # set or sequence
        path = [body.number() for _ in range(body.number())]
        destination = path[-1] if path else destination
    return source, destination


def _records(datagrams: Datagrams, samples: _Samples) -> FlowRecords:
    count = len(samples.datagram)
    if not count:
        return flowrecords.concatenate([])
    of = np.array(samples.datagram, np.int64)
    lengths = np.array([len(header) for header in samples.header], np.int64)
    chunk = PacketChunk(
        buffer=np.frombuffer(b"".join(samples.header) + bytes(_BEHIND_LAST), np.uint8),
        offset=np.cumsum(lengths) - lengths,
        captured=lengths,
        original=np.array(samples.original, np.int64),
        time_ms=datagrams.received_ms[of],
        link_type=np.array(samples.link, np.uint16),
    )
    columns = {name: np.zeros(count, dtype) for name, dtype in flowrecords.DTYPES.items()}
    columns["kind"][:] = flowrecords.EVENT  # until an IP header is found in the sample
    columns["exporter"][:] = datagrams.exporter[of]
    columns["protocol"][:] = flowrecords.SFLOW5
    for name in ("export_ms", "start_ms", "end_ms"):
        columns[name][:] = datagrams.received_ms[of]
    columns["absent"][:] = _ABSENT_AT_FIRST
    for name in ("input", "output", "source_as", "destination_as"):
        values = getattr(samples, name)
        columns[name][:] = [value or 0 for value in values]
        columns["absent"][[value is None for value in values]] |= ABSENT[name]
    columns["observation_domain"][:] = samples.domain
    columns["sampling_rate"][:] = np.maximum(samples.rate, 1)
    columns["sampling_from"][:] = np.where(
        np.array(samples.rate) > 0, flowrecords.RECORD, flowrecords.ASSUMED
    )
    for packets in read_packets(chunk, PacketCounts()):
        _fill(columns, packets)
    return FlowRecords(**columns)


def _fill(columns: dict[str, np.ndarray[tuple[int], np.dtype[np.uint64]]], packets: Packets) -> None:
    at = packets.frame
    columns["kind"][at] = flowrecords.TRAFFIC
    columns["ip_version"][at] = packets.ip_version
    columns["packets"][at] = 1
    for name in _OF_PACKET:
        columns["absent"][at] &= ~ABSENT[name]
    for name in ("source_port", "destination_port"):
        columns["absent"][at[packets.ports_known]] &= ~ABSENT[name]
    for name in (
        "source_high",
        "source_low",
        "destination_high",
        "destination_low",
        "source_port",
        "destination_port",
        "ip_protocol",
        "bytes",
    ):
        columns[name][at] = getattr(packets, name)
