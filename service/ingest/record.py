"""The permanent record of a batch: who sent it, when, with which software, how much it carries."""

import io
import json
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc

from caudal.contract.batch import (
    CONTRACT_VERSION,
    FLOWS,
    LEDGER,
    METADATA_KEY,
    Batch,
    BatchError,
    BatchOrigin,
    batch_id,
    decode_batch,
    schema,
)

# Longer than any name or version that means something.
_MOST_LETTERS = 200


def record_of(batch: Batch, received_at: datetime) -> pa.Table:
    """Return the row of `batch`; whatever its metadata hold, there is one."""
    origin = batch.origin
    return pa.table(
        {
            "batch_id": [batch.id],
            "collector": [text(origin.collector)],
            "operator": [text(origin.operator)],
            "economy": [text(origin.economy)],
            "received_at": pa.array([received_at.astimezone(UTC)], pa.timestamp("s", tz="UTC")),
            "created": [text(origin.created)],
            "sequence": [text(origin.sequence)],
            "software": [text(origin.software)],
            "synthetic": [bool(origin.synthetic)],
            "rows": pa.array([batch.flows.num_rows], pa.uint64()),
            # As text: what 64 bits cannot hold goes in whole.
            **{name: [str(_sum(batch.flows, name))] for name in ("flows", "bytes", "packets")},
        }
    )


def months_of(batch: Batch) -> tuple[str, ...]:
    """Return the months (YYYY-MM) that a batch speaks of, in order."""
    starts = pa.chunked_array(
        [*batch.flows.column("window_start").chunks, *batch.ledger.column("window_start").chunks],
        pa.timestamp("s", tz="UTC"),
    )
    months = pl.Series(pl.from_arrow(starts)).dt.strftime("%Y-%m")
    return tuple(months.unique().sort())


def read_kept(body: bytes) -> Batch:
    """Return a batch that was taken once, also where today's contract would refuse its metadata."""
    try:
        return decode_batch(body)
    except BatchError:
        source = io.BytesIO(body)
        flows = pyarrow.ipc.open_stream(source).read_all()
        ledger = pyarrow.ipc.open_stream(source).read_all()
        metadata = json.loads((flows.schema.metadata or {})[METADATA_KEY])
        contract = int(metadata.pop("contract", CONTRACT_VERSION))
        named = {each.name: text(metadata.get(each.name, "")) for each in fields(BatchOrigin)}
        del named["synthetic"]
        origin = BatchOrigin(**named, synthetic=bool(metadata.get("synthetic", False)))
        return Batch(batch_id(body), origin, _whole(flows, FLOWS), _whole(ledger, LEDGER), contract)


def text(value: object) -> str:
    """Return anything as text that can be stored: encodable, printable, of bounded length."""
    encodable = str(value)[:_MOST_LETTERS].encode("utf-8", "replace").decode()
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in encodable)


def _sum(table: pa.Table, name: str) -> int:
    # Halves of 32 bits: none of the two sums can wrap.
    column = table.column(name)
    low = pc.sum(pc.bit_wise_and(column, pa.scalar(0xFFFFFFFF, pa.uint64()))).as_py() or 0
    high = pc.sum(pc.shift_right(column, pa.scalar(32, pa.uint64()))).as_py() or 0
    return int(high << 32) + int(low)


def _whole(table: pa.Table, declared: Any) -> pa.Table:
    """Return a table with every declared column, 0 where it has none."""
    columns = [
        table.column(c.name)
        if c.name in table.column_names
        else pa.repeat(pa.scalar(0, c.arrow), table.num_rows)
        for c in declared
    ]
    return pa.Table.from_arrays(columns, schema=schema(declared))
