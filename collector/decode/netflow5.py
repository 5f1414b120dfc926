"""NetFlow version 5: the fixed format, for all datagrams of a lot at once."""

from collections.abc import Iterator

import numpy as np

from caudal.collector import flowrecords
from caudal.collector.datagrams import Datagrams
from caudal.collector.decode.flowtimes import ExportClock, export_time
from caudal.collector.decode.sampling import ObservationPoint, SamplingRates
from caudal.collector.decode.sequence import Sequences
from caudal.collector.decode.wire import join, surplus, unsigned16, unsigned32
from caudal.collector.flowrecords import ABSENT, I64, FlowRecords
from caudal.collector.grouping import positions_by_value
from caudal.collector.ledger import COUNT, Tally

HEADER = 24
_MOST_RECORDS = 30
_RATE_MASK = 0x3FFF  # the two high bits of the field give the sampling mode

RECORD = np.dtype(
    {
        "names": [
            "source", "destination", "input", "output", "packets", "octets", "first", "last",
            "source_port", "destination_port", "protocol", "source_as", "destination_as",
        ],
        "formats": [
            ">u4", ">u4", ">u2", ">u2", ">u4", ">u4", ">u4", ">u4", ">u2", ">u2", "u1", ">u2", ">u2",
        ],
        "offsets": [0, 4, 12, 14, 16, 20, 24, 28, 32, 34, 38, 40, 42],
        "itemsize": 48,
    }
)  # fmt: skip


def decode(
    datagrams: Datagrams,
    which: I64,
    export_ms: I64,
    counts: Tally,
    rates: SamplingRates,
    sequences: Sequences,
) -> FlowRecords:
    """Return the flow records of the version 5 datagrams at positions `which`.

    Fills `export_ms` and `counts` at those positions. A datagram shorter than its count says gives the
    records that it has; the missing ones count as malformed, as does one that announces more than 30, the
    most the format allows, and what follows the records (unless it is zeros). Source: Cisco NetFlow Export Datagram Format, version 5.
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
    engine = unsigned16(buffer, at + 20)
    interval = unsigned16(buffer, at + 22) & _RATE_MASK
    sent_ms = export_time(sent_ms, datagrams.received_ms[which])
    export_ms[which] = sent_ms
    count = np.minimum(announced, (datagrams.length[which] - HEADER) // RECORD.itemsize)
    counts[COUNT["received"], which] += announced
    counts[COUNT["malformed"], which] += announced - count
    counts[COUNT["decoded"], which] += count
    behind = which[surplus(buffer, at + HEADER + announced * RECORD.itemsize, at + datagrams.length[which])]
    counts[COUNT["received"], behind] += 1
    counts[COUNT["malformed"], behind] += 1
    exporter = datagrams.exporter[which]
    rate, origin = _rates(exporter, engine, interval, rates)
    for (number, domain), these in _streams(exporter, engine):
        counts[COUNT["lost"], which[these]] += sequences.follow(
            (number, flowrecords.NETFLOW5, domain), unsigned32(buffer, at[these] + 16), announced[these]
        )
    total = int(count.sum())
    records = np.frombuffer(join(buffer, at + HEADER, count * RECORD.itemsize), RECORD, total)
    of = np.repeat(np.arange(len(which)), count)
    clock = ExportClock(sent_ms[of], uptime[of].astype(np.uint64))
    packets, octets = records["packets"].astype(np.uint64), records["octets"].astype(np.uint64)
    zeros = np.zeros(total, np.uint64)
    start, end = (clock.at_uptime(records[name].astype(np.uint64)) for name in ("first", "last"))
    assert start is not None
    assert end is not None
    return FlowRecords(
        exporter=exporter[of],
        protocol=np.full(total, flowrecords.NETFLOW5, np.uint8),
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
        ip_protocol=records["protocol"].astype(np.uint8),
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
        absent=np.full(total, ABSENT["template"], np.uint32),
    )


def _rates(
    exporter: flowrecords.I32, engine: I64, interval: I64, rates: SamplingRates
) -> tuple[flowrecords.F64, flowrecords.U8]:
    rate = interval.astype(np.float64)
    origin = np.full(len(interval), flowrecords.RECORD, np.uint8)
    silent = interval == 0
    if silent.any():
        for (number, domain), these in _streams(exporter, engine):
            unknown = these[silent[these]]
            point = ObservationPoint(number, flowrecords.NETFLOW5, domain)
            rate[unknown], origin[unknown] = rates.lookup(point, None)
    return rate, origin


def _streams(exporter: flowrecords.I32, engine: I64) -> Iterator[tuple[tuple[int, int], I64]]:
    """Yield ((exporter, engine), positions) of each pair, positions in the order received."""
    for code, positions in positions_by_value(exporter.astype(np.int64) << 16 | engine):
        yield (code >> 16, code & 0xFFFF), positions
