"""Packets into the pipeline: metered, tagged, and entered in the ledger."""

from dataclasses import replace
from typing import Protocol

import numpy as np

from caudal.collector.columns.flowrecords import I64, FlowRecords
from caudal.collector.exporters.ledger import COUNT, tally
from caudal.collector.metering.packetmeter import PacketMeter
from caudal.collector.names.tagger import Tagger
from caudal.collector.packets.carriedfragments import CarriedFragments
from caudal.collector.packets.innerpackets import innermost
from caudal.collector.packets.packetchunk import PacketChunk
from caudal.collector.packets.packets import Mask, Packets, read_packets
from caudal.collector.packets.tunnels import MOST_TUNNELS
from caudal.collector.pipeline.pipeline import Pipeline


class LeaveOut(Protocol):
    """Says which packets are not to be metered."""

    def __call__(self, packets: Packets) -> Mask:
        """Return a mask of the packets to leave out."""


class PacketFeed:
    """Takes chunks of packets of one source, and gives the pipeline their flow records.

    In the ledger a flow record is one record received and decoded; a frame that cannot be read is one
    received and malformed; one of another protocol than IP, or left out, is one received and filtered. Of packets inside
    of packets that the pipeline's `tunnels` name, the inner one is metered, left out and looked at for names.
    The platforms of a tagger must be among the pipeline's services.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        meter: PacketMeter,
        exporter: int,
        *,
        tagger: Tagger | None = None,
        leave_out: LeaveOut | None = None,
    ) -> None:
        self.meter = meter
        self._pipeline = pipeline
        self.exporter = exporter
        self._tagger = tagger
        self._leave_out = leave_out
        self._tunnels = pipeline.decoder.tunnels
        self._fragments = CarriedFragments()
        position = {platform: at for at, platform in enumerate(pipeline.services)}
        if tagger is not None and (unknown := [each for each in tagger.services if each not in position]):
            raise ValueError(f"the pipeline has no service {unknown[0]!r}; give both the same reference")
        self._tags = np.array([position[each] for each in tagger.services] if tagger else [0], np.uint16)

    def add(self, chunk: PacketChunk) -> None:
        """Meter the packets of a chunk."""
        counts = self.meter.counts
        malformed, not_ip, metered = counts.malformed, counts.not_ip, counts.metered
        depth = MOST_TUNNELS if self._tunnels else 0
        lots = innermost(chunk, read_packets(chunk, counts), self._tunnels, depth, self._fragments)
        counts.opened += sum(len(lot) for of, lot in lots if of is not chunk)
        if self._leave_out is not None:
            lots = [(of, lot.take(~self._leave_out(lot))) for of, lot in lots]
        left_out = counts.metered - metered - sum(len(lot) for _, lot in lots)
        if self._tagger is not None:
            for of, lot in lots:
                self._tagger.look(of, lot)
        self._flows(self.meter.add_packets(lot for _, lot in lots))
        if len(chunk):
            filtered = counts.not_ip - not_ip + left_out
            self._enter_frames(chunk.time_ms, counts.malformed - malformed, filtered)

    def pass_time(self, now_ms: int) -> None:
        """Give on the flow records that are complete because it is `now_ms`."""
        self._flows(self.meter.pass_time(now_ms))

    def flush(self) -> None:
        """Give on the flow records of all that is still open."""
        self._flows(self.meter.flush())

    def _flows(self, flows: FlowRecords) -> None:
        if not len(flows):
            return
        if self._tagger is not None:
            flows = replace(flows, tag=self._tags[self._tagger.tag(flows)])
        counts = tally(len(flows))
        counts[[COUNT["received"], COUNT["decoded"]]] = 1
        self._pipeline.ledger.add(counts, flows.exporter, flows.export_ms)
        self._pipeline.flows(flows)

    def _enter_frames(self, time_ms: I64, malformed: int, filtered: int) -> None:
        """Enter packets read, and frames that are part of no flow."""
        ledger = self._pipeline.ledger
        first, last = (int(each) // ledger.window_ms for each in (time_ms.min(), time_ms.max()))
        counts = {first: len(time_ms)}
        if first != last:
            windows, packets = np.unique(time_ms // ledger.window_ms, return_counts=True)
            counts = dict(zip(windows.tolist(), packets.tolist(), strict=True))
        for window, count in counts.items():
            ledger.add_one(self.exporter, window * ledger.window_ms, datagrams=count)
        if malformed or filtered:
            ledger.add_one(
                self.exporter,
                int(time_ms[0]),
                received=malformed + filtered,
                malformed=malformed,
                filtered=filtered,
            )
