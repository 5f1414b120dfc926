"""The traffic model: the flows of one fictional operator, hour by hour, sampled as routers sample them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from caudal.demo.traffic.cells import Cells, make_cells, rhythm
from caudal.demo.traffic.economy import SUBSCRIBERS, UTC_OFFSET_HOURS
from caudal.demo.traffic.endpoints import Endpoint
from caudal.demo.traffic.sampling import sample
from caudal.demo.traffic.truth import Truth

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

RECORDS_PER_HOUR: Final = 2_500
_HOUR_MS: Final = 3_600_000
_DAY: Final = timedelta(days=1)
_HOME4: Final = np.uint64(0xC612_0100)  # 198.18.1.0
_HOME6_HIGH: Final = np.uint64(0x2001_0DB8_1000_0000)  # 2001:db8:1000::/36, a /56 for each subscriber
_SPREAD: Final = np.uint64(0x9E37_79B9_7F4A_7C15)
_TCP, _UDP = 6, 17


@dataclass(frozen=True)
class Flows:
    """Sampled flow records of a day in order of their end: one array per property, all of one length.

    Addresses are two halves of 64 bits (IPv4: high 0). Times are milliseconds since 1970 UTC. `cell` is a
    position in the model's cells; bytes and packets are as sampled.
    """

    cell: I64
    subscriber: I64
    start_ms: I64
    end_ms: I64
    ip_version: I64
    outbound: npt.NDArray[np.bool_]
    source_high: U64
    source_low: U64
    destination_high: U64
    destination_low: U64
    source_port: I64
    destination_port: I64
    ip_protocol: I64
    remote_asn: I64
    announced: npt.NDArray[np.bool_]
    bytes: I64
    packets: I64

    def __len__(self) -> int:
        return len(self.cell)

    def take(self, which: I64) -> "Flows":
        """Return the records at positions `which`."""
        return Flows(*(getattr(self, column.name)[which] for column in fields(self)))


@dataclass(frozen=True)
class TrafficModel:
    """The traffic of whole months with given endpoints; the same arguments give the same flows.

    `months` are first days of consecutive months. `records_per_hour` is the mean number of sampled records.
    """

    endpoints: Sequence[Endpoint]
    months: tuple[date, ...]
    seed: int = 1
    records_per_hour: float = RECORDS_PER_HOUR

    def truth(self) -> Truth:
        """Return an empty account of the model's true totals; `flows` fills it."""
        return Truth(self.endpoints, self._cells(), self.months)

    def days(self) -> list[date]:
        """Return every day of the months, in order."""
        last = next_month(self.months[-1])
        return [self.months[0] + _DAY * number for number in range((last - self.months[0]).days)]

    def flows(self, truth: Truth | None = None) -> Iterator[Flows]:
        """Yield the sampled flow records of each day; `truth` is told the day's totals before it is yielded."""
        cells = self._cells()
        endpoints = _EndpointColumns.of(self.endpoints)
        days = self.days()
        for number, day in enumerate(days):
            # A generator per day: any day can be drawn again without those before it.
            random = np.random.default_rng((self.seed, day.toordinal()))
            growth = (1 + cells.growth) ** ((number - len(days) / 2) / 30)
            expected = (
                rhythm(day.weekday(), UTC_OFFSET_HOURS)[:, cells.rhythm] * cells.records_per_hour * growth
            )
            flows, sums = _day(day, cells, endpoints, expected, random)
            if truth is not None:
                truth.add(self.months.index(day.replace(day=1)), sums)
            yield flows

    def _cells(self) -> Cells:
        return make_cells(self.endpoints, self.records_per_hour)


def months_before(day: date, count: int = 3) -> tuple[date, ...]:
    """Return the first days of the `count` whole months before the month of `day`."""
    months: list[date] = []
    first = day.replace(day=1)
    for _ in range(count):
        first = (first - _DAY).replace(day=1)
        months.append(first)
    return tuple(reversed(months))


def next_month(first: date) -> date:
    """Return the first day of the month after that of `first`."""
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1)


@dataclass(frozen=True)
class _EndpointColumns:
    ip_version: I64
    high: U64
    low: U64
    size: I64
    asn: I64
    announced: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, endpoints: Sequence[Endpoint]) -> "_EndpointColumns":
        return cls(
            np.array([endpoint.ip_version for endpoint in endpoints], np.int64),
            np.array([endpoint.high for endpoint in endpoints], np.uint64),
            np.array([endpoint.low for endpoint in endpoints], np.uint64),
            np.array([endpoint.size for endpoint in endpoints], np.int64),
            np.array([endpoint.asn for endpoint in endpoints], np.int64),
            np.array([endpoint.announced for endpoint in endpoints], np.bool_),
        )


def _day(
    day: date,
    cells: Cells,
    endpoints: _EndpointColumns,
    expected: npt.NDArray[np.float64],
    random: np.random.Generator,
) -> tuple[Flows, dict[str, npt.NDArray[np.float64]]]:
    drawn = sample(cells, expected, random)
    count = len(drawn.slot)
    hour, cell = np.divmod(drawn.slot, len(cells))
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
    hour_ms = midnight + hour * _HOUR_MS
    end_ms = hour_ms + random.integers(0, _HOUR_MS, count)
    # A flow of which one packet was sampled begins and ends with it; others last as their pace makes them.
    pace = 80 + 400 * random.random(count) + drawn.true_packets / 1800
    lasts = np.where(drawn.packets > 1, drawn.true_packets / pace * 1000, 0).astype(np.int64)
    start_ms = np.maximum(hour_ms, end_ms - lasts)

    which = cells.endpoint[cell]
    outbound = cells.outbound[cell]
    subscriber = (SUBSCRIBERS * random.random(count) ** 1.5).astype(np.int64)
    is6 = endpoints.ip_version[which] == 6
    number = subscriber.astype(np.uint64)
    local_high = np.where(is6, _HOME6_HIGH + (number << np.uint64(8)), np.uint64(0))
    local_low = np.where(is6, (number + np.uint64(1)) * _SPREAD, _HOME4 + number)
    offset = random.integers(0, endpoints.size[which]).astype(np.uint64)
    remote_high = endpoints.high[which] + np.where(is6, offset, np.uint64(0))
    remote_low = endpoints.low[which] + np.where(is6, np.uint64(1), offset)
    local_port = random.integers(32_768, 61_000, count)
    remote_port = cells.port[cell]

    flows = Flows(
        cell=cell,
        subscriber=subscriber,
        start_ms=start_ms,
        end_ms=end_ms,
        ip_version=endpoints.ip_version[which],
        outbound=outbound,
        source_high=np.where(outbound, local_high, remote_high),
        source_low=np.where(outbound, local_low, remote_low),
        destination_high=np.where(outbound, remote_high, local_high),
        destination_low=np.where(outbound, remote_low, local_low),
        source_port=np.where(outbound, local_port, remote_port),
        destination_port=np.where(outbound, remote_port, local_port),
        ip_protocol=np.where(cells.udp[cell], _UDP, _TCP),
        remote_asn=endpoints.asn[which],
        announced=endpoints.announced[which],
        bytes=drawn.bytes,
        packets=drawn.packets,
    )
    by_cell = (len(expected), len(cells))
    sums = {
        "true_bytes": drawn.slot_bytes.reshape(by_cell).sum(axis=0),
        "true_packets": drawn.slot_packets.reshape(by_cell).sum(axis=0).astype(float),
        "records": np.bincount(cell, minlength=len(cells)).astype(float),
        "sampled_bytes": np.bincount(cell, drawn.bytes, len(cells)),
        "sampled_packets": np.bincount(cell, drawn.packets, len(cells)),
    }
    return flows.take(np.argsort(end_ms, kind="stable")), sums
