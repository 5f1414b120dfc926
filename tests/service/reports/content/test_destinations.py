"""Shares of places and jurisdictions: they add up, and what is too small is put together."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.service.reports.content.destinations import OTHER, UNKNOWN, destinations_of

from ..samples import CELLS

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["", "US", "CL", "BR", "MX"]),
        st.sampled_from(["", "US", "CN"]),
        st.floats(1, 1e12),
        st.floats(0, 1e12),
        st.integers(0, 500),
    ),
    min_size=1,
    max_size=30,
)


def frame(rows: list[tuple[str, str, float, float, int]]) -> pl.DataFrame:
    names = ("location", "control", "bytes", "bytes_variance", "flows")
    border = pl.when(pl.col("location") == "CL").then(pl.lit("domestic")).otherwise(pl.lit("out"))
    return (
        pl.DataFrame(rows, schema=names, orient="row")
        .group_by(border.alias("border"), "location", "control")
        .agg(pl.col("bytes", "bytes_variance", "flows").sum())
    )


def test_worked_example() -> None:
    # 1,000 bytes: 600 in and of the US, 250 in CL of the US, 100 BR, 50 unknown; no sampling. Without the
    # unknown a share is what it is; with all of it, 50/1,000 more.
    found = destinations_of(CELLS)
    by_place = {share.key: (share.value, share.low, share.high) for share in found.locations}
    assert by_place["US"] == pytest.approx((0.60, 0.60, 0.65))
    assert by_place[UNKNOWN] == pytest.approx((0.05, 0.05, 0.05))
    by_control = {share.key: share.value for share in found.controls}
    assert by_control["US"] == pytest.approx(0.85)
    # What has no known place went out: 50 of 150 bytes that perhaps did not, and perhaps stayed with the 250.
    by_flow = {share.key: (share.value, share.low, share.high) for share in found.borders}
    assert by_flow["domestic"] == pytest.approx((0.25, 0.25, 0.30))
    assert by_flow["out"] == pytest.approx((0.15, 0.10, 0.15))
    assert by_flow["in"] == pytest.approx((0.60, 0.60, 0.60))
    assert {(each.border, each.location): each.share for each in found.crossings} == {
        ("in", "US"): 0.6, ("domestic", "CL"): 0.25, ("out", "BR"): 0.1, ("out", UNKNOWN): 0.05
    }  # fmt: skip


@given(ROWS)
def test_shares_add_up_to_one_and_lie_in_their_intervals(
    rows: list[tuple[str, str, float, float, int]],
) -> None:
    found = destinations_of(frame(rows))
    for shares in (found.locations, found.controls, found.borders):
        assert sum(share.value for share in shares) == pytest.approx(1)
        for share in shares:
            assert (
                0 <= share.low <= share.value * (1 + 1e-9)
                and share.value <= share.high * (1 + 1e-9) <= 1 + 1e-6
            )
    assert sum(link.share for link in found.links) == pytest.approx(1)
    assert 0 <= found.withheld <= 1 + 1e-9


@given(ROWS)
def test_the_order_of_rows_does_not_matter(rows: list[tuple[str, str, float, float, int]]) -> None:
    cells = frame(rows).sort("location", "control")
    assert [s.key for s in destinations_of(cells).locations] == [
        s.key for s in destinations_of(cells.reverse()).locations
    ]


def test_few_flow_records_are_shown_as_other() -> None:
    found = destinations_of(
        CELLS.with_columns(flows=pl.when(pl.col("location") == "BR").then(99).otherwise("flows"))
    )
    assert {share.key for share in found.locations} == {"US", "CL", OTHER, UNKNOWN}
    assert found.withheld == pytest.approx(0.1)


@pytest.mark.parametrize("cells", [CELLS.clear(), CELLS.with_columns(bytes=0.0)])
def test_nothing_gives_nothing(cells: pl.DataFrame) -> None:
    assert destinations_of(cells).links == ()
