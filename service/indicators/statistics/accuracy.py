"""Accuracy of address databases for a country's own addresses: which measurement applies."""

from dataclasses import dataclass

import polars as pl

from caudal.service.indicators.model.context import Context

# The database that the address table is built from, as the accuracy table names its columns.
DATABASE_PREFIX = "geo_whois"
# Measured Sp was 0.998 or more wherever it was measured; the true one lies between this and 1.
LEAST_SPECIFICITY = 0.998
# Where address databases put what they place wrongly: among the networks' registered homes.
ERRORS_POINT_TO = "US"
_COLUMNS = ("usable", "countries", "excepted", "sampled_ips")


@dataclass(frozen=True)
class Accuracy:
    """Sensitivity of the database inside an area, and by how many trials it was measured.

    Addresses of one range are right or wrong together, so that ranges are trials rather than addresses, where
    their number is known. `extrapolated` says that the measurement was made in other countries than the economy.
    """

    sensitivity: float
    trials: int
    extrapolated: bool


def domestic_accuracy(context: Context) -> Accuracy | None:
    """Return the accuracy of placing the economy's own addresses in it; None where none was measured.

    In order: the row of the country alone; the row that names the country among others, or names countries
    of its region (addresses of one region's clouds fail alike: their blocks are registered abroad); the row of
    all regions outside the United States. For the United States itself no row fits: errors point there.
    """
    country = context.economy.country
    for row in _rows(context.accuracy):
        if row.countries == {country}:
            return Accuracy(row.sensitivity, row.trials, extrapolated=False)
    return regional_accuracy(context)


def regional_accuracy(context: Context) -> Accuracy | None:
    """Return the accuracy of placing addresses of the economy's region in it; None where none was measured.

    The table counts an address as found only in its very country, so this sensitivity is a lower bound
    for a region, and a share corrected with it an upper one.
    """
    country = context.economy.country
    for row in _rows(context.accuracy):
        if len(row.countries) > 1 and (country in row.countries or row.countries & context.region):
            return Accuracy(row.sensitivity, row.trials, extrapolated=country not in row.countries)
    return None if country == "US" else abroad_accuracy(context)


def abroad_accuracy(context: Context) -> Accuracy | None:
    """Return the accuracy of placing addresses anywhere outside the United States; None where not measured."""
    for row in _rows(context.accuracy):
        if row.excepted == ERRORS_POINT_TO:
            return Accuracy(row.sensitivity, row.trials, extrapolated=True)
    return None


def accuracy_in(context: Context, territory: frozenset[str]) -> Accuracy | None:
    """Return the accuracy of placing addresses of a territory in it: of a country that of its own row or of one that names it.

    Of several countries, and of one that no row names, it is that of all outside the United States.
    """
    rows = [row for row in _rows(context.accuracy) if territory and territory <= row.countries]
    if len(territory) == 1 and rows:
        own = min(rows, key=lambda row: len(row.countries))
        return Accuracy(own.sensitivity, own.trials, extrapolated=False)
    return abroad_accuracy(context)


@dataclass(frozen=True)
class _Row:
    """A measurement: of the regions of some countries, or of all but one that is `excepted`."""

    countries: frozenset[str]
    excepted: str
    sensitivity: float
    trials: int


def _rows(table: pl.DataFrame) -> list[_Row]:
    """Return the rows that a correction can use."""
    column = next((name for name in table.columns if name.startswith(DATABASE_PREFIX)), None)
    if column is None or not set(_COLUMNS) <= set(table.columns):
        return []
    counts = [pl.col(name).cast(pl.Int64) for name in ("ranges", "sampled_ips") if name in table.columns]
    usable = table.filter(pl.col("usable")).select(
        pl.col("countries").fill_null(""),
        pl.col("excepted").fill_null(""),
        pl.col(column).cast(pl.Float64).alias("sensitivity"),
        pl.min_horizontal(counts).alias("trials"),
    )
    usable = usable.drop_nulls()
    # With Se + Sp ≤ 1 a database tells no more than a coin, and cannot be corrected.
    usable = usable.filter(pl.col("sensitivity").is_between(1 - LEAST_SPECIFICITY, 1, closed="right"))
    return [
        _Row(frozenset(str(countries).split()), str(excepted), float(se), int(n))
        for countries, excepted, se, n in usable.iter_rows()
    ]
