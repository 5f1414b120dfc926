"""The batch: what leaves a collector, and the only thing of the collector that the service knows.

A batch is two Arrow IPC streams, one after the other: first flow aggregates, then the ledger of the
same collector. The schema metadata of the first carries who sent it. A batch is named by the SHA-256
of its bytes, so that a batch sent twice, however late, is the same batch, and a damaged one is none.

What a batch holds is a contract between collector and service, with a number (`columns.py`). A later one may add columns;
batches that follow an earlier one, such as those that waited in a spool for long, are read with the columns' defaults.
"""

import hashlib
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.ipc

from caudal.common.counted import counted
from caudal.contract.arrowstream import ArrowStream, Field, open_stream, printable
from caudal.contract.batchorigin import BatchOrigin, read_origin, write_origin
from caudal.contract.column import Column, of_contract, schema
from caudal.contract.columns import (
    BALANCE,
    CONTRACT_VERSION,
    FLOWS,
    LEDGER,
    LEDGER_COUNTS,
    MOST_SITES,
    balanced,
)
from caudal.contract.errors import BatchError

# What goes by the contract finds all of it here.
__all__ = [
    "BALANCE",
    "CONTRACT_VERSION",
    "FLOWS",
    "LEDGER",
    "LEDGER_COUNTS",
    "MEDIA_TYPE",
    "METADATA_KEY",
    "MOST_ROWS",
    "MOST_SITES",
    "Batch",
    "BatchError",
    "BatchOrigin",
    "Column",
    "balanced",
    "batch_id",
    "decode_batch",
    "encode_batch",
    "of_contract",
    "schema",
]

MEDIA_TYPE = "application/vnd.apache.arrow.stream"
METADATA_KEY = b"caudal"
# No batch has more rows in one of its streams; the service may be told to take fewer.
MOST_ROWS = 4_000_000


@dataclass(frozen=True)
class Batch:
    """A batch as read: its id (SHA-256 of its bytes, hex), origin, flow aggregates and ledger.

    `contract` is the one it followed when it was written; the tables have the columns of this one.
    """

    id: str
    origin: BatchOrigin
    flows: pa.Table
    ledger: pa.Table
    contract: int = CONTRACT_VERSION


def batch_id(body: bytes) -> str:
    """Return the name of the batch with these bytes: their SHA-256 in hex."""
    return hashlib.sha256(body).hexdigest()


def encode_batch(origin: BatchOrigin, flows: pa.Table, ledger: pa.Table) -> bytes:
    """Return the bytes of a batch; the tables must have the declared schemas."""
    metadata = {METADATA_KEY: write_origin(CONTRACT_VERSION, origin)}
    sink = pa.BufferOutputStream()
    options = pyarrow.ipc.IpcWriteOptions(compression="zstd")
    for table, columns, extra in ((flows, FLOWS, metadata), (ledger, LEDGER, None)):
        declared = schema(columns)
        if not table.schema.equals(declared):
            raise BatchError(f"table does not have the declared schema: {table.schema} is not {declared}")
        with pyarrow.ipc.new_stream(sink, declared.with_metadata(extra), options=options) as writer:
            writer.write_table(table.combine_chunks())
    return bytes(sink.getvalue())


def decode_batch(body: bytes, most_rows: int = MOST_ROWS) -> Batch:
    """Read and validate a batch; raise BatchError with one line that says what is wrong.

    It may have `most_rows` rows in all. What the streams declare is checked before anything is expanded.
    """
    octets = memoryview(body)
    stream = open_stream(octets, 0, "flows")
    contract, origin = _origin(stream.schema.metadata or {})
    flows, flows_end = _read(stream, FLOWS, contract, most_rows)
    stream = open_stream(octets, flows_end, "ledger")
    if stream.schema.metadata:
        raise BatchError("the ledger stream has metadata; those of a batch are on its flows stream")
    ledger, end = _read(stream, LEDGER, contract, most_rows - flows.num_rows)
    if end != len(body):
        raise BatchError(f"{len(body) - end} bytes follow the ledger; a batch is two Arrow IPC streams")
    return Batch(batch_id(body), origin, flows, ledger, contract)


def _read(
    stream: ArrowStream, declared: tuple[Column, ...], contract: int, most_rows: int
) -> tuple[pa.Table, int]:
    """Return a stream as a table that has the columns of this contract, and where the stream ends."""
    columns = of_contract(declared, contract)
    _check_schema(stream, columns)
    fields = [Field(c.name, c.arrow, max(map(len, c.values), default=c.longest)) for c in columns]
    rows, end = stream.measure(fields, most_rows)
    table = stream.read(end)
    if table.num_rows != rows:
        raise BatchError(f"the {stream.name} stream has {counted(table.num_rows, 'row')} and declares {rows}")
    for column in columns:
        _check_values(table.column(column.name), stream.name, column)
    for position, column in enumerate(declared):
        if column.since > contract:
            unsaid = pa.repeat(pa.scalar(column.default, column.arrow), table.num_rows)
            table = table.add_column(position, pa.field(column.name, column.arrow, nullable=False), unsaid)
    return table, end


def _check_schema(stream: ArrowStream, columns: tuple[Column, ...]) -> None:
    found = list(stream.schema)
    for position, column in enumerate(columns):
        have = found[position] if position < len(found) else None
        if have is None or have.name != column.name or have.type != column.arrow:
            seen = "nothing" if have is None else f"{have.name!a:.80} {printable(str(have.type), 80)}"
            raise BatchError(
                f"column {position} of the {stream.name} stream must be {column.name} {column.arrow}; found {seen}"
            )
        if have.metadata:
            raise BatchError(
                f"column {column.name} of the {stream.name} stream has metadata; no column has any"
            )
    if len(found) != len(columns):
        raise BatchError(f"the {stream.name} stream has {len(found)} columns; {len(columns)} are declared")


def _check_values(values: pa.ChunkedArray, stream: str, column: Column) -> None:
    if values.null_count:
        raise BatchError(
            f"column {column.name} of the {stream} stream holds {values.null_count} nulls; none may be null"
        )
    if column.values:
        for value in values.unique().to_pylist():
            if value not in column.values:
                raise BatchError(
                    f"column {column.name} of the {stream} stream holds {value!a:.80}; "
                    f"it must be one of {', '.join(column.values)}"
                )
    if column.most is not None and (different := len(values.unique())) > column.most:
        raise BatchError(
            f"column {column.name} of the {stream} stream holds {different} different texts; it may hold {column.most}"
        )


def _origin(metadata: dict[bytes, bytes]) -> tuple[int, BatchOrigin]:
    """Return the contract that a batch follows, and who sent it."""
    if METADATA_KEY not in metadata:
        raise BatchError(f"the flows stream has no metadata {METADATA_KEY!r}; it says who sent the batch")
    if len(metadata) > 1:
        raise BatchError(f"the flows stream has metadata besides {METADATA_KEY!r}; leave them out")
    return read_origin(metadata[METADATA_KEY], CONTRACT_VERSION)
