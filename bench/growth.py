"""How cost and memory grow with exporters and templates: the pipeline in a process of its own, without sockets.

`python -m bench.growth EXPORTERS TEMPLATES LOTS` measures one point and prints it as JSON.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench import process
from bench.exports import FORMATS, HOME, Exports, make_exports
from bench.figure import Figure, Section, alone
from caudal.collector.columns.datagrams import Datagrams
from caudal.collector.pipeline.pipeline import Pipeline
from caudal.collector.receive.receiver import SLOT_OCTETS, SLOTS
from caudal.reference import AddressTable

_ROOT = Path(__file__).resolve().parent.parent
_FORMAT = FORMATS["NetFlow v9"]
_SECONDS = 1_767_225_720
_POINTS = ((1, 1), (1, 10), (10, 10), (100, 10), (1_000, 10))
_METHOD = (
    "NetFlow v9, 24 records a datagram, in memory on one pinned core: decoded, located, aggregated, in the ledger, in "
    f"lots of {SLOTS} datagrams in which exporters and their templates come in turn, one datagram each: the worst "
    "order there is. Templates of an exporter differ in id only. Memory is the whole process, address table included. "
    "What a lot costs grows with the records in it and with the (exporter, template) pairs that it holds; pairs that "
    "are silent cost memory only."
)


def measure(points: tuple[tuple[int, int], ...] = _POINTS, lots: int = 12) -> Section:
    """Return the figures of all points (exporters, templates of each)."""
    figures: list[Figure] = []
    for exporters, templates in points:
        said = subprocess.run(
            [sys.executable, "-m", "bench.growth", str(exporters), str(templates), str(lots)],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        point = json.loads(said)
        what = (
            f"{exporters:,} exporters × {templates} templates"
            if exporters > 1
            else f"1 exporter × {templates}"
        )
        figures += [
            alone(what, "records/CPU s", point["rates"], f"{point['megabytes']:,.0f} MiB resident"),
        ]
    return Section("Exporters and templates", _METHOD, figures)


class _Stock:
    """Datagrams of many exporters and templates, cut into lots as the receiver would."""

    def __init__(self, exporters: int, templates: int) -> None:
        self._exports: Exports = make_exports(_FORMAT, SLOTS)
        self._pairs = np.array(
            [(exporter, template) for template in range(templates) for exporter in range(exporters)], np.int64
        )
        self._ring = np.zeros(SLOTS * SLOT_OCTETS, np.uint8)
        self._sequence = np.zeros(exporters, np.int64)
        self._at = 0

    def announcements(self) -> list[tuple[int, bytes]]:
        """Return (exporter, datagram) for every template."""
        found = []
        for exporter, template in self._pairs.tolist():
            datagram = bytearray(self._exports.announcement(int(self._sequence[exporter]), _SECONDS) or b"")
            # Of the first template in it; options come with the first only.
            datagram[24:26] = (256 + 2 * template).to_bytes(2, "big")
            found.append((exporter, bytes(datagram)))
            self._sequence[exporter] += 1
        return found

    def lot(self) -> Datagrams:
        """Return the next lot of data."""
        which = self._pairs[(self._at + np.arange(SLOTS)) % len(self._pairs)]
        self._at += SLOTS
        octets = self._exports.octets
        exporter = which[:, 0]
        octets[:, 20:22] = (256 + 2 * which[:, 1]).astype(">u2").view(np.uint8).reshape(-1, 2)
        order = np.argsort(exporter, kind="stable")
        rank = np.empty(SLOTS, np.int64)
        starts = np.searchsorted(exporter[order], exporter[order])
        rank[order] = np.arange(SLOTS) - starts
        sequence = self._sequence[exporter] + rank
        octets[:, 12:16] = sequence.astype(">u4").view(np.uint8).reshape(-1, 4)
        np.add.at(self._sequence, exporter, 1)
        self._ring.reshape(SLOTS, SLOT_OCTETS)[:, : octets.shape[1]] = octets
        return self._datagrams(exporter, np.full(SLOTS, octets.shape[1], np.int64))

    def announced(self) -> Iterator[Datagrams]:
        """Yield the lots with all templates."""
        announcements = self.announcements()
        for first in range(0, len(announcements), SLOTS):
            part = announcements[first : first + SLOTS]
            for slot, (_, octets) in enumerate(part):
                self._ring[slot * SLOT_OCTETS :][: len(octets)] = np.frombuffer(octets, np.uint8)
            exporter = np.array([exporter for exporter, _ in part], np.int64)
            length = np.array([len(octets) for _, octets in part], np.int64)
            yield self._datagrams(exporter, length)

    def _datagrams(self, exporter: np.ndarray, length: np.ndarray) -> Datagrams:
        count = len(exporter)
        return Datagrams(
            buffer=self._ring,
            offset=np.arange(count) * SLOT_OCTETS,
            length=length,
            exporter=exporter.astype(np.int32),
            received_ms=np.full(count, _SECONDS * 1000, np.int64),
            truncated=np.zeros(count, bool),
        )


def _point(exporters: int, templates: int, lots: int) -> dict[str, object]:
    import os

    table = AddressTable.load()
    table.accelerate()
    pipeline = Pipeline(economy="XA", home=HOME, table=table, window_seconds=300, k=5)
    for number in range(exporters):
        pipeline.exporters.number(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    stock = _Stock(exporters, templates)
    for announced in stock.announced():
        pipeline.datagrams(announced)
    rates = []
    for _ in range(lots + 2):
        lot = stock.lot()
        began = time.process_time()
        records = pipeline.datagrams(lot)
        rates.append(records / (time.process_time() - began))
        if records != SLOTS * _FORMAT.records:
            raise RuntimeError(f"{records} records were decoded of {SLOTS * _FORMAT.records}")
    return {"rates": rates[2:], "megabytes": process.memory_bytes(os.getpid()) / 2**20}


if __name__ == "__main__":
    from bench.machine import pin

    pin()
    print(json.dumps(_point(*map(int, sys.argv[1:4]))))
