"""Lines of the log about exporters: heard first, a sampling rate learnt, something wrong, something right again."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping

from caudal.collector.decode.decoder import Decoder
from caudal.collector.exporters.activity import ExporterActivity
from caudal.collector.signs.condition import Condition

log = logging.getLogger(__name__)

_LOOK_SECONDS = 15.0
_MOST_LINES = 20  # between two looks: sources of UDP can be forged
_RATES_TOLD = 16  # of one exporter

Look = Callable[[], Mapping[int, Condition]]


class News:
    """Log of news about exporters, each told once. Names and pseudonyms only, no address.

    `look` returns how exporters are, by their numbers; it is called now and then, when `tick` is.
    """

    def __init__(
        self,
        decoder: Decoder,
        attendance: ExporterActivity,
        name: Callable[[int], str],
        look: Look,
        *,
        clock: Callable[[], float] = time.monotonic,
        look_seconds: float = _LOOK_SECONDS,
    ) -> None:
        self._decoder, self._attendance, self._name, self._look = decoder, attendance, name, look
        self._clock, self._look_seconds = clock, look_seconds
        self._next_look = clock() + look_seconds
        self._first = 0  # exporters heard first since the last look
        self._rates: dict[int, set[float]] = {}
        self._signs: dict[int, set[str]] = {}  # by exporter, the kinds that were told

    def tick(self) -> None:
        """Log the news, where it is time to look."""
        self._first_heard()
        now = self._clock()
        if now < self._next_look:
            return
        self._next_look = now + self._look_seconds
        if self._first > _MOST_LINES:
            log.info("and %d more exporters are heard for the first time", self._first - _MOST_LINES)
        self._first = 0
        try:
            lines = list(self._lines())
        except Exception:  # metering goes on, whatever there is to say of exporters
            log.exception("what is new of exporters cannot be said")
            return
        for level, line in lines[:_MOST_LINES]:
            log.log(level, "%s", line)
        if len(lines) > _MOST_LINES:
            log.info("and %d more about exporters; see `caudal collect status`", len(lines) - _MOST_LINES)

    def _lines(self) -> Iterator[tuple[int, str]]:
        for number, seen in self._look().items():
            yield from ((logging.INFO, each) for each in self._new_rates(number, seen))
            yield from self._changed_signs(number, seen)

    def forget(self, exporters: list[int]) -> None:
        """Have nothing told of these numbers: other exporters may get them."""
        for exporter in exporters:
            self._rates.pop(exporter, None)
            self._signs.pop(exporter, None)

    def _first_heard(self) -> None:
        new = self._attendance.take_new()
        for number in new[: max(0, _MOST_LINES - self._first)]:
            protocols = ", ".join(self._decoder.heard.protocols(number)) or "nothing that is read"
            log.info(
                "%s is heard for the first time since the start: it sends %s", self._name(number), protocols
            )
        self._first += len(new)

    def _new_rates(self, number: int, seen: Condition) -> list[str]:
        told = self._rates.setdefault(number, set())
        new = {seen.lowest_rate, seen.highest_rate} - told - {0.0}
        if not new or not seen.rate_from or len(told) >= _RATES_TOLD:
            return []
        before = told.copy()
        told |= new
        rates = " and ".join(f"1:{rate:,.10g}" for rate in sorted(new))
        if before:
            return [f"{seen.name} samples {rates} now ({_KNOWN[seen.rate_from]})"]
        if seen.rate_from in ("assumed", "unsampled"):
            return []
        return [f"{seen.name} samples {rates} ({_KNOWN[seen.rate_from]})"]

    def _changed_signs(self, number: int, seen: Condition) -> list[tuple[int, str]]:
        told = self._signs.get(number, set())
        there = {sign.kind: sign for sign in seen.signs if sign.needs_attention}
        lines = [
            (logging.WARNING, f"{seen.name}: {sign.sentence}")
            for kind, sign in there.items()
            if kind not in told
        ]
        lines += [
            (logging.INFO, f"{seen.name}: no longer: {kind.replace('_', ' ')}")
            for kind in sorted(told - there.keys())
        ]
        self._signs[number] = set(there)
        return lines


_KNOWN = {
    "record": "its records say so",
    "options": "it announces so",
    "config": "the settings say so",
    "assumed": "none is stated, and none assumed",
    "unsampled": "every packet is metered",
}
