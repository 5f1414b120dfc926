"""The bulk CSV of OECD-WTO BaTIS (OECD-WTO_BATIS_BPM6_….csv or its ZIP): balanced trade in services.

Columns used: Reporter and Partner (alpha-2; WL is the world), Flow (X, M), Item_code (EBOPS 2010), Year,
Balanced_value, in million USD.
"""

from collections import Counter
from datetime import date
from pathlib import Path

from caudal.reference.files.catalogue import SERVICES_TRADE
from caudal.reference.files.errors import ImportFault
from caudal.reference.files.figurefiles import SERVICE_ITEMS
from caudal.reference.publishers.imported import Cells, Imported
from caudal.reference.publishers.places import WORLD, Places
from caudal.reference.publishers.tables import number, opened, records, written
from caudal.reference.reference import Reference

PUBLISHER = "OECD-WTO BaTIS"
FLOWS = {"X": "export", "M": "import"}
_COLUMNS = ("Reporter", "Partner", "Flow", "Item_code", "Year", "Balanced_value")


def read_batis(path: Path, reference: Reference, since: int, as_of: date) -> list[Imported]:
    """Return rows of services trade with the world, of `since` and later, taken on `as_of`.

    The file is read row by row: it may be larger than memory. Raises ImportFault for a file of another form.
    """
    places = Places(reference)
    left_out: Counter[str] = Counter()
    rows: list[Cells] = []
    with opened(path) as lines:
        listed = records(lines, path, lambda cells: set(_COLUMNS) <= set(cells), ", ".join(_COLUMNS), [])
        for line, cells in listed:
            if cells["Partner"] not in WORLD:
                continue
            country = places.country(cells["Reporter"])
            if country is None:
                left_out["a region or group, not a country"] += 1
            elif cells["Item_code"] not in SERVICE_ITEMS:
                left_out[f"item {cells['Item_code']} is not one of {SERVICES_TRADE.filename}"] += 1
            elif cells["Flow"] not in FLOWS:
                raise ImportFault(f"{path}, line {line}, column Flow: {cells['Flow']!r} is neither X nor M")
            else:
                year = number(cells["Year"], path, line, "Year")
                value = number(cells["Balanced_value"], path, line, "Balanced_value")
                if year is not None and value is not None and year >= since:
                    rows.append(
                        trade_row(country, int(year), cells["Flow"], cells["Item_code"], value, as_of)
                    )
    if not rows:
        raise ImportFault(f"{path}: no balanced value with the world of {since} or later could be used")
    return [Imported(SERVICES_TRADE, PUBLISHER, tuple(rows), left_out)]


def trade_row(country: str, year: int, flow: str, item: str, millions: float, as_of: date) -> Cells:
    """Return a row of services_trade.csv from a balanced value in million USD."""
    return {
        "country": country,
        "year": str(year),
        "flow": FLOWS[flow],
        "item": item,
        "value_usd_m": written(round(millions, 6)),
        "source": f"{PUBLISHER} (BPM6), balanced value, partner world",
        "as_of": str(as_of),
        "status": "verified",
        "note": "",
    }
