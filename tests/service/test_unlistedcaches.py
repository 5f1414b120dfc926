"""Caches that no operator lists: what they may do to a share stands beside it."""

import polars as pl
import pytest

from caudal.reference import Reference, load_reference
from caudal.service.confidentiality.confidentiality import Rule
from caudal.service.evaluation.evaluation import MonthInputs, MonthMeasures, evaluate
from caudal.service.indicators import CATALOGUE
from caudal.service.indicators.model.observation import CACHES_HIGH, CACHES_LOW, CACHES_SHARE

GB = 10**9


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load_reference()


def measured(
    reference: Reference, inside: int, *, service: str = "netflix", caches: bool = True
) -> MonthMeasures:
    """A month: 900 GB out and in with Google at home, 100 GB with Google in the US, and `inside` GB inside the network."""
    cells = [
        (direction, 15169, place, "operator", "google", size)
        for direction, place, size in (("in", "CL", 900), ("in", "US", 100))
    ] + [("internal", 0, "CL", "operator", service, inside)]
    facts = pl.DataFrame(
        [
            {"operator": "a", "direction": direction, "remote_asn": asn, "remote_country": place,
             "location_rung": rung, "service": named, "sampling_from": "options", "folded": False,
             "bytes": float(size * GB), "packets": float(size * 10**6), "flows": 100_000, "bytes_variance": 0.0}
            for direction, asn, place, rung, named, size in cells
        ]
    )  # fmt: skip
    inputs = MonthInputs(
        "CL", "2026-10", ("a",), {"a": (10**6, "2026-10-01")}, frozenset(), Rule(1, 0), caches=caches
    )
    return evaluate(
        inputs, facts, reference, [CATALOGUE[name] for name in ("J1", "J3", "C1", "C4", "C7", "V6")]
    )


def test_the_limits_hold_the_share_with_and_without_what_caches_carry(reference: Reference) -> None:
    """A tenth is out of the country; 250 GB of caches would be a fifth of all."""
    [abroad] = [each for each in measured(reference, 250).observations["J1"] if each.dimension is None]
    assert abroad.value is not None
    assert abroad.details[CACHES_SHARE] == pytest.approx(0.2)
    assert abroad.details[CACHES_LOW] == pytest.approx(abroad.low * 0.8)  # type: ignore[operator]
    assert abroad.details[CACHES_HIGH] == pytest.approx(abroad.high * 0.8 + 0.2)  # type: ignore[operator]
    # The true share is 100 of 1250 if the caches are at home, which they are; 350 of 1250 if they were not.
    true = [abroad.value * 1000 / 1250, (abroad.value * 1000 + 250) / 1250]
    assert abroad.details[CACHES_LOW] <= min(true)
    assert max(true) <= abroad.details[CACHES_HIGH]
    assert "unlisted_caches" in abroad.flags


def test_an_index_has_the_share_of_the_bytes_and_a_flag(reference: Reference) -> None:
    concentration = measured(reference, 250).observations["C1"][0]
    assert concentration.details[CACHES_SHARE] == pytest.approx(0.2)
    assert CACHES_LOW not in concentration.details
    assert "unlisted_caches" in concentration.flags


def test_a_share_of_a_part_has_no_limits_for_caches_may_be_any_part_of_it(reference: Reference) -> None:
    """Were the 250 GB all video, they would be all of that function, not a fifth."""
    observed = measured(reference, 250).observations
    shares = [each for name in ("C4", "C7") for each in observed[name] if each.value is not None]
    assert {each.indicator for each in shares} == {"C4", "C7"}
    for each in shares:
        assert CACHES_LOW not in each.details, each.dimension
        assert "unlisted_caches" in each.flags
    assert CACHES_LOW in observed["J3"][0].details


def test_what_does_not_come_of_traffic_says_nothing_of_caches(reference: Reference) -> None:
    assert all(CACHES_SHARE not in each.details for each in measured(reference, 250).observations["V6"])


def test_little_of_it_is_told_without_a_flag(reference: Reference) -> None:
    abroad = measured(reference, 5).observations["J1"][0]
    assert 0 < abroad.details[CACHES_SHARE] < 0.01
    assert "unlisted_caches" not in abroad.flags


@pytest.mark.parametrize(("inside", "service"), [(0, "netflix"), (250, "")])
def test_nothing_is_said_where_no_name_was_seen_inside(
    reference: Reference, inside: int, service: str
) -> None:
    abroad = measured(reference, inside, service=service).observations["J1"][0]
    assert CACHES_SHARE not in abroad.details


def test_a_vintage_of_before_says_nothing_of_them(reference: Reference) -> None:
    abroad = measured(reference, 250, caches=False).observations["J1"][0]
    assert CACHES_SHARE not in abroad.details
    assert MonthInputs.from_json(
        MonthInputs("CL", "2026-10", (), {}, frozenset(), Rule(), caches=True).to_json()
    ).caches
