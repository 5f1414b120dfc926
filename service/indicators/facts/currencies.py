"""Rates of exchange: what a unit of a currency was worth in a year, in USD."""

import numpy as np

from caudal.service.indicators.facts.figures import Row, rows
from caudal.service.indicators.model.context import Context
from caudal.service.indicators.model.uncertainty import FloatArray
from caudal.service.indicators.statistics.montecarlo import DRAWS, between_logs

FILE = "exchange_rates"
COLUMNS = ("currency", "year", "units_per_usd", "least", "greatest")
USD = "USD"
# Where the facts give no least and greatest daily rate of a year, a day's rate lies within this factor of the
# average: that of the real in a common year.
DAILY_SPREAD = 1.12


class Currencies:
    """Turns money of a currency and year into USD, by the facts."""

    def __init__(self, context: Context) -> None:
        """Read the rates of the facts of `context`."""
        self._rates: dict[str, dict[int, Row]] = {}
        for row in rows(context, FILE, COLUMNS):
            self._rates.setdefault(str(row["currency"]), {})[int(row["year"])] = row

    def row(self, currency: str, year: int) -> Row | None:
        """Return the rate of the year, else of the last year before it; None where there is none."""
        years = self._rates.get(currency, {})
        before = [each for each in years if each <= year]
        return years[max(before)] if before else None

    def usd(self, currency: str, year: int) -> float | None:
        """Return USD for one unit, by the average of the year; None where the facts have no rate."""
        if currency == USD:
            return 1.0
        row = self.row(currency, year)
        return None if row is None else 1.0 / float(row["units_per_usd"])

    def usd_draws(self, currency: str, year: int) -> FloatArray | None:
        """Return draws of USD for one unit on any day of the year; None where the facts have no rate."""
        if currency == USD:
            return np.ones(DRAWS)
        row = self.row(currency, year)
        if row is None:
            return None
        average = float(row["units_per_usd"])
        least, greatest = row["least"] or average / DAILY_SPREAD, row["greatest"] or average * DAILY_SPREAD
        return between_logs(f"USD for {currency}", 1.0 / float(greatest), 1.0 / float(least))
