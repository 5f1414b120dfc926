"""Where records come from: an observation domain of an exporter."""

from typing import NamedTuple


class ObservationPoint(NamedTuple):
    """Where a sampler belongs: an exporter's number, a protocol, an observation domain, and the process (see Processes)."""

    exporter: int
    protocol: int
    observation_domain: int
    process: int = 0
