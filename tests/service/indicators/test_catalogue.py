"""The catalogue as a whole: order, refusals, flags, and what every observation promises."""

import dataclasses
import json
import re

import polars as pl
import pytest

from caudal.reference import FILES, load_reference
from caudal.service.errors import ServiceError
from caudal.service.indicators import (
    CATALOGUE,
    COLUMNS,
    FLAGS,
    CellsError,
    DefinitionError,
    Estimate,
    Indicator,
    compute_all,
)
from caudal.service.indicators.catalogue import assemble
from caudal.service.vocabulary.languages import LANGUAGES

GROUPS = (("J", 9), ("C", 7), ("V", 10), ("P", 4))
# The indicators there were at first; one that is added later takes the next number of its letter.
FIRST = [f"{letter}{number + 1}" for letter, count in GROUPS for number in range(count)]
# Those that flow cells alone can answer.
METERED = ["J1", "J2", "J3", "J4", "J5", "J9", "C1", "C2", "C3", "C4", "C7", "V1", "V2"]


@pytest.fixture(scope="module")
def month(cell, cells):
    return cells(
        [
            cell(100, "XA", "operator", "shop", direction="out"),
            cell(200, "XA", "database", "films", interpretation_status="verified"),
            cell(300, "US", "database", "search"),
            cell(400, "ZZ", "unknown"),
        ]
    )


def test_the_catalogue_is_in_order_and_keyed_by_id():
    assert [indicator.definition.id for indicator in CATALOGUE.values()] == list(CATALOGUE)
    assert [each for each in CATALOGUE if each in FIRST] == FIRST
    for letter, _ in GROUPS:
        numbers = [int(each[1:]) for each in CATALOGUE if each[0] == letter]
        assert numbers == list(range(1, len(numbers) + 1)), letter
    letters = "".join(each[0] for each in CATALOGUE)
    assert re.fullmatch("J+C+V+P+", letters)


def test_every_indicator_belongs_to_the_group_of_its_letter():
    named = {"J": "jurisdiction", "C": "concentration", "V": "value", "P": "positioning"}
    # C6 and C7 share the letter of concentration and ask on whom a country depends.
    groups = {name: named[name[0]] for name in CATALOGUE} | {"C6": "dependency", "C7": "dependency"}
    assert {name: each.definition.group for name, each in CATALOGUE.items()} == groups


@pytest.mark.parametrize("name", CATALOGUE)
def test_what_cannot_be_known_is_insufficient_with_what_would_cure_it(month, context, name):
    answers = CATALOGUE[name].compute(month, context())
    assert answers
    for answer in answers:
        if name not in METERED and answer.value is None:
            assert (
                answer.reason.startswith("needs ")
                or "none of the bytes" in answer.reason
                or ("no byte" in answer.reason)
            ), answer.reason


def test_compute_all_answers_every_indicator_in_order(month, context):
    answers = compute_all(month, context())
    assert list(dict.fromkeys(answer.indicator for answer in answers)) == list(CATALOGUE)
    alone = [answer for each in CATALOGUE.values() for answer in each.compute(month, context())]
    assert answers == alone


def test_every_answer_carries_coverage_and_the_undetermined_share(month, context):
    for answer in compute_all(month, context()):
        assert answer.coverage == 0.4
        assert answer.undetermined == pytest.approx(0.4)


def test_observations_serialise(month, context):
    text = json.dumps(
        [dataclasses.asdict(answer) for answer in compute_all(month, context())], allow_nan=False
    )
    assert json.loads(text)[0]["indicator"] == "J1"


def test_two_indicators_cannot_share_an_id():
    with pytest.raises(DefinitionError, match="two indicators have the id J1"):
        assemble((CATALOGUE["J1"],), (CATALOGUE["J1"],))


def test_a_definition_needs_a_title():
    with pytest.raises(DefinitionError, match="J1 has no title"):
        dataclasses.replace(CATALOGUE["J1"].definition, name="")


def test_what_no_language_translates_has_its_english_title():
    made = dataclasses.replace(CATALOGUE["J1"].definition, id="J99", name="Something")
    assert set(made.title.values()) == {"Something"}
    assert made.title.keys() == set(LANGUAGES)


def test_an_undeclared_detail_is_refused(month, context):
    indicator = Indicator(
        CATALOGUE["J3"].definition, lambda month, _: [Estimate(0.5, 0.4, 0.6, 1000, details={"extra": 1.0})]
    )
    with pytest.raises(DefinitionError, match="extra"):
        indicator.compute(month, context())


def test_a_number_that_is_none_is_refused(month, context):
    indicator = Indicator(
        CATALOGUE["J3"].definition, lambda month, _: [Estimate(float("nan"), 0.4, 0.6, 1000)]
    )
    with pytest.raises(DefinitionError, match="finite"):
        indicator.compute(month, context())


def test_a_value_outside_its_interval_is_refused(month, context):
    indicator = Indicator(CATALOGUE["J3"].definition, lambda month, _: [Estimate(0.5, 0.6, 0.7, 1000)])
    with pytest.raises(DefinitionError, match="outside its own interval"):
        indicator.compute(month, context())


def test_a_limit_beyond_the_value_by_rounding_is_set_to_it(month, context):
    estimate = Estimate(0.5, 0.5 + 4e-12, 0.5 - 4e-12, 1000)
    (answer,) = Indicator(CATALOGUE["J3"].definition, lambda month, _: [estimate]).compute(month, context())
    assert (answer.low, answer.value, answer.high) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("column", COLUMNS)
def test_a_missing_column_is_named(month, context, column):
    with pytest.raises(CellsError, match=rf"lack {column};"):
        compute_all(month.drop(column), context())


def test_cells_of_another_type_are_refused_as_an_error_of_the_service(month, context):
    with pytest.raises(ServiceError, match="cannot be read"):
        compute_all(month.with_columns(pl.lit("many").alias("bytes")), context())


def test_negative_sums_are_refused(month, context):
    with pytest.raises(CellsError, match="negative"):
        compute_all(month.with_columns(pl.lit(-1).alias("flows")), context())


@pytest.mark.parametrize("rows", [[], [{"direction": "internal", "bytes": 9}], [{"bytes": 0}]])
def test_a_month_without_traffic_is_insufficient_everywhere(cells, context, rows):
    for answer in compute_all(cells(rows), context()):
        assert (answer.value, answer.low, answer.high) == (None, None, None)
        assert answer.reason == "there are no bytes out or in"
        assert answer.undetermined is None


def test_below_the_minimum_sample_there_is_a_reason_and_no_number(cell, cells, context):
    few = cells([cell(100, "XA", "operator", "shop", direction="out", flows=99)])
    for answer in compute_all(few, context()):
        if CATALOGUE[answer.indicator].definition.minimum_flows == 100:
            assert answer.value is None
            assert answer.dimension is None
            assert answer.reason == "needs at least 100 flow records, has 99"
            assert answer.undetermined == 0.0
    enough = cells([cell(100, "XA", "operator", "shop", direction="out", flows=100)])
    for answer in compute_all(enough, context()):
        if answer.indicator in METERED and answer.indicator != "C7":
            assert answer.reason is None


def test_unchecked_reference_rows_are_flagged_where_they_contribute(cell, cells, context):
    status = "verified_asn_memory_control"
    cells_ = cells(
        [
            cell(25, "US", platform="search", interpretation_status=status),
            cell(75, "XA", platform="shop", direction="out", interpretation_status="verified"),
        ]
    )
    for answer in compute_all(cells_, context()):
        if answer.value is None:
            continue
        located_only = answer.indicator in ("J1", "J2", "P3")
        if answer.indicator not in FIRST:
            located_only = not CATALOGUE[answer.indicator].definition.interpreted
        assert ("from_memory" in answer.flags) is not located_only
        assert answer.details.get("from_memory_share") == (None if located_only else 0.25)


def test_assumed_sampling_is_flagged_with_its_share(cell, cells, context):
    cells_ = cells(
        [
            cell(25, "US", platform="search", sampling_from="assumed"),
            cell(75, "XA", platform="shop", direction="out"),
        ]
    )
    for answer in compute_all(cells_, context()):
        assert "imputed_sampling" in answer.flags
        if answer.value is not None:
            assert answer.details["assumed_share"] == 0.25


@pytest.mark.parametrize("variance", [float("nan"), float("inf"), -1.0, None])
def test_an_unreadable_variance_is_taken_as_wide_and_flagged(cell, cells, context, variance):
    known = cells([cell(100, "US", platform="search"), cell(100, "XA", "operator", "shop")])
    unknown = cells(
        [cell(100, "US", platform="search", bytes_variance=variance), cell(100, "XA", "operator", "shop")]
    )
    before, after = (CATALOGUE["J3"].compute(each, context())[0] for each in (known, unknown))
    assert (before.low, before.high) == (0.5, 0.5)
    # ± 100 bytes on one of two halves: √(0.5² · 100²)/200 = 0.25, as of 0.25/0.25² = 4 units; 2 of 4 by Clopper & Pearson
    assert (after.low, after.high) == pytest.approx((0.0676, 0.9324), abs=1e-4)
    assert "variance_unknown" in after.flags


def test_flags_of_the_context_are_on_every_observation(month, context):
    for answer in compute_all(month, context(flags=frozenset({"synthetic"}))):
        assert "synthetic" in answer.flags
        assert set(answer.flags) <= FLAGS.keys()


def test_directions_other_than_out_and_in_change_nothing(month, cell, cells, context):
    inside = cells([cell(10**12, "XA", "operator", "shop", direction=d) for d in ("internal", "transit")])
    assert compute_all(pl.concat([month, inside]), context()) == compute_all(month, context())


def test_sums_beyond_64_bits_of_bytes_are_added_exactly_enough(cell, cells, context):
    large = cells([cell(2**63, "US", platform="search", remote_asn=n) for n in range(3)]).with_columns(
        pl.col("bytes").cast(pl.UInt64)
    )
    assert CATALOGUE["C1"].compute(large, context())[0].value == 1.0


def test_every_status_of_the_shipped_facts_that_says_memory_is_taken_as_unchecked(cell, cells, context, only):
    reference = load_reference()
    statuses = {
        str(s) for f in FILES for s in reference.facts(f.name).get_column("status", default=pl.Series([]))
    }
    partly = {status for status in statuses if "memory" in status}
    assert {"from_memory", "verified_asn_memory_control"} <= partly
    for status in partly:
        month = cells([cell(500, "US", "database", "search", interpretation_status=status)])
        answer = only(CATALOGUE["J3"].compute(month, context()))
        assert "from_memory" in answer.flags, status
