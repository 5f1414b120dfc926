"""Flow records read straight out of the datagrams into columns: those of all layouts that have a plan, at once."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from caudal.collector.columns.bigendian import big16, big32, big64
from caudal.collector.columns.flowrecords import (
    ABSENT,
    AS_DOUBTED,
    DTYPES,
    F64,
    I32,
    I64,
    METERED_EGRESS,
    METERED_INGRESS,
    TRAFFIC,
    U8,
    U16,
    U32,
    U64,
)
from caudal.collector.columns.kernel import kernel
from caudal.collector.decode.template.readingplan import (
    BEFORE_EXPORT,
    BYTES,
    DESTINATION4,
    DESTINATION6,
    DESTINATION_AS,
    DESTINATION_PORT,
    DESTINATION_PREFIX4,
    DESTINATION_PREFIX6,
    DIRECTION,
    END,
    INPUT,
    IP_PROTOCOL,
    NTP,
    OTHER_BYTES,
    OTHER_PACKETS,
    OUTPUT,
    PACKETS,
    RATE,
    RECORD,
    SAMPLER,
    SECONDS,
    SOURCE4,
    SOURCE6,
    SOURCE_AS,
    SOURCE_PORT,
    SOURCE_PREFIX4,
    SOURCE_PREFIX6,
    START,
    TIMES,
    UPTIME,
    ZERO_IS_ABSENT,
)

_ONE = np.uint64(1)
_IPV4_MAPPED = 0xFFFF
Plans = npt.NDArray[np.int64]  # plans one after the other
_NTP_TO_UNIX_SECONDS = 2_208_988_800
_START_AND_END = np.uint32(ABSENT["start"] | ABSENT["end"])
_ABSENT_START, _ABSENT_END = ABSENT["start"], ABSENT["end"]
_ABSENT_SOURCE = ABSENT["source"]
_ABSENT_SOURCE_PORT, _ABSENT_DESTINATION_PORT = ABSENT["source_port"], ABSENT["destination_port"]
_ABSENT_IP_PROTOCOL, _ABSENT_INPUT = ABSENT["ip_protocol"], ABSENT["input"]
_ABSENT_SOURCE_AS, _ABSENT_DESTINATION_AS = ABSENT["source_as"], ABSENT["destination_as"]


class DataSets(NamedTuple):
    """Sets of data records of any layouts and exporters, of which the octets are in one buffer.

    By set: its place, whole records and plan (a position in the plans), what all its records have in common,
    the exporter's uptime at export (modulo 2³², -1 where it is not known), and the sampling rate that the
    datagram tells, 0 if none, and the exporting process (see Processes).
    """

    at: I64
    records: I64
    plan: I64
    exporter: I32
    protocol: U8
    observation_domain: U32
    template: U16
    export_ms: I64
    uptime_ms: I64
    rate: F64
    process: U8


class Part(NamedTuple):
    """Of some sets what every column needs to know: place, whole records and plan."""

    at: I64
    records: I64
    plan: I64


class Columns(NamedTuple):
    """The columns of flow records that are filled."""

    exporter: I32
    protocol: U8
    observation_domain: U32
    template: U16
    export_ms: I64
    start_ms: I64
    end_ms: I64
    ip_version: U8
    source_high: U64
    source_low: U64
    destination_high: U64
    destination_low: U64
    source_port: U16
    destination_port: U16
    ip_protocol: U8
    bytes: U64
    packets: U64
    sampling_rate: F64
    sampling_from: U8
    source_as: U32
    destination_as: U32
    input: U32
    output: U32
    kind: U8
    absent: U32
    flow_direction: U8


class Read(NamedTuple):
    """The columns but for sampling: `sampling_rate` is what the record says, 0 if nothing, and not yet judged.

    `doubt` is the column that is filled then: among the others it would make what reads them pass too much around.

    `has_sampler` says of each set whether its records name samplers; `samplers` are those of the records, and
    nothing if none names any. `by_default` has AS_DOUBTED for records of which one end is routed by default, and nothing
    if no set tells that.
    """

    columns: Columns
    has_sampler: npt.NDArray[np.bool_]
    samplers: U32
    doubt: U8
    by_default: U8


def read(buffer: U8, plans: Plans, sets: DataSets) -> Read:
    """Read all records of sets; `plans` are those that the sets name (see readingplan), one after the other.

    All octets of the records must be in the buffer.
    """
    total = int(sets.records.sum())
    columns = Columns(*(np.empty(total, DTYPES[name]) for name in Columns._fields))
    has_sampler = plans[:, SAMPLER, 1] > 0
    samplers: U32 = np.empty(total if has_sampler.any() else 0, np.uint32)
    tells_routes = bool((plans[:, SOURCE_PREFIX4, 1] + plans[:, SOURCE_PREFIX6, 1]).any())
    by_default: U8 = np.zeros(total if tells_routes else 0, np.uint8)
    _read(buffer, plans, sets, columns, samplers, by_default)
    return Read(columns, has_sampler[sets.plan], samplers, np.empty(total, np.uint8), by_default)


# Sets read at once, column by column: few enough for their octets to stay in the nearest cache, and enough for
# what it costs to begin a column.
_TOGETHER = 64
# Rows are counted unsigned, because of signed ones numba asks each time whether they count from the end.


@kernel
def _read(buffer: U8, plans: Plans, sets: DataSets, to: Columns, samplers: U32, by_default: U8) -> None:
    row = np.uint64(0)
    for first in range(0, len(sets.at), _TOGETHER):
        last = min(first + _TOGETHER, len(sets.at))
        which = Part(sets.at[first:last], sets.records[first:last], sets.plan[first:last])
        _repeat(to.exporter, row, which.records, sets.exporter[first:last])
        _repeat(to.protocol, row, which.records, sets.protocol[first:last])
        _repeat(to.observation_domain, row, which.records, sets.observation_domain[first:last])
        _repeat(to.template, row, which.records, sets.template[first:last])
        _repeat(to.export_ms, row, which.records, sets.export_ms[first:last])
        _read_addresses(to, row, buffer, plans, which)
        _read_numbers(to.bytes, row, buffer, plans, which, BYTES)
        _read_numbers(to.packets, row, buffer, plans, which, PACKETS)
        _read_zeros_elsewhere(to.bytes, row, buffer, plans, which, OTHER_BYTES)
        _read_zeros_elsewhere(to.packets, row, buffer, plans, which, OTHER_PACKETS)
        _read_numbers(to.source_port, row, buffer, plans, which, SOURCE_PORT)
        _read_numbers(to.destination_port, row, buffer, plans, which, DESTINATION_PORT)
        _read_numbers(to.ip_protocol, row, buffer, plans, which, IP_PROTOCOL)
        _read_numbers(to.source_as, row, buffer, plans, which, SOURCE_AS)
        _read_numbers(to.destination_as, row, buffer, plans, which, DESTINATION_AS)
        if len(by_default):
            _forget_default_routes(to, row, buffer, plans, which, by_default)
        _read_numbers(to.input, row, buffer, plans, which, INPUT)
        _read_numbers(to.output, row, buffer, plans, which, OUTPUT)
        _read_numbers(to.sampling_rate, row, buffer, plans, which, RATE)
        _read_numbers(to.flow_direction, row, buffer, plans, which, DIRECTION)
        for column, which_time in ((to.start_ms, START), (to.end_ms, END)):
            _read_numbers(column, row, buffer, plans, which, which_time)
            _make_times(
                column, row, plans, which, which_time, sets.export_ms[first:last], sets.uptime_ms[first:last]
            )
        _judge_values(to, row, plans, which, sets.uptime_ms[first:last])
        if len(samplers):
            _read_numbers(samplers, row, buffer, plans, which, SAMPLER)
        row += np.uint64(which.records.sum())


@kernel
def _repeat(column: Any, row: np.uint64, times: I64, values: Any) -> None:
    """Fill a column from `row` on with each value as often as `times` says."""
    for each in range(len(values)):
        value = values[each]
        for _ in range(times[each]):
            column[row] = value
            row += _ONE


@kernel
def _read_numbers(column: Any, row: np.uint64, buffer: U8, plans: Plans, sets: Part, what: int) -> None:
    """Fill a column from `row` on with the numbers that plans call `what`, 0 where they have none."""
    for each in range(len(sets.at)):
        plan, count = sets.plan[each], sets.records[each]
        step, octets = plans[plan, RECORD, 0], plans[plan, what, 1]
        at = sets.at[each] + plans[plan, what, 0]
        end = row + np.uint64(count)
        if octets == 4:
            while row < end:
                column[row] = big32(buffer, at)
                row, at = row + _ONE, at + step
        elif octets == 2:
            while row < end:
                column[row] = big16(buffer, at)
                row, at = row + _ONE, at + step
        elif octets == 1:
            while row < end:
                column[row] = buffer[np.uint64(at)]
                row, at = row + _ONE, at + step
        elif octets == 8:
            while row < end:
                column[row] = big64(buffer, at)
                row, at = row + _ONE, at + step
        else:
            while row < end:
                column[row] = _number(buffer, at, octets)
                row, at = row + _ONE, at + step


@kernel
def _number(buffer: U8, at: int, octets: int) -> np.uint64:
    """Return the number of so many octets, at most 8."""
    value = np.uint64(0)
    for place in range(at, at + octets):
        value = (value << np.uint64(8)) | np.uint64(buffer[place])
    return value


@kernel
def _read_zeros_elsewhere(
    column: U64, row: np.uint64, buffer: U8, plans: Plans, sets: Part, what: int
) -> None:
    """Replace counters that are 0 by the counter at the second place that their plan names, if there is one."""
    for each in range(len(sets.at)):
        plan = sets.plan[each]
        step, octets = plans[plan, RECORD, 0], plans[plan, what, 1]
        at = sets.at[each] + plans[plan, what, 0]
        end = row + np.uint64(sets.records[each])
        if octets:
            while row < end:
                if column[row] == 0:
                    column[row] = _number(buffer, at, octets)
                row, at = row + _ONE, at + step
        row = end


@kernel
def _forget_default_routes(
    to: Columns, row: np.uint64, buffer: U8, plans: Plans, sets: Part, by_default: U8
) -> None:
    """Take the AS number from the end of a flow that is routed by a prefix of length 0, where the other end's is longer.

    That of a default route is the transit provider's. Where both lengths are 0 they are not filled in.
    """
    for each in range(len(sets.at)):
        plan, at = sets.plan[each], sets.at[each]
        step = plans[plan, RECORD, 0]
        end = row + np.uint64(sets.records[each])
        has4, has6 = plans[plan, SOURCE_PREFIX4, 1] > 0, plans[plan, SOURCE_PREFIX6, 1] > 0
        if has4 or has6:
            while row < end:
                first, second = SOURCE_PREFIX4, DESTINATION_PREFIX4
                if to.ip_version[row] == 6:
                    first, second = SOURCE_PREFIX6, DESTINATION_PREFIX6
                source = _number(buffer, at + plans[plan, first, 0], plans[plan, first, 1])
                destination = _number(buffer, at + plans[plan, second, 0], plans[plan, second, 1])
                if source == 0 and destination != 0 and to.source_as[row] != 0:
                    to.source_as[row] = np.uint32(0)
                    by_default[row] = AS_DOUBTED
                elif destination == 0 and source != 0 and to.destination_as[row] != 0:
                    to.destination_as[row] = np.uint32(0)
                    by_default[row] = AS_DOUBTED
                row, at = row + _ONE, at + step
        row = end


@kernel
def _make_times(
    column: I64, row: np.uint64, plans: Plans, sets: Part, what: int, export_ms: I64, uptime_ms: I64
) -> None:
    """Turn times as read into milliseconds since 1970 UTC; see flowtimes, which says where they are from."""
    for each in range(len(sets.at)):
        how, exported = plans[sets.plan[each], TIMES, what - START], export_ms[each]
        end = row + np.uint64(sets.records[each])
        if how == UPTIME:
            up = np.uint32(uptime_ms[each])
            known = uptime_ms[each] >= 0
            while row < end:
                since = np.int64(np.int32(np.uint32(np.uint32(column[row]) - up)))
                column[row] = exported + since if known else 0
                row += _ONE
        elif how == SECONDS:
            while row < end:
                column[row] *= 1000
                row += _ONE
        elif how == BEFORE_EXPORT:
            while row < end:
                column[row] = exported - np.int64(np.uint64(column[row]) // np.uint64(1000))
                row += _ONE
        elif how == NTP:
            while row < end:
                value = np.uint64(column[row])
                seconds = np.int64(value >> np.uint64(32)) - _NTP_TO_UNIX_SECONDS
                fraction = (value & np.uint64(0xFFFF_FFFF)) * np.uint64(1000)
                column[row] = seconds * 1000 + np.int64(fraction >> np.uint64(32))
                row += _ONE
        row = end


@kernel
def _judge_values(to: Columns, row: np.uint64, plans: Plans, sets: Part, uptime_ms: I64) -> None:
    """Fill kind and absent, and say the direction in our own numbers."""
    for each in range(len(sets.at)):
        plan = sets.plan[each]
        absent, zeros = np.uint32(plans[plan, RECORD, 1]), np.uint32(plans[plan, ZERO_IS_ABSENT, 0])
        of_nothing = np.uint8(plans[plan, ZERO_IS_ABSENT, 1])
        if uptime_ms[each] < 0:
            absent |= _ABSENT_START if plans[plan, TIMES, 0] == UPTIME else np.uint32(0)
            absent |= _ABSENT_END if plans[plan, TIMES, 1] == UPTIME else np.uint32(0)
        tells_direction = plans[plan, DIRECTION, 1] > 0
        end = row + np.uint64(sets.records[each])
        while row < end:
            to.kind[row] = of_nothing if to.bytes[row] == 0 and to.packets[row] == 0 else TRAFFIC
            to.absent[row] = absent
            if tells_direction:
                told = to.flow_direction[row]
                to.flow_direction[row] = METERED_INGRESS if told == 0 else METERED_EGRESS if told == 1 else 0
            if zeros:
                to.absent[row] |= zeros & _zeros(to, row)
            row += _ONE


@kernel
def _zeros(to: Columns, row: np.uint64) -> np.uint32:
    """Return the bits of ABSENT of the values that are 0."""
    zeros = np.uint32(0)
    zeros |= _ABSENT_SOURCE if to.source_low[row] == 0 else np.uint32(0)
    zeros |= _ABSENT_SOURCE_PORT if to.source_port[row] == 0 else np.uint32(0)
    zeros |= _ABSENT_DESTINATION_PORT if to.destination_port[row] == 0 else np.uint32(0)
    zeros |= _ABSENT_IP_PROTOCOL if to.ip_protocol[row] == 0 else np.uint32(0)
    zeros |= _ABSENT_SOURCE_AS if to.source_as[row] == 0 else np.uint32(0)
    zeros |= _ABSENT_DESTINATION_AS if to.destination_as[row] == 0 else np.uint32(0)
    zeros |= _ABSENT_INPUT if to.input[row] == 0 else np.uint32(0)
    return zeros


@kernel
def _read_addresses(to: Columns, row: np.uint64, buffer: U8, plans: Plans, sets: Part) -> None:
    """Fill version and addresses; of records with both, the one that is not zero counts.

    IPv4-mapped addresses on both sides are IPv4.
    """
    _read_numbers(to.source_low, row, buffer, plans, sets, SOURCE4)
    _read_numbers(to.destination_low, row, buffer, plans, sets, DESTINATION4)
    for each in range(len(sets.at)):
        plan = sets.plan[each]
        step, at = plans[plan, RECORD, 0], sets.at[each]
        has4 = plans[plan, SOURCE4, 1] + plans[plan, DESTINATION4, 1] > 0
        source, destination = plans[plan, SOURCE6, 0], plans[plan, DESTINATION6, 0]
        has_source, has_destination = plans[plan, SOURCE6, 1] > 0, plans[plan, DESTINATION6, 1] > 0
        end = row + np.uint64(sets.records[each])
        while row < end:
            to.ip_version[row] = 4 if has4 else 0
            to.source_high[row] = to.destination_high[row] = np.uint64(0)
            if has_source or has_destination:
                _choose_addresses(
                    to,
                    row,
                    has4,
                    big64(buffer, at + source) if has_source else np.uint64(0),
                    big64(buffer, at + source + 8) if has_source else np.uint64(0),
                    big64(buffer, at + destination) if has_destination else np.uint64(0),
                    big64(buffer, at + destination + 8) if has_destination else np.uint64(0),
                )
            row, at = row + _ONE, at + step


@kernel
def _choose_addresses(
    to: Columns,
    row: np.uint64,
    has4: bool,
    source_high: np.uint64,
    source_low: np.uint64,
    destination_high: np.uint64,
    destination_low: np.uint64,
) -> None:
    high = source_high | destination_high
    if (
        high == 0
        and (source_low >> np.uint64(32)) == _IPV4_MAPPED
        and (destination_low >> np.uint64(32)) == _IPV4_MAPPED
    ):
        to.ip_version[row] = 4
        to.source_low[row] = source_low & np.uint64(0xFFFF_FFFF)
        to.destination_low[row] = destination_low & np.uint64(0xFFFF_FFFF)
        return
    shorts = to.source_low[row] | to.destination_low[row]
    if has4 and (shorts != 0 or (high | source_low | destination_low) == 0):
        return
    to.ip_version[row] = 6
    to.source_high[row], to.source_low[row] = source_high, source_low
    to.destination_high[row], to.destination_low[row] = destination_high, destination_low
