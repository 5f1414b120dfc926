"""Sequence numbers: loss, order, restart, wrap."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.collector.decode.sequence.sequence import UNKNOWN_UNITS, Sequences

STREAM = (0, 1, 0)


def lost(*numbers: int, units: int | list[int] = 1, lots: int = 1) -> int:
    sequences = Sequences()
    moved = [units] * len(numbers) if isinstance(units, int) else units
    total = 0
    for first in range(0, len(numbers), max(1, len(numbers) // lots)):
        part = slice(first, first + max(1, len(numbers) // lots))
        total += int(
            sequences.follow(STREAM, np.array(numbers[part], np.int64), np.array(moved[part], np.int64)).sum()
        )
    return total


def test_the_first_number_is_taken_as_it_is() -> None:
    assert lost(4_000_000) == 0


def test_a_gap_is_a_loss() -> None:
    assert lost(1, 2, 5, 6) == 2
    assert lost(0, 30, 90, units=30) == 30


def test_wrap() -> None:
    assert lost((1 << 32) - 2, (1 << 32) - 1, 0, 1) == 0
    assert lost((1 << 32) - 2, 1) == 2
    assert lost((1 << 32) - 10, 20, units=30) == 0


@pytest.mark.parametrize("lots", [1, 2, 8])
def test_reorder_takes_the_loss_back(lots: int) -> None:
    assert lost(1, 2, 4, 3, 5, 6, 7, 8, lots=lots) == 0
    assert lost(0, 60, 30, 90, units=30, lots=min(lots, 4)) == 0


def test_a_late_datagram_takes_back_only_what_it_holds() -> None:
    assert lost(0, 10, 100, 50, units=10) == 70
    assert lost(0, 10, 100, 50, 20, 40, units=10) == 50


def test_what_came_twice_changes_nothing() -> None:
    assert lost(1, 2, 3, 2, 4, 4, 5) == 0
    assert lost(1, 2, 5, 5, 6, 2, 7) == 2


def test_a_late_datagram_that_comes_twice_is_taken_back_once() -> None:
    assert lost(1, 2, 5, 3, 3, 6) == 1


@pytest.mark.parametrize("number", [0, 1, 900])
def test_restart_is_no_loss(number: int) -> None:
    assert lost(5_000, 5_001, number, number + 1) == 0
    assert lost(5_000, 5_001, number, number + 3) == 2


def test_a_very_long_jump_is_a_restart() -> None:
    assert lost(0, 1, 1 << 30, (1 << 30) + 1) == 0


def test_unknown_units_leave_open_what_follows() -> None:
    assert lost(0, 10, 500, 510, units=[10, UNKNOWN_UNITS, 10, 10]) == 0
    assert lost(0, 10, 500, 530, units=[10, UNKNOWN_UNITS, 10, 10]) == 20


def test_messages_that_move_nothing() -> None:
    assert lost(10, 10, 10, 15, units=[0, 0, 5, 5]) == 0


def test_streams_are_apart_and_bounded() -> None:
    sequences = Sequences(streams=3, streams_per_exporter=2)

    def follow(domain: int, number: int, exporter: int = 0) -> int:
        return int(sequences.follow((exporter, 1, domain), np.array([number]), np.array([1])).sum())

    assert [follow(1, 10), follow(2, 90), follow(1, 13), follow(2, 91)] == [0, 0, 2, 0]
    follow(1, 5, exporter=1)
    follow(3, 0)  # the first of this exporter is forgotten, and none of the other
    assert follow(1, 7, exporter=1) == 1
    assert follow(1, 99) == 0
    follow(1, 0, exporter=2)
    assert len(sequences) == 3
    sequences.forget(1)
    sequences.forget(2)
    assert len(sequences) <= 2
    assert follow(1, 999, exporter=1) == 0


@given(st.data())
def test_exporters_together_are_as_each_alone(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 60))
    column = st.lists(st.integers(0, 40), min_size=count, max_size=count)
    sequence, units = np.array(data.draw(column)), np.array(data.draw(column)) - 1
    exporter = np.array(data.draw(column))
    domain = exporter % 3
    together, alone = Sequences(), Sequences()
    found = together.follow_all(1, exporter, domain, sequence, units, np.zeros(count, np.uint16))
    expected = [
        int(alone.follow((int(e), 1, int(d)), np.array([s]), np.array([u]))[0])
        for e, d, s, u in zip(exporter, domain, sequence, units, strict=True)
    ]
    assert found.tolist() == expected


@given(st.integers(0, (1 << 32) - 1), st.integers(1, 40), st.data())
def test_shuffled_a_little_nothing_is_lost(start: int, count: int, data: st.DataObject) -> None:
    """Neighbours swapped anywhere but at the beginning: all came, so nothing is lost in the end."""
    order = list(range(count))
    for at in data.draw(st.lists(st.integers(1, max(1, count - 2)), max_size=10)):
        if at + 1 < count:
            order[at], order[at + 1] = order[at + 1], order[at]
    order.append(count)
    assert lost(*((start + n) % (1 << 32) for n in order)) == 0


@given(st.sets(st.integers(1, 60)), st.integers(1, 5))
def test_without_reordering_the_loss_is_what_is_missing(missing: set[int], lots: int) -> None:
    numbers = [n for n in range(62) if n not in missing]
    assert lost(*numbers, lots=lots) == len(missing)


def test_an_exporter_that_counts_the_message_itself_loses_nothing() -> None:
    """softflowd's IPFIX: the number is that after the message, not before it."""
    units = np.array([23, 29, 28, 30, 27, 25, 30, 29, 30, 26])
    assert Sequences().follow((0, 2, 0), np.cumsum(units), units).sum() == 0


def test_a_loss_among_messages_of_one_size_is_seen_and_made_up_for_by_the_late_one() -> None:
    sequences = Sequences()
    numbers = [0, 10, 20, 40, 50, 60, 70, 80, 30, 90]
    lost = [int(sequences.follow((0, 2, 0), np.array([n]), np.array([10]))[0]) for n in numbers]
    assert lost == [0, 0, 0, 10, 0, 0, 0, 0, -10, 0]


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 0, 0, 0, 5, -5, 1 << 31]), st.integers(-1, 3)), min_size=1, max_size=25
    ),
    st.booleans(),
    st.data(),
)
def test_any_split_into_lots_finds_the_same_losses(
    steps: list[tuple[int, int]], counts_itself: bool, data: st.DataObject
) -> None:
    numbers, units, at = [], [], 100
    for jump, moved in steps:
        at = (at + jump + (max(moved, 0) if counts_itself else 0)) % (1 << 32)
        numbers.append(at)
        units.append(moved)
        at += 0 if counts_itself else max(moved, 0)

    def follow(cuts: list[int]) -> list[int]:
        sequences, found = Sequences(), []
        for first, last in pairwise([0, *sorted({cut % len(numbers) for cut in cuts} - {0}), len(numbers)]):
            part = np.array(numbers[first:last], np.int64), np.array(units[first:last], np.int64)
            found += sequences.follow(STREAM, *part).tolist()
        return found

    assert follow(data.draw(st.lists(st.integers(0, 25), max_size=6))) == follow(list(range(len(numbers))))


@pytest.mark.parametrize("lots", [1, 2, 9])
@pytest.mark.parametrize("wrong", [1_005 + (1 << 24), 1_005 + 5_000, 1 << 31, 0, 900])
def test_one_wrong_number_loses_nothing(wrong: int, lots: int) -> None:
    numbers = [*range(1_000, 1_005), wrong, *range(1_005, 1_030)]
    assert lost(*numbers, lots=lots) == 0


def test_a_wrong_number_that_comes_twice_confirms_nothing() -> None:
    assert lost(1_000, 1_001, 50_000, 50_000, 1_002, 1_003) == 0


def test_what_is_lost_beside_a_wrong_number_is_counted() -> None:
    assert lost(1_000, 1_001, 50_000, 1_004, 1_005) == 2


@pytest.mark.parametrize("lots", [1, 3])
def test_a_long_gap_counts_when_what_follows_goes_on_from_it(lots: int) -> None:
    assert lost(1_000, 1_001, 101_002, lots=lots) == 0, "on the word of one number"
    assert lost(1_000, 1_001, 101_002, 101_003, 101_004, lots=lots) == 100_000
    assert lost(1_000, 1_001, 101_003, 101_002, 101_004, lots=lots) == 100_000
    assert lost(0, 30, 90_060, 90_150, units=30, lots=lots) == 90_060


def test_a_late_datagram_from_within_a_long_gap_is_taken_back() -> None:
    assert lost(1_000, 1_001, 101_002, 101_003, 1_500, 101_004) == 99_999


@given(
    st.integers(0, (1 << 32) - 1),
    st.integers(10, 40),
    st.integers(2, 39),
    st.integers((1 << 12) + 100, (1 << 32) - 100),
    st.integers(1, 5),
)
def test_one_wrong_number_anywhere_loses_nothing(
    start: int, count: int, at: int, away: int, lots: int
) -> None:
    numbers = [(start + n) % (1 << 32) for n in range(count)]
    at = min(at, count - 2)
    numbers.insert(at, (numbers[at] + away) % (1 << 32))
    assert lost(*numbers, lots=lots) == 0


@given(st.integers(0, (1 << 32) - 1), st.integers(0, 1 << 24), st.integers(1, 5))
def test_a_gap_of_any_length_is_counted(start: int, gap: int, lots: int) -> None:
    numbers = [(start + n + (gap if n >= 5 else 0)) % (1 << 32) for n in range(10)]
    assert lost(*numbers, lots=lots) == gap


@pytest.mark.parametrize("streams_each", [1, 100])
def test_what_is_kept_of_a_stream_is_small(streams_each: int) -> None:
    """Whatever comes: gaps, jumps and numbers out of order. A collector follows up to 65,536 of them."""
    sequences, count = Sequences(), 500
    exporter, domain = np.arange(count) // streams_each + 1_000, np.arange(count) + (1 << 31)
    some = np.random.default_rng(7)
    base = some.integers(1 << 31, 1 << 32, count)
    units, port = np.full(count, 7), np.full(count, 9, np.uint16)
    tracemalloc.start()
    try:
        for turn in range(40):
            number = base + turn * 300 + some.integers(0, 200, count) + (turn % 9 == 8) * 10_000_000
            sequences.follow_all(1, exporter, domain, number % (1 << 32), units, port)
        del number
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(sequences) == count
    assert kept / count < 1_150
