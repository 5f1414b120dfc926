"""A change is said only where the intervals allow it."""

from hypothesis import given
from hypothesis import strategies as st

from caudal.service.reports.content.change import Trend, compare

from ..samples import observed

SHARES = st.tuples(*[st.floats(0, 1, allow_nan=False)] * 3).map(sorted)


def trend(now: tuple[float, float, float], before: tuple[float, float, float]) -> Trend:
    change = compare(
        observed("J1", now[1], now[0], now[2]),
        observed("J1", before[1], before[0], before[2]),
        "month_before",
        "2026-09",
    )
    assert change is not None
    return change.trend


def test_intervals_apart_tell_a_change() -> None:
    assert trend((0.30, 0.32, 0.35), (0.20, 0.22, 0.29)) is Trend.ROSE
    assert trend((0.20, 0.22, 0.29), (0.30, 0.32, 0.35)) is Trend.FELL


def test_intervals_that_touch_tell_none_however_far_the_values_are_apart() -> None:
    assert trend((0.29, 0.80, 0.90), (0.10, 0.11, 0.29)) is Trend.UNTOLD


def test_without_a_value_there_is_no_change() -> None:
    nothing = observed("J1", None, reason="needs more")
    assert compare(nothing, observed("J1", 0.2), "month_before", "2026-09") is None
    assert compare(observed("J1", 0.2), nothing, "month_before", "2026-09") is None


@given(SHARES, SHARES)
def test_a_told_change_has_the_sign_of_the_difference(now: list[float], before: list[float]) -> None:
    told = trend((now[0], now[1], now[2]), (before[0], before[1], before[2]))
    if told is Trend.ROSE:
        assert now[1] > before[1]
    elif told is Trend.FELL:
        assert now[1] < before[1]
    # What is told of one month against the other is told the other way round.
    back = trend((before[0], before[1], before[2]), (now[0], now[1], now[2]))
    assert {told, back} in ({Trend.ROSE, Trend.FELL}, {Trend.UNTOLD})
