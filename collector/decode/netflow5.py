"""NetFlow versions 5 and 7: the fixed formats, for all datagrams of a lot at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from caudal.collector import flowrecords
from caudal.collector.datagrams import Datagrams
from caudal.collector.decode.flowtimes import ExportClock, export_time
from caudal.collector.decode.origin import ObservationPoint
from caudal.collector.decode.sampling import SamplingRates
from caudal.collector.decode.sequence import Sequences
from caudal.collector.decode.wire import join, surplus, unsigned16, unsigned32
from caudal.collector.flowrecords import ABSENT, I64, FlowRecords
from caudal.collector.grouping import positions_by_value
from caudal.collector.ledger import COUNT, Tally

HEADER = 24
_MOST_RECORDS = 30
_RATE_MASK = 0x3FFF  # the two high bits of the field give the sampling mode


def _record(octets: int) -> np.dtype[Any]:
    """Return the form of a record of so many octets; all begin alike."""
    return np.dtype(
        {
            "names": [
                "source", "destination", "input", "output", "packets", "octets", "first", "last",
                "source_port", "destination_port", "ip_protocol", "source_as", "destination_as",
            ],
            "formats": [
                ">u4", ">u4", ">u2", ">u2", ">u4", ">u4", ">u4", ">u4", ">u2", ">u2", "u1", ">u2", ">u2",
            ],
            "offsets": [0, 4, 12, 14, 16, 20, 24, 28, 32, 34, 38, 40, 42],
            "itemsize": octets,
        }
    )  # fmt: skip


@dataclass(frozen=True)
class FixedFormat:
    """A version whose records have one fixed form.

    `names_engine` says whether the header tells engine and sampling; `omits` are the fields that hold 0 where
    the exporter does not know them.
    """

    protocol: int
    record: np.dtype[Any]
    names_engine: bool
    omits: tuple[str, ...]


VERSION_5 = FixedFormat(flowrecords.NETFLOW5, _record(48), names_engine=True, omits=())
# Of Catalyst switches: the same, and the router that was bypassed. What the flow mask leaves out is 0, so of
# a flow by destination nothing else is known, and AS numbers never are.
VERSION_7 = FixedFormat(
    flowrecords.NETFLOW7,
    _record(52),
    names_engine=False,
    omits=(
        "source",
        "source_port",
        "destination_port",
        "ip_protocol",
        "source_as",
        "destination_as",
        "input",
    ),
)


def decode(
    datagrams: Datagrams,
    which: I64,
    export_ms: I64,
    counts: Tally,
    rates: SamplingRates,
    sequences: Sequences,
    form: FixedFormat = VERSION_5,
) -> FlowRecords:
    """Return the flow records of the datagrams of version `form` at positions `which`.

    Fills `export_ms` and `counts` at those positions. A datagram shorter than its count says gives the
    records that it has; the missing ones count as malformed, as does one that announces more than 30, the
    most the formats allow, and what follows the records (unless it is zeros). Source: Cisco NetFlow Export
    Datagram Format, versions 5 and 7.
    """
    whole = datagrams.length[which] >= HEADER
    whole[whole] = unsigned16(datagrams.buffer, datagrams.offset[which[whole]] + 2) <= _MOST_RECORDS
    counts[COUNT["received"], which[~whole]] += 1
    counts[COUNT["malformed"], which[~whole]] += 1
    which = which[whole]
    buffer, at = datagrams.buffer, datagrams.offset[which]
    announced = unsigned16(buffer, at + 2)
    uptime = unsigned32(buffer, at + 4)
    sent_ms = unsigned32(buffer, at + 8) * 1000 + unsigned32(buffer, at + 12) // 1_000_000
    engine = interval = np.zeros(len(which), np.int64)
    if form.names_engine:
        engine, interval = unsigned16(buffer, at + 20), unsigned16(buffer, at + 22) & _RATE_MASK
    sent_ms = export_time(sent_ms, datagrams.received_ms[which])
    export_ms[which] = sent_ms
    count = np.minimum(announced, (datagrams.length[which] - HEADER) // form.record.itemsize)
    counts[COUNT["received"], which] += announced
    counts[COUNT["malformed"], which] += announced - count
    counts[COUNT["decoded"], which] += count
    behind = which[
        surplus(buffer, at + HEADER + announced * form.record.itemsize, at + datagrams.length[which])
    ]
    counts[COUNT["received"], behind] += 1
    counts[COUNT["malformed"], behind] += 1
    exporter = datagrams.exporter[which]
    rate, origin = _rates(form.protocol, exporter, engine, interval, rates)
    for (number, domain), these in _streams(exporter, engine):
        counts[COUNT["lost"], which[these]] += sequences.follow(
            (number, form.protocol, domain), unsigned32(buffer, at[these] + 16), announced[these]
        )
    total = int(count.sum())
    records = np.frombuffer(join(buffer, at + HEADER, count * form.record.itemsize), form.record, total)
    of = np.repeat(np.arange(len(which)), count)
    clock = ExportClock(sent_ms[of], uptime[of].astype(np.uint64))
    packets, octets = records["packets"].astype(np.uint64), records["octets"].astype(np.uint64)
    zeros = np.zeros(total, np.uint64)
    start, end = (clock.at_uptime(records[name].astype(np.uint64)) for name in ("first", "last"))
    assert start is not None
    assert end is not None
    absent = np.full(total, ABSENT["template"], np.uint32)
    if not form.names_engine:
        absent |= ABSENT["observation_domain"]
    for name in form.omits:
        absent[records[name] == 0] |= ABSENT[name]
    return FlowRecords(
        exporter=exporter[of],
        protocol=np.full(total, form.protocol, np.uint8),
        observation_domain=engine[of].astype(np.uint32),
        template=np.zeros(total, np.uint16),
        export_ms=clock.export_ms,
        start_ms=start,
        end_ms=end,
        ip_version=np.full(total, 4, np.uint8),
        source_high=zeros,
        source_low=records["source"].astype(np.uint64),
        destination_high=zeros,
        destination_low=records["destination"].astype(np.uint64),
        source_port=records["source_port"].astype(np.uint16),
        destination_port=records["destination_port"].astype(np.uint16),
        ip_protocol=records["ip_protocol"].astype(np.uint8),
        bytes=octets,
        packets=packets,
        sampling_rate=rate[of],
        sampling_from=origin[of],
        source_as=records["source_as"].astype(np.uint32),
        destination_as=records["destination_as"].astype(np.uint32),
        input=records["input"].astype(np.uint32),
        output=records["output"].astype(np.uint32),
        kind=np.where((octets == 0) & (packets == 0), flowrecords.EVENT, flowrecords.TRAFFIC).astype(
            np.uint8
        ),
        absent=absent,
    )


def _rates(
    protocol: int,
    exporter: flowrecords.I32,
    engine: I64,
    interval: I64,
    rates: SamplingRates,
) -> tuple[flowrecords.F64, flowrecords.U8]:
    rate = interval.astype(np.float64)
    origin = np.full(len(interval), flowrecords.RECORD, np.uint8)
    silent = interval == 0
    if silent.any():
        for (number, domain), these in _streams(exporter, engine):
            unknown = these[silent[these]]
            point = ObservationPoint(number, protocol, domain)
            rate[unknown], origin[unknown] = rates.lookup(point, None)
    return rate, origin


def _streams(exporter: flowrecords.I32, engine: I64) -> Iterator[tuple[tuple[int, int], I64]]:
    """Yield ((exporter, engine), positions) of each pair, positions in the order received."""
    for code, positions in positions_by_value(exporter.astype(np.int64) << 16 | engine):
        yield (code >> 16, code & 0xFFFF), positions
