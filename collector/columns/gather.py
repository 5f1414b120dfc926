"""Reading the same structure at many places of a buffer at once, aligned or not."""

from typing import Any

import numpy as np
import numpy.typing as npt

from caudal.collector.columns.flowrecords import I64, U8


def gather(buffer: U8, at: I64, structure: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return `structure` as it stands in `buffer` at each position of `at`, which must all lie inside.

    >>> gather(np.arange(6, dtype=np.uint8), np.array([0, 3]), ">u2").tolist()
    [1, 772]
    """
    kind = np.dtype(structure)
    # One overlapping view of the whole buffer; indexing it copies whole structures, 6 ns each.
    raw = np.ndarray((len(buffer) - kind.itemsize + 1,), np.dtype(("V", kind.itemsize)), buffer, strides=(1,))
    return raw[at].view(kind)
