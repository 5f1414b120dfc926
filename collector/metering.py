"""Metering capture files: through the same pipeline as live traffic, to the same tables."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa

from caudal.collector.capture.capture import Capture
from caudal.collector.capture.capturefile import CaptureError
from caudal.collector.capture.capturekind import file_kind, read_raw_payload
from caudal.collector.capture.exportcapture import ExportReader
from caudal.collector.capture.packetmeter import PacketMeter
from caudal.collector.flowrecords import I64, FlowRecords
from caudal.collector.ledger import COUNT, tally
from caudal.collector.pipeline import Pipeline

As = Literal["packets", "exports"]
Tables = tuple[pa.Table, pa.Table]

_LATENESS_MS = 60_000
_CAPTURE = "capture"


def meter(
    paths: Sequence[Path],
    pipeline: Pipeline,
    *,
    read_as: As | None = None,
    progress: Callable[[int], None] | None = None,
    damaged: Callable[[str], None] | None = None,
) -> Iterator[Tables]:
    """Meter capture files one after the other; yield (flow aggregates, ledger) as windows are complete.

    Each file is taken for what it holds, traffic or export datagrams, unless `read_as` says what it is.
    `progress` is called with the packets read by each step, `damaged` with a line for each file that could
    not be read to its end: what came before the damage is metered. Memory is bounded whatever the size of
    the files. Raises CaptureError.
    """
    kinds = [_kind(path, read_as) for path in paths]  # say what is wrong before the first hour of work
    meter_of_packets = PacketMeter(pipeline.ledger.window_ms, exporter=pipeline.exporters.number(_CAPTURE))
    for path, kind in zip(paths, kinds, strict=True):
        if kind == "payload":
            pipeline.datagrams(read_raw_payload(path, pipeline.exporters.number("")))
        elif kind == "exports":
            yield from _exports(path, pipeline, progress, damaged)
        else:
            yield from _packets(path, pipeline, meter_of_packets, progress, damaged)
    _metered(pipeline, meter_of_packets.flush())
    yield pipeline.take(None, _name)


def _kind(path: Path, read_as: As | None) -> str:
    kind = file_kind(path)
    return kind if kind == "payload" or read_as is None else read_as


def _name(number: int) -> str:
    del number  # a capture's exporters are not told apart
    return _CAPTURE


def _exports(
    path: Path,
    pipeline: Pipeline,
    progress: Callable[[int], None] | None,
    damaged: Callable[[str], None] | None,
) -> Iterator[Tables]:
    reader = ExportReader(pipeline.exporters)
    capture = Capture(path)
    datagrams = 0
    for chunk in capture.chunks():
        found = reader.add(chunk)
        datagrams += len(found)
        pipeline.datagrams(found)
        if progress:
            progress(len(chunk))
        yield _complete(pipeline)
    reader.finish()
    if capture.counts.damage and damaged:
        damaged(capture.counts.damage)
    elif not datagrams:
        raise CaptureError(f"{path}: holds no export datagram; leave out --as exports, or give --as packets")


def _packets(
    path: Path,
    pipeline: Pipeline,
    packet_meter: PacketMeter,
    progress: Callable[[int], None] | None,
    damaged: Callable[[str], None] | None,
) -> Iterator[Tables]:
    counts = packet_meter.counts
    capture = Capture(path)
    for chunk in capture.chunks():
        malformed, not_ip = counts.malformed, counts.not_ip
        _metered(pipeline, packet_meter.add(chunk))
        if len(chunk):
            _enter_frames(pipeline, chunk.time_ms, counts.malformed - malformed, counts.not_ip - not_ip)
        if progress:
            progress(len(chunk))
        yield _complete(pipeline)
    if capture.counts.damage and damaged:
        damaged(capture.counts.damage)


def _metered(pipeline: Pipeline, flows: FlowRecords) -> None:
    counts = tally(len(flows))
    counts[[COUNT["received"], COUNT["decoded"]]] = 1
    pipeline.ledger.add(counts, flows.exporter, flows.export_ms)
    pipeline.flows(flows)


def _enter_frames(pipeline: Pipeline, time_ms: I64, malformed: int, not_ip: int) -> None:
    """Enter packets read, and frames that are no flow: unreadable ones and other protocols than IP."""
    exporter = pipeline.exporters.number(_CAPTURE)
    windows, packets = np.unique(time_ms // pipeline.ledger.window_ms, return_counts=True)
    for window, count in zip(windows.tolist(), packets.tolist(), strict=True):
        pipeline.ledger.add_one(exporter, window * pipeline.ledger.window_ms, datagrams=count)
    if malformed or not_ip:
        pipeline.ledger.add_one(
            exporter, int(time_ms[0]), received=malformed + not_ip, malformed=malformed, filtered=not_ip
        )


def _complete(pipeline: Pipeline) -> Tables:
    before = (
        0 if pipeline.latest_ms is None else pipeline.latest_ms - _LATENESS_MS - pipeline.ledger.window_ms
    )
    return pipeline.take(before, _name)
