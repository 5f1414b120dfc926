"""A value of the economy beside those that its peers published, and the median of several."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from caudal.service.indicators import Definition, Observation
from caudal.service.reports.content.content import Content, Group
from caudal.service.reports.content.headline import HEADLINES
from caudal.service.reports.content.peers import Peer, PeerValue

# Of fewer the median would be one of them: they are named.
LEAST_FOR_MEDIAN = 3


@dataclass(frozen=True)
class Standing:
    """A value of the economy, and the same one of each peer that published it."""

    definition: Definition
    observation: Observation
    beside: tuple[tuple[Peer, PeerValue], ...]


def standing_of(content: Content, group: Group, preferred: tuple[str, str | None]) -> Standing | None:
    """Return the value of a group that is set beside others: the preferred (indicator, dimension), else a headline.

    None where no peer published any of them.
    """
    wanted = [preferred]
    for headline in HEADLINES.get(group.name, ()):
        own = [r.observation for d, r in group.readings() if d.id == headline.indicator]
        wanted.append((headline.indicator, headline.dimension_in(own)))
    for indicator, dimension in wanted:
        beside = tuple(
            (peer, value) for peer in content.peers if (value := peer.value(indicator, dimension)) is not None
        )
        for definition, reading in group.readings():
            observation = reading.observation
            if (definition.id, observation.dimension) == (indicator, dimension) and beside:
                return Standing(definition, observation, beside)
    return None


def median_of(values: Sequence[PeerValue]) -> tuple[float, float, float]:
    """Return the median of values and its limits, which hold it wherever in its interval each of them is."""
    return (
        median(each.value for each in values),
        median(each.low for each in values),
        median(each.high for each in values),
    )
