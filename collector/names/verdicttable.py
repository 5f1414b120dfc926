"""Verdicts by key, for a while, in memory that never grows."""

import numpy as np

from caudal.collector.columns.flowrecords import I64, U16, U64
from caudal.collector.columns.kernel import kernel
from caudal.collector.names.verdict import AMBIGUOUS, NOTHING

_WAYS = 8


class VerdictTable:
    """Remembers a verdict of 16 bits for keys, each until a time in milliseconds.

    A key has eight places where it can be; when all are taken, the one that would end first is given up, so
    that `1 << bits` verdicts are kept at most. With `unanimous`, a key that is given two different verdicts
    while the first still holds becomes AMBIGUOUS.
    """

    def __init__(self, bits: int, *, unanimous: bool = False) -> None:
        rows = 1 << (bits - 3)
        # A first bit is always shifted out: all 64 at once are more than a shift can do.
        self._shift = 63 - (bits - 3)
        self._unanimous = unanimous
        self._key: U64 = np.zeros((rows, _WAYS), np.uint64)
        self._verdict: U16 = np.zeros((rows, _WAYS), np.uint16)
        self._until: I64 = np.full((rows, _WAYS), -1, np.int64)
        self.given_up = 0

    def get(self, keys: U64, at_ms: I64) -> U16:
        """Return the verdict of each key as of a time, NOTHING where there is none."""
        return _get(self._shift, self._key, self._verdict, self._until, keys, at_ms)

    def put(self, keys: U64, verdicts: U16, now_ms: I64, until_ms: I64) -> None:
        """Remember the verdict of each key, in order."""
        self.given_up += _put(
            self._shift,
            self._unanimous,
            self._key,
            self._verdict,
            self._until,
            keys,
            verdicts,
            now_ms,
            until_ms,
        )


@kernel
def _get(shift: int, key: U64, verdict: U16, until: I64, keys: U64, at_ms: I64) -> U16:
    """Look keys up; `key` has a row for every number that keys have above `shift` bits and one."""
    found = np.full(len(keys), NOTHING, np.uint16)
    for at in range(len(keys)):
        row = np.int64(keys[at] >> np.uint64(1) >> np.uint64(shift))
        for way in range(_WAYS):
            if key[row, way] == keys[at] and until[row, way] >= at_ms[at]:
                found[at] = verdict[row, way]
                break
    return found


@kernel
def _put(
    shift: int,
    unanimous: bool,
    key: U64,
    verdict: U16,
    until: I64,
    keys: U64,
    verdicts: U16,
    now_ms: I64,
    until_ms: I64,
) -> int:
    """Enter keys one by one; return how many others were given up for them before their time."""
    given_up = 0
    for at in range(len(keys)):
        row = np.int64(keys[at] >> np.uint64(1) >> np.uint64(shift))
        first, same = 0, -1
        for way in range(_WAYS):
            if same < 0 and key[row, way] == keys[at] and until[row, way] >= now_ms[at]:
                same = way
            if until[row, way] < until[row, first]:
                first = way
        said, ends = verdicts[at], until_ms[at]
        if same >= 0 and unanimous:
            if verdict[row, same] != said:
                said = np.uint16(AMBIGUOUS)
            ends = max(ends, until[row, same])
        given_up += same < 0 and until[row, first] >= now_ms[at]
        way = same if same >= 0 else first
        key[row, way], verdict[row, way], until[row, way] = keys[at], said, ends
    return given_up
