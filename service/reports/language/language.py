"""A language as a report needs it: phrases from its file, numbers, dates and months as CLDR has them."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.localedata import exists
from babel.numbers import format_decimal

from caudal.service.period import Month

LANGUAGES: Mapping[str, str] = MappingProxyType({"es": "español", "pt": "português", "en": "English"})

# The files of a language: names and labels, what is found, why there is no value.
_PARTS = ("", ".findings", ".reasons")
MINUS = "−"
# Money is shown in millions from this on.
_MILLION = 1e6
_BYTES = ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B"))
_SIGNIFICANT = 3
_MOST_DECIMALS = 8
_HUNDREDTH = 0.01
# Units whose name is not written after the number: the title says what it is.
_BARE = frozenset({"share", "index", "count", "score"})


@dataclass(frozen=True)
class FigureText:
    """A value and its interval as a language writes them, to the same number of decimals; its limits also apart.

    The limits have a sign of per cent each, but no name of another unit, which the value has: `unit`, '' of shares.
    """

    value: str
    interval: str
    low: str
    high: str
    unit: str


@dataclass(frozen=True)
class Language:
    """One language in the form of one country, where CLDR has that."""

    code: str
    territory: str

    @classmethod
    def of(cls, code: str, economy: str) -> "Language":
        """Return a language of LANGUAGES as an economy writes it: decimal commas in Chile, points in Mexico."""
        return _language(code, economy)

    @cached_property
    def locale(self) -> Locale:
        """Its CLDR locale."""
        return Locale.parse(f"{self.code}_{self.territory}" if self.territory else self.code)

    @cached_property
    def tag(self) -> str:
        """Its BCP 47 tag, as HTML and HTTP write it."""
        return f"{self.code}-{self.territory}" if self.territory else self.code

    @cached_property
    def phrases(self) -> Mapping[str, Mapping[str, str]]:
        """Its words, by section and key."""
        return _phrases(self.code)

    def say(self, section: str, key: str, /, **values: object) -> str:
        """Return a phrase with values put in; KeyError where the language has none."""
        return self.phrases[section][key].format(**values)

    def known(self, section: str, key: str, default: str) -> str:
        """Return a phrase that may be missing, for names that grow without the languages: groups, flags, units."""
        return self.phrases.get(section, {}).get(key, default)

    def number(self, value: float, decimals: int = 0) -> str:
        """Return a number with its thousands apart."""
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
        return str(format_decimal(value, format=pattern, locale=self.locale)).replace("-", MINUS)

    def percent(self, share: float) -> str:
        """Return a share in per cent."""
        return self.figure(share, share, share, "share").value

    def about(self, share: float) -> str:
        """Return a share in whole per cent, as it is said by the way; one below a hundredth as `percent` has it."""
        whole = round(share, 2)
        return (
            self.number(whole * 100) + self.scale("share", whole)[1]
            if whole >= _HUNDREDTH
            else self.percent(share)
        )

    def figure(self, value: float, low: float, high: float, unit: str) -> FigureText:
        """Return a value and its interval, in words of its unit."""
        scale, suffix = self.scale(unit, max(abs(value), abs(low), abs(high)))
        value, low, high = value * scale, low * scale, high * scale
        size = max(abs(value), abs(low), abs(high))
        # A tenth of a per cent is enough but for shares below one.
        decimals = _decimals(size) if unit != "share" else 1 if size >= 1 or not size else _decimals(size, 2)
        texts = [self.number(number, decimals) for number in (value, low, high)]
        sign = suffix if unit == "share" else ""
        return FigureText(
            texts[0] + suffix,
            self.span(texts[1], texts[2], dashed=low >= 0) + sign,
            texts[1] + sign,
            texts[2] + sign,
            "" if unit == "share" else suffix,
        )

    def scale(self, unit: str, size: float) -> tuple[float, str]:
        """Return what numbers of this size are multiplied by to be shown, and what is written after them."""
        if unit == "share":
            pattern = str(self.locale.percent_formats[None].pattern)
            return 100.0, pattern[pattern.rindex("0") + 1 :]
        if unit in _BARE:
            return 1.0, ""
        if unit == "bytes":
            least, name = next(each for each in _BYTES if size >= each[0] or each[0] == 1)
            return 1 / least, f" {name}"
        name = self.known("unit", unit, unit)
        if unit.startswith("USD") and size >= _MILLION:
            return 1 / _MILLION, f" {self.say('unit', 'million')} {name}"
        return 1.0, f" {name}"

    def span(self, low: str, high: str, *, dashed: bool = True) -> str:
        """Return an interval of two written numbers; a dash beside a minus sign would be misread."""
        return f"{low} – {high}" if dashed else self.say("document", "span", low=low, high=high)

    def month(self, month: str) -> str:
        """Return a month YYYY-MM in words."""
        return str(format_skeleton("yMMMM", Month.parse(month).start.date(), locale=self.locale))

    def date(self, day: date) -> str:
        """Return a day in words."""
        return str(format_date(day, "long", locale=self.locale))

    def listed(self, names: tuple[str, ...]) -> str:
        """Return names with commas between."""
        return ", ".join(names)


def _decimals(size: float, significant: int = _SIGNIFICANT) -> int:
    if not size:
        return 0
    return min(max(significant - 1 - math.floor(math.log10(size)), 0), _MOST_DECIMALS)


@lru_cache(maxsize=64)
def _language(code: str, economy: str) -> Language:
    # The economy XA and its like are no territories: the language as such then.
    return Language(code, economy if exists(f"{code}_{economy}") else "")


@lru_cache(maxsize=len(LANGUAGES))
def _phrases(code: str) -> Mapping[str, Mapping[str, str]]:
    """Return the sections of all files of a language; no two of them have a section in common."""
    sections: dict[str, Any] = {}
    for part in _PARTS:
        file = files(__package__) / f"{code}{part}.toml"
        if file.is_file():
            sections.update(tomllib.loads(file.read_text(encoding="utf-8")))
    return MappingProxyType({name: MappingProxyType(section) for name, section in sections.items()})
