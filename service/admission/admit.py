"""Admission of a batch: the bounds that it must keep to be stored, beyond having the declared columns."""

import re
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from caudal.common.counted import counted
from caudal.common.logline import quoted
from caudal.contract.batch import FLOWS, Batch
from caudal.service.admission.figures import check_flows, check_ledger
from caudal.service.admission.windows import said, seconds_of
from caudal.service.errors import BatchRefused
from caudal.service.settings.intakelimits import Admission

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)
# Roll-ups are by the hour: the figures of a longer window would stand in its first.
LONGEST_WINDOW_SECONDS = 3600
# What a DateTime of ClickHouse holds.
_LATEST = (1 << 32) - 1 - LONGEST_WINDOW_SECONDS

_TEXTS = {column.name: re.compile(column.pattern) for column in FLOWS if column.pattern}
_LONGEST_EXPORTER = 128


def admit(batch: Batch, received_at: datetime, limits: Admission | None = None) -> None:
    """Return if the batch may be stored; raise BatchRefused with one line that says why not."""
    limits = limits or Admission()
    flows, ledger = batch.flows, batch.ledger
    rows = flows.num_rows + ledger.num_rows
    if rows > limits.rows_per_batch:
        raise BatchRefused(f"the batch has {rows} rows; send at most {limits.rows_per_batch} in one")
    for stream, table in (("flows", flows), ("ledger", ledger)):
        _check_windows(stream, table, received_at, limits)
    for name, pattern in _TEXTS.items():
        for value in flows.column(name).unique().to_pylist():
            if not pattern.fullmatch(value):
                raise BatchRefused(
                    f"column {name} of the flows stream holds {quoted(value)}; it must match {pattern.pattern}"
                )
    for name in ledger.column("exporter").unique().to_pylist():
        # Nothing that would forge a line of a log, or turn the direction in which a page is read.
        if not (0 < len(name) <= _LONGEST_EXPORTER and name.isprintable()):
            raise BatchRefused(
                f"column exporter of the ledger stream holds {quoted(name)}; a name has 1 to {_LONGEST_EXPORTER} "
                "printable characters"
            )
    check_flows(flows)
    check_ledger(ledger)


def _check_windows(stream: str, table: pa.Table, received_at: datetime, limits: Admission) -> None:
    if not table.num_rows:
        return
    lengths = pc.min_max(table.column("window_seconds")).as_py()
    if lengths["min"] < 1 or lengths["max"] > LONGEST_WINDOW_SECONDS:
        raise BatchRefused(
            f"window_seconds of the {stream} stream is {lengths['min']} to {lengths['max']}; a window is of 1 second to "
            f"{LONGEST_WINDOW_SECONDS}"
        )
    starts = seconds_of(table)
    first, last = int(starts.min()), int(starts.max())
    oldest = max(EARLIEST, received_at - timedelta(days=limits.oldest_window_days))
    newest = received_at + AHEAD
    if first < oldest.timestamp() or last > min(newest.timestamp(), _LATEST):
        raise BatchRefused(
            f"window_start of the {stream} stream runs from {said(first)} to {said(last)}; it must lie between "
            f"{oldest:%Y-%m-%d} and now: set the clock of the exporter or collector"
        )
    months = len(np.unique(starts.astype("datetime64[s]").astype("datetime64[M]")))
    if months > limits.months_per_batch:
        raise BatchRefused(
            f"the {stream} stream speaks of {counted(months, 'month')}; send at most {limits.months_per_batch} in one batch"
        )
