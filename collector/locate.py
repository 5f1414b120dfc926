"""Where the far end of each flow is: direction, autonomous system, country, service and what answered."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from caudal.collector import cellcode
from caudal.collector.batch import DIRECTIONS, LOCATION_RUNGS, UNKNOWN_COUNTRY
from caudal.collector.cellcode import country_number
from caudal.collector.flowrecords import U8, U16, U32, U64, FlowRecords
from caudal.collector.home import HomePrefixes, Mask
from caudal.reference import AddressTable

OUT, IN, INTERNAL, TRANSIT = range(len(DIRECTIONS))
# By whether the source is home (2) and whether the destination is (1).
_DIRECTION: U8 = np.array([TRANSIT, IN, OUT, INTERNAL], np.uint8)
_OF_DIRECTION: U64 = cellcode.pack(direction=np.arange(len(DIRECTIONS), dtype=np.uint8))
_NOWHERE: U64 = cellcode.pack(country=country_number(UNKNOWN_COUNTRY), rung=LOCATION_RUNGS.index("unknown"))
_AS_TRANS = 23456  # stands for a number that did not fit 16 bits (RFC 6793)
_PRIVATE16, _PUBLIC32, _PRIVATE32 = 64512, 65536, 4_200_000_000  # RFC 6996; the last of each are of RFC 7300
_UPPER_HALF = 1 if sys.byteorder == "little" else 0  # of a code: its AS number


@dataclass(frozen=True)
class Located:
    """By record: direction (position in DIRECTIONS), the code of its far end (`cellcode`), and its local host.

    The code has direction, AS number, country, rung and service. A host is an IPv4 address or an IPv6 /56,
    the usual delegation to one subscriber; it is for counting and goes nowhere.
    """

    direction: U8
    code: U64
    host: U64

    def take(self, which: Mask) -> "Located":
        """Return what is said of the records that a mask selects."""
        return Located(self.direction[which], self.code[which], self.host[which])


class Locator:
    """Locates flow records by an operator's home prefixes and an address table.

    `services` are platform ids, beginning with '' for none, whose positions are the tags of flow records;
    they include all platforms of the table that have caches.
    """

    def __init__(
        self, home: Iterable[str], table: AddressTable, economy: str, services: Sequence[str] = ("",)
    ) -> None:
        self._home = HomePrefixes(home, table.caches)
        self._table = table
        number = {platform: at for at, platform in enumerate(services)}
        service_of: U16 = np.array([number.get(platform, 0) for platform in table.platforms], np.uint16)
        self._codes = cellcode.pack(
            asn=table.asn, country=table.country, rung=table.rung, service=service_of[table.platform]
        )
        self._economy = country_number(economy)

    def locate(self, flows: FlowRecords) -> Located:
        """Return direction and place of each flow's far end.

        The AS number in the record is taken where it names anybody, else that of the table; the country is
        the table's. A service that the record is tagged with goes before that of a cache's prefix. Between
        two home addresses the far end is the destination, in the economy itself. Where neither end is
        home, nothing is said of the far end.
        """
        from_home = self._home.contains(flows.ip_version, flows.source_high, flows.source_low)
        to_home = self._home.contains(flows.ip_version, flows.destination_high, flows.destination_low)
        direction = _DIRECTION[(from_home.view(np.uint8) << 1) | to_home.view(np.uint8)]
        inbound = to_home & ~from_home
        code, host = self._far_end(flows, inbound)
        stated = np.where(inbound, flows.source_as, flows.destination_as)
        if stated.any():
            np.copyto(code.view(np.uint32)[_UPPER_HALF::2], stated, where=_is_public(stated))
        if flows.tag.any():
            code = np.where(flows.tag != 0, cellcode.replace(code, service=flows.tag), code)
        nowhere = (direction == TRANSIT) | (flows.ip_version == 0)
        if nowhere.any():
            code[nowhere] = _NOWHERE
        internal = direction == INTERNAL
        if internal.any():
            code[internal] = cellcode.replace(
                code[internal], country=self._economy, rung=LOCATION_RUNGS.index("operator")
            )
        code |= _OF_DIRECTION[direction]
        return Located(direction, code, host)

    def _far_end(self, flows: FlowRecords, inbound: Mask) -> tuple[U64, U64]:
        """Return what the table says of the far ends, and the local hosts."""
        table = self._table
        low = np.where(inbound, flows.source_low, flows.destination_low)
        # Whichever end is not the far one is the local one.
        host = flows.source_low ^ flows.destination_low
        host ^= low
        six = np.flatnonzero(flows.ip_version == 6)
        if not len(six):
            return self._codes[table.segments4(low.astype(np.uint32))], host
        source, destination = flows.source_high[six], flows.destination_high[six]
        high = np.where(inbound[six], source, destination)
        host[six] = (source ^ destination ^ high) >> np.uint64(8)
        segment = np.zeros(len(flows), np.int32)
        segment[six] = table.segments6(high, low[six])
        four = np.flatnonzero(flows.ip_version == 4)
        segment[four] = table.segments4(low[four].astype(np.uint32))
        return self._codes[segment], host


def _is_public(asn: U32) -> Mask:
    """Return which AS numbers name somebody outside: not 0, AS_TRANS or a private one."""
    # Unsigned, so that what is below wraps round and is too large.
    public: Mask = (asn - np.uint32(1)) < _PRIVATE16 - 1
    public |= (asn - np.uint32(_PUBLIC32)) < _PRIVATE32 - _PUBLIC32
    public &= asn != _AS_TRANS
    return public
