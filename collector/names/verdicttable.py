"""Verdicts by key, for a while, in memory that never grows."""

import numpy as np

from caudal.collector.flowrecords import I64, U16, U64
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
        self._shift = np.uint64(64 - (bits - 3))
        self._unanimous = unanimous
        self._key: U64 = np.zeros((rows, _WAYS), np.uint64)
        self._verdict: U16 = np.zeros((rows, _WAYS), np.uint16)
        self._until: I64 = np.full((rows, _WAYS), -1, np.int64)
        self.given_up = 0

    def get(self, keys: U64, at_ms: I64) -> U16:
        """Return the verdict of each key as of a time, NOTHING where there is none."""
        row = (keys >> self._shift).astype(np.int64)
        found = (self._key[row] == keys[:, None]) & (self._until[row] >= at_ms[:, None])
        way = found.argmax(axis=1)
        verdict = self._verdict[row, way]
        return np.where(found[np.arange(len(keys)), way], verdict, np.uint16(NOTHING))

    def put(self, keys: U64, verdicts: U16, now_ms: I64, until_ms: I64) -> None:
        """Remember the verdict of each key, in order; of a lot, times may differ by little only."""
        keys, which = np.unique(keys, return_inverse=True)
        last: I64 = np.empty(len(keys), np.int64)
        last[which] = np.arange(len(which))
        if self._unanimous and len(keys) < len(which):
            lowest, highest, longest = verdicts[last], verdicts[last], until_ms[last]
            np.minimum.at(lowest, which, verdicts)
            np.maximum.at(highest, which, verdicts)
            np.maximum.at(longest, which, until_ms)
            verdicts = np.where(lowest == highest, highest, np.uint16(AMBIGUOUS))
            now_ms, until_ms = now_ms[last], longest
        else:
            verdicts, now_ms, until_ms = verdicts[last], now_ms[last], until_ms[last]
        left = np.arange(len(keys))
        while len(left):  # one of each row at a time
            row = (keys[left] >> self._shift).astype(np.int64)
            _, first = np.unique(row, return_index=True)
            which = left[first]
            self._put(row[first], keys[which], verdicts[which], now_ms[which], until_ms[which])
            left = np.delete(left, first)

    def _put(self, row: I64, keys: U64, verdicts: U16, now_ms: I64, until_ms: I64) -> None:
        until = self._until[row]
        holds = until >= now_ms[:, None]
        same = (self._key[row] == keys[:, None]) & holds
        known = same.any(axis=1)
        way = np.where(known, same.argmax(axis=1), until.argmin(axis=1))
        self.given_up += int(np.count_nonzero(~known & holds.all(axis=1)))
        if self._unanimous:
            before = self._verdict[row, way]
            verdicts = np.where(known & (before != verdicts), np.uint16(AMBIGUOUS), verdicts)
            until_ms = np.where(known, np.maximum(until[np.arange(len(row)), way], until_ms), until_ms)
        self._key[row, way] = keys
        self._verdict[row, way] = verdicts
        self._until[row, way] = until_ms
