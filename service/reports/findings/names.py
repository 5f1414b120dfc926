"""Names in the language of a report: of places, dimensions, reasons and whatever else comes as a code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from caudal.service.indicators import Definition
from caudal.service.reports.content import Content
from caudal.service.reports.content.destinations import OTHER, UNKNOWN
from caudal.service.reports.language import Language
from caudal.service.reports.language.method import method_text
from caudal.service.vocabulary.dimension import parts
from caudal.service.vocabulary.languages import ORIGINAL
from caudal.service.vocabulary.reason import REASONS, Figure, Reason, Told

# The reason that holds a sentence of an earlier version.
_EARLIER = "earlier"


@dataclass(frozen=True)
class Passage:
    """A text, and the language it is in where that is not the report's: '' where it is."""

    text: str
    language: str = ""


class Named(Protocol):
    """A source of names: of places and categories by language and id, of platforms by id."""

    @property
    def places(self) -> Mapping[str, Mapping[str, str]]:
        """Names of countries."""

    @property
    def platforms(self) -> Mapping[str, str]:
        """Names of platforms."""

    @property
    def categories(self) -> Mapping[str, Mapping[str, str]]:
        """Names of kinds of service."""


@dataclass(frozen=True)
class Called:
    """The names that a report of `content`, of one economy or of several, gives to things in `language`."""

    content: Named
    language: Language

    def border(self, key: str) -> str:
        """Return the words for one of the three flows: stays in the country, leaves it, comes into it."""
        return self.language.known("border", key, key)

    def place(self, key: str) -> str:
        """Return the name of a country; also of the unknown, and of others taken together."""
        if key == UNKNOWN:
            return self.language.say("label", "unknown")
        if key == OTHER:
            return self.language.say("label", "other")
        return self.content.places.get(self.language.code, {}).get(key, key)

    def dimension(self, definition: Definition, dimension: str | None) -> str:
        """Return the words for the part that an observation is of; '' where it has no dimension."""
        if not dimension:
            return ""
        if definition.dimension == "category":
            said = self.content.categories.get(self.language.code, {}).get(dimension, "")
            if said:
                return said
        first, joint, rest = dimension.partition("-")
        # A part of a part: a rank within a function, a function of a jurisdiction.
        if joint and not self._functions.isdisjoint((first, rest)):
            if parts(rest).form == "largest":
                first, rest = rest, first
            return f"{self.dimension(definition, first)}: {self.dimension(definition, rest)}"
        return self.breakdown(dimension)

    def breakdown(self, dimension: str) -> str:
        """Return the name of a dimension's id that is no category."""
        label = self.language.say
        held = parts(dimension)
        match held.form:
            case "largest":
                return label("label", "rank_one" if held.count == 1 else "rank", k=str(held.count))
            case "strict":
                return label("label", "strict", of=self._called(held.of))
            case "through":
                reading = self.language.say("dimension", held.of)
                return label("label", "through", reading=reading, place=self.place(held.country))
            case "design":
                instrument = self.language.known("instrument", held.of, held.of.replace("_", " "))
                rate = self.language.percent(held.percent / 100)
                return label(
                    "label", "design", place=self.place(held.country), instrument=instrument, rate=rate
                )
        return self._called(dimension)

    def measure(self, definition: Definition, dimension: str | None) -> str:
        """Return the words for a value and its part, as a sentence begins; title and dimension where the language has none."""
        title = definition.title.get(self.language.code, definition.title["en"])
        of = self.dimension(definition, dimension)
        phrase = self.language.known("measure", definition.id, "") or (f"{title} ({{of}})" if of else title)
        said = phrase.format(of=of, k=str(parts(dimension or "").count))
        return said[:1].upper() + said[1:]

    def reason(self, why: Reason | None) -> Passage:
        """Return why there is no value: what is missing and who has it, in whole sentences, each once.

        In English where an earlier version told it in words of its own.
        """
        if why is None:
            return Passage("")
        if any(each.code == _EARLIER or each.code not in REASONS for each in why.told):
            return Passage(str(why), "" if self.language.code == ORIGINAL else ORIGINAL)
        return Passage(" ".join(dict.fromkeys(_sentence(self._reason(each)) for each in why.told)))

    def marks(self, flags: tuple[str, ...]) -> list[str]:
        """Return flags in a word or two each."""
        return [self.language.known("mark", flag, flag) for flag in flags]

    def source(self, definition: Definition) -> str:
        """Return the source of an indicator, and how it was checked."""
        told = method_text(definition, self.language).source
        status = self.language.known("status", definition.source_status, definition.source_status)
        return told if told == status else f"{told} ({status})"

    def attribution(self, line: str) -> str:
        """Return the line that the licence of a source asks to be shown."""
        return self.language.known("attribution", line, line)

    @property
    def _functions(self) -> frozenset[str]:
        return frozenset(self.language.phrases["function"])

    def _called(self, dimension: str) -> str:
        said = self.language.known("dimension", dimension, "") or self.language.known(
            "function", dimension, ""
        )
        if said:
            return said
        place = self.place(dimension)
        return self.content.platforms.get(dimension, place.replace("_", " "))

    def _reason(self, told: Told) -> str:
        figures = {name: self._figure(name, value) for name, value in told.figures.items()}
        return self.language.say("reason", told.code, **figures)

    def _figure(self, name: str, value: Figure) -> str:
        if isinstance(value, Reason):
            return " ".join(self._reason(each) for each in value.told)
        if isinstance(value, int | float):
            if name == "year":
                return str(value)
            if name == "percent":
                return self.language.percent(value / 100)
            return self.language.number(value, 0 if value == int(value) else 1)
        match name:
            case "country":
                return self.place(value)
            case "month":
                return self.language.month(value)
            case "rule":
                return self.language.known("rule", value, value)
            case "degree":
                return self.language.known("term", value, value)
            case "note" if value == "none":
                return self.language.say("term", "none")
            case "item" | "unit" | "regime":
                return self._called(value)
        return value


@dataclass(frozen=True)
class Names(Called):
    """The names in the report of one economy."""

    content: Content


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
