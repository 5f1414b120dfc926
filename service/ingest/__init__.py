"""Stores batches exactly once, takes them back and counts them again, whatever is killed when.

In comes a batch, or an order about one; out goes what became of it. What is done to a batch is a deed. A deed
writes to several tables (windows, ledger, their roll-ups, the record), in several parts each; the engine commits one
part at a time. So:

1. Everything that can fail without the store is done first: rows and record are made, the space is looked at.
2. The body is kept in `batch_body`, as received.
3. The deed is written to a journal, `batch_pending`, with a mark for each table: the highest block number the
   table has. Every part written later has a higher one.
4. Windows and roll-ups are filled from one staging table in memory, each by one statement that makes exactly one part
   in each partition it touches. To take a batch back, the same sums are written with the other sign, and its
   windows are deleted.
5. A row in `batch_change` says in which state the batch is now; the row in `batch` says that it is known, for
   ever, and a repetition is recognised by it. Only now is it acknowledged.
6. The journal is emptied.

Deeds are done one at a time. Whoever finds a journal that is not empty (after a kill, or after a statement that
failed half way) finishes that deed before anything else: a partition with a part above the mark has its rows
already; any other gets them. Then 5 and 6. What is decided by is the data itself. The engine's own memory of
insert tokens would not do: it is written apart from the part it speaks of, so a kill between the two makes it
remember a part that is not there, and it forgets after some inserts. Tokens are given all the same: on a server they
stop an insert that a connection repeated.

A deed that cannot be finished although the store answers is set aside, with the partitions that have it and why
(`batch_aside`): the batch is quarantined, everything else goes on, and it can be tried again.
"""

from caudal.service.ingest.ingest import Ingest
from caudal.service.ingest.outcomes import Accepted, Changed, Duplicate, Held, Order, State, unknown_batch
from caudal.service.ingest.space import Space
from caudal.service.ingest.tables import FACT_TABLES

__all__ = [
    "FACT_TABLES",
    "Accepted",
    "Changed",
    "Duplicate",
    "Held",
    "Ingest",
    "Order",
    "Space",
    "State",
    "unknown_batch",
]
