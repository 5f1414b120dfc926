"""The findings of a report: for each group one to three sentences that stand by themselves."""

from collections.abc import Iterator
from dataclasses import dataclass

from caudal.service.indicators import Observation
from caudal.service.reports.content import Entry, Group
from caudal.service.reports.findings.finding import Finding
from caudal.service.reports.findings.line import Line, line_of
from caudal.service.reports.findings.names import Names
from caudal.service.reports.findings.relevance import relevant
from caudal.service.reports.findings.sentences import Sentences, band, earlier, sayable, sentence
from caudal.service.reports.findings.telling import COVERAGE_FLOOR, Silence, metered, silence

# What the findings of a group are made of, the most important first; without any of these, of all that it has.
WANTED = {
    "jurisdiction": ("J4", "J1", "J9"),
    "concentration": ("C4", "C3", "C1"),
    "dependency": ("C7", "C6"),
    "value": ("V3", "V5", "V2", "V1"),
    "positioning": ("P1", "P2", "P3", "P4"),
}
_SENTENCES = 3


@dataclass(frozen=True)
class Findings:
    """The findings of a report, in the language of its names."""

    names: Names

    def of(self, group: Group) -> Finding:
        """Return the finding of a group; where nothing can be told, why, and who has what is missing."""
        if not any(entry.readings for entry in group.entries):
            return Finding(group.name, self._say("sentence", "nothing"), told=False)
        lines = list(self._lines(group))
        told = [
            line for line in lines if silence(line.definition, line.observation) is None and sayable(line)
        ]
        if not told:
            return self._untold(group, lines)
        first, figure = told[0], self.sentences.figure(told[0])
        return Finding(
            group=group.name,
            sentence=self.sentences.of(first, coverage=True),
            interval=figure.named(figure.interval),
            indicator=first.definition.id,
            dimension=first.observation.dimension,
            base="" if earlier(first.definition) else first.definition.base_of(first.observation.dimension),
            more=tuple(self.sentences.of(line) for line in told[1:_SENTENCES]),
        )

    def relevant(self, entry: Entry) -> Line:
        """Return the line that stands for an indicator."""
        return self._line(
            entry, relevant(entry.definition, [each.observation for each in entry.readings], self._economy)
        )

    @property
    def sentences(self) -> Sentences:
        """Values in sentences."""
        return Sentences(self.names)

    @property
    def _economy(self) -> str:
        return self.names.content.economy

    def _say(self, section: str, key: str, /, **values: object) -> str:
        return self.names.language.say(section, key, **values)

    def _line(self, entry: Entry, observation: Observation) -> Line:
        reading = next(each for each in entry.readings if each.observation is observation)
        return line_of(entry.definition, reading, self.names)

    def _lines(self, group: Group) -> Iterator[Line]:
        """Yield the lines that the findings are made of, the most important first."""
        own = {entry.definition.id: entry for entry in group.entries if entry.readings}
        wanted = [own[each] for each in WANTED.get(group.name, ()) if each in own]
        for entry in wanted or own.values():
            yield self._scaled(entry) if entry.definition.id == "C1" else self.relevant(entry)

    def _scaled(self, entry: Entry) -> Line:
        """Return the function with most traffic that an authority's scale places; without any, what stands for all."""
        placed = [each.observation for each in entry.readings if band(each.observation)]
        if not placed:
            return self.relevant(entry)
        return self._line(entry, max(placed, key=lambda each: (each.flows, each.dimension or "")))

    def _untold(self, group: Group, lines: list[Line]) -> Finding:
        """Return why nothing is told of a group, by the most important value there is."""
        line = next((each for each in lines if each.observation.value is not None), lines[0])
        why = silence(line.definition, line.observation) or Silence.MEANINGLESS
        observation, language = line.observation, self.names.language
        reason = self.names.reason(observation.reason).text
        missing = "metered" if metered(line.definition, observation) else "money"
        text = self._say(
            "untold",
            why,
            title=line.title,
            reason=sentence(reason) if reason else "",
            between=self.sentences.possible(line) if observation.value is not None else "",
            missing=self._say("untold", f"missing_{missing}"),
            share="" if observation.coverage is None else language.percent(observation.coverage),
            floor=language.about(COVERAGE_FLOOR),
        )
        return Finding(
            group=group.name,
            sentence=text.strip(),
            indicator=line.definition.id,
            dimension=observation.dimension,
            told=False,
            base=line.definition.base_of(observation.dimension),
        )
