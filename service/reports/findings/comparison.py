"""Comparison of an economy's value with those that others published: in words, no order where intervals overlap."""

from collections.abc import Sequence
from dataclasses import dataclass

from caudal.service.indicators import Definition
from caudal.service.reports.content import Content, Group
from caudal.service.reports.content.peers import Peer, PeerValue
from caudal.service.reports.content.standing import LEAST_FOR_MEDIAN, Standing, median_of, standing_of
from caudal.service.reports.findings.names import Names
from caudal.service.reports.language import Language

# More names than this nobody reads: they are counted.
_MOST_NAMED = 5


@dataclass(frozen=True)
class Comparison:
    """Sentences that set a content's values beside those of its peers, in a language."""

    content: Content
    language: Language
    names: Names

    def of(self, group: Group, preferred: tuple[str, str | None]) -> str:
        """Return the comparison of a group's value with others; '' where nobody published one to set beside it."""
        standing = standing_of(self.content, group, preferred)
        if standing is None:
            return ""
        region = [pair for pair in standing.beside if pair[0].region]
        like = [pair for pair in standing.beside if pair[0].like]
        sentences = [self._measure(standing), self._level("region", region, standing.definition)]
        if like != region:
            sentences.append(self._level("like", like, standing.definition))
        sentences += [*self._order(standing), self._earlier(standing)]
        return " ".join(each for each in sentences if each)

    def _measure(self, standing: Standing) -> str:
        definition, own = standing.definition, standing.observation
        assert own.value is not None and own.low is not None and own.high is not None
        text = self.language.figure(own.value, own.low, own.high, definition.unit)
        return self.language.say(
            "comparison",
            "measure",
            title=self.names.measure(definition, own.dimension),
            value=text.value,
            interval=text.interval,
        )

    def _level(self, which: str, pairs: Sequence[tuple[Peer, PeerValue]], definition: Definition) -> str:
        """Return the values of the others of the region, or of like size: their median, or each by name."""
        if not pairs:
            return ""
        if len(pairs) < LEAST_FOR_MEDIAN:
            told = tuple(
                f"{self.names.place(peer.economy)} {figure.with_interval}"
                for peer, value in pairs
                for figure in (self.language.figure(value.value, value.low, value.high, definition.unit),)
            )
            return self.language.say("comparison", f"named_{which}", names="; ".join(told))
        middle = self.language.figure(*median_of([value for _, value in pairs]), definition.unit)
        return self.language.say(
            "comparison",
            f"median_{which}",
            count=self.language.number(len(pairs)),
            value=middle.value,
            interval=middle.interval,
        )

    def _order(self, standing: Standing) -> list[str]:
        """Return which of the others have less, more, or an interval that overlaps; a place where none does."""
        own = standing.observation
        assert own.low is not None and own.high is not None
        below = [peer for peer, value in standing.beside if value.high < own.low]
        above = [peer for peer, value in standing.beside if value.low > own.high]
        apart = {peer.economy for peer in (*below, *above)}
        overlapping = [peer for peer, _ in standing.beside if peer.economy not in apart]
        said = []
        if not overlapping and len(standing.beside) >= LEAST_FOR_MEDIAN:
            said.append(
                self.language.say(
                    "comparison",
                    "place",
                    place=self.language.number(len(above) + 1),
                    count=self.language.number(len(standing.beside) + 1),
                )
            )
        for key, peers in (("higher", below), ("lower", above), ("overlap", overlapping)):
            if not peers or (said and len(peers) > _MOST_NAMED):
                continue
            if len(peers) > _MOST_NAMED:
                said.append(
                    self.language.say("comparison", f"{key}_count", count=self.language.number(len(peers)))
                )
            else:
                said.append(self.language.say("comparison", key, names=self._listed(peers)))
        return said

    def _earlier(self, standing: Standing) -> str:
        """Return the names whose figures are of the month before, as this one's were not published; '' where nobody's are."""
        earlier = [peer for peer, _ in standing.beside if peer.month != self.content.month]
        if not earlier:
            return ""
        return self.language.say(
            "comparison",
            "earlier",
            month=self.language.month(earlier[0].month),
            now=self.language.month(self.content.month),
            names=self._listed(earlier),
        )

    def _listed(self, peers: Sequence[Peer]) -> str:
        return self.language.listed(tuple(self.names.place(peer.economy) for peer in peers))
