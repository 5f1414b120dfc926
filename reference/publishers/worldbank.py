"""World Bank CSV: the download of an indicator (API_…_DS2_en_csv_v2_….csv or its ZIP), or of DataBank.

Above the data of the first stand `Data Source`, `Last Updated Date`; the columns are Country Name, Country
Code, Indicator Name, Indicator Code, then a column for each year. DataBank calls them Series Name and Series
Code, writes years as `2023 [YR2023]` and what is missing as `..`.
"""

import re
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path

from caudal.reference.files.catalogue import ECONOMIES, SERVICES_TRADE, SUBSCRIBERS
from caudal.reference.files.errors import ImportFault
from caudal.reference.publishers.imported import Cells, Imported
from caudal.reference.publishers.places import Places
from caudal.reference.publishers.tables import number, opened, records, written
from caudal.reference.reference import Reference

PUBLISHER = "World Bank"
_YEAR = re.compile(r"(\d{4})(?: \[YR\d{4}\])?")
_CODES = ("Indicator Code", "Series Code")

# Indicator → column of economies.csv, column of its year ('' where it has none of its own), decimals.
_ECONOMY: dict[str, tuple[str, str, int]] = {
    "SP.POP.TOTL": ("population", "population_year", 0),
    "IT.NET.USER.ZS": ("internet_users_percent", "internet_year", 2),
    "NY.GDP.MKTP.CD": ("gdp_usd", "gdp_year", 0),
    "NY.GDP.PCAP.CD": ("gdp_per_head_usd", "", 1),
    "NY.GDP.PCAP.PP.KD": ("gdp_per_head_ppp", "ppp_year", 1),
}
# Indicator → technology, column of subscribers.csv.
_SUBSCRIBERS: dict[str, tuple[str, str]] = {
    "IT.NET.BBND": ("fixed_broadband", "subscriptions"),
    "IT.NET.BBND.P2": ("fixed_broadband", "per_100_inhabitants"),
    "IT.CEL.SETS": ("mobile_cellular", "subscriptions"),
    "IT.CEL.SETS.P2": ("mobile_cellular", "per_100_inhabitants"),
}
# Indicator (balance of payments, current USD) → flow, item of services_trade.csv.
_TRADE: dict[str, tuple[str, str]] = {
    "BX.GSR.CCIS.CD": ("export", "SI"),
    "BX.GSR.ROYL.CD": ("export", "SH"),
    "BM.GSR.ROYL.CD": ("import", "SH"),
}
INDICATORS = (*_ECONOMY, *_SUBSCRIBERS, *_TRADE)

Observations = dict[tuple[str, str, int], float]


def read_world_bank(
    paths: list[Path], reference: Reference, since: int, as_of: date | None = None
) -> list[Imported]:
    """Return rows of economies, subscribers and services trade from World Bank files, of `since` and later.

    Figures of people, users and product take the place of those of the row that the reference has, the newest
    year of each; other columns stay. `as_of` is by default the `Last Updated Date` of the file. Raises
    ImportFault for a file of another form, or without an indicator that facts are made of.
    """
    places = Places(reference)
    left_out: Counter[str] = Counter()
    found: Observations = {}
    updated = as_of
    for path in paths:
        day = _read(path, places, since, found, left_out)
        updated = max(filter(None, (updated, day)), default=None) if as_of is None else as_of
    if updated is None:
        raise ImportFault(f"{paths[0]}: has no Last Updated Date; say when it was taken with --as-of")
    if not found:
        raise ImportFault(f"{', '.join(map(str, paths))}: no observation of {since} or later could be used")
    return [
        Imported(ECONOMIES, PUBLISHER, _economies(found, reference, updated), left_out, merged=True),
        Imported(SUBSCRIBERS, PUBLISHER, _subscribers(found, updated)),
        Imported(SERVICES_TRADE, PUBLISHER, _trade(found, updated)),
    ]


def _read(path: Path, places: Places, since: int, found: Observations, left_out: Counter[str]) -> date | None:
    before: list[list[str]] = []
    with opened(path) as lines:
        rows = records(
            lines,
            path,
            lambda cells: "Country Code" in cells and any(code in cells for code in _CODES),
            "Country Code and Indicator Code",
            before,
        )
        for line, row in rows:
            code = next((row[name] for name in _CODES if name in row), "")
            country = places.country(row.get("Country Code", ""))
            if code not in INDICATORS:
                # DataBank ends with lines about itself, which have no code.
                if code:
                    left_out[f"indicator {code} is not one that facts are made of"] += 1
                continue
            if country is None:
                left_out["a region or group, not a country"] += 1
                continue
            for column, text in row.items():
                year = _YEAR.fullmatch(column or "")
                value = number(text, path, line, column) if year else None
                if year and value is not None and int(year[1]) >= since:
                    found[code, country, int(year[1])] = value
    return next((_updated(cells, path) for cells in before if cells[:1] == ["Last Updated Date"]), None)


def _updated(cells: list[str], path: Path) -> date:
    try:
        return date.fromisoformat(cells[1])
    except (IndexError, ValueError) as error:
        raise ImportFault(f"{path}: Last Updated Date is not a date written YYYY-MM-DD") from error


def _source(code: str, updated: date) -> str:
    return f"{PUBLISHER}, World Development Indicators, {code}, last updated {updated}"


def _economies(found: Observations, reference: Reference, updated: date) -> tuple[Cells, ...]:
    newest: dict[str, dict[str, int]] = defaultdict(dict)
    for code, country, year in found:
        if code in _ECONOMY:
            newest[country][code] = max(year, newest[country].get(code, 0))
    rows = []
    for row in reference.rows(ECONOMIES.name):
        country = str(row.values["country"])
        if country not in newest:
            continue
        cells = {name: _cell(value) for name, value in row.values.items()}
        for code, year in newest[country].items():
            column, year_column, decimals = _ECONOMY[code]
            cells[column] = written(round(found[code, country, year], decimals))
            if year_column:
                cells[year_column] = str(year)
            cells["source"] = _with_source(cells["source"], column, _source(code, updated), year)
        users = int(cells["population"]) * float(cells["internet_users_percent"]) / 100
        cells["internet_users"] = written(round(users))
        if "NY.GDP.MKTP.CD" in newest[country]:
            # What was said of the old product is void; that none can be a weight is not.
            cells["gdp_revision_percent"] = ""
            cells["note"] = _dated(cells["note"], updated, already=row.overlay)
        if "IT.NET.USER.ZS" in newest[country]:
            cells["internet_users_percent_other"] = ""
        cells |= {"as_of": str(updated), "status": "verified_derived"}
        rows.append(cells)
    return tuple(rows)


def _dated(note: str, updated: date, *, already: bool) -> str:
    """Return a note with the day up to which it was written: it may be of the product that is replaced now."""
    return note if already or not note else f"of before {updated}: {note}"


def _with_source(source: str, column: str, of_column: str, year: int) -> str:
    said = [part for part in source.split("; ") if not part.startswith(f"{column}: ")]
    return "; ".join([*said, f"{column}: {of_column} ({year})"])


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    return written(value) if isinstance(value, int | float) else str(value)


def _subscribers(found: Observations, updated: date) -> tuple[Cells, ...]:
    rows: dict[tuple[str, int, str], dict[str, str]] = {}
    for (code, country, year), value in found.items():
        if code not in _SUBSCRIBERS:
            continue
        technology, column = _SUBSCRIBERS[code]
        row = rows.setdefault(
            (country, year, technology),
            {
                "country": country,
                "year": str(year),
                "technology": technology,
                "source": _source(code.removesuffix(".P2"), updated),
                "as_of": str(updated),
                "status": "verified",
                "note": "",
            },
        )
        row[column] = written(round(value, 4 if column == "per_100_inhabitants" else 0))
    return tuple(rows.values())


def _trade(found: Observations, updated: date) -> tuple[Cells, ...]:
    return tuple(
        {
            "country": country,
            "year": str(year),
            "flow": _TRADE[code][0],
            "item": _TRADE[code][1],
            "value_usd_m": written(value / 1e6),
            "source": _source(code, updated),
            "as_of": str(updated),
            "status": "verified",
            "note": "",
        }
        for (code, country, year), value in found.items()
        if code in _TRADE
    )
