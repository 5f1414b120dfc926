"""Numbers as they stand in packets, for kernels that count with signed ones.

Nothing checks the place: all octets of the number must be in the buffer.
"""

import numpy as np

from caudal.collector.columns import bigendian
from caudal.collector.columns.flowrecords import U8
from caudal.collector.columns.kernel import kernel

_read16, _read32, _read64 = bigendian.big16, bigendian.big32, bigendian.big64


@kernel
def signed(number: int) -> int:
    """Return a number as a signed one of 64 bits."""
    return np.int64(number)  # type: ignore[return-value]


@kernel
def big16(buffer: U8, at: int) -> int:
    """Return the 16 bits at a place."""
    return signed(_read16(buffer, at))


@kernel
def big32(buffer: U8, at: int) -> int:
    """Return the 32 bits at a place."""
    return signed(_read32(buffer, at))


@kernel
def big64(buffer: U8, at: int) -> np.uint64:
    """Return the 64 bits at a place."""
    return np.uint64(_read64(buffer, at))
