"""Sampling rates of the records of data sets: the record's own, else its datagram's, else the one known."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from caudal.collector.columns.flowrecords import (
    ASSUMED,
    F64,
    I32,
    I64,
    RATE_DOUBTED,
    RECORD,
    SFLOW5,
    U8,
    U32,
    U64,
)
from caudal.collector.columns.kernel import kernel
from caudal.collector.decode.sampling.sampling import SamplingRates
from caudal.collector.decode.sampling.statedrates import believe, nearest
from caudal.collector.decode.template.origin import ObservationPoint
from caudal.collector.decode.template.reading import DataSets, Read

_ROOM = 256
_MOST = 1 << 16
_GOLDEN = np.uint64(0x9E37_79B9_7F4A_7C15)
_HALF = np.uint64(32)
_NO_SAMPLER = np.uint64((1 << 64) - 1)


class SetSampling:
    """Says the sampling rate of records that were read, by the rates known to `rates`.

    Answers for observation points and samplers are kept in a table that the kernel looks into, and asked for
    once, until the rates change.
    """

    def __init__(self, rates: SamplingRates) -> None:
        self._rates = rates
        self._clear(_ROOM)

    def judge(self, read: Read, sets: DataSets) -> None:
        """Fill in rate, provenance and doubt of all records."""
        to = read.columns
        self._judge(
            sets.exporter, sets.protocol, sets.observation_domain, sets.process, sets.export_ms, sets.records, sets.rate,
            read.has_sampler, read.samplers, to.sampling_rate, to.sampling_from, read.doubt,
        )  # fmt: skip

    def judge_samples(self, columns: Mapping[str, Any], source: U32) -> None:
        """Judge the sampling rates of sFlow samples, taking each data source of an agent for a sampler."""
        count = len(source)
        self._judge(
            columns["exporter"], np.full(count, SFLOW5, np.uint8), columns["observation_domain"],
            np.zeros(count, np.uint8), columns["export_ms"], np.ones(count, np.int64), np.zeros(count), np.ones(count, np.bool_), source,
            columns["sampling_rate"], columns["sampling_from"], columns["doubt"],
        )  # fmt: skip

    def _judge(
        self,
        exporter: I32,
        protocol: U8,
        observation_domain: U32,
        process: U8,
        export_ms: I64,
        records: I64,
        told: F64,
        has_sampler: npt.NDArray[np.bool_],
        samplers: U32,
        to_rate: F64,
        to_from: U8,
        to_doubt: U8,
    ) -> None:
        if self._version != (self._rates.version, self._rates.stated.version):
            self._clear(_ROOM)
        points = _points(exporter, protocol, observation_domain, process)
        begin = np.zeros(2, np.int64)  # set, and record in it
        while True:
            sampler = _judge(
                begin, points, protocol, export_ms, records, told, has_sampler, samplers,
                self._index, self._keys, self._rate, self._from, self._doubted, self._row, self._rates.stated.rows,
                to_rate, to_from, to_doubt,
            )  # fmt: skip
            which = int(begin[0])
            if which == len(points):
                return
            point = ObservationPoint(
                int(exporter[which]),
                int(protocol[which]),
                int(observation_domain[which]),
                int(process[which]),
            )
            self._learn(points[which], np.uint64(sampler), point)

    def _learn(self, code: np.uint64, sampler: np.uint64, point: ObservationPoint) -> None:
        name = None if sampler == _NO_SAMPLER else int(sampler)
        row = self._rates.stated.row(point, name)
        if self._version != (self._rates.version, self._rates.stated.version):
            self._clear(_ROOM)
        if self._size == len(self._rate):
            self._grow()
        at = self._size
        self._keys[at], self._row[at] = (code, sampler), row
        self._rate[at], self._from[at], self._doubted[at] = self._rates.lookup(point, name)
        self._size += 1
        _enter(at, self._index, self._keys)

    def _clear(self, room: int) -> None:
        self._version = (self._rates.version, self._rates.stated.version)
        self._size = 0
        self._keys: npt.NDArray[np.uint64] = np.zeros((room, 2), np.uint64)
        self._rate: F64 = np.zeros(room)
        self._from: U8 = np.zeros(room, np.uint8)
        self._doubted = np.zeros(room, np.bool_)
        self._row: I64 = np.zeros(room, np.int64)  # of `stated`
        self._index: I32 = np.full(4 * room, -1, np.int32)  # at most a quarter is taken

    def _grow(self) -> None:
        size, keys = self._size, self._keys
        answers = self._rate, self._from, self._doubted, self._row
        if size >= _MOST:
            self._clear(_ROOM)
            return
        self._clear(2 * size)
        self._size = size
        self._keys[:size] = keys
        self._rate[:size], self._from[:size], self._doubted[:size], self._row[:size] = answers
        for at in range(size):
            _enter(at, self._index, self._keys)


@kernel
def _points(exporter: I32, protocol: U8, observation_domain: U32, process: U8) -> U64:
    """Return the observation point of each set as one number."""
    codes = np.empty(len(exporter), np.uint64)
    for each in range(len(codes)):
        number = np.uint64(process[each]) << np.uint64(24) | np.uint64(exporter[each]) << np.uint64(8)
        number |= np.uint64(protocol[each])
        codes[each] = number << np.uint64(32) | np.uint64(observation_domain[each])
    return codes


@kernel
def _place(code: np.uint64, sampler: np.uint64, index: I32, keys: npt.NDArray[np.uint64]) -> int:
    """Return the slot of the index where a pair of point and sampler is, or the free slot where it belongs."""
    mixed = (code ^ sampler * _GOLDEN) * _GOLDEN
    at = int(np.int64(mixed >> _HALF)) & (len(index) - 1)
    while index[at] >= 0 and (keys[index[at], 0] != code or keys[index[at], 1] != sampler):
        at = (at + 1) & (len(index) - 1)
    return at


@kernel
def _enter(at: int, index: I32, keys: npt.NDArray[np.uint64]) -> None:
    index[_place(keys[at, 0], keys[at, 1], index, keys)] = at


@kernel
def _judge(
    begin: I64,
    points: U64,
    protocol: U8,
    export_ms: I64,
    records: I64,
    told: F64,
    has_sampler: npt.NDArray[np.bool_],
    samplers: U32,
    index: I32,
    keys: npt.NDArray[np.uint64],
    rate: F64,
    known_from: U8,
    doubted: npt.NDArray[np.bool_],
    of_stated: I64,
    stated: F64,
    to_rate: F64,
    to_from: U8,
    to_doubt: U8,
) -> np.uint64:
    """Go on from `begin` until all is done, or to a record whose sampler is not in the table: return that."""
    row = np.int64(0)
    for each in range(begin[0]):
        row += records[each]
    for each in range(begin[0], len(points)):
        first = begin[1]
        begin[1] = 0
        sampler = _NO_SAMPLER
        found = -1  # where the sampler of the record before is in the table
        for record in range(first, records[each]):
            at = row + record
            if has_sampler[each] and np.uint64(samplers[at]) != sampler:
                sampler = np.uint64(samplers[at])
                found = -1
            if found < 0:
                found = int(index[_place(points[each], sampler, index, keys)])
                if found < 0:
                    begin[0], begin[1] = each, record
                    return sampler
            says = to_rate[at] if to_rate[at] > 0 else told[each]
            to_doubt[at] = 0
            if says < 1:
                to_rate[at], to_from[at] = rate[found], known_from[found]
                if doubted[found]:
                    to_doubt[at] = RATE_DOUBTED
                continue
            of_sampler = stated[of_stated[found]]
            if believe(of_sampler, says, protocol[each], export_ms[each]):
                to_rate[at], to_from[at] = says, RECORD
                continue
            to_doubt[at] = RATE_DOUBTED
            before = nearest(of_sampler, says)
            if known_from[found] == ASSUMED and before > 0:
                to_rate[at], to_from[at] = before, RECORD
            else:
                to_rate[at], to_from[at] = rate[found], known_from[found]
        row += records[each]
    begin[0] = len(points)
    return _NO_SAMPLER
