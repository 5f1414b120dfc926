"""Everything between decoding and the batch, put together once for live and recorded traffic."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pyarrow as pa

from caudal.collector.aggregate import Aggregator
from caudal.collector.datagrams import Datagrams, Exporters
from caudal.collector.decoder import Decoder
from caudal.collector.flowrecords import FlowRecords
from caudal.collector.home import HomePrefixes
from caudal.collector.ledger import Ledger
from caudal.collector.locate import locate
from caudal.collector.sampling import SamplingRates
from caudal.reference import AddressTable


class Pipeline:
    """Takes datagrams or metered packets, gives flow aggregates and the ledger that goes with them.

    `sampling` gives configured rates by exporter address. Addresses live in here and nowhere after it.
    """

    def __init__(
        self,
        *,
        economy: str,
        home: Iterable[str],
        table: AddressTable,
        window_seconds: int,
        k: int,
        sampling: Mapping[str, float] | None = None,
    ) -> None:
        self.exporters = Exporters()
        self.ledger = Ledger(window_seconds * 1000)
        self.decoder = Decoder(self.ledger, SamplingRates(self.exporters.addresses, sampling or {}))
        self._aggregator = Aggregator(self.ledger, window_seconds * 1000, k)
        self._economy = economy
        self._home = HomePrefixes(home)
        self._table = table
        self.latest_ms: int | None = None

    def datagrams(self, datagrams: Datagrams) -> None:
        """Meter export datagrams."""
        self.flows(self.decoder.decode(datagrams))

    def flows(self, flows: FlowRecords) -> None:
        """Meter decoded flow records, which are in the ledger already."""
        if not len(flows):
            return
        self._aggregator.add(flows, locate(flows, self._home, self._table, self._economy))
        latest = int(np.max(flows.export_ms))
        self.latest_ms = latest if self.latest_ms is None else max(self.latest_ms, latest)

    def take(self, before_ms: int | None, name: Callable[[int], str]) -> tuple[pa.Table, pa.Table]:
        """Take away the windows that end by `before_ms` (all, if None): flow aggregates and ledger.

        `name` says how an exporter's number is named outside, which is never by its address.
        """
        return self._aggregator.take(before_ms), self.ledger.take(before_ms, name)
