"""SDMX data messages: services trade (OECD-WTO BaTIS), tariffs (WITS/TRAINS), value added (national accounts)."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from caudal.reference.files.catalogue import SERVICES_TRADE, TARIFF_RATES, VALUE_ADDED
from caudal.reference.files.declaration import FactFile
from caudal.reference.files.errors import ImportFault
from caudal.reference.publishers.batis import PUBLISHER as BATIS
from caudal.reference.publishers.imported import Cells, Imported
from caudal.reference.publishers.places import Places
from caudal.reference.publishers.sdmxmessage import VALUE, Observation, observations_of
from caudal.reference.publishers.sdmxrows import ACCOUNTS, TRAINS, services_trade, tariff_rates, value_added
from caudal.reference.reference import Reference


@dataclass(frozen=True)
class Target:
    """A file of facts that SDMX observations become rows of.

    `components` are what is needed of an observation, by the names that publishers have for it, the usual one
    first; a name in `optional` may be missing. `standing` are values that stand where a message has several.
    """

    file: FactFile
    publisher: str
    components: Mapping[str, tuple[str, ...]]
    optional: frozenset[str]
    standing: Mapping[str, str]


_TIME = {"year": ("TIME_PERIOD", "TIME", "YEAR")}
_UNIT = {"multiplier": ("UNIT_MULT", "POWERCODE"), "unit": ("UNIT_MEASURE", "UNIT")}

TARGETS: dict[str, Target] = {
    "services_trade": Target(
        SERVICES_TRADE,
        BATIS,
        {
            **_TIME,
            **_UNIT,
            "reporter": ("REF_AREA", "REPORTER"),
            "partner": ("COUNTERPART_AREA", "COUNTERPART", "PARTNER"),
            "flow": ("ACCOUNTING_ENTRY", "TRADE_FLOW", "FLOW"),
            "item": ("SERVICE_ITEM", "SERVICE", "ITEM", "MEASURE", "INT_ACC_ITEM"),
            "adjustment": ("ADJUSTMENT", "VALUATION", "TRANSFORMATION"),
        },
        frozenset({"unit", "multiplier", "adjustment"}),
        {"adjustment": "B"},
    ),
    "tariff_rates": Target(
        TARIFF_RATES,
        TRAINS,
        {
            **_TIME,
            "reporter": ("REPORTER", "REF_AREA"),
            "partner": ("PARTNER", "COUNTERPART_AREA"),
            "product": ("PRODUCTCODE", "PRODUCT"),
            "datatype": ("DATATYPE",),
            "type": ("TARIFFTYPE",),
            "nomenclature": ("NOMENCODE",),
            "lines": ("TOTALNOOFLINES",),
            "not_ad_valorem": ("NBR_NA_LINES",),
        },
        frozenset({"datatype", "lines", "not_ad_valorem"}),
        {"datatype": "REPORTED"},
    ),
    "value_added": Target(
        VALUE_ADDED,
        ACCOUNTS,
        {
            **_TIME,
            **_UNIT,
            "reporter": ("REF_AREA", "REPORTER"),
            "activity": ("ACTIVITY", "INDUSTRY"),
            "transaction": ("TRANSACTION", "STO"),
            "prices": ("PRICE_BASE", "PRICES"),
            "currency": ("CURRENCY", "CURRENCY_DENOM"),
        },
        frozenset({"unit", "multiplier", "transaction", "prices", "currency"}),
        {"transaction": "B1G", "prices": "V", "unit": "XDC"},
    ),
}

Maker = Callable[[Path, list[dict[str, str]], Places, int, date, Counter[str]], list[Cells]]
_MAKERS: dict[str, Maker] = {
    SERVICES_TRADE.name: services_trade,
    TARIFF_RATES.name: tariff_rates,
    VALUE_ADDED.name: value_added,
}


def read_sdmx_data(
    path: Path,
    target: Target,
    reference: Reference,
    since: int,
    as_of: date,
    *,
    structure: Path | None = None,
    named: Mapping[str, str] | None = None,
    only: Mapping[str, str] | None = None,
) -> list[Imported]:
    """Return rows of the target's file from an SDMX data message, of `since` and later, taken on `as_of`.

    `named` says which component of the message is meant where its name is another (item → SERVICES); `only`
    keeps observations with this value of a component. Raises ImportFault for what cannot be read, for a
    component that is missing, and for two observations that would be the same row.
    """
    observations = list(observations_of(path, structure))
    if not observations:
        raise ImportFault(f"{path}: has no observations")
    for component, value in (only or {}).items():
        if not any(component in each for each in observations):
            raise ImportFault(f"{path}: has no component {component}; it has {_listed(observations)}")
        observations = [each for each in observations if each.get(component) == value]
    renamed = _renamed(path, target, observations, named or {})
    chosen = _chosen(renamed, target.standing)
    left_out: Counter[str] = Counter()
    places = Places(reference)
    rows = _MAKERS[target.file.name](path, chosen, places, since, as_of, left_out)
    if not rows:
        reasons = "; ".join(f"{count}: {reason}" for reason, count in left_out.items())
        raise ImportFault(
            f"{path}: no observation of {since} or later could be used ({reasons or 'none fits'})"
        )
    return [Imported(target.file, target.publisher, tuple(_distinct(path, target, rows)), left_out)]


def _listed(observations: list[Observation]) -> str:
    return ", ".join(dict.fromkeys(name for each in observations for name in each))


def _renamed(
    path: Path, target: Target, observations: list[Observation], named: Mapping[str, str]
) -> list[dict[str, str]]:
    there = {name.upper(): name for each in observations for name in each}
    unknown = set(named) - set(target.components)
    if unknown:
        raise ImportFault(f"{', '.join(sorted(unknown))}: not one of {', '.join(target.components)}")
    names: dict[str, str] = {}
    for role, usual in target.components.items():
        wanted = (named[role],) if role in named else usual
        found = next((there[name.upper()] for name in wanted if name.upper() in there), None)
        if found is not None:
            names[role] = found
        elif role not in target.optional or role in named:
            raise ImportFault(
                f"{path}: has no {' or '.join(wanted)} for the {role}; it has {_listed(observations)}. "
                f"Name it: --dimension {role}=NAME"
            )
    return [
        {**{role: each.get(name, "") for role, name in names.items()}, VALUE: each.get(VALUE, "")}
        for each in observations
    ]


def _chosen(observations: list[dict[str, str]], standing: Mapping[str, str]) -> list[dict[str, str]]:
    for role, value in standing.items():
        if len({each.get(role, "").upper() for each in observations}) > 1:
            observations = [each for each in observations if each.get(role, "").upper() == value]
    return observations


def _distinct(path: Path, target: Target, rows: list[Cells]) -> list[Cells]:
    found: dict[tuple[str, ...], Cells] = {}
    for row in rows:
        key = tuple(row[name] for name in target.file.key)
        if key in found and dict(found[key]) != dict(row):
            raise ImportFault(
                f"{path}: two observations are both {', '.join(key)}; say which is meant: --only COMPONENT=VALUE"
            )
        found[key] = row
    return list(found.values())
