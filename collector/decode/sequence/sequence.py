"""Sequence numbers: how much an exporter sent that never arrived, by each protocol's own semantics."""

from collections.abc import Iterator

import numpy as np

from caudal.collector.columns.flowrecords import I64, U16
from caudal.collector.decode.sequence import stream
from caudal.collector.decode.sequence.commoncount import CommonCounts, Source
from caudal.collector.decode.sequence.stream import (
    FEW,
    MODULUS,
    NUMBERS_KEPT,
    TIMES_TO_BE_SURE,
    UNKNOWN_UNITS,
    Followed,
    Stream,
)

__all__ = ["UNKNOWN_UNITS", "Followed", "Sequences"]


class Sequences:
    """Follows the sequence numbers of each source: a UDP port and an observation domain of an exporter.

    NetFlow v5 counts flows, v9 datagrams, IPFIX data records (those before this message), sFlow datagrams.
    A late datagram takes back the loss it had caused, one that came twice changes nothing; a jump backwards
    to somewhere else, or a very long one, is a restart and no loss. Such a jump, and one that says that much
    was lost, counts only when the next number goes on from it: else that one number was wrong. Some exporters
    (softflowd) count the records of the message itself as well; they are known by doing so several times in
    a row and never otherwise. Others count messages, or templates as well. Which sources count together, as those of
    an exporter that changes its port or numbers all its domains at once, and which by themselves, as those of two
    exporting processes behind one address, is told by whose numbers go on (`commoncount`). Sources are bounded, of each
    exporter and of all: the one that appeared first is forgotten first, so that an exporter with too many loses its own,
    and no other's.
    """

    def __init__(self, streams: int = 1 << 16, streams_per_exporter: int = 1 << 12) -> None:
        self._limit = streams
        self._limit_of_one = streams_per_exporter
        self._streams: dict[int, dict[int, Stream]] = {}  # by exporter and source: see `_name`
        self._common = CommonCounts(self._make)
        self._number = 0

    def __len__(self) -> int:
        return self._number

    def forget(self, exporter: int) -> None:
        """Forget all streams of an exporter."""
        self._number -= len(self._streams.pop(exporter, ()))
        self._common.forget(exporter)

    def processes(self, exporter: int) -> tuple[int, ...]:
        """Return the UDP ports of an exporter from which datagrams of one domain come in turn, each with its own count."""
        return self._common.processes(exporter)

    def exporters(self) -> list[int]:
        """Return the exporters that are followed."""
        return list(self._streams)

    def split(self) -> set[int]:
        """Return exporters of which it became known since the last call that several processes send from their address."""
        return self._common.split()

    def manners(self) -> Iterator[tuple[int, str]]:
        """Yield exporters whose numbers are not as the standards have them, and how: `domains`, `messages`, `templates`."""
        for exporter, streams in self._streams.items():
            found = {manner for each in streams.values() if (manner := _manner(each)) is not None}
            if self._common.over_domains(exporter):
                found.add("domains")
            for manner in sorted(found):
                yield exporter, manner

    def state(self, exporter: int) -> dict[tuple[int, int], dict[int, Followed]]:
        """Return the state of an exporter's streams, by protocol and observation domain (or engine), then by UDP port."""
        found: dict[tuple[int, int], dict[int, Followed]] = {}
        for name, each in self._streams.get(exporter, {}).items():
            if each.expected is not None and each.last is not None:
                protocol, domain, port = Source.of(name)
                found.setdefault((protocol, domain), {})[port] = Followed(
                    each.expected,
                    each.last,
                    each.counts_before,
                    each.counts_itself >= TIMES_TO_BE_SURE,
                    self._common.from_any_port(exporter, name, each),
                )
        return found

    def restore(self, exporter: int, name: tuple[int, int], port: int, followed: Followed) -> None:
        """Resume a stream of sequence numbers: units sent since it was kept that did not come here count as lost."""
        source = Source(*name, port)
        each = self._streams.get(exporter, {}).get(source.name) or self._make(exporter, source.name)
        each.expected, each.last = followed.expected, followed.last
        each.counts_before = followed.counts_before
        each.counts_itself = TIMES_TO_BE_SURE if followed.counts_itself else 0
        if followed.shared:
            self._common.restore(exporter, source.name, each)

    def _make(self, exporter: int, name: int, joined: Stream | None = None) -> Stream:
        """Have a source of an exporter, with a stream of its own or that of another; make room where there is none."""
        streams = self._streams.setdefault(exporter, {})
        if name not in streams:
            if len(streams) >= self._limit_of_one:
                self._drop(exporter)
            elif self._number >= self._limit:
                self._drop(next(other for other in self._streams if other != exporter or streams))
            streams = self._streams.setdefault(exporter, {})
            self._number += 1
        made = streams[name] = Stream() if joined is None else joined
        return made

    def _drop(self, exporter: int, name: int | None = None) -> None:
        streams = self._streams[exporter]
        name = next(iter(streams)) if name is None else name
        self._common.drop(exporter, name, streams.pop(name))
        self._number -= 1
        if not streams:
            del self._streams[exporter]

    def follow(
        self,
        source: tuple[int, int, int],
        sequence: I64,
        units: I64,
        port: int = 0,
        templates: I64 | None = None,
    ) -> I64:
        """Return the units lost before each datagram (negative where a late one makes up for an earlier loss).

        `source` is (exporter, protocol, observation domain or engine); `sequence` are the numbers in the
        order received, `units` how far each moves the count (UNKNOWN_UNITS where that cannot be told), `templates` how
        many template records it has besides, which should not count.
        """
        count = len(sequence)
        return self.follow_all(
            source[1], np.full(count, source[0]), np.full(count, source[2]), sequence, units,
            np.full(count, port, np.uint16), templates,
        )  # fmt: skip

    def follow_all(
        self,
        protocol: int,
        exporter: I64,
        observation_domain: I64,
        sequence: I64,
        units: I64,
        port: U16,
        templates: I64 | None = None,
    ) -> I64:
        """Follow the numbers of datagrams of many sources and one protocol, in the order received, as `follow` does for one."""
        # An exporter's number has 16 bits (see Exporters), its domain 32.
        code = exporter << 48 | observation_domain << 16 | port
        lost = np.zeros(len(code), np.int64)
        if (code == code[0]).all():
            parts = [(Source(protocol, int(observation_domain[0]), int(port[0])).name, np.arange(len(code)))]
            self._follow_exporter(int(exporter[0]), parts, sequence, units, templates, lost)
            return lost
        order = np.argsort(code, kind="stable")
        bounds = np.flatnonzero(np.diff(code[order])) + 1
        firsts = [0, *bounds.tolist()]
        heads = order[firsts]
        names = zip(
            exporter[heads].tolist(), observation_domain[heads].tolist(), port[heads].tolist(), strict=True
        )
        of_one: list[tuple[int, I64]] = []
        before = -1
        for first, last, (number, domain, from_port) in zip(
            firsts, [*firsts[1:], len(code)], names, strict=True
        ):
            if number != before and of_one:
                self._follow_exporter(before, of_one, sequence, units, templates, lost)
                of_one = []
            before = number
            of_one.append((Source(protocol, domain, from_port).name, order[first:last]))
        self._follow_exporter(before, of_one, sequence, units, templates, lost)
        return lost

    def _follow_exporter(
        self,
        exporter: int,
        parts: list[tuple[int, I64]],
        sequence: I64,
        units: I64,
        templates: I64 | None,
        lost: I64,
    ) -> None:
        """Follow the datagrams of an exporter: by source, or one after the other where it is not sure who counts with whom."""
        streams = self._streams.get(exporter)
        one = parts[0][0]
        alone = len(parts) == 1 and (streams is None or (len(streams) == 1 and one in streams))
        if alone or all(_regular(streams, name, sequence[at], units[at]) for name, at in parts):
            for name, at in parts:
                known = streams.get(name) if streams is not None else None
                known = known or self._make(exporter, name)
                if not alone:
                    self._common.weigh(exporter, name, known, int(sequence[at[0]]))
                found = _follow(known, sequence[at], units[at], None if templates is None else templates[at])
                if found is not None:
                    lost[at] = found
                if not alone:
                    self._common.note_turn(exporter, name, known)
            return
        order = np.concatenate([at for _, at in parts])
        name_of = [name for name, at in parts for _ in range(len(at))]
        in_turn = np.argsort(order, kind="stable")
        besides = np.zeros(len(sequence), np.int64) if templates is None else templates
        for turn in in_turn.tolist():
            at = order[turn]
            lost[at] = self._common.step(
                exporter,
                name_of[turn],
                int(sequence[at]),
                int(units[at]),
                int(besides[at]),
                self._streams,
                self._drop,
            )


def _manner(each: Stream) -> str | None:
    if each.counts_messages >= TIMES_TO_BE_SURE:
        return "messages"
    return "templates" if each.counts_templates >= TIMES_TO_BE_SURE else None


def _regular(streams: dict[int, Stream] | None, name: int, sequence: I64, units: I64) -> bool:
    """Return True if every number of a known source follows the one before without a gap."""
    known = None if streams is None else streams.get(name)
    if known is None or known.expected != sequence[0] or (units < 0).any():
        return False
    return bool((sequence[1:] == (sequence[:-1] + units[:-1]) % MODULUS).all())


def _follow(state: Stream, sequence: I64, units: I64, templates: I64 | None) -> list[int] | None:
    """Return the units lost before each datagram of a stream, None where nothing was."""
    plain = templates is None or not templates.any()
    if len(sequence) > FEW and plain and not (state.counts_messages or state.counts_templates):
        following = (sequence + units) % MODULUS
        if (units >= 0).all() and state.expected == sequence[0] and (sequence[1:] == following[:-1]).all():
            # What `stream.follow` would have come to; equal sizes leave open which of the two an exporter counts.
            at_last = state.last is not None and (state.last + int(units[0])) % MODULUS == sequence[0]
            state.counts_before |= not at_last or bool((units[1:] != units[:-1]).any())
            state.counts_itself = 0 if state.counts_before else state.counts_itself + len(sequence)
            state.misread = state.misread if state.counts_itself else 0
            state.expected, state.last, state.doubted = int(following[-1]), int(sequence[-1]), None
            state.also, state.in_front = None, True
            state.saw(sequence[-NUMBERS_KEPT:].tolist())
            return None
    gaps = stream.follow(
        state, sequence.tolist(), units.tolist(), None if plain or templates is None else templates.tolist()
    )
    return gaps if any(gaps) else None
