"""What a stream declares is checked before it is expanded: sizes, kinds of messages, where metadata may be."""

import json
import resource
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from caudal.contract.arrowstream import END, _message, open_stream
from caudal.contract.batch import FLOWS, LEDGER, BatchError, Column, decode_batch, encode_batch, schema
from caudal.contract.flatbuffer import FlatBufferError, FlatTable

from .test_batch import BODY, ORIGIN, table, wrong

METADATA = {b"caudal": json.dumps({"contract": 5, **asdict(ORIGIN)}).encode()}
MEASURED = """
import resource, sys, tracemalloc
from pathlib import Path
from caudal.contract.batch import BatchError, decode_batch
body = Path(sys.argv[1]).read_bytes()
try:
    decode_batch(body[:1000])
except BatchError:
    pass
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
tracemalloc.start()
try:
    decode_batch(body)
    said = "read"
except BatchError as error:
    said = str(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, tracemalloc.get_traced_memory()[1] >> 10, said)
"""


def zeros(columns: tuple[Column, ...], rows: int) -> pa.Table:
    """A table of zeros and empty texts, all columns in the same memory, which is never touched."""
    nothing = pa.py_buffer(np.zeros(rows + 1, "u8"))
    return pa.table(
        [
            pa.Array.from_buffers(
                c.arrow,
                rows,
                [None, nothing, pa.py_buffer(b"")] if pa.types.is_string(c.arrow) else [None, nothing],
            )
            for c in columns
        ],
        schema=schema(columns).with_metadata(METADATA if columns is FLOWS else None),
    )


def stream(rows: pa.Table, compression: str | None = None, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(
        sink, rows.schema, options=pa.ipc.IpcWriteOptions(compression=compression, **options)
    ) as writer:
        writer.write_table(rows)
    return bytes(sink.getvalue())


FLOWS_STREAM, LEDGER_STREAM = stream(table(FLOWS).replace_schema_metadata(METADATA)), stream(table(LEDGER))


@pytest.fixture(scope="module")
def bomb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Less than a megabyte that is 3 GB of zeros."""
    path = tmp_path_factory.mktemp("bomb") / "body"
    path.write_bytes(stream(zeros(FLOWS, 1 << 25), "zstd") + stream(zeros(LEDGER, 0)))
    assert path.stat().st_size < 1 << 20
    return path


def test_gigabytes_in_a_few_kilobytes_cost_nothing(bomb: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(bomb)], capture_output=True, text=True, check=True, timeout=120
    )
    grown_kib, traced_kib, said = done.stdout.split(maxsplit=2)
    assert said.strip() == (
        "the flows stream has too many rows: a record batch of 33554432 where at most 4000000 may follow; send smaller batches"
    )
    assert int(grown_kib) < 16 << 10
    assert int(traced_kib) < 4 << 10


def test_nor_do_they_within_the_limit_of_rows() -> None:
    """The texts of few rows are declared to be gigabytes."""
    body = bytearray(BODY)
    for offset, declared in list(prefixes(BODY)):
        struct.pack_into("<q", body, offset, 1 << 40)
        said = wrong(bytes(body))
        assert "has a buffer of 1099511627776 octets for 1 row;" in said
        struct.pack_into("<q", body, offset, declared)
    assert decode_batch(bytes(body)).id


@pytest.mark.parametrize("declared", [-(1 << 63), -2, 0, 1, 65, (1 << 63) - 1])
def test_a_declared_size_that_is_not_that_of_the_rows(declared: int) -> None:
    body = bytearray(BODY)
    offset, _ = next(prefixes(BODY))
    struct.pack_into("<q", body, offset, declared)
    assert (
        f"column window_start of the flows stream has a buffer of {declared} octets for 1 row; it has 8 to 64"
        in (wrong(bytes(body)))
    )


def test_a_size_that_is_not_what_comes_out() -> None:
    """Within what is allowed, but not what the compressed octets hold."""
    body = bytearray(BODY)
    offset, _ = next(prefixes(BODY))
    struct.pack_into("<q", body, offset, 16)
    assert "not a readable Arrow IPC stream" in wrong(bytes(body))


def prefixes(body: bytes) -> Iterator[tuple[int, int]]:
    """Where the declared sizes of compressed buffers are in a body, and what they are."""
    at = 0
    while at < len(body):
        message = _message(memoryview(body), at, "flows")
        if message is None:
            at += len(END)
            continue
        if message.header_type == 3:
            for offset, length in message.header.pairs(2, 100):
                if length > 8:
                    (declared,) = struct.unpack_from("<q", body, message.body + offset)
                    if declared != -1:
                        yield message.body + offset, declared
        at = message.next


def test_streams_that_are_not_compressed_are_read_as_well() -> None:
    assert decode_batch(FLOWS_STREAM + LEDGER_STREAM).flows.to_pylist() == table(FLOWS).to_pylist()


def test_another_compression_is_refused() -> None:
    body = stream(table(FLOWS).replace_schema_metadata(METADATA), "lz4") + LEDGER_STREAM
    assert wrong(body) == "the flows stream is compressed by another way than zstd; use zstd or none"


@pytest.mark.parametrize("rows", [0, 1, 7, 8, 9, 63, 64, 65, 1000, 4097])
@pytest.mark.parametrize("slices", [False, True])
def test_tables_of_every_length_are_read(rows: int, slices: bool) -> None:
    """Also those that are slices of others, and whose texts do not begin where their memory does."""
    many = pa.concat_tables([table(FLOWS, bytes=n, packets=n, folded=n % 3 == 0) for n in range(rows + 3)])
    whole = many.combine_chunks()
    part = whole.slice(3) if slices else whole.slice(0, rows)
    assert part.num_rows == rows
    read = decode_batch(encode_batch(ORIGIN, part, table(LEDGER)))
    assert read.flows.equals(part.replace_schema_metadata(read.flows.schema.metadata))
    plain = stream(part.replace_schema_metadata(METADATA)) + LEDGER_STREAM
    assert decode_batch(plain).flows.equals(read.flows)


def test_rows_are_those_of_both_streams() -> None:
    assert decode_batch(BODY, most_rows=2).id
    with pytest.raises(
        BatchError, match="the ledger stream has too many rows: a record batch of 1 where at most 0"
    ):
        decode_batch(BODY, most_rows=1)


def chunks(parts: int) -> bytes:
    rows = table(FLOWS).replace_schema_metadata(METADATA)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        for _ in range(parts):
            writer.write_table(rows)
    return bytes(sink.getvalue()) + LEDGER_STREAM


def test_messages_without_end() -> None:
    assert decode_batch(chunks(64)).flows.num_rows == 64
    assert wrong(chunks(65)) == "the flows stream has more than 64 messages; write it as one table"


def test_dictionaries_are_refused() -> None:
    coded = table(FLOWS).replace_schema_metadata(METADATA)
    at = coded.schema.get_field_index("direction")
    coded = coded.set_column(at, "direction", coded.column(at).dictionary_encode())
    assert "column 2 of the flows stream must be direction string; found 'direction' dictionary<" in wrong(
        stream(coded) + LEDGER_STREAM
    )


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.uint64()), pa.struct([("a", pa.uint64())]), pa.large_string(), pa.string_view(), pa.binary(),
        pa.decimal128(20), pa.timestamp("s", "America/Montevideo"), pa.null(),
    ],
    ids=str,
)  # fmt: skip
def test_other_types_are_refused(kind: pa.DataType) -> None:
    rows = table(FLOWS).replace_schema_metadata(METADATA)
    place = rows.schema.get_field_index("bytes")
    other = rows.set_column(place, pa.field("bytes", kind), pa.nulls(1, kind))
    assert f"column {place} of the flows stream must be bytes uint64; found 'bytes'" in wrong(
        stream(other) + LEDGER_STREAM
    )


def test_metadata_stand_in_one_place() -> None:
    rows = table(FLOWS).replace_schema_metadata(METADATA)
    more = rows.replace_schema_metadata({**METADATA, b"pandas": b"x"})
    assert "metadata besides b'caudal'" in wrong(stream(more) + LEDGER_STREAM)
    field = rows.schema.field(0).with_metadata({"a": "b"})
    assert wrong(stream(rows.cast(rows.schema.set(0, field))) + LEDGER_STREAM) == (
        "column window_start of the flows stream has metadata; no column has any"
    )
    ledger = table(LEDGER).replace_schema_metadata({"a": "b"})
    assert "the ledger stream has metadata" in wrong(FLOWS_STREAM + stream(ledger))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_batch(rows.to_batches()[0], custom_metadata={"a": "b"})
    assert wrong(bytes(sink.getvalue()) + LEDGER_STREAM) == (
        "the flows stream has metadata on a message; only its schema has some"
    )


def test_a_schema_of_megabytes_is_not_read() -> None:
    rows = table(FLOWS).replace_schema_metadata({**METADATA, b"x": b"x" * 100_000})
    assert "octets of metadata, of which 65536 are allowed" in wrong(stream(rows) + LEDGER_STREAM)


def test_names_that_are_no_text() -> None:
    body = bytearray(BODY)
    at = BODY.index(b"direction")
    body[at] = 0xFF
    assert "not a readable Arrow IPC stream" in wrong(bytes(body))


def test_versions_of_before() -> None:
    old = stream(table(FLOWS).replace_schema_metadata(METADATA), metadata_version=pa.ipc.MetadataVersion.V4)
    assert wrong(old + LEDGER_STREAM) == (
        "the flows stream is not of metadata version 5; write it with Arrow 1.0 or later"
    )


def test_a_file_is_no_stream() -> None:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table(FLOWS).schema) as writer:
        writer.write_table(table(FLOWS))
    assert "octet 0 of the body begins no message" in wrong(bytes(sink.getvalue()))


def test_buffers_outside_of_their_message() -> None:
    body = bytearray(FLOWS_STREAM + LEDGER_STREAM)
    opened = open_stream(memoryview(FLOWS_STREAM), 0, "flows")
    message = _message(opened.body, opened.batches, "flows")
    assert message is not None
    pairs = message.header.pairs(2, 100)
    at = FLOWS_STREAM.index(b"".join(struct.pack("<qq", *pair) for pair in pairs))
    for offset, length in ((-8, 8), (1 << 40, 8), ((1 << 63) - 1, 8), (0, 1 << 40), (0, -1)):
        struct.pack_into("<qq", body, at + 16, offset, length)
        assert "a buffer outside of its message" in wrong(bytes(body))


def test_a_table_of_octets_that_lead_nowhere() -> None:
    for octets in (b"", b"\0", b"\xff\xff\xff\xff", b"\4\0\0\0\xff\xff\xff\x7f", b"\4\0\0\0\0\0\0\x80"):
        with pytest.raises(FlatBufferError, match="outside"):
            FlatTable.root(memoryview(octets)).number(0, "<h")


def test_what_honest_batches_cost_is_what_they_hold() -> None:
    """The largest that collectors send: memory by the rows, not by the declarations."""
    rows = pa.concat_tables([table(FLOWS)] * 100_000).combine_chunks()
    body = encode_batch(ORIGIN, rows, table(LEDGER))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert decode_batch(body).flows.nbytes < 16 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 256 << 10
