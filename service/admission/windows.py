"""The windows of a batch: when they begin, in numbers that cannot overflow, and how to name them."""

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def seconds_of(table: pa.Table) -> npt.NDArray[np.int64]:
    """Return when each row's window begins, in seconds since 1970: any number of 64 bits."""
    seconds: npt.NDArray[np.int64] = table.column("window_start").cast(pa.int64()).to_numpy()
    return seconds


def said(seconds: int) -> str:
    """Return a time in words; of what no calendar has, the number."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s since 1970"
