"""Which of the sampling rates that exporters state are believed.

Routers sample one packet in a million at most, so what states more does not know its rate. Some makers write it with its
octets the wrong way round, as RouterOS does in element 34: 2222 is then read as 2,919,759,872, and 256 as 65,536. NetFlow
and IPFIX exporters sample one in 65,535 at most by what their configuration takes, but sFlow agents have powers of two
far beyond that. A rate a hundred times what the same sampler stated before is believed once it has stood for a quarter
of an hour: somebody may have changed the settings of the router. That nothing is sampled (1) may be said at any time.
"""

from collections.abc import Iterator

import numpy as np

from caudal.collector.columns.flowrecords import F64, I64, IPFIX, NETFLOW9, SFLOW5, Mask
from caudal.collector.columns.kernel import kernel
from caudal.collector.decode.template.origin import ObservationPoint

HIGHEST_RATE = 1_000_000.0
JUMP = 100.0  # times what was stated before
PATIENCE_MS = 15 * 60_000

# What is kept of a sampler: the lowest and the highest rate believed, a rate that is not (yet) and since when it has been
# stated, and the last rate that was not believed; 0 for none.
LOW, HIGH, CANDIDATE, SINCE, DOUBTED = range(5)
_SHIFTED = 65_536.0  # the smallest number of four octets whose lower two are zero
_MOST_SAMPLERS = 65_536

Key = tuple[ObservationPoint, int | None]


@kernel
def credible(rate: float, protocol: int) -> bool:
    """Return True if an exporter of this protocol can sample one packet in `rate`, whatever it stated before."""
    if not 1 <= rate <= HIGHEST_RATE:
        return False
    return rate % _SHIFTED != 0 or protocol not in (NETFLOW9, IPFIX)


@kernel
def believe(of_sampler: F64, rate: float, protocol: int, at_ms: int) -> bool:
    """Return True if a rate stated at `at_ms` is believed, and note it in the sampler's row, float64 (columns,)."""
    if rate == 1 or rate == of_sampler[LOW] or rate == of_sampler[HIGH]:
        return True
    if credible(rate, protocol):
        steady = of_sampler[HIGH] == 0 or of_sampler[LOW] / JUMP < rate < of_sampler[HIGH] * JUMP
        if not steady:
            if of_sampler[CANDIDATE] != rate or at_ms < of_sampler[SINCE]:
                of_sampler[CANDIDATE], of_sampler[SINCE] = rate, at_ms
            steady = at_ms - of_sampler[SINCE] >= PATIENCE_MS
        if steady:
            of_sampler[LOW] = rate if of_sampler[HIGH] == 0 else min(of_sampler[LOW], rate)
            of_sampler[HIGH] = max(of_sampler[HIGH], rate)
            return True
    of_sampler[DOUBTED] = rate
    return False


@kernel
def nearest(of_sampler: F64, rate: float) -> float:
    """Return the rate among those believed before that is nearest to one that is not; 0 if there is none."""
    return float(of_sampler[HIGH] if rate > of_sampler[HIGH] else of_sampler[LOW])


@kernel
def believe_all(
    stated: F64, row: I64, rates: F64, protocol: int, at_ms: I64, believed: Mask, before: F64
) -> None:
    """Judge the rate of each record (less than 1: it states none) by the row of its sampler, in order.

    Writes whether it is believed and, if not, the nearest that was before (0: none was).
    """
    for at in range(len(rates)):
        believed[at], before[at] = False, 0.0
        if rates[at] >= 1:
            of_sampler = stated[row[at]]
            believed[at] = believe(of_sampler, rates[at], protocol, at_ms[at])
            if not believed[at]:
                before[at] = nearest(of_sampler, rates[at])


def turned_round(rate: float) -> int | None:
    """Return the rate that has the four octets of this one in the other order, if it is one that routers have."""
    if not (rate == int(rate) and _SHIFTED <= rate < 1 << 32):
        return None
    other = int.from_bytes(int(rate).to_bytes(4, "big"), "little")
    return other if 1 < other < _SHIFTED else None


class StatedRates:
    """Sampling rates stated by each sampler of each observation point, rows of one array that kernels may write to.

    There are 65,536 rows at most; where more samplers are heard all begin anew.
    """

    def __init__(self) -> None:
        self.version = 0  # changes when rows mean other samplers
        self._rows: F64 = np.zeros((64, DOUBTED + 1))
        self._of: dict[Key, int] = {}
        self._free: list[int] = []
        self._new: set[int] = set()

    @property
    def rows(self) -> F64:
        """The table, float64 (samplers, columns LOW to DOUBTED)."""
        return self._rows

    def row(self, point: ObservationPoint, sampler: int | None) -> int:
        """Return the row of a sampler (None: of what names none), made if there is none yet."""
        found = self._of.get((point, sampler))
        if found is None:
            if len(self._of) >= _MOST_SAMPLERS:
                self._of.clear()
                self._free.clear()
                self._rows = np.zeros((64, DOUBTED + 1))
                self.version += 1
            found = self._free.pop() if self._free else len(self._of)
            if found == len(self._rows):
                self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
            self._of[point, sampler] = found
            if point.protocol != SFLOW5:
                self._new.add(point.exporter)
        return found

    def believe(self, point: ObservationPoint, sampler: int | None, rate: float, at_ms: int) -> bool:
        """Return True if a rate stated by a sampler at `at_ms` is believed, and note it."""
        row = self.row(point, sampler)
        return believe(self._rows[row], rate, point.protocol, at_ms)

    def take_new(self) -> set[int]:
        """Return exporters of which samplers were heard first since the last call; those of sFlow are not kept anywhere."""
        new, self._new = self._new, set()
        return new

    def believed(self, exporter: int) -> Iterator[tuple[ObservationPoint, int | None, tuple[float, float]]]:
        """Yield the rates of an exporter that were believed: point, sampler, and the lowest and the highest rate."""
        for (point, sampler), row in self._of.items():
            if point.exporter == exporter and point.protocol != SFLOW5 and self._rows[row, HIGH]:
                yield point, sampler, (float(self._rows[row, LOW]), float(self._rows[row, HIGH]))

    def restore(self, point: ObservationPoint, sampler: int | None, believed: tuple[float, float]) -> None:
        """Take up the lowest and highest rate believed of a sampler before a restart."""
        self._rows[self.row(point, sampler), [LOW, HIGH]] = believed

    def doubted(self) -> Iterator[tuple[int, float]]:
        """Yield exporters (their numbers) with a rate they stated that was not believed, of each sampler the last."""
        for (point, _), row in self._of.items():
            if self._rows[row, DOUBTED]:
                yield point.exporter, float(self._rows[row, DOUBTED])

    def forget(self, exporter: int) -> None:
        """Forget what an exporter stated, whose number another may get."""
        for key in [key for key in self._of if key[0].exporter == exporter]:
            row = self._of.pop(key)
            self._rows[row] = 0
            self._free.append(row)
        self.version += 1
