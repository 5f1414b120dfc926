"""The backlog: batches of closed windows that are not on disk yet."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from caudal.collector.aggregate.celltable import MOST
from caudal.collector.deliver.spool import Spool
from caudal.collector.errors import SpoolError
from caudal.collector.windows.cutting import cut_into_batches
from caudal.common.counted import counted
from caudal.contract.batch import FLOWS, LEDGER, Column, decode_batch, schema
from caudal.contract.column import Folding

log = logging.getLogger(__name__)

Encode = Callable[[pa.Table, pa.Table], bytes]

_HOUR_SECONDS = 3600
# Wide enough for any sum of 64-bit numbers that fits into memory.
_WIDE = pa.decimal128(38)
_REMIND_SECONDS = 60.0
# What a cell looks like once only its hour, direction and country matter, as folding for k-anonymity leaves it.
_COARSE = {c.name: c.rest for c in FLOWS if c.dropped is not None and c.dropped <= Folding.country}


class Backlog:
    """Hands batches to the spool in order, and keeps them in memory while it takes none.

    Above `most_bytes` what waits is added up by hour, direction and country: detail is lost, no byte and no
    record is. Only when that is too much as well, the oldest goes; `lost_batches`, `lost_bytes` (of traffic)
    and a line in the log say so. `encode` makes a batch of flow aggregates and ledger. One thread adds batches
    and begins to write; what is written is written in another, because waiting for the disk would cost datagrams.
    """

    def __init__(
        self,
        spool: Spool,
        encode: Encode,
        most_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spool = spool
        self._encode = encode
        self._most_bytes = most_bytes
        self._clock = clock
        self._bodies: deque[bytes] = deque()
        self._lock = threading.Lock()
        self._writer = ThreadPoolExecutor(1, "backlog")
        self._writing: Future[bool] | None = None
        self._reminded = float("-inf")
        self.coarsened_batches = 0
        self.lost_batches = 0
        self.lost_bytes = 0

    def __len__(self) -> int:
        return len(self._bodies)

    @property
    def waiting_bytes(self) -> int:
        """The octets of the batches that wait, as they would be on disk."""
        return sum(map(len, self._bodies))

    def add(self, flows: pa.Table, ledger: pa.Table) -> None:
        """Take a batch, to be written by the next `write`."""
        body = self._encode(flows, ledger)
        with self._lock:
            self._bodies.append(body)

    def begin_to_write(self) -> None:
        """Have what waits written in the other thread, unless that is at work."""
        if self._bodies and (self._writing is None or self._writing.done()):
            self._finish_writing()
            self._writing = self._writer.submit(self.write)

    def _finish_writing(self) -> None:
        if self._writing is not None:
            self._writing.result()
            self._writing = None

    def write(self, *, beyond: bool = False) -> bool:
        """Write what waits to the spool; return whether nothing waits any more."""
        try:
            while self._bodies:
                self._spool.put(self._bodies[0], beyond=beyond)
                with self._lock:
                    self._bodies.popleft()
        except SpoolError as error:
            with self._lock:
                self._shrink()
            now = self._clock()
            if now - self._reminded >= _REMIND_SECONDS:
                self._reminded = now
                log.error(
                    "%s; %s in memory meanwhile",
                    error,
                    counted(len(self._bodies), "batch waits", "batches wait"),
                )
            return False
        if self._reminded > float("-inf"):
            self._reminded = float("-inf")
            log.info("the spool takes batches again; none waits in memory")
        return True

    def close(self) -> None:
        """Write the batches that wait, made small and beyond the spool's bound if need be; log those that are lost.

        Nothing may be added any more.
        """
        self._finish_writing()
        self._writer.shutdown()
        if self.write():
            return
        self._coarsen()
        if not self.write(beyond=True):
            while self._bodies:
                self._lose(self._bodies.popleft())

    def _shrink(self) -> None:
        """Hold no more than `most_bytes`."""
        if self.waiting_bytes > self._most_bytes:
            self._coarsen()
        while self.waiting_bytes > self._most_bytes:
            self._lose(self._bodies.popleft())

    def _coarsen(self) -> None:
        batches = [decode_batch(body) for body in self._bodies]
        flows = _by_hour(
            pa.concat_tables([batch.flows.replace_schema_metadata(None) for batch in batches]), FLOWS
        )
        ledger = _by_hour(pa.concat_tables([batch.ledger for batch in batches]), LEDGER)
        bodies = deque(self._encode(*part) for part in cut_into_batches(flows, ledger, datetime.now(UTC)))
        if sum(map(len, bodies)) >= self.waiting_bytes:
            return
        self.coarsened_batches += len(batches)
        log.warning(
            "%s added up in memory by hour and country: the detail is lost, the totals are not",
            counted(len(batches), "batch was", "batches were"),
        )
        self._bodies = bodies

    def _lose(self, body: bytes) -> None:
        flows = decode_batch(body).flows
        octets = _total(flows["bytes"])
        self.lost_batches += 1
        self.lost_bytes += octets
        log.error(
            "a batch could not be written and is lost: %d bytes of traffic in %d flow records",
            octets,
            _total(flows["flows"]),
        )


def _by_hour(table: pa.Table, declared: tuple[Column, ...]) -> pa.Table:
    values = {**_COARSE, "window_seconds": _HOUR_SECONDS}
    keys = [column for column in declared if column.kind == "key"]
    sums = [column for column in declared if column.kind == "sum"]
    columns = {column.name: table[column.name] for column in keys}
    columns["window_start"] = pc.floor_temporal(table["window_start"], unit="hour")
    for column in keys:
        if column.name in values:
            columns[column.name] = pa.repeat(pa.scalar(values[column.name], column.arrow), len(table))
    columns |= {column.name: _summable(table[column.name]) for column in sums}
    # One thread: then groups are in the order in which they appear.
    summed = pa.table(columns).group_by([column.name for column in keys], use_threads=False)
    summed = summed.aggregate([(column.name, "sum") for column in sums])
    of = {column.name: summed[column.name] for column in keys}
    of |= {column.name: _bounded(summed[f"{column.name}_sum"], column.arrow) for column in sums}
    return pa.table([of[column.name] for column in declared], schema=schema(declared))


def _summable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return unsigned numbers as decimals, whose sums do not wrap; others as they are."""
    return column.cast(_WIDE) if column.type == pa.uint64() else column


def _bounded(column: pa.ChunkedArray, of: pa.DataType) -> pa.ChunkedArray:
    """Return sums in their declared type; what of flows exceeds the limit of a sum stays there."""
    if not pa.types.is_decimal(column.type):
        return column
    return pc.min_element_wise(column, pa.scalar(int(MOST), column.type)).cast(of)


def _total(column: pa.ChunkedArray) -> int:
    return int(pc.sum(_summable(column)).as_py() or 0)
