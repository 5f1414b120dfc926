"""The cells of the traffic model: endpoint by direction by transport, as columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from caudal.demo.traffic.destinations import Habit, Rhythm
from caudal.demo.traffic.endpoints import Endpoint

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

SMALLEST_PACKET, LARGEST_PACKET = 60, 1480
# A destination too light to show both transports shows TCP only, so that its cells have enough hosts.
LIGHTEST_WITH_UDP = 0.02

_EVENING: Final = (
    *(0.55, 0.38, 0.28, 0.22, 0.20, 0.24, 0.40, 0.60, 0.72, 0.80, 0.86, 0.92),
    *(1.00, 1.02, 1.00, 1.02, 1.08, 1.16, 1.30, 1.50, 1.68, 1.72, 1.50, 1.00),
)
_OFFICE: Final = (
    *(0.25, 0.20, 0.18, 0.18, 0.20, 0.30, 0.50, 0.80, 1.35, 1.70, 1.85, 1.85),
    *(1.70, 1.60, 1.75, 1.85, 1.70, 1.45, 1.10, 0.85, 0.70, 0.60, 0.45, 0.32),
)
_WEEKEND: Final[dict[Rhythm, float]] = {"evening": 1.12, "office": 0.55}
RHYTHMS: Final[tuple[Rhythm, ...]] = ("evening", "office")


@dataclass(frozen=True)
class Cells:
    """Cells of the traffic model, an array (cells,) per property; `records_per_hour` is the mean in the middle of the period."""

    endpoint: I64
    outbound: Bool
    udp: Bool
    records_per_hour: F64
    long: F64
    packet_bytes: F64
    packet_spread: F64
    growth: F64
    rhythm: I64
    port: I64

    def __len__(self) -> int:
        return len(self.endpoint)


def make_cells(endpoints: Sequence[Endpoint], records_per_hour: float) -> Cells:
    """Return the cells of all endpoints; their expected records per hour add up to `records_per_hour`."""
    total = sum(endpoint.weight for endpoint in endpoints)
    heavy: dict[str, float] = {}
    for endpoint in endpoints:
        heavy[endpoint.destination.name] = heavy.get(endpoint.destination.name, 0) + endpoint.weight / total
    rows = []
    for number, endpoint in enumerate(endpoints):
        habit = endpoint.destination.habit
        udp = habit.udp if heavy[endpoint.destination.name] >= LIGHTEST_WITH_UDP else round(habit.udp)
        for outbound in (False, True):
            for is_udp, share in ((False, 1 - udp), (True, udp)):
                if share > 0:
                    records = endpoint.weight / total * records_per_hour * share
                    rows.append((number, outbound, is_udp, records * _direction(habit, outbound)))
    columns = list(zip(*rows, strict=True))
    habits = [endpoints[number].destination.habit for number in columns[0]]
    sizes = [
        habit.outbound_packet_bytes if outbound else habit.inbound_packet_bytes
        for habit, outbound in zip(habits, columns[1], strict=True)
    ]
    mean = np.array(sizes, float)
    return Cells(
        endpoint=np.array(columns[0], np.int64),
        outbound=np.array(columns[1], np.bool_),
        udp=np.array(columns[2], np.bool_),
        records_per_hour=np.array(columns[3], float),
        long=np.array([habit.long for habit in habits]),
        packet_bytes=mean,
        packet_spread=np.minimum(np.minimum(mean - SMALLEST_PACKET, LARGEST_PACKET - mean), mean / 2),
        growth=np.array([endpoints[number].destination.growth for number in columns[0]]),
        rhythm=np.array([RHYTHMS.index(habit.rhythm) for habit in habits]),
        port=np.array([habit.port for habit in habits]),
    )


def rhythm(weekday: int, utc_offset_hours: int) -> F64:
    """Return activity by UTC hour (24 rows) and rhythm (2 columns) on a weekday (Monday 0); the week's mean is 1."""
    days = (np.array(_EVENING), np.array(_OFFICE))
    weekend = np.array([_WEEKEND[name] for name in RHYTHMS])
    shape = np.stack([np.roll(day / day.mean(), -utc_offset_hours) for day in days], axis=1)
    today: F64 = np.where(weekday >= 5, weekend, 1.0) / ((5 + 2 * weekend) / 7)
    return shape * today


def _direction(habit: Habit, outbound: bool) -> float:
    return 1 - habit.inbound if outbound else habit.inbound
