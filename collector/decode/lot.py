"""The datagrams at work: header fields by datagram, the tally, data sets to be read, and the records so far."""

from collections.abc import Callable

import numpy as np

from caudal.collector.columns.datagrams import Datagrams
from caudal.collector.columns.flowrecords import I64, FlowRecords
from caudal.collector.decode.heard import NO_CLOCK
from caudal.collector.decode.sampling.samplingofsets import SetSampling
from caudal.collector.decode.template.flowtimes import FIRST_MS, export_time
from caudal.collector.decode.template.reading import DataSets, read
from caudal.collector.decode.template.readingplan import Plan
from caudal.collector.exporters.ledger import COUNT, tally

_AT_ONCE = 8192  # records


class Lot:
    """A lot of datagrams being decoded: data sets and records of one form gathered, then read by kernels at once.

    `give` takes the flow records, some thousands at a time: they stay in the processor's cache until all is done
    with them.
    """

    def __init__(self, datagrams: Datagrams, now_ms: int, give: Callable[[FlowRecords], None]) -> None:
        count = len(datagrams)
        self.datagrams = datagrams
        self.now_ms = now_ms
        self.export_ms = datagrams.received_ms.copy()
        self.offset_ms: I64 = np.full(count, NO_CLOCK, np.int64)  # of the exporter's clock
        self.uptime_ms = np.zeros(count, np.int64)
        self.domain = np.zeros(count, np.int64)
        self.data_records = np.zeros(count, np.int64)
        self.template_records = np.zeros(count, np.int64)
        self.counts = tally(count)
        self.process = np.zeros(count, np.uint8)  # see Processes
        self.give = give
        self._plans: dict[int, tuple[int, Plan]] = {}
        self._sets: list[DataSets] = []

    def count(self, datagrams: I64 | int, *names: str) -> None:
        """Add 1 under each name for each of these datagrams (none of them twice)."""
        for name in names:
            self.counts[COUNT[name], datagrams] += 1

    def set_clock(self, datagrams: I64, stated_ms: I64) -> None:
        """Take the export times that datagrams state, those of receipt where these cannot be."""
        received_ms = self.datagrams.received_ms[datagrams]
        self.export_ms[datagrams] = export_ms = export_time(stated_ms, received_ms)
        # Of a file that says no time of receipt nothing is known.
        self.offset_ms[datagrams] = np.where(received_ms < FIRST_MS, NO_CLOCK, stated_ms - received_ms)
        self.counts[COUNT["clock_implausible"], datagrams] += export_ms != stated_ms

    def number_of(self, plan: Plan) -> int:
        """Return the number of a plan in this lot, an index into the plans given to the kernel; a new plan gets the next."""
        return self._plans.setdefault(id(plan), (len(self._plans), plan))[0]

    def put(self, sets: DataSets) -> None:
        """Have data sets read in the end, or when `read` is called."""
        if len(sets.at):
            self._sets.append(sets)

    def read(self, sampling: SetSampling) -> None:
        """Read the sets put since the last call, by the sampling rates known now."""
        if not self._sets:
            return
        sets = self._sets[0]
        if len(self._sets) > 1:
            sets = DataSets(*(np.concatenate(columns) for columns in zip(*self._sets, strict=True)))
        plans = np.stack([plan for _, plan in self._plans.values()])
        self._sets.clear()
        ends = np.cumsum(sets.records)
        first = 0
        while first < len(ends):
            before = int(ends[first - 1]) if first else 0
            last = max(first + 1, int(np.searchsorted(ends, before + _AT_ONCE, "right")))
            some = DataSets._make(column[first:last] for column in sets)
            found = read(self.datagrams.buffer, plans, some)
            sampling.judge(found, some)
            if len(found.by_default):
                np.bitwise_or(found.doubt, found.by_default, out=found.doubt)
            self.give(FlowRecords(**found.columns._asdict(), doubt=found.doubt))
            first = last
