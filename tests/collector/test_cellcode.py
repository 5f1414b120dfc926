"""The code of a cell is what the columns declare: every key has bits of its own, and folding leaves what it declares."""

import doctest
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.collector.columns import cellcode
from caudal.collector.columns.cellcode import (
    BITS,
    coarser,
    column_of,
    country_number,
    folded,
    most,
    pack,
    part,
)
from caudal.contract.column import Column, Folding, Word
from caudal.contract.columns import FLOWS

CODED = [column for column in FLOWS if column.bits is not None]
LETTERS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=2, max_size=2)
NAMES = {
    column.name: ("", *(f"name-{at}" for at in range(1, 9)))
    for column in CODED
    if BITS[column.name].form == "name"
}


def values(column: Column) -> st.SearchStrategy[Any]:
    """Values of a key as a batch has them, at the edges and between."""
    bits = BITS[column.name]
    if bits.form == "letters":
        return LETTERS
    if bits.form == "choice":
        return st.sampled_from(column.values)
    if bits.form == "name":
        return st.sampled_from(NAMES[column.name])
    if bits.form == "half":
        return st.sampled_from([0, 4, 6])
    return st.integers(0, most(column.name) - 1)


CELLS = st.fixed_dictionaries({column.name: values(column) for column in CODED})


def number(column: Column, value: Any) -> int:
    """A value of a batch as codes are packed of it."""
    form = BITS[column.name].form
    if form == "letters":
        return country_number(value)
    if form in ("choice", "name"):
        return (column.values or NAMES[column.name]).index(value)
    return int(value)


def coded(cells: list[dict[str, Any]]) -> np.ndarray:
    """The codes of cells, given as their keys have them in a batch."""
    return pack(
        **{
            column.name: np.array([number(column, cell[column.name]) for cell in cells], np.uint64)
            for column in CODED
        }
    )


def told(codes: np.ndarray) -> list[dict[str, Any]]:
    columns = {column.name: column_of(codes, column, NAMES).to_pylist() for column in CODED}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def test_no_two_keys_share_a_bit() -> None:
    for word in Word:
        taken = 0
        for bits in (each for each in BITS.values() if each.word is word):
            mask = (1 << bits.count) - 1 << bits.lowest
            assert not taken & mask
            assert bits.lowest + bits.count <= 64
            taken |= mask


def test_every_key_has_bits_but_the_window_and_what_follows_from_the_others() -> None:
    keys = {column.name for column in FLOWS if column.kind == "key"}
    assert keys - set(BITS) == {"window_start", "window_seconds", "folded"}


def test_every_choice_has_room() -> None:
    for column in CODED:
        assert len(column.values) <= most(column.name)


@given(st.lists(CELLS, min_size=1, max_size=5))
def test_a_code_says_what_it_was_made_of(cells: list[dict[str, Any]]) -> None:
    assert told(coded(cells)) == cells


@given(st.lists(CELLS, min_size=1, max_size=5), st.sampled_from(Folding))
def test_folding_leaves_what_the_columns_declare(cells: list[dict[str, Any]], step: Folding) -> None:
    expected = [
        {
            column.name: column.rest
            if column.dropped is not None and column.dropped <= step
            else cell[column.name]
            for column in CODED
        }
        for cell in cells
    ]
    codes = coarser(coded(cells), step)
    assert told(codes) == expected
    assert folded(codes).all() == (
        step >= Folding.country or all(cell["transport"] == "any" for cell in cells)
    )


@given(CELLS)
def test_each_step_of_folding_goes_on_from_the_one_before(cell: dict[str, Any]) -> None:
    codes = coded([cell])
    for step in Folding:
        at_once = coarser(coded([cell]), step)
        codes = coarser(codes, step)
        assert codes.tolist() == at_once.tolist()


def test_the_names_of_a_code_may_be_as_many_as_it_has_bits_for() -> None:
    for name in NAMES:
        codes = pack(**{name: most(name) - 1})
        assert int(part(codes, name)) == most(name) - 1


@pytest.mark.parametrize("country", ["AA", "AZ", "ZA", "ZZ"])
def test_letters_keep_their_order(country: str) -> None:
    before = pack(remote_country=country_number("AA"))[Word.far_end]
    assert pack(remote_country=country_number(country))[Word.far_end] >= before


def test_examples_hold() -> None:
    assert doctest.testmod(cellcode).failed == 0
