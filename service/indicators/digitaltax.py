"""Digital services taxes: which are in force, what they tax, and whom by their thresholds."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from caudal.service.dimension import design
from caudal.service.indicators.context import Context
from caudal.service.indicators.figures import Row, first_day, last_day, rows
from caudal.service.indicators.montecarlo import between_logs
from caudal.service.indicators.uncertainty import FloatArray, Interval

FILE = "digital_taxes"
COLUMNS = (
    "country",
    "instrument",
    "rate_percent",
    "in_force_from",
    "in_force_to",
    "base",
    "threshold",
    "state",
)
BENCHMARK = "DST"
# Value-added taxes, duties and withholding on payments are no taxes on the turnover of platforms.
TURNOVER = re.compile(r"^(DST|CIDE-Digital)\b")
# USD for one unit, bounds of the years since 2020, from memory: the reference has no rates of exchange.
CURRENCIES: Mapping[str, Interval] = {
    "USD": (1.0, 1.0),
    "EUR": (0.95, 1.25),
    "GBP": (1.05, 1.45),
    "BRL": (0.15, 0.30),
}
_AMOUNT = r"([A-Z]{3}) (\d+(?:\.\d+)?)(m|bn)"
_GLOBAL = re.compile(rf"\bglobal {_AMOUNT}\b")
_DOMESTIC = re.compile(rf"\bdomestic {_AMOUNT}\b|^{_AMOUNT} in [A-Z]{{2}}\b")
_SCALE = {"m": 1e6, "bn": 1e9}

# Words of a tax's base, and the words of categories of platforms that live on what they name.
_SCOPES: Mapping[str, frozenset[str]] = {
    "ads": frozenset({"ads", "adtech", "search", "social"}),
    "advertising": frozenset({"ads", "adtech", "search", "social"}),
    "data": frozenset({"ads", "adtech", "search", "social"}),
    "search": frozenset({"search"}),
    "social": frozenset({"social"}),
    "intermediation": frozenset({"marketplace"}),
    "marketplaces": frozenset({"marketplace"}),
    "platforms": frozenset({"marketplace", "social"}),
    "content": frozenset({"streaming", "video", "music"}),
}


@dataclass(frozen=True)
class Threshold:
    """An amount of money in its currency."""

    amount: float
    currency: str

    @property
    def usd(self) -> FloatArray:
        """Draws of the amount in USD."""
        return self.amount * between_logs(f"USD for {self.currency}", *CURRENCIES[self.currency])


@dataclass(frozen=True)
class DigitalTax:
    """A tax on the turnover of platforms: its rate as a share, the categories it reaches, its thresholds."""

    name: str
    country: str
    rate: float
    in_force: bool
    scope: frozenset[str]
    world: Threshold | None
    home: Threshold | None
    row: Row

    def reaches(self, categories: Iterable[str]) -> bool:
        """Return whether the base of the tax names what one of `categories` lives on."""
        return any(not self.scope.isdisjoint(category.split("_")) for category in categories)


def digital_taxes(context: Context) -> list[DigitalTax]:
    """Return the designs to measure by: the economy's own, proposed ones too, and others' DST in force.

    Only designs whose thresholds are given, in words that are understood and a currency of CURRENCIES.
    The own ones come first, then by country.
    """
    own = context.economy.country
    found: dict[str, DigitalTax] = {}
    for row in rows(context, FILE, COLUMNS):
        if row["rate_percent"] <= 0 or not TURNOVER.match(row["instrument"]):
            continue
        tax = _read(row, context)
        mine = row["country"] == own and not _over(row, context)
        if tax is None or not (mine or (tax.in_force and row["instrument"] == BENCHMARK)):
            continue
        other = found.get(tax.name)
        if other is None or _rank(tax) > _rank(other):
            found[tax.name] = tax
    return sorted(found.values(), key=lambda tax: (tax.country != own, tax.name))


def _rank(tax: DigitalTax) -> tuple[bool, str]:
    return tax.in_force, str(tax.row["in_force_from"])


def _over(row: Row, context: Context) -> bool:
    until = row["in_force_to"]
    return until is not None and bool(until < first_day(context))


def _read(row: Row, context: Context) -> DigitalTax | None:
    text = str(row["threshold"] or "")
    world, home = _threshold(_GLOBAL, text), _threshold(_DOMESTIC, text)
    readable = [each for each in (world, home) if each is not None]
    named = len(re.findall(r"\b(?:global|domestic) [A-Z]{3} ", text))
    if not readable or len(readable) < named or any(each.currency not in CURRENCIES for each in readable):
        return None
    words = re.findall(r"[a-z]+", str(row["base"] or "").lower())
    scope = frozenset[str]().union(*(_SCOPES.get(word, frozenset()) for word in words))
    if not scope and "revenue" in words:
        scope = frozenset[str]().union(*_SCOPES.values())
    return DigitalTax(
        name=design(str(row["country"]), str(row["instrument"]), float(row["rate_percent"])),
        country=str(row["country"]),
        rate=float(row["rate_percent"]) / 100,
        in_force=_in_force(row, context),
        scope=scope,
        world=world,
        home=home,
        row=row,
    )


def _threshold(pattern: re.Pattern[str], text: str) -> Threshold | None:
    found = pattern.search(text)
    if found is None:
        return None
    currency, number, scale = (part for part in found.groups() if part is not None)
    return Threshold(float(number) * _SCALE[scale], currency)


def _in_force(row: Row, context: Context) -> bool:
    since, until = row["in_force_from"], row["in_force_to"]
    if since is None or since > last_day(context) or (until is not None and until < first_day(context)):
        return False
    declared = row.get("in_force")
    if declared:
        return bool(declared != "no")
    return not str(row["state"]).startswith(("paused", "suspended", "proposal"))
