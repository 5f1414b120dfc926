"""The datagrams at work: header fields by datagram, the tally, data sets to be read, and the records so far."""

import numpy as np

from caudal.collector.datagrams import Datagrams
from caudal.collector.decode.reading import DataSets, read
from caudal.collector.decode.readingplan import Plan
from caudal.collector.decode.sampling import SamplingRates
from caudal.collector.decode.samplingofsets import judge_sampling
from caudal.collector.flowrecords import I64, MOST_COUNTED, FlowRecords
from caudal.collector.ledger import COUNT, Ledger, tally


class Lot:
    """What becomes of a lot of datagrams, put together until all of them are read."""

    def __init__(self, datagrams: Datagrams, now_ms: int) -> None:
        count = len(datagrams)
        self.datagrams = datagrams
        self.now_ms = now_ms
        self.export_ms = datagrams.received_ms.copy()
        self.uptime_ms = np.zeros(count, np.int64)
        self.domain = np.zeros(count, np.int64)
        self.data_records = np.zeros(count, np.int64)
        self.counts = tally(count)
        self.flows: list[FlowRecords] = []
        self._plans: dict[int, tuple[int, Plan]] = {}
        self._sets: list[DataSets] = []

    def count(self, datagrams: I64 | int, *names: str) -> None:
        """Add 1 under each name for each of these datagrams (none of them twice)."""
        for name in names:
            self.counts[COUNT[name], datagrams] += 1

    def number_of(self, plan: Plan) -> int:
        """Return what stands for a plan in the sets to be read."""
        return self._plans.setdefault(id(plan), (len(self._plans), plan))[0]

    def put(self, sets: DataSets) -> None:
        """Have data sets read in the end, or when `read` is called."""
        if len(sets.at):
            self._sets.append(sets)

    def read(self, rates: SamplingRates, ledger: Ledger) -> None:
        """Read the sets put since the last call, by the sampling rates known now."""
        if not self._sets:
            return
        sets = self._sets[0]
        if len(self._sets) > 1:
            sets = DataSets(*(np.concatenate(columns) for columns in zip(*self._sets, strict=True)))
        plans = np.stack([plan for _, plan in self._plans.values()])
        self._sets.clear()
        found = read(self.datagrams.buffer, plans, sets)
        impossible = judge_sampling(found, sets, rates)
        flows = FlowRecords(**found.columns._asdict())
        self.flows.append(without_impossible(flows, ledger) if impossible else flows)


def without_impossible(flows: FlowRecords, ledger: Ledger) -> FlowRecords:
    """Return the records that count no more than is possible; the others are malformed, not decoded."""
    possible = np.maximum(flows.bytes, flows.packets) * flows.sampling_rate < MOST_COUNTED
    bad = flows.take(~possible)
    if not len(bad):
        return flows
    counts = tally(len(bad))
    counts[COUNT["decoded"]] = -1
    counts[COUNT["malformed"]] = 1
    ledger.add(counts, bad.exporter, bad.export_ms)
    return flows.take(possible)
