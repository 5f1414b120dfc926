"""A flow that two routers see is counted once."""

import socket
import struct
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from caudal.collector.columns.datagrams import Exporters
from caudal.collector.columns.flowrecords import EVENT, METERED_EGRESS, METERED_INGRESS, FlowRecords
from caudal.collector.daemon.run import Collector
from caudal.collector.exporters.ledger import COUNT
from caudal.collector.locate.boundary import Boundaries, Boundary
from caudal.collector.locate.locate import IN, INTERNAL, OUT, TRANSIT
from caudal.collector.pipeline.pipeline import Pipeline
from caudal.collector.settings.settings import CollectorSettings
from tests.support.builders import (
    DESTINATION,
    HOME,
    OCTETS,
    PACKETS,
    SOURCE,
    TABLE,
    a_set,
    flow_records,
    ip,
    ipfix,
    lot,
    netflow9,
    template,
)
from tests.support.patience import PATIENCE_SECONDS, wait_until

CORE, BORDER, ROUTER = "192.0.2.1", "192.0.2.2", "127.0.0.1"
UPSTREAM, TO_CORE = 10, 20


def judged(boundary: Boundary, **columns: Any) -> tuple[list[bool], list[bool], int]:
    exporters = Exporters()
    boundaries = Boundaries(exporters, {BORDER: boundary})
    import numpy as np

    direction = np.array(columns.pop("direction"), np.uint8)
    count = len(direction)
    flows = flow_records(**({"bytes": [1] * count} | columns))
    found = boundaries.judge(flows, direction)
    assert found is not None
    return found.inside.tolist(), found.other_direction.tolist(), int(found.interface_unknown.sum())


@pytest.mark.parametrize(
    ("boundary", "inside"),
    [
        (Boundary(external=frozenset({10, 11})), [False, True, False, True]),
        (Boundary(internal=frozenset({20, 21})), [False, True, False, True]),
        (Boundary(external=frozenset({10}), internal=frozenset({20, 21})), [False, True, False, True]),
    ],
    ids=("external", "internal", "both"),
)
@pytest.mark.parametrize("direction", [OUT, IN, TRANSIT, INTERNAL])
def test_the_interface_that_counts(boundary: Boundary, inside: list[bool], direction: int) -> None:
    crossing, other = ("output", "input") if direction == OUT else ("input", "output")
    found = judged(
        boundary, direction=[direction] * 4, **{crossing: [10, 20, 11, 21], other: [20, 10, 10, 21]}
    )
    assert found == (
        inside,
        [False] * 4,
        0 if boundary != Boundary(frozenset({10}), frozenset({20, 21})) else 1,
    )


def test_what_was_not_told_is_counted_and_noted() -> None:
    boundary = Boundary(external=frozenset({10}))
    assert judged(boundary, direction=[OUT, IN], output=[0, 20], input=[20, 0]) == (
        [False] * 2,
        [False] * 2,
        2,
    )


def test_an_interface_in_neither_list_is_counted_and_noted() -> None:
    boundary = Boundary(external=frozenset({10}), internal=frozenset({20}))
    assert judged(boundary, direction=[OUT, OUT], output=[10, 30]) == ([False] * 2, [False] * 2, 1)


@pytest.mark.parametrize(
    ("metered", "left_out"),
    [
        ("ingress", [False, True, False, True, False]),
        ("egress", [True, False, True, False, False]),
        ("crossing", [True, False, False, True, False]),
    ],
)
def test_of_two_records_of_a_router_one_is_counted(metered: Any, left_out: list[bool]) -> None:
    both = [METERED_INGRESS, METERED_EGRESS]
    found = judged(
        Boundary(metered=metered), direction=[OUT, OUT, IN, IN, OUT], flow_direction=[*both, *both, 0]
    )
    assert found == ([False] * 5, left_out, 0)


def test_a_record_is_left_out_for_one_reason() -> None:
    boundary = Boundary(external=frozenset({10}), metered="egress")
    found = judged(boundary, direction=[OUT], output=[20], flow_direction=[METERED_INGRESS])
    assert found == ([False], [True], 0)


def test_events_are_not_judged() -> None:
    boundary = Boundary(external=frozenset({10}), metered="egress")
    found = judged(boundary, direction=[OUT], output=[20], kind=[EVENT], flow_direction=[METERED_INGRESS])
    assert found == ([False], [False], 0)


def test_exporters_without_a_boundary_are_not_judged() -> None:
    import numpy as np

    exporters = Exporters()
    boundaries = Boundaries(exporters, {BORDER: Boundary(external=frozenset({10}))})
    of_others = flow_records(exporter=[5, -1, 3], output=[20, 20, 20])
    assert boundaries.judge(of_others, np.zeros(3, np.uint8)) is None
    assert Boundaries(Exporters(), {}).judge(of_others, np.zeros(3, np.uint8)) is None


# Through the whole pipeline: two routers, one flow each way

FIELDS = (SOURCE, DESTINATION, OCTETS, PACKETS, (10, 4), (14, 4), (61, 1))
TEMPLATE = template(256, *FIELDS)


def exported(*flows: tuple[str, str, int, int, int]) -> bytes:
    body = b""
    for source, destination, input_, output, metered in flows:
        numbers = (ip(source), ip(destination), 1000, 10, input_, output)
        body += b"".join(number.to_bytes(4, "big") for number in numbers) + bytes([metered])
    return netflow9(TEMPLATE, a_set(256, body))


LOCAL, ABROAD = "198.18.0.1", "203.0.113.9"
AT_CORE = exported((LOCAL, ABROAD, 1, 2, 0), (ABROAD, LOCAL, 2, 1, 0))
AT_BORDER = exported((LOCAL, ABROAD, TO_CORE, UPSTREAM, 0), (ABROAD, LOCAL, UPSTREAM, TO_CORE, 0))


def metered(boundaries: dict[str, Boundary], payloads: list[bytes], exporters: list[str]) -> Pipeline:
    one = Pipeline(
        economy="UY", home=HOME, table=TABLE, window_seconds=300, k=1, boundaries=boundaries,  # type: ignore[arg-type]
    )  # fmt: skip
    one.datagrams(lot(payloads, [one.exporters.number(address) for address in exporters]))
    return one


def answers(one: Pipeline) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    flows, ledger = one.take(None, lambda number: one.exporters.addresses[number])
    counts = {
        row["exporter"]: {name: row[name] for name in ("received", "decoded", "filtered", "aggregated")}
        for row in ledger.to_pylist()
    }
    for row in counts.values():
        assert row["received"] == row["decoded"] + row["filtered"]
        assert row["decoded"] == row["aggregated"]
    octets = zip(flows["direction"].to_pylist(), flows["bytes"].to_pylist(), strict=True)
    return dict(octets), counts


def test_without_boundaries_a_flow_at_two_routers_is_counted_twice() -> None:
    octets, counts = answers(metered({}, [AT_CORE, AT_BORDER], [CORE, BORDER]))
    assert octets == {"out": 2000, "in": 2000}
    assert all(row["filtered"] == 0 for row in counts.values())


def test_with_boundaries_it_is_counted_once_and_the_ledger_says_where_not() -> None:
    boundaries = {
        CORE: Boundary(internal=frozenset({1, 2})),
        BORDER: Boundary(external=frozenset({UPSTREAM})),
    }
    one = metered(boundaries, [AT_CORE, AT_BORDER], [CORE, BORDER])
    octets, counts = answers(one)
    assert octets == {"out": 1000, "in": 1000}
    assert counts == {
        CORE: {"received": 2, "decoded": 0, "filtered": 2, "aggregated": 0},
        BORDER: {"received": 2, "decoded": 2, "filtered": 0, "aggregated": 2},
    }
    assert one.left_out == {"inside": 2, "other_direction": 0}
    assert one.ledger.totals[COUNT["interface_unknown"]] == 0


def test_a_flow_exported_at_ingress_and_at_egress_is_counted_once() -> None:
    out, back = (LOCAL, ABROAD, TO_CORE, UPSTREAM), (ABROAD, LOCAL, UPSTREAM, TO_CORE)
    both = exported((*out, 0), (*out, 1), (*back, 0), (*back, 1))
    one = metered({BORDER: Boundary(frozenset({UPSTREAM}), metered="crossing")}, [both], [BORDER])
    octets, counts = answers(one)
    assert octets == {"out": 1000, "in": 1000}
    assert counts[BORDER]["filtered"] == 2
    assert one.left_out == {"inside": 0, "other_direction": 2}


BIFLOW = template(256, *FIELDS, (1, 4, 29305), (2, 4, 29305), ipfix=True)


@pytest.mark.parametrize("initiator", ["home", "abroad"])
@pytest.mark.parametrize(
    ("metered_at", "rule"),
    [
        ((UPSTREAM, TO_CORE), "ingress"),
        ((UPSTREAM, TO_CORE), "egress"),
        ((UPSTREAM, TO_CORE), "crossing"),
        ((UPSTREAM,), "crossing"),
    ],
)
def test_of_a_biflow_metered_at_both_interfaces_both_ways_are_counted_once(
    initiator: str, metered_at: tuple[int, ...], rule: Any
) -> None:
    """A record tells of the way there where it was metered; the way back passed that interface the other way."""
    way = (LOCAL, ABROAD, TO_CORE, UPSTREAM) if initiator == "home" else (ABROAD, LOCAL, UPSTREAM, TO_CORE)
    source, destination, input_, output = way
    records = b"".join(
        struct.pack(">IIIIII", ip(source), ip(destination), 1000, 10, input_, output)
        + struct.pack(">BII", interface == output, 300, 3)
        for interface in metered_at
    )
    at_border = ipfix(BIFLOW, a_set(256, records))
    at_core = ipfix(
        BIFLOW,
        a_set(256, struct.pack(">IIIIIIBII", ip(source), ip(destination), 1000, 10, 1, 2, 0, 300, 3)),
    )
    boundaries = {
        BORDER: Boundary(frozenset({UPSTREAM}), metered=rule),
        CORE: Boundary(internal=frozenset({1, 2})),
    }
    one = metered(boundaries, [at_border, at_core], [BORDER, CORE])
    octets, _ = answers(one)
    assert octets == ({"out": 1000, "in": 300} if initiator == "home" else {"in": 1000, "out": 300})
    assert one.left_out == {"inside": 2, "other_direction": 2 * (len(metered_at) - 1)}


def test_other_boundaries_from_the_next_lot_on() -> None:
    one = metered({CORE: Boundary(internal=frozenset({1, 2}))}, [AT_CORE], [CORE])
    one.reconfigure(home=HOME, table=TABLE)  # type: ignore[arg-type]
    one.datagrams(lot([AT_CORE], one.exporters.number(CORE)))
    octets, counts = answers(one)
    assert octets == {"out": 1000, "in": 1000}
    assert counts[CORE]["filtered"] == 2


def records(*payloads: bytes) -> FlowRecords:
    one = metered({}, [], [])
    one.exporters.number(CORE)
    return one.decoder.decode(lot(list(payloads)))


def test_where_a_flow_was_metered_is_decoded() -> None:
    flows = records(exported(*((LOCAL, ABROAD, 1, 2, told) for told in (0, 1, 2, 255))))
    assert flows.flow_direction.tolist() == [METERED_INGRESS, METERED_EGRESS, 0, 0]


# In a running collector


@pytest.fixture
def settings(tmp_path: Path) -> CollectorSettings:
    (tmp_path / "token").write_text("token-of-xa-1")
    with socket.socket(type=socket.SOCK_DGRAM) as one, socket.socket() as other:
        one.bind((ROUTER, 0))
        other.bind((ROUTER, 0))
        listen, metrics = (f"{ROUTER}:{probe.getsockname()[1]}" for probe in (one, other))
    return CollectorSettings.model_validate(
        {
            **{"collector": "xa-1", "operator": "demo-net", "economy": "UY", "home": HOME, "k_anonymity": 1},
            **{"listen": [listen], "metrics_listen": metrics, "state_directory": tmp_path / "state"},
            "drain_seconds": 0,
            "service": {"url": "http://127.0.0.1:9", "token_file": tmp_path / "token"},
            "exporters": {ROUTER: {"name": "border-1", "external": [UPSTREAM], "metered": "crossing"}},
        }
    )


def test_the_settings_reach_the_collector_and_its_metrics_tell(settings: CollectorSettings) -> None:
    collector = Collector(settings, TABLE)  # type: ignore[arg-type]
    thread = threading.Thread(target=collector.run)
    thread.start()
    both = exported((LOCAL, ABROAD, TO_CORE, UPSTREAM, 0), (LOCAL, ABROAD, TO_CORE, UPSTREAM, 1))
    others = exported((LOCAL, ABROAD, 1, 2, 1), (LOCAL, ABROAD, 1, 0, 1))
    host, _, port = settings.listen[0].rpartition(":")
    try:
        metrics_with(settings, "caudal_collector_received_total 0.0", thread)
        with socket.socket(type=socket.SOCK_DGRAM) as sender:
            sender.bind((ROUTER, 0))
            for payload in (both, others):
                sender.sendto(payload, (host, int(port)))
        metrics_with(settings, "caudal_collector_received_total 4.0", thread)
        text = metrics_with(settings, "caudal_collector_aggregated_total 2.0", thread)
    finally:
        collector.stop()
        thread.join(PATIENCE_SECONDS)
    for line in (
        "caudal_collector_filtered_total 2.0",
        'caudal_collector_left_out_records_total{reason="inside"} 1.0',
        'caudal_collector_left_out_records_total{reason="other_direction"} 1.0',
        "caudal_collector_interface_unknown_total 1.0",
    ):
        assert f"\n{line}\n" in text


def metrics_with(settings: CollectorSettings, line: str, thread: threading.Thread) -> str:
    """Ask for the metrics again and again until they hold a line."""
    found = [""]

    def held() -> bool:
        with suppress(httpx.TransportError):
            url = f"http://{settings.metrics_listen}/metrics"
            found[0] = httpx.get(url, trust_env=False, timeout=PATIENCE_SECONDS).text
        assert thread.is_alive()
        return f"\n{line}\n" in found[0]

    wait_until(held, lambda: line)
    return found[0]
