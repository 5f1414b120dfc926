"""Where records come from: the exporters and observation domains behind an array of them."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from caudal.collector.flowrecords import I32, I64, U16, U32


class ObservationPoint(NamedTuple):
    """Where a sampler belongs: an exporter's number, a protocol and an observation domain."""

    exporter: int
    protocol: int
    observation_domain: int


@dataclass(frozen=True)
class Origin:
    """Where records of one layout come from; many exporters may share a layout.

    `point` is each record's position in `points`, or None where there is only one; `template` its template id.
    """

    points: tuple[ObservationPoint, ...]
    point: I64 | None
    template: U16

    @property
    def protocol(self) -> int:
        """The protocol, which is the same for all."""
        return self.points[0].protocol

    def __len__(self) -> int:
        return len(self.template)

    def exporter(self) -> I32:
        """Return the exporter's number of each record."""
        if self.point is None:
            return np.full(len(self), self.points[0].exporter, np.int32)
        return np.array([point.exporter for point in self.points], np.int32)[self.point]

    def observation_domain(self) -> U32:
        """Return the observation domain of each record."""
        if self.point is None:
            return np.full(len(self), self.points[0].observation_domain, np.uint32)
        return np.array([point.observation_domain for point in self.points], np.uint32)[self.point]
