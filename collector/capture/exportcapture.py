"""Export datagrams out of captured packets, as the decoder takes them."""

import ipaddress
from dataclasses import dataclass

import numpy as np

from caudal.collector.capture.capturefile import SPARE
from caudal.collector.capture.duplicates import Duplicates
from caudal.collector.capture.exportmessage import is_export_message
from caudal.collector.capture.fragments import Fragment, Fragments
from caudal.collector.columns.datagrams import Datagrams, Exporters
from caudal.collector.columns.flowrecords import I32, I64, U8, U64
from caudal.collector.columns.gather import gather
from caudal.collector.exporters.ledger import COUNT, Ledger, tally
from caudal.collector.packets.packetchunk import PacketChunk
from caudal.collector.packets.packets import Mask, PacketCounts, Packets, read_packets

_UDP, _UDP_HEADER = 17, 8
_LOOKED_AT = 1_000
# A capture of traffic may hold some export datagrams too; it is one of exports only from this share on.
_LEAST_SHARE_OF_IP = 0.1
_FRAGMENT_EXTENSION = 44


@dataclass
class ExportCounts(PacketCounts):
    """Counts of the packets of a capture of export datagrams, by where they went.

    Always `packets` = `unfragmented` + `fragments` + `not_udp` + `not_ip` + `malformed`, and
    `datagrams` = `unfragmented` + `joined` - `not_export` - `duplicated`. `joined` are datagrams put together from fragments,
    `incomplete` those given up because a piece was missing or cut, `not_export` UDP payloads that do not begin
    as any export protocol does, `duplicated` export datagrams that were captured before (see Duplicates). A packet whose UDP header is cut short or impossible is malformed.
    """

    datagrams: int = 0
    unfragmented: int = 0
    fragments: int = 0
    not_udp: int = 0
    joined: int = 0
    incomplete: int = 0
    not_export: int = 0
    duplicated: int = 0


@dataclass(frozen=True)
class _Payloads:
    """UDP payloads: position of their packet, place in a buffer, length by the UDP header, source, time, source port."""

    frame: I64
    offset: I64
    length: I64
    claimed: I64
    exporter: I32
    time_ms: I64
    port: I64


class ExportReader:
    """Takes export datagrams out of chunks of packets, and numbers their source addresses in `exporters`.

    Of those captured twice the first counts; `ledger`, if there is one, is told of the others.
    """

    def __init__(self, exporters: Exporters, pending: int = 1_024, ledger: Ledger | None = None) -> None:
        self._ledger = ledger
        self._duplicates = Duplicates()
        self.counts = ExportCounts()
        self._exporters = exporters
        self._fragments = Fragments(pending)

    def add(self, chunk: PacketChunk) -> Datagrams:
        """Return the export datagrams which the packets of a chunk hold or complete, in order."""
        parts: list[_Payloads] = []
        joined: list[bytes] = []
        for packets in read_packets(chunk, self.counts):
            if len(packets):
                parts.append(self._unfragmented(chunk, packets))
                parts.append(self._joined(chunk, packets, joined))
        buffer = chunk.buffer
        if joined:
            buffer = np.concatenate([buffer, np.frombuffer(b"".join(joined) + bytes(SPARE), np.uint8)])
        return self._once(self._exports(buffer, parts))

    def _once(self, datagrams: Datagrams) -> Datagrams:
        """Return the datagrams without those that were captured before."""
        first = self._duplicates.first(datagrams)
        if first.all():
            return datagrams
        again = datagrams.take(np.flatnonzero(~first))
        self.counts.duplicated += len(again)
        self.counts.datagrams -= len(again)
        if self._ledger is not None:
            counts = tally(len(again))
            counts[COUNT["duplicated_datagrams"]] = 1
            self._ledger.add(counts, again.exporter, again.received_ms)
        return datagrams.take(np.flatnonzero(first))

    def finish(self) -> None:
        """Count datagrams of which pieces are still missing as incomplete."""
        self._fragments.finish()
        self.counts.incomplete = self._fragments.incomplete

    def _unfragmented(self, chunk: PacketChunk, packets: Packets) -> _Payloads:
        udp = packets.ip_protocol == _UDP
        self.counts.not_udp += int(np.count_nonzero(~udp))
        self.counts.fragments += int(np.count_nonzero(udp & packets.fragmented))
        which, offset, length, claimed = _udp_payloads(chunk, packets, udp & ~packets.fragmented)
        bad = int(np.count_nonzero(udp & ~packets.fragmented)) - len(which)
        self.counts.malformed += bad
        self._uncount(packets.ip_version, bad)
        self.counts.unfragmented += len(which)
        exporter = _number(self._exporters, packets, which)
        port = gather(chunk.buffer, offset - _UDP_HEADER, ">u2").astype(np.int64)
        return _Payloads(
            packets.frame[which], offset, length, claimed, exporter, packets.time_ms[which], port
        )

    def _uncount(self, ip_version: int, packets: int) -> None:
        if ip_version == 4:
            self.counts.ipv4 -= packets
        else:
            self.counts.ipv6 -= packets

    def _joined(self, chunk: PacketChunk, packets: Packets, joined: list[bytes]) -> _Payloads:
        """Collect fragments; append to `joined` the payloads that became whole, which follow the buffer."""
        done: list[tuple[int, int, int, int]] = []
        at = len(chunk.buffer) + sum(len(payload) for payload in joined)
        for position in np.flatnonzero((packets.ip_protocol == _UDP) & packets.fragmented).tolist():
            whole = self._fragments.add(_fragment(chunk, packets, position))
            if whole is None:
                continue
            length = int.from_bytes(whole[4:6], "big")
            if length == 0 or _UDP_HEADER <= length <= len(whole):
                payload = whole[_UDP_HEADER : length or len(whole)]
                joined.append(payload)
                done.append((position, at, len(payload), int.from_bytes(whole[:2], "big")))
                at += len(payload)
            else:
                self._fragments.joined -= 1
                self._fragments.incomplete += 1
        self.counts.joined, self.counts.incomplete = self._fragments.joined, self._fragments.incomplete
        which, offset, length_of, port = np.array(done, np.int64).reshape(-1, 4).T
        exporter = _number(self._exporters, packets, which)
        time_ms = packets.time_ms[which]
        return _Payloads(packets.frame[which], offset, length_of, length_of, exporter, time_ms, port)

    def _exports(self, buffer: U8, parts: list[_Payloads]) -> Datagrams:
        frame = np.concatenate([part.frame for part in parts]) if parts else np.empty(0, np.int64)
        order = np.argsort(frame, kind="stable")

        def column(name: str, kind: type[np.generic]) -> I64:
            values = [getattr(part, name) for part in parts]
            return np.concatenate(values)[order] if values else np.empty(0, kind)

        offset, length, claimed = (column(name, np.int64) for name in ("offset", "length", "claimed"))
        word = gather(buffer, offset, ">u4").astype(np.uint32)
        short = word >> 16
        exports = (length >= 2) & ((short == 5) | (short == 9) | (short == 10))
        exports |= (length >= 4) & (word == 5)
        self.counts.not_export += int(np.count_nonzero(~exports))
        self.counts.datagrams += int(np.count_nonzero(exports))
        return Datagrams(
            buffer,
            offset[exports],
            length[exports],
            column("exporter", np.int32)[exports].astype(np.int32),
            column("time_ms", np.int64)[exports],
            (length < claimed)[exports],
            column("port", np.int64)[exports].astype(np.uint16),
        )


def looks_like_exports(chunk: PacketChunk) -> bool:
    """Return True if the first packets of a file show that it is a capture of export datagrams.

    It is if more than half of the UDP payloads are export datagrams by their headers, and those are a tenth
    of the IP packets at least. Looks at 1,000 UDP payloads and the packets between them.
    """
    seen: list[tuple[int, bool]] = []
    groups = [packets for packets in read_packets(chunk, PacketCounts()) if len(packets)]
    for packets in groups:
        first = (packets.ip_protocol == _UDP) & packets.ports_known
        which, offset, length, claimed = _udp_payloads(chunk, packets, first)
        for frame, at, size, claim in zip(
            packets.frame[which][:_LOOKED_AT].tolist(),
            offset[:_LOOKED_AT].tolist(),
            length[:_LOOKED_AT].tolist(),
            claimed[:_LOOKED_AT].tolist(),
            strict=True,
        ):
            if claim:
                seen.append(
                    (frame, is_export_message(chunk.buffer[at : at + min(size, 64)].tobytes(), claim))
                )
    if not seen:
        return False
    seen = sorted(seen)[:_LOOKED_AT]
    exports = sum(is_export for _, is_export in seen)
    ip_packets = sum(int(np.searchsorted(packets.frame, seen[-1][0], "right")) for packets in groups)
    return exports * 2 > len(seen) and exports >= ip_packets * _LEAST_SHARE_OF_IP


def _udp_payloads(chunk: PacketChunk, packets: Packets, udp: Mask) -> tuple[I64, I64, I64, I64]:
    """Return which packets have a readable UDP header, and place, captured and claimed length of their payload."""
    which = np.flatnonzero(udp)
    captured_end = (chunk.offset + chunk.captured)[packets.frame[which]]
    at = np.minimum(packets.transport[which], captured_end)
    packet_length = packets.end[which] - at
    claimed = gather(chunk.buffer, at + 4, ">u2").astype(np.int64)
    # A length of 0 means that the packet is too long for the field (RFC 2675) or not cut into segments yet.
    claimed = np.where(claimed == 0, packet_length, claimed)
    good = (at + _UDP_HEADER <= captured_end) & (claimed >= _UDP_HEADER)
    # The first of several fragments says how long they are together.
    good &= (claimed <= packet_length) | packets.fragmented[which]
    which, at, claimed, captured_end = which[good], at[good], claimed[good], captured_end[good]
    length = np.minimum(np.minimum(captured_end, packets.end[which]) - at, claimed) - _UDP_HEADER
    return which, at + _UDP_HEADER, length, claimed - _UDP_HEADER


def _number(exporters: Exporters, packets: Packets, which: I64) -> I32:
    high, low = packets.source_high[which], packets.source_low[which]
    if packets.ip_version == 4:
        _, first, inverse = np.unique(low, return_index=True, return_inverse=True)
    else:
        pairs = np.rec.fromarrays([high, low])
        _, first, inverse = np.unique(pairs, return_index=True, return_inverse=True)
    numbers = np.empty(len(first), np.int32)
    for unique in np.argsort(first).tolist():
        at = int(first[unique])
        numbers[unique] = exporters.number(_address(packets.ip_version, high, low, at))
    return numbers[inverse]


def _address(ip_version: int, high: U64, low: U64, at: int) -> str:
    if ip_version == 4:
        return str(ipaddress.IPv4Address(int(low[at])))
    return str(ipaddress.IPv6Address(int(high[at]) << 64 | int(low[at])))


def _fragment(chunk: PacketChunk, packets: Packets, position: int) -> Fragment:
    """Read one fragment; where its extension headers end is known, the fragment header is looked for."""
    network, transport = int(packets.network[position]), int(packets.transport[position])
    frame = int(packets.frame[position])
    captured_end = int(chunk.offset[frame] + chunk.captured[frame])
    end = int(packets.end[position])
    if packets.ip_version == 4:
        field = chunk.buffer[network + 4 : network + 8].tobytes()
        identification, flags = int.from_bytes(field[:2], "big"), int.from_bytes(field[2:], "big")
        place, more = (flags & 0x1FFF) * 8, bool(flags & 0x2000)
    else:
        header = _fragment_header(chunk.buffer[network:transport].tobytes())
        flags, identification = int.from_bytes(header[2:4], "big"), int.from_bytes(header[4:8], "big")
        place, more = flags & 0xFFF8, bool(flags & 1)
    source = int(packets.source_high[position]) << 64 | int(packets.source_low[position])
    destination = int(packets.destination_high[position]) << 64 | int(packets.destination_low[position])
    data = chunk.buffer[transport : min(end, captured_end)].tobytes()
    whole = captured_end >= end
    key = (packets.ip_version, source, destination, identification)
    return Fragment(key, place, data, more, whole, int(packets.time_ms[position]))


def _fragment_header(headers: bytes) -> bytes:
    """Return the fragment header among the extension headers of an IPv6 packet."""
    kind, at = headers[6], 40
    while kind != _FRAGMENT_EXTENSION and at + 8 <= len(headers):
        kind, size = headers[at], (headers[at + 1] + 1) * 8
        at += size
    return headers[at : at + 8].ljust(8, b"\0")
