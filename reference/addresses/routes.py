"""Prefixes and their AS numbers, by the operator's own knowledge: tables of prefix and AS number, and RIB dumps (MRT)."""

from collections import Counter
from contextlib import closing
from pathlib import Path

from caudal.reference.addresses.layers import Layer, layer_of_prefixes
from caudal.reference.addresses.ranges import RangeSource, read_ranges
from caudal.reference.addresses.ribdump import rib_entries
from caudal.reference.addresses.steps import BITS, Version
from caudal.reference.files.errors import AddressError

MOST_PREFIXES = 4_000_000
_COUNT_BITS = 24

# By (first address · 2⁸ + prefix length): AS number.
Origins = dict[Version, dict[int, int]]


def read_asn_table(path: Path) -> dict[Version, Layer]:
    """Return the AS number of prefixes by a file: CSV of prefix,asn where its name ends in .csv, else an MRT RIB dump.

    The longest prefix answers. A default route says nothing of whose an address is and is left out. Raises
    AddressError.
    """
    if not path.is_file():
        raise AddressError(f"{path}: is no file; an AS table is a CSV of prefix,asn or an MRT dump of a RIB")
    origins = _read_csv(path) if path.suffix.lower() == ".csv" else read_rib(path)
    for table in origins.values():
        table.pop(0, None)
    if not any(origins.values()):
        raise AddressError(f"{path}: names no prefix with an AS number")
    return {version: layer_of_prefixes(table, version) for version, table in origins.items()}


def _read_csv(path: Path) -> Origins:
    origins: Origins = {4: {}, 6: {}}
    for version, ranges in read_ranges(RangeSource(path), "asn").items():
        bits = BITS[version]
        for start, end, asn in ranges:
            length = bits - (end - start + 1).bit_length() + 1
            if end - start + 1 != 1 << bits - length or start & end - start:
                raise AddressError(f"{path}: holds ranges that are no prefixes; write prefix,asn")
            origins[version][start << 8 | length] = int(asn or 0)
    return origins


def read_rib(path: Path) -> Origins:
    """Return the origin of every prefix of a RIB dump (RFC 6396, also gzip or bzip2), 0 where no single AS is it.

    Where routes to a prefix have different origins, that of most routes is taken, of as many the lowest.
    Raises AddressError.
    """
    # Of each prefix the first origin, and how many routes name it; others by prefix, which are few.
    first: Origins = {4: {}, 6: {}}
    others: dict[Version, dict[int, Counter[int]]] = {4: {}, 6: {}}
    one_more = (1 << _COUNT_BITS) - 1
    with closing(rib_entries(path)) as entries:
        for _, version, start, length, aspath in entries:
            # An AS_SET comes as a tuple of its own, an empty path is the operator's own route.
            last = aspath[-1] if aspath else 0
            origin = last if isinstance(last, int) else 0
            key = start << 8 | length
            known = first[version].get(key)
            if known is None:
                first[version][key] = origin << _COUNT_BITS | 1
                if len(first[version]) > MOST_PREFIXES:
                    raise AddressError(f"{path}: has more than {MOST_PREFIXES} prefixes; is it a RIB dump?")
            elif known >> _COUNT_BITS == origin:
                if known & one_more < one_more:
                    first[version][key] = known + 1
            else:
                others[version].setdefault(key, Counter())[origin] += 1
    origins: Origins = {}
    for version, table in first.items():
        origins[version] = {key: known >> _COUNT_BITS for key, known in table.items()}
        for key, counts in others[version].items():
            counts[table[key] >> _COUNT_BITS] += table[key] & one_more
            origins[version][key] = min(counts.items(), key=lambda named: (-named[1], named[0]))[0]
    return origins
