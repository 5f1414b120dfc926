"""Signs of exporters with unusual manners: several processes, layouts that change, sequence numbers that count otherwise."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from caudal.collector.decode.decoder import Decoder

_PROCESSES, _REDEFINED, _COUNTS = "several_processes", "templates_redefined", "counts_otherwise"
_COUNTED = {
    "domains": "Its sequence numbers count for the whole router rather than for each observation domain (source id).",
    "messages": "Its IPFIX sequence numbers count messages rather than data records.",
    "templates": "Its IPFIX sequence numbers count templates as well as data records.",
}


@dataclass(frozen=True)
class ExportManner:
    """An exporter by the name it has outside, how many processes send from its address (1: nothing else is known), how
    often it announced another layout under a template's number, and how its sequence numbers differ from the standards.
    """

    exporter: str
    processes: int
    redefined: int
    counts: tuple[str, ...]

    @property
    def by_kind(self) -> dict[str, str]:
        """The sentences for the operator by kind: what is unusual, and what to do about it."""
        said = {}
        if self.processes > 1:
            said[_PROCESSES] = (
                f"{self.processes} exporting processes send from this address, told apart by UDP port. Give each an address of "
                "its own, so that each can have its own name, settings and ledger."
            )
        if self.redefined:
            times = "once" if self.redefined == 1 else f"{self.redefined:,} times"
            said[_REDEFINED] = (
                f"It announced another layout under the number of a known template {times}. One change is a new configuration; "
                "more of them come from several processes behind one address, or from an exporter that gives a number to two "
                "templates."
            )
        if self.counts:
            said[_COUNTS] = " ".join(
                [
                    *(_COUNTED[each] for each in self.counts),
                    "Losses are counted accordingly; nothing needs to be done.",
                ]
            )
        return said

    @property
    def needs_attention(self) -> frozenset[str]:
        """The kinds that somebody should do something about."""
        kinds = {_PROCESSES: self.processes > 1, _REDEFINED: self.redefined > 1}
        return frozenset(kind for kind, needed in kinds.items() if needed)


def export_manners(decoder: Decoder, name: Callable[[int], str]) -> Iterator[ExportManner]:
    """Yield the exporters whose manner of exporting is unusual, under what `name` gives their numbers."""
    counts: dict[int, list[str]] = {}
    for exporter, manner in decoder.sequences.manners():
        counts.setdefault(exporter, []).append(manner)
    several = decoder.several_processes()
    for number in sorted({*counts, *several, *decoder.redefined}):
        redefined = decoder.redefined.get(number, 0)
        yield ExportManner(name(number), several.get(number, 1), redefined, tuple(counts.get(number, ())))
