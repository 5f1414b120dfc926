"""A language as a report needs it: phrases from its file, numbers, dates and months as CLDR has them."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.localedata import exists
from babel.numbers import format_decimal

from caudal.service.reports.language.phrases import WRITING, phrases
from caudal.service.vocabulary.languages import texts
from caudal.service.vocabulary.period import Month

# CLDR has the hyphen here. U+2212 is read aloud as "minus", is as wide as a plus and stays beside its number.
MINUS = "−"
# Money is shown in these from them on, in the words of CLDR, where a language names no others.
_SCALES = (1_000_000_000, 1_000_000)
# A number whose noun is in the plural in every language here.
_MANY = 2.0
_BYTES = ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B"))
_SIGNIFICANT = 3
_MOST_DECIMALS = 8
# What stands for a number or a percentage in a fixed text: {1800}, {0.25}, {1%}.
_FIXED = re.compile(r"\{(\d+(?:\.(\d+))?)(%?)\}")
_HUNDREDTH = 0.01
# Units whose name is not written after the number: the title says what it is.
_BARE = frozenset({"share", "index", "count", "score"})


@dataclass(frozen=True)
class FigureText:
    """A value and its interval as a language writes them, to the same number of decimals; its limits also apart.

    The limits have a sign of per cent each, but no name of another unit, which the value has: `before` and `unit` are what
    stands before and after it, '' of shares. `bare` is the value without either, and without a sign of per cent.
    """

    value: str
    interval: str
    low: str
    high: str
    before: str
    unit: str
    bare: str

    @property
    def with_interval(self) -> str:
        """The value, and its interval in brackets."""
        return f"{self.value} ({self.interval})"

    def named(self, text: str) -> str:
        """Return a limit or the interval with the name of the unit, as the value has it."""
        return self.priced(text) + self.unit

    def priced(self, text: str) -> str:
        """Return a limit or the interval with what stands before it: −US$ 2.00 is negative."""
        minus = MINUS if self.before and text.startswith(MINUS) else ""
        return minus + self.before + text.removeprefix(minus)


@dataclass(frozen=True)
class Language:
    """A language in the form of one country, where CLDR has that."""

    code: str
    territory: str

    @classmethod
    def of(cls, code: str, economy: str) -> "Language":
        """Return a language of LANGUAGES as an economy writes it: decimal commas in Chile, points in Mexico."""
        return _language(code, economy)

    @cached_property
    def locale(self) -> Locale:
        """The CLDR locale."""
        return Locale.parse(f"{self.code}_{self.territory}" if self.territory else self.code)

    @cached_property
    def tag(self) -> str:
        """The BCP 47 tag, as HTML and HTTP write it."""
        return f"{self.code}-{self.territory}" if self.territory else self.code

    @cached_property
    def phrases(self) -> Mapping[str, Mapping[str, str]]:
        """The words by section and key; their fixed numbers as the country writes them."""
        return MappingProxyType(
            {
                name: MappingProxyType({key: self.written(text) for key, text in section.items()})
                for name, section in phrases(self.code).items()
            }
        )

    def written(self, text: str) -> str:
        """Return a fixed text with its numbers as the country writes them: {1800} and {1%} are 1.800 and 1% in Chile."""

        def number(found: re.Match[str]) -> str:
            return self.number(float(found[1]), len(found[2] or "")) + (self.percent_sign if found[3] else "")

        return _FIXED.sub(number, text)

    def say(self, section: str, key: str, /, **values: object) -> str:
        """Return a phrase with values put in; KeyError where the language has none."""
        return self.phrases[section][key].format(**values)

    def known(self, section: str, key: str, default: str) -> str:
        """Return a phrase that may be missing, for names that grow without the languages: groups, flags, units."""
        return self.phrases.get(section, {}).get(key, default)

    def number(self, value: float, decimals: int = 0) -> str:
        """Return a number with its thousands apart, from 10,000 on where CLDR has that."""
        apart = not self._apart_later or abs(round(value, decimals)) >= 10_000
        pattern = ("#,##0" if apart else "0") + ("." + "0" * decimals if decimals else "")
        return str(format_decimal(value, format=pattern, locale=self.locale)).replace("-", MINUS)

    def percent(self, share: float) -> str:
        """Return a share in per cent."""
        return self.figure(share, share, share, "share").value

    def about(self, share: float) -> str:
        """Return a share in whole per cent, as it is said by the way; one below a hundredth as `percent` has it."""
        whole = round(share, 2)
        return self.number(whole * 100) + self.percent_sign if whole >= _HUNDREDTH else self.percent(share)

    def figure(
        self, value: float, low: float, high: float, unit: str, size: float | None = None
    ) -> FigureText:
        """Return a value and its interval, in words of its unit; scaled as numbers of `size` are where that is given."""
        if size is None:
            size = max(abs(value), abs(low), abs(high))
        factor, suffix = self.scale(unit, size)
        value, low, high = value * factor, low * factor, high * factor
        largest = max(abs(value), abs(low), abs(high))
        # A tenth of a per cent is enough but for shares below one.
        small = unit == "share" and (largest >= 1 or not largest)
        decimals = 1 if small else _decimals(largest, 2 if unit == "share" else _SIGNIFICANT)
        texts = [self.number(number, decimals) for number in (value, low, high)]
        if unit in self.phrases["money"]:
            suffix = self._money(unit, size, round(abs(value), decimals))[1]
        sign = suffix if unit == "share" else ""
        interval = self.span(texts[1], texts[2], dashed=low >= 0) + sign
        before, minus = self.before(unit), MINUS if texts[0].startswith(MINUS) else ""
        return FigureText(
            value=minus + before + texts[0].removeprefix(MINUS) + suffix,
            interval=interval,
            low=texts[1] + sign,
            high=texts[2] + sign,
            before=before,
            unit="" if sign else suffix,
            bare=texts[0],
        )

    def before(self, unit: str) -> str:
        """Return the text before a number of a unit: a currency, in some languages."""
        return self._money(unit, 0, 0)[0] if unit in self.phrases["money"] else ""

    def scale(self, unit: str, size: float) -> tuple[float, str]:
        """Return the factor for the numbers of an axis of this size, and the text after them."""
        if unit == "share":
            return 100.0, self.percent_sign
        if unit in _BARE:
            return 1.0, ""
        if unit == "bytes":
            least, name = next(each for each in _BYTES if size >= each[0] or each[0] == 1)
            return 1 / least, f" {name}"
        if unit in self.phrases["money"]:
            factor = 1 / (self._scale(size) or 1)
            # An axis has many numbers, whatever its greatest: US$ milhões from 0 to 1.
            return factor, self._money(unit, size, _MANY)[1]
        return 1.0, f" {self.known('unit', unit, unit)}"

    @cached_property
    def percent_sign(self) -> str:
        """The text after a number of per cent: the sign, in some countries after a space that does not break."""
        pattern = str(self.locale.percent_formats[None].pattern)
        return pattern[pattern.rindex("0") + 1 :]

    @cached_property
    def _writing(self) -> Mapping[str, Any]:
        """The section of the language's file on writing numbers."""
        return texts(self.code).get(WRITING, {})

    @cached_property
    def _apart_later(self) -> bool:
        """True if thousands are set apart from 10,000 on only, as CLDR 48 has it where minimumGroupingDigits is 2."""
        return self.territory in self._writing.get("apart_later", ())

    def _scale(self, size: float) -> int:
        """Return the unit in which money of this size is counted, a million or a thousand million; 0 where it is small."""
        scales: tuple[int, ...] = tuple(self._writing.get("money_scales", _SCALES))
        return next((each for each in scales if size >= each), 0)

    def _money(self, unit: str, size: float, shown: float) -> tuple[str, str]:
        """Return the texts before and after the number `shown` of an amount of this size."""
        scale, words = self._scale(size), ""
        if scale:
            forms = self.locale.compact_decimal_formats["long"]
            plural = self.locale.plural_form(Decimal(str(shown)))
            words = forms[plural][str(scale)].pattern.strip("0 \u00a0")
        phrase = self.phrases["scaled" if scale else "money"][unit]
        before, _, after = phrase.partition("{number}")
        return before, after.format(scale=words)

    def span(self, low: str, high: str, *, dashed: bool = True) -> str:
        """Return an interval of two written numbers; a dash beside a minus sign would be misread."""
        return f"{low} – {high}" if dashed else self.say("document", "span", low=low, high=high)

    def month(self, month: str) -> str:
        """Return a month YYYY-MM in words."""
        return str(format_skeleton("yMMMM", Month.parse(month).start.date(), locale=self.locale))

    def month_short(self, month: str) -> str:
        """Return the name of a month YYYY-MM as it stands on an axis: without its year, abbreviated."""
        return str(format_date(Month.parse(month).start.date(), "LLL", locale=self.locale))

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
