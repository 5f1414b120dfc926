"""The batch: what leaves a collector, and the only thing of the collector that the service knows.

A batch is two Arrow IPC streams, one after the other: first flow aggregates, then the ledger of the
same collector. The schema metadata of the first carries who sent it. A batch is named by the SHA-256
of its bytes, so that a batch sent twice, however late, is the same batch, and a damaged one is none.

What a batch holds is a contract between collector and service, with a number. A later one may add counts;
batches that follow an earlier one, such as those that waited in a spool for long, are read with 0 for them.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

import pyarrow as pa
import pyarrow.ipc

CONTRACT_VERSION = 2
MEDIA_TYPE = "application/vnd.apache.arrow.stream"
METADATA_KEY = b"caudal"
_END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"

UNKNOWN_COUNTRY = "ZZ"
DIRECTIONS = ("out", "in", "internal", "transit")
LOCATION_RUNGS = ("operator", "cloud", "anycast", "database", "disagreement", "unknown")
TRANSPORTS = ("tcp", "udp", "other", "any")
SAMPLING_FROM = ("record", "options", "config", "assumed", "unsampled", "mixed")

Kind = Literal["key", "sum"]


@dataclass(frozen=True)
class Column:
    """One column of a batch: its name, Arrow and ClickHouse types, whether it is a key or a sum, its meaning.

    `values` is the closed set of a text column, where it has one; `since` the first contract that has the
    column. One that came later is a sum.
    """

    name: str
    arrow: pa.DataType
    clickhouse: str
    kind: Kind
    meaning: str
    values: tuple[str, ...] = ()
    since: int = 1


_TIME = pa.timestamp("s", tz="UTC")
_TEXT = "LowCardinality(String)"

FLOWS: tuple[Column, ...] = (
    Column("window_start", _TIME, "DateTime('UTC')", "key", "start of the window in which the flow ended"),
    Column("window_seconds", pa.uint32(), "UInt32", "key", "length of the window"),
    Column(
        "direction",
        pa.string(),
        _TEXT,
        "key",
        "out: from a home prefix; in: to one; internal: both ends; transit: neither (no remote is kept)",
        DIRECTIONS,
    ),
    Column(
        "remote_asn", pa.uint32(), "UInt32", "key", "autonomous system of the far end; 0 unknown or folded"
    ),
    Column("remote_country", pa.string(), _TEXT, "key", "ISO 3166-1 alpha-2 of the far end; ZZ unknown"),
    Column(
        "location_rung",
        pa.string(),
        _TEXT,
        "key",
        "which rung of the location ladder answered remote_country",
        LOCATION_RUNGS,
    ),
    Column("service", pa.string(), _TEXT, "key", "platform id where DNS or SNI named one; empty otherwise"),
    Column("ip_version", pa.uint8(), "UInt8", "key", "4 or 6; 0 where folded"),
    Column("transport", pa.string(), _TEXT, "key", "tcp, udp, other; any where folded", TRANSPORTS),
    Column(
        "sampling_from",
        pa.string(),
        _TEXT,
        "key",
        "how the sampling rate was known; assumed means that none was and 1 was taken",
        SAMPLING_FROM,
    ),
    Column("folded", pa.bool_(), "Bool", "key", "several cells below k local hosts, added up"),
    Column("bytes", pa.uint64(), "UInt64", "sum", "IP bytes, corrected for sampling"),
    Column("packets", pa.uint64(), "UInt64", "sum", "packets, corrected for sampling"),
    Column("flows", pa.uint64(), "UInt64", "sum", "flow records, as received"),
    Column(
        "bytes_variance",
        pa.float64(),
        "Float64",
        "sum",
        "sampling variance of bytes: N(N-1) times the squares of packet sizes, for packets sampled 1:N; 0 unsampled",
    ),
)


def _count(name: str, meaning: str, since: int = 1) -> Column:
    return Column(name, pa.int64(), "Int64", "sum", meaning, since=since)


LEDGER: tuple[Column, ...] = (
    Column("exporter", pa.string(), _TEXT, "key", "configured name, or a keyed pseudonym of its address"),
    Column("window_start", _TIME, "DateTime('UTC')", "key", "window of the export time"),
    Column("window_seconds", pa.uint32(), "UInt32", "key", "length of the window"),
    _count("datagrams", "datagrams received (for captures: packets read)"),
    _count("received", "data records received; a set still waiting or unreadable counts as one"),
    _count("decoded", "records decoded"),
    _count("waiting", "sets waiting for their template"),
    _count("malformed", "records, sets or datagrams that could not be read"),
    _count("filtered", "records left out by the operator's rules"),
    _count("aggregated", "records counted in flow aggregates"),
    _count("events", "records that carry no traffic (NAT and firewall events)"),
    _count(
        "lost",
        "data records missing by the protocol's own count: sequence numbers (v5, v7, IPFIX; of samples in sFlow), "
        "and samples that an sFlow agent dropped",
    ),
    _count("lost_datagrams", "datagrams missing by sequence numbers (v9, sFlow)"),
    _count("kernel_drops", "datagrams the kernel dropped at the collector's socket"),
    _count("sampling_record", "decoded records whose sampling rate was in the export itself"),
    _count("sampling_options", "… came from an options record"),
    _count("sampling_config", "… came from the collector's configuration"),
    _count("sampling_assumed", "… was not known: 1 was assumed"),
    _count("sampling_unsampled", "… packets metered by the collector itself, every one of them"),
    _count(
        "interface_unknown",
        "records counted although it was not told, or not known, which interface they crossed: "
        "another router may have them, too",
        since=2,
    ),
)

LEDGER_COUNTS: tuple[str, ...] = tuple(column.name for column in LEDGER if column.kind == "sum")


class BatchError(ValueError):
    """A batch that cannot be read: the message says what is wrong and where."""


@dataclass(frozen=True)
class BatchOrigin:
    """Who sent a batch, and how it was made."""

    collector: str
    operator: str
    economy: str
    created: str
    sequence: str
    software: str
    synthetic: bool = False


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


def of_contract(columns: tuple[Column, ...], contract: int) -> tuple[Column, ...]:
    """Return the columns of a declaration that a contract has."""
    return tuple(column for column in columns if column.since <= contract)


def schema(columns: tuple[Column, ...]) -> pa.Schema:
    """Return the Arrow schema of a declaration."""
    return pa.schema([pa.field(c.name, c.arrow, nullable=False) for c in columns])


def batch_id(body: bytes) -> str:
    """Return the name of the batch with these bytes: their SHA-256 in hex."""
    return hashlib.sha256(body).hexdigest()


def encode_batch(origin: BatchOrigin, flows: pa.Table, ledger: pa.Table) -> bytes:
    """Return the bytes of a batch; the tables must have the declared schemas."""
    metadata = {METADATA_KEY: json.dumps({"contract": CONTRACT_VERSION, **asdict(origin)}).encode()}
    sink = pa.BufferOutputStream()
    options = pyarrow.ipc.IpcWriteOptions(compression="zstd")
    for table, columns, extra in ((flows, FLOWS, metadata), (ledger, LEDGER, None)):
        declared = schema(columns)
        if not table.schema.equals(declared):
            raise BatchError(f"table does not have the declared schema: {table.schema} is not {declared}")
        with pyarrow.ipc.new_stream(sink, declared.with_metadata(extra), options=options) as writer:
            writer.write_table(table.combine_chunks())
    return bytes(sink.getvalue())


def decode_batch(body: bytes) -> Batch:
    """Read and validate a batch; raise BatchError with one line that says what is wrong."""
    source = pa.BufferReader(body)
    flows = _read_stream(source, "flows")
    contract, origin = _origin(flows.schema.metadata or {})
    flows = _conforming(flows, "flows", FLOWS, contract)
    ledger = _conforming(_read_stream(source, "ledger"), "ledger", LEDGER, contract)
    if source.tell() != len(body):
        raise BatchError(
            f"{len(body) - source.tell()} bytes follow the ledger; a batch is two Arrow IPC streams"
        )
    # Arrow reads a stream whose end is missing; cut there, a batch would be another batch, and count twice.
    if not body.endswith(_END_OF_STREAM):
        raise BatchError("the ledger stream has no end; the body was cut: send it again")
    return Batch(batch_id(body), origin, flows, ledger, contract)


def _read_stream(source: Any, name: str) -> pa.Table:
    try:
        with pyarrow.ipc.open_stream(source) as reader:
            table = reader.read_all()
            table.validate(full=True)
            return table
    except (pa.ArrowException, UnicodeDecodeError, OSError, EOFError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BatchError(f"the {name} stream is not a readable Arrow IPC stream: {reason}") from error


def _conforming(table: pa.Table, name: str, declared: tuple[Column, ...], contract: int) -> pa.Table:
    """Return a table that has the columns of its contract, and no others, with those of this one."""
    columns = of_contract(declared, contract)
    for position, column in enumerate(columns):
        have = table.schema.field(position) if position < table.num_columns else None
        if have is None or have.name != column.name or have.type != column.arrow:
            found = "nothing" if have is None else f"{have.name!r:.80} {have.type!s:.80}"
            raise BatchError(
                f"column {position} of the {name} stream must be {column.name} {column.arrow}; found {found}"
            )
        _check_values(table.column(position), name, column)
    if table.num_columns != len(columns):
        raise BatchError(f"the {name} stream has {table.num_columns} columns; {len(columns)} are declared")
    for position, column in enumerate(declared):
        if column.since > contract:
            nothing = pa.repeat(pa.scalar(0, column.arrow), table.num_rows)
            table = table.add_column(position, pa.field(column.name, column.arrow, nullable=False), nothing)
    return table


def _check_values(values: pa.ChunkedArray, stream: str, column: Column) -> None:
    if values.null_count:
        raise BatchError(
            f"column {column.name} of the {stream} stream holds {values.null_count} nulls; none may be null"
        )
    if column.values:
        for value in values.unique().to_pylist():
            if value not in column.values:
                raise BatchError(
                    f"column {column.name} of the {stream} stream holds {value!r}; "
                    f"it must be one of {', '.join(column.values)}"
                )


def _origin(metadata: dict[bytes, bytes]) -> tuple[int, BatchOrigin]:
    """Return the contract that a batch follows, and who sent it."""
    try:
        fields = json.loads(metadata[METADATA_KEY])
        contract = fields.pop("contract")
        if contract not in range(1, CONTRACT_VERSION + 1):
            raise BatchError(
                f"the batch follows contract {contract}; this version reads contracts up to {CONTRACT_VERSION}: "
                "install a newer one"
            )
        origin = BatchOrigin(**fields)
        datetime.fromisoformat(origin.created)
    except KeyError as error:
        raise BatchError(f"the flows stream has no metadata {error}; it says who sent the batch") from error
    except (TypeError, ValueError, AttributeError) as error:
        if isinstance(error, BatchError):
            raise
        raise BatchError(f"the metadata of the flows stream cannot be read: {error}") from error
    return int(contract), origin
