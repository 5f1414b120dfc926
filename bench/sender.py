"""A process that sends export datagrams at the rate it is told: exporters in turn, one for each format.

`python -m bench.sender PORT CORE DATAGRAMS [FORMAT...]` (the flow formats if none is named) reads lines of `rate seconds` (datagrams a second; 0 is as fast
as it can) and answers each with a line of JSON. Sequence numbers, export times and flow times go on as
those of real exporters do, and templates come again every second.
"""

import ctypes
import json
import os
import socket
import sys
import time
from collections.abc import Iterable
from itertools import cycle

from bench.exports import FORMATS, Exports, make_exports
from bench.samples import SFLOW, Samples, make_samples

# Datagrams of one exporter that follow one another, and go out in one call.
BURST = 32


class _IoVec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _MsgHdr(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("iov", ctypes.c_void_p),
        ("iov_length", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _MMsgHdr(ctypes.Structure):
    _fields_ = (("header", _MsgHdr), ("length", ctypes.c_uint32))


class Exporter:
    """One exporter: a socket with an address of its own on loopback, and datagrams to send round and round."""

    def __init__(self, exports: Exports | Samples, address: str, port: int) -> None:
        self.exports = exports
        self.sent = 0
        self.records = self.bytes = 0
        self._bytes_by_row = exports.bytes_by_datagram.tolist()
        self._sequence = 0
        self._row = 0
        self._sendmmsg = ctypes.CDLL(None, use_errno=True).sendmmsg
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 0))
        self._socket.connect(("127.0.0.1", port))
        self._make_messages()

    def _make_messages(self) -> None:
        octets = self.exports.octets
        count, length = octets.shape
        self._vectors = (_IoVec * count)()
        self._messages = (_MMsgHdr * count)()
        vectors = ctypes.addressof(self._vectors)
        for row in range(count):
            self._vectors[row] = _IoVec(octets.ctypes.data + row * octets.strides[0], length)
            header = self._messages[row].header
            header.iov = vectors + row * ctypes.sizeof(_IoVec)
            header.iov_length = 1

    def announce(self, seconds: int) -> None:
        """Send the templates, and date what follows."""
        self.exports.stamp(seconds)
        announcement = self.exports.announcement(self._sequence, seconds)
        if announcement is not None:
            self._socket.send(announcement)
            self._sequence += 1
            self.sent += 1

    def burst(self) -> None:
        """Send the next datagrams."""
        rows = slice(self._row, self._row + BURST)
        self.exports.number(rows, self._sequence)
        at = ctypes.byref(self._messages, self._row * ctypes.sizeof(_MMsgHdr))
        count = self._sendmmsg(self._socket.fileno(), at, BURST, 0)
        if count < 0:
            raise OSError(ctypes.get_errno(), "sendmmsg")
        self._sequence += count * self.exports.sequence_step
        self.sent += count
        self.records += count * self.exports.records_per_datagram
        self.bytes += sum(self._bytes_by_row[self._row : self._row + count])
        self._row = (self._row + BURST) % len(self.exports.octets) if count == BURST else self._row


def send(exporters: list[Exporter], rate: float, seconds: float) -> dict[str, float]:
    """Send for so long, the exporters in turn; return what was sent, and in what time."""
    before = sums(exporters)
    began = time.perf_counter()
    turn = cycle(exporters)
    dated = sent = 0
    while (elapsed := time.perf_counter() - began) < seconds:
        now = int(time.time())
        if now != dated:
            dated = now
            for exporter in exporters:
                exporter.announce(now)
        ahead = sent / rate - elapsed if rate else 0.0
        if ahead > 0:
            time.sleep(min(ahead, seconds - elapsed))
            continue
        next(turn).burst()
        sent += BURST
    whole = {name: after - before[name] for name, after in sums(exporters).items()}
    return {**whole, "seconds": elapsed}


def sums(exporters: list[Exporter]) -> dict[str, int]:
    """Return datagrams, flow records and bytes (as sampled) that were sent so far."""
    return {
        "sent": sum(each.sent for each in exporters),
        "records": sum(each.records for each in exporters),
        "bytes": sum(each.bytes for each in exporters),
    }


def stock(name: str, datagrams: int, number: int) -> Exports | Samples:
    """Return so many datagrams of the format `name`; `number` tells exporters of one format apart."""
    if name == SFLOW:
        return make_samples(datagrams, seed=number)
    return make_exports(FORMATS[name], datagrams, domain=number, seed=number)


def main(port: int, core: int, datagrams: int, formats: list[str]) -> None:
    """Answer commands until standard input ends."""
    if core >= 0:
        os.sched_setaffinity(0, {core})
    rows = max(BURST, datagrams // BURST * BURST)
    exporters = [
        Exporter(stock(name, rows, number), f"127.0.0.{number + 1}", port)
        for number, name in enumerate(formats, 1)
    ]
    print(json.dumps({"ready": True}), flush=True)
    for rate, seconds in commands(sys.stdin):
        print(json.dumps(send(exporters, rate, seconds)), flush=True)


def commands(lines: Iterable[str]) -> Iterable[tuple[float, float]]:
    """Yield rate and seconds of each line."""
    for line in lines:
        rate, seconds = map(float, line.split())
        yield rate, seconds


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:] or list(FORMATS))
