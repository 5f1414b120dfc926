"""Information elements: the numbers, against the registry's names as Wireshark and the RFCs print them."""

from caudal.collector.decode.template import elements


def test_pairs_of_start_and_end_are_neighbours() -> None:
    """flowtimes counts on it."""
    for first, last in (
        (elements.FLOW_START_SECONDS, elements.FLOW_END_SECONDS),
        (elements.FLOW_START_MILLISECONDS, elements.FLOW_END_MILLISECONDS),
        (elements.FLOW_START_MICROSECONDS, elements.FLOW_END_MICROSECONDS),
        (elements.FLOW_START_NANOSECONDS, elements.FLOW_END_NANOSECONDS),
        (elements.FLOW_START_DELTA_MICROSECONDS, elements.FLOW_END_DELTA_MICROSECONDS),
        (elements.FLOW_END_UPTIME, elements.FLOW_START_UPTIME),
    ):
        assert last == first + 1


def test_reverse_elements_are_no_forward_ones() -> None:
    assert elements.REVERSE_OCTET_DELTA == 65_536 + 1
    assert elements.REVERSE not in elements.READ
    assert elements.REVERSE_ENTERPRISE not in elements.READ
    assert all(number in elements.READ for number in (*elements.OCTET_DELTAS, *elements.REVERSE_PACKETS))
    of_cisco = {elements.CONNECTION_EVENT_REASON, elements.EARLY_FIREWALL_EVENT}
    assert {number for number in elements.READ if number < elements.REVERSE} <= {*range(1, 492), *of_cisco}
