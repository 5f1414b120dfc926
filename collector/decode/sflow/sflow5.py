"""sFlow version 5: flow samples to flow records, by the sampled headers, for all datagrams of a lot at once.

Each flow sample becomes one record of one packet: the IP bytes that its header tells, the sampling rate
that the sample gives. Counters samples carry no flows and are passed over. Source: sFlow.org,
"sFlow Version 5" (2004), §5.
"""

from dataclasses import dataclass, field

import numpy as np

from caudal.collector.columns import flowrecords
from caudal.collector.columns.datagrams import Datagrams
from caudal.collector.columns.flowrecords import ABSENT, I64, U8, FlowRecords
from caudal.collector.columns.gather import gather
from caudal.collector.columns.wire import unsigned32
from caudal.collector.decode.records.sampledheaders import OF_PACKET, Columns, Tunnels
from caudal.collector.decode.sampling.samplingofsets import SetSampling
from caudal.collector.decode.sequence.samplesequence import Agents, Mask, Sources
from caudal.collector.decode.sflow.samplerecords import address_octets, fill
from caudal.collector.decode.sflow.xdr import Structures, walk_structures
from caudal.collector.exporters.ledger import COUNT, Tally

_FLOW_SAMPLE, _COUNTERS_SAMPLE, _EXPANDED_FLOW_SAMPLE, _EXPANDED_COUNTERS_SAMPLE = 1, 2, 3, 4
_HEADER = 24  # of a datagram, without the agent's address
_NO_INTERFACE = (0, 0x3FFF_FFFF, 0xFFFF_FFFF)
_COMPACT = np.dtype(
    [(name, ">u4") for name in ("sequence", "source", "rate", "pool", "drops", "input", "output", "records")]
)
_EXPANDED = np.dtype(
    [
        (name, ">u4")
        for name in (
            *("sequence", "source_class", "source", "rate", "pool", "drops"),
            *("input_form", "input", "output_form", "output", "records"),
        )
    ]
)


@dataclass
class SflowAgents:
    """State of sFlow agents between lots, and counts of the samples passed over because they hold no flow.

    `counters` are interface counters; `unknown` are samples of other kinds, such as those of vendors.
    """

    datagrams: Agents = field(default_factory=Agents)
    samples: Sources = field(default_factory=Sources)
    counters: int = 0
    unknown: int = 0

    def forget(self, exporter: int) -> None:
        """Forget the agents of an exporter."""
        self.datagrams.forget(exporter)


@dataclass(frozen=True)
class _Flows:
    """Flow samples as columns: in which datagram, then what the fixed part says, an interface of 0 for none."""

    datagram: I64
    sequence: I64
    source: I64
    rate: I64
    drops: I64
    input: I64
    output: I64
    at: I64
    end: I64
    records: I64


def decode(
    datagrams: Datagrams,
    which: I64,
    counts: Tally,
    agents: SflowAgents,
    sampling: SetSampling,
    tunnels: Tunnels = "outer",
) -> FlowRecords:
    """Return the flow records of the sFlow datagrams at positions `which`, and fill `counts` there.

    sFlow has no clock of its own: time is that of receipt. A sample that cannot be read counts as
    malformed, one in which no IP packet could be read is NOT_READ; the others of its datagram are kept. Sequence numbers are those of the agent and sub-agent
    that the datagram names, which need not be where it was sent from; lost are samples that never came and
    those that the agent says it dropped. `sampling` judges the rates that samples state. `tunnels` says of which kinds of
    packets inside of packets the inner one counts.
    """
    buffer = datagrams.buffer
    which, octets = _whole(datagrams, which, counts)
    if not len(which):
        return flowrecords.concatenate([])
    at, end = datagrams.offset[which], datagrams.offset[which] + datagrams.length[which]
    behind = at + octets
    view = buffer.data
    names = [
        bytes(view[first:last]) for first, last in zip((at + 4).tolist(), (behind + 12).tolist(), strict=True)
    ]
    numbers = agents.datagrams.numbers(datagrams.exporter[which].tolist(), names)
    lost, life, new = agents.datagrams.follow(numbers, unsigned32(buffer, behind + 12))
    counts[COUNT["lost_datagrams"], which] += lost
    samples, broken = walk_structures(buffer, behind + _HEADER, end, unsigned32(buffer, behind + 20))
    _malformed(counts, which[broken])
    flows, cut = _flow_samples(buffer, samples, agents)
    _malformed(counts, which[samples.chain[cut]])
    follow = np.flatnonzero(new[flows.datagram])
    np.add.at(
        counts[COUNT["lost"]],
        which[flows.datagram[follow]],
        agents.samples.follow(
            (life[flows.datagram] << 40 | flows.source)[follow], flows.sequence[follow], flows.drops[follow]
        ),
    )
    columns, good = _columns(datagrams, which, unsigned32(buffer, behind + 8), flows, tunnels)
    of_networks = columns["doubt"].copy()
    sampling.judge_samples(columns, (flows.source >> 32 << 28 ^ flows.source).astype(np.uint32))
    columns["doubt"] |= of_networks
    _malformed(counts, which[flows.datagram[~good]])
    found = np.bincount(which[flows.datagram[good]], minlength=len(datagrams))
    counts[COUNT["received"]] += found
    counts[COUNT["decoded"]] += found
    records = FlowRecords(**columns)
    return records if good.all() else records.take(good)


def _whole(datagrams: Datagrams, which: I64, counts: Tally) -> tuple[I64, I64]:
    """Return the datagrams whose header is all there, and how long the agent's address is in each."""
    length = datagrams.length[which]
    octets = address_octets(datagrams.buffer, datagrams.offset[which] + 4, length - 4)
    whole = length >= _HEADER + octets
    _malformed(counts, which[~whole])
    return which[whole], octets[whole]


def _malformed(counts: Tally, datagram: I64) -> None:
    for name in ("received", "malformed"):
        np.add.at(counts[COUNT[name]], datagram, 1)


def _flow_samples(buffer: U8, samples: Structures, agents: SflowAgents) -> tuple[_Flows, I64]:
    """Return the flow samples among `samples`, and which of these are too short to be one."""
    compact, expanded = samples.kind == _FLOW_SAMPLE, samples.kind == _EXPANDED_FLOW_SAMPLE
    short = compact & (samples.length < _COMPACT.itemsize) | expanded & (samples.length < _EXPANDED.itemsize)
    counters = (samples.kind == _COUNTERS_SAMPLE) | (samples.kind == _EXPANDED_COUNTERS_SAMPLE)
    is_flow = compact | expanded
    agents.counters += int(np.count_nonzero(counters))
    agents.unknown += int(np.count_nonzero(~(is_flow | counters)))
    flow = samples.take(is_flow & ~short)
    fields = {
        name: np.empty(len(flow), np.int64)
        for name in ("sequence", "source", "rate", "drops", "input", "output", "records")
    }
    size = np.where(flow.kind == _FLOW_SAMPLE, _COMPACT.itemsize, _EXPANDED.itemsize)
    for kind, structure in ((_FLOW_SAMPLE, _COMPACT), (_EXPANDED_FLOW_SAMPLE, _EXPANDED)):
        these = np.flatnonzero(flow.kind == kind)
        if not len(these):
            continue
        head = gather(buffer, flow.at[these], structure)
        for name, values in fields.items():
            values[these] = head[name]
        for name in ("input", "output"):
            interface = fields[name][these]
            if kind == _FLOW_SAMPLE:
                form, interface = interface >> 30, interface & 0x3FFF_FFFF
            else:
                form = head[f"{name}_form"]
            # Discarded, several interfaces, unknown, or the device itself: no interface to name.
            fields[name][these] = np.where((form != 0) | np.isin(interface, _NO_INTERFACE), 0, interface)
        if kind == _EXPANDED_FLOW_SAMPLE:
            fields["source"][these] |= (head["source_class"].astype(np.int64) & 0xFF) << 32
        else:
            source = fields["source"][these]
            fields["source"][these] = (source >> 24 << 32) | (source & 0xFF_FFFF)
    return _Flows(
        datagram=flow.chain, at=flow.at + size, end=flow.at + flow.length, **fields
    ), np.flatnonzero(short)


def _columns(
    datagrams: Datagrams, which: I64, domain: I64, flows: _Flows, tunnels: Tunnels
) -> tuple[Columns, Mask]:
    """Return the columns of the flow records of all samples, and which of them could be read."""
    buffer, count = datagrams.buffer, len(flows.datagram)
    datagram = which[flows.datagram]
    columns: Columns = {name: np.zeros(count, dtype) for name, dtype in flowrecords.DTYPES.items()}
    columns["kind"][:] = flowrecords.NOT_READ  # until an IP header is found in the sample
    columns["exporter"] = datagrams.exporter[datagram]
    columns["protocol"][:] = flowrecords.SFLOW5
    for name in ("export_ms", "start_ms", "end_ms"):
        columns[name] = datagrams.received_ms[datagram]
    columns["observation_domain"][:] = domain[flows.datagram]
    columns["sampling_rate"][:] = flows.rate
    absent = columns["absent"]
    absent[:] = OF_PACKET | ABSENT["template"] | ABSENT["source_as"] | ABSENT["destination_as"]
    for name in ("input", "output"):
        interface = getattr(flows, name)
        columns[name][:] = interface
        absent[interface == 0] |= ABSENT[name]
    for name, direction in (
        ("output", flowrecords.METERED_EGRESS),
        ("input", flowrecords.METERED_INGRESS),
    ):
        sampled_there = (getattr(flows, name) == flows.source) & (flows.source != 0)
        columns["flow_direction"][sampled_there] = direction
    records, broken = walk_structures(buffer, flows.at, flows.end, flows.records)
    broken |= fill(buffer, columns, records, tunnels)
    return columns, ~broken
