"""Where the far end of each flow is: direction, autonomous system, country and what answered."""

from dataclasses import dataclass

import numpy as np

from caudal.collector.batch import DIRECTIONS, LOCATION_RUNGS, UNKNOWN_COUNTRY
from caudal.collector.flowrecords import U8, U16, U32, U64, FlowRecords
from caudal.collector.home import HomePrefixes, Mask
from caudal.reference import AddressTable

OUT, IN, INTERNAL, TRANSIT = range(len(DIRECTIONS))
# By whether the source is home (2) and whether the destination is (1).
_DIRECTION: U8 = np.array([TRANSIT, IN, OUT, INTERNAL], np.uint8)
_OPERATOR = LOCATION_RUNGS.index("operator")
_UNKNOWN = LOCATION_RUNGS.index("unknown")
_AS_TRANS = 23456  # stands for a number that did not fit 16 bits (RFC 6793)
_PRIVATE16, _PUBLIC32, _PRIVATE32 = 64512, 65536, 4_200_000_000  # RFC 6996; the last of each are of RFC 7300


@dataclass(frozen=True)
class Located:
    """By record: direction and rung (positions in DIRECTIONS, LOCATION_RUNGS), far AS and country, local host.

    A country is its two ASCII letters as a number. A host is an IPv4 address or an IPv6 /56, the usual
    delegation to one subscriber; it is for counting and goes nowhere.
    """

    direction: U8
    remote_asn: U32
    remote_country: U16
    rung: U8
    host: U64


def country_number(code: str) -> int:
    """Return a two-letter country code as a number."""
    return ord(code[0]) << 8 | ord(code[1])


def locate(flows: FlowRecords, home: HomePrefixes, table: AddressTable, economy: str) -> Located:
    """Return direction and place of each flow's far end.

    The AS number in the record is taken where it names anybody, else that of the table; the country is the
    table's. Between two home addresses the far end is the destination, in the economy itself. Where
    neither end is home, nothing is said of the far end.
    """
    from_home = home.contains(flows.ip_version, flows.source_high, flows.source_low)
    to_home = home.contains(flows.ip_version, flows.destination_high, flows.destination_low)
    direction = _DIRECTION[(from_home.view(np.uint8) << 1) | to_home.view(np.uint8)]
    inbound = to_home & ~from_home
    low = np.where(inbound, flows.source_low, flows.destination_low)
    # Whichever end is not the far one is the local one.
    host = flows.source_low ^ flows.destination_low ^ low
    six = np.flatnonzero(flows.ip_version == 6)
    if len(six):
        source, destination = flows.source_high[six], flows.destination_high[six]
        high = np.where(inbound[six], source, destination)
        host[six] = (source ^ destination ^ high) >> np.uint64(8)
        segment = np.zeros(len(flows), np.int32)
        segment[six] = table.segments6(high, low[six])
        four = np.flatnonzero(flows.ip_version == 4)
        segment[four] = table.segments4(low[four].astype(np.uint32))
    else:
        segment = table.segments4(low.astype(np.uint32))
    asn = table.asn[segment]
    stated = np.where(inbound, flows.source_as, flows.destination_as)
    if stated.any():
        asn = np.where(_is_public(stated), stated, asn)
    country, rung = table.country[segment], table.rung[segment]
    nowhere = (direction == TRANSIT) | (flows.ip_version == 0)
    if nowhere.any():
        asn = np.where(nowhere, np.uint32(0), asn)
        country = np.where(nowhere, np.uint16(country_number(UNKNOWN_COUNTRY)), country)
        rung = np.where(nowhere, np.uint8(_UNKNOWN), rung)
    internal = direction == INTERNAL
    if internal.any():
        country = np.where(internal, np.uint16(country_number(economy)), country)
        rung = np.where(internal, np.uint8(_OPERATOR), rung)
    return Located(direction, asn, country, rung, host)


def _is_public(asn: U32) -> Mask:
    """Return which AS numbers name somebody outside: not 0, AS_TRANS or a private one."""
    public: Mask = (asn != 0) & (asn != _AS_TRANS) & (asn < _PRIVATE32)
    public &= (asn < _PRIVATE16) | (asn >= _PUBLIC32)
    return public
