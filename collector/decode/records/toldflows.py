"""Totals of flows told before, of all exporters: bounded, forgotten after a while, kept over a restart."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from caudal.collector.columns.flowrecords import ABSENT, METERED_EGRESS, TRAFFIC, U64, FlowRecords
from caudal.collector.decode.records.flowdigest import Words, digests, secret_of
from caudal.collector.decode.records.templated import Reverse
from caudal.collector.decode.records.toldtable import (
    FELL,
    GIVEN_UP,
    LEAST_ROOM,
    NO_FLOW,
    NO_ROOM,
    NUMBERS,
    TOLD_MORE,
    TOLD_NOTHING,
    Told,
    ToldTable,
)
from caudal.collector.decode.template.recordlayout import Layout, Records, unsigned
from caudal.collector.decode.template.telling import Telling, Way
from caudal.collector.decode.template.template import TemplateKey

MOST_FLOWS: Final = 1 << 20  # 80 MB
MOST_OF_ONE: Final = 1 << 18  # so that no exporter takes the room of others
_MOST_KEPT: Final = 1 << 18  # flows that are kept over a restart, shared equally
_LOOKED_OVER_MS: Final = 600_000
_KEPT_MS: Final = 60_000
_NO_SIZE: Final = 8  # octets of a counter that does not wrap
_START, _FLOW, _WORDS = 6, 7, 8
_WAY_BACK = np.uint64(1 << 56)


@dataclass(frozen=True)
class Tellings:
    """Counts of an exporter's records that tell totals, by what became of them.

    Records that told more of a flow, those that told nothing new, totals that fell, records without anything to know the
    flow by, flows and records for which there was no room; and whether totals begin anew at each export.
    """

    exporter: int
    more: int
    nothing: int
    fell: int
    no_flow: int
    given_up: int
    no_room: int
    begins_anew: bool


class ToldFlows:
    """Totals told of flows, by which records count only what is new; flows not told for two hours are forgotten.

    `key` keeps digests the same over restarts; without one they are of this process. Where there is no room, records
    count as they stand. An exporter never takes the room that another has.
    """

    def __init__(
        self, key: bytes | None = None, most_flows: int = MOST_FLOWS, most_of_one: int = MOST_OF_ONE
    ) -> None:
        self._secret = secret_of(key or secrets.token_bytes(32))
        self._most, self._most_of_one = most_flows, most_of_one
        self._tables: dict[int, ToldTable] = {}
        self._room = 0
        self._now_ms = self._look_over_ms = self._keep_ms = 0
        self._changed: set[int] = set()

    def __len__(self) -> int:
        """The number of flows that are remembered."""
        return sum(map(len, self._tables.values()))

    def count_new(
        self,
        key: TemplateKey,
        layout: Layout,
        records: Records,
        flows: FlowRecords,
        back: Reverse | None,
        now_ms: int,
    ) -> None:
        """Reduce the counters of flow records, in place, to the traffic that is new in them.

        `back` are those of the way back. `now_ms` is this machine's time.
        """
        telling = layout.telling
        if telling is None:
            return
        self._now_ms = now_ms
        table = self._tables.setdefault(key.exporter, ToldTable())
        self._changed.add(key.exporter)
        values = {
            element: unsigned(records, element)
            for element in (telling.event, telling.start, telling.flow, telling.reason)
            if element is not None
        }
        self._count_way(table, key, telling, telling.there, flows, values, np.uint64(0))
        if back is not None:
            values = {element: value[back.position] for element, value in values.items()}
            self._count_way(table, key, telling, telling.back, back.flows, values, _WAY_BACK)

    def _count_way(
        self,
        table: ToldTable,
        key: TemplateKey,
        telling: Telling,
        way: Way,
        flows: FlowRecords,
        values: dict[int, U64],
        way_back: np.uint64,
    ) -> None:
        how = telling.how(values, way, len(flows))
        if not how.any():
            return
        words = _identity(key, telling, flows, values, way_back)
        known_by_nothing = (words[:, _START] | words[:, _FLOW]) == 0
        if known_by_nothing.any():
            table.done[NO_FLOW] += np.count_nonzero(known_by_nothing & (flows.kind == TRAFFIC))
            how[known_by_nothing] = 0
        first, second = digests(self._secret, words)
        told_ms = np.where(
            (flows.absent & ABSENT["end"] != 0) | (flows.end_ms <= 0), flows.export_ms, flows.end_ms
        )
        wrap = 0 if way.octets >= _NO_SIZE else 1 << (8 * way.octets)
        table.count_new(
            Told(first, second, how, told_ms, flows.bytes, flows.packets, flows.kind),
            wrap,
            self._now_ms,
            self._make_room,
        )

    def _make_room(self, table: ToldTable) -> bool:
        """Have room for more flows of a table; return whether there is any."""
        table.drop(self._now_ms)
        if 4 * len(table) <= 3 * table.room and table.room:
            return True
        room = max(LEAST_ROOM, 2 * table.room)
        more = room - table.room
        if room <= self._most_of_one and self._room + more <= self._most:
            self._room += more
            table.hold(room)
            return True
        table.give_up_half(self._now_ms)
        return table.room > 0

    def forget_old(self, now_ms: int) -> None:
        """Forget, now and then, the flows whose time is over, and give back their room."""
        if now_ms < self._look_over_ms:
            return
        self._look_over_ms = now_ms + _LOOKED_OVER_MS
        for table in self._tables.values():
            table.drop(now_ms)
            room = max(LEAST_ROOM, 1 << (2 * len(table) - 1).bit_length()) if len(table) else 0
            if room < table.room:
                self._room -= table.room - room
                table.hold(room)

    def to_keep(self, now_ms: int) -> set[int]:
        """Return, once a minute, the exporters of which something else is remembered than when they were returned last."""
        if now_ms < self._keep_ms:
            return set()
        self._keep_ms = now_ms + _KEPT_MS
        changed, self._changed = self._changed, set()
        return changed

    def tellings(self) -> Iterator[Tellings]:
        """Yield the tellings of exporters that told a flow again or could not be followed."""
        for exporter, table in sorted(self._tables.items()):
            done = table.done.tolist()
            told = Tellings(
                exporter,
                more=done[TOLD_MORE],
                nothing=done[TOLD_NOTHING],
                fell=done[FELL],
                no_flow=done[NO_FLOW],
                given_up=done[GIVEN_UP],
                no_room=done[NO_ROOM],
                begins_anew=table.begins_anew,
            )
            if told.more or told.nothing or told.fell or told.no_flow or told.given_up or told.no_room:
                yield told

    def state(self, exporter: int) -> bytes:
        """Return the flows remembered of an exporter, without an address: rows of ROW_OCTETS octets."""
        table = self._tables.get(exporter)
        if table is None or not len(table):
            return b""
        rows = table.latest(_MOST_KEPT // max(1, sum(1 for each in self._tables.values() if len(each))))
        return rows.astype("<u8").tobytes()

    def restore(self, exporter: int, state: bytes) -> None:
        """Take up what `state` gave, as much of it as there is room for."""
        if not state:
            return
        rows = np.frombuffer(state, "<u8").astype(np.uint64).reshape(-1, NUMBERS)
        table = self._tables.setdefault(exporter, ToldTable())
        room = max(LEAST_ROOM, 1 << len(rows).bit_length())
        more = room - table.room
        if more > 0 and room <= self._most_of_one and self._room + more <= self._most:
            self._room += more
            table.hold(room)
        table.recall(rows)

    def forget(self, exporter: int) -> None:
        """Forget an exporter whose number another may get."""
        table = self._tables.pop(exporter, None)
        self._room -= table.room if table else 0
        self._changed.discard(exporter)


def _identity(
    key: TemplateKey, telling: Telling, flows: FlowRecords, values: dict[int, U64], way_back: np.uint64
) -> Words:
    """Return the identity of each flow, uint64 (flows, 8): its ends, where it was metered, its start and number."""
    words: Words = np.zeros((len(flows), _WORDS), np.uint64)
    words[:, 0] = (
        np.uint64(key.observation_domain | key.protocol << 32 | key.process << 36)
        | flows.ip_version.astype(np.uint64) << np.uint64(40)
        | flows.ip_protocol.astype(np.uint64) << np.uint64(48)
        | way_back
    )
    words[:, 1], words[:, 2] = flows.source_high, flows.source_low
    words[:, 3], words[:, 4] = flows.destination_high, flows.destination_low
    # The other interface may change while a flow lasts.
    met = np.where(flows.flow_direction & 3 == METERED_EGRESS, flows.output, flows.input)
    words[:, 5] = (
        flows.source_port.astype(np.uint64)
        | flows.destination_port.astype(np.uint64) << np.uint64(16)
        | met.astype(np.uint64) << np.uint64(32)
    )
    if telling.start is not None:
        words[:, _START] = values[telling.start]
    if telling.flow is not None:
        words[:, _FLOW] = values[telling.flow]
    return words
