"""Flattening: the narrowest range answers, and the whole address space is covered once."""

from hypothesis import given
from hypothesis import strategies as st

from caudal.reference.addresses.steps import Range, flatten

SPACE = 64

ranges = st.lists(
    st.tuples(st.integers(0, SPACE - 1), st.integers(0, SPACE - 1), st.sampled_from(["", "a", "b", "c"])).map(
        lambda drawn: Range(min(drawn[:2]), max(drawn[:2]), drawn[2])
    ),
    max_size=12,
)


def answer(given_ranges: list[Range], address: int) -> str:
    """The plainest form of the rule: of the ranges around an address, the narrowest, then the latest."""
    around = [each for each in given_ranges if each.start <= address <= each.end]
    if not around:
        return ""
    narrow = min(around, key=lambda each: (each.end - each.start, -each.start))
    same = {each.value for each in around if (each.start, each.end) == (narrow.start, narrow.end)}
    return same.pop() if len(same) == 1 else ""


@given(ranges)
def test_steps_answer_as_the_narrowest_range_does(given_ranges: list[Range]) -> None:
    steps = flatten(given_ranges, 4)
    assert steps.starts[0] == 0
    assert steps.starts == sorted(set(steps.starts))
    assert all(one != other for one, other in zip(steps.values, steps.values[1:], strict=False))
    for address in range(SPACE + 1):
        position = max(index for index, start in enumerate(steps.starts) if start <= address)
        assert steps.values[position] == answer(given_ranges, address), address


@given(ranges, st.randoms())
def test_the_order_of_ranges_does_not_matter(given_ranges: list[Range], random: object) -> None:
    shuffled = list(given_ranges)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert flatten(shuffled, 6) == flatten(given_ranges, 6)


def test_overlaps_and_contradictions_are_counted() -> None:
    steps = flatten([Range(0, 9, "a"), Range(2, 3, "b"), Range(20, 29, "c"), Range(20, 29, "d")], 4)
    assert (steps.overlaps, steps.contradictions) == (1, 1)
    assert steps.starts == [0, 2, 4, 10]
    assert steps.values == ["a", "b", "a", ""]


def test_the_last_address_of_each_version_has_an_answer() -> None:
    for version, last in ((4, 2**32 - 1), (6, 2**128 - 1)):
        steps = flatten([Range(last, last, "a")], version)  # type: ignore[arg-type]
        assert (steps.starts, steps.values) == ([0, last], ["", "a"])
