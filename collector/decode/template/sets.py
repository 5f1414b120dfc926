"""The sets of NetFlow v9 and IPFIX datagrams, found for all datagrams of a lot."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from caudal.collector.columns import flowrecords
from caudal.collector.columns.bigendian import big16
from caudal.collector.columns.flowrecords import I64, U8, Mask
from caudal.collector.columns.kernel import kernel

# The ids of template sets and of options template sets.
TEMPLATE_SETS: Final = {flowrecords.NETFLOW9: (0, 1), flowrecords.IPFIX: (2, 3)}


@dataclass(frozen=True)
class Sets:
    """The sets of version 9 or IPFIX datagrams, in order: positions of the datagram, place, length and id."""

    protocol: int
    datagram: I64
    at: I64
    length: I64
    id: I64

    def take(self, which: I64) -> "Sets":
        """Return the sets at positions `which`."""
        return Sets(self.protocol, self.datagram[which], self.at[which], self.length[which], self.id[which])

    def __len__(self) -> int:
        return len(self.id)


@dataclass(frozen=True)
class Walk:
    """The sets found and, by datagram, how many had a reserved id and whether one had a bad length."""

    sets: Sets
    reserved: I64
    broken: Mask


def walk_sets(buffer: U8, datagram: I64, at: I64, end: I64, protocol: int) -> Walk:
    """Find the sets of all datagrams, stepping from set header to set header.

    A set of no length is the zero-filled tail some exporters send; any other bad length ends the datagram,
    and what came before it is kept.
    """
    count = len(datagram)
    template, options = TEMPLATE_SETS[protocol]
    reserved: I64 = np.zeros(count, np.int64)
    broken: Mask = np.zeros(count, np.bool_)
    rows: I64 = np.empty((4, 2 * count + 16), np.int64)
    number = _walk(buffer, datagram, at, end, template, options, reserved, broken, rows)
    if number > rows.shape[1]:
        rows = np.empty((4, number), np.int64)
        reserved[:] = 0
        _walk(buffer, datagram, at, end, template, options, reserved, broken, rows)
    return Walk(Sets(protocol, *rows[:, :number]), reserved, broken)


@kernel
def _walk(
    buffer: U8,
    datagram: I64,
    at: I64,
    end: I64,
    template: int,
    options: int,
    reserved: I64,
    broken: Mask,
    rows: I64,
) -> int:
    """Fill `rows` with the columns of Sets as far as there is room; return how many sets there are."""
    found = 0
    for each in range(len(datagram)):
        place, last = at[each], end[each]
        while place + 4 <= last:
            number, length = np.int64(big16(buffer, place)), np.int64(big16(buffer, place + 2))
            if length < 4 or place + length > last:
                broken[each] = number != 0 or length != 0
                break
            if number < 256 and number not in (template, options):
                reserved[each] += 1
            if found < rows.shape[1]:
                rows[0, found], rows[1, found] = datagram[each], place + 4
                rows[2, found], rows[3, found] = length - 4, number
            found += 1
            place += length
    return found
