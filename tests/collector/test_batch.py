"""The batch: what is written is read, and nothing else is."""

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal.contract.batch import (
    FLOWS,
    LEDGER,
    BatchError,
    BatchOrigin,
    Column,
    batch_id,
    decode_batch,
    encode_batch,
    schema,
)
from caudal.contract.columns import MOST_SITES

ORIGIN = BatchOrigin("xa-1", "demo-net", "XA", "2026-11-21T12:00:00+00:00", "boot-7", "caudal 0", True)
START = datetime(2026, 9, 10, 14, 5, tzinfo=UTC)


def table(columns: tuple[Column, ...], **changed: Any) -> pa.Table:
    row: dict[str, Any] = {}
    for column in columns:
        if column.name == "window_start":
            row[column.name] = START
        elif pa.types.is_string(column.arrow):
            row[column.name] = column.values[0] if column.values else "US"
        else:
            row[column.name] = False if pa.types.is_boolean(column.arrow) else 7
    return pa.Table.from_pylist([row | changed], schema=schema(columns))


BODY = encode_batch(ORIGIN, table(FLOWS), table(LEDGER))


def wrong(body: bytes) -> str:
    with pytest.raises(BatchError) as caught:
        decode_batch(body)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_written_is_read() -> None:
    batch = decode_batch(BODY)
    assert batch.origin == ORIGIN
    assert batch.id == batch_id(BODY)
    assert batch.flows.to_pylist() == table(FLOWS).to_pylist()
    assert batch.ledger.to_pylist() == table(LEDGER).to_pylist()


def test_empty_tables_are_a_batch() -> None:
    batch = decode_batch(encode_batch(ORIGIN, table(FLOWS).slice(1), table(LEDGER).slice(1)))
    assert (batch.flows.num_rows, batch.ledger.num_rows) == (0, 0)


def test_equal_batches_have_one_name_and_others_another() -> None:
    assert encode_batch(ORIGIN, table(FLOWS), table(LEDGER)) == BODY
    other = encode_batch(replace(ORIGIN, sequence="boot-8"), table(FLOWS), table(LEDGER))
    assert batch_id(other) != batch_id(BODY)


def test_a_table_of_another_schema_is_not_written() -> None:
    with pytest.raises(BatchError, match="does not have the declared schema"):
        encode_batch(ORIGIN, table(LEDGER), table(FLOWS))


@settings(max_examples=60)
@given(st.integers(0, len(BODY) - 1))
def test_cut_anywhere_it_is_no_batch(length: int) -> None:
    wrong(BODY[:length])


@settings(max_examples=300)
@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_a_changed_octet_is_refused_or_makes_another_batch(at: int, change: int) -> None:
    body = bytearray(BODY)
    body[at] ^= change
    try:
        batch = decode_batch(bytes(body))
    except BatchError as error:
        assert "\n" not in str(error)
    else:
        assert batch.id != batch_id(BODY)


def test_what_follows_is_refused() -> None:
    assert wrong(BODY + b"x" * 8) == "8 bytes follow the ledger; a batch is two Arrow IPC streams"


def test_closed_sets_are_closed() -> None:
    body = encode_batch(ORIGIN, table(FLOWS, direction="sideways"), table(LEDGER))
    assert wrong(body) == (
        "column direction of the flows stream holds 'sideways'; it must be one of out, in, internal, transit"
    )


def test_a_batch_of_the_contract_before_sites_has_none() -> None:
    before = streams(
        table(FLOWS).drop_columns("site").replace_schema_metadata(by(4)),
        table(LEDGER).replace_schema_metadata(None),
    )
    read = decode_batch(before)
    assert (read.contract, read.flows["site"].to_pylist()) == (4, [""])
    assert read.flows.schema.remove_metadata().equals(schema(FLOWS))


def test_a_batch_holds_no_more_sites_than_an_operator_may_have() -> None:
    rows = [table(FLOWS, site=f"s{number}") for number in range(MOST_SITES + 2)]
    assert decode_batch(encode_batch(ORIGIN, pa.concat_tables(rows[:-1]), table(LEDGER)))
    body = encode_batch(ORIGIN, pa.concat_tables(rows), table(LEDGER))
    assert wrong(body) == "column site of the flows stream holds 257 different texts; it may hold 256"


def test_nulls_are_refused() -> None:
    body = encode_batch(ORIGIN, table(FLOWS, remote_asn=None), table(LEDGER))
    assert "column remote_asn of the flows stream holds 1 nulls" in wrong(body)


def by(contract: int) -> dict[bytes, bytes]:
    """The metadata of a batch that follows a contract."""
    return {b"caudal": json.dumps({"contract": contract, **asdict(ORIGIN)}).encode()}


def streams(flows: pa.Table, ledger: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    for one in (flows, ledger):
        with pa.ipc.new_stream(sink, one.schema) as writer:
            writer.write_table(one)
    return bytes(sink.getvalue())


@pytest.mark.parametrize(
    ("flows", "says"),
    [
        (
            table(FLOWS).drop_columns("bytes"),
            "column 12 of the flows stream must be bytes uint64; found 'packets' uint64",
        ),
        (
            table(FLOWS).append_column("more", pa.array([1])),
            "the flows stream has 17 columns; 16 are declared",
        ),
        (table(FLOWS).drop_columns("bytes_variance"), "must be bytes_variance double; found nothing"),
    ],
)
def test_a_wrong_schema_is_named(flows: pa.Table, says: str) -> None:
    assert says in wrong(streams(flows.replace_schema_metadata(by(5)), table(LEDGER)))


@pytest.mark.parametrize(("contract", "columns"), [(1, 19), (2, 20), (3, 25)])
def test_a_batch_of_a_contract_before_is_read_with_nothing_counted(contract: int, columns: int) -> None:
    """As it may have waited in a spool while collector and service were brought to this version."""
    of_site = [column.name for column in FLOWS if column.since > contract]
    flows = table(FLOWS).drop_columns(of_site).replace_schema_metadata(by(contract))
    later = [column.name for column in LEDGER if column.since > contract]
    before = streams(flows, table(LEDGER).drop_columns(later))
    read = decode_batch(before)
    assert (read.id, read.contract) == (batch_id(before), contract)
    assert read.ledger.schema.equals(schema(LEDGER))
    assert read.ledger.to_pylist() == table(LEDGER, **dict.fromkeys(later, 0)).to_pylist()
    assert read.flows.to_pylist() == table(FLOWS, site="").to_pylist()
    assert decode_batch(BODY).contract == 5
    # Neither may pretend to be the other.
    assert f"has 30 columns; {columns} are declared" in wrong(streams(flows, table(LEDGER)))
    flows = flows.replace_schema_metadata(by(contract + 1))
    assert f"must be {later[0]} int64; found nothing" in wrong(
        streams(flows, table(LEDGER).drop_columns(later))
    )


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        (b"{", "cannot be read"),
        (b"[]", "cannot be read"),
        (b'{"contract": 6}', "follows contract 6; this version reads contracts up to 5: install a newer one"),
        (b'{"contract": 0}', "follows contract 0"),
        (b'{"contract": 1, "collector": "x"}', "no metadata 'operator'"),
        (b"{}", "no metadata 'contract'"),
    ],
)
def test_wrong_metadata(metadata: bytes, says: str) -> None:
    flows = table(FLOWS).replace_schema_metadata({b"caudal": metadata})
    assert says in wrong(streams(flows, table(LEDGER)))


def test_without_metadata_it_is_no_batch() -> None:
    assert "the flows stream has no metadata b'caudal'" in wrong(streams(table(FLOWS), table(LEDGER)))


def test_every_column_says_what_it_means() -> None:
    for column in (*FLOWS, *LEDGER):
        assert column.meaning
