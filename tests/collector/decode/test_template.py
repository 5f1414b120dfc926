"""Reading template sets."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.collector.decode.template.template import NOT_READ, TemplateSetError, Withdrawal, read_templates
from tests.support.builders import (
    BASIC,
    DESTINATION,
    OCTETS,
    PACKETS,
    SOURCE,
    VARIABLE,
    options9,
    options10,
    template,
    withdrawal,
)


def body(*sets: bytes) -> bytes:
    return b"".join(one[4:] for one in sets)


def test_several_templates_in_one_set() -> None:
    read = read_templates(body(template(256, *BASIC), template(257, OCTETS)), ipfix=False, options=False)
    assert [(number, known.minimum_length) for number, known in read] == [(256, 16), (257, 4)]
    assert [field.element for field in read[0][1].fields] == [8, 12, 1, 2]


def test_elements_we_do_not_read_keep_their_length() -> None:
    ((_, known),) = read_templates(body(template(256, (9999, 12), OCTETS)), ipfix=True, options=False)
    assert [tuple(field) for field in known.fields] == [(NOT_READ, 12), (1, 4)]


def test_enterprise_elements_are_not_those_of_iana() -> None:
    fields = ((1, 8, 9), (1, 4, 29305), OCTETS)
    ((_, known),) = read_templates(body(template(256, *fields, ipfix=True)), ipfix=True, options=False)
    assert [tuple(field) for field in known.fields] == [(NOT_READ, 8), (1 << 16 | 1, 4), (1, 4)]


def test_high_bit_of_a_v9_field_is_no_enterprise() -> None:
    ((_, known),) = read_templates(body(template(256, (57_590, 2), OCTETS)), ipfix=False, options=False)
    assert [tuple(field) for field in known.fields] == [(NOT_READ, 2), (1, 4)]


def test_v9_scopes_are_numbered_by_their_own_list() -> None:
    """Scope 1 is the system and scope 2 an interface, not octets and packets."""
    ((_, known),) = read_templates(
        body(options9(256, [(1, 4), (2, 4)], [(48, 1), (50, 4)])), ipfix=False, options=True
    )
    assert [tuple(field) for field in known.fields] == [(NOT_READ, 4), (10, 4), (48, 1), (50, 4)]
    assert known.is_options


def test_variable_length_in_options_templates() -> None:
    ((_, known),) = read_templates(
        body(options10(257, [(302, 8)], [(335, VARIABLE), (305, 4)])), ipfix=True, options=True
    )
    assert known.variable
    assert known.minimum_length == 13


def test_padding_after_the_last_template() -> None:
    for padding in (b"\0", b"\0\0\0", b"\0" * 4, b"\0" * 40):
        assert len(read_templates(body(template(256, *BASIC)) + padding, ipfix=False, options=False)) == 1


def test_zero_fields_in_v9_is_malformed() -> None:
    with pytest.raises(TemplateSetError, match="template 256 has 0 fields"):
        read_templates(struct.pack(">HH", 256, 0), ipfix=False, options=False)


def test_zero_fields_in_ipfix_is_a_withdrawal() -> None:
    assert read_templates(body(withdrawal(256)), ipfix=True, options=False) == [(256, Withdrawal(256))]
    assert read_templates(body(withdrawal(256, options=True)), ipfix=True, options=True) == [
        (256, Withdrawal(256))
    ]


def test_zero_length_template_is_malformed_and_those_before_it_are_kept() -> None:
    good, empty = template(256, *BASIC), template(257, (1, 0), (2, 0))
    with pytest.raises(TemplateSetError, match="no length") as caught:
        read_templates(body(good, empty), ipfix=False, options=False)
    assert [number for number, _ in caught.value.read] == [256]


def test_a_template_may_have_some_fields_of_no_length() -> None:
    ((_, known),) = read_templates(body(template(256, (8, 0), OCTETS)), ipfix=False, options=False)
    assert known.minimum_length == 4


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (struct.pack(">HHHH", 255, 1, 1, 4), "template id 255 is reserved"),
        (struct.pack(">HHHH", 256, 2, 1, 4), "ends within its 2 fields"),
        (struct.pack(">HH", 256, 0xFFFF) + bytes(64), "has 65535 fields"),
        (struct.pack(">HHHI", 256, 1, 0x8001, 9)[:9], "ends within"),
    ],
)
def test_faults(data: bytes, message: str) -> None:
    with pytest.raises(TemplateSetError, match=message):
        read_templates(data, ipfix=True, options=False)


@pytest.mark.parametrize("scopes", [0, 3])
def test_ipfix_options_template_needs_a_scope_and_no_more_than_fields(scopes: int) -> None:
    data = struct.pack(">HHHHHHH", 256, 2, scopes, 149, 4, 305, 4)
    with pytest.raises(TemplateSetError, match="scope fields"):
        read_templates(data, ipfix=True, options=True)


def test_options_template_that_ends_early() -> None:
    with pytest.raises(TemplateSetError, match="ends early"):
        read_templates(struct.pack(">HH", 256, 4), ipfix=False, options=True)


@given(st.binary(max_size=200), st.booleans(), st.booleans())
def test_any_octets_are_read_or_refused(data: bytes, ipfix: bool, options: bool) -> None:
    try:
        read = read_templates(data, ipfix=ipfix, options=options)
    except TemplateSetError as error:
        read = error.read
    for _, known in read:
        assert isinstance(known, Withdrawal) or known.minimum_length > 0


def test_same_template_twice_is_equal() -> None:
    first, second = (
        read_templates(body(template(256, SOURCE, DESTINATION, PACKETS)), ipfix=False, options=False)
        for _ in range(2)
    )
    assert first == second
