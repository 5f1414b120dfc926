"""Which value of a group is set beside that of other economies, and of other months."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from caudal.service.indicators import Observation
from caudal.service.vocabulary.dimension import largest


@dataclass(frozen=True)
class Headline:
    """A value of a group: an indicator and its dimension, which with `first` is that of its first observation.

    Indicators by jurisdiction, network or platform have their most telling row first: another one in each economy.
    """

    indicator: str
    dimension: str | None = None
    first: bool = False

    def dimension_in(self, observations: Iterable[Observation]) -> str | None:
        """Return the dimension that the headline has among the observations of its indicator."""
        if not self.first:
            return self.dimension
        return next((each.dimension for each in observations), None)


# The first with a value stands for its group. Amounts of money and of traffic are none: they tell large from small.
HEADLINES: Mapping[str, tuple[Headline, ...]] = MappingProxyType(
    {
        "jurisdiction": (Headline("J1"), Headline("J4", first=True)),
        "concentration": (Headline("C4", largest(4)), Headline("C3", first=True)),
        "dependency": (Headline("C7", first=True),),
        "value": (Headline("V5"), Headline("V1", "without_video_and_cdn")),
        "positioning": (Headline("P1", "sent"), Headline("P2"), Headline("P3", "economy")),
    }
)

INDICATORS: tuple[str, ...] = tuple(each.indicator for group in HEADLINES.values() for each in group)
