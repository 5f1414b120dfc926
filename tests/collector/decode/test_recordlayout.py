"""Templates compiled to layouts: reading columns of any width, cutting variable-length records."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.collector.decode.template.recordlayout import Layout, halves, unsigned
from caudal.collector.decode.template.template import NOT_READ, VARIABLE_LENGTH, FieldSpecifier, Template


def layout(*fields: tuple[int, int]) -> Layout:
    return Layout(Template(tuple(FieldSpecifier(*field) for field in fields), False))


def cut(one: Layout, body: bytes) -> tuple[bytes, int, bool]:
    """The octets kept of one set, the number of records, and whether it could be read to its end."""
    kept, records, whole = one.cut_variable(
        np.frombuffer(bytearray(b"junk" + body), np.uint8), np.array([4]), np.array([len(body)])
    )
    return kept.tobytes(), int(records[0]), bool(whole[0])


@pytest.mark.parametrize("octets", range(1, 9))
def test_reduced_size_counters_of_1_to_8_octets(octets: int) -> None:
    values = [0, 1, 0x7F, (1 << 8 * octets) - 1]
    one = layout((NOT_READ, 3), (1, octets), (2, 2))
    body = b"".join(b"abc" + value.to_bytes(octets, "big") + b"\0\7" for value in values)
    records = one.records(body, len(values))
    assert unsigned(records, 1).tolist() == values
    assert unsigned(records, 2).tolist() == [7] * 4


@pytest.mark.parametrize("octets", [0, 9, 16])
def test_counters_of_other_lengths_are_not_read(octets: int) -> None:
    assert 1 not in layout((1, octets), (2, 4)).elements


@pytest.mark.parametrize(("element", "octets"), [(8, 3), (8, 8), (12, 16), (27, 4), (28, 8)])
def test_an_address_of_another_length_is_no_address(element: int, octets: int) -> None:
    assert layout((element, octets), (2, 4)).elements == {2}


def test_halves_of_an_ipv6_address() -> None:
    high, low = halves(layout((1, 1), (27, 16)).records(b"\0" + bytes(range(16)), 1), 27)
    assert (high.tolist(), low.tolist()) == ([0x0001020304050607], [0x08090A0B0C0D0E0F])


def test_of_an_element_that_comes_twice_the_first_counts() -> None:
    records = layout((1, 4), (1, 4)).records(struct.pack(">II", 5, 6), 1)
    assert unsigned(records, 1).tolist() == [5]


def test_a_layout_without_anything_we_read() -> None:
    one = layout((NOT_READ, 4))
    assert len(one.records(bytes(8), 2)) == 2
    assert one.elements == frozenset()


def variable(value: bytes, *, long: bool = False) -> bytes:
    return (b"\xff" + struct.pack(">H", len(value)) if long else bytes([len(value)])) + value


def test_variable_length_of_1_and_3_octets() -> None:
    one = layout((NOT_READ, VARIABLE_LENGTH), (1, 4))
    body = variable(b"short") + struct.pack(">I", 7) + variable(b"x" * 300, long=True) + struct.pack(">I", 8)
    kept, records, whole = cut(one, body)
    assert (records, whole) == (2, True)
    assert unsigned(one.records(kept, records), 1).tolist() == [7, 8]


def test_three_octet_length_of_a_short_value() -> None:
    """RFC 7011 §7: the longer form may be used for any length."""
    one = layout((NOT_READ, VARIABLE_LENGTH), (1, 4))
    kept, records, whole = cut(one, variable(b"", long=True) + struct.pack(">I", 9))
    assert (unsigned(one.records(kept, records), 1).tolist(), whole) == ([9], True)


@pytest.mark.parametrize("width", [0, 1, 3, 8, 12])
def test_a_number_sent_with_variable_length(width: int) -> None:
    one = layout((1, VARIABLE_LENGTH))
    kept, records, _ = cut(one, variable((77).to_bytes(width, "big") if width else b""))
    assert unsigned(one.records(kept, records), 1).tolist() == [77 if width else 0]


@pytest.mark.parametrize(
    "tail", [b"\x09abc\0\0\0", b"\xff\0\0", b"\xff\xff\xff" + bytes(10)], ids=["value", "length", "long"]
)
def test_a_variable_record_cut_short_keeps_those_before_it(tail: bytes) -> None:
    one = layout((NOT_READ, VARIABLE_LENGTH), (1, 2))
    kept, records, whole = cut(one, variable(b"ok") + b"\0\1" + tail)
    assert (unsigned(one.records(kept, records), 1).tolist(), whole) == ([1], False)


def test_fewer_octets_than_a_record_are_padding() -> None:
    one = layout((NOT_READ, VARIABLE_LENGTH), (1, 4))
    assert cut(one, variable(b"x") + bytes(4) + bytes(3))[1:] == (1, True)


def test_fields_of_no_length_cost_no_time() -> None:
    """A thousand of them in a template must not make each record of a large set a thousand times dearer."""
    one = layout(*[(1, 0)] * 1000, (NOT_READ, VARIABLE_LENGTH))
    assert len(one._fields) == 1, "what is gone through in every record"
    assert cut(one, bytes(20_000))[1:] == (20_000, True)


@given(st.data())
def test_variable_length_cutting_agrees_with_a_naive_reader(data: st.DataObject) -> None:
    fields = data.draw(
        st.lists(
            st.tuples(st.sampled_from([NOT_READ, 1, 2]), st.sampled_from([0, 1, 4, VARIABLE_LENGTH])),
            min_size=1,
            max_size=5,
        ).filter(lambda chosen: any(octets == VARIABLE_LENGTH for _, octets in chosen))
    )
    body = data.draw(st.binary(max_size=60))
    _, records, _ = cut(layout(*fields), body)
    shortest = sum(1 if octets == VARIABLE_LENGTH else octets for _, octets in fields)
    at = expected = 0
    while len(body) - at >= shortest:
        end = at
        for _, given_octets in fields:
            octets = given_octets
            if octets == VARIABLE_LENGTH:
                if end < len(body) and body[end] == 255:
                    octets = (
                        int.from_bytes(body[end + 1 : end + 3], "big") + 3
                        if end + 3 <= len(body)
                        else 1 << 20
                    )
                else:
                    octets = body[end] + 1 if end < len(body) else 1 << 20
            end += octets
        if end > len(body):
            break
        at, expected = end, expected + 1
    assert records == expected
