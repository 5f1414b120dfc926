"""The sets of NetFlow v9 and IPFIX datagrams, found for all datagrams of a lot side by side."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from caudal.collector import flowrecords
from caudal.collector.decode.wire import unsigned16
from caudal.collector.flowrecords import I64, U8

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
    """What was found: the sets, the datagrams (once for each fault) with a reserved set id, and those with a bad length."""

    sets: Sets
    reserved: I64
    broken: I64


def walk(buffer: U8, datagram: I64, at: I64, end: I64, protocol: int) -> Walk:
    """Find the sets of all datagrams at once, stepping from set header to set header.

    A set of no length is the zero-filled tail some exporters send; any other bad length ends the datagram,
    and what came before it is kept.
    """
    found: list[tuple[I64, I64, I64, I64]] = []
    strange: list[I64] = []
    broken: list[I64] = []
    templates = TEMPLATE_SETS[protocol]
    while True:
        inside = at + 4 <= end
        datagram, at, end = datagram[inside], at[inside], end[inside]
        if not len(at):
            break
        number, length = unsigned16(buffer, at), unsigned16(buffer, at + 2)
        good = (length >= 4) & (at + length <= end)
        strange.append(datagram[good & (number < 256) & (number != templates[0]) & (number != templates[1])])
        broken.append(datagram[~good & ~((number == 0) & (length == 0))])
        datagram, at, end, number, length = (values[good] for values in (datagram, at, end, number, length))
        found.append((datagram, at + 4, length - 4, number))
        at = at + length
    nothing = np.zeros(0, np.int64)
    if not found:
        return Walk(Sets(protocol, nothing, nothing, nothing, nothing), nothing, nothing)
    columns = [np.concatenate(parts) for parts in zip(*found, strict=True)]
    sets = Sets(protocol, *columns)
    if len(found) > 1:
        sets = sets.take(np.lexsort((sets.at, sets.datagram)))
    return Walk(sets, np.concatenate(strange), np.concatenate(broken))
