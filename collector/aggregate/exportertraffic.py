"""Traffic that each exporter tells of: bytes by direction, sampling rates, interfaces. Numbers only, no address."""

from dataclasses import dataclass

import numpy as np

from caudal.collector.columns.flowrecords import (
    F64,
    I32,
    I64,
    PROTOCOLS,
    TRAFFIC,
    U8,
    U32,
    U64,
    FlowRecords,
    Mask,
)
from caudal.collector.columns.kernel import kernel
from caudal.collector.locate.locate import IN, INTERNAL, OUT, TRANSIT
from caudal.common.vocabulary import DIRECTIONS

_WORDS = 16  # of 64 bits: whether an interface of a number was met; numbers below 1,024 are told apart
_SAMPLE = 512  # records of a lot that are looked at for more than their bytes
_NONE_LEFT_OUT: Mask = np.zeros(0, np.bool_)


@dataclass(frozen=True)
class Traffic:
    """Traffic told by an exporter since it was heard first.

    `octets` are bytes corrected for sampling, by direction in the order of DIRECTIONS. `lowest_rate` and `highest_rate`
    are of records that came lately, 0 where none did. `without_interface` is about how many records name neither interface.
    """

    octets: tuple[float, ...]
    lowest_rate: float
    highest_rate: float
    interfaces: int
    without_interface: int
    protocols: list[str]


class ExporterTraffic:
    """Adds up located flow records by the exporter's number; grows with the numbers there are."""

    def __init__(self) -> None:
        self.octets: F64 = np.zeros((64, len(DIRECTIONS)))
        # Lowest and highest rate of this period, and of the one before.
        self._rates: F64 = np.zeros((64, 4))
        self._interfaces: U64 = np.zeros((64, _WORDS), np.uint64)
        self._without: I64 = np.zeros(64, np.int64)
        self._protocols: U8 = np.zeros(64, np.uint8)

    def add(self, flows: FlowRecords, direction: U8, left_out: Mask | None) -> None:
        """Add records that are traffic and not left out; `direction` is the position in DIRECTIONS of each."""
        if not len(flows):
            return
        out = _NONE_LEFT_OUT if left_out is None else left_out
        done = 0
        while True:
            done = _add(
                done,
                flows.exporter,
                direction,
                flows.kind,
                out,
                flows.bytes,
                flows.sampling_rate,
                self.octets,
            )
            if done == len(flows):
                break
            self._have_room(int(flows.exporter.max()) + 1)
        step = (len(flows) // _SAMPLE) | 1  # odd: of what alternates both are seen
        _look(
            step, flows.exporter, flows.kind, out, flows.sampling_rate, flows.protocol,
            flows.input, flows.output, self._rates, self._interfaces, self._without, self._protocols,
        )  # fmt: skip

    def new_period(self) -> None:
        """Let rates of the period before last be forgotten."""
        self._rates[:, 2:] = self._rates[:, :2]
        self._rates[:, :2] = 0

    def of(self, exporter: int) -> Traffic:
        """Return the traffic told by an exporter."""
        if exporter >= len(self._without):
            return Traffic((0.0,) * len(DIRECTIONS), 0.0, 0.0, 0, 0, [])
        low, high, low_before, high_before = self._rates[exporter].tolist()
        lows = [rate for rate in (low, low_before) if rate]
        bits = int(self._protocols[exporter])
        return Traffic(
            tuple(self.octets[exporter].tolist()),
            min(lows, default=0.0),
            max(high, high_before),
            int(np.bitwise_count(self._interfaces[exporter]).sum()),
            int(self._without[exporter]),
            [name for number, name in enumerate(PROTOCOLS) if bits >> number & 1],
        )

    def forget(self, exporter: int) -> None:
        """Forget an exporter whose number another may get."""
        if exporter < len(self._without):
            for column in (self.octets, self._rates, self._interfaces, self._without, self._protocols):
                column[exporter] = 0

    def _have_room(self, count: int) -> None:
        more = max(count - len(self._without), len(self._without))
        self.octets = np.append(self.octets, np.zeros((more, self.octets.shape[1])), axis=0)
        self._rates = np.append(self._rates, np.zeros((more, self._rates.shape[1])), axis=0)
        self._interfaces = np.append(self._interfaces, np.zeros((more, _WORDS), np.uint64), axis=0)
        self._without = np.append(self._without, np.zeros(more, np.int64))
        self._protocols = np.append(self._protocols, np.zeros(more, np.uint8))


@kernel
def _add(
    first: int,
    exporter: I32,
    direction: U8,
    kind: U8,
    left_out: Mask,
    octets: U64,
    rate: F64,
    sums: F64,
) -> int:
    """Add up the records from position `first` on, up to one of an exporter for which there is no room; return where."""
    who = -1
    out = into = internal = transit = 0.0
    all_count = len(left_out) == 0
    done = len(exporter)
    for i in range(first, len(exporter)):
        if exporter[i] != who:
            if exporter[i] >= len(sums):
                done = i
                break
            if who >= 0:
                _keep(sums[who], out, into, internal, transit)
            who = exporter[i]
            out = into = internal = transit = 0.0
        if kind[i] != TRAFFIC or (not all_count and left_out[i]):
            continue
        estimate = float(octets[i]) * rate[i]
        if direction[i] == IN:
            into += estimate
        elif direction[i] == OUT:
            out += estimate
        elif direction[i] == INTERNAL:
            internal += estimate
        else:
            transit += estimate
    if who >= 0:
        _keep(sums[who], out, into, internal, transit)
    return done


@kernel
def _keep(sums: F64, out: float, into: float, internal: float, transit: float) -> None:
    sums[OUT] += out
    sums[IN] += into
    sums[INTERNAL] += internal
    sums[TRANSIT] += transit


@kernel
def _look(
    step: int,
    exporter: I32,
    kind: U8,
    left_out: Mask,
    rate: F64,
    protocol: U8,
    came: U32,
    left: U32,
    rates: F64,
    interfaces: U64,
    without: I64,
    protocols: U8,
) -> None:
    """Look at every so many-th record for its rate and its interfaces; there is room for all exporters."""
    for i in range(0, len(exporter), step):
        who = exporter[i]
        protocols[who] |= np.uint8(1) << protocol[i]
        if kind[i] != TRAFFIC or (len(left_out) > 0 and left_out[i]):
            continue
        low, high = rates[who, 0], rates[who, 1]
        rates[who, 0] = rate[i] if low == 0 else min(low, rate[i])
        rates[who, 1] = max(high, rate[i])
        if came[i] == 0 and left[i] == 0:
            without[who] += step
        _meet(interfaces, who, came[i])
        _meet(interfaces, who, left[i])


@kernel
def _meet(interfaces: U64, who: int, number: np.uint32) -> None:
    if number != 0:
        place = np.int64((number ^ (number >> np.uint32(10)) ^ (number >> np.uint32(20))) & np.uint32(1023))
        interfaces[who, place >> 6] |= np.uint64(1) << np.uint64(place & 63)
