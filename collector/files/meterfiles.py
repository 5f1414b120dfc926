"""Metering capture files: through the same pipeline as live traffic, to the same tables."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import pyarrow as pa

from caudal.collector.capture.capture import Capture
from caudal.collector.capture.capturefile import CaptureError
from caudal.collector.capture.capturekind import file_kind, read_raw_payload
from caudal.collector.capture.exportcapture import ExportReader
from caudal.collector.capture.messagefile import MessageFile
from caudal.collector.columns.datagrams import Datagrams
from caudal.collector.files.captureview import CaptureView
from caudal.collector.metering.packetfeed import PacketFeed
from caudal.collector.metering.packetmeter import PacketMeter
from caudal.collector.names.tagger import Tagger
from caudal.collector.packets.linktypes import unread_links
from caudal.collector.pipeline.pipeline import Pipeline

As = Literal["packets", "exports"]
Tables = tuple[pa.Table, pa.Table]

_LATENESS_MS = 60_000
_CAPTURE = "capture"


def meter_captures(
    paths: Sequence[Path],
    pipeline: Pipeline,
    *,
    read_as: As | None = None,
    tagger: Tagger | None = None,
    progress: Callable[[int], None] | None = None,
    damaged: Callable[[str], None] | None = None,
    view: CaptureView | None = None,
) -> Iterator[Tables]:
    """Meter capture files one after the other; yield (flow aggregates, ledger) as windows are complete.

    Each file is taken for what it holds, traffic or export datagrams, unless `read_as` says what it is. A
    `tagger` looks for names in captures of traffic; its services must be those of the pipeline.
    `progress` is called with the packets read by each step, `damaged` with a line for each file that could
    not be read to its end: what came before the damage is metered. A `view` looks at the export datagrams. Memory is bounded whatever the size of
    the files. Raises CaptureError.
    """
    kinds = [_kind(path, read_as) for path in paths]  # say what is wrong before the first hour of work
    exporter = pipeline.exporters.number(_CAPTURE)
    packets = PacketMeter(pipeline.ledger.window_ms, exporter=exporter)
    feed = PacketFeed(pipeline, packets, exporter, tagger=tagger)
    for path, kind in zip(paths, kinds, strict=True):
        if kind == "payload":
            _meter(pipeline, read_raw_payload(path, pipeline.exporters.number("")), view)
        elif kind == "messages":
            yield from _messages(path, pipeline, progress, damaged, view)
        elif kind == "exports":
            yield from _exports(path, pipeline, progress, damaged, view)
        else:
            yield from _packets(path, pipeline, feed, progress, damaged)
    feed.flush()
    yield pipeline.take(None, _name)


def _kind(path: Path, read_as: As | None) -> str:
    kind = file_kind(path)
    return kind if kind in ("payload", "messages") or read_as is None else read_as


def _name(number: int) -> str:
    del number  # a capture's exporters are not told apart
    return _CAPTURE


def _meter(pipeline: Pipeline, datagrams: Datagrams, view: CaptureView | None) -> None:
    if view is not None:
        view.add_datagrams(datagrams)
    pipeline.datagrams(datagrams, None if view is None else view.add_records)


def _exports(
    path: Path,
    pipeline: Pipeline,
    progress: Callable[[int], None] | None,
    damaged: Callable[[str], None] | None,
    view: CaptureView | None,
) -> Iterator[Tables]:
    reader = ExportReader(pipeline.exporters, ledger=pipeline.ledger)
    capture = Capture(path)
    datagrams = 0
    for chunk in capture.chunks():
        found = reader.add(chunk)
        datagrams += len(found)
        _meter(pipeline, found, view)
        if progress:
            progress(len(chunk))
        yield _complete(pipeline)
    reader.finish()
    unread = list(unread_links(path, reader.counts.unknown_link_types))
    if unread and not datagrams:
        raise CaptureError("; ".join(unread))
    if damaged:
        for line in unread:
            damaged(line)
    if capture.counts.damage and damaged:
        damaged(capture.counts.damage)
    elif not datagrams:
        raise CaptureError(f"{path}: holds no export datagram; leave out --as exports, or give --as packets")


def _messages(
    path: Path,
    pipeline: Pipeline,
    progress: Callable[[int], None] | None,
    damaged: Callable[[str], None] | None,
    view: CaptureView | None,
) -> Iterator[Tables]:
    file = MessageFile(path, pipeline.exporters.number(""))
    for messages in file.datagrams():
        _meter(pipeline, messages, view)
        if progress:
            progress(len(messages))
        yield _complete(pipeline)
    if file.damage and damaged:
        damaged(file.damage)


def _packets(
    path: Path,
    pipeline: Pipeline,
    feed: PacketFeed,
    progress: Callable[[int], None] | None,
    damaged: Callable[[str], None] | None,
) -> Iterator[Tables]:
    capture = Capture(path)
    before = dict(feed.meter.counts.unknown_link_types)
    for chunk in capture.chunks():
        feed.add(chunk)
        if progress:
            progress(len(chunk))
        yield _complete(pipeline)
    known = feed.meter.counts.unknown_link_types
    unread = {link: packets - before.get(link, 0) for link, packets in known.items()}
    if damaged:
        for line in unread_links(path, {link: packets for link, packets in unread.items() if packets}):
            damaged(line)
    if capture.counts.damage and damaged:
        damaged(capture.counts.damage)


def _complete(pipeline: Pipeline) -> Tables:
    latest_ms = pipeline.times.latest_ms
    before = 0 if latest_ms is None else latest_ms - _LATENESS_MS - pipeline.ledger.window_ms
    return pipeline.take(before, _name)
