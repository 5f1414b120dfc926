"""Vintages that were published, and the values of each."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from caudal.common.logline import quoted
from caudal.service.confidentiality.confidentiality import Withheld
from caudal.service.errors import NotFound
from caudal.service.evaluation.evaluation import Coverage, Method, MonthInputs, MonthMeasures
from caudal.service.indicators import Observation
from caudal.service.national.national import Figure, NationalTotal
from caudal.service.queries.ledger import LedgerAnswer
from caudal.service.store.store import Store
from caudal.service.vocabulary.period import Month
from caudal.service.vocabulary.reason import Reason, from_stored, reason

_COLUMNS = (
    "vintage, run, economy, substring(toString(time), 1, 7) AS month, number, "
    "toFloat64(toUnixTimestamp64Milli(computed_at)) AS computed, software, reference_version, facts, inputs, "
    "reason, synthetic, observations"
)
VALUE_COLUMNS = (
    "indicator",
    "dimension",
    "value",
    "low",
    "high",
    "undetermined",
    "coverage",
    "flows",
    "flags",
    "reason_codes",
    "reason_figures",
)


# What a vintage has its rows under, by table.
ORPHANED = {"indicator_value": "run", "vintage_cell": "facts"}

# What national totals are called where methods are told, beside the ids of indicators.
TOTALS = "totals"


@dataclass(frozen=True)
class Vintage:
    """A published state of an economy's month.

    `vintage` names it for ever, as XA-2026-09-v1; `run` its rows in the store; `facts` the facts it read, by their
    hash; `inputs` what else it was told, as JSON. `reason` is why it replaced the one before it.
    """

    vintage: str
    run: str
    economy: str
    month: str
    number: int
    computed_at: datetime
    software: str
    reference_version: str
    facts: str
    inputs: str
    reason: str
    synthetic: bool
    observations: int

    @property
    def ledger(self) -> LedgerAnswer | None:
        """The sums of the ledger when it was published, without rows; None of a vintage of before they were kept."""
        kept = json.loads(self.inputs).get("ledger")
        return LedgerAnswer(pl.DataFrame(), **kept, more=False) if kept else None


def vintages(
    store: Store, economy: str | None = None, month: str | None = None, newest: bool = False
) -> list[Vintage]:
    """Return vintages by economy, month and number; with `newest` the last of each month only."""
    where = " AND ".join(
        ["1"]
        + (["economy = {economy:String}"] if economy is not None else [])
        + (["substring(toString(time), 1, 7) = {month:String}"] if month is not None else [])
    )
    last = " LIMIT 1 BY economy, month" if newest else ""
    found = store.frame(
        f"SELECT * FROM (SELECT {_COLUMNS} FROM vintage AS v WHERE {where} "
        f"ORDER BY economy, month, number DESC{last}) ORDER BY economy, month, number",
        {"economy": economy or "", "month": month or ""},
    )
    return [_vintage(row) for row in found.iter_rows(named=True)]


def find_vintage(store: Store, economy: str, month: str, vintage: str | None) -> Vintage | None:
    """Return a vintage of a month, the newest by default; None where the month has none.

    Raises NotFound where the month has no vintage of the name asked for.
    """
    found = vintages(store, economy, month, newest=vintage is None)
    if vintage is None:
        return found[-1] if found else None
    for each in found:
        if each.vintage == vintage:
            return each
    names = [each.vintage for each in found]
    raise NotFound(
        "vintage",
        f"{economy} {month} has no vintage {quoted(vintage)}; it has {', '.join(names) or 'none'}",
        names,
    )


def read_vintage(store: Store, vintage: Vintage) -> MonthMeasures:
    """Return the measures that a vintage published."""
    stored = json.loads(vintage.inputs)
    inputs = MonthInputs.from_json(vintage.inputs)
    observations: dict[str, list[Observation]] = {name: [] for name in stored["indicators"]}
    for row in vintage_values(store, vintage).iter_rows(named=True):
        details = dict(zip(row.pop("names"), row.pop("numbers"), strict=True))
        flags, why = tuple(row.pop("flags")), reason_of(row)
        observation = Observation(**row, flags=flags, reason=why, details=details)
        observations.setdefault(observation.indicator, []).append(observation)
    return MonthMeasures(
        economy=vintage.economy,
        month=vintage.month,
        coverage=_coverage(stored),
        flags=inputs.flags,
        observations=observations,
        totals=tuple(_total(each) for each in stored["totals"]),
        withheld=tuple(withheld_of(each) for each in stored["withheld"]),
        reference_version=vintage.reference_version,
        computed_at=vintage.computed_at,
        vintage=vintage.vintage,
        reason=vintage.reason,
        declared=inputs.declared,
        methods=_methods(store, vintage, stored),
    )


def coverages(store: Store, names: Collection[str]) -> dict[str, Coverage]:
    """Return the coverage that each of these vintages published, by its name."""
    found = store.frame(
        "SELECT vintage, inputs FROM vintage WHERE has({names:Array(String)}, vintage)",
        {"names": sorted(names)},
    )
    return {str(vintage): _coverage(json.loads(inputs)) for vintage, inputs in found.iter_rows()}


def vintage_values(store: Store, vintage: Vintage) -> pl.DataFrame:
    """Return the values of a vintage in order: VALUE_COLUMNS, then the details as `names` and `numbers`."""
    return store.frame(
        f"SELECT {', '.join(VALUE_COLUMNS)}, mapKeys(details) AS names, mapValues(details) AS numbers "
        "FROM indicator_value WHERE economy = {economy:String} AND run = {run:String} ORDER BY position",
        {"economy": vintage.economy, "run": vintage.run},
    )


def methods_of(store: Store, vintage: Vintage) -> dict[str, str]:
    """Return the method versions by which a vintage was computed: of its indicators by id, and of TOTALS.

    One of before they were kept together has totals by the first method, and indicators without a row by "".
    """
    stored = json.loads(vintage.inputs)
    own = {name: each.version for name, each in _methods(store, vintage, stored).items()}
    return {**dict.fromkeys(stored["indicators"], ""), **own, TOTALS: stored.get("totals_method", "1")}


def _methods(store: Store, vintage: Vintage, stored: Mapping[str, Any]) -> dict[str, Method]:
    if "methods" in stored:
        return {name: Method(*each) for name, each in stored["methods"].items()}
    found = store.frame(
        "SELECT DISTINCT indicator, method_version, unit FROM indicator_value "
        "WHERE economy = {economy:String} AND run = {run:String} ORDER BY indicator",
        {"economy": vintage.economy, "run": vintage.run},
    )
    return {str(name): Method(str(version), str(unit)) for name, version, unit in found.iter_rows()}


def orphans(store: Store, table: str) -> list[str]:
    """Return the names, by the key of ORPHANED, under which a table has rows that no vintage has."""
    key = ORPHANED[table]
    found = store.frame(
        f"SELECT DISTINCT toString({key}) AS name FROM {table} WHERE {key} NOT IN (SELECT {key} FROM vintage) ORDER BY name"
    )
    return [str(name) for name in found["name"]]


def kept_cells(store: Store, economy: str, month: str, facts: str) -> int:
    """Return the number of cells of an economy's month are kept under the hash of its facts."""
    return int(
        store.value(
            "SELECT count() FROM vintage_cell WHERE economy = {economy:String} "
            "AND time = toDateTime({start:UInt32}, 'UTC') AND facts = {facts:String}",
            {"economy": economy, "start": Month.parse(month).epoch, "facts": facts},
        )
    )


def keeps_input(store: Store, digest: str) -> bool:
    """Return True if an input of vintages is kept, by its SHA-256 in hex."""
    return bool(
        store.value("SELECT count() FROM vintage_input WHERE digest = {digest:String}", {"digest": digest})
    )


def kept_input(store: Store, digest: str) -> bytes:
    """Return an input of vintages by its SHA-256 in hex; empty where it is not kept."""
    content = store.value(
        "SELECT hex(content) FROM vintage_input WHERE digest = {digest:String} LIMIT 1", {"digest": digest}
    )
    return bytes.fromhex(content or "")


def reason_of(row: dict[str, Any]) -> Reason | None:
    """Return the reason in the two columns of a row of values, and take these out of the row."""
    codes, figures = row.pop("reason_codes"), row.pop("reason_figures")
    return from_stored(
        {"code": code, "figures": json.loads(text)} for code, text in zip(codes, figures, strict=True)
    )


def withheld_of(stored: dict[str, Any]) -> Withheld:
    """Return the totals withheld, of the form in which a vintage keeps them."""
    why = from_stored(stored["why"])
    return Withheld(**{**stored, "why": why or reason("undefined")})


def _coverage(stored: Mapping[str, Any]) -> Coverage:
    kept = stored["coverage"]
    return Coverage(tuple(kept["operators"]), tuple(kept["undeclared"]), kept["users"], kept["share"])


def _vintage(row: dict[str, Any]) -> Vintage:
    moment = datetime.fromtimestamp(row.pop("computed") / 1000, UTC)
    return Vintage(**row, computed_at=moment)


def _total(stored: dict[str, Any]) -> NationalTotal:
    figures = {
        name: Figure(**stored[name]) if stored[name] is not None else None
        for name in ("observed", "estimated")
    }
    flags, why = tuple(stored["flags"]), from_stored(stored["reason"])
    return NationalTotal(**{**stored, **figures, "flags": flags, "reason": why})
