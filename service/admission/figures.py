"""Bounds of the numbers of a batch, each of which no network and no meter exceeds.

What an honest collector sends is within them. It counts at least so many packets as hold the bytes; where the row is
from one of before, and no exporter behind it told packets (`packets` is 0), there is nothing to compare bytes with.
Its variance of a record is N(N−1) times the squares of sampled packets: by themselves never more than the bytes squared,
and by the collector's bound of them (sizes between 40 and 1,500 octets) up to ten times that, where packets are few and
small; N is at most 2^32.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from caudal.common.counted import counted
from caudal.contract.batch import LEDGER_COUNTS
from caudal.service.admission.windows import said, seconds_of
from caudal.service.errors import BatchRefused

F64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

FULLEST_PACKET = 65_535
HIGHEST_RATE = float(1 << 32)
# Of flow records or of anything counted: all exporters of the world's largest networks send fewer.
RECORDS_PER_SECOND = 1e9
# What sequence numbers may say is missing: 2^24 is taken for a loss, at a few ten thousand datagrams a second.
LOST_PER_SECOND = 1e12

# What a batch adds up to at most: half of what a UInt64 holds.
_MOST = float(1 << 63)
_ROUNDED = 1 + 1e-6
# The square root of what the collector's bound may be above the square of the bytes, and room to spare.
_BOUNDED = 4.0


def check_flows(flows: pa.Table) -> None:
    """Return if the figures are possible; raise BatchRefused that names column, window and figures."""
    octets, packets, records, variance = (
        flows.column(name).to_numpy().astype(np.float64)
        for name in ("bytes", "packets", "flows", "bytes_variance")
    )
    sound = np.isfinite(variance) & (variance >= 0)
    _refuse(flows, "bytes_variance", ~sound, lambda i: f"{variance[i]}; it is finite and not negative")
    for name, values in (("bytes", octets), ("packets", packets), ("flows", records)):
        if values.sum() > _MOST:
            raise BatchRefused(
                f"column {name} adds up to {values.sum():.3g}; no batch carries that much: check the sampling rate"
            )
    # Each record's estimates are rounded: bytes up and packets down, by half of one.
    full = np.where(packets > 0, (packets + records) * FULLEST_PACKET, np.inf)
    _refuse(
        flows, "bytes", octets > full,
        lambda i: f"{octets[i]:.0f} in {counted(round(float(packets[i])), 'packet')}; a packet holds {FULLEST_PACKET} bytes at most",
    )  # fmt: skip
    # Divided rather than squared: what is squared may be too large for a number.
    wide = np.sqrt(variance) > octets * _BOUNDED
    _refuse(
        flows, "bytes_variance", wide,
        lambda i: f"{variance[i]:.3g} of {octets[i]:.0f} bytes; it is at most sixteen times the square of the bytes",
    )  # fmt: skip
    most = np.where(packets > 0, octets * FULLEST_PACKET * HIGHEST_RATE * _ROUNDED, np.inf)
    _refuse(
        flows, "bytes_variance", variance > most,
        lambda i: f"{variance[i]:.3g} of {octets[i]:.0f} bytes; no sampling rate up to 2^32 leaves so much",
    )  # fmt: skip
    _check_rate(flows, "flows", records, RECORDS_PER_SECOND)


def check_ledger(ledger: pa.Table) -> None:
    """Return if the counts are possible; raise BatchRefused that names column, window and figures.

    A count may be negative: what is learnt late takes back what an earlier batch said.
    """
    for name in LEDGER_COUNTS:
        counts = np.abs(ledger.column(name).to_numpy().astype(np.float64))
        _check_rate(ledger, name, counts, LOST_PER_SECOND if name.startswith("lost") else RECORDS_PER_SECOND)


def _check_rate(table: pa.Table, name: str, counts: F64, per_second: float) -> None:
    """Refuse where a window has more of something than it can hold."""
    if not table.num_rows:
        return
    windows, which = np.unique(seconds_of(table), return_inverse=True)
    lengths = np.zeros(len(windows))
    np.maximum.at(lengths, which, table.column("window_seconds").to_numpy())
    sums = np.bincount(which, counts, len(windows))
    over = (sums > lengths * per_second)[which]
    _refuse(
        table, name, over,
        lambda i: f"{sums[which[i]]:.3g} in {lengths[which[i]]:.0f} s; no network has more than {per_second:.0e} a second",
    )  # fmt: skip


def _refuse(table: pa.Table, name: str, wrong: Mask, figures: Callable[[int], str]) -> None:
    """Raise BatchRefused for the first row that is wrong, if there is one."""
    if not wrong.any():
        return
    row = int(np.argmax(wrong))
    window = said(int(seconds_of(table.slice(row, 1))[0]))
    raise BatchRefused(f"column {name}, row {row}, window of {window}: {figures(row)}")
