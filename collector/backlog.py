"""The backlog: batches of closed windows that are not on disk yet."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime

import polars as pl
import pyarrow as pa

from caudal.collector.batch import FLOWS, LEDGER, Column, decode_batch, schema
from caudal.collector.celltable import MOST
from caudal.collector.cutting import cut
from caudal.collector.errors import SpoolError
from caudal.collector.spool import Spool

log = logging.getLogger(__name__)

Encode = Callable[[pa.Table, pa.Table], bytes]

_HOUR_SECONDS = 3600
_REMIND_SECONDS = 60.0
# What a cell looks like once only its hour, direction and country matter, as folding for k-anonymity leaves it.
_COARSE = {"remote_asn": 0, "service": "", "ip_version": 0, "transport": "any", "folded": True}


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
        """What waits, as it would be on disk."""
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
                log.error("%s; %d batches wait in memory meanwhile", error, len(self._bodies))
            return False
        if self._reminded > float("-inf"):
            self._reminded = float("-inf")
            log.info("the spool takes batches again; none waits in memory")
        return True

    def close(self) -> None:
        """Write what waits, made small and beyond the spool's bound if need be; say what is lost if it cannot be.

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
        bodies = deque(self._encode(*part) for part in cut(flows, ledger, datetime.now(UTC)))
        if sum(map(len, bodies)) >= self.waiting_bytes:
            return
        self.coarsened_batches += len(batches)
        log.warning(
            "%d batches that wait in memory were added up by hour and country: their detail is lost, their totals are not",
            len(batches),
        )
        self._bodies = bodies

    def _lose(self, body: bytes) -> None:
        flows = pl.DataFrame(pl.from_arrow(decode_batch(body).flows))
        octets = int(flows["bytes"].sum())
        self.lost_batches += 1
        self.lost_bytes += octets
        log.error(
            "a batch could not be written and is lost: %d bytes of traffic in %d flow records",
            octets,
            int(flows["flows"].sum()),
        )


def _by_hour(table: pa.Table, declared: tuple[Column, ...]) -> pa.Table:
    values = {**_COARSE, "window_seconds": _HOUR_SECONDS}
    frame = pl.DataFrame(pl.from_arrow(table))
    frame = frame.with_columns(
        pl.col("window_start").dt.truncate("1h"),
        *(
            pl.lit(value, frame.schema[name]).alias(name)
            for name, value in values.items()
            if name in frame.columns
        ),
    )
    keys = [column.name for column in declared if column.kind == "key"]
    sums = [column.name for column in declared if column.kind == "sum"]
    summed = frame.group_by(keys, maintain_order=True).agg(_sum(name, frame.schema[name]) for name in sums)
    ordered = summed.select(column.name for column in declared)
    return ordered.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema(declared))


def _sum(name: str, of: pl.DataType) -> pl.Expr:
    """Return the sum of a column; what of flows exceeds the limit of a sum stays there, and does not wrap."""
    if of != pl.UInt64:
        return pl.col(name).sum()
    return pl.col(name).cast(pl.Int128).sum().clip(upper_bound=int(MOST)).cast(pl.UInt64)
