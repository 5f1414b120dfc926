"""Batches that are damaged, forged or at the edge of what there can be: the same ones for the same seed."""

import json
import random
import struct
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from caudal.contract.batch import FLOWS, LEDGER, Column, decode_batch, of_contract, schema
from tests.support.samples import batch, origin, random_batch

_NUMBERS = (0, 1, -1, 2, 7, 8, 127, 255, 65_535, 1 << 31, (1 << 31) - 1, (1 << 32) - 1, 1 << 40, 1 << 53, 1 << 60,
            (1 << 63) - 1, -(1 << 63), -(1 << 31))  # fmt: skip
_FLOATS = (0.0, -0.0, 1e-300, 1e300, 1.7e308, float("inf"), float("-inf"), float("nan"), -1.0, 1e18)
_TEXTS = (
    "",
    "US",
    "ZZ",
    "usa",
    "\0",
    "a\nb",
    "\u202e",
    "é",
    "x" * 63,
    "x" * 65,
    "x" * 600,
    "out",
    "any",
    "core-1",
)
_MEMBERS: tuple[Any, ...] = (None, True, 1, -1, 1 << 70, 1.5, "", "a\nb", "a\ud800", "\u202e", [], [1, "a"], {}, {"a": []}, "x" * 81,
            "x" * 5000, "2026-09-10T14:10:00+00:00", "caudal 9", "xa-1")  # fmt: skip
_METADATA = (b"", b"{", b"[" * 3000, b"null", b"\xff\xfe", b"1" * 4000, b'{"contract": 9}')


def mutated(count: int, seed: int) -> Iterator[bytes]:
    """Yield so many bodies; no two of a seed are meant to be equal, and few are batches."""
    source = random.Random(seed)
    bases = _bases()
    ways = (_flipped, _overwritten, _overwritten, _cut, _spliced, _repeated, _inserted)
    for number in range(count):
        if number % 10 == 0:
            yield _at_limits(source)
        elif number % 10 == 1:
            yield _with_metadata(source, number)
        else:
            yield source.choice(ways)(source, bytearray(source.choice(bases)), bases)


def _bases() -> list[bytes]:
    """Batches of many rows and of few, of none, compressed and not, of all contracts."""
    whole = [batch(), batch([{}] * 40, [{}] * 3), batch(flows=[]), batch(flows=[], ledger=[])]
    whole += [random_batch(seed, rows=30, months=2) for seed in (1, 2)]
    read = decode_batch(whole[4])
    plain = _streams(read.flows, read.ledger, {"contract": 5, **asdict(read.origin)})
    older = [
        _streams(
            *(
                rows.select([column.name for column in of_contract(declared, contract)])
                for rows, declared in ((read.flows, FLOWS), (read.ledger, LEDGER))
            ),
            {"contract": contract, **asdict(read.origin)},
        )
        for contract in (1, 2, 3, 4)
    ]
    return [*whole, plain, *older]


def _streams(flows: pa.Table, ledger: pa.Table, metadata: Any) -> bytes:
    written = metadata if isinstance(metadata, bytes) else json.dumps(metadata).encode()
    sink = pa.BufferOutputStream()
    for rows in (flows.replace_schema_metadata({b"caudal": written}), ledger.replace_schema_metadata(None)):
        with pa.ipc.new_stream(sink, rows.schema) as writer:
            writer.write_table(rows.combine_chunks())
    return bytes(sink.getvalue())


def _flipped(source: random.Random, body: bytearray, others: list[bytes]) -> bytes:
    for _ in range(source.randint(1, 8)):
        body[source.randrange(len(body))] ^= 1 << source.randrange(8)
    return bytes(body)


def _overwritten(source: random.Random, body: bytearray, others: list[bytes]) -> bytes:
    """Numbers where lengths, offsets and counts stand: at multiples of 4."""
    for _ in range(source.randint(1, 3)):
        form = source.choice(("<I", "<Q"))
        size = struct.calcsize(form)
        at = source.randrange(0, len(body) - size, 4)
        struct.pack_into(form, body, at, source.choice(_NUMBERS) % (1 << (8 * size)))
    return bytes(body)


def _cut(source: random.Random, body: bytearray, _: list[bytes]) -> bytes:
    begin = source.randrange(len(body))
    return bytes(body[:begin] + (body[begin + source.randint(1, 64) :] if source.random() < 0.5 else b""))


def _spliced(source: random.Random, body: bytearray, bases: list[bytes]) -> bytes:
    other = source.choice(bases)
    return bytes(body[: source.randrange(0, len(body), 8)] + other[source.randrange(0, len(other), 8) :])


def _repeated(source: random.Random, body: bytearray, _: list[bytes]) -> bytes:
    begin = source.randrange(0, len(body), 8)
    end = begin + 8 * source.randint(1, 40)
    return bytes(body[:end] + body[begin:end] * source.randint(1, 3) + body[end:])


def _inserted(source: random.Random, body: bytearray, _: list[bytes]) -> bytes:
    at = source.randrange(len(body) + 1)
    return bytes(body[:at] + source.randbytes(source.randint(1, 40)) + body[at:])


def _at_limits(source: random.Random) -> bytes:
    """A batch as the contract has it, of values at the edges of their types."""
    tables = []
    for columns in (FLOWS, LEDGER):
        rows = source.choice((0, 1, 1, 2, 9))
        arrays = [pa.array([_value(source, column) for _ in range(rows)], column.arrow) for column in columns]
        tables.append(pa.table(arrays, schema=schema(columns)))
    return _streams(*tables, {"contract": 5, **asdict(origin(sequence=str(source.randrange(1 << 40))))})


def _value(source: random.Random, column: Column) -> Any:
    """Return a value that is usual, or with some chance one at the edge."""
    usual = source.random() < 0.93
    if column.name == "window_start":
        return datetime(2026, 9, 10, 14, 5, tzinfo=UTC) if usual else source.choice(_NUMBERS)
    if column.values:
        return column.values[0] if usual else source.choice(_TEXTS)
    if pa.types.is_string(column.arrow):
        return "US" if usual and column.name == "remote_country" else "" if usual and column.name == "service" else (
            "core-1" if usual else source.choice(_TEXTS)
        )  # fmt: skip
    if pa.types.is_boolean(column.arrow):
        return source.random() < 0.5
    if pa.types.is_floating(column.arrow):
        return 0.0 if usual else source.choice(_FLOATS)
    width = column.arrow.bit_width
    number = {"window_seconds": 300, "bytes": 1000, "packets": 10}.get(column.name, 1)
    number = number if usual else source.choice(_NUMBERS) % (1 << width)
    return (
        number - (1 << width)
        if pa.types.is_signed_integer(column.arrow) and number >> (width - 1)
        else number
    )


def _with_metadata(source: random.Random, number: int) -> bytes:
    read = decode_batch(batch())
    members: dict[str, Any] = {"contract": 5, **asdict(origin(sequence=f"m-{number}"))}
    for _ in range(source.randint(0, 2)):
        members[source.choice([*members, "more"])] = source.choice(_MEMBERS)
    if source.random() < 0.2:
        members.pop(source.choice(list(members)))
    written = source.choice(_METADATA) if source.random() < 0.1 else json.dumps(members).encode()
    return _streams(read.flows, read.ledger, written)
