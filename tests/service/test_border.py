"""The border is the country's: what its networks exchange stays in it, and counts once."""

from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest

from caudal.reference import Reference, load_reference
from caudal.service.attribution.exchange import OwnNetworks
from caudal.service.attribution.interpretation import interpret
from caudal.service.confidentiality.confidentiality import Rule
from caudal.service.evaluation.evaluation import SYNTHETIC, MonthInputs, MonthMeasures, evaluate
from caudal.service.indicators import CATALOGUE

MONTH = "2026-09"
TERABYTE = 10**12
# Two listed access networks of Chile, and a number that no table lists.
A, B = 7418, 6429
UNLISTED = 4_210_000_001
GOOGLE = 15169


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load_reference()


def row(operator: str, direction: str, asn: int, country: str = "CL", **rest: Any) -> dict[str, Any]:
    return {
        "operator": operator, "direction": direction, "remote_asn": asn, "remote_country": country,
        "location_rung": "operator", "service": "", "sampling_from": "unsampled", "folded": False,
        "bytes": TERABYTE, "packets": 10**9, "flows": 10**6, "bytes_variance": 0.0, **rest,
    }  # fmt: skip


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    whole = {"remote_asn": pl.UInt32, "bytes": pl.UInt64, "packets": pl.UInt64, "flows": pl.UInt64}
    return pl.DataFrame(list(rows), schema_overrides=whole)


# 1 TB comes from the United States to A; A sends 1 TB to B, in Chile.
FROM_ABROAD = row("a", "in", GOOGLE, "US")
A_TO_B, B_FROM_A = row("a", "out", B), row("b", "in", A)
BOTH = frame(FROM_ABROAD, A_TO_B, B_FROM_A)
ONE = frame(FROM_ABROAD, A_TO_B)


def measured(
    facts: pl.DataFrame, reference: Reference, asns: Mapping[str, tuple[int, ...]] | None = None
) -> MonthMeasures:
    operators = tuple(sorted(set(facts["operator"])))
    inputs = MonthInputs(
        "CL", MONTH, operators, {}, frozenset({SYNTHETIC}), Rule(1, 0.0), asns=dict(asns or {})
    )
    chosen = [CATALOGUE[name] for name in ("J1", "J3", "J4", "J5", "J9", "C1", "C2", "C3", "C4", "V1")]
    return evaluate(inputs, facts, reference, chosen)


def totals(found: MonthMeasures) -> dict[str, tuple[float, float, float]]:
    return {
        each.what: (
            each.observed.value / TERABYTE,
            each.observed.low / TERABYTE,
            each.observed.high / TERABYTE,
        )
        for each in found.totals
        if each.observed is not None
    }


DECLARED = {"a": (A,), "b": (B,)}


@pytest.mark.parametrize(
    ("facts", "asns"),
    [
        (BOTH, DECLARED),
        (ONE, DECLARED),
        (ONE, {"a": (A,)}),
        (ONE, {}),
        # Numbers of which no table knows anything, with an address database that is wrong about where they are.
        (
            frame(
                FROM_ABROAD,
                row("a", "out", UNLISTED, "US", location_rung="database"),
                row("b", "in", UNLISTED + 1, "US", location_rung="database"),
            ),
            {"a": (UNLISTED + 1,), "b": (UNLISTED,)},
        ),
        (frame(FROM_ABROAD, row("a", "out", UNLISTED, "ZZ")), {"a": (A,), "b": (UNLISTED,)}),
    ],
    ids=[
        "both",
        "b is silent",
        "b is silent and declared nothing",
        "nobody declared",
        "unlisted",
        "unlocated",
    ],
)
def test_what_two_networks_exchange_is_domestic_and_counts_once(
    reference: Reference, facts: pl.DataFrame, asns: dict[str, tuple[int, ...]]
) -> None:
    found = measured(facts, reference, asns)
    [share] = found.observations["J1"]
    assert share.value == pytest.approx(0.5)
    assert "exchange_doubtful" not in share.flags
    assert totals(found) == {
        "bytes_domestic": (1, 1, 1), "bytes_out": (0, 0, 0), "bytes_in": (1, 1, 1), "bytes": (2, 2, 2)
    }  # fmt: skip


def test_by_the_list_alone_the_interval_holds_both_ways_of_counting(reference: Reference) -> None:
    """Neither declared: that A never meets network A, and B never B, says whose they are. It is likely, not sure: 1 to 2 TB."""
    found = measured(BOTH, reference)
    [share] = found.observations["J1"]
    assert share.value == pytest.approx(0.5)
    assert share.low is not None
    assert share.high is not None
    assert share.low <= 0.5
    assert share.high >= 2 / 3
    assert "exchange_doubtful" in share.flags
    assert totals(found)["bytes_domestic"] == (1, 1, 2)
    assert totals(found)["bytes_out"] == (0, 0, 0)


def test_one_side_declared_makes_the_other_sure_as_well_as_it_may_be(reference: Reference) -> None:
    """B declared: what A sent it counts half for sure. Whether B met A's network is likely, and in the interval."""
    found = measured(BOTH, reference, {"b": (B,)})
    assert found.observations["J1"][0].value == pytest.approx(0.5)
    assert totals(found)["bytes_domestic"] == (1, 1, 1.5)


def test_a_network_that_all_meet_is_nobodys_who_reports(reference: Reference) -> None:
    other = 27651
    facts = frame(row("a", "out", other), row("b", "out", other))
    assert totals(measured(facts, reference))["bytes_domestic"] == (2, 1, 2)
    assert totals(measured(facts, reference, DECLARED))["bytes_domestic"] == (2, 2, 2)


def test_what_was_folded_into_the_country_may_have_been_met_twice(reference: Reference) -> None:
    folded = row("a", "out", 0, folded=True)
    assert totals(measured(frame(folded), reference, DECLARED))["bytes_domestic"] == (1, 1, 1)
    both = frame(folded, row("b", "in", GOOGLE, "US"))
    assert totals(measured(both, reference, DECLARED))["bytes_domestic"] == (1, 0.5, 1)


@pytest.mark.parametrize(
    ("cell", "border", "exchange"),
    [
        (row("a", "out", B), "domestic", True),
        # A list that says exactly where an address is goes before a declaration, a database does not.
        (row("a", "out", B, "AR"), "out", False),
        (row("a", "out", B, "AR", location_rung="database"), "domestic", True),
        # Hosting, caches and whatever bears a platform's name are a far end in the country, no exchange.
        (row("a", "out", B, service="netflix"), "domestic", False),
        (row("a", "in", GOOGLE), "domestic", False),
        (row("a", "in", 3356), "domestic", False),
        (row("a", "in", GOOGLE, "ZZ"), "in", False),
        (row("a", "in", GOOGLE, location_rung="anycast"), "in", False),
        # A listed network may serve other countries too.
        (row("a", "out", 27651, "AR", location_rung="database"), "out", False),
        (row("a", "out", 27651, "ZZ"), "domestic", True),
        (row("a", "internal", B), "", False),
    ],
)
def test_where_the_border_is(reference: Reference, cell: dict[str, Any], border: str, exchange: bool) -> None:
    told = interpret(frame(cell), reference.at(MONTH), OwnNetworks("CL", DECLARED))
    assert told.select("border", "exchange").rows() == [(border, exchange)]
    assert told["remote_country"].to_list() == ["CL" if exchange else cell["remote_country"]]


def test_the_other_side_is_not_there_in_a_network_of_ones_own(reference: Reference) -> None:
    """Addresses that A forgot to call home: its own number, met once."""
    assert totals(measured(frame(row("a", "out", A), B_FROM_A), reference, DECLARED))["bytes_domestic"] == (
        1.5, 1.5, 1.5,
    )  # fmt: skip


def test_variance_is_that_of_a_mean_of_two(reference: Reference) -> None:
    """Two estimates with the variance V: their mean has V / 2."""
    facts = BOTH.with_columns(pl.lit(8.0).alias("bytes_variance"))
    told = interpret(facts, reference.at(MONTH), OwnNetworks("CL", DECLARED)).filter("exchange")
    assert told["bytes_variance"].sum() == pytest.approx(4.0)
    assert told["packets"].sum() == 10**9
    assert told["flows"].sum() == 2 * 10**6


def test_who_sends_what_to_services_leaves_exchange_out(reference: Reference) -> None:
    """V1 takes the terabyte that came from abroad alone; with what A sent to B it would be 0."""
    facts = frame(FROM_ABROAD, row("a", "in", UNLISTED, "US"), A_TO_B, B_FROM_A)
    found = measured(facts, reference, DECLARED)
    values = {each.dimension: each.value for each in found.observations["V1"]}
    assert values["without_video_and_cdn"] == -1


def test_exchange_is_in_no_figure_of_concentration_within_a_function(reference: Reference) -> None:
    """What two networks exchange both know: the shares of so few would tell what a third exchanges with each."""
    found = measured(frame(FROM_ABROAD, A_TO_B, B_FROM_A, row("a", "in", 3356, "US")), reference, DECLARED)
    for name in ("C1", "C2", "C3", "C4"):
        within = [each for each in found.observations[name] if (each.dimension or "").startswith("connects")]
        assert within, name
        # AS3356 alone; with networks A and B there were three.
        assert [each.value for each in within] == [1] * len(within), name


def test_where_nothing_but_exchange_was_seen_nothing_breaks(reference: Reference) -> None:
    inputs = MonthInputs(
        "CL", MONTH, ("a", "b"), {"a": (10**6, "2026-08-31")}, frozenset({SYNTHETIC}), Rule(1, 0.0), asns=DECLARED
    )  # fmt: skip
    found = evaluate(inputs, frame(A_TO_B, B_FROM_A), reference, CATALOGUE.values())
    for name, observations in found.observations.items():
        for each in observations:
            assert each.value is not None or each.reason, name
    assert found.observations["J1"][0].value == 1


def test_a_network_that_was_declared_is_in_no_other_operators_doubt(reference: Reference) -> None:
    """C reports and declared nothing: it may be any network that nobody declared, but not B's."""
    facts = frame(FROM_ABROAD, A_TO_B, B_FROM_A, row("c", "in", GOOGLE, "US"))
    assert totals(measured(facts, reference, DECLARED))["bytes_domestic"] == (1, 1, 1)


def test_what_has_no_known_place_may_stay_or_leave(reference: Reference) -> None:
    found = totals(measured(frame(FROM_ABROAD, row("a", "out", UNLISTED, "ZZ", location_rung="unknown")), reference, DECLARED))  # fmt: skip
    assert found["bytes_domestic"] == (0, 0, 1)
    assert found["bytes_out"] == (1, 0, 1)
    assert found["bytes_in"] == (1, 1, 1)
    assert found["bytes"] == (2, 2, 2)


@pytest.mark.parametrize("service", ["google", ""])
def test_what_a_cache_in_another_network_delivers_may_be_met_at_both_ends(
    reference: Reference, service: str
) -> None:
    """A knows by its name that it is Google's, from B's network; B, where no name is seen, meets it as exchange: 2 to 2.5 TB."""
    cached = row("a", "in", B, service=service)
    told = totals(measured(frame(FROM_ABROAD, cached, row("b", "out", A)), reference, DECLARED))
    assert told["bytes"] == ((2.5, 2, 2.5) if service else (2, 2, 2))
