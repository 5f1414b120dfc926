"""Datagrams captured twice: by a capture on all interfaces, or of both directions of a mirror port."""

from typing import Final

import numpy as np

from caudal.collector.columns.bigendian import big64
from caudal.collector.columns.datagrams import Datagrams
from caudal.collector.columns.flowrecords import I32, I64, U8, U16, U64, Mask
from caudal.collector.columns.kernel import kernel

# The two come right after one another; a datagram of the same octets that comes later was sent again.
WITHIN_MS: Final = 500
_REMEMBERED: Final = 1 << 13
_SEED, _FACTOR = np.uint64(0xCBF2_9CE4_8422_2325), np.uint64(0x9E37_79B9_7F4A_7C15)
_LEFT, _RIGHT = np.uint64(29), np.uint64(35)


class Duplicates:
    """Tells datagrams that came before, half a second ago at most, from the same address and port with the same octets.

    A datagram of NetFlow, IPFIX or sFlow has a number and a time in it, so the same octets are the same datagram. Remembered
    are the hashes of the last 8,192 or fewer.
    """

    def __init__(self) -> None:
        self._hashes: U64 = np.zeros(_REMEMBERED, np.uint64)
        self._times: I64 = np.full(_REMEMBERED, -(1 << 62), np.int64)

    def first(self, datagrams: Datagrams) -> Mask:
        """Return which datagrams did not come before, and remember them."""
        out: Mask = np.empty(len(datagrams), np.bool_)
        _first(
            datagrams.buffer, datagrams.offset, datagrams.length, datagrams.exporter, datagrams.port,
            datagrams.received_ms, self._hashes, self._times, out,
        )  # fmt: skip
        return out


@kernel
def _first(
    buffer: U8,
    offset: I64,
    length: I64,
    exporter: I32,
    port: U16,
    received_ms: I64,
    hashes: U64,
    times: I64,
    out: Mask,
) -> None:
    for i in range(len(offset)):
        at, end = offset[i], offset[i] + length[i]
        hashed = (_SEED ^ np.uint64(exporter[i]) << np.uint64(16) ^ np.uint64(port[i])) * _FACTOR
        while at + 8 <= end:
            hashed = ((hashed << _LEFT | hashed >> _RIGHT) ^ big64(buffer, at)) * _FACTOR
            at += 8
        last = np.uint64(length[i])
        while at < end:
            last = last << np.uint64(8) | np.uint64(buffer[at])
            at += 1
        hashed = ((hashed << _LEFT | hashed >> _RIGHT) ^ last) * _FACTOR
        place = np.int64(hashed >> np.uint64(51))  # the upper 13 bits
        since = received_ms[i] - times[place]
        out[i] = hashes[place] != hashed or since > WITHIN_MS or since < -WITHIN_MS
        if out[i]:
            hashes[place], times[place] = hashed, received_ms[i]
