"""Records read by the kernel are those that the general way, layout by layout, makes of the same octets."""

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal.collector.columns.flowrecords import COLUMNS, FlowRecords
from caudal.collector.decode.template import elements
from caudal.collector.decode.template.recordlayout import Layout
from tests.support.builders import a_set, bench, ipfix, netflow9, options9, options10, template

_SIXTEEN = {elements.SOURCE_IPV6, elements.DESTINATION_IPV6}
_FOUR = {elements.SOURCE_IPV4, elements.DESTINATION_IPV4}
_PLAIN = sorted(
    element
    for element in elements.READ
    if element < elements.REVERSE
    and element
    not in {
        elements.SAMPLING_PACKET_INTERVAL,
        elements.SAMPLING_PROBABILITY,
        elements.SAMPLING_SIZE,
        elements.RESPONDER_OCTETS,
        elements.RESPONDER_PACKETS,
    }
)
_OTHER = 200  # an element that nobody reads


@st.composite
def fields(draw: st.DrawFn) -> tuple[int, int]:
    element = draw(st.sampled_from([*_PLAIN, _OTHER]))
    if element in _SIXTEEN:
        return element, draw(st.sampled_from([16, 16, 16, 4]))
    if element in _FOUR:
        return element, draw(st.sampled_from([4, 4, 4, 8]))
    return element, draw(st.sampled_from([1, 2, 3, 4, 4, 8, 5, 12]))


def rows(flows: FlowRecords) -> Counter[tuple[object, ...]]:
    # A sampling rate may be no number, which equals nothing.
    return Counter(
        zip(*(np.nan_to_num(getattr(flows, name), nan=-1).tolist() for name in COLUMNS), strict=True)
    )


def decoded(payloads: list[bytes], exporters: list[int]) -> tuple[FlowRecords, dict[str, int]]:
    under = bench(sampling={"192.0.2.2": 512})
    flows = under.decode(*payloads, exporter=exporters)
    return flows, under.counts()


@settings(max_examples=150)
@given(
    templates=st.lists(st.lists(fields(), min_size=1, max_size=12), min_size=1, max_size=3),
    protocol=st.sampled_from(["netflow9", "ipfix"]),
    announced=st.sampled_from([None, 0, 3]),
    few_values=st.booleans(),
    seed=st.integers(0, 1 << 32),
)
def test_the_kernel_and_the_general_way_agree(
    templates: list[list[tuple[int, int]]],
    protocol: str,
    announced: int | None,
    few_values: bool,
    seed: int,
) -> None:
    lot = random.Random(seed)

    def body(octets: int) -> bytes:
        # Values that are often 0 or equal, so that what depends on it happens.
        if few_values:
            return bytes(lot.choice((0, 0, 0, 0, 1, 3, 0xFF)) for _ in range(octets))
        return lot.randbytes(octets)

    is_ipfix = protocol == "ipfix"
    # Whether a rate is believed depends on what was stated before, and the two ways take templates in another order.
    templates[1:] = [
        [each for each in fields if each[0] not in (34, 50)] or [(_OTHER, 4)] for fields in templates[1:]
    ]
    sets = [template(256 + at, *each, ipfix=is_ipfix) for at, each in enumerate(templates)]
    if announced is not None:  # the sampler that records may name
        options = (options10 if is_ipfix else options9)(
            400, [(_OTHER if is_ipfix else 1, 4)], [(48, 1), (50, 4)]
        )
        sets += [options, a_set(400, bytes(4) + bytes([announced]) + (100).to_bytes(4, "big"))]
    for _ in range(lot.randrange(1, 6)):
        at = lot.randrange(len(templates))
        size = sum(octets for _, octets in templates[at])
        sets.append(a_set(256 + at, body(size * lot.randrange(4) + lot.choice((0, 0, 1)))))
    make = ipfix if is_ipfix else netflow9
    payloads = [make(*sets), make(*sets, domain=7), make(*sets)]
    exporters = [0, 1, 2]
    flows, counts = decoded(payloads, exporters)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Layout, "plan", None)
        expected, expected_counts = decoded(payloads, exporters)
    assert rows(flows) == rows(expected)
    assert counts == expected_counts


def test_records_of_both_ways_in_one_lot() -> None:
    """A layout without a plan (it tells packet interval and space) beside one with."""
    plain, other = [(8, 4), (12, 4), (1, 4)], [(8, 4), (12, 4), (1, 4), (305, 4), (306, 4)]
    sets = [template(256, *plain, ipfix=True), template(257, *other, ipfix=True)]
    sets += [a_set(256, bytes(8) + (7).to_bytes(4, "big"))]
    sets += [a_set(257, bytes(8) + (9).to_bytes(4, "big") + (1).to_bytes(4, "big") + (99).to_bytes(4, "big"))]
    under = bench()
    flows = under.decode(ipfix(*sets))
    assert sorted(zip(flows.bytes.tolist(), flows.sampling_rate.tolist(), strict=True)) == [(7, 1), (9, 100)]
    assert under.count("decoded") == 2
