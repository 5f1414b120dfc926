"""The sampling rates of the records of data sets: what the record says, else its datagram, else what is known."""

import numpy as np

from caudal.collector.decode.origin import ObservationPoint
from caudal.collector.decode.reading import NO_SAMPLER, SEVERAL, DataSets, Read
from caudal.collector.decode.sampling import HIGHEST_RATE, SamplingRates
from caudal.collector.flowrecords import F64, I64, MOST_COUNTED, RECORD, U8, U64
from caudal.collector.grouping import distinct
from caudal.collector.kernel import kernel


def judge_sampling(read: Read, sets: DataSets, rates: SamplingRates) -> bool:
    """Fill in rate and provenance of all records read; return whether any record counts more than is possible."""
    set_of, records, sampler = _runs(read, sets)
    exporter, domain = sets.exporter.astype(np.uint64), sets.observation_domain.astype(np.uint64)
    points = exporter << np.uint64(40) | sets.protocol.astype(np.uint64) << np.uint64(32) | domain
    # A sampler is below 2³², and there are fewer points than sets.
    _, point = distinct(points)
    asked = point[set_of].astype(np.uint64) << np.uint64(33) | (sampler + 1).astype(np.uint64)
    first, of = distinct(asked)
    answers = [
        rates.lookup(
            ObservationPoint(
                int(sets.exporter[each]), int(sets.protocol[each]), int(sets.observation_domain[each])
            ),
            None if number == NO_SAMPLER else number,
        )
        for each, number in zip(set_of[first].tolist(), sampler[first].tolist(), strict=True)
    ]
    rate = np.array([rate for rate, _ in answers], np.float64)[of]
    known_from = np.array([how for _, how in answers], np.uint8)[of]
    told = sets.rate[set_of]
    if told.any():
        known_from[told > 0] = RECORD
        rate = np.where(told > 0, told, rate)
    to = read.columns
    return _judge(records, rate, known_from, to.sampling_rate, to.sampling_from, to.bytes, to.packets)


def _runs(read: Read, sets: DataSets) -> tuple[I64, I64, I64]:
    """Return runs of records that name one sampler: the set of each, how many, and the sampler."""
    numbers = np.arange(len(sets.at))
    several = read.sampler == SEVERAL
    if not several.any():
        return numbers, sets.records, read.sampler
    parts = np.where(several, sets.records, 1)
    set_of = np.repeat(numbers, parts)
    apart = several[set_of]
    sampler = read.sampler[set_of]
    begin = np.cumsum(sets.records) - sets.records
    within = np.arange(len(set_of)) - (np.cumsum(parts) - parts)[set_of]
    sampler[apart] = read.samplers[(begin[set_of] + within)[apart]]
    return set_of, np.where(apart, 1, sets.records[set_of]), sampler


@kernel
def _judge(
    records: I64, rate: F64, known_from: U8, to_rate: F64, to_from: U8, octets: U64, packets: U64
) -> bool:
    row = 0
    impossible = False
    for run in range(len(records)):
        for _ in range(records[run]):
            stated = to_rate[row]
            if 1 <= stated <= HIGHEST_RATE:
                to_from[row] = RECORD
            else:
                stated = rate[run]
                to_rate[row], to_from[row] = stated, known_from[run]
            most = np.float64(max(octets[row], packets[row])) * stated
            impossible |= most >= MOST_COUNTED
            row += 1
    return impossible
