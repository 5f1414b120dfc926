"""Digital services taxes: which are in force, what they tax, and whom by their thresholds."""

from collections.abc import Set
from dataclasses import dataclass

import numpy as np

from caudal.service.indicators.facts.currencies import Currencies
from caudal.service.indicators.facts.figures import Row, first_day, last_day, rows
from caudal.service.indicators.model.context import Context
from caudal.service.indicators.model.uncertainty import FloatArray
from caudal.service.indicators.statistics.montecarlo import DRAWS, between
from caudal.service.vocabulary.dimension import design

FILE = "digital_taxes"
COLUMNS = (
    "country",
    "instrument",
    "counted",
    "rate_percent",
    "least_rate_percent",
    "in_force_from",
    "in_force_to",
    "in_force",
    "scope",
    "threshold_global_amount",
    "threshold_global_currency",
    "threshold_domestic_amount",
    "threshold_domestic_currency",
    "threshold_domestic_effect",
)
NOT_LEVIED = "no"
EXCESS = "excess"


@dataclass(frozen=True, eq=False)
class DigitalTax:
    """A tax on the turnover of platforms: rate, services taxed, thresholds as draws in USD.

    `rate` are draws of the rate, a share: several where part of the base bears less. `world` and `home` are the
    least turnovers of a year worldwide and in the country, None where there is none; `excess` says that only
    what is beyond `home` is taxed.
    """

    name: str
    country: str
    rate: FloatArray
    in_force: bool
    scope: frozenset[str]
    world: FloatArray | None
    home: FloatArray | None
    excess: bool
    row: Row

    def reaches(self, levies: Set[str]) -> bool:
        """Return True if one of the services of a platform is taxed."""
        return not self.scope.isdisjoint(levies)

    def taxed(self, world: float, home: FloatArray) -> FloatArray:
        """Return draws of the part of a company's turnover at home, USD, that is beyond the thresholds."""
        part = np.ones(DRAWS)
        if self.world is not None:
            part = part * (world >= self.world)
        if self.home is not None:
            part = part * (home >= self.home)
            if self.excess:
                part = part * np.maximum(0.0, 1.0 - self.home / np.maximum(home, 1.0))
        return np.asarray(part, dtype=np.float64)


def digital_taxes(context: Context) -> list[DigitalTax]:
    """Return the designs to measure by: the economy's own, proposed ones too, and all in force elsewhere.

    Of the rows that are `counted`, those with a scope, and with thresholds in currencies that have a rate of
    exchange. First the own one in force, then what is proposed at home, then by country.
    """
    own = context.economy.country
    currencies = Currencies(context)
    found: dict[str, DigitalTax] = {}
    for row in rows(context, FILE, COLUMNS):
        if row["rate_percent"] <= 0 or not row["counted"] or not row["scope"]:
            continue
        tax = _read(row, currencies, context)
        mine = row["country"] == own and not _over(row, context)
        if tax is None or not (mine or tax.in_force):
            continue
        other = found.get(tax.name)
        if other is None or _rank(tax) > _rank(other):
            found[tax.name] = tax
    return sorted(found.values(), key=lambda tax: (tax.country != own, not tax.in_force, tax.name))


def _rank(tax: DigitalTax) -> tuple[bool, str]:
    return tax.in_force, str(tax.row["in_force_from"])


def _over(row: Row, context: Context) -> bool:
    until = row["in_force_to"]
    return until is not None and bool(until < first_day(context))


def _read(row: Row, currencies: Currencies, context: Context) -> DigitalTax | None:
    year = first_day(context).year
    thresholds: list[FloatArray | None] = []
    for which in ("global", "domestic"):
        amount, currency = row[f"threshold_{which}_amount"], row[f"threshold_{which}_currency"]
        if amount is None:
            thresholds.append(None)
            continue
        usd = currencies.usd_draws(str(currency), year)
        if usd is None:
            return None
        thresholds.append(float(amount) * usd)
    rate, least = float(row["rate_percent"]) / 100, row["least_rate_percent"]
    name = design(str(row["country"]), str(row["instrument"]), float(row["rate_percent"]))
    world, home = thresholds
    return DigitalTax(
        name=name,
        country=str(row["country"]),
        rate=np.full(DRAWS, rate) if least is None else between(f"rate of {name}", float(least) / 100, rate),
        in_force=_in_force(row, context),
        scope=frozenset(str(row["scope"]).split()),
        world=world,
        home=home,
        excess=row["threshold_domestic_effect"] == EXCESS,
        row=row,
    )


def _in_force(row: Row, context: Context) -> bool:
    since, until = row["in_force_from"], row["in_force_to"]
    if since is None or since > last_day(context) or (until is not None and until < first_day(context)):
        return False
    return bool(row["in_force"] != NOT_LEVIED)
