"""The far end of each flow: direction, autonomous system, country, service, and the rung of the ladder that answered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from caudal.collector.columns.cellcode import country_number, mask, word
from caudal.collector.columns.flowrecords import I64, U8, U16, U32, U64, FlowRecords, Mask
from caudal.collector.columns.kernel import kernel
from caudal.collector.locate.home import HomePrefixes
from caudal.collector.locate.nat64 import Nat64Prefixes
from caudal.common.vocabulary import DIRECTIONS, LOCATION_RUNGS, UNKNOWN_COUNTRY
from caudal.reference import AddressTable, SegmentSearch

OUT, IN, INTERNAL, TRANSIT = range(len(DIRECTIONS))
# By whether the source is home (2) and whether the destination is (1).
_DIRECTION: U8 = np.array([TRANSIT, IN, OUT, INTERNAL], np.uint8)
_AS_TRANS = 23456  # stands for a number that did not fit 16 bits (RFC 6793)
_PRIVATE16, _PUBLIC32, _PRIVATE32 = 64512, 65536, 4_200_000_000  # RFC 6996; the last of each are of RFC 7300
_AT_ONCE = 512  # records: their far ends stay in the processor's nearest cache
# Upper bits of an address that the indexes of SegmentSearch are by.
_INDEX4_SHIFT, _INDEX6_SHIFT = np.uint32(16), np.uint64(44)
_SUBSCRIBER = np.uint64(8)  # of the upper half of an IPv6 address, the bits below the /56


@dataclass(frozen=True)
class Located:
    """By record: direction (position in DIRECTIONS), the far end's word of a cell code (`cellcode`), and its local host.

    The word has direction, AS number, country, rung and service. A host is an IPv4 address or an IPv6 /56,
    the usual delegation to one subscriber; it is for counting and goes nowhere.
    """

    direction: U8
    code: U64
    host: U64


class Locator:
    """Locates flow records by an operator's home prefixes and an address table.

    `nat64` are the operator's own prefixes of NAT64, beside the well-known one: such an address is the IPv4 address inside.
    `services` are platform ids, beginning with '' for none, whose positions are the tags of flow records;
    they include all platforms of the table that have caches.
    """

    def __init__(
        self,
        home: Iterable[str],
        table: AddressTable,
        economy: str,
        services: Sequence[str] = ("",),
        nat64: Iterable[str] = (),
    ) -> None:
        self._nat64 = Nat64Prefixes(nat64)
        self._home = HomePrefixes(home, table.caches)
        self._table = table
        number = {platform: at for at, platform in enumerate(services)}
        service_of: U16 = np.array([number.get(platform, 0) for platform in table.platforms], np.uint16)
        self._codes = (
            word("remote_asn", table.asn)
            | word("remote_country", table.country)
            | word("location_rung", table.rung)
            | word("service", service_of[table.platform])
        )
        self._parts = _CodeParts(
            direction=word("direction", np.arange(len(DIRECTIONS), dtype=np.uint8)),
            nowhere=_place(UNKNOWN_COUNTRY, "unknown"),
            economy=_place(economy, "operator"),
            not_place=~(mask("remote_country") | mask("location_rung")),
            one_asn=np.uint64(word("remote_asn", 1)),
            not_asn=~mask("remote_asn"),
            one_service=np.uint64(word("service", 1)),
            not_service=~mask("service"),
        )

    def locate(self, flows: FlowRecords) -> Located:
        """Return direction and place of each flow's far end.

        The AS number in the record is taken where it names anybody, else that of the table; the country is
        the table's. A service that the record is tagged with goes before that of a cache's prefix. Between
        two home addresses the far end is the destination, in the economy itself. Where neither end is
        home, nothing is said of the far end.
        """
        count = len(flows)
        found = Located(np.empty(count, np.uint8), np.empty(count, np.uint64), np.empty(count, np.uint64))
        _locate(
            flows.ip_version, flows.source_high, flows.source_low, flows.destination_high, flows.destination_low,
            flows.source_as, flows.destination_as, flows.tag,
            self._home.contains(flows.ip_version, flows.source_high, flows.source_low),
            self._home.contains(flows.ip_version, flows.destination_high, flows.destination_low),
            self._table.search, self._codes, self._parts, found.direction, found.code, found.host,
        )  # fmt: skip
        which = self._nat64.find(flows)
        if len(which):
            self._locate_inside(flows, which, found)
        return found

    def _locate_inside(self, flows: FlowRecords, which: I64, found: Located) -> None:
        """Locate records again of which one end is an address of NAT64: by the IPv4 address inside.

        Whether that is home is asked of it as well. The AS number that a record gives for such an end is that of the
        translator, and not taken. The host is the IPv6 end.
        """
        some = flows.take(which)
        at_source, source4 = self._nat64.inside(some.source_high, some.source_low)
        _, destination4 = self._nat64.inside(some.destination_high, some.destination_low)
        zeros, fours = np.zeros_like(source4), np.full(len(which), 4, np.uint8)
        inner = np.where(at_source, source4, destination4)
        other_high = np.where(at_source, some.destination_high, some.source_high)
        other_low = np.where(at_source, some.destination_low, some.source_low)
        inner_home = self._home.contains(fours, zeros, inner)
        other_home = self._home.contains(some.ip_version, other_high, other_low)
        again = Located(
            np.empty(len(which), np.uint8), np.empty(len(which), np.uint64), np.empty(len(which), np.uint64)
        )
        _locate(
            fours, zeros, np.where(at_source, source4, 0), zeros, np.where(at_source, 0, destination4),
            np.where(at_source, 0, some.source_as).astype(np.uint32),
            np.where(at_source, some.destination_as, 0).astype(np.uint32), some.tag,
            np.where(at_source, inner_home, other_home), np.where(at_source, other_home, inner_home),
            self._table.search, self._codes, self._parts, again.direction, again.code, again.host,
        )  # fmt: skip
        found.direction[which], found.code[which] = again.direction, again.code
        found.host[which] = other_high >> _SUBSCRIBER


class _CodeParts(NamedTuple):
    """Codes of what the table does not say, and the bits to be kept where it is put in place of another."""

    direction: U64
    nowhere: np.uint64
    economy: np.uint64
    not_place: np.uint64
    one_asn: np.uint64
    not_asn: np.uint64
    one_service: np.uint64
    not_service: np.uint64


def _place(country: str, rung: str) -> np.uint64:
    """Return the word of a country, and the rung that answered it."""
    at = word("remote_country", country_number(country)) | word("location_rung", LOCATION_RUNGS.index(rung))
    return np.uint64(at)


@kernel
def _is_public(asn: int) -> bool:
    """Return True if an AS number names a network outside: none of 0, AS_TRANS and the private ones."""
    return (0 < asn < _PRIVATE16 or _PUBLIC32 <= asn < _PRIVATE32) and asn != _AS_TRANS


@kernel
def named_asn(asn: U32) -> Mask:
    """Return which AS numbers name somebody outside."""
    named = np.empty(len(asn), np.bool_)
    for i in range(len(asn)):
        named[i] = _is_public(asn[i])
    return named


@kernel
def _last_before4(starts: U32, address: np.uint32, first: int, end: int) -> int:
    """Return the last of the segments from `first` to before `end` that begins at or before an address."""
    while end - first > 1:
        middle = (first + end) >> 1
        if starts[middle] <= address:
            first = middle
        else:
            end = middle
    return first


@kernel
def _last_before6(
    starts_high: U64, starts_low: U64, high: np.uint64, low: np.uint64, first: int, end: int
) -> int:
    """Return the row of the last range that starts at or before an IPv6 address, searched from `first` until before `end`."""
    while end - first > 1:
        middle = (first + end) >> 1
        start = starts_high[middle]
        if start < high or (start == high and starts_low[middle] <= low):
            first = middle
        else:
            end = middle
    return first


@kernel
def _locate(
    ip_version: U8,
    source_high: U64,
    source_low: U64,
    destination_high: U64,
    destination_low: U64,
    source_as: U32,
    destination_as: U32,
    tag: U16,
    from_home: Mask,
    to_home: Mask,
    search: SegmentSearch,
    codes: U64,
    parts: _CodeParts,
    direction: U8,
    code: U64,
    host: U64,
) -> None:
    """Write direction, code of the far end and local host of each record.

    Every index is in range whatever a record says: addresses are cut to the bits that index a table.
    """
    # Named out here, because taking an array out of a tuple counts a reference.
    starts4, index4, blocks, split, high6, low6, index6 = search
    of_direction, nowhere, economy, not_place, one_asn, not_asn, one_service, not_service = parts
    accelerated = len(blocks) > 0
    far_high: U64 = np.empty(_AT_ONCE, np.uint64)
    far_low: U64 = np.empty(_AT_ONCE, np.uint64)
    segments: I64 = np.empty(_AT_ONCE, np.int64)
    for begin in range(0, len(ip_version), _AT_ONCE):
        end = min(begin + _AT_ONCE, len(ip_version))
        # Step by step for some records at a time, and without branches where they cannot be foreseen, so that the
        # processor waits for the memory of many segments at once.
        for i in range(begin, end):
            way = _DIRECTION[np.int64(from_home[i]) << 1 | np.int64(to_home[i])]
            direction[i] = way
            inbound = np.uint64(0) - np.uint64(way == IN)
            both = source_low[i] ^ destination_low[i]
            low = destination_low[i] ^ both & inbound
            far_low[i - begin] = low
            host[i] = both ^ low
            if ip_version[i] == 6:
                both = source_high[i] ^ destination_high[i]
                high = destination_high[i] ^ both & inbound
                far_high[i - begin] = high
                host[i] = (both ^ high) >> _SUBSCRIBER
        for i in range(begin, end):
            low = far_low[i - begin]
            if ip_version[i] == 6:
                high = far_high[i - begin]
                prefix = int(np.int64(high >> _INDEX6_SHIFT))
                first = max(int(index6[prefix]) - 1, 0)
                last = int(index6[prefix + 1])
                segment = len(starts4) + _last_before6(high6, low6, high, low, first, last)
            elif accelerated:
                segment = int(blocks[np.uint32(low) >> np.uint32(8)])
            else:
                address = np.uint32(low)
                prefix = int(address >> _INDEX4_SHIFT)
                first = max(int(index4[prefix]) - 1, 0)
                segment = _last_before4(starts4, address, first, int(index4[prefix + 1]))
            segments[i - begin] = segment
        for i in range(begin, end):
            segment = int(segments[i - begin])
            if segment < 0:
                segment = int(split[~segment << 8 | int(np.int64(far_low[i - begin] & np.uint64(0xFF)))])
            code[i] = codes[segment]
        for i in range(begin, end):
            way = direction[i]
            found = code[i]
            stated = destination_as[i]
            if way == IN:
                stated = source_as[i]
            if _is_public(stated):
                found = found & not_asn | one_asn * np.uint64(stated)
            if tag[i] != 0:
                found = found & not_service | one_service * np.uint64(tag[i])
            if way == INTERNAL:
                found = found & not_place | economy
            elif way == TRANSIT:
                found = nowhere
            code[i] = found | of_direction[way]
