"""Records of variable length cut_to_fields down to the elements that are read, so that all have one length."""

import numpy as np
import numpy.typing as npt

from caudal.collector.columns.bigendian import big16
from caudal.collector.columns.flowrecords import I64, U8
from caudal.collector.columns.kernel import kernel

# Octets that a number of variable length is read into; so many has as well what is kept of a field by its place: six of its
# place in the buffer, two of its length.
VARIABLE_AS = 8
# What is kept of a field.
NOTHING, OCTETS, PLACE = range(3)

Fields = npt.NDArray[np.int64]


def cut_to_fields(
    buffer: U8, at: I64, length: I64, fields: Fields, size: int, shortest: int
) -> tuple[U8, I64, I64]:
    """Cut the sets at these places of a buffer.

    `fields` has a row for each field of a record: its octets, -1 where they vary, and what is kept of it (see above);
    `size` are the octets kept of a record, `shortest` those that a record has at least. Returns the octets of
    the kept fields, record after record; by set the number of records; and by set 1 where it could be read
    to its end, else 0. Fewer octets than the shortest record are padding. Source: RFC 7011 §7.
    """
    kept: U8 = np.zeros(int((length // shortest).sum()) * size, np.uint8)
    records: I64 = np.zeros(len(at), np.int64)
    whole: I64 = np.ones(len(at), np.int64)
    octets = _cut(buffer, at, length, fields, size, shortest, kept, records, whole)
    return kept[:octets], records, whole


@kernel
def _cut(
    buffer: U8,
    at: I64,
    length: I64,
    fields: Fields,
    size: int,
    shortest: int,
    kept: U8,
    records: I64,
    whole: I64,
) -> int:
    used = 0
    for each in range(len(at)):
        place, end = at[each], at[each] + length[each]
        while place + shortest <= end:
            place = _cut_record(buffer, place, end, fields, kept, used)
            if place < 0:
                whole[each] = 0
                kept[used : used + size] = 0
                break
            used += size
            records[each] += 1
    return used


@kernel
def _cut_record(buffer: U8, place: int, end: int, fields: Fields, kept: U8, used: int) -> int:
    """Copy the elements that are read of one record; return the offset of its end, or -1 if that is behind the set's end."""
    for field in range(len(fields)):
        octets = fields[field, 0]
        varies = octets < 0
        if varies:
            if place >= end:
                return -1
            octets = np.int64(buffer[place])
            place += 1
            if octets == 255:
                if place + 2 > end:
                    return -1
                octets = np.int64(big16(buffer, place))
                place += 2
        if place + octets > end:
            return -1
        if fields[field, 1] == PLACE:
            said = np.uint64(place) << np.uint64(16) | np.uint64(octets)
            for octet in range(VARIABLE_AS):
                kept[used + octet] = said >> np.uint64(8 * (VARIABLE_AS - 1 - octet)) & np.uint64(0xFF)
            used += VARIABLE_AS
        elif fields[field, 1] == OCTETS:
            room = VARIABLE_AS if varies else octets
            taken = min(octets, room)
            for octet in range(taken):
                kept[used + room - taken + octet] = buffer[place + octets - taken + octet]
            used += room
        place += octets
    return place
