"""Everything between decoding and the batch, put together once for live and recorded traffic."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pyarrow as pa

from caudal.collector.aggregate import Aggregator
from caudal.collector.datagrams import Datagrams, Exporters
from caudal.collector.decode.decoder import Decoder
from caudal.collector.decode.sampling import SamplingRates
from caudal.collector.flowrecords import FlowRecords
from caudal.collector.home import HomePrefixes
from caudal.collector.ledger import Ledger
from caudal.collector.locate import locate
from caudal.reference import AddressTable

# Of export datagrams decoded at once. A record may be one octet long, and takes over a hundred decoded.
_MOST_OCTETS = 2 << 20


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
        for address in sampling or ():  # there is always room for those the operator told us of
            self.exporters.number(address)
        self.ledger = Ledger(window_seconds * 1000)
        self.decoder = Decoder(self.ledger, SamplingRates(self.exporters.addresses, sampling or {}))
        self._aggregator = Aggregator(self.ledger, window_seconds * 1000, k)
        self._economy = economy
        self._home = HomePrefixes(home)
        self._table = table
        self.latest_ms: int | None = None

    @property
    def crowded(self) -> bool:
        """Whether so many windows are open that `take` had better be called now."""
        return self._aggregator.crowded

    def datagrams(self, datagrams: Datagrams) -> int:
        """Meter export datagrams; return how many flow records were in them."""
        records = 0
        for part in datagrams.parts(_MOST_OCTETS):
            flows = self.decoder.decode(part)
            self.flows(flows)
            records += len(flows)
        return records

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
