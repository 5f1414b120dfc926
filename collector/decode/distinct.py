"""Equal numbers of an array told from others, without sorting."""

import numpy as np

from caudal.collector.flowrecords import I32, I64, U64
from caudal.collector.kernel import kernel

# Fibonacci hashing: the odd number nearest to 2⁶⁴ divided by the golden ratio.
_GOLDEN = np.uint64(0x9E37_79B9_7F4A_7C15)


def distinct(codes: U64) -> tuple[I64, I64]:
    """Return where each number is first, in order of appearance, and by position which of them it is."""
    bits = max(4, (2 * len(codes)).bit_length())
    first: I64 = np.empty(len(codes), np.int64)
    of: I64 = np.empty(len(codes), np.int64)
    found = _distinct(codes, np.full(1 << bits, -1, np.int32), np.uint64(64 - bits), first, of)
    return first[:found], of


@kernel
def _distinct(codes: U64, table: I32, shift: np.uint64, first: I64, of: I64) -> int:
    """Fill `first` and `of`; the table has more than twice the room that is needed."""
    mask = len(table) - 1
    found = 0
    for position in range(len(codes)):
        code = codes[position]
        if found and codes[first[of[position - 1]]] == code:
            of[position] = of[position - 1]
            continue
        at = np.int64((code * _GOLDEN) >> shift)
        while table[at] >= 0 and codes[first[table[at]]] != code:
            at = (at + 1) & mask
        if table[at] < 0:
            table[at] = found
            first[found] = position
            found += 1
        of[position] = table[at]
    return found
