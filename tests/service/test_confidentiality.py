"""What may be published of how much a few operators carry."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.service.confidentiality.confidentiality import MINIMUM_FREQUENCY, P_PERCENT, Rule, withhold
from caudal.service.confidentiality.publicaggregates import AGGREGATE_KEYS, aggregates
from caudal.service.indicators import CATALOGUE, Observation


@pytest.mark.parametrize(
    ("contributions", "rule"),
    [
        ([], None),
        ([5.0], MINIMUM_FREQUENCY),
        ([5.0, 5.0], MINIMUM_FREQUENCY),
        ([5.0, 5.0, 0.0], MINIMUM_FREQUENCY),
        ([5.0, 5.0, 5.0], None),
        # The second, 40, subtracts itself from 145: 105 is within 5 % of 100, and 10 % would be too near.
        ([100.0, 40.0, 5.0], P_PERCENT),
        ([100.0, 40.0, 10.0], None),
        ([100.0, 40.0, 4.0, 6.0], None),
    ],
)
def test_rules_by_hand(contributions: list[float], rule: str | None) -> None:
    objection = Rule(3, 10).objection(contributions)
    assert (objection.rule if objection else None) == rule


def test_everything_passes_where_it_is_so_set() -> None:
    assert Rule(1, 0).objection([5.0]) is None
    assert [Rule(1, 0).forbids, Rule(2, 0).forbids, Rule(1, 5).forbids] == [False, True, True]


def test_shares_are_kept_and_amounts_are_not() -> None:
    def some(name: str, value: float | None) -> Observation:
        return Observation(
            name, None, value, value, value, 0.1, 0.2, 900, ("x",), None if value else "none", {"d": 1.0}
        )

    definitions = {name: CATALOGUE[name].definition for name in ("J1", "V2")}
    objection = Rule().objection([1.0])
    kept, withheld = withhold({"J1": [some("J1", 0.5)], "V2": [some("V2", 3.0)]}, definitions, objection)
    assert kept["J1"] == [some("J1", 0.5)]
    [volume] = kept["V2"]
    assert (volume.value, volume.low, volume.high, volume.details) == (None, None, None, {})
    assert volume.flags == ("confidential", "x")
    assert volume.reason == (
        "withheld: 1 operator reported; a total of fewer than 3 would show what each carries "
        "(minimum frequency rule, primary confidentiality)"
    )
    assert [(each.what, each.degree) for each in withheld] == [("V2", "primary")]
    untold, nothing = withhold({"V2": [some("V2", None)]}, definitions, objection)
    assert untold["V2"][0].reason == "none"
    assert nothing == ()


def facts(*rows: tuple[str, str, int, int]) -> pl.DataFrame:
    """Facts of (operator, direction, network, bytes)."""
    return pl.DataFrame(
        [
            {"operator": operator, "direction": direction, "remote_asn": asn, "remote_country": "US",
             "location_rung": "database", "service": "", "sampling_from": "options", "folded": False,
             "bytes": size, "packets": size, "flows": size, "bytes_variance": float(size)}
            for operator, direction, asn, size in rows
        ],
        schema_overrides={"remote_asn": pl.UInt32, "bytes": pl.UInt64, "packets": pl.UInt64, "flows": pl.UInt64},
    )  # fmt: skip


def test_small_cells_go_into_the_rest() -> None:
    """Network 1 is carried by three alike; 2 by one. The rest is 2 alone, so the smallest other, 3, joins it."""
    month = facts(
        ("a", "out", 1, 100), ("b", "out", 1, 100), ("c", "out", 1, 100),
        ("a", "out", 2, 40),
        ("a", "out", 3, 20), ("b", "out", 3, 20), ("c", "out", 3, 20),
    )  # fmt: skip
    shown = aggregates(month, Rule(3, 10))
    assert shown.objection is None
    assert shown.rows.select("remote_asn", "remote_country", "bytes", "cells").rows() == [
        (0, "ZZ", 100, 2),
        (1, "US", 300, 1),
    ]


def test_a_month_of_one_operator_shows_shares_only() -> None:
    shown = aggregates(facts(("a", "out", 1, 30), ("a", "in", 2, 10)), Rule())
    assert shown.objection is not None
    assert shown.rows["share"].to_list() == [0.25, 0.75]
    assert shown.rows["bytes"].null_count() == shown.rows["flows"].null_count() == 2
    whole = aggregates(facts(("a", "out", 1, 30), ("a", "in", 2, 10)), Rule(), protected=False)
    assert whole.rows["bytes"].to_list() == [10, 30]


def test_a_direction_of_one_operator_is_not_shown() -> None:
    """Three alike send: their sum is told. Transit is of one: it has a row, and no sums. Received by one: no sums."""
    sent = [(name, "out", 1, 100) for name in "abc"]
    shown = aggregates(facts(*sent, ("a", "transit", 2, 50), ("a", "transit", 3, 60)), Rule())
    assert shown.objection is None
    assert shown.rows.select("direction", "bytes", "flows", "cells").rows() == [
        ("out", 300, 300, 1),
        ("transit", None, None, 2),
    ]
    both = aggregates(facts(*sent, ("a", "in", 2, 50)), Rule())
    assert both.objection is not None
    assert both.rows["bytes"].null_count() == 2


def test_who_carried_nothing_is_no_contributor() -> None:
    month = facts(
        ("a", "out", 1, 100), ("b", "out", 1, 0), ("c", "out", 1, 0),
        ("a", "out", 2, 100), ("b", "out", 2, 100), ("c", "out", 2, 100),
    )  # fmt: skip
    shown = aggregates(month, Rule(3, 0))
    assert shown.rows.select("bytes", "cells").rows() == [(400, 2)]


def test_what_networks_exchange_is_told_with_as_much_of_other_traffic() -> None:
    """Network 9 is an operator's, which knows what the others exchanged with it: 300 bytes, beside 300 of network 2 and not alone."""
    month = facts(
        *((name, "out", 9, 100_000) for name in "abc"),
        *((name, "out", 2, 100_000) for name in "abc"),
        *((name, "out", 1, 900_000) for name in "abc"),
    ).with_columns((pl.col("remote_asn") == 9).alias("exchange"))
    shown = aggregates(month, Rule(3, 10), moved=True)
    assert shown.rows.select("remote_asn", "bytes", "cells").rows() == [(0, 600_000, 2), (1, 2_700_000, 1)]
    # Traffic of a model is nobody's.
    assert aggregates(month, Rule(3, 10), protected=False).rows.height == 3


many = st.lists(
    st.tuples(
        st.sampled_from("abcde"), st.sampled_from(("out", "in")), st.integers(1, 9), st.integers(0, 10**9)
    ),
    min_size=1,
    max_size=40,
)


@given(many)
def test_nothing_is_lost_and_no_shown_cell_is_unsafe(given_rows: list[tuple[str, str, int, int]]) -> None:
    month, rule = facts(*given_rows), Rule(3, 10)
    summed = month.group_by("operator", *AGGREGATE_KEYS).agg(
        pl.col("bytes", "packets", "flows", "bytes_variance").sum()
    )
    shown = aggregates(summed, rule)
    if shown.objection is not None:
        assert shown.rows["bytes"].null_count() == shown.rows.height
        return
    for direction in ("out", "in"):
        own = summed.filter(pl.col("direction") == direction)
        rows = shown.rows.filter(pl.col("direction") == direction)
        assert rows["bytes"].sum() == own["bytes"].sum()
        assert rows["cells"].sum() == own.select(AGGREGATE_KEYS).n_unique()
        for network, size in rows.filter(pl.col("remote_asn") > 0).select("remote_asn", "bytes").iter_rows():
            carried = own.filter(pl.col("remote_asn") == network)["bytes"].to_list()
            assert sum(carried) == size
            assert rule.objection([float(each) for each in carried]) is None
