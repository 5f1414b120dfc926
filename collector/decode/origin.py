"""Where records come from: an observation domain of an exporter."""

from typing import NamedTuple


class ObservationPoint(NamedTuple):
    """Where a sampler belongs: an exporter's number, a protocol and an observation domain."""

    exporter: int
    protocol: int
    observation_domain: int
