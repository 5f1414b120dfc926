"""When a value is told in a sentence, and why not: the rule, apart from its words."""

from enum import StrEnum

from caudal.service.confidentiality.confidentiality import CONFIDENTIAL
from caudal.service.indicators import Definition, Observation
from caudal.service.indicators.model.base import METERED

# An interval over more than half of what is possible leaves more open than it settles.
MOST_OF_RANGE = 0.5
# Without a greatest value: limits ten times apart do not even tell the order of magnitude.
MOST_TIMES = 10.0
# A finding is about a country. Where the reporting networks serve fewer than one in ten of its users, those of whom
# nothing is known are more than nine times as many, and the customers of one network (mobile only, one city, firms) can
# be the whole of what is seen. A judgement, not statistics: even beyond it a sentence says what it is measured of.
COVERAGE_FLOOR = 0.10


class Silence(StrEnum):
    """Why a value is not told."""

    INSUFFICIENT = "insufficient"
    CONFIDENTIAL = "confidential"
    COVERAGE = "coverage"
    COVERAGE_UNKNOWN = "coverage_unknown"
    STRADDLES = "straddles"
    WIDE = "wide"
    MEANINGLESS = "meaningless"


def metered(definition: Definition, observation: Observation) -> bool:
    """Return True if a value is of metered traffic, and so of the networks that report only."""
    return definition.base_of(observation.dimension) in METERED


def silence(definition: Definition, observation: Observation) -> Silence | None:
    """Return why a value is not told; None where it is."""
    low, high = observation.low, observation.high
    if observation.value is None or low is None or high is None:
        return Silence.CONFIDENTIAL if CONFIDENTIAL in observation.flags else Silence.INSUFFICIENT
    if metered(definition, observation):
        # What nobody declared may be less than the floor.
        if observation.coverage is None:
            return Silence.COVERAGE_UNKNOWN
        if observation.coverage < COVERAGE_FLOOR:
            return Silence.COVERAGE
    least, greatest = definition.range
    if (least is None or least < 0) and low <= 0 <= high:
        return Silence.STRADDLES
    return Silence.WIDE if _wide(low, high, least, greatest) else None


def _wide(low: float, high: float, least: float | None, greatest: float | None) -> bool:
    if least is not None and greatest is not None:
        return high - low > MOST_OF_RANGE * (greatest - least)
    small, large = sorted((abs(low), abs(high)))
    return large > MOST_TIMES * small
