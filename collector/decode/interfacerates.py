"""Sampling rates that exporters announce for interfaces: each record has that of the interface where it was sampled."""

from dataclasses import replace

import numpy as np

from caudal.collector import flowrecords
from caudal.collector.decode.origin import ObservationPoint
from caudal.collector.flowrecords import F64, METERED_EGRESS, RATE_DOUBTED, U32, FlowRecords

# A place that an options record is about has a negative number: -1 less the interface where packets come in, less this
# as well where they go out.
EGRESS = 1 << 40
_INTERFACES = 1 << 32

_BY_INTERFACE = dict[int, float]


class InterfaceRates:
    """Rates by exporter and protocol, observation domain, way in or out, and interface."""

    def __init__(self) -> None:
        self._of: dict[tuple[int, int], dict[int, tuple[_BY_INTERFACE, _BY_INTERFACE]]] = {}

    def note(self, point: ObservationPoint, place: int, rate: float) -> None:
        """Take note of the rate that is announced for a place; of other places than interfaces nothing is kept."""
        interface = -1 - place
        outward = interface >= EGRESS
        interface -= EGRESS * outward
        if 0 <= interface < _INTERFACES:
            domains = self._of.setdefault((point.exporter, point.protocol), {})
            domains.setdefault(point.observation_domain, ({}, {}))[outward][interface] = rate

    def forget(self, exporter: int) -> None:
        """Forget what was announced by an exporter."""
        for name in [name for name in self._of if name[0] == exporter]:
            del self._of[name]

    def apply(self, flows: FlowRecords) -> FlowRecords:
        """Return flow records, those that neither state a rate nor name a sampler that is known with their interface's."""
        if not self._of:
            return flows
        silent = (flows.sampling_from == flowrecords.ASSUMED) | (flows.sampling_from == flowrecords.CONFIG)
        found = np.zeros(len(flows))
        for exporter, protocol in self._of.keys() & set(
            zip(flows.exporter[silent].tolist(), flows.protocol[silent].tolist(), strict=True)
        ):
            domains = self._of[exporter, protocol]
            of_it = np.flatnonzero(silent & (flows.exporter == exporter) & (flows.protocol == protocol))
            told = flows.observation_domain[of_it]
            for domain in np.unique(told).tolist():
                # Some exporters announce in one domain what holds in all.
                rates = domains.get(domain) or (next(iter(domains.values())) if len(domains) == 1 else None)
                if rates is not None:
                    here = of_it[told == domain]
                    found[here] = _of_records(flows, here, *rates)
        if not found.any():
            return flows
        known = found > 0
        return replace(
            flows,
            sampling_rate=np.where(known, found, flows.sampling_rate),
            sampling_from=np.where(known, np.uint8(flowrecords.OPTIONS), flows.sampling_from),
            doubt=np.where(known, flows.doubt & ~RATE_DOUBTED, flows.doubt),
        )


def _of_records(
    flows: FlowRecords, which: flowrecords.I64, inward: _BY_INTERFACE, outward: _BY_INTERFACE
) -> F64:
    """Return the rate of each of these records: where it says it was metered, else where it came in, else where it left."""
    came, left = _look_up(flows.input[which], inward), _look_up(flows.output[which], outward)
    out_first = flows.flow_direction[which] & 3 == METERED_EGRESS
    # Most announce a rate for an interface whatever the way, and call it that where packets come in.
    left = np.where((left == 0) & out_first, _look_up(flows.output[which], inward), left)
    first, second = np.where(out_first, left, came), np.where(out_first, came, left)
    return np.where(first > 0, first, second)


def _look_up(interfaces: U32, rates: _BY_INTERFACE) -> F64:
    if not rates:
        return np.zeros(len(interfaces))
    names, of = np.unique(interfaces, return_inverse=True)
    return np.array([rates.get(name, 0.0) for name in names.tolist()], np.float64)[of]
