"""Sequence numbers of sFlow agents and of the sources that they sample at."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.collector.decode.sequence.samplesequence import Agents, Sources
from caudal.collector.decode.sequence.sequence import Sequences


def agents_lost(numbers: list[int], agent: list[int] | None = None, split: int = 0) -> list[int]:
    agents = Agents()
    names = [str(one).encode() for one in agent or [0] * len(numbers)]
    lost: list[int] = []
    for part in (slice(0, split), slice(split, None)):
        if numbers[part]:
            known = agents.numbers([0] * len(names[part]), names[part])
            lost += agents.follow(known, np.array(numbers[part], np.int64))[0].tolist()
    return lost


def sources_lost(
    numbers: list[int], drops: list[int] | None = None, source: list[int] | None = None, split: int = 0
) -> list[int]:
    sources = Sources()
    lost: list[int] = []
    columns = [source or [7] * len(numbers), numbers, drops or [0] * len(numbers)]
    for part in (slice(0, split), slice(split, None)):
        lost += sources.follow(*(np.array(column[part], np.int64) for column in columns)).tolist()
    return lost


@pytest.mark.parametrize(
    ("numbers", "lost"),
    [
        ([5, 6, 7], [0, 0, 0]),
        ([5, 8, 9], [0, 2, 0]),
        ([5, 8, 6, 7, 9], [0, 2, -1, -1, 0]),
        ([5, 6, 6, 5, 7], [0, 0, 0, 0, 0]),
        ([0xFFFF_FFFE, 0xFFFF_FFFF, 0, 1], [0, 0, 0, 0]),
        ([0xFFFF_FFFE, 1], [0, 2]),
        ([900, 901, 1, 2, 4], [0, 0, 0, 0, 1]),
    ],
    ids=["in order", "lost", "late", "twice", "wrap", "lost at the wrap", "restart"],
)
@pytest.mark.parametrize("split", [0, 1, 2, 3])
def test_datagrams(numbers: list[int], lost: list[int], split: int) -> None:
    assert agents_lost(numbers, split=split) == lost


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30)), max_size=30), st.integers(0, 30))
def test_datagrams_as_the_other_protocols_follow_them(seen: list[tuple[int, int]], split: int) -> None:
    """One datagram moves the number by one, as with NetFlow v9: the same must be lost, in any lots."""
    other = Sequences()
    one = np.ones(1, np.int64)
    expected = [int(other.follow((agent, 3, 0), np.array([number]), one)[0]) for agent, number in seen]
    agents, numbers = [agent for agent, _ in seen], [number for _, number in seen]
    assert agents_lost(numbers, agents, split) == expected


def test_what_came_before_is_not_new_and_a_restart_begins_another_life() -> None:
    agents = Agents()
    numbers = agents.numbers([0] * 8, [b"a"] * 8)
    _, life, new = agents.follow(numbers, np.array([90, 91, 91, 93, 92, 1, 2, 2]))
    assert new.tolist() == [True, True, False, True, True, True, True, False]
    assert len(set(life[:5].tolist())) == 1
    assert len(set(life[5:].tolist())) == 1
    assert life[0] != life[5]


def test_agents_are_bounded_and_forgotten_with_their_exporter() -> None:
    agents = Agents(agents=6, agents_per_exporter=3)
    agents.numbers([1], [b"first"])
    for number in range(5):
        agents.numbers([0], [bytes([number])])
    assert len(agents) == 3  # three of exporter 0 were too many: they went, two came after them
    agents.numbers([2, 2, 3], [b"a", b"b", b"c"])
    agents.numbers([4], [b"d"])
    assert len(agents) <= 6
    for exporter in range(5):
        agents.forget(exporter)
    assert len(agents) == 0


@pytest.mark.parametrize("agents_each", [1, 100])
def test_what_is_kept_of_an_agent_is_small(agents_each: int) -> None:
    """Whatever comes: gaps, jumps and numbers out of order. A collector follows up to 65,536 of them."""
    agents, count = Agents(), 500
    some = np.random.default_rng(7)
    base = some.integers(1 << 31, 1 << 32, count)
    tracemalloc.start()
    try:
        exporters, names = (
            (np.arange(count) // agents_each + 1_000).tolist(),
            [b"%024d" % n for n in range(count)],
        )
        for turn in range(40):
            number = base + turn * 300 + some.integers(0, 200, count) + (turn % 9 == 8) * 10_000_000
            agents.follow(agents.numbers(exporters, names), number % (1 << 32))
        del number
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(agents) == count
    assert kept / count < 1_150


@pytest.mark.parametrize("split", range(0, 7))
def test_one_wrong_number_loses_nothing_and_begins_no_other_life(split: int) -> None:
    for wrong in (1 << 24 | 9, 70_000, 5, 1 << 31):
        assert agents_lost([1_000, 1_001, wrong, 1_002, 1_003, 1_004], split=split) == [0] * 6
    agents = Agents()
    agent = agents.numbers([0], [b"a"])[[0] * 6]
    _, life, new = agents.follow(agent, np.array([1_000, 1_001, 70_000, 1_002, 1_003, 1_003]))
    assert new.tolist() == [True] * 5 + [False]
    assert len({*life[:2].tolist(), *life[3:].tolist()}) == 1
    assert life[2] != life[0], "its samples are followed by themselves"


@pytest.mark.parametrize("split", range(0, 5))
def test_a_long_gap_counts_when_what_follows_goes_on_from_it(split: int) -> None:
    assert agents_lost([1, 2, 90_003, 90_004, 90_006], split=split) == [0, 0, 0, 90_000, 1]


def test_a_number_doubted_before_many_in_order_is_forgotten() -> None:
    assert agents_lost([1, 2, 90_003, *range(3, 50), 90_004, 50], split=3) == [0] * 52


def test_a_forgotten_agent_begins_anew() -> None:
    agents = Agents()
    for _ in range(2):
        number = agents.numbers([4], [b"a"])
        assert agents.follow(number, np.array([5]))[0].tolist() == [0]
        assert agents.follow(number, np.array([9]))[0].tolist() == [3]
        agents.forget(4)


@pytest.mark.parametrize(
    ("numbers", "lost"),
    [
        ([5, 6, 7], [0, 0, 0]),
        ([5, 8, 9], [0, 2, 0]),
        ([0xFFFF_FFFF, 0, 2], [0, 0, 1]),
        ([0, 0, 0], [0, 0, 0]),
        ([5_000, 1, 2], [0, 0, 0]),
        ([5, 1 << 30], [0, 0]),
        ([5, 9, 7, 6, 8, 10], [0, 3, -1, -1, -1, 0]),
        ([5, 9, 7, 11], [0, 3, -1, 1]),
    ],
    ids=["in order", "lost", "wrap", "an agent that does not count", "restart", "a jump", "late", "both"],
)
@pytest.mark.parametrize("split", [0, 1, 2])
def test_samples(numbers: list[int], lost: list[int], split: int) -> None:
    assert sources_lost(numbers, split=split) == lost


@given(st.permutations(range(1, 13)), st.integers(0, 12))
def test_samples_that_overtake_each_other_are_not_lost(order: list[int], split: int) -> None:
    lost = sources_lost([0, *order, 13], split=split)
    assert (sum(lost), min(np.cumsum(lost)) >= 0) == (0, True)


def test_drops_count_once() -> None:
    assert sources_lost([1, 2, 3, 4], [10, 10, 13, 13]) == [0, 0, 3, 0]


def test_drops_wrap_and_start_again() -> None:
    assert sources_lost([1, 2, 3, 4], [0xFFFF_FFFF, 1, 0, 0]) == [0, 2, 0, 0]


def test_late_samples_do_not_count_drops_twice() -> None:
    assert sum(sources_lost([1, 3, 2, 4], [0, 5, 2, 6])) == 6


def test_sources_are_apart() -> None:
    assert sources_lost([1, 100, 2, 103, 3], source=[1, 2, 1, 2, 1]) == [0, 0, 0, 2, 0]


def test_new_sources_between_known_ones() -> None:
    sources = Sources()

    def follow(source: list[int], number: int) -> list[int]:
        column = np.array(source, np.int64)
        lost = sources.follow(column, np.full(len(column), number), np.zeros(len(column), np.int64))
        return [int(one) for one in lost]

    assert follow([5, 1], 1) == [0, 0]
    assert follow([3, 5, 0, 9, 1], 3) == [0, 1, 0, 0, 1]
    assert follow([0, 1, 3, 5, 9], 5) == [1] * 5


def test_sources_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caudal.collector.decode.sequence.samplesequence._MOST_SOURCES", 10)
    sources = Sources()
    for first in range(0, 100, 5):
        column = np.arange(first, first + 5)
        sources.follow(column, np.ones(5, np.int64), np.zeros(5, np.int64))
    assert len(sources) <= 15
