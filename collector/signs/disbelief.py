"""Signs of exporters that are not believed: one line each, in words of whoever looks after routers."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from caudal.collector.decode.decoder import Decoder
from caudal.collector.decode.sampling.statedrates import HIGHEST_RATE, turned_round
from caudal.common.counted import counted


@dataclass(frozen=True)
class Disbelief:
    """An exporter by the name it has outside, and how many of its records were not believed in rate, counts and times.

    `stated` is a sampling rate it stated that was not believed, 0 for none; `takes_configured` says whether the operator
    has one for it.
    """

    exporter: str
    rate: int
    counts: int
    time: int
    stated: float
    takes_configured: bool

    @property
    def plain(self) -> dict[str, Any]:
        """The disbelief as values that JSON has."""
        return asdict(self)

    @property
    def sentences(self) -> list[str]:
        """The sentences for the operator: what is wrong and what to do about it, one or two for each kind."""
        return list(self.by_kind.values())

    @property
    def by_kind(self) -> dict[str, str]:
        """The sentences for the operator by kind: `rate`, `counts`, `times`."""
        said = {}
        if self.stated:
            said["rate"] = f"{self._rate_said()} {self._rate_taken()}"
        if self.counts:
            said["counts"] = (
                f"{counted(self.counts, 'record has more octets than its', 'records have more octets than their')} "
                "packets or this router's links can hold: no sum has any of it. Update the router's software, or set `capacity_gbit_per_second` if its links carry more."
            )
        if self.time:
            said["times"] = (
                f"{counted(self.time, 'record ends', 'records end')} long before the export, after it, or "
                "before the flow began: such records count as of their export. Set the router's clock (NTP)."
            )
        return said

    def _rate_said(self) -> str:
        other = turned_round(self.stated)
        if other is not None:
            return f"It states sampling 1:{self.stated:.0f}, which is 1:{other} with its octets the wrong way round."
        if self.stated > HIGHEST_RATE:
            return f"It states sampling 1:{self.stated:.0f}; no router samples less than one in {HIGHEST_RATE:,.0f}."
        return f"It states sampling 1:{self.stated:g}, a hundred times what it stated before or a hundredth."

    def _rate_taken(self) -> str:
        if self.takes_configured:
            return f"The rate of the settings was taken for {counted(self.rate, 'record')}."
        return (
            f"It is not believed, in {counted(self.rate, 'record')}: give the true rate as `sampling` for this exporter, with "
            "`sampling_override = true`, or correct the router."
        )


def disbeliefs(decoder: Decoder, name: Callable[[int], str]) -> Iterator[Disbelief]:
    """Yield the exporters that were not believed in something, under what `name` gives their numbers."""
    stated = dict(decoder.rates.stated.doubted())
    doubts = {
        each.exporter: each
        for each in decoder.plausibility.doubts()
        if each.rate or each.counts or each.time  # of AS numbers see `asorigin`
    }
    for number in sorted({*stated, *doubts}):
        each = doubts.get(number)
        rate, counts, time = (each.rate, each.counts, each.time) if each else (0, 0, 0)
        known = decoder.rates.configured(number)
        yield Disbelief(name(number), rate, counts, time, stated.get(number, 0.0), known)
