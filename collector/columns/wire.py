"""Big-endian numbers at many places of one buffer at once."""

import numpy as np

from caudal.collector.columns.bigendian import big16, big32
from caudal.collector.columns.flowrecords import I64, U8
from caudal.collector.columns.kernel import kernel


@kernel
def unsigned16(buffer: U8, at: I64) -> I64:
    """Return the 16-bit numbers that begin at the offsets `at`, int64 (at,)."""
    found = np.empty(len(at), np.int64)
    for each in range(len(at)):
        found[each] = big16(buffer, at[each])
    return found


@kernel
def unsigned32(buffer: U8, at: I64) -> I64:
    """Return the 32-bit numbers that begin at the offsets `at`, int64 (at,)."""
    found = np.empty(len(at), np.int64)
    for each in range(len(at)):
        found[each] = big32(buffer, at[each])
    return found


def surplus(buffer: U8, start: I64, end: I64) -> list[int]:
    """Return the indexes of those slices, `start` to `end`, that hold anything but zeros.

    >>> surplus(np.array([0, 0, 7, 0], np.uint8), np.array([0, 2, 3]), np.array([2, 3, 3]))
    [1]
    """
    longer = np.flatnonzero(end > start).tolist()
    return [one for one in longer if buffer[start[one] : end[one]].any()]


def join(buffer: U8, start: I64, length: I64) -> bytes:
    """Return the slices of the buffer from `start` on, `length` octets each, one after the other.

    >>> join(np.frombuffer(b"abcdef", np.uint8), np.array([4, 0]), np.array([2, 1]))
    b'efa'
    """
    view = buffer.data
    if len(start) == 1:
        return bytes(view[int(start[0]) : int(start[0] + length[0])])
    ends = (start + length).tolist()
    return b"".join([view[first:end] for first, end in zip(start.tolist(), ends, strict=True)])
