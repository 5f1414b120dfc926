"""The tagger: looks at the packets worth it, remembers whose connections they are, and tags flows."""

from collections.abc import Callable

import numpy as np

from caudal.collector.columns.flowrecords import I64, U16, U64, FlowRecords
from caudal.collector.columns.gather import gather
from caudal.collector.names.candidates import Candidates, awaited, worth_a_look
from caudal.collector.names.clienthello import Hello, hellos_in_one_record
from caudal.collector.names.counts import OUTCOMES, NameCounts
from caudal.collector.names.dns import UnreadableAnswer, read_answer
from caudal.collector.names.domains import DomainList
from caudal.collector.names.hellos import Hellos
from caudal.collector.names.keys import Keys
from caudal.collector.names.quic import UnreadableInitial
from caudal.collector.names.request import CutRequest, UnreadableRequest, host_of
from caudal.collector.names.verdict import (
    AMBIGUOUS,
    CARRIER,
    ENCRYPTED,
    NOTHING,
    REASONS,
    RESOLVED,
    SERVICE,
    TRUNCATED,
    UNLISTED,
    UNNAMED,
    UNREADABLE,
    is_content,
    is_service,
)
from caudal.collector.names.verdicttable import VerdictTable
from caudal.collector.packets.packetchunk import PacketChunk
from caudal.collector.packets.packets import Packets

# A connection is remembered for so long after its hello, and after each flow record of it.
CONNECTION_MS = 600_000
# Hosts go on using an address after its time to live, and some servers say that it has none.
SHORTEST_ANSWER_MS, LONGEST_ANSWER_MS = 300_000, 3_600_000
_SEQUENCE_AT = 4


class Tagger:
    """Finds the platform of flows by the names in DNS answers, TLS ClientHellos, QUIC Initials and requests of HTTP.

    A name lives in a local variable while it is compared with the list. Kept in bounded tables, for minutes,
    are verdicts under keyed hashes of connections, of pairs of hosts and of addresses. At most `per_second`
    packets a second of their own time are looked at, if that is given.
    """

    def __init__(
        self, domains: DomainList, *, per_second: int | None = None, bits: int = 20, keys: Keys | None = None
    ) -> None:
        self.counts = NameCounts()
        self._domains = domains
        self._per_second = per_second
        self._allowance = float(per_second or 0)
        self._looked_ms = 0
        self._keys = keys or Keys()
        self._hellos = Hellos()
        self._connections = VerdictTable(bits)
        self._asked = VerdictTable(bits, unanimous=True)
        self._told = VerdictTable(bits - 2, unanimous=True)

    @property
    def services(self) -> tuple[str, ...]:
        """The platform ids that the numbers of `tag` mean; the first is '' for none."""
        return self._domains.services

    def look(self, chunk: PacketChunk, packets: Packets) -> None:
        """Look at packets of a chunk for names."""
        if not len(packets):
            return
        self._gain(int(packets.time_ms[-1]))
        self._hellos.expire(int(packets.time_ms[0]))
        worth = worth_a_look(chunk, packets)
        self._look_at_answers(chunk, packets, self._afford(worth.answers))
        self._look_at_initials(chunk, packets, worth.initials)
        self._look_at_hellos(chunk, packets, self._afford(worth.hellos))
        self._look_at_requests(chunk, packets, self._afford(worth.requests))
        if len(self._hellos):
            self._look_at_more(
                chunk, packets, awaited(packets, worth.segments, self._keys, self._hellos.marks)
            )

    def _gain(self, now_ms: int) -> None:
        if self._per_second is not None:
            passed = min(max(now_ms - self._looked_ms, 0), 1_000)
            self._allowance = min(self._allowance + self._per_second * passed / 1_000, self._per_second)
            self._looked_ms = max(self._looked_ms, now_ms)

    def _afford(self, found: Candidates) -> Candidates:
        """Return as many, from the first on, as may be looked at."""
        if self._per_second is None:
            return found
        count = min(len(found), int(self._allowance))
        self._allowance -= count
        self.counts.over_limit += len(found) - count
        return found if count == len(found) else found.take(np.arange(count))

    # DNS

    def _look_at_answers(self, chunk: PacketChunk, packets: Packets, found: Candidates) -> None:
        rows: list[tuple[int, int, int, int, int]] = []
        data = chunk.buffer.data
        for which, start, end in zip(
            found.which.tolist(), found.start.tolist(), found.end.tolist(), strict=True
        ):
            try:
                answer = read_answer(bytes(data[start:end]))
            except UnreadableAnswer:
                self.counts.unreadable += 1
                continue
            self.counts.dns_answers += 1
            if answer is not None:
                verdict = self._domains.verdict_of_chain(answer.names)
                life = min(max(answer.ttl_seconds * 1_000, SHORTEST_ANSWER_MS), LONGEST_ANSWER_MS)
                for address in answer.addresses:
                    number = int.from_bytes(address)
                    rows.append((which, number >> 64, number & (1 << 64) - 1, verdict, life))
        if not rows:
            return
        # Column by column: the halves of addresses need all 64 bits.
        which_, high, low, verdict_, life_ = zip(*rows, strict=True)
        at = np.array(which_, np.int64)
        address_ = np.array(high, np.uint64), np.array(low, np.uint64)
        host = packets.destination_high[at], packets.destination_low[at]
        verdicts = np.array(verdict_, np.uint16)
        verdicts = np.where(is_service(verdicts), verdicts | np.uint16(RESOLVED), verdicts)
        now = packets.time_ms[at]
        until = now + np.array(life_, np.int64)
        self._asked.put(self._keys.of_pair(host, address_), verdicts, now, until)
        self._told.put(self._keys.of_address(*address_), verdicts, now, until)

    # QUIC

    def _look_at_initials(self, chunk: PacketChunk, packets: Packets, found: Candidates) -> None:
        if not len(found):
            return
        keys = self._connection_keys(packets, found.which)
        known = self._connections.get(keys, packets.time_ms[found.which]) != NOTHING
        if known.any():
            known &= ~self._hellos.awaits(keys)
            found, keys = found.take(~known), keys[~known]
        found = self._afford(found)
        self.counts.quic_initials += len(found)

        def read(key: int, now_ms: int, payload: bytes, _: int) -> Hello:
            return self._hellos.quic(key, now_ms, payload)

        self._note(chunk, packets, found, keys[: len(found)], read)

    # TLS

    def _look_at_hellos(self, chunk: PacketChunk, packets: Packets, found: Candidates) -> None:
        if not len(found):
            return
        self.counts.client_hellos += len(found)
        keys = self._connection_keys(packets, found.which)
        hellos = hellos_in_one_record(chunk.buffer, found.start, found.end)
        parted = np.array([hello is None for hello in hellos], np.bool_)
        self._note(chunk, packets, found.take(parted), keys[parted], self._hellos.begin)
        said = []
        for key, hello in zip(keys.tolist(), hellos, strict=True):
            if hello is not None:
                self._hellos.forget(key)  # what was awaited of another hello
                self.counts.unreadable += hello.state == "unreadable"
                said.append(self._verdict(hello))
        self._remember(keys[~parted], np.array(said, np.uint16), packets.time_ms[found.which[~parted]])

    # HTTP

    def _look_at_requests(self, chunk: PacketChunk, packets: Packets, found: Candidates) -> None:
        if not len(found):
            return
        self.counts.http_requests += len(found)
        keys, now = self._connection_keys(packets, found.which), packets.time_ms[found.which]
        known = dict(zip(keys.tolist(), self._connections.get(keys, now).tolist(), strict=True))
        data = chunk.buffer.data
        said = []
        for key, start, end in zip(keys.tolist(), found.start.tolist(), found.end.tolist(), strict=True):
            known[key] = _joined(known[key], self._verdict_of_request(bytes(data[start:end])))
            said.append(known[key])
        self._remember(keys, np.array(said, np.uint16), now)

    def _verdict_of_request(self, payload: bytes) -> int:
        try:
            host = host_of(payload)
        except CutRequest:
            return TRUNCATED
        except UnreadableRequest:
            self.counts.unreadable += 1
            return UNREADABLE
        return self._domains.verdict(host) if host else UNNAMED

    # TLS, where a hello goes on

    def _look_at_more(self, chunk: PacketChunk, packets: Packets, segments: Candidates) -> None:
        keys = self._connection_keys(packets, segments.which)
        sure = np.flatnonzero(self._hellos.awaits(keys))
        rest = self._afford(segments.take(sure))
        self._note(chunk, packets, rest, keys[sure[: len(rest)]], self._hellos.go_on)

    def _note(
        self,
        chunk: PacketChunk,
        packets: Packets,
        found: Candidates,
        keys: U64,
        read: Callable[[int, int, bytes, int], Hello],
    ) -> None:
        """Read hellos by key, time, payload and sequence number; remember what each says of its connection."""
        if not len(found):
            return
        data = chunk.buffer.data
        now = packets.time_ms[found.which]
        sequence = gather(chunk.buffer, packets.transport[found.which] + _SEQUENCE_AT, ">u4")
        columns = (keys, now, found.start, found.end, found.whole, sequence)
        verdicts = [
            self._read(read, key, now_ms, bytes(data[start:end]), number, whole=whole)
            for key, now_ms, start, end, whole, number in zip(
                *(each.tolist() for each in columns), strict=True
            )
        ]
        self._remember(keys, np.array(verdicts, np.uint16), now)

    def _remember(self, keys: U64, verdicts: U16, now_ms: I64) -> None:
        said = np.flatnonzero(verdicts != NOTHING)
        self._connections.put(keys[said], verdicts[said], now_ms[said], now_ms[said] + CONNECTION_MS)

    def _read(
        self,
        read: Callable[[int, int, bytes, int], Hello],
        key: int,
        now_ms: int,
        payload: bytes,
        sequence: int,
        *,
        whole: bool,
    ) -> int:
        try:
            hello = read(key, now_ms, payload, sequence)
        except UnreadableInitial:
            if not whole:
                return TRUNCATED
            self.counts.unreadable += 1
            return NOTHING if key in self._hellos else UNREADABLE
        if hello.state == "unreadable":
            self.counts.unreadable += 1
        elif hello.state == "more" and not whole:
            self._hellos.forget(key)
        return self._verdict(hello)

    def _verdict(self, hello: Hello) -> int:
        if hello.state == "unreadable":
            return UNREADABLE
        if hello.name:
            verdict = self._domains.verdict(hello.name)
            if verdict < CARRIER:
                return verdict
            if hello.state == "named":
                # Whether a public name stands for a hidden one, or browsers only pretend, cannot be told.
                return ENCRYPTED if hello.encrypted else verdict
        if hello.state == "more":
            return TRUNCATED
        return ENCRYPTED if hello.encrypted else UNNAMED

    def _connection_keys(self, packets: Packets, which: I64) -> U64:
        return self._keys.of_connection(
            packets.ip_protocol[which],
            (packets.source_high[which], packets.source_low[which], packets.source_port[which]),
            (
                packets.destination_high[which],
                packets.destination_low[which],
                packets.destination_port[which],
            ),
        )

    # Flows

    def tag(self, flows: FlowRecords) -> U16:
        """Return the number of each flow's service, 0 for none; count the outcomes."""
        source = flows.source_high, flows.source_low
        destination = flows.destination_high, flows.destination_low
        keys = self._keys.of_connection(
            flows.ip_protocol, (*source, flows.source_port), (*destination, flows.destination_port)
        )
        named = self._connections.get(keys, flows.start_ms)
        asked = self._asked.get(self._keys.of_pair(source, destination), flows.start_ms)
        resolved = np.where(asked != NOTHING, asked, self._told_of(source, destination, flows.start_ms))
        verdict = _weigh(named, asked, resolved)
        known = np.flatnonzero(is_service(verdict) | (named != NOTHING))
        if len(known):
            end = flows.end_ms[known]
            kept = np.where(is_service(verdict[known]), verdict[known], named[known])
            self._connections.put(keys[known], kept, end, end + CONNECTION_MS)
        self._count(verdict, flows)
        return np.where(is_service(verdict), verdict & np.uint16(SERVICE), np.uint16(0))

    def _told_of(self, source: tuple[U64, U64], destination: tuple[U64, U64], at_ms: I64) -> U16:
        """Return the verdict on which all answers for either address agree, uint16 (flows,); AMBIGUOUS if the ends differ."""
        one = self._told.get(self._keys.of_address(*source), at_ms)
        other = self._told.get(self._keys.of_address(*destination), at_ms)
        either = np.where(one != NOTHING, one, other)
        both = (one != NOTHING) & (other != NOTHING) & (one != other)
        return np.where(both, np.uint16(AMBIGUOUS), either)

    def _count(self, verdict: U16, flows: FlowRecords) -> None:
        service = is_service(verdict)
        outcome = np.full(len(verdict), OUTCOMES.index("unseen"), np.intp)
        outcome[service] = (verdict[service] & np.uint16(CARRIER) != 0).astype(np.intp) + 2 * (
            verdict[service] & np.uint16(RESOLVED) != 0
        ).astype(np.intp)
        for reason, name in REASONS.items():
            outcome[verdict == reason] = OUTCOMES.index(name)
        number = np.bincount(outcome, minlength=len(OUTCOMES))
        octets = np.bincount(outcome, weights=flows.bytes, minlength=len(OUTCOMES))
        for at, name in enumerate(OUTCOMES):
            self.counts.flows[name] += int(number[at])
            self.counts.bytes[name] += int(octets[at])


def _joined(before: int, verdict: int) -> int:
    """Return the verdict on a connection after one more request: the one that all agree on, else AMBIGUOUS."""
    silent = (NOTHING, UNNAMED, TRUNCATED, UNREADABLE)
    # What was only resolved for its addresses gives way to what it says itself.
    if before in silent or before == verdict or (before < UNLISTED and before & RESOLVED):
        return verdict
    return before if verdict in silent else AMBIGUOUS


def _weigh(named: U16, asked: U16, resolved: U16) -> U16:
    """Return the verdict of flows: content goes before carriage, what a connection says itself before DNS."""
    # Without a name of its own, a connection is what its addresses were resolved for.
    silent = np.isin(named, (NOTHING, UNNAMED, TRUNCATED, UNREADABLE))
    verdict = np.where(
        silent & (resolved != NOTHING) & (is_service(resolved) | (named == NOTHING)), resolved, named
    )
    # A name of a carrier leaves the owner open, which the name that its client asked for may tell.
    carrier = is_service(named) & ~is_content(named)
    verdict = np.where(carrier & is_content(asked), asked, verdict)
    # A name that is not listed says that the owner is none of those listed, but not who carries.
    carried = is_service(resolved) & ~is_content(resolved)
    return np.where((named == UNLISTED) & carried, resolved, verdict)
