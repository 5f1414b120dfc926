"""Known receipts: what states received from digital services, as the turnover a year that they imply."""

from dataclasses import dataclass
from datetime import date

from caudal.service.indicators.facts.currencies import Currencies
from caudal.service.indicators.facts.figures import MILLION, rows
from caudal.service.indicators.model.context import Context

FILE = "known_receipts"
COLUMNS = (
    "country",
    "period_start",
    "period_end",
    "measure",
    "instrument",
    "scope",
    "rate_percent",
    "amount_m",
    "currency",
    "bound",
    "counted",
)
LEVY = "levy"
VAT = "vat"
REVENUE = "revenue"
DAYS_IN_YEAR = 365.25


@dataclass(frozen=True)
class Receipt:
    """Receipts of one tax in one period: `base` is the turnover that they imply, USD a year.

    `measure` is levy, vat or revenue; `scope` are the services taxed, none where it is all. `month` is that in
    the middle of the period. `amount` are the receipts of the period in USD, `years` its length.
    """

    country: str
    measure: str
    instrument: str
    scope: frozenset[str]
    start: date
    end: date
    rate: float
    amount: float
    bound: str
    counted: bool
    status: str

    @property
    def years(self) -> float:
        """The length of the period in years."""
        return ((self.end - self.start).days + 1) / DAYS_IN_YEAR

    @property
    def month(self) -> str:
        """The month in the middle of the period, YYYY-MM."""
        return f"{self.start + (self.end - self.start) / 2:%Y-%m}"

    @property
    def base(self) -> float:
        """The turnover that the receipts imply, USD a year."""
        return self.amount / self.rate / self.years


def receipts(context: Context) -> list[Receipt]:
    """Return the receipts of which a turnover follows: of one rate, above nothing, in a currency with a rate."""
    currencies = Currencies(context)
    found = []
    for row in rows(context, FILE, COLUMNS):
        rate = 100.0 if row["measure"] == REVENUE else row["rate_percent"]
        if row["measure"] not in (LEVY, VAT, REVENUE) or not rate or not row["amount_m"]:
            continue
        middle = row["period_start"] + (row["period_end"] - row["period_start"]) / 2
        usd = currencies.usd(str(row["currency"]), middle.year)
        if usd is None:
            continue
        found.append(
            Receipt(
                country=str(row["country"]),
                measure=str(row["measure"]),
                instrument=str(row["instrument"]),
                scope=frozenset(str(row["scope"] or "").split()),
                start=row["period_start"],
                end=row["period_end"],
                rate=float(rate) / 100,
                amount=float(row["amount_m"]) * MILLION * usd,
                bound=str(row["bound"]),
                counted=bool(row["counted"]),
                status=str(row["status"]),
            )
        )
    return sorted(found, key=lambda each: (each.country, each.measure, each.start, each.instrument))
