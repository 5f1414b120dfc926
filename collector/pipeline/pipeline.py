"""Everything between decoding and the batch, put together once for live and recorded traffic."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol, TypedDict

import numpy as np
import pyarrow as pa

from caudal.collector.aggregate.aggregate import Aggregator
from caudal.collector.aggregate.dominance import DOMINANCE_PERCENT
from caudal.collector.aggregate.exportertraffic import ExporterTraffic
from caudal.collector.aggregate.unlistedcaches import UnlistedCaches
from caudal.collector.columns.allowlist import AllowList
from caudal.collector.columns.datagrams import Datagrams, Exporters
from caudal.collector.columns.flowrecords import FlowRecords, Mask
from caudal.collector.decode.decoder import Decoder
from caudal.collector.decode.sampling.sampling import SamplingRates
from caudal.collector.exporters.exporterkeys import ExporterKeys, Told
from caudal.collector.exporters.exporttimes import ExportTimes
from caudal.collector.exporters.ledger import Ledger
from caudal.collector.exporters.plausibility import MOST_GBIT_PER_SECOND, Plausibility
from caudal.collector.locate.asnumbers import AsNumbers
from caudal.collector.locate.boundary import LEFT_OUT, Boundaries, Boundary, Judgement
from caudal.collector.locate.locate import Locator
from caudal.collector.packets.tunnelkinds import Tunnels
from caudal.reference import AddressTable

# Of export datagrams decoded at once. A record may be one octet long, and takes over a hundred decoded.
_MOST_OCTETS = 2 << 20
_NOTHING_TOLD: Told = {}


class Rules(TypedDict):
    """Rules of a pipeline that can be given anew while it works; see Pipeline."""

    home: Iterable[str]
    sampling: Mapping[str, float]
    boundaries: Mapping[str, Boundary]
    sampling_overrides: Collection[str]
    allow: Sequence[str]
    nat64: Sequence[str]
    capacities: Mapping[str, float]
    capacity: float
    as_from_tables: Collection[str]
    exporter_keys: Told


class Memory(Protocol):
    """Knows exporters from before; an ExporterMemory is one."""

    def recall(self) -> None:
        """Give the decoder the kept state of exporters that are new to it."""


class Pipeline:
    """Takes datagrams or metered packets, gives flow aggregates and the ledger that goes with them.

    `sampling` gives configured rates by exporter address or prefix (those in `sampling_overrides` hold
    whatever an exporter says) and `boundaries` the known interfaces by exporter address. Datagrams of
    exporters outside the prefixes of `allow`, where there are any, are filtered. `nat64` are prefixes of the operator's
    translators (see nat64). `capacities` are in Gbit/s, by exporter
    address or prefix, and `capacity` that of the others: what exceeds them is not believed. AS numbers that the exporters in
    `as_from_tables` state are not taken. `exporter_keys` are what the operator says of exporters and cells are told apart by,
    such as their sites. `services`
    are the platform ids whose positions are the tags of flow records, beginning with '' for none; those of
    the address table are added to them. `key` makes what is kept of flows recognisable after a restart. Addresses live in here and nowhere after it, but for prefixes of caches that
    are not listed, where `cache_prefixes` asks for them.
    """

    def __init__(
        self,
        *,
        economy: str,
        home: Iterable[str],
        table: AddressTable,
        window_seconds: int,
        k: int,
        dominance_percent: float = DOMINANCE_PERCENT,
        sampling: Mapping[str, float] | None = None,
        boundaries: Mapping[str, Boundary] | None = None,
        services: Sequence[str] = ("",),
        tunnels: Tunnels = "outer",
        sampling_overrides: Collection[str] = (),
        allow: Sequence[str] = (),
        nat64: Sequence[str] = (),
        capacities: Mapping[str, float] | None = None,
        capacity: float = MOST_GBIT_PER_SECOND,
        as_from_tables: Collection[str] = (),
        exporter_keys: Told = _NOTHING_TOLD,
        cache_prefixes: bool = False,
        template_wait_seconds: float = 1800,
        key: bytes | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.exporters = Exporters(allow=AllowList(allow) if allow else None)
        self.keep_places(sampling or {})
        self.memory: Memory | None = None
        self.times = ExportTimes(monotonic)
        self.ledger = Ledger(window_seconds * 1000)
        self.decoder = Decoder(
            self.ledger,
            SamplingRates(self.exporters.addresses, sampling or {}, overriding=sampling_overrides),
            waiting_seconds=template_wait_seconds,
            tunnels=tunnels,
            key=key,
            plausibility=Plausibility(self.exporters.addresses, window_seconds * 1000, capacities, capacity),
        )
        self._aggregator = Aggregator(
            self.ledger, window_seconds * 1000, k, dominance_percent=dominance_percent, services=services
        )
        self._exporter_keys = ExporterKeys(self.exporters, self._aggregator.number)
        self._exporter_keys.configure(exporter_keys)
        self._economy = economy
        self.as_numbers = AsNumbers(self.exporters.addresses)
        self._set_places(home, table, boundaries or {}, nat64)
        self.as_numbers.configure(table, as_from_tables)
        self.unlisted_caches = UnlistedCaches(prefixes=cache_prefixes)
        self.traffic = ExporterTraffic()
        self.left_out = dict.fromkeys(LEFT_OUT, 0)  # records, by why the boundaries left them out

    def reconfigure(
        self,
        *,
        home: Iterable[str],
        table: AddressTable,
        sampling: Mapping[str, float] | None = None,
        boundaries: Mapping[str, Boundary] | None = None,
        sampling_overrides: Collection[str] = (),
        allow: Sequence[str] = (),
        nat64: Sequence[str] = (),
        capacities: Mapping[str, float] | None = None,
        capacity: float = MOST_GBIT_PER_SECOND,
        as_from_tables: Collection[str] = (),
        exporter_keys: Told = _NOTHING_TOLD,
    ) -> None:
        """Meter by other settings from the next lot on; templates and rates learnt from exporters stay."""
        self.exporters.allow = AllowList(allow) if allow else None
        self.keep_places(sampling or {})
        self._set_places(home, table, boundaries or {}, nat64)
        self.decoder.rates.configure(sampling or {}, sampling_overrides)
        self.decoder.plausibility.configure(capacities, capacity)
        self.as_numbers.configure(table, as_from_tables)
        self._exporter_keys.configure(exporter_keys)

    def keep_places(self, known: Iterable[str]) -> None:
        """Let exporters (by address) have a number for good: there is always room for those the operator told us of."""
        for address in known:
            if "/" not in address:  # a prefix stands for many exporters, and is the address of none
                self.exporters.keep(address)

    def _set_places(
        self,
        home: Iterable[str],
        table: AddressTable,
        boundaries: Mapping[str, Boundary],
        nat64: Sequence[str],
    ) -> None:
        self._aggregator.add_services(table.platforms)
        self._locator = Locator(home, table, self._economy, self.services, nat64)
        self._boundaries = Boundaries(self.exporters, boundaries)

    @property
    def services(self) -> tuple[str, ...]:
        """The platform ids whose positions are the tags of flow records; the first is '' for none."""
        return self._aggregator.services

    @property
    def crowded(self) -> bool:
        """True if so much is open that `take` had better be called now."""
        return self._aggregator.crowded or self.ledger.crowded

    def datagrams(self, datagrams: Datagrams, look: Callable[[FlowRecords], None] | None = None) -> int:
        """Meter export datagrams; return how many flow records were in them. `look` is shown these records."""
        self.exporters.heard(datagrams.exporter)
        if self.memory is not None:
            self.memory.recall()
        records = 0

        def take(flows: FlowRecords) -> None:
            nonlocal records
            records += len(flows)
            if look is not None:
                look(flows)
            self.flows(flows)

        for part in datagrams.parts(_MOST_OCTETS):
            self.decoder.decode_to(part, take)
        return records

    def flows(self, flows: FlowRecords) -> None:
        """Meter decoded flow records, which are in the ledger already."""
        if not len(flows):
            return
        located = self._locator.locate(self.as_numbers.choose(flows))
        self.as_numbers.compare(flows, located.direction)
        self.unlisted_caches.add(flows, located.direction)
        judgement = self._boundaries.judge(flows, located.direction)
        left_out = None if judgement is None else self._left_out(flows, judgement)
        self._aggregator.add(flows, located, left_out, self._exporter_keys.words())
        self.traffic.add(flows, located.direction, left_out)
        self.times.note(flows)

    def forget(self, exporters: Iterable[int]) -> None:
        """Count these exporters anew, of which no window is open: others may get their numbers."""
        for exporter in exporters:
            self.ledger.forget(exporter)
            self.traffic.forget(exporter)
            self.as_numbers.forget(exporter)

    def _left_out(self, flows: FlowRecords, judgement: Judgement) -> Mask:
        """Return which records are not counted; note why, and where those crossed that are is not known."""
        if judgement.interface_unknown.any():
            self.ledger.note("interface_unknown", flows.take(judgement.interface_unknown))
        for reason in LEFT_OUT:
            self.left_out[reason] += int(np.count_nonzero(getattr(judgement, reason)))
        return judgement.inside | judgement.other_direction

    @property
    def windows(self) -> set[int]:
        """The windows that are open, of flow aggregates or of the ledger: starts in window lengths since 1970."""
        return self._aggregator.windows | self.ledger.windows

    def take(
        self, before_ms: int | None, name: Callable[[int], str], keep: Collection[int] = ()
    ) -> tuple[pa.Table, pa.Table]:
        """Take away the windows that end by `before_ms` (all, if None): flow aggregates and ledger.

        Windows among `keep` stay. `name` says how an exporter's number is named outside, which is never by
        its address.
        """
        return self._aggregator.take(before_ms, keep), self.ledger.take(before_ms, name, keep)
