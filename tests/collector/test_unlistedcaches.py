"""Caches in the operator's network that its list lacks: found by platform, and no address is kept."""

import pickle

import numpy as np
import pytest

from caudal.collector.aggregate.unlistedcaches import UnlistedCaches
from caudal.common.vocabulary import DIRECTIONS
from tests.support.builders import flow_records

SERVICES = ("", "netflix", "meta")
OUT, IN, INTERNAL, TRANSIT = range(len(DIRECTIONS))
SUBSCRIBER, CACHE = "198.18.0.5", "198.18.1.7"


def found(ways: list[int], tags: list[int], octets: list[int], rates: list[float], *, prefixes: bool = False):  # type: ignore[no-untyped-def]
    flows = flow_records(
        source_low=np.full(len(ways), 0xC6120107, np.uint64),
        destination_low=np.full(len(ways), 0xC6120005, np.uint64),
        source_port=np.full(len(ways), 443, np.uint16),
        destination_port=np.full(len(ways), 50_000, np.uint16),
        bytes=np.array(octets, np.uint64),
        sampling_rate=np.array(rates),
        tag=np.array(tags, np.uint16),
        ip_version=np.full(len(ways), 4, np.uint8),
    )
    caches = UnlistedCaches(prefixes=prefixes)
    caches.add(flows, np.array(ways, np.uint8))
    return caches, caches.found(SERVICES)


def test_what_home_addresses_serve_of_a_platform_is_found_with_its_share() -> None:
    _, [cache] = found(
        [INTERNAL, IN, OUT, INTERNAL], [1, 1, 1, 0], [300, 500, 100, 9_999], [2.0, 1.0, 1.0, 1.0]
    )
    assert (cache.platform, cache.home_bytes, cache.far_bytes) == ("netflix", 600, 600)
    assert cache.share == pytest.approx(0.5)
    assert cache.prefixes == ()


def test_less_than_a_hundredth_is_no_cache() -> None:
    assert found([INTERNAL, IN], [2, 2], [9, 991], [1.0, 1.0])[1] == []
    assert len(found([INTERNAL, IN], [2, 2], [10, 990], [1.0, 1.0])[1]) == 1


def test_traffic_without_a_name_and_in_transit_says_nothing() -> None:
    assert found([INTERNAL, TRANSIT], [0, 1], [1_000, 1_000], [1.0, 1.0])[1] == []


def test_the_one_with_the_most_bytes_comes_first() -> None:
    _, caches = found([INTERNAL, INTERNAL], [2, 1], [10, 20], [1.0, 1.0])
    assert [cache.platform for cache in caches] == ["netflix", "meta"]


def test_prefixes_are_kept_only_where_they_are_asked_for() -> None:
    _, [cache] = found([INTERNAL], [1], [1_000], [1.0], prefixes=True)
    assert cache.prefixes == ("198.18.1.0/24",)
    caches, _ = found([INTERNAL], [1], [1_000], [1.0])
    kept = pickle.dumps(caches.__dict__)
    for address in (0xC6120107, 0xC6120100, 0xC6120005):
        assert address.to_bytes(4, "big") not in kept
        assert address.to_bytes(4, "little") not in kept
