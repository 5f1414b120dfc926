"""AS numbers of exporters and of the tables: which of them goes first, and how far they agree."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np

from caudal.collector.columns.flowrecords import F64, I64, TRAFFIC, U32, U64, FlowRecords, Mask
from caudal.collector.locate.locate import IN, OUT, named_asn
from caudal.reference import AddressTable

_LOOKED_AT = 128  # records of a lot that are compared
_PLACES = 64  # to tell different AS numbers by
_GOLDEN = np.uint64(0x9E37_79B9_7F4A_7C15)
_TO_PLACE = np.uint64(58)


@dataclass(frozen=True)
class Agreement:
    """Of an exporter (its number): records compared, their bytes, those of bytes for which both name another AS, and
    about how many different ASes either named in these.
    """

    exporter: int
    records: int
    octets: float
    differing: float
    stated: int
    known: int


class AsNumbers:
    """Takes AS numbers out of the records of exporters whose word does not go first, and compares that of the others.

    `addresses` are those of exporters, by their numbers. Compared are some records of each lot, at the end that is not home,
    where record and table both name somebody.
    """

    def __init__(self, addresses: list[str]) -> None:
        self._addresses = addresses
        self._table: AddressTable | None = None
        self._from_tables: frozenset[str] = frozenset()
        self._numbers: Mask = np.zeros(0, np.bool_)  # by exporter: the tables go first
        self._counts: F64 = np.zeros((64, 3))  # records, bytes, bytes that differ
        self._met: U64 = np.zeros((64, 2), np.uint64)  # places of ASes that were stated, and that were known

    def configure(self, table: AddressTable, from_tables: Collection[str]) -> None:
        """Compare with another table from now on, and take no AS numbers from the exporters in `from_tables`."""
        self._table, self._from_tables = table, frozenset(from_tables)
        self._numbers = np.zeros(0, np.bool_)

    def goes_by_tables(self, exporter: int) -> bool:
        """Return True if the tables go before the AS numbers of this exporter."""
        return self._addresses[exporter] in self._from_tables

    def choose(self, flows: FlowRecords) -> FlowRecords:
        """Return flow records without the AS numbers that are not to be taken: 0 in their place."""
        if not self._from_tables:
            return flows
        most = int(flows.exporter.max(initial=-1))
        if most >= len(self._numbers):
            self._numbers = np.array([each in self._from_tables for each in self._addresses], np.bool_)
        taken = ~self._numbers[flows.exporter]
        return replace(flows, source_as=flows.source_as * taken, destination_as=flows.destination_as * taken)

    def compare(self, flows: FlowRecords, direction: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> None:
        """Compare some of the records whose `direction` (positions in DIRECTIONS) is out or in."""
        at = np.arange(0, len(flows), (len(flows) // _LOOKED_AT) | 1)
        at = at[((direction[at] == OUT) | (direction[at] == IN)) & (flows.kind[at] == TRAFFIC)]
        inbound = direction[at] == IN
        stated = np.where(inbound, flows.source_as[at], flows.destination_as[at])
        named = named_asn(stated)
        if not named.any() or self._table is None:
            return
        at, inbound, stated = at[named], inbound[named], stated[named]
        known = self._known(flows, at, inbound)
        both = known > 0
        at, stated, known = at[both], stated[both], known[both]
        who = flows.exporter[at]
        self._have_room(int(who.max(initial=0)) + 1)
        octets = flows.bytes[at] * flows.sampling_rate[at]
        differs = stated != known
        for column, values in ((0, np.ones(len(at))), (1, octets), (2, octets * differs)):
            np.add.at(self._counts[:, column], who, values)
        for column, numbers in ((0, stated), (1, known)):
            bit = np.uint64(1) << ((numbers[differs].astype(np.uint64) * _GOLDEN) >> _TO_PLACE)
            np.bitwise_or.at(self._met[:, column], who[differs], bit)

    def agreements(self) -> Iterator[Agreement]:
        """Yield exporters of which some record was compared."""
        for number in np.flatnonzero(self._counts[:, 0]).tolist():
            records, octets, differing = self._counts[number].tolist()
            stated, known = np.bitwise_count(self._met[number]).tolist()
            yield Agreement(number, int(records), octets, differing, stated, known)

    def forget(self, exporter: int) -> None:
        """Forget an exporter whose number another may get."""
        if exporter < len(self._counts):
            self._counts[exporter] = self._met[exporter] = 0
        self._numbers = np.zeros(0, np.bool_)

    def _known(self, flows: FlowRecords, at: I64, inbound: Mask) -> U32:
        """Return the AS of the far end of records by the table, 0 where it knows none."""
        assert self._table is not None
        high = np.where(inbound, flows.source_high[at], flows.destination_high[at])
        low = np.where(inbound, flows.source_low[at], flows.destination_low[at])
        six = flows.ip_version[at] == 6
        known: U32 = np.zeros(len(at), np.uint32)
        known[~six] = self._table.asn[self._table.segments4(low[~six].astype(np.uint32))]
        known[six] = self._table.asn[self._table.segments6(high[six], low[six])]
        return known

    def _have_room(self, count: int) -> None:
        more = count - len(self._counts)
        if more > 0:
            more = max(more, len(self._counts))
            self._counts = np.append(self._counts, np.zeros((more, 3)), axis=0)
            self._met = np.append(self._met, np.zeros((more, 2), np.uint64), axis=0)
