"""An inspection of captured exports: every flow record as it was understood, and the ledger of the whole."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import TYPE_CHECKING

from caudal.collector.capture.capture import Capture
from caudal.collector.capture.capturefile import CaptureError
from caudal.collector.capture.capturekind import file_kind, read_raw_payload
from caudal.collector.capture.exportcapture import ExportReader
from caudal.collector.capture.messagefile import MessageFile
from caudal.collector.columns.allowlist import AllowList
from caudal.collector.columns.datagrams import Datagrams, Exporters
from caudal.collector.columns.flowrecords import ABSENT, DOUBTS, KINDS, PROTOCOLS, FlowRecords
from caudal.collector.decode.decoder import Decoder
from caudal.collector.decode.sampling.sampling import SamplingRates
from caudal.collector.exporters.ledger import COUNT, Ledger
from caudal.collector.exporters.plausibility import Plausibility
from caudal.collector.files.captureview import CaptureView, signs_of_capture
from caudal.collector.locate.home import HomePrefixes
from caudal.collector.packets.linktypes import unread_links
from caudal.collector.settings.override import Override, capacity_given
from caudal.collector.signs.signs import Sign
from caudal.common.vocabulary import SAMPLING_FROM
from caudal.contract.batch import LEDGER_COUNTS

if TYPE_CHECKING:
    # An inspection without settings has no pipeline, which takes a while to import.
    from caudal.collector.pipeline.pipeline import Pipeline

# No ledger window is ever closed here, so its length is of no account.
_WINDOW_MS = 3_600_000
_WAIT_SECONDS = 1800

Value = str | int | float | list[str] | None


@dataclass
class Inspection:
    """Reads files in order as one stream of export datagrams and decodes it.

    `sampling` gives rates by exporter address, as the collector's configuration would, and `override` more of its settings.
    With a `pipeline` (and the `home` prefixes of its settings) everything is done as the collector would do it. `damage`
    has a line for each file that could not be read to its end.
    """

    sampling: Mapping[str, float] = field(default_factory=dict)
    damage: list[str] = field(default_factory=list)
    override: Override = field(default_factory=Override)
    pipeline: "Pipeline | None" = None
    home: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.pipeline is not None:
            self.exporters, self.ledger = self.pipeline.exporters, self.pipeline.ledger
            self.decoder = self.pipeline.decoder
        else:
            given = self.override
            self.exporters = Exporters(allow=AllowList(given.allow) if given.allow else None)
            self.ledger = Ledger(_WINDOW_MS)
            rates = {**self.sampling, **given.sampling}
            self.decoder = Decoder(
                self.ledger,
                SamplingRates(
                    self.exporters.addresses, rates, overriding=rates if given.sampling_override else ()
                ),
                waiting_seconds=given.template_wait or _WAIT_SECONDS,
                plausibility=Plausibility(
                    self.exporters.addresses, _WINDOW_MS, None, capacity_given(given.capacity)
                ),
                tunnels="outer" if given.tunnels is None else given.tunnels,
            )
        home = self.home or self.override.home
        self.view = CaptureView(HomePrefixes(home) if home else None)

    def signs(self) -> list[Sign]:
        """Return the signs noticed of exporters, under their addresses: whoever looks has the capture anyway."""

        def name(number: int) -> str:
            return self.exporters.addresses[number] if number >= 0 else "not-allowed"

        return list(signs_of_capture(self.pipeline or self.decoder, self.view, name))

    def _enter(self, datagrams: Datagrams, flows: FlowRecords) -> None:
        self.view.add(datagrams, flows)
        if self.pipeline is None:
            self.ledger.add_records(flows)
            return
        self.pipeline.flows(flows)
        self.pipeline.take(None, str)  # what is metered is not shown here; only the ledger's totals are

    def datagrams(self, path: Path) -> Iterator[Datagrams]:
        """Yield the export datagrams of a capture, of an IPFIX file or of a file that is one payload; raises CaptureError."""
        kind = file_kind(path)
        if kind == "payload":
            yield read_raw_payload(path, self.exporters.number(""))
            return
        if kind == "messages":
            messages = MessageFile(path, self.exporters.number(""))
            yield from messages.datagrams()
            if messages.damage:
                self.damage.append(messages.damage)
            return
        reader = ExportReader(self.exporters, ledger=self.ledger)
        capture = Capture(path)
        found = 0
        for chunk in capture.chunks():
            datagrams = reader.add(chunk)
            found += len(datagrams)
            yield datagrams
        reader.finish()
        unread = list(unread_links(path, reader.counts.unknown_link_types))
        if unread and not found:
            raise CaptureError("; ".join(unread))
        self.damage += unread
        if capture.counts.damage:
            self.damage.append(capture.counts.damage)
        elif not found:
            raise CaptureError(
                f"{path}: holds no export datagram (NetFlow v5, v7, v9, IPFIX, sFlow v5); "
                "for a capture of traffic use `caudal meter`"
            )

    def flows(self, path: Path) -> Iterator[FlowRecords]:
        """Yield the flow records of a file, a lot of datagrams at a time."""
        for datagrams in self.datagrams(path):
            self._enter(datagrams, flows := self.decoder.decode(datagrams))
            yield flows

    def records(self, path: Path) -> Iterator[dict[str, Value]]:
        """Yield the flow records of a file one by one, in the order of their datagrams."""
        for lot in self.datagrams(path):
            for datagram in lot.parts(1):
                self._enter(datagram, flows := self.decoder.decode(datagram))
                yield from describe(flows, self.exporters.addresses)

    def totals(self) -> dict[str, int]:
        """Return the ledger of everything read so far."""
        return {name: int(self.ledger.totals[COUNT[name]]) for name in LEDGER_COUNTS}


def describe(flows: FlowRecords, addresses: list[str]) -> Iterator[dict[str, Value]]:
    """Yield each flow record as an object of plain values; what the exporter did not send is None."""
    lists = {name: getattr(flows, name).tolist() for name in vars(flows)}
    scaled = flows.sampling_rate
    octets, packets = (
        [round(each) for each in (counts * scaled).tolist()] for counts in (flows.bytes, flows.packets)
    )
    absent = {name: (flows.absent & bit).astype(bool).tolist() for name, bit in ABSENT.items()}
    for at in range(len(flows)):

        def value(name: str, given: Value, at: int = at) -> Value:
            return None if absent[name][at] else given

        version = lists["ip_version"][at]
        rate = lists["sampling_rate"][at]
        yield {
            "exporter": addresses[lists["exporter"][at]] or None,
            "protocol": PROTOCOLS[lists["protocol"][at]],
            "observation_domain": value("observation_domain", lists["observation_domain"][at]),
            "template": value("template", lists["template"][at]),
            "start": value("start", _time(lists["start_ms"][at])),
            "end": value("end", _time(lists["end_ms"][at])),
            "source": value("source", _text(version, lists["source_high"][at], lists["source_low"][at])),
            "destination": value(
                "destination", _text(version, lists["destination_high"][at], lists["destination_low"][at])
            ),
            "source_port": value("source_port", lists["source_port"][at]),
            "destination_port": value("destination_port", lists["destination_port"][at]),
            "ip_protocol": value("ip_protocol", lists["ip_protocol"][at]),
            "sampled_bytes": value("bytes", lists["bytes"][at]),
            "sampled_packets": value("packets", lists["packets"][at]),
            "sampling_rate": int(rate) if rate == int(rate) else rate,
            "sampling_from": SAMPLING_FROM[lists["sampling_from"][at]],
            "bytes": value("bytes", octets[at]),
            "packets": value("packets", packets[at]),
            "source_as": value("source_as", lists["source_as"][at]),
            "destination_as": value("destination_as", lists["destination_as"][at]),
            "input": value("input", lists["input"][at]),
            "output": value("output", lists["output"][at]),
            "kind": KINDS[lists["kind"][at]],
            "not_believed": [name for name, bit in DOUBTS.items() if lists["doubt"][at] & int(bit)],
        }


def _time(milliseconds: int) -> str | None:
    try:
        time = datetime.fromtimestamp(milliseconds / 1000, UTC)
        return time.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    except (ValueError, OverflowError, OSError):
        return None


def _text(version: int, high: int, low: int) -> str | None:
    if version == 4:
        return str(IPv4Address(low))
    return str(IPv6Address(high << 64 | low)) if version == 6 else None
