"""National totals: worked examples by hand, and what must hold whatever the numbers."""

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.service.indicators import Observation
from caudal.service.indicators.model.observation import UNDECLARED_OPERATORS
from caudal.service.national.national import (
    SPREAD_ASSUMED,
    USERS_EXCEEDED,
    Figure,
    national_totals,
    spread_of,
)


def cells(*rows: tuple[str, str, int, float]) -> pl.DataFrame:
    return pl.DataFrame(
        rows, schema=["operator", "border", "bytes", "bytes_variance"], orient="row"
    ).with_columns(
        pl.col("bytes").cast(pl.UInt64), pl.lit(1.0).alias("counted"), pl.lit(value=False).alias("doubtful")
    )


def observation(value: float, low: float, high: float) -> Observation:
    return Observation("V2", None, value, low, high, 0.1, 0.25, 900, (), None, {})


def test_one_operator_by_hand() -> None:
    """600 bytes of 100 subscribers, 400 internet users.

    r = 600/100 = 6; missing 300; estimate 600 + 6·300 = 2400.
    Fewest missing: 0.9·400 − 1.1·100 = 250, each 600/110/2: low = 600 + 681.818 = 1281.818.
    Most missing: 1.1·400 − 0.9·100 = 350, each 600/90·2: high = 600 + 4666.667 = 5266.667.
    """
    _, out, back, both = national_totals(
        cells(("a", "out", 600, 0.0), ("a", "internal", 9, 0.0)), {"a": 100.0}, 400, {}
    )
    assert out.observed == Figure(600, 600, 600)
    assert out.estimated is not None
    assert out.estimated.value == pytest.approx(2400)
    assert out.estimated.low == pytest.approx(1281.818, abs=1e-3)
    assert out.estimated.high == pytest.approx(5266.667, abs=1e-3)
    assert out.flags == (SPREAD_ASSUMED,)
    assert back.estimated is None
    assert back.reason == "needs traffic of operators that declared subscribers: there is none"
    assert both.estimated == out.estimated


def test_three_operators_measure_how_they_differ() -> None:
    """Rates 4, 6, 9: on the log scale ln 1.5 apart, so their deviation is ln 1.5 = 0.405465.

    t(2) = 4.303; h = exp(4.303 · 0.405465 · √(1 + 1/3)) = exp(2.01463) = 7.498.
    """
    spread, flags = spread_of([4.0, 6.0, 9.0])
    assert spread == pytest.approx(7.498, abs=1e-3)
    assert flags == set()
    rows = cells(("a", "out", 400, 0.0), ("b", "out", 600, 0.0), ("c", "out", 900, 0.0))
    total = national_totals(rows, {"a": 100.0, "b": 100.0, "c": 100.0}, 400, {})[1]
    assert total.spread == pytest.approx(7.498, abs=1e-3)
    assert total.flags == ()


def test_sampling_is_in_the_observed_interval() -> None:
    """A variance of 100²: 1000 ± 1.96·100."""
    total = national_totals(cells(("a", "in", 1000, 1e4)), {}, 400, {})[2]
    assert total.observed is not None
    assert (total.observed.low, total.observed.high) == (pytest.approx(804.0036), pytest.approx(1195.9964))
    assert total.estimated is None
    assert total.reason is not None
    assert "declared subscribers" in total.reason


def test_a_rate_is_of_all_people_with_a_wider_interval() -> None:
    """A quarter is covered, h = 2: low·(1/4 + 3/4/2) = 0.625·low, high·(1/4 + 3/4·2) = 1.75·high."""
    rows = cells(("a", "out", 600, 0.0))
    total = national_totals(rows, {"a": 100.0}, 400, {"V2": observation(2.0, 1.6, 2.4)})[-1]
    assert total.observed == Figure(2.0, 1.6, 2.4)
    assert total.estimated == Figure(2.0, 1.0, pytest.approx(4.2))  # type: ignore[arg-type]


def test_who_declared_nothing_is_only_seen() -> None:
    """The second operator's 50,000 bytes are there, whatever the first one's subscribers would come to."""
    total = national_totals(cells(("a", "out", 600, 0.0), ("b", "out", 50_000, 0.0)), {"a": 100.0}, 400, {})[
        1
    ]
    assert UNDECLARED_OPERATORS in total.flags
    assert total.estimated is not None
    assert total.estimated.value == 50_600


def test_more_subscribers_than_users_add_nothing() -> None:
    total = national_totals(cells(("a", "out", 600, 0.0)), {"a": 500.0}, 400, {})[1]
    assert USERS_EXCEEDED in total.flags
    assert total.estimated is not None
    assert total.estimated.value == 600


rows = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from(("out", "in")),
        st.integers(0, 10**15),
        st.floats(0, 1e20),
    ),
    min_size=1,
    max_size=12,
)


@given(
    rows, st.dictionaries(st.sampled_from("abcd"), st.integers(1, 10**8).map(float)), st.integers(1, 10**9)
)
def test_an_estimate_holds_what_was_seen(
    given_rows: list[tuple[str, str, int, float]], declared: dict[str, float], users: int
) -> None:
    shuffled = national_totals(cells(*reversed(given_rows)), declared, users, {})
    for total, again in zip(national_totals(cells(*given_rows), declared, users, {}), shuffled, strict=True):
        assert total == again
        if total.estimated is None:
            assert total.reason
            continue
        assert total.observed is not None
        assert math.isfinite(total.estimated.high)
        assert total.estimated.low <= total.estimated.value <= total.estimated.high
        assert total.estimated.value >= total.observed.value
        assert total.estimated.low >= total.observed.low
