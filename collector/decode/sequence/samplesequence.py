"""Sequence numbers of sFlow: of datagrams by agent, of flow samples by source, and what agents dropped.

Both are followed for all agents and sources of a lot at once, as there may be a thousand agents with a
hundred sources each.
"""

import numpy as np
import numpy.typing as npt

from caudal.collector.columns.flowrecords import I64
from caudal.collector.decode.sequence.stream import NUMBERS_KEPT, Stream, lost_before

Mask = npt.NDArray[np.bool_]

_MODULUS = 1 << 32
_RESTART = 1 << 24  # a jump beyond this many samples is a restart, not a loss
_LATE = 1 << 10  # a jump back by more than so many samples is a restart, not a datagram that came late
_MOST_SOURCES = 1 << 19
_UNKNOWN = -1


class Agents:
    """Follows datagrams: an agent and sub-agent, as the datagram names them, behind one exporter.

    Bounded, for each exporter and for all: where there are too many, those of an exporter are forgotten.
    """

    def __init__(self, agents: int = 1 << 16, agents_per_exporter: int = 1 << 12) -> None:
        self._limit = agents
        self._limit_of_one = agents_per_exporter
        self._numbers: dict[int, dict[bytes, int]] = {}
        self._free: list[int] = []
        self._expected = np.empty(0, np.int64)
        self._run = np.empty(0, np.int64)  # how many came in a row, up to the expected
        self._life = np.empty(0, np.int64)
        self._doubted_life = np.empty(0, np.int64)  # that of a number that is doubted
        self._lives = 0
        self._irregular: dict[int, Stream] = {}

    def __len__(self) -> int:
        return len(self._expected) - len(self._free)

    def forget(self, exporter: int) -> None:
        """Forget all agents of an exporter."""
        numbers = list(self._numbers.pop(exporter, {}).values())
        self._expected[numbers] = _UNKNOWN
        self._run[numbers] = self._life[numbers] = 0
        for number in numbers:
            self._irregular.pop(number, None)
        self._free += numbers

    def numbers(self, exporters: list[int], names: list[bytes]) -> I64:
        """Return the number of each agent, by exporter and name, giving one to those that have none."""
        for exporter in [one for one, of in self._numbers.items() if len(of) >= self._limit_of_one]:
            self.forget(exporter)
        while len(self) >= self._limit:
            self.forget(next(iter(self._numbers)))
        return np.array(
            [self._one(exporter, name) for exporter, name in zip(exporters, names, strict=True)], np.int64
        )

    def _one(self, exporter: int, name: bytes) -> int:
        numbers = self._numbers.get(exporter)
        if numbers is None:
            numbers = self._numbers[exporter] = {}
        number = numbers.get(name)
        if number is None:
            if not self._free:
                self._grow()
            number = numbers[name] = self._free.pop()
        return number

    def _grow(self) -> None:
        before = len(self._expected)
        more = max(before, 64)
        self._expected = np.append(self._expected, np.full(more, _UNKNOWN))
        self._run = np.append(self._run, np.zeros(more, np.int64))
        self._life = np.append(self._life, np.zeros(more, np.int64))
        self._doubted_life = np.append(self._doubted_life, np.zeros(more, np.int64))
        self._free += range(before + more - 1, before - 1, -1)

    def follow(self, agent: I64, sequence: I64) -> tuple[I64, I64, Mask]:
        """Return of each datagram: how many are missing before it, the life of its agent, whether it is new.

        Missing is negative where a late one makes up for an earlier loss. A life ends with a restart. What
        came before is not new.
        """
        order = np.argsort(agent, kind="stable")
        ordered, numbers = agent[order], sequence[order]
        first = _first_of_each(ordered)
        agents = ordered[first]
        expected = np.empty(len(numbers), np.int64)
        expected[1:] = (numbers[:-1] + 1) % _MODULUS
        expected[first] = self._expected[agents]
        unheard = np.flatnonzero(self._life[agents] == 0)
        self._life[agents[unheard]] = self._lives + 1 + np.arange(len(unheard))
        self._lives += len(unheard)
        off = (numbers != expected) & (expected != _UNKNOWN)
        counts = np.diff(np.append(first, len(numbers)))
        last = first + counts - 1
        self._run[agents] += counts
        lost, life, new = np.zeros(len(numbers), np.int64), np.repeat(self._life[agents], counts), ~off
        irregular = np.unique(np.searchsorted(first, np.flatnonzero(off), "right") - 1)
        before = self._expected[agents[irregular]]
        self._expected[agents] = (numbers[last] + 1) % _MODULUS
        for group, expects in zip(irregular.tolist(), before.tolist(), strict=True):
            rows = slice(int(first[group]), int(last[group]) + 1)
            self._run[agents[group]] -= counts[group]
            lost[rows], life[rows], new[rows] = self._step(int(agents[group]), expects, numbers[rows])
        out = (np.empty_like(lost), np.empty_like(life), np.empty_like(new))
        for values, ordered_values in zip(out, (lost, life, new), strict=True):
            values[order] = ordered_values
        return out

    def _step(self, agent: int, expected: int, numbers: I64) -> tuple[list[int], list[int], list[bool]]:
        """Follow an agent datagram by datagram."""
        stream = self._irregular.setdefault(agent, Stream())
        if expected != _UNKNOWN:
            stream.expected = expected
            run = min(int(self._run[agent]), NUMBERS_KEPT)
            stream.doubted = None if run else stream.doubted
            stream.saw((expected - back) % _MODULUS for back in range(run, 0, -1))
        lost, life, new = [], [], []
        for number in numbers.tolist():
            awaited, doubted, restarts = stream.expected, stream.doubted, stream.restarts
            lost.append(lost_before(stream, number, 1))
            if stream.restarts != restarts:
                self._life[agent] = self._doubted_life[agent]
            if stream.doubted not in (None, doubted):
                # Perhaps the first of another life; if not, its samples are nobody's.
                self._lives += 1
                self._doubted_life[agent] = self._lives
                life.append(self._lives)
                new.append(True)
            else:
                life.append(int(self._life[agent]))
                new.append(stream.expected != awaited or lost[-1] < 0)
            stream.saw((number,))
        self._expected[agent] = _UNKNOWN if stream.expected is None else stream.expected
        self._run[agent] = 0
        return lost, life, new


class Sources:
    """Follows flow samples of each source: their sequence numbers, and the agent's own count of drops.

    Datagrams that came before must be left out. Bounded: when there are too many sources, all are forgotten.
    """

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._source = np.empty(0, np.int64)  # sorted
        self._expected = np.empty(0, np.int64)
        self._drops = np.empty(0, np.int64)

    def __len__(self) -> int:
        return len(self._source)

    def follow(self, source: I64, sequence: I64, drops: I64) -> I64:
        """Return of each sample how many are missing before it: sent and never arrived, or dropped.

        One that comes late makes up for its own loss: -1. A jump back by much, or a very long one, is a
        restart and no loss; the same number again is that of an agent that does not count.
        """
        if not len(source):
            return source
        order = np.argsort(source, kind="stable")
        ordered, numbers, dropped = source[order], sequence[order], drops[order]
        first = _first_of_each(ordered)
        count = np.diff(np.append(first, len(ordered)))
        last = first + count - 1
        at = self._places(ordered[first])
        known = self._expected[at] != _UNKNOWN
        expected = np.where(known, self._expected[at], numbers[first])
        drops_before = np.where(known, self._drops[at], dropped[first])
        # How far each is from what was expected at first, and the farthest until then.
        ahead = _signed(numbers - np.repeat(expected, count))
        farthest = _highest_so_far(ahead, count)
        gap = ahead - _shifted(farthest, first, -1) - 1
        restart = (gap < -_LATE) | (gap > _RESTART)
        missing = np.where(restart | (gap == -1), 0, np.maximum(gap, -1))
        more = _signed(dropped - np.repeat(drops_before, count))
        most = _highest_so_far(more, count)
        more = np.maximum(more - _shifted(most, first, 0), 0)
        missing += np.where(restart | (more > _RESTART), 0, more)
        newest = np.maximum.accumulate(np.where(ahead == farthest, np.arange(len(ahead)), 0))[last]
        newest = np.where(restart[last], last, newest)
        moved = restart[last] | (ahead[newest] >= 0)
        self._expected[at] = np.where(moved, (numbers[newest] + 1) % _MODULUS, expected)
        self._drops[at] = np.where(moved, dropped[newest], drops_before)
        lost = np.empty_like(missing)
        lost[order] = missing
        return lost

    def _places(self, sources: I64) -> I64:
        """Return the row of each source in the table of states, int64 (sources,); new sources get new rows."""
        at = np.searchsorted(self._source, sources)
        inside = np.minimum(at, len(self._source) - 1)
        new = self._source[inside] != sources if len(self._source) else np.ones(len(sources), np.bool_)
        if not new.any():
            return at
        if len(self._source) > _MOST_SOURCES:
            self._forget()
            return self._places(sources)
        self._source = np.insert(self._source, at[new], sources[new])
        self._expected = np.insert(self._expected, at[new], _UNKNOWN)
        self._drops = np.insert(self._drops, at[new], 0)
        return np.searchsorted(self._source, sources)


def _first_of_each(ordered: I64) -> I64:
    return np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))


def _signed(difference: I64) -> I64:
    """Return a difference of 32-bit counts, modulo 2³², as a signed number."""
    return difference.astype(np.uint32).view(np.int32).astype(np.int64)


def _highest_so_far(values: I64, count: I64) -> I64:
    """Return the highest of each group, of so many values each, up to each value; values have 32 bits."""
    group = np.repeat(np.arange(len(count)), count) << 33
    highest: I64 = np.maximum.accumulate(values + group)
    return highest - group


def _shifted(highest: I64, first: I64, lowest: int) -> I64:
    """Return the running maximum before each value, at least `lowest`, and `lowest` at the first value of each group."""
    before = np.empty_like(highest)
    before[1:] = highest[:-1]
    before[first] = lowest
    return np.maximum(before, lowest)
