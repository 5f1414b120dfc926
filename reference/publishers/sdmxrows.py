"""Rows of facts from observations whose components have the names of their roles (see `sdmxdata.Target`).

Each takes the path for messages, the observations, the places, the first year, the day they were taken, and
where to count what is left out, by reason.
"""

import math
import re
from collections import Counter
from datetime import date
from pathlib import Path

from caudal.reference.files.catalogue import SERVICES_TRADE
from caudal.reference.files.errors import ImportFault
from caudal.reference.files.figurefiles import SERVICE_ITEMS
from caudal.reference.publishers.batis import FLOWS, trade_row
from caudal.reference.publishers.imported import Cells
from caudal.reference.publishers.places import WORLD, Places
from caudal.reference.publishers.sdmxmessage import VALUE
from caudal.reference.publishers.tables import written

TRAINS = "WITS/TRAINS"
ACCOUNTS = "National accounts"
# Nomenclature of WITS → revision of the Harmonized System.
REVISIONS = {
    "H0": "HS1988",
    "H1": "HS1996",
    "H2": "HS2002",
    "H3": "HS2007",
    "H4": "HS2012",
    "H5": "HS2017",
    "H6": "HS2022",
}
# Accounting entries: exports and imports, or credit and debit.
_ENTRIES = {"X": "X", "M": "M", "C": "X", "D": "M"}
_ALL_ACTIVITIES = ("_T", "TOTAL")
_SECTION = "J"


def _year(path: Path, each: dict[str, str]) -> int:
    text = each["year"]
    if not re.fullmatch(r"[0-9]{4}", text):
        raise ImportFault(f"{path}: {text!r} is not a year; these facts are yearly")
    return int(text)


def _value(path: Path, text: str) -> float | None:
    if text.strip() in ("", "NaN", "nan"):
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if not math.isfinite(value):
        raise ImportFault(f"{path}: {text!r} is not an observed value")
    return value


def _millions(path: Path, each: dict[str, str], value: float) -> float:
    # BaTIS and national accounts come in millions where a message does not say how.
    multiplier = each.get("multiplier") or "6"
    if not re.fullmatch(r"-?[0-9]{1,2}", multiplier):
        raise ImportFault(f"{path}: UNIT_MULT {multiplier!r} is not a power of ten")
    return value * 10.0 ** (int(multiplier) - 6)


def services_trade(
    path: Path,
    observations: list[dict[str, str]],
    places: Places,
    since: int,
    as_of: date,
    left_out: Counter[str],
) -> list[Cells]:
    """Return rows of services_trade.csv: exports and imports with the world, million USD."""
    rows: list[Cells] = []
    for each in observations:
        country, value = places.country(each["reporter"]), _value(path, each[VALUE])
        if each["partner"] not in WORLD:
            left_out["with one partner, not with the world"] += 1
        elif country is None:
            left_out["a region or group, not a country"] += 1
        elif each["item"] not in SERVICE_ITEMS:
            left_out[f"item {each['item']} is not one of {SERVICES_TRADE.filename}"] += 1
        elif _ENTRIES.get(each["flow"]) not in FLOWS:
            left_out[f"flow {each['flow']} is neither exports nor imports"] += 1
        elif each.get("unit") and not each["unit"].upper().startswith("USD"):
            left_out[f"in {each['unit']}, not in USD"] += 1
        elif value is not None and _year(path, each) >= since:
            flow = _ENTRIES[each["flow"]]
            millions = _millions(path, each, value)
            rows.append(trade_row(country, _year(path, each), flow, each["item"], millions, as_of))
    return rows


def tariff_rates(
    path: Path,
    observations: list[dict[str, str]],
    places: Places,
    since: int,
    as_of: date,
    left_out: Counter[str],
) -> list[Cells]:
    """Return rows of tariff_rates.csv: rates applied to most favoured nations; of a customs union, for each member."""
    rows: list[Cells] = []
    for each in observations:
        year, value = _year(path, each), _value(path, each[VALUE])
        if year < since or value is None:
            continue
        territory = list(places.customs_territory(each["reporter"], year))
        if each["partner"] not in WORLD or each["type"].upper() != "MFN":
            left_out["a preference, not the rate for most favoured nations"] += 1
        elif not territory:
            left_out[f"reporter {each['reporter']} is not a country"] += 1
        elif len(each["product"]) != 6 or not each["product"].isdigit():
            left_out["not a subheading of six digits"] += 1
        elif each["nomenclature"].upper() not in REVISIONS:
            left_out[f"nomenclature {each['nomenclature']} is not of the Harmonized System"] += 1
        else:
            kind = each.get("datatype", "")
            rows.extend(
                {
                    "country": country,
                    "year": str(year),
                    "hs6": each["product"],
                    "hs_revision": REVISIONS[each["nomenclature"].upper()],
                    "rate": "mfn_applied",
                    "percent": written(round(value, 6)),
                    "lines": each.get("lines", ""),
                    "lines_not_ad_valorem": each.get("not_ad_valorem", ""),
                    "source": f"{TRAINS}, reporter {each['reporter']}{', ' + kind if kind else ''}",
                    "as_of": str(as_of),
                    "status": "verified",
                    "note": "",
                }
                for country in territory
            )
    return rows


def value_added(
    path: Path,
    observations: list[dict[str, str]],
    places: Places,
    since: int,
    as_of: date,
    left_out: Counter[str],
) -> list[Cells]:
    """Return rows of value_added.csv: levels of section J and its divisions, and their share in all activities."""
    levels: dict[tuple[str, int, str], tuple[float, dict[str, str]]] = {}
    for each in observations:
        country, value, year = (
            places.country(each["reporter"]),
            _value(path, each[VALUE]),
            _year(path, each),
        )
        if country is None:
            left_out["a region or group, not a country"] += 1
        elif value is not None and year >= since:
            levels[country, year, each["activity"]] = (_millions(path, each, value), each)
    rows: list[Cells] = []
    for (country, year, activity), (millions, said) in levels.items():
        if not activity.startswith(_SECTION):
            continue
        total = next(
            (levels[country, year, name] for name in _ALL_ACTIVITIES if (country, year, name) in levels), None
        )
        if total is None or total[0] <= 0:
            left_out["without the total over all activities (_T) of the same year, no share can be said"] += 1
            continue
        rows.append(
            {
                "country": country,
                "year": str(year),
                "isic_section": activity,
                "value_lcu_m": written(round(millions, 6)),
                "currency": said.get("currency", "") if len(said.get("currency", "")) == 3 else "",
                "share_of_gva_percent": written(round(100 * millions / total[0], 4)),
                "share_of_gdp_percent": "",
                "value_usd_m": "",
                "source": f"{ACCOUNTS} by SDMX, {path.name}: share of all activities computed",
                "as_of": str(as_of),
                "status": "verified_derived",
                "note": "",
            }
        )
    return rows
