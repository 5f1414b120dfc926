"""The routers of the demo, read back by a decoder that is not ours."""

import hashlib
import struct
from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from ipaddress import ip_address, ip_network
from itertools import pairwise

import netflume
import numpy as np
import polars as pl
import pytest

from caudal.demo.exports.exporter import ROUTERS, UP_DAYS_BEFORE, datagrams
from caudal.demo.exports.message import LARGEST_DATAGRAM, REFRESH
from caudal.demo.traffic.economy import HOME
from caudal.demo.traffic.endpoints import Endpoint
from caudal.demo.traffic.sampling import RATE
from caudal.demo.traffic.traffic import TrafficModel, months_before
from caudal.reference import AddressTable

Hours = list[list[tuple[int, bytes]]]


@pytest.fixture(scope="module")
def month(small_model: TrafficModel) -> tuple[Hours, pl.DataFrame]:
    truth = small_model.truth()
    hours = list(datagrams(small_model, truth))
    return hours, truth.frame()


@pytest.fixture(scope="module")
def payloads(month: tuple[Hours, pl.DataFrame]) -> list[tuple[int, bytes]]:
    return [datagram for hour in month[0] for datagram in hour]


@pytest.fixture(scope="module")
def messages(payloads: list[tuple[int, bytes]]) -> list[tuple[int, netflume.Message]]:
    decoder = netflume.Decoder()
    decoded = [(router, decoder.decode(payload, ROUTERS[router].address)) for router, payload in payloads]
    gaps_and_errors = [
        event
        for event in decoder.take_events()
        if not isinstance(event, netflume.TemplateLearned | netflume.SamplingChange)
    ]
    assert gaps_and_errors == []
    return decoded


def test_two_runs_send_the_same_octets(demo_endpoints: list[Endpoint]) -> None:
    def digest(seed: int) -> str:
        model = TrafficModel(demo_endpoints, (date(2026, 2, 1),), seed=seed, records_per_hour=20)
        hashed = hashlib.sha256()
        for hour in datagrams(model):
            for router, payload in hour:
                hashed.update(bytes([router]) + payload)
        return hashed.hexdigest()

    assert digest(1) == digest(1) != digest(2)


def test_every_hour_of_the_month_is_there_and_exported_in_order(
    month: tuple[Hours, pl.DataFrame], small_model: TrafficModel
) -> None:
    hours, _ = month
    first = small_model.months[0]
    midnight = int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp())
    assert len(hours) == 31 * 24
    last = 0
    for number, hour in enumerate(hours):
        assert hour
        for _, payload in hour:
            at = export_seconds(payload)
            assert midnight + number * 3600 < at <= midnight + (number + 1) * 3600
            assert at >= last
            last = at


def test_decoded_totals_are_those_of_the_model(
    messages: list[tuple[int, netflume.Message]], month: tuple[Hours, pl.DataFrame]
) -> None:
    found: dict[tuple[str, int, str], Counter[str]] = defaultdict(Counter)
    home = [ip_network(prefix) for prefix in HOME]
    for _, message in messages:
        for flow in message.flows:
            source = ip_address(flow["src_addr"])
            outbound = any(source in network for network in home if network.version == source.version)
            key = ("out" if outbound else "in", source.version, {6: "tcp", 17: "udp"}[flow["proto"]])
            found[key].update(records=1, sampled_bytes=flow["octets"], sampled_packets=flow["packets"])
    sums = ("records", "sampled_bytes", "sampled_packets")
    expected = month[1].group_by("direction", "ip_version", "transport").agg(pl.col(sums).sum())
    assert {tuple(row[:3]): dict(zip(sums, row[3:], strict=True)) for row in expected.iter_rows()} == found


def test_estimated_totals_are_near_the_true_ones(
    messages: list[tuple[int, netflume.Message]], month: tuple[Hours, pl.DataFrame]
) -> None:
    octets = [flow["octets"] * message.sampling_rate for _, message in messages for flow in message.flows]
    assert {message.sampling_rate for _, message in messages} == {RATE}
    assert sum(octets) == pytest.approx(month[1]["true_bytes"].sum(), rel=0.01)


def test_routers_speak_their_protocol_and_announce_sampling(
    messages: list[tuple[int, netflume.Message]],
) -> None:
    versions = {(router, message.header["version"], message.header["domain"]) for router, message in messages}
    assert versions == {(0, 9, 1), (1, 10, 2)}
    for router in (0, 1):
        own = [message for number, message in messages if number == router]
        announcing = [number for number, message in enumerate(own) if message.options]
        assert announcing == list(range(0, len(own), REFRESH))
        assert not any(message.flows for message in own if message.options)
    for router, message in messages:
        for flow in message.flows:
            assert flow.get("sampler_id") == 1 if router == 0 else flow.get("selector_id") == 7
            assert router == 1 or ":" not in flow["src_addr"]
    assert any(":" not in flow["src_addr"] for router, m in messages if router == 1 for flow in m.flows)


def test_sequence_numbers_count_what_each_protocol_counts(payloads: list[tuple[int, bytes]]) -> None:
    expected = [0, 0]
    decoder = netflume.Decoder()
    for router, payload in payloads:
        message = decoder.decode(payload, ROUTERS[router].address)
        assert message.sequence == expected[router]
        expected[router] += 1 if router == 0 else len(message.flows) + len(message.options)
    assert expected[0] > REFRESH < expected[1]


def test_datagrams_fit_and_their_lengths_agree(payloads: list[tuple[int, bytes]]) -> None:
    for router, payload in payloads:
        assert len(payload) <= LARGEST_DATAGRAM
        at = 20 if router == 0 else 16
        if router == 1:
            assert struct.unpack_from("!H", payload, 2)[0] == len(payload)
        while at < len(payload):
            length = struct.unpack_from("!H", payload, at + 2)[0]
            assert length > 4
            assert length % 4 == 0
            at += length
        assert at == len(payload)


def test_full_datagrams_are_filled(demo_endpoints: list[Endpoint]) -> None:
    model = TrafficModel(demo_endpoints, (date(2026, 8, 1),), records_per_hour=10_000)
    sizes = [len(payload) for router, payload in next(datagrams(model)) if router == 0]
    assert max(sizes) > LARGEST_DATAGRAM - 52
    assert sum(sizes) / len(sizes) > 0.8 * LARGEST_DATAGRAM


def test_flow_times_lie_in_the_month_and_before_their_export(
    messages: list[tuple[int, netflume.Message]], small_model: TrafficModel
) -> None:
    first = small_model.months[0]
    midnight = 1000 * int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp())
    boot = midnight - UP_DAYS_BEFORE * 86_400_000
    seen = Counter[int]()
    for router, message in messages:
        exported = message.header["unix_secs"] * 1000
        if router == 0:
            assert message.header["sys_uptime"] == (exported - boot) % 2**32
        for flow in message.flows:
            if router == 0:
                # The uptime wraps within this month: only differences count.
                uptime = message.header["sys_uptime"]
                start = exported - (uptime - flow["first_switched"]) % 2**32
                end = exported - (uptime - flow["last_switched"]) % 2**32
            else:
                start, end = flow["flow_start_ms"], flow["flow_end_ms"]
            # A flush each five minutes: nothing is exported later than the end of its five minutes.
            assert midnight <= start <= end <= exported <= (end // 300_000 + 1) * 300_000
            seen[end // 86_400_000] += 1
    assert len(seen) == 31


def test_uptime_wraps_and_stays_true(demo_endpoints: list[Endpoint]) -> None:
    model = TrafficModel(demo_endpoints, months_before(date(2026, 11, 21), 2), records_per_hour=20)
    uptimes = [
        struct.unpack_from("!I", payload, 4)[0]
        for hour in datagrams(model)
        for router, payload in hour
        if router == 0
    ]
    falls = [one for one, other in pairwise(uptimes) if other < one]
    assert len(falls) == 1
    assert falls[0] > 2**32 - 3_600_000


def test_as_numbers_are_the_tables_or_absent(
    messages: list[tuple[int, netflume.Message]], demo_table: AddressTable
) -> None:
    stated = Counter[bool]()
    home = ip_network(HOME[0])
    for router, message in messages:
        for flow in message.flows:
            outbound = ip_address(flow["src_addr"]) in home
            near, far = ("src_as", "dst_as") if outbound else ("dst_as", "src_as")
            if router == 1:
                assert flow["src_as"] == flow["dst_as"] == 0
                continue
            assert flow[near] == 0
            stated[flow[far] != 0] += 1
            if flow[far]:
                address = int(ip_address(flow["dst_addr" if outbound else "src_addr"]))
                assert demo_table.asn[demo_table.segments4(np.array([address], np.uint32))][0] == flow[far]
    assert stated[True] > stated[False] > 0


def export_seconds(payload: bytes) -> int:
    version = struct.unpack_from("!H", payload)[0]
    return int(struct.unpack_from("!I", payload, 8 if version == 9 else 4)[0])
