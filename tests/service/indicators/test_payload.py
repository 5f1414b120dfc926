"""How much of what packets carry is payload: worked by hand, and against traffic whose payload is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.service.indicators.model.cells import MonthCells
from caudal.service.indicators.statistics.payload import LONGEST, payload_of


def paid(rows, cells, context):
    month = MonthCells.read(cells(rows), context())
    return month, payload_of(month)


def test_headers_and_acknowledgements_are_taken_out(cell, cells, context):
    month, payload = paid(
        [
            cell(1_000_000, "US", platform="search", direction="out", packets=1000),
            cell(1_400_000, "US", platform="search", packets=1000),
        ],
        cells,
        context,
    )
    out = month.outward
    # Half of the 1,000 in are acknowledged: 10⁶ − 500·60 − 500·52
    assert payload.total(out).value == pytest.approx(944_000)
    assert (payload.at_least(out).value, payload.at_most(out).value) == pytest.approx((900_000, 972_000))


def test_what_only_acknowledges_may_be_no_payload_at_all(cell, cells, context):
    month, payload = paid(
        [
            cell(60_000, "US", platform="films", direction="out", packets=1000),
            cell(2_800_000, "US", platform="films", packets=2000),
        ],
        cells,
        context,
    )
    out = month.outward
    assert payload.total(out).value == payload.at_least(out).value == 0.0
    assert payload.at_most(out).value == pytest.approx(32_000)


@pytest.mark.parametrize("packets", [0, 10**9, 1])
def test_of_packets_that_cannot_be_nothing_is_known(packets, cell, cells, context):
    """None, more than bytes, and fewer than the longest packet allows."""
    month, payload = paid([cell(LONGEST + 1, "US", platform="search", packets=packets)], cells, context)
    everything = np.ones(len(month), dtype=np.bool_)
    assert not payload.counted.any()
    assert payload.at_least(everything).value == 0.0
    assert payload.at_most(everything).value == LONGEST + 1
    assert payload.total(everything).value == (LONGEST + 1) / 2


packet = st.tuples(
    st.integers(0, 1400),
    # IPv4 or IPv6; UDP, or TCP with none to all of its options.
    st.sampled_from((20, 40)),
    st.sampled_from((8, 20, 32, 44, 60)),
)


@given(sent=st.lists(packet, min_size=1, max_size=40), received=st.integers(0, 100))
def test_the_bounds_hold_the_payload_of_any_packets(cell, cells, context, sent, received):
    truth = sum(payload for payload, _, _ in sent)
    rows = [
        cell(sum(map(sum, sent)), "US", platform="search", direction="out", packets=len(sent)),
        cell(1400 * received, "US", platform="search", packets=received),
    ]
    month, payload = paid(rows, cells, context)
    out = month.outward
    assert payload.at_least(out).value <= truth <= payload.at_most(out).value
    assert payload.at_least(out).value <= payload.total(out).value <= payload.at_most(out).value


def test_the_variance_of_bytes_is_no_less_than_that_of_payload():
    """1,000 packets sampled 1:10 a thousand times: payload varies less than bytes do."""
    random = np.random.default_rng(20261130)
    payload = random.uniform(0, 1400, 1000)
    headers = random.choice([28, 40, 52, 72], 1000)
    seen = random.random((1000, 1000)) < 0.1
    assert (10 * seen @ payload).var() <= (10 * seen @ (payload + headers)).var()
