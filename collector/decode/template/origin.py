"""Origins of records: an observation domain of an exporter."""

from typing import NamedTuple


class ObservationPoint(NamedTuple):
    """The scope of a sampler: exporter number, protocol, observation domain, and exporting process (see Processes)."""

    exporter: int
    protocol: int
    observation_domain: int
    process: int = 0
