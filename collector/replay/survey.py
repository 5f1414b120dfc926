"""A first look through captures, before anything is metered: exporters, times, and templates announced."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from caudal.collector.capture.capture import Capture
from caudal.collector.capture.capturefile import CaptureError
from caudal.collector.capture.capturekind import file_kind
from caudal.collector.capture.exportcapture import ExportReader
from caudal.collector.columns.datagrams import Datagrams, Exporters
from caudal.collector.columns.flowrecords import IPFIX, NETFLOW9
from caudal.collector.columns.wire import unsigned16, unsigned32
from caudal.collector.decode.template.sets import TEMPLATE_SETS, walk_sets
from caudal.collector.decode.template.template import TemplateSetError, read_templates
from caudal.collector.receive.receivingtimes import Span

_VERSIONS = {NETFLOW9: (9, 20), IPFIX: (10, 16)}  # version, octets of the header
_READ_OCTETS = 1 << 20

Announced = tuple[str, int, int, int]  # exporter's address, protocol, observation domain, template id


@dataclass
class Survey:
    """The content of captures by address of exporter: times of its datagrams in each file, templates announced.

    `digests` are the SHA-256 of the files in hex, in their order; `datagrams` counts all of them; `damage` has a line for
    each file that could not be read to its end. `announced` has exporter's address, protocol, observation domain and
    template id.
    """

    digests: list[str] = field(default_factory=list)
    datagrams: int = 0
    spans: dict[str, list[Span]] = field(default_factory=dict)
    announced: set[Announced] = field(default_factory=set)
    damage: list[str] = field(default_factory=list)

    @property
    def span(self) -> Span:
        """From the first datagram to the last."""
        return Span(
            min(span.first_ms for spans in self.spans.values() for span in spans),
            max(span.last_ms for spans in self.spans.values() for span in spans),
        )


def survey(paths: Sequence[Path], choose: Callable[[Datagrams], Datagrams] = lambda all_: all_) -> Survey:
    """Look through captures of export datagrams, at those that `choose` leaves; raise CaptureError if one is something else."""
    found = Survey()
    exporters = Exporters()
    for path in paths:
        found.digests.append(_digest(path))
        kind = file_kind(path)
        if kind != "exports":
            what = "a capture of traffic" if kind == "packets" else "no capture, and does not say who sent it"
            raise CaptureError(f"{path}: is {what}; a replay takes captures of export datagrams")
        reader, capture = ExportReader(exporters), Capture(path)
        of_file: dict[str, Span] = {}
        for chunk in capture.chunks():
            datagrams = choose(reader.add(chunk))
            found.datagrams += len(datagrams)
            _note_times(of_file, datagrams, exporters.addresses)
            _note_templates(found.announced, datagrams, exporters.addresses)
        for address, span in of_file.items():
            found.spans.setdefault(address, []).append(span)
        if capture.counts.damage:
            found.damage.append(capture.counts.damage)
    return found


def _note_times(spans: dict[str, Span], datagrams: Datagrams, addresses: list[str]) -> None:
    for number in np.unique(datagrams.exporter).tolist():
        if number < 0:
            continue
        times = datagrams.received_ms[datagrams.exporter == number]
        first, last = int(times.min()), int(times.max())
        before = spans.get(addresses[number], Span(first, last))
        spans[addresses[number]] = Span(min(first, before.first_ms), max(last, before.last_ms))


def _note_templates(announced: set[Announced], datagrams: Datagrams, addresses: list[str]) -> None:
    long_enough = np.flatnonzero((datagrams.length >= 20) & (datagrams.exporter >= 0))
    version = unsigned16(datagrams.buffer, datagrams.offset[long_enough])
    for protocol, (number, header) in _VERSIONS.items():
        which = long_enough[version == number]
        at = datagrams.offset[which]
        sets = walk_sets(datagrams.buffer, which, at + header, at + datagrams.length[which], protocol).sets
        for kind in TEMPLATE_SETS[protocol]:
            options = kind == TEMPLATE_SETS[protocol][1]
            for position in np.flatnonzero(sets.id == kind).tolist():
                datagram, place = int(sets.datagram[position]), int(sets.at[position])
                body = bytes(datagrams.buffer.data[place : place + int(sets.length[position])])
                domain_at = datagrams.offset[datagram : datagram + 1] + header - 4
                point = (
                    addresses[int(datagrams.exporter[datagram])],
                    protocol,
                    int(unsigned32(datagrams.buffer, domain_at)[0]),
                )
                announced.update(
                    (*point, template)
                    for template in _templates(body, ipfix=protocol == IPFIX, options=options)
                )


def _templates(body: bytes, *, ipfix: bool, options: bool) -> list[int]:
    try:
        return [template for template, _ in read_templates(body, ipfix=ipfix, options=options)]
    except TemplateSetError as error:
        return [template for template, _ in error.read]


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(_READ_OCTETS):
                digest.update(piece)
    except OSError as error:
        raise CaptureError(f"{path}: cannot be read ({error.strerror}); check path and rights") from error
    return digest.hexdigest()
