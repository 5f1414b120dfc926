"""The conditions of all exporters, put together from the parts of a collector when somebody asks."""

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

import numpy as np

from caudal.collector.columns.datagrams import NOT_ALLOWED
from caudal.collector.columns.flowrecords import F64, I64
from caudal.collector.exporters.activity import ExporterActivity
from caudal.collector.exporters.exporterprefixes import INTERFACE
from caudal.collector.exporters.exportertotals import FIRST
from caudal.collector.exporters.ledger import COUNT
from caudal.collector.pipeline.pipeline import Pipeline
from caudal.collector.signs.condition import Condition
from caudal.collector.signs.signs import Sign, signs
from caudal.collector.signs.symptoms import symptoms
from caudal.common.vocabulary import DIRECTIONS
from caudal.contract.batch import LEDGER_COUNTS

PERIOD_SECONDS = 150.0
_BITS_PER_MEGABIT = 1e6
_KNOWN_FROM = ("record", "options", "config", "assumed", "unsampled")


@dataclass(frozen=True)
class _Before:
    """Counts of every exporter at a moment: of the ledger, int64 (exporters, counts), and bytes, float64 (exporters,)."""

    at: float
    counts: I64
    octets: F64


class Conditions:
    """Tells how exporters are, sick ones first; "lately" is the last two and a half to five minutes.

    `tick` is called now and then, to know by what was counted before what came lately; `forget` when exporters' numbers
    may get another meaning. `clock` is monotonic, `wall` in seconds since 1970.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        attendance: ExporterActivity,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._pipeline, self._attendance = pipeline, attendance
        self._clock, self._wall = clock, wall
        self._started = clock()
        self._older = self._newer = _Before(
            self._started, np.zeros((0, len(LEDGER_COUNTS)), np.int64), np.zeros(0)
        )

    def tick(self) -> bool:
        """Begin a new period if it is time; return whether one began."""
        now = self._clock()
        if now - self._newer.at < PERIOD_SECONDS:
            return False
        octets = self._pipeline.traffic.octets.sum(axis=1)
        self._older, self._newer = self._newer, _Before(now, self._pipeline.ledger.by_exporter(), octets)
        self._pipeline.traffic.new_period()
        return True

    def forget(self, exporters: Iterable[int]) -> None:
        """Know nothing of what these numbers stood for before."""
        for exporter in exporters:
            for before in (self._older, self._newer):
                if exporter + FIRST < len(before.counts):
                    before.counts[exporter + FIRST] = 0
                if exporter < len(before.octets):
                    before.octets[exporter] = 0

    def not_allowed_datagrams(self) -> int:
        """Return the number of datagrams from sources that `allow` does not hold."""
        return int(self._pipeline.ledger.by_exporter()[FIRST + NOT_ALLOWED, COUNT["datagrams"]])

    def numbers(self, configured: Collection[str]) -> list[int]:
        """Return the numbers of exporters that were heard, or are among the `configured` addresses: these come first."""
        addresses = self._pipeline.exporters.addresses
        told = [at for at, address in enumerate(addresses) if address in configured or _is_interface(address)]
        heard = np.flatnonzero(self._pipeline.ledger.by_exporter()[FIRST:].any(axis=1))
        return [*told, *sorted(set(heard.tolist()) - set(told))]

    def busiest(self, configured: Collection[str], most: int) -> list[int]:
        """Return at most so many of those numbers: configured ones first, then those that sent most."""
        numbers = self.numbers(configured)
        if len(numbers) <= most:
            return numbers
        sent = self._pipeline.ledger.by_exporter()[FIRST:, COUNT["received"]]
        addresses = self._pipeline.exporters.addresses
        order = sorted(
            numbers, key=lambda at: (addresses[at] not in configured, -int(sent[at]) if at < len(sent) else 0)
        )
        return order[:most]

    def __call__(
        self, numbers: Iterable[int], name: Callable[[int], str], configured: Collection[str] = ()
    ) -> dict[int, Condition]:
        """Return the condition of each of these exporters by number: the sick first, then those that send most.

        `name` says what a number is called outside, `configured` has the addresses that the settings name.
        """
        now, now_ms = self._clock(), int(self._wall() * 1000)
        counts = self._pipeline.ledger.by_exporter()
        found: dict[str, list[Sign]] = {}  # by the number, as it is no name that two exporters may have
        for sign in signs(self._pipeline, str):
            found.setdefault(sign.exporter, []).append(sign)
        rows = {}
        for number in numbers:
            seen = self._condition(number, name(number), counts, configured, now)
            own = (
                self._lasting(replace(sign, exporter=seen.name), seen) for sign in found.get(str(number), ())
            )
            rows[number] = replace(seen, signs=(*own, *symptoms(seen, now_ms, now - self._started)))
        order = sorted(rows, key=lambda number: _precedence(rows[number]))
        return {number: rows[number] for number in order}

    def _condition(
        self, number: int, name: str, counts: I64, configured: Collection[str], now: float
    ) -> Condition:
        decoder, before = self._pipeline.decoder, self._older
        own = _row(counts, number + FIRST, len(LEDGER_COUNTS))
        lately = own - _row(before.counts, number + FIRST, len(LEDGER_COUNTS))
        traffic = self._pipeline.traffic.of(number)
        octets = sum(traffic.octets) - (before.octets[number] if number < len(before.octets) else 0.0)
        seconds = max(now - before.at, 1.0)
        waiting, oldest_ms = decoder.waiting.of_exporter(number)
        clock = decoder.heard.clock(number)
        address = self._pipeline.exporters.addresses[number]
        by_name = dict(zip(COUNT, lately.tolist(), strict=True))
        return Condition(
            name=name,
            configured=address in configured,
            is_interface=_is_interface(address),
            datagrams=int(own[COUNT["datagrams"]]),
            last_ms=self._attendance.last_ms(number),
            protocols=list(dict.fromkeys((*decoder.heard.protocols(number), *traffic.protocols))),
            templates=decoder.templates.number_of(number),
            lowest_rate=traffic.lowest_rate,
            highest_rate=traffic.highest_rate,
            rate_from=_rate_from(by_name),
            mbit_per_second=octets * 8 / _BITS_PER_MEGABIT / seconds,
            records_per_second=by_name["decoded"] / seconds,
            lately_seconds=seconds,
            waiting_sets=waiting,
            waiting_seconds=max(0.0, (decoder.latest_ms - oldest_ms) / 1000) if waiting else 0.0,
            clock_seconds=clock.median_ms / 1000 if clock else None,
            clock_last_seconds=clock.last_ms / 1000 if clock else None,
            interfaces=traffic.interfaces,
            without_interface=traffic.without_interface,
            direction_bytes=dict(zip(DIRECTIONS, (round(each) for each in traffic.octets), strict=True)),
            counts=dict(zip(COUNT, own.tolist(), strict=True)),
            lately=by_name,
        )

    @staticmethod
    def _lasting(sign: Sign, seen: Condition) -> Sign:
        """Return the sign, as one that needs no attention if its count has not grown lately."""
        over = sign.count and not seen.lately.get(sign.count, 0)
        return replace(sign, needs_attention=False) if over else sign


def _is_interface(address: str) -> bool:
    return address.startswith(INTERFACE)


def _row(counts: I64, at: int, width: int) -> I64:
    return counts[at] if at < len(counts) else np.zeros(width, np.int64)


def _rate_from(lately: dict[str, int]) -> str:
    """Return the way in which most sampling rates were known: the count of the ledger that grew most."""
    most = max(_KNOWN_FROM, key=lambda name: lately[f"sampling_{name}"])
    return most if lately[f"sampling_{most}"] > 0 else ""


def _precedence(seen: Condition) -> tuple[int, float, str]:
    """Sort by how many signs need attention, then by traffic, the most first."""
    return -sum(sign.needs_attention for sign in seen.signs), -seen.mbit_per_second, seen.name
