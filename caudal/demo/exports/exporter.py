"""The two routers of the fictional operator: their flows as export datagrams, interleaved in order of time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

import numpy as np

from caudal.demo.exports.ipfix import IpfixRouter
from caudal.demo.exports.netflow9 import Netflow9Router
from caudal.demo.traffic.traffic import Flows, TrafficModel
from caudal.demo.traffic.truth import Truth

UP_DAYS_BEFORE: Final = 20


@dataclass(frozen=True)
class Router:
    """An exporter of the demo: its name, source address on loopback, protocol and observation domain."""

    name: str
    address: str
    protocol: Literal["netflow9", "ipfix"]
    observation_domain: int


# The first carries IPv4 of four subscribers in five; the second the rest, and all IPv6.
ROUTERS: Final = (
    Router("edge-1", "127.0.0.2", "netflow9", 1),
    Router("edge-2", "127.0.0.3", "ipfix", 2),
)


def datagrams(model: TrafficModel, truth: Truth | None = None) -> Iterator[list[tuple[int, bytes]]]:
    """Yield, for each hour of the model, the datagrams of all routers in order of export: (router, payload).

    `router` is a position in ROUTERS. Header times are those of the model, not of today. `truth` is filled a
    day ahead of the hours.
    """
    first = model.months[0]
    midnight = int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp())
    boot_seconds = midnight - UP_DAYS_BEFORE * 86_400
    netflow9 = Netflow9Router(0, ROUTERS[0].observation_domain, boot_seconds)
    ipfix = IpfixRouter(1, ROUTERS[1].observation_domain)
    for day, flows in enumerate(model.flows(truth)):
        first_router = router_of(flows) == 0
        messages = netflow9.export(flows.take(np.flatnonzero(first_router)))
        messages += ipfix.export(flows.take(np.flatnonzero(~first_router)))
        messages.sort(key=lambda message: message.export_seconds)
        hours: list[list[tuple[int, bytes]]] = [[] for _ in range(24)]
        for message in messages:
            # Records that end within an hour are exported by its last second, the full hour.
            hour = (message.export_seconds - 1 - midnight) // 3600 - 24 * day
            hours[max(hour, 0)].append((message.router, message.payload))
        yield from hours


def router_of(flows: Flows) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the position in ROUTERS of the router that carries each flow."""
    return np.where((flows.ip_version == 4) & (flows.subscriber % 5 != 0), 0, 1)
