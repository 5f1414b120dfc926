"""What a batch must satisfy to be stored, beyond having the declared columns."""

import re
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from caudal.collector.batch import LEDGER_COUNTS, Batch
from caudal.service.errors import BatchRefused

MAX_ROWS = 2_000_000
MAX_MONTHS = 120
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)

# An exabyte: more than any batch carries, and a month of batches below it still fits a UInt64.
_MOST = float(1 << 60)
_TEXTS = {"remote_country": r"^[A-Z]{2}$", "service": r"^[a-z0-9._-]{0,64}$"}
_EXPORTER = re.compile(r"[^\x00-\x1f\x7f]{1,128}")


def admit(batch: Batch, received_at: datetime) -> None:
    """Return if the batch may be stored; raise BatchRefused with one line that says why not."""
    flows, ledger = batch.flows, batch.ledger
    if flows.num_rows + ledger.num_rows > MAX_ROWS:
        raise BatchRefused(
            f"the batch has {flows.num_rows + ledger.num_rows} rows; send at most {MAX_ROWS} in one"
        )
    for stream, table in (("flows", flows), ("ledger", ledger)):
        _check_times(stream, table, received_at)
    for name, pattern in _TEXTS.items():
        values = flows.column(name).unique()
        wrong = values.filter(pc.invert(pc.match_substring_regex(values, pattern)))
        if len(wrong):
            raise BatchRefused(
                f"column {name} of the flows stream holds {wrong[0].as_py()!r:.80}; it must match {pattern}"
            )
    for name in ledger.column("exporter").unique().to_pylist():
        if not _EXPORTER.fullmatch(name):
            raise BatchRefused(
                "column exporter of the ledger stream holds a name that is empty, too long or unprintable"
            )
    _check_sums(flows, ledger)


def _check_times(stream: str, table: pa.Table, received_at: datetime) -> None:
    if not table.num_rows:
        return
    starts = table.column("window_start")
    first, last = pc.min(starts).as_py(), pc.max(starts).as_py()
    if first < EARLIEST or last > received_at + AHEAD:
        raise BatchRefused(
            f"window_start of the {stream} stream runs from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}; it must lie "
            f"between {EARLIEST:%Y-%m-%d} and now: set the clock of the exporter or collector"
        )
    months = pc.count_distinct(pc.strftime(starts, format="%Y-%m")).as_py()
    if months > MAX_MONTHS:
        raise BatchRefused(
            f"the {stream} stream speaks of {months} months; send at most {MAX_MONTHS} in one batch"
        )
    if pc.min(table.column("window_seconds")).as_py() < 1:
        raise BatchRefused(f"window_seconds of the {stream} stream is 0; a window has a length")


def _check_sums(flows: pa.Table, ledger: pa.Table) -> None:
    variance = flows.column("bytes_variance")
    if (
        not pc.all(pc.and_(pc.is_finite(variance), pc.greater_equal(variance, 0.0))).as_py()
        and flows.num_rows
    ):
        raise BatchRefused("column bytes_variance holds a value that is negative or not finite")
    for name in ("bytes", "packets", "flows"):
        total = pc.sum(pc.cast(flows.column(name), pa.float64(), safe=False)).as_py() or 0.0
        if total > _MOST:
            raise BatchRefused(
                f"column {name} adds up to {total:.3g}; no batch carries that much: check the sampling rate"
            )
    for name in LEDGER_COUNTS:
        # A count may be negative: what is learnt late takes back what an earlier batch said.
        size = pc.sum(pc.abs(pc.cast(ledger.column(name), pa.float64(), safe=False))).as_py() or 0.0
        if size > _MOST:
            raise BatchRefused(
                f"column {name} of the ledger stream adds up to {size:.3g}; no batch carries that much"
            )
