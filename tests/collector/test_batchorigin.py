"""Who sent a batch: nothing but what can be stored, logged and shown."""

import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal.contract.batchorigin import MOST_OCTETS, BatchOrigin, read_origin, write_origin
from caudal.contract.errors import BatchError

ORIGIN = BatchOrigin(
    "xa-1", "demo-net", "XA", "2026-11-21T12:00:00+00:00", "0f" * 16 + "-7", "caudal 0.6.0", True
)
WRITTEN = {"contract": 5, **asdict(ORIGIN)}


def wrong(metadata: bytes) -> str:
    with pytest.raises(BatchError) as caught:
        read_origin(metadata, 5)
    said = str(caught.value)
    assert said.isprintable()
    assert len(said) < 400
    return said


def changed(**members: Any) -> bytes:
    return json.dumps(WRITTEN | members).encode()


def test_what_is_written_is_read() -> None:
    assert read_origin(write_origin(2, ORIGIN), 2) == (2, ORIGIN)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("software", [1, "a"]), ("software", 1 << 70), ("software", "a\ud800"), ("software", "x" * 81),
        ("software", "x" * 3700), ("software", "a\nERROR forged"), ("software", "a\0"), ("software", "\u202eabc"),
        ("software", "caf\u00e9"), ("software", ""), ("software", None), ("software", {"a": 1}), ("software", 1.5),
        ("created", "2026-11-21T12:00:00\ud800"), ("created", "yesterday"), ("created", 1 << 70), ("created", ""),
        ("created", "2026-11-21T12:00:00+00:00" + " " * 20), ("created", "2026-13-01T00:00:00"),
        ("created", "2026-11-21\u202812:00:00"), ("created", "2026-11-21\n12:00:00"),
        ("sequence", 1 << 70), ("sequence", 7), ("sequence", "a b"), ("sequence", "x" * 81), ("sequence", ""),
        ("synthetic", 1), ("synthetic", "true"), ("synthetic", None),
        ("collector", "XA-1"), ("collector", ""), ("collector", "a" * 64), ("collector", "../x"), ("collector", []),
        ("operator", "a\n"), ("operator", None), ("economy", "xa"), ("economy", "XAA"), ("economy", "X\n"),
        ("contract", True), ("contract", 2.0), ("contract", "2"), ("contract", None),
    ],
)  # fmt: skip
def test_values_of_another_kind(name: str, value: Any) -> None:
    said = wrong(changed(**{name: value}))
    assert said.startswith(f"{name} in the metadata of the flows stream is ")


@pytest.mark.parametrize("contract", [0, -1, 6, 1 << 70, int("9" * 3000)])
def test_contracts_that_this_version_does_not_know(contract: int) -> None:
    assert "this version reads contracts up to 5: install a newer one" in wrong(changed(contract=contract))


@pytest.mark.parametrize("name", list(WRITTEN))
def test_exactly_the_declared_members(name: str) -> None:
    less = {key: value for key, value in WRITTEN.items() if key != name}
    assert wrong(json.dumps(less).encode()) == (
        f"the flows stream has no metadata {name!r}; it says who sent the batch"
    )
    text = json.dumps(WRITTEN)
    assert "is given twice" in wrong(f'{text[:-1]}, "{name}": "again"}}'.encode())


def test_nor_any_others() -> None:
    assert "the metadata of the flows stream hold 'more\\n'; there are contract, collector" in wrong(
        changed(**{"more\n": 1})
    )


@pytest.mark.parametrize(
    "metadata",
    [
        b"", b"null", b"[]", b'"text"', b"1", b"NaN", b"{", b"\xff", b"\xff\xfe{\0}\0", b"[" * 4000, b'{"a":' * 600,
        b"9" * 4096, b"-" * 100, json.dumps(WRITTEN).encode("utf-16"),
    ],
)  # fmt: skip
def test_what_is_no_object(metadata: bytes) -> None:
    assert wrong(metadata).startswith("the metadata of the flows stream cannot be read: ")


def test_the_size_is_bounded_before_anything_is_read() -> None:
    padded = changed() + b" " * (MOST_OCTETS - len(changed()))
    assert read_origin(padded, 5) == (5, ORIGIN)
    assert wrong(padded + b" ") == "the metadata of the flows stream have 4097 octets; 4096 are the most"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=90) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=500)
@given(st.dictionaries(st.sampled_from(list(WRITTEN)) | st.text(max_size=9), JSON, max_size=3))
def test_members_of_any_kind(members: dict[str, Any]) -> None:
    check(json.dumps(WRITTEN | members).encode("utf-8"))


@settings(max_examples=500)
@given(st.binary(max_size=400))
def test_any_octets(octets: bytes) -> None:
    check(octets)


@settings(max_examples=300)
@given(st.integers(0, len(json.dumps(WRITTEN)) - 1), st.binary(max_size=3), st.integers(0, 3))
def test_octets_changed_somewhere(at: int, octets: bytes, instead: int) -> None:
    written = json.dumps(WRITTEN).encode()
    check(written[:at] + octets + written[at + instead :])


def check(metadata: bytes) -> None:
    """Read, and what is read can be stored, logged and shown; or refused in one line."""
    try:
        contract, origin = read_origin(metadata, 5)
    except BatchError as error:
        assert str(error).isprintable()
        assert len(str(error)) < 400
        return
    assert contract in (1, 2, 3, 4, 5)
    assert type(origin.synthetic) is bool
    for name, value in asdict(origin).items():
        if name != "synthetic":
            assert type(value) is str
            assert value.isascii()
            assert value.isprintable()
            assert len(value) <= 80
