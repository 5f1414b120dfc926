"""Firewalls that tell events of connections (Cisco NSEL): increments, then a last event that tells the total again."""

import struct
from itertools import permutations

import pytest

from tests.support.builders import NOW_MS, SECONDS, Field, a_set, ip, netflow9, template

from .balanced import FILES, inspected, metered
from .stream import Stream

HERE, FAR = "198.51.100.10", "203.0.113.5"
CREATED, DELETED, DENIED, UPDATE = 1, 2, 3, 5
FIELDS: tuple[Field, ...] = (
    (148, 4), (8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (233, 1), (33002, 2), (323, 8), (152, 8), (231, 4), (232, 4),
)  # fmt: skip
NSEL = template(263, *FIELDS)


def event(
    what: int,
    there: int = 0,
    back: int = 0,
    *,
    connection: int = 77,
    port: int = 5000,
    created_ms: int = NOW_MS - 60_000,
    seconds: int = 0,
) -> bytes:
    at_ms = NOW_MS + seconds * 1000
    ends = struct.pack(">IIIHHB", connection, ip(HERE), ip(FAR), port, 443, 6)
    return ends + struct.pack(">BHQQII", what, 0, at_ms, created_ms, there, back)


def octets(carried: dict[str, tuple[int, int]]) -> dict[str, int]:
    return {direction: counts[0] for direction, counts in carried.items()}


def heard(*events: bytes, fields: bytes = NSEL) -> tuple[dict[str, int], dict[str, int]]:
    """The octets that events come to, each in a datagram of its own, and the ledger."""
    stream = Stream()
    stream.hear(netflow9(fields))
    for at, one in enumerate(events):
        stream.hear(netflow9(a_set(263, one), sequence=at + 1))
    carried, counts = stream.sums()
    return octets(carried), counts


def test_a_teardown_tells_the_increments_again() -> None:
    assert metered(FILES / "nsel_teardown.pcap")[0] == {"out": 3_500, "in": 105_000}
    records, ledger, _ = inspected(FILES / "nsel_teardown.pcap")
    assert ledger["repeated"] == 2
    assert [each["kind"] for each in records].count("repeated") == 2


def test_a_connection_that_only_tells_its_end_counts_that() -> None:
    carried, counts = heard(event(CREATED), event(DELETED, 81, 763))
    assert carried == {"out": 81, "in": 763}
    assert "repeated" not in counts


def test_what_no_increment_told_counts_with_the_teardown() -> None:
    """An update was lost, or came before the collector did."""
    carried, counts = heard(event(UPDATE, 2000, 40_000), event(DELETED, 3500, 105_000))
    assert carried == {"out": 3500, "in": 105_000}
    assert "repeated" not in counts


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_any_order_of_the_events_comes_to_the_same(order: tuple[int, ...]) -> None:
    events = (event(UPDATE, 2000, 0), event(UPDATE, 1500, 700), event(DELETED, 3500, 700))
    assert heard(*(events[at] for at in order))[0] == {"out": 3500, "in": 700}


def test_update_and_teardown_by_other_templates_in_one_lot() -> None:
    """The teardown that names a user has a template of its own, which may be decoded first."""
    named = template(262, *FIELDS, (40000, 20))
    stream = Stream()
    stream.hear(
        netflow9(named, NSEL),
        netflow9(a_set(263, event(UPDATE, 900, 100))),
        netflow9(a_set(262, event(DELETED, 900, 100) + bytes(20))),
    )
    carried, counts = stream.sums()
    assert octets(carried) == {"out": 900, "in": 100}
    assert counts["repeated"] == 2


def test_connections_of_the_same_ends_are_told_apart() -> None:
    """By their number, and by when they were created."""
    one, other = {"connection": 1}, {"connection": 2}
    later = {"created_ms": NOW_MS - 1000}
    carried, _ = heard(
        event(UPDATE, 10, 0, **one), event(UPDATE, 20, 0, **other), event(UPDATE, 40, 0, **later),
        event(DELETED, 10, 0, **one), event(DELETED, 25, 0, **other), event(DELETED, 100, 0, **later),
    )  # fmt: skip
    assert carried == {"out": 135}


def test_a_connection_of_more_than_its_counter_holds_counts_by_its_increments() -> None:
    most = (1 << 32) - 1
    carried, _ = heard(
        *(event(UPDATE, most, 0, seconds=60 * at) for at in range(3)), event(DELETED, 3 * most % (1 << 32))
    )
    assert carried == {"out": 3 * most}


def test_ipv6_and_packets() -> None:
    """Newer firewalls tell packets as well (298, 299)."""
    fields: tuple[Field, ...] = (
        (148, 4), (27, 16), (28, 16), (233, 1), (152, 8), (231, 8), (232, 8), (298, 4), (299, 4),
    )  # fmt: skip
    ends = ip("2001:db8:1::7").to_bytes(16, "big") + ip("2001:db8:2::1").to_bytes(16, "big")

    def six(what: int, *counts: int) -> bytes:
        return struct.pack(">I", 5) + ends + struct.pack(">BQQQII", what, NOW_MS - 5000, *counts)

    stream = Stream()
    stream.hear(netflow9(template(263, *fields)))
    for at, one in enumerate(
        (six(UPDATE, 100, 1000, 1, 2), six(UPDATE, 50, 0, 1, 0), six(DELETED, 150, 1200, 2, 3))
    ):
        stream.hear(netflow9(a_set(263, one), sequence=at + 1))
    carried, counts = stream.sums()
    assert carried == {"out": (150, 2), "in": (1200, 3)}
    assert counts["repeated"] == 1  # of the way there nothing was left


def test_firewalls_that_tell_an_event_in_ordinary_records_count_them_all() -> None:
    """Palo Alto: octetDeltaCount, a session's number and 233, of which 1 and 5 and 2 come."""
    fields: tuple[Field, ...] = ((148, 8), (8, 4), (12, 4), (233, 1), (1, 8), (2, 4), (22, 4), (21, 4))
    records = [
        struct.pack(">QIIBQIII", 9, ip(HERE), ip(FAR), what, octets, 1, 0, 0)
        for what, octets in ((CREATED, 70), (UPDATE, 500), (UPDATE, 500), (DELETED, 300))
    ]
    carried, counts = heard(*records, fields=template(263, *fields))
    assert carried == {"out": 1370}
    assert "repeated" not in counts


def test_initiator_octets_without_a_connection_count_as_they_stand() -> None:
    """Records with 231 and 233 but neither a number nor a reason are no events of a connection."""
    fields: tuple[Field, ...] = ((8, 4), (12, 4), (233, 1), (231, 4), (232, 4))
    records = [struct.pack(">IIBII", ip(HERE), ip(FAR), DELETED, 100, 10)] * 3
    assert heard(*records, fields=template(263, *fields))[0] == {"out": 300, "in": 30}


def test_firewalls_of_before_updates_tell_one_total() -> None:
    """Octets of 85, the event as 40005, and no time of creation in the teardown: known by the connection's number."""
    fields: tuple[Field, ...] = ((148, 4), (8, 4), (12, 4), (40005, 1), (33002, 2), (85, 4))
    one, other = (struct.pack(">IIIBHI", number, ip(HERE), ip(FAR), DELETED, 2025, 56) for number in (1, 2))
    carried, counts = heard(one, other, one, fields=template(263, *fields))
    assert carried == {"out": 112}
    assert counts["repeated"] == 1


def test_denied_connections_stay_events() -> None:
    carried, counts = heard(event(DENIED), event(DENIED, connection=0))
    assert (carried, counts["events"]) == ({}, 2)


def test_a_connection_that_was_quiet_for_an_hour_is_remembered_to_its_end() -> None:
    stream = Stream()
    stream.hear(netflow9(NSEL, a_set(263, event(UPDATE, 5000))))
    hour = 3660
    stream.hear(
        netflow9(a_set(263, event(DELETED, 5000, seconds=hour)), seconds=SECONDS + hour, sequence=1),
        seconds=hour,
    )
    assert octets(stream.sums()[0]) == {"out": 5000}
