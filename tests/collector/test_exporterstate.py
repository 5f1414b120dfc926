"""What is kept of an exporter, as JSON and back; anything else is refused."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.collector.decode.exporterstate import ExporterState, PointState, TemplateState, from_json, to_json
from caudal.collector.decode.sequence.sequence import Followed
from caudal.collector.decode.template.template import FieldSpecifier, Template

TEMPLATE = Template((FieldSpecifier(8, 4), FieldSpecifier(-1, 65535), FieldSpecifier(1 << 16 | 1, 8)), False)
STATE = ExporterState(
    (
        PointState(
            1,
            0xFFFF_FFFF,
            None,
            {256: TemplateState(TEMPLATE, 1000)},
            {None: 1.5, 1: 100.0, (1 << 64) - 1: 2.0},
            {50_001: Followed((1 << 32) - 1, 0, True, False, True)},
        ),
        PointState(
            2, 0, 1_700_000_000_000, {65535: TemplateState(Template(TEMPLATE.fields, True), 2000)}, {}
        ),
    )
)


def test_there_and_back() -> None:
    assert from_json(to_json(STATE)) == STATE
    assert "\n" not in to_json(STATE)
    assert "\t" not in to_json(STATE)


def test_sequence_numbers_kept_before_ports_were() -> None:
    read = from_json(changed(followed=[5, 4, True, False]))
    assert read.points[0].followed == {0: Followed(5, 4, True, False)}


def test_what_was_not_seen_for_long_is_left_behind() -> None:
    assert STATE.seen_ms == 2000
    counted = PointState(1, 0xFFFF_FFFF, followed=STATE.points[0].followed)
    assert STATE.since(1500).points == (counted, STATE.points[1])
    assert STATE.since(2001).points == (counted,)


def changed(**values: object) -> str:
    point = json.loads(to_json(STATE))[0] | values
    return json.dumps([point])


@pytest.mark.parametrize(
    "text",
    [
        "", "{}}", "[1]", "[{}]", "[" * 100_000, '"text"', "7",
        changed(protocol="gopher"), changed(domain=-1), changed(domain=1 << 32), changed(domain="1"),
        changed(boot_ms=0), changed(boot_ms=True), changed(templates={}), changed(templates=[[256, 1, 0]]),
        changed(templates=[[255, 1, 0, [8, 4]]]), changed(templates=[[256, 1, 0, [8]]]),
        changed(templates=[[256, 1, 0, []]]), changed(templates=[[256, 1, 0, [8, 0]]]),
        changed(templates=[[256, 1, 0, [8, 1.5]]]), changed(rates=[[1, 0.5]]), changed(rates=[[1, 1e300]]),
        changed(followed=[1, 2, 3]), changed(followed=[1, 2, 0, 1]), changed(followed=[1 << 32, 2, True, True]),
        changed(followed={}), changed(followed=[[65_536, 1, 2, True, True, True]]), changed(followed=[[5, 1, 2, True, True, 1]]), changed(rates=[[1, None]]), changed(rates=[[1 << 64, 5]]), changed(rates=[["a", 5]]), changed(rates=[[[1], 5]]),
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        from_json(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["protocol", "domain", "boot_ms", "templates", "rates", "followed"]), json_values
    )
)
def test_nothing_but_a_value_error_comes_of_it(values: dict[str, object]) -> None:
    with contextlib.suppress(ValueError):
        from_json(changed(**values))
