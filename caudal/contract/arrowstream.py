"""An Arrow IPC stream of a batch, measured before it is read: what it declares, and what it would take to hold it.

A stream of a few kilobytes can declare gigabytes: of compressed buffers, the declared sizes are what a reader
allocates. So the messages are walked first, headers only (Message.fbs and Schema.fbs of Arrow's columnar format, metadata
version 5): a schema, record batches, an end. What is not needed for a batch is refused: dictionaries, tensors, metadata
anywhere but on the schema, other compressions than zstd, buffers that are not as long as rows and columns make them.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.ipc

from caudal.common.counted import counted
from caudal.contract.errors import BatchError
from caudal.contract.flatbuffer import FlatBufferError, FlatTable

END: Final = b"\xff\xff\xff\xff\0\0\0\0"
MOST_MESSAGES: Final = 64
_CONTINUES: Final = END[:4]
_MOST_METADATA: Final = 64 << 10

_VERSION_5: Final = 4
_SCHEMA, _RECORD_BATCH = 1, 3
_HEADERS: Final = {2: "a dictionary", 4: "a tensor", 5: "a sparse tensor"}
# Fields of a Message, and of what it may hold, in the order of their declaration.
_MESSAGE_VERSION, _HEADER_TYPE, _HEADER, _BODY_LENGTH, _MESSAGE_METADATA = range(5)
_LENGTH, _NODES, _BUFFERS, _COMPRESSION, _VARIADIC = range(5)
_CODEC, _METHOD = range(2)
_ENDIANNESS: Final = 0
_ZSTD: Final = 1


@dataclass(frozen=True)
class Field:
    """A column of a stream: its name, Arrow type, and the most octets that a text of it may have."""

    name: str
    arrow: pa.DataType
    longest: int = 0


@dataclass(frozen=True)
class _Message:
    """A message: its header, where its body begins in the whole, and where the next message begins."""

    header_type: int
    header: FlatTable
    body: int
    next: int


@dataclass(frozen=True)
class ArrowStream:
    """A stream within a body: its name, schema, where it begins and where its first record batch does."""

    body: memoryview
    name: str
    start: int
    schema: pa.Schema
    batches: int

    def measure(self, fields: Sequence[Field], most_rows: int) -> tuple[int, int]:
        """Return the number of rows that the stream declares and the offset of its end; raise BatchError for what no batch has.

        `fields` are its columns, as the schema has them. Nothing is expanded.
        """
        rows, at, messages = 0, self.batches, 0
        while (message := _message(self.body, at, self.name)) is not None:
            messages += 1
            if messages > MOST_MESSAGES:
                raise BatchError(
                    f"the {self.name} stream has more than {MOST_MESSAGES} messages; write it as one table"
                )
            if message.header_type != _RECORD_BATCH:
                found = _HEADERS.get(message.header_type, f"a message of type {message.header_type}")
                raise BatchError(
                    f"the {self.name} stream holds {found}; after the schema come record batches only"
                )
            try:
                rows += self._rows_of(message, fields, most_rows - rows)
            except FlatBufferError as error:
                raise _unreadable(self.name, f"a record batch: {error}") from error
            at = message.next
        return rows, at + len(END)

    def read(self, end: int) -> pa.Table:
        """Return the table; the stream was measured and ends at `end`."""
        try:
            with pyarrow.ipc.open_stream(pa.py_buffer(self.body[self.start : end])) as reader:
                table = reader.read_all()
                table.validate(full=True)
                return table
        except (pa.ArrowException, UnicodeDecodeError, OSError, EOFError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise _unreadable(self.name, reason) from error

    def _rows_of(self, message: _Message, fields: Sequence[Field], most_rows: int) -> int:
        batch = message.header
        rows = batch.number(_LENGTH, "<q")
        if not 0 <= rows <= most_rows:
            raise BatchError(
                f"the {self.name} stream has {'a negative number of' if rows < 0 else 'too many'} rows: a record batch "
                f"of {rows} where at most {most_rows} may follow; send smaller batches"
            )
        compressed = batch.has(_COMPRESSION)
        if compressed:
            how = batch.table(_COMPRESSION)
            if (how.number(_CODEC, "<b"), how.number(_METHOD, "<b")) != (_ZSTD, 0):
                raise BatchError(
                    f"the {self.name} stream is compressed by another way than zstd; use zstd or none"
                )
        nodes = batch.pairs(_NODES, len(fields))
        buffers = batch.pairs(_BUFFERS, 3 * len(fields))
        count = sum(3 if pa.types.is_string(field.arrow) else 2 for field in fields)
        if (len(nodes), len(buffers)) != (len(fields), count) or batch.has(_VARIADIC):
            raise BatchError(
                f"a record batch of the {self.name} stream has {len(nodes)} columns in {len(buffers)} buffers; "
                f"{len(fields)} columns in {count} are declared"
            )
        each = iter(buffers)
        for field, (length, nulls) in zip(fields, nodes, strict=True):
            if length != rows:
                raise BatchError(
                    f"column {field.name} of the {self.name} stream has {length} of {rows} rows; all columns have as many"
                )
            if nulls:
                raise BatchError(
                    f"column {field.name} of the {self.name} stream holds {nulls} nulls; none may be null"
                )
            for least, most in _sizes(field, rows):
                size = self._size(message, *next(each), compressed)
                if not least <= size <= most:
                    raise BatchError(
                        f"column {field.name} of the {self.name} stream has a buffer of {size} octets for {counted(rows, 'row')}; "
                        f"it has {least} to {most}"
                    )
        return rows

    def _size(self, message: _Message, offset: int, length: int, compressed: bool) -> int:
        """Return the octets that a buffer declares to have once it is expanded."""
        room = message.next - message.body
        if offset < 0 or length < 0 or offset + length > room:
            raise BatchError(
                f"the {self.name} stream has a buffer outside of its message; the body was damaged"
            )
        if not compressed or not length:
            return length
        if length < 8:
            raise BatchError(
                f"the {self.name} stream has a compressed buffer without a size; the body was damaged"
            )
        (size,) = struct.unpack_from("<q", self.body, message.body + offset)
        # −1: this buffer was left as it was.
        return length - 8 if size == -1 else int(size)


def printable(text: str, most: int) -> str:
    """Return a text that Arrow made of foreign octets as one line may hold it: ASCII, and cut to `most` characters."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text[:most])


def open_stream(body: memoryview, start: int, name: str) -> ArrowStream:
    """Return the stream that begins at `start`, its schema read; raise BatchError where there is none."""
    message = _message(body, start, name)
    if message is None or message.header_type != _SCHEMA:
        raise _unreadable(name, "it does not begin with a schema")
    if message.next != message.body:
        raise _unreadable(name, "its schema has a body")
    try:
        if message.header.number(_ENDIANNESS, "<h"):
            raise BatchError(f"the {name} stream is big-endian; write it little-endian")
        schema = pyarrow.ipc.read_schema(pa.py_buffer(body[start : message.next]))
        # Names and types are text, which is decoded only when asked for.
        _ = [(field.name, str(field.type)) for field in schema]
    except FlatBufferError as error:
        raise _unreadable(name, f"its schema: {error}") from error
    except (pa.ArrowException, UnicodeDecodeError, OSError, EOFError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise _unreadable(name, reason) from error
    return ArrowStream(body, name, start, schema, message.next)


def _message(body: memoryview, at: int, name: str) -> _Message | None:
    """Return the message at a position; None at the end of the stream."""
    if at + len(END) > len(body):
        raise BatchError(f"the {name} stream has no end; the body was cut: send it again")
    if body[at : at + 4] != _CONTINUES:
        raise _unreadable(name, f"octet {at} of the body begins no message")
    (size,) = struct.unpack_from("<i", body, at + 4)
    if size == 0:
        return None
    begin = at + 8
    if not 0 < size <= _MOST_METADATA:
        raise _unreadable(
            name, f"a message has {size} octets of metadata, of which {_MOST_METADATA} are allowed"
        )
    if begin + size > len(body):
        raise BatchError(f"the {name} stream has no end; the body was cut: send it again")
    try:
        table = FlatTable.root(body[begin : begin + size])
        if table.number(_MESSAGE_VERSION, "<h") != _VERSION_5:
            raise BatchError(
                f"the {name} stream is not of metadata version 5; write it with Arrow 1.0 or later"
            )
        if table.has(_MESSAGE_METADATA):
            raise BatchError(f"the {name} stream has metadata on a message; only its schema has some")
        length = table.number(_BODY_LENGTH, "<q")
        kind, header = table.number(_HEADER_TYPE, "<B"), table.table(_HEADER)
    except FlatBufferError as error:
        raise _unreadable(name, f"a message: {error}") from error
    end = begin + size
    if length < 0:
        raise _unreadable(name, f"a message has a body of {length} octets")
    if end + length > len(body):
        raise BatchError(f"the {name} stream has no end; the body was cut: send it again")
    return _Message(kind, header, end, end + length)


def _sizes(field: Field, rows: int) -> tuple[tuple[int, int], ...]:
    """Return the least and the most octets of each buffer of a column of so many rows, as the format pads them."""
    # Which are null: nobody has to say that none is.
    validity = (0, _padded(-(-rows // 8)))
    if pa.types.is_string(field.arrow):
        offsets = 4 * (rows + 1)
        return validity, (offsets if rows else 0, _padded(offsets)), (0, _padded(rows * field.longest))
    values = -(-rows * field.arrow.bit_width // 8)
    return validity, (values, _padded(values))


def _padded(octets: int) -> int:
    return -(-octets // 64) * 64


def _unreadable(name: str, reason: str) -> BatchError:
    return BatchError(f"the {name} stream is not a readable Arrow IPC stream: {printable(reason, 200)}")
