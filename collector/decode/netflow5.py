"""NetFlow versions 5 and 7: the fixed formats, for all datagrams of a lot at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from caudal.collector.columns import flowrecords
from caudal.collector.columns.flowrecords import ABSENT, I64
from caudal.collector.columns.wire import surplus, unsigned16, unsigned32
from caudal.collector.decode.lot import Lot
from caudal.collector.decode.sequence.sequence import Sequences
from caudal.collector.decode.template import elements
from caudal.collector.decode.template.reading import DataSets
from caudal.collector.decode.template.readingplan import Plan, reading_plan
from caudal.collector.exporters.ledger import COUNT

HEADER = 24
_MOST_RECORDS = 30
_RATE_MASK = 0x3FFF  # the two high bits of the field give the sampling mode


@dataclass(frozen=True)
class FixedFormat:
    """A version whose records have one fixed form.

    `names_engine` says whether the header tells engine and sampling.
    """

    protocol: int
    octets: int
    plan: Plan
    names_engine: bool


# By element its place in a record of either version, and its octets.
_PLACES: Final = {
    elements.SOURCE_IPV4: (0, 4),
    elements.DESTINATION_IPV4: (4, 4),
    elements.INGRESS_INTERFACE: (12, 2),
    elements.EGRESS_INTERFACE: (14, 2),
    elements.PACKET_DELTA: (16, 4),
    elements.OCTET_DELTA: (20, 4),
    elements.FLOW_START_UPTIME: (24, 4),
    elements.FLOW_END_UPTIME: (28, 4),
    elements.SOURCE_PORT: (32, 2),
    elements.DESTINATION_PORT: (34, 2),
    elements.PROTOCOL_IDENTIFIER: (38, 1),
    elements.SOURCE_AS: (40, 2),
    elements.DESTINATION_AS: (42, 2),
    elements.SOURCE_PREFIX_LENGTH_IPV4: (44, 1),
    elements.DESTINATION_PREFIX_LENGTH_IPV4: (45, 1),
}


def _format(
    protocol: int, octets: int, *, names_engine: bool, never: Sequence[str], where_zero: Sequence[str] = ()
) -> FixedFormat:
    absent, zero = (sum(int(ABSENT[name]) for name in names) for names in (never, where_zero))
    plan = reading_plan(_PLACES, octets, absent=absent, zero_is_absent=zero)
    assert plan is not None
    return FixedFormat(protocol, octets, plan, names_engine)


VERSION_5: Final = _format(flowrecords.NETFLOW5, 48, names_engine=True, never=["template"])
# Of Catalyst switches: the same, and the router that was bypassed. What the flow mask leaves out is 0, so of
# a flow by destination nothing else is known, and AS numbers never are.
VERSION_7: Final = _format(
    flowrecords.NETFLOW7,
    52,
    names_engine=False,
    never=["template", "observation_domain"],
    where_zero=[
        "source",
        "source_port",
        "destination_port",
        "ip_protocol",
        "source_as",
        "destination_as",
        "input",
    ],
)


def find_records(lot: Lot, which: I64, sequences: Sequences, form: FixedFormat = VERSION_5) -> None:
    """Have the records of the datagrams of version `form` at positions `which` of a lot read.

    A datagram shorter than its count says gives the
    records that it has; the missing ones count as malformed, as does one that announces more than 30, the
    most the formats allow, and what follows the records (unless it is zeros). Source: Cisco NetFlow Export
    Datagram Format, versions 5 and 7.
    """
    datagrams, counts = lot.datagrams, lot.counts
    whole = datagrams.length[which] >= HEADER
    whole[whole] = unsigned16(datagrams.buffer, datagrams.offset[which[whole]] + 2) <= _MOST_RECORDS
    lot.count(which[~whole], "received", "malformed")
    which = which[whole]
    if not len(which):
        return
    buffer, at = datagrams.buffer, datagrams.offset[which]
    announced = unsigned16(buffer, at + 2)
    sent_ms = unsigned32(buffer, at + 8) * 1000 + unsigned32(buffer, at + 12) // 1_000_000
    engine = interval = np.zeros(len(which), np.int64)
    if form.names_engine:
        engine, interval = unsigned16(buffer, at + 20), unsigned16(buffer, at + 22) & _RATE_MASK
    lot.set_clock(which, sent_ms)
    count = np.minimum(announced, (datagrams.length[which] - HEADER) // form.octets)
    counts[COUNT["received"], which] += announced
    counts[COUNT["malformed"], which] += announced - count
    counts[COUNT["decoded"], which] += count
    behind = which[surplus(buffer, at + HEADER + announced * form.octets, at + datagrams.length[which])]
    lot.count(behind, "received", "malformed")
    exporter = datagrams.exporter[which]
    counts[COUNT["lost"], which] += sequences.follow_all(
        form.protocol,
        exporter.astype(np.int64),
        engine,
        unsigned32(buffer, at + 16),
        announced,
        datagrams.port[which],
    )
    lot.put(
        DataSets(
            at=at + HEADER,
            records=count,
            plan=np.full(len(which), lot.number_of(form.plan)),
            exporter=exporter,
            protocol=np.full(len(which), form.protocol, np.uint8),
            observation_domain=engine.astype(np.uint32),
            template=np.zeros(len(which), np.uint16),
            export_ms=lot.export_ms[which],
            uptime_ms=unsigned32(buffer, at + 4),
            rate=interval.astype(np.float64),
            process=lot.process[which],
        )
    )
