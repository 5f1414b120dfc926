"""Stores a batch as the versions before 0007 did: journal with its body, windows, views that fill roll-ups, record."""

from datetime import UTC, datetime

import polars as pl
import pyarrow as pa

from caudal.contract.batch import FLOWS, LEDGER, Batch, decode_batch, of_contract
from caudal.service.store.store import Store

TABLES = ("flow_window", "flow_hour", "flow_day", "flow_month", "ledger_window", "ledger_day")


def store_as_before(store: Store, body: bytes, received_at: datetime) -> None:
    """Store a batch; what fails half way leaves the journal as it was left."""
    batch = decode_batch(body)
    store.insert("batch_pending", journal(store, batch, received_at, body))
    for table, rows in window_rows(batch, received_at).items():
        if rows.num_rows:
            store.insert(table, rows, token=batch.id)
    store.insert("batch", record(batch, received_at), token=batch.id)
    store.command("TRUNCATE TABLE batch_pending")


def journal(store: Store, batch: Batch, received_at: datetime, body: bytes) -> pa.Table:
    marks = store.frame(
        "SELECT table, max(max_block_number) AS block FROM system.parts "
        "WHERE database = currentDatabase() AND has({tables:Array(String)}, table) GROUP BY table",
        {"tables": list(TABLES)},
    ).rows()
    return pa.table(
        {
            "batch_id": [batch.id],
            "received_at": pa.array([received_at], pa.timestamp("s", tz="UTC")),
            "marks": pa.array([marks], pa.map_(pa.string(), pa.int64())),
            "body": pa.array([body], pa.binary()),
        }
    )


def window_rows(batch: Batch, received_at: datetime) -> dict[str, pa.Table]:
    answer = {}
    for table, rows, declared in (
        ("flow_window", batch.flows, FLOWS),
        ("ledger_window", batch.ledger, LEDGER),
    ):
        # Those versions knew no contract after the second.
        columns = [column.name for column in of_contract(declared, min(batch.contract, 2))]
        extended = rows.select(columns).replace_schema_metadata(None)
        for name in ("economy", "operator", "collector"):
            value = pa.scalar(getattr(batch.origin, name), pa.string())
            extended = extended.append_column(name, pa.repeat(value, rows.num_rows))
        received = pa.scalar(received_at.astimezone(UTC), pa.timestamp("s", tz="UTC"))
        answer[table] = extended.append_column("received_at", pa.repeat(received, rows.num_rows))
    return answer


def record(batch: Batch, received_at: datetime) -> pa.Table:
    sums = pl.DataFrame(pl.from_arrow(batch.flows.select(["bytes", "packets", "flows"]))).sum()
    origin = batch.origin
    text = ("collector", "operator", "economy", "created", "sequence", "software")
    return pa.table(
        {
            "batch_id": [batch.id],
            **{name: [str(getattr(origin, name))] for name in text},
            "received_at": pa.array([received_at], pa.timestamp("s", tz="UTC")),
            "synthetic": [bool(origin.synthetic)],
            "rows": pa.array([batch.flows.num_rows], pa.uint64()),
            **{name: pa.array([sums[name][0] or 0], pa.uint64()) for name in ("flows", "bytes", "packets")},
        }
    )
