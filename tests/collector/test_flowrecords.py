"""Flow records as columns."""

import numpy as np

from caudal.collector.columns.flowrecords import (
    ABSENT,
    ASSUMED,
    COLUMNS,
    CONFIG,
    DTYPES,
    OPTIONAL,
    OPTIONS,
    RECORD,
    UNSAMPLED,
    FlowRecords,
    concatenate,
)
from caudal.common.vocabulary import SAMPLING_FROM
from tests.support.builders import flow_records


def test_every_column_has_a_type() -> None:
    assert tuple(DTYPES) == COLUMNS


def test_numbers_of_provenance_are_positions_in_the_batch() -> None:
    names = [SAMPLING_FROM[number] for number in (RECORD, OPTIONS, CONFIG, ASSUMED, UNSAMPLED)]
    assert names == ["record", "options", "config", "assumed", "unsampled"]


def test_bits_of_absence_are_apart() -> None:
    assert sum(int(bit) for bit in ABSENT.values()) == (1 << len(ABSENT)) - 1


def test_take_by_mask_and_by_position() -> None:
    records = flow_records(bytes=[1, 2, 3], source_as=[7, 8, 9])
    assert records.take(np.array([True, False, True])).source_as.tolist() == [7, 9]
    assert records.take(np.array([2, 0])).bytes.tolist() == [3, 1]


def test_concatenate() -> None:
    parts = [flow_records(bytes=[1]), flow_records(bytes=[]), flow_records(bytes=[2, 3])]
    whole = concatenate(parts)
    assert whole.bytes.tolist() == [1, 2, 3]
    assert concatenate(parts[:1]) is parts[0]
    for made in (whole, concatenate([])):
        assert {name: getattr(made, name).dtype for name in COLUMNS} == DTYPES
    assert len(concatenate([])) == 0


def test_what_is_left_out_of_the_constructor_is_zero() -> None:
    whole = flow_records(bytes=[1, 2, 3], tag=[7, 8, 9])
    without = FlowRecords(**{name: getattr(whole, name) for name in COLUMNS if name not in OPTIONAL})
    assert without.tag.tolist() == without.flow_direction.tolist() == [0, 0, 0]
    assert {name: getattr(without, name).dtype for name in COLUMNS} == DTYPES
    assert whole.take(np.array([2, 0])).tag.tolist() == [9, 7]
