"""Start and end of flows, from every kind of time element."""

import struct

import pytest

from caudal.collector.columns.flowrecords import ABSENT, FlowRecords
from tests.support.builders import (
    NOW_MS,
    OCTETS,
    SECONDS,
    Field,
    a_set,
    bench,
    ipfix,
    joined,
    netflow9,
    options10,
    rows,
    template,
)

NTP = SECONDS + 2_208_988_800


def times(flows: FlowRecords) -> tuple[int | None, int | None]:
    start = None if flows.absent[0] & ABSENT["start"] else int(flows.start_ms[0]) - NOW_MS
    end = None if flows.absent[0] & ABSENT["end"] else int(flows.end_ms[0]) - NOW_MS
    return start, end


def of_ipfix(fields: list[Field], record: bytes) -> tuple[int | None, int | None]:
    return times(
        bench().decode(
            ipfix(template(256, *fields, OCTETS, ipfix=True), a_set(256, record + bytes(3) + b"\1"))
        )
    )


def of_v9(first: int, last: int, uptime: int) -> tuple[int | None, int | None]:
    record = struct.pack(">III", last, first, 1)
    return times(
        bench().decode(netflow9(template(256, (21, 4), (22, 4), OCTETS), a_set(256, record), uptime=uptime))
    )


def test_v9_first_and_last_switched_are_relative_to_the_uptime_of_the_header() -> None:
    """unix_secs − sysUptime/1000 + first/1000, everything in milliseconds."""
    assert of_v9(first=90_000, last=95_500, uptime=100_000) == (-10_000, -4_500)


def test_v9_uptime_wrap() -> None:
    assert of_v9(first=(1 << 32) - 5_000, last=1_000, uptime=2_000) == (-7_000, -1_000)


def test_v9_last_switched_just_after_the_header_was_written() -> None:
    assert of_v9(first=1_000, last=2_050, uptime=2_000) == (-1_000, 50)


def test_v9_last_switched_after_the_header_across_the_wrap() -> None:
    assert of_v9(first=(1 << 32) - 100, last=20, uptime=(1 << 32) - 10) == (-90, 30)


def test_ipfix_milliseconds() -> None:
    assert of_ipfix([(152, 8), (153, 8)], struct.pack(">QQ", NOW_MS - 5, NOW_MS - 2)) == (-5, -2)


def test_ipfix_seconds() -> None:
    assert of_ipfix([(150, 4), (151, 4)], struct.pack(">II", SECONDS - 5, SECONDS - 2)) == (-5_000, -2_000)


@pytest.mark.parametrize("first", [154, 156], ids=["micro", "nano"])
def test_ipfix_micro_and_nanoseconds_are_ntp_fractions(first: int) -> None:
    """The lower 32 bits count 1/2^32 s: half of them is half a second, whatever the name of the type."""
    record = struct.pack(">IIII", NTP - 3, 1 << 31, NTP - 1, 1 << 30)
    assert of_ipfix([(first, 8), (first + 1, 8)], record) == (-2_500, -750)


def test_ipfix_deltas_in_microseconds_go_back_from_the_export() -> None:
    assert of_ipfix([(158, 4), (159, 4)], struct.pack(">II", 4_000_000, 1_500_000)) == (-4_000, -1_500)


def test_ipfix_uptime_with_the_time_of_initialisation() -> None:
    record = struct.pack(">QII", NOW_MS - 100_000, 90_000, 95_000)
    assert of_ipfix([(160, 8), (22, 4), (21, 4)], record) == (-10_000, -5_000)


BOOTED = options10(300, [(149, 4)], [(160, 8)])
SINCE = template(256, (22, 4), (21, 4), OCTETS, ipfix=True)


def booted(time_ms: int) -> bytes:
    return a_set(300, struct.pack(">IQ", 0, time_ms))


def since_boot(start: int, end: int) -> bytes:
    return a_set(256, struct.pack(">III", start % (1 << 32), end % (1 << 32), 1))


def test_ipfix_uptime_with_the_time_of_initialisation_in_an_options_record() -> None:
    flows = bench().decode(ipfix(BOOTED, SINCE, booted(NOW_MS - 100_000), since_boot(90_000, 95_000)))
    assert times(flows) == (-10_000, -5_000)


def test_ipfix_uptime_that_wrapped_since() -> None:
    """Booted 60 days ago: times of 32 bits have passed their end once."""
    days = 60 * 86_400_000
    flows = bench().decode(
        ipfix(BOOTED, SINCE, booted(NOW_MS - days), since_boot(days - 9_000, days - 1_000))
    )
    assert times(flows) == (-9_000, -1_000)


def test_the_time_of_initialisation_takes_effect_on_what_follows_it() -> None:
    """In one lot or in two: data before it is read without, or by the one before."""
    datagrams = [
        ipfix(BOOTED, SINCE, since_boot(1_000, 2_000)),
        ipfix(since_boot(1_000, 2_000), booted(NOW_MS - 10_000), since_boot(1_000, 2_000)),
        ipfix(since_boot(1_000, 2_000), booted(NOW_MS - 20_000), since_boot(1_000, 2_000)),
    ]
    once, apart = bench(), bench()
    whole = once.decode(*datagrams)
    assert whole.end_ms.tolist() == [0, 0, *(NOW_MS - ago for ago in (8_000, 8_000, 18_000))]
    assert rows(whole) == rows(joined([apart.decode(datagram) for datagram in datagrams]))


@pytest.mark.parametrize("time_ms", [0, 1 << 48, (1 << 64) - 1])
def test_a_time_of_initialisation_that_cannot_be(time_ms: int) -> None:
    assert times(bench().decode(ipfix(BOOTED, SINCE, booted(time_ms), since_boot(1, 2)))) == (None, None)


def test_ipfix_uptime_alone_says_nothing() -> None:
    assert of_ipfix([(22, 4), (21, 4)], struct.pack(">II", 90_000, 95_000)) == (None, None)


@pytest.mark.parametrize(
    ("fields", "record", "expected"),
    [
        ([(152, 8), (161, 4)], struct.pack(">QI", NOW_MS - 9_000, 4_000), (-9_000, -5_000)),
        ([(153, 8), (162, 4)], struct.pack(">QI", NOW_MS - 1_000, 4_000_000), (-5_000, -1_000)),
        ([(323, 8)], struct.pack(">Q", NOW_MS - 1_000), (None, -1_000)),
        ([(322, 4)], struct.pack(">I", SECONDS - 1), (None, -1_000)),
        ([(324, 8)], struct.pack(">II", NTP - 1, 1 << 31), (None, -500)),
        ([], b"", (None, None)),
    ],
    ids=["start+duration", "end-duration", "observed", "observed s", "observed NTP", "nothing"],
)
def test_what_is_missing_is_made_of_what_there_is(
    fields: list[Field], record: bytes, expected: tuple[int | None, int | None]
) -> None:
    assert of_ipfix(fields, record) == expected


@pytest.mark.parametrize("field", [(150, 8), (152, 8), (154, 8), (158, 8), (161, 8), (323, 8)])
def test_times_out_of_all_bounds_do_not_raise(field: Field) -> None:
    of_ipfix([field], b"\xff" * 8)
