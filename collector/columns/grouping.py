"""Equal values of an array told from others, without sorting."""

import numpy as np
import numpy.typing as npt

from caudal.collector.columns.flowrecords import I32, I64, U64
from caudal.collector.columns.kernel import kernel

# Fibonacci hashing: the odd number nearest to 2⁶⁴ divided by the golden ratio.
_GOLDEN = np.uint64(0x9E37_79B9_7F4A_7C15)
_HALF = np.uint64(32)

Rows = npt.NDArray[np.uint64]


def distinct(codes: U64) -> tuple[I64, I64]:
    """Return the first position of each distinct number, and for every position the index of its number among these.

    Both are int64: the first (distinct,), in order of appearance, the second (codes,).

    >>> first, of = distinct(np.array([7, 3, 7, 7, 5], np.uint64))
    >>> first.tolist(), of.tolist()
    ([0, 1, 4], [0, 1, 0, 0, 2])
    """
    return distinct_rows(codes.reshape(-1, 1))


def distinct_rows(rows: Rows) -> tuple[I64, I64]:
    """Return the first position of each distinct row of a table, and for every row the index of its like among these.

    `rows` is uint64 (rows, columns); the answers are as those of `distinct`.

    >>> first, of = distinct_rows(np.array([[1, 2], [1, 3], [1, 2]], np.uint64))
    >>> first.tolist(), of.tolist()
    ([0, 1], [0, 1, 0])
    """
    count = len(rows)
    bits = max(4, (2 * count).bit_length())
    first: I64 = np.empty(count, np.int64)
    of: I64 = np.empty(count, np.int64)
    found = _distinct(rows, np.full(1 << bits, -1, np.int32), np.uint64(64 - bits), first, of)
    return first[:found], of


@kernel
def _distinct(rows: Rows, table: I32, shift: np.uint64, first: I64, of: I64) -> int:
    """Fill `first` and `of`; the table has more than twice the room that is needed."""
    mask = len(table) - 1
    found = 0
    for position in range(len(rows)):
        if found and _equal(rows, position, first[of[position - 1]]):  # equal ones often stand together
            of[position] = of[position - 1]
            continue
        mixed = np.uint64(0)
        for column in range(rows.shape[1]):
            mixed = (mixed ^ rows[position, column]) * _GOLDEN
            mixed ^= mixed >> _HALF
        at = np.int64((mixed * _GOLDEN) >> shift)
        while table[at] >= 0 and not _equal(rows, position, first[table[at]]):
            at = (at + 1) & mask
        if table[at] < 0:
            table[at] = found
            first[found] = position
            found += 1
        of[position] = table[at]
    return found


@kernel
def _equal(rows: Rows, one: int, other: int) -> bool:
    equal = True
    for column in range(rows.shape[1]):
        equal &= rows[one, column] == rows[other, column]
    return equal
