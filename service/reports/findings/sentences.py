"""A value in a sentence that stands by itself: what it is of, its interval, how much of the country that covers."""

import re
from dataclasses import dataclass, replace

from caudal.service.indicators import CATALOGUE, Definition, Observation
from caudal.service.indicators.groups.concentration import HIGH, MODERATE
from caudal.service.indicators.model.base import within_function
from caudal.service.reports.findings.line import Line
from caudal.service.reports.findings.names import Names
from caudal.service.reports.findings.telling import metered
from caudal.service.reports.language import FigureText
from caudal.service.vocabulary.dimension import parts

# Companies are named where there are so few, and counted where there are more.
_NAMED = 3
# Indices that are said as what they mean: a number of equals, a probability, a share.
_EQUALS, _CHANCES = frozenset({"C2"}), frozenset({"C5", "J7"})
# Points of an index of concentration, as competition authorities count them.
_POINTS = 10_000
_SCALE = "concentrated_"
_NEGATIVE = "_negative"


@dataclass(frozen=True)
class Sentences:
    """The sentences of a report, in the language of its names."""

    names: Names

    def of(self, line: Line, *, coverage: bool = False) -> str:
        """Return a value in a sentence; with the coverage beside its interval where it was metered."""
        figure = self.figure(line)
        figures = {
            "value": figure.value,
            "aside": self._aside(line, figure, coverage=coverage),
            "base": self.base(line),
            "title": line.title,
            **self._named(line),
        }
        phrase = self.names.language.known("clause", self._clause(line), "")
        if not phrase:
            of = f" ({line.of})" if line.of else ""
            return sentence(self._say("sentence", "other", **{**figures, "of": of}))
        return sentence(phrase.format(**figures))

    def base(self, line: Line) -> str:
        """Return the base of a value as it stands in a sentence: "of the measured traffic"; '' of an earlier method."""
        if earlier(line.definition):
            return ""
        base = line.definition.base_of(line.observation.dimension)
        functions = self.names.language.phrases["function"]
        held = (line.observation.dimension or "").split("-")
        function = next((functions[each] for each in held if each in functions), "")
        return self._say("base", base, companies=self._companies(line), function=function, of=line.of)

    def between(self, figure: FigureText) -> str:
        """Return an interval in words: "between 61.5% and 63.5%"; one that rounding closes as that."""
        if figure.low == figure.high:
            return self._say("sentence", "exact")
        return self._say("sentence", "between", low=figure.low, high=figure.high)

    def _say(self, section: str, key: str, /, **values: object) -> str:
        return self.names.language.say(section, key, **values)

    def possible(self, line: Line) -> str:
        """Return the interval of a value that is not told, with its sign and unit."""
        figure = self.names.language.figure(*_limits(line.observation), line.definition.unit)
        priced = replace(figure, low=figure.priced(figure.low), high=figure.priced(figure.high))
        return f"{self.between(priced)}{figure.unit}"

    def _clause(self, line: Line) -> str:
        """Return the key of an indicator's sentence, by what its value is or of whom."""
        name, observation = line.definition.id, line.observation
        if earlier(line.definition):
            return ""
        held = parts(observation.dimension or "")
        if (observation.value or 0.0) < 0 and f"{name}{_NEGATIVE}" in self.names.language.phrases["clause"]:
            return f"{name}{_NEGATIVE}"
        if name == "C4" and parts((observation.dimension or "").split("-")[-1]).count == 1:
            return "C4_one"
        if name == "P1" and observation.dimension == "delivered":
            return "P1_delivered"
        if name == "V8" and held.country == self.names.content.economy:
            return "V8_own" if observation.details.get("in_force") else "V8_proposed"
        # The other scenarios of the laws weigh by a judgement, and no scale fits all functions: no sentence can say these.
        unsaid = name == "J7" and observation.dimension != "equal"
        return "" if unsaid or not sayable(line) else name

    def figure(self, line: Line) -> FigureText:
        """Return the value and its limits as the sentence says them."""
        value, low, high = _limits(line.observation)
        details, unit, name = line.observation.details, line.definition.unit, line.definition.id
        clause = self._clause(line)
        if not clause:
            return self.names.language.figure(value, low, high, unit)
        if name == "C1":
            value, low, high = (
                details[each] * _POINTS for each in ("by_company", "by_company_low", "by_company_high")
            )
            unit = "count"
        elif name in _EQUALS and low > 0:
            value, low, high, unit = 1 / value, 1 / high, 1 / low, "count"
        elif name in _CHANCES:
            unit = "share"
        elif clause.endswith(_NEGATIVE):
            value, low, high = -value, -high, -low
        return self.names.language.figure(value, low, high, unit)

    def _aside(self, line: Line, figure: FigureText, *, coverage: bool) -> str:
        share, between = line.observation.coverage, self.between(figure)
        if coverage and share is not None and metered(line.definition, line.observation):
            key = "aside_exceeded" if share > 1 else "aside_measured"
            return self._say("sentence", key, between=between, share=self.names.language.about(share))
        return self._say("sentence", "aside", between=between)

    def _named(self, line: Line) -> dict[str, str]:
        """Return the names that a sentence may use: countries, taxes, how many, lines of a scale."""
        language, observation = self.names.language, line.observation
        held = parts(observation.dimension or "")
        country = held.country or (observation.dimension or "").split("-")[0]
        scale = band(observation)
        lines = {"low": language.number(MODERATE * _POINTS), "high": language.number(HIGH * _POINTS)}
        return {
            "of": line.of,
            "from": self.from_place(country),
            "k": language.number(parts((observation.dimension or "").split("-")[-1]).count),
            "instrument": language.known("instrument", held.of, held.of.replace("_", " ")),
            "rate": language.percent(held.percent / 100),
            "total": language.number(_POINTS),
            "scale": language.say("scale", scale, **lines) if scale else "",
        }

    def from_place(self, country: str) -> str:
        """Return a country as it stands after "from": "the United States"."""
        language, article = self.names.language, self.names.language.phrases["article"]
        # What is no country may have a name of its own: the EU.
        regime, place = language.known("dimension", country, ""), self.names.place(country)
        # A code that has no name has no article.
        named = bool(regime) or place != country
        genders = (each for each in _GENDERS if named and country in article[f"of_{each}"].split())
        return article[next(genders, "plain")].format(place=regime or place)

    def _companies(self, line: Line) -> str:
        """Return the number of companies that a value is of, and their names where they are few."""
        names: tuple[str, ...] = ()
        if line.definition.dimension == "platform":
            names = self._behind(line)
        count = len(names) or int(line.observation.details.get("companies", 0))
        if not count:
            return self._say("sentence", "companies_unknown")
        named = "_named" if 0 < len(names) <= _NAMED else ""
        key = f"company{named}" if count == 1 else f"companies{named}"
        language = self.names.language
        return self._say("sentence", key, count=language.number(count), names=language.listed(names))

    def _behind(self, line: Line) -> tuple[str, ...]:
        """Return the companies of the platforms that a sum is of, each once."""
        entry, content = self.names.content.entry(line.definition.id), self.names.content
        rows = [each.observation.dimension or "" for each in (entry.readings if entry else ())]
        return tuple(
            dict.fromkeys(
                content.companies.get(each) or content.platforms[each]
                for each in rows
                if each in content.platforms
            )
        )


_GENDERS = ("masculine", "feminine", "masculines", "feminines")


def earlier(definition: Definition) -> bool:
    """Return True if values are of an earlier method: today's words may say of them what they are not."""
    today = CATALOGUE.get(definition.id)
    return today is not None and today.definition.method_version != definition.method_version


def _limits(observation: Observation) -> tuple[float, float, float]:
    assert observation.value is not None and observation.low is not None and observation.high is not None
    return observation.value, observation.low, observation.high


def sayable(line: Line) -> bool:
    """Return True if a value can be said: no scale fits all functions together, and an index needs its scale."""
    return line.definition.id != "C1" or bool(band(line.observation))


def band(observation: Observation) -> str:
    """Return the flag of the scale that an index within a function has; '' where none fits."""
    if not within_function(observation.dimension) or "by_company" not in observation.details:
        return ""
    return next((flag for flag in observation.flags if flag.startswith(_SCALE)), "")


def sentence(text: str) -> str:
    """Return a text as a sentence: with a capital, single spaces, one full stop."""
    text = re.sub(r" {2,}", " ", text).strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."
