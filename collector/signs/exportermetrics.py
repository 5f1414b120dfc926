"""Metrics of each exporter, by the name it has outside."""

from collections.abc import Iterator, Mapping
from typing import Final, TypeVar

import numpy as np
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from caudal.collector.columns.flowrecords import F64, I64
from caudal.collector.exporters.exportertotals import FIRST
from caudal.collector.exporters.ledger import COUNT, Ledger
from caudal.collector.signs.condition import Condition
from caudal.common.vocabulary import DIRECTIONS

T = TypeVar("T", I64, F64)

_NAMESPACE = "caudal_collector_exporter_"
OTHERS: Final = "other"  # those that have no label of their own, added up
# What becomes of a record: none of these counts ever falls.
_FATES: Final = (
    "aggregated",
    "events",
    "counts_implausible",
    "repeated",
    "without_counts",
    "not_read",
    "filtered",
)
_SUMS: Final = {
    "datagrams": "datagrams that came",
    "malformed": "datagrams, sets or records that could not be read",
}
# These can be taken back.
_LEVELS: Final = {
    "waiting": "data sets that wait for their template",
    "lost": "records that were sent and never arrived",
    "lost_datagrams": "datagrams that were sent and never arrived",
}


def exporter_metrics(conditions: Mapping[int, Condition], ledger: Ledger, octets: F64) -> Iterator[Metric]:
    """Yield metrics of exporters by their numbers; those that are not among them are added up under OTHERS.

    `octets` are bytes by exporter and direction, corrected for sampling. Exporters of one name are added up.
    """
    counts = _by_name(conditions, ledger.by_exporter()[FIRST:])
    for name, meaning in _SUMS.items():
        yield _family(CounterMetricFamily, name, meaning, counts, COUNT[name])
    for name, meaning in _LEVELS.items():
        yield _family(GaugeMetricFamily, name, meaning, counts, COUNT[name])
    records = CounterMetricFamily(
        _NAMESPACE + "records", "records, by what became of them", labels=["exporter", "fate"]
    )
    for name, of_name in counts.items():
        for fate in _FATES:
            records.add_metric([name, fate], int(of_name[COUNT[fate]]))
    yield records
    traffic = CounterMetricFamily(
        _NAMESPACE + "traffic_bytes",
        "bytes counted, corrected for sampling",
        labels=["exporter", "direction"],
    )
    for name, bytes_of in _by_name(conditions, octets).items():
        for direction, of_direction in zip(DIRECTIONS, bytes_of.tolist(), strict=True):
            traffic.add_metric([name, direction], of_direction)
    yield traffic
    yield from _of_state(list(conditions.values()))


def _of_state(conditions: list[Condition]) -> Iterator[Metric]:
    heard = GaugeMetricFamily(
        _NAMESPACE + "last_heard_timestamp_seconds", "when its last datagram came", labels=["exporter"]
    )
    clock = GaugeMetricFamily(
        _NAMESPACE + "clock_offset_seconds",
        "how far its clock is ahead of this machine's",
        labels=["exporter"],
    )
    rate = GaugeMetricFamily(
        _NAMESPACE + "sampling_rate",
        "one packet in so many, of records that came lately",
        labels=["exporter", "bound"],
    )
    attention = GaugeMetricFamily(
        _NAMESPACE + "attention", "1 where something is to be done about it", labels=["exporter", "kind"]
    )
    told: set[tuple[str, str]] = set()
    for each in {each.name: each for each in conditions}.values():
        if each.last_ms:
            heard.add_metric([each.name], each.last_ms / 1000)
        if each.clock_seconds is not None:
            clock.add_metric([each.name], each.clock_seconds)
        if each.lowest_rate:
            rate.add_metric([each.name, "lowest"], each.lowest_rate)
            rate.add_metric([each.name, "highest"], each.highest_rate)
    for each in conditions:
        told |= {(each.name, sign.kind) for sign in each.signs if sign.needs_attention}
    for name, kind in sorted(told):
        attention.add_metric([name, kind], 1)
    yield from (heard, clock, rate, attention)


def _family(
    kind: type[CounterMetricFamily] | type[GaugeMetricFamily],
    name: str,
    meaning: str,
    counts: dict[str, I64],
    at: int,
) -> Metric:
    family = kind(_NAMESPACE + name, meaning, labels=["exporter"])
    for exporter, of_exporter in counts.items():
        family.add_metric([exporter], int(of_exporter[at]))
    return family


def _by_name(conditions: Mapping[int, Condition], rows: T) -> dict[str, T]:
    """Return the sums of rows by the name of the exporter whose number is the row's, and of all the others."""
    sums: dict[str, T] = {}
    shown = np.zeros(len(rows), np.bool_)
    nothing = np.zeros(rows.shape[1], rows.dtype)
    for number, each in conditions.items():
        row = rows[number] if number < len(rows) else nothing
        shown[number : number + 1] = True
        sums[each.name] = sums.get(each.name, nothing) + row
    if (others := rows[~shown]).any():
        sums[OTHERS] = sums.get(OTHERS, nothing) + others.sum(axis=0)
    return sums
