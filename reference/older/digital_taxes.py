"""digital_taxes.csv before scope and thresholds became columns."""

import re
from collections.abc import Mapping

from caudal.reference.older import recheck

ADDED: tuple[str, ...] = (
    "kind",
    "counted",
    "least_rate_percent",
    "scope",
    "threshold_global_amount",
    "threshold_global_currency",
    "threshold_domestic_amount",
    "threshold_domestic_currency",
    "threshold_domestic_effect",
    "recheck",
)

_TURNOVER = re.compile(r"^(DST|CIDE-Digital)\b")
_AMOUNT = r"([A-Z]{3}) (\d+(?:\.\d+)?)(m|bn)"
_GLOBAL = re.compile(rf"\bglobal {_AMOUNT}\b")
_DOMESTIC = re.compile(rf"\bdomestic {_AMOUNT}\b|^{_AMOUNT} in [A-Z]{{2}}\b")
_SCALE = {"m": 10**6, "bn": 10**9}
# Words of an older base, and the services they name.
_SCOPES: Mapping[str, str] = {
    "ads": "advertising",
    "advertising": "advertising",
    "data": "user_data",
    "search": "advertising",
    "social": "advertising",
    "intermediation": "intermediation",
    "marketplaces": "intermediation",
    "platforms": "intermediation advertising",
    "content": "streaming",
}
_ALL = "advertising intermediation user_data streaming digital_services"


def typed(row: Mapping[str, str]) -> dict[str, str]:
    """Return an older row with the columns of today, read from its base, threshold and instrument."""
    text, base = row.get("threshold", ""), row.get("base", "")
    world, home = _threshold(_GLOBAL, text), _threshold(_DOMESTIC, text)
    words = re.findall(r"[a-z]+", base.lower())
    scope = " ".join(dict.fromkeys(" ".join(_SCOPES[word] for word in words if word in _SCOPES).split()))
    if not scope and "revenue" in words:
        scope = _ALL
    named = len(re.findall(r"\b(?:global|domestic) [A-Z]{3} ", text))
    read = [each for each in (world, home) if each[0]]
    turnover = _TURNOVER.match(row["instrument"]) is not None
    return {
        **row,
        "kind": "levy"
        if turnover
        else "vat"
        if "VAT" in base or "VAT" in row["instrument"]
        else "prepayment",
        "counted": "1" if turnover and read and len(read) >= named else "0",
        "least_rate_percent": "",
        "scope": scope,
        "threshold_global_amount": world[0],
        "threshold_global_currency": world[1],
        "threshold_domestic_amount": home[0],
        "threshold_domestic_currency": home[1],
        "threshold_domestic_effect": "all" if home[0] else "",
        "recheck": recheck(row),
    }


def _threshold(pattern: re.Pattern[str], text: str) -> tuple[str, str]:
    """Return the amount and the currency that a pattern finds, '' and '' where it finds none."""
    found = pattern.search(text)
    if found is None:
        return "", ""
    currency, number, scale = (part for part in found.groups() if part is not None)
    return f"{float(number) * _SCALE[scale]:.0f}", currency
