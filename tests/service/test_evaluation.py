"""From facts to what is said, without a store: who is counted, and what is withheld."""

import polars as pl
import pytest

from caudal.reference import Reference, load_reference
from caudal.service.confidentiality.confidentiality import Rule
from caudal.service.evaluation.evaluation import MonthInputs, MonthMeasures, evaluate
from caudal.service.indicators import CATALOGUE

MONTH = "2026-09"


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load_reference()


def facts(sizes: dict[str, int]) -> pl.DataFrame:
    """What each operator sent to a platform of stage 4 abroad, in gigabytes."""
    return pl.DataFrame(
        [
            {"operator": name, "direction": "out", "remote_asn": 15169, "remote_country": "US",
             "location_rung": "database", "service": "", "sampling_from": "options", "folded": False,
             "bytes": size * 10**9, "packets": size, "flows": 1000, "bytes_variance": 0.0}
            for name, size in sizes.items()
        ],
        schema_overrides={"remote_asn": pl.UInt32, "bytes": pl.UInt64, "packets": pl.UInt64, "flows": pl.UInt64},
    )  # fmt: skip


def measured(reference: Reference, sizes: dict[str, int], subscribers: dict[str, int]) -> MonthMeasures:
    declared = {name: (count, "2026-08-31") for name, count in subscribers.items()}
    inputs = MonthInputs("CL", MONTH, tuple(sizes), declared, frozenset(), Rule(3, 10.0))
    indicators = [CATALOGUE[name] for name in ("V2", "J9")]
    return evaluate(inputs, facts(sizes), reference, indicators)


ALIKE = {"a": 100, "b": 110, "c": 120, "d": 130, "e": 140, "f": 150}
MILLION = 1_000_000


def test_users_and_bytes_are_of_the_same_operators(reference: Reference) -> None:
    """a, b, c declared a million each and sent 330 GB; the 420 GB of the others are nobody's that is counted."""
    found = measured(reference, ALIKE, dict.fromkeys("abc", MILLION))
    volume, *_ = found.observations["V2"]
    assert volume.details["total_outflow"] == pytest.approx(330 / (3 * MILLION))
    assert volume.details["left_out"] == pytest.approx(420 / 750)
    assert "undeclared_operators" in volume.flags
    assert found.withheld == ()


def test_an_operator_with_no_subscribers_serves_none_of_those_counted(reference: Reference) -> None:
    found = measured(reference, ALIKE, {**dict.fromkeys("abc", MILLION), "d": 0, "e": 0, "f": 0})
    assert found.observations["V2"][0].details["total_outflow"] == pytest.approx(330 / (3 * MILLION))


def test_without_any_declaration_all_bytes_are_over_all_users(reference: Reference) -> None:
    found = measured(reference, ALIKE, {})
    volume, *_ = found.observations["V2"]
    users = reference.economy("CL").internet_users
    assert users is not None
    assert volume.details["total_outflow"] == pytest.approx(750 / users)
    assert volume.flags.count("coverage_undeclared") == 1
    assert "undeclared_operators" not in volume.flags


@pytest.mark.parametrize(
    ("declaring", "why"),
    [
        ("ab", "2 operators declared subscribers; a total of fewer than 3 would show what each carries"),
        ("abcd", "2 operators reported without declaring subscribers; a total of fewer than 3 would show what each carries"),
    ],
)  # fmt: skip
def test_what_goes_by_declared_subscribers_shows_who_declared_and_who_did_not(
    reference: Reference, declaring: str, why: str
) -> None:
    """Six may be published together; what is told apart by declarations has two on one side."""
    found = measured(reference, ALIKE, dict.fromkeys(declaring, MILLION))
    volume, *_ = found.observations["V2"]
    assert volume.value is None
    assert volume.reason == f"withheld: {why} (minimum frequency rule, primary confidentiality)"
    totals = {total.what: total for total in found.totals}
    for what in ("bytes_out", "bytes"):
        assert totals[what].observed is not None
        assert totals[what].observed.value == 750e9
        assert (totals[what].estimated, totals[what].spread) == (None, None)
        assert totals[what].reason == volume.reason
        assert "confidential" in totals[what].flags
    assert totals["V2"].observed is None
    assert {each.what for each in found.withheld} >= {"V2", "bytes_out", "bytes"}


def test_what_all_may_not_show_no_part_may(reference: Reference) -> None:
    found = measured(reference, {"a": 100, "b": 100}, dict.fromkeys("ab", MILLION))
    assert all(total.observed is None and total.estimated is None for total in found.totals)
    assert found.totals[0].flags == ("confidential",)


def test_one_direction_shows_no_single_operator(reference: Reference) -> None:
    """Six send, one receives: what it receives, and all that it could be had back from, is withheld."""
    received = facts({"a": 90}).with_columns(direction=pl.lit("in"))
    inputs = MonthInputs("CL", MONTH, tuple(ALIKE), {}, frozenset(), Rule(3, 10.0))
    found = evaluate(inputs, pl.concat([facts(ALIKE), received]), reference, [CATALOGUE["V2"]])
    assert all(total.observed is None for total in found.totals)
    assert {each.what for each in found.withheld} >= {"bytes_out", "bytes_in", "bytes", "V2"}
