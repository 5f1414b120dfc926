"""A reading as it is shown: its words in the language of a report."""

from dataclasses import dataclass

from caudal.service.indicators import Definition, Observation
from caudal.service.reports.content import Reading
from caudal.service.reports.findings.names import Names
from caudal.service.reports.language import Language


@dataclass(frozen=True)
class Line:
    """A reading as it is shown: `of` names the dimension, '' without one; `interval` is '' without a value."""

    definition: Definition
    reading: Reading
    title: str
    of: str
    value: str
    interval: str

    @property
    def observation(self) -> Observation:
        """The observation that is shown."""
        return self.reading.observation

    @property
    def name(self) -> str:
        """Title and dimension together."""
        return f"{self.title}: {self.of}" if self.of else self.title


def line_of(definition: Definition, reading: Reading, names: Names) -> Line:
    """Return a reading as it is shown in the language of `names`."""
    value, interval = written(definition, reading.observation, names.language)
    return Line(
        definition,
        reading,
        definition.title.get(names.language.code, definition.title["en"]),
        names.dimension(definition, reading.observation.dimension),
        value,
        interval,
    )


def written(definition: Definition, observation: Observation, language: Language) -> tuple[str, str]:
    """Return the value and the interval of an observation in a language; without a value, that, and ''."""
    if observation.value is None or observation.low is None or observation.high is None:
        return language.say("label", "insufficient"), ""
    text = language.figure(observation.value, observation.low, observation.high, definition.unit)
    return text.value, text.interval
