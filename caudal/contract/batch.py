"""The batch: what leaves a collector, and the only thing of the collector that the service knows.

A batch is two Arrow IPC streams, one after the other: first flow aggregates, then the ledger of the
same collector. The schema metadata of the first carries who sent it. A batch is named by the SHA-256
of its bytes, so that a batch sent twice, however late, is the same batch, and a damaged one is none.

What a batch holds is a contract between collector and service, with a number. A later one may add counts;
batches that follow an earlier one, such as those that waited in a spool for long, are read with 0 for them.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.ipc

from caudal.contract.arrowstream import ArrowStream, Field, open_stream, printable
from caudal.contract.batchorigin import BatchOrigin, read_origin, write_origin
from caudal.contract.errors import BatchError

# What goes by the contract finds all of it here.
__all__ = [
    "BALANCE",
    "CONTRACT_VERSION",
    "DIRECTIONS",
    "FLOWS",
    "LEDGER",
    "LEDGER_COUNTS",
    "LOCATION_RUNGS",
    "MEDIA_TYPE",
    "METADATA_KEY",
    "MOST_ROWS",
    "SAMPLING_FROM",
    "TRANSPORTS",
    "UNKNOWN_COUNTRY",
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

CONTRACT_VERSION = 4
MEDIA_TYPE = "application/vnd.apache.arrow.stream"
METADATA_KEY = b"caudal"
# No batch has more rows in one of its streams; the service may be told to take fewer.
MOST_ROWS = 4_000_000

UNKNOWN_COUNTRY = "ZZ"
DIRECTIONS = ("out", "in", "internal", "transit")
LOCATION_RUNGS = ("operator", "cloud", "anycast", "database", "disagreement", "unknown")
TRANSPORTS = ("tcp", "udp", "other", "any")
SAMPLING_FROM = ("record", "options", "config", "assumed", "unsampled", "mixed")

Kind = Literal["key", "sum"]


@dataclass(frozen=True)
class Column:
    """One column of a batch: its name, Arrow and ClickHouse types, whether it is a key or a sum, its meaning.

    `values` is the closed set of a text column, and `longest` the most octets of a text where there is no such set,
    beyond which nothing is read; `since` is the first contract that has the column. One that came later is a sum.
    """

    name: str
    arrow: pa.DataType
    clickhouse: str
    kind: Kind
    meaning: str
    values: tuple[str, ...] = ()
    since: int = 1
    longest: int = 64


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
    Column(
        "remote_country",
        pa.string(),
        _TEXT,
        "key",
        "ISO 3166-1 alpha-2 of the far end; ZZ unknown",
        longest=8,
    ),
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
    Column(
        "packets",
        pa.uint64(),
        "UInt64",
        "sum",
        "packets, corrected for sampling; where an exporter tells none, the fewest that hold the bytes",
    ),
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
    Column(
        "exporter",
        pa.string(),
        _TEXT,
        "key",
        "configured name, or a keyed pseudonym of its address",
        longest=512,
    ),
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
    _count(
        "counts_implausible",
        "records whose octets or packets no IP traffic can have, or this exporter cannot carry: in no sum",
        since=3,
    ),
    _count(
        "rate_implausible",
        "records whose exporter states a sampling rate that is not believed: the configured one was taken, "
        "else what it had stated before, else none",
        since=3,
    ),
    _count(
        "time_implausible",
        "records whose times are not believed: they count as ended when they were exported",
        since=3,
    ),
    _count(
        "clock_implausible",
        "datagrams whose export time is not believed: that of their receipt was taken",
        since=3,
    ),
    _count("sums_saturated", "records that found no more room in a sum, which stands at its limit", since=3),
    _count(
        "repeated",
        "records that tell again what was counted before, such as a total after its parts: in no sum",
        since=4,
    ),
    _count(
        "without_counts",
        "records of traffic, and of no event, that tell neither octets nor packets: in no sum",
        since=4,
    ),
    _count(
        "not_read",
        "sampled packets in which no IP header was found that holds together: other protocols, or cut short",
        since=4,
    ),
    _count(
        "templates_redefined",
        "templates that came with another layout than before under the same number: where this goes on, "
        "several exporters stand behind one address",
        since=4,
    ),
    _count(
        "duplicated_datagrams",
        "datagrams that the capture holds more than once: read once, and counted in nothing else",
        since=4,
    ),
)

LEDGER_COUNTS: tuple[str, ...] = tuple(column.name for column in LEDGER if column.kind == "sum")
# What each of these counts is the sum of: nothing is lost without being counted.
BALANCE: Mapping[str, tuple[str, ...]] = {
    "received": ("decoded", "waiting", "malformed", "filtered"),
    "decoded": ("aggregated", "events", "counts_implausible", "repeated", "without_counts", "not_read"),
}


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


def balanced(counts: Mapping[str, int]) -> bool:
    """Return whether counts of a ledger, by their names, add up as BALANCE says."""
    return all(counts[whole] == sum(counts[part] for part in parts) for whole, parts in BALANCE.items())


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
        raise BatchError(f"the {stream.name} stream has {table.num_rows} rows and declares {rows}")
    for column in columns:
        _check_values(table.column(column.name), stream.name, column)
    for position, column in enumerate(declared):
        if column.since > contract:
            nothing = pa.repeat(pa.scalar(0, column.arrow), table.num_rows)
            table = table.add_column(position, pa.field(column.name, column.arrow, nullable=False), nothing)
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


def _origin(metadata: dict[bytes, bytes]) -> tuple[int, BatchOrigin]:
    """Return the contract that a batch follows, and who sent it."""
    if METADATA_KEY not in metadata:
        raise BatchError(f"the flows stream has no metadata {METADATA_KEY!r}; it says who sent the batch")
    if len(metadata) > 1:
        raise BatchError(f"the flows stream has metadata besides {METADATA_KEY!r}; leave them out")
    return read_origin(metadata[METADATA_KEY], CONTRACT_VERSION)
