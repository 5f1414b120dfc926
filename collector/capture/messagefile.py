"""IPFIX files: IPFIX messages one behind the other, as they would come over a transport.

A file of any size, plain or gzip'ed, is read in pieces of about 4 MB. Damage and a missing end cost what follows them, never
what came before. Source: RFC 5655 §5.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from caudal.collector.capture.capturefile import CHUNK_BYTES, CaptureFile
from caudal.collector.columns.datagrams import Datagrams
from caudal.collector.columns.flowrecords import I64, U8
from caudal.collector.columns.kernel import kernel
from caudal.collector.columns.signednumbers import big16, big32

_VERSION, _HEADER = 10, 16
# How a piece ends: within a message, or where no message begins.
_CUT, _DAMAGED = range(2)


def is_message_file(head: bytes) -> bool:
    """Return True if a file is more than one IPFIX message: `head` has its first 65,537 octets, or all of them."""
    if len(head) < _HEADER or int.from_bytes(head[:2], "big") != _VERSION:
        return False
    length = int.from_bytes(head[2:4], "big")
    return length >= _HEADER and int.from_bytes(head[length : length + 2], "big") == _VERSION


class MessageFile:
    """An IPFIX file; each call of `datagrams` reads it anew and sets `messages` and `damage`.

    `damage` is one line that says what was wrong and where, or empty.
    """

    def __init__(self, path: Path, exporter: int = 0, chunk_bytes: int = CHUNK_BYTES) -> None:
        self.path = path
        self.messages = 0
        self.damage = ""
        self._exporter = exporter
        self._chunk_bytes = chunk_bytes

    def datagrams(self) -> Iterator[Datagrams]:
        """Yield the messages of the file in order, as if each had come as a datagram of one exporter; raise CaptureError.

        The time of receipt is the export time in its header. What there is of a message that is cut short comes last.
        """
        self.messages, self.damage = 0, ""
        base = 0  # of the file, the octets before this piece
        with CaptureFile(self.path, self._chunk_bytes) as source:
            data, filled = source.more()
            while True:
                offset, length, end, how = _messages(data, filled)
                wrong = how == _DAMAGED
                if source.ended and not wrong and filled - end >= _HEADER:
                    offset, length = np.append(offset, end), np.append(length, filled - end)
                if len(offset):
                    self.messages += len(offset)
                    yield self._lot(data, offset, length)
                if wrong:
                    self.damage = (
                        f"{self.path}: no IPFIX message begins at byte {base + end}; reading ended there"
                    )
                elif source.ended and (end < filled or source.damage):
                    self.damage = source.damage or (
                        f"{self.path}: the file ends inside the IPFIX message at byte {base + end}"
                    )
                if wrong or source.ended:
                    return
                base += end
                data, filled = source.more(data[end:filled])

    def _lot(self, data: U8, offset: I64, length: I64) -> Datagrams:
        count = len(offset)
        return Datagrams(
            data,
            offset,
            length,
            np.full(count, self._exporter, np.int32),
            _export_ms(data, offset),
            np.zeros(count, np.bool_),
        )


def _messages(data: U8, filled: int) -> tuple[I64, I64, int, int]:
    """Return place and length of the whole messages, where the first that is not whole begins, and how it ends there."""
    places: I64 = np.empty((2, filled // _HEADER + 1), np.int64)
    count, end, how = _follow(data, filled, places)
    return places[0, :count].copy(), places[1, :count].copy(), end, how


@kernel
def _follow(data: U8, filled: int, places: I64) -> tuple[int, int, int]:
    at = count = 0
    while at + _HEADER <= filled:
        length = big16(data, at + 2)
        if big16(data, at) != _VERSION or length < _HEADER:
            return count, at, _DAMAGED
        if at + length > filled:
            break
        places[0, count], places[1, count] = at, length
        count += 1
        at += length
    return count, at, _CUT


@kernel
def _export_ms(data: U8, offset: I64) -> I64:
    times: I64 = np.empty(len(offset), np.int64)
    for message in range(len(offset)):
        times[message] = big32(data, offset[message] + 4) * 1_000
    return times
