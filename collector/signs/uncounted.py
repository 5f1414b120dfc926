"""Signs of exporters whose records count for nothing or not as they are, in words of whoever looks after routers."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from caudal.collector.decode.decoder import Decoder
from caudal.collector.exporters.exportertotals import FIRST
from caudal.collector.exporters.ledger import COUNT
from caudal.common.counted import counted

_MUCH = 0.5


@dataclass(frozen=True)
class Uncounted:
    """An exporter by the name it has outside, its records by what became of them, and templates that count frames only.

    `decoded` are all its records; `without_counts` those that tell neither octets nor packets, `not_read` sampled packets in
    which no IP was found. `duplicated_datagrams` were captured twice and read once. `of_frames` are the ids of templates that
    tell octets of layer 2 and none of IP.
    """

    exporter: str
    decoded: int
    without_counts: int
    not_read: int
    duplicated_datagrams: int
    of_frames: tuple[int, ...]

    @property
    def plain(self) -> dict[str, Any]:
        """The findings as values that JSON has."""
        return asdict(self)

    @property
    def sentences(self) -> list[str]:
        """The sentences for the operator: what is wrong and what to do about it, one or two for each kind."""
        return list(self.by_kind.values())

    @property
    def urgent(self) -> frozenset[str]:
        """The kinds of which most of its records are, so that somebody should do something."""
        much = _MUCH * self.decoded
        counts = {"without_counts": self.without_counts, "not_read": self.not_read}
        return frozenset(kind for kind, count in counts.items() if count > much)

    @property
    def by_kind(self) -> dict[str, str]:
        """The sentences for the operator by kind."""
        said = {}
        if self.without_counts:
            said["without_counts"] = (
                f"{self.without_counts:,} of its {counted(self.decoded, 'record')} "
                f"{'tells' if self.without_counts == 1 else 'tell'} neither octets nor packets, so no sum has them: "
                "add counters of bytes and packets to the router's flow record; if they are logs, send them elsewhere."
            )
        if self.not_read:
            said["not_read"] = (
                f"In {self.not_read:,} of its {counted(self.decoded, 'record')} the sampled packet is no IP that can be read: some are "
                "normal (ARP, LLDP); where they are many, have it sample 128 octets from the beginning of the frame."
            )
        if self.of_frames:
            said["octets_of_frames"] = (
                f"Template {', '.join(map(str, self.of_frames))} tells octets of layer 2 only: IP bytes are worked out from "
                "them. Export octetDeltaCount (counter bytes) for exact ones."
            )
        if self.duplicated_datagrams:
            said["duplicated_datagrams"] = (
                f"{self.duplicated_datagrams:,} of its datagrams were captured twice, and are counted once: nothing is to be "
                "done; capture on one interface to have smaller files."
            )
        return said


def uncounted(decoder: Decoder, name: Callable[[int], str]) -> Iterator[Uncounted]:
    """Yield the exporters of which there is something to say, under what `name` gives their numbers."""
    names = ("decoded", "without_counts", "not_read", "duplicated_datagrams")
    counts = decoder.ledger.by_exporter()[FIRST:, [COUNT[one] for one in names]]
    of_frames: dict[int, set[int]] = {}
    for key, known in decoder.templates.items():
        if known.used_ms and known.layout.counts_frames:
            of_frames.setdefault(key.exporter, set()).add(key.template)
    for number in sorted({*np.flatnonzero(counts[:, 1:].any(axis=1)).tolist(), *of_frames}):
        told = counts[number].tolist() if number < len(counts) else [0] * len(names)
        decoded, without_counts, not_read, duplicated = told
        templates = tuple(sorted(of_frames.get(number, ())))
        yield Uncounted(name(number), decoded, without_counts, not_read, duplicated, templates)
