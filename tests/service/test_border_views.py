"""The border in the views: they say of any traffic what is computed of it."""

from collections.abc import Iterator
from datetime import date

import numpy as np
import polars as pl
import pytest

from caudal.reference import Reference
from caudal.service.attribution.exchange import OwnNetworks
from caudal.service.attribution.interpretation import interpret
from caudal.service.queries import month_facts
from caudal.service.settings.settings import Operator
from caudal.service.store.referencetables import load_operator_networks
from caudal.service.store.store import Store
from tests.support.samples import NOW

from .conftest import clear
from .test_border_api import MONTH, TRAFFIC, A, B, cell, fill

C = 27651


@pytest.fixture(autouse=True)
def emptied(store: Store) -> Iterator[None]:
    yield
    clear(store)
    load_operator_networks(store, [], lambda: NOW)


@pytest.mark.parametrize(
    "declared", [{}, {"a": (A,)}, {"a": (A, 4_210_000_001), "b": (B,)}, {"a": (A,), "b": (B,), "c": (C,)}]
)
def test_the_views_say_what_is_computed(
    store: Store, reference: Reference, declared: dict[str, tuple[int, ...]]
) -> None:
    """Of any traffic, view and interpretation tell the same border, and count the same bytes."""
    random = np.random.default_rng(len(declared))
    cells = [
        cell(
            "abc"[random.integers(3)],
            ("out", "in", "internal")[random.integers(3)],
            (A, B, C, 14259, 15169, 3356, 0, 4_210_000_001, 64_500)[random.integers(9)],
            ("CL", "US", "ZZ")[random.integers(3)],
            location_rung=("database", "operator", "anycast", "unknown")[random.integers(4)],
            service=("", "", "netflix")[random.integers(3)],
            bytes=int(random.integers(1, 10**9)),
        )
        for _ in range(120)
    ]
    operators = [
        Operator(id=name, name=name, economy="CL", asns=declared.get(name, ())) for name in ("a", "b", "c")
    ]
    load_operator_networks(store, operators, lambda: NOW)
    fill(store, cells)
    told = interpret(month_facts(store, "CL", MONTH), reference.at(MONTH), OwnNetworks("CL", declared))
    keys = ("operator", "direction", "remote_asn", "platform", "border", "exchange")
    for grain in ("month", "day", "hour"):
        seen = store.frame(
            "SELECT toString(operator) AS operator, toString(direction) AS direction, remote_asn, platform, border, "
            "toBool(exchange) AS exchange, toFloat64(sum(bytes * halves)) / 2 AS counted "
            f"FROM flow_attributed_{grain} GROUP BY ALL ORDER BY ALL"
        )
        expected = told.group_by(keys).agg(pl.col("bytes").sum().alias("counted")).sort(keys)
        assert seen.rows() == expected.select(seen.columns).rows()


def test_numbers_have_dates(store: Store) -> None:
    """B's number was A's until August: what A exchanged with it in September is another operator's."""
    operators = [
        Operator(id="a", name="a", economy="CL", asns=(A, {"asn": B, "until": "2026-08-31"})),
        Operator(id="b", name="b", economy="CL", asns=({"asn": B, "since": "2026-09-01"},)),
    ]
    assert operators[0].asns_on(date(2026, 8, 15)) == (B, A)
    assert operators[0].asns_on(date(2026, 9, 15)) == (A,)
    assert load_operator_networks(store, operators, lambda: NOW) is True
    assert load_operator_networks(store, operators, lambda: NOW) is False
    fill(store, TRAFFIC)
    owners = store.frame(
        "SELECT toString(operator) AS operator, other_operator FROM flow_attributed_month WHERE exchange ORDER BY operator"
    )
    assert owners.rows() == [("a", "b"), ("b", "a")]
