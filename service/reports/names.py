"""What things are called in the language of a report: places, dimensions, reasons, what else comes as a code."""

import re
from dataclasses import dataclass

from caudal.service.indicators import Definition
from caudal.service.reason import Recognised, recognise
from caudal.service.reports.content import Content
from caudal.service.reports.destinations import OTHER, UNKNOWN
from caudal.service.reports.language import Language
from caudal.service.reports.language.method import ORIGINAL, method_text

RANK = re.compile(r"^k=(\d+)$")
_STRICT = re.compile(r"^(\w+) strict$")
_THROUGH = re.compile(r"^(place|network) ([A-Z]{2})$")
_DESIGN = re.compile(r"^([A-Z]{2}) (.+) ([\d.]+) %$")


@dataclass(frozen=True)
class Passage:
    """A text, and the language it is in where that is not the report's: '' where it is."""

    text: str
    language: str = ""


@dataclass(frozen=True)
class Names:
    """The names that a report of `content` gives to things in `language`."""

    content: Content
    language: Language

    def place(self, key: str) -> str:
        """Return what a country is called; also the unknown, and others taken together."""
        if key == UNKNOWN:
            return self.language.say("label", "unknown")
        if key == OTHER:
            return self.language.say("label", "other")
        return self.content.places.get(self.language.code, {}).get(key, key)

    def dimension(self, definition: Definition, dimension: str | None) -> str:
        """Return what an observation of an indicator is of; '' where it has no dimension."""
        if not dimension:
            return ""
        if definition.dimension == "category":
            said = self.content.categories.get(self.language.code, {}).get(dimension, "")
            if said:
                return said
        first, joint, rest = dimension.partition("-")
        # A part of a part: a rank within a function, a function of a jurisdiction.
        if joint and not self._functions.isdisjoint((first, rest)):
            return f"{self.dimension(definition, first)}: {self.dimension(definition, rest)}"
        label = self.language.say
        if found := RANK.match(dimension):
            return label("label", "rank_one" if found[1] == "1" else "rank", k=found[1])
        if found := _STRICT.match(dimension):
            return label("label", "strict", of=self._called(found[1]))
        if found := _THROUGH.match(dimension):
            reading = self.language.say("dimension", found[1])
            return label("label", "through", reading=reading, place=self.place(found[2]))
        if found := _DESIGN.match(dimension):
            instrument = self.language.known("instrument", found[2], found[2])
            rate = self.language.percent(float(found[3]) / 100)
            return label("label", "design", place=self.place(found[1]), instrument=instrument, rate=rate)
        return self._called(dimension)

    def reason(self, text: str) -> Passage:
        """Return why there is no value, in words; as it stands where nobody knows that text any more."""
        told = recognise(text)
        if not told or self.language.code == ORIGINAL:
            return Passage(text, ORIGINAL if self.language.code != ORIGINAL else "")
        return Passage("; ".join(self._reason(each) for each in told))

    def marks(self, flags: tuple[str, ...]) -> list[str]:
        """Return flags in a word or two each."""
        return [self.language.known("mark", flag, flag) for flag in flags]

    def source(self, definition: Definition) -> str:
        """Return the source of an indicator, and how it was checked."""
        told = method_text(definition, self.language).source
        status = self.language.known("status", definition.source_status, definition.source_status)
        return told if told == status else f"{told} ({status})"

    def attribution(self, line: str) -> str:
        """Return what the licence of a source asks to be shown."""
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

    def _reason(self, told: Recognised) -> str:
        figures = {name: self._figure(name, value) for name, value in told.figures.items()}
        return self.language.say("reason", told.code, **figures)

    def _figure(self, name: str, value: int | float | str) -> str:
        if isinstance(value, int | float):
            return self.language.number(value, 0 if value == int(value) else 1)
        match name:
            case "country":
                return self.place(value)
            case "month":
                return self.language.month(value)
            case "why":
                return self.reason(value).text
            case "rule":
                return self.language.known("rule", value, value)
            case "degree":
                return self.language.known("term", value, value)
            case "note" if value == "none":
                return self.language.say("term", "none")
            case "item" | "unit" | "regime":
                return self._called(value)
        return value
