"""Publications of many economies or months at once: the names of vintages, and single values of each."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from caudal.service.indicators import Observation
from caudal.service.queries.vintages import VALUE_COLUMNS, reason_of
from caudal.service.store.store import Store


@dataclass(frozen=True)
class Issue:
    """A vintage by its name, without its inputs: `run` names its rows in the store."""

    vintage: str
    run: str
    economy: str
    month: str
    computed_at: datetime
    software: str
    reference_version: str
    synthetic: bool


@dataclass(frozen=True)
class PublishedValue:
    """An observation of a vintage, without its details, in `unit` by `method_version`."""

    observation: Observation
    unit: str
    method_version: str


def issues(
    store: Store,
    *,
    economies: Collection[str] | None = None,
    months: Collection[str] | None = None,
    by: datetime | None = None,
) -> list[Issue]:
    """Return the last vintage of each economy and month, in their order; with `by`, of those computed until then."""
    where = ["1"]
    if economies is not None:
        where.append("has({economies:Array(String)}, economy)")
    if months is not None:
        where.append("has({months:Array(String)}, formatDateTime(time, '%Y-%m'))")
    if by is not None:
        where.append("toUnixTimestamp64Milli(computed_at) <= {by:Int64}")
    found = store.frame(
        "SELECT vintage, run, economy, formatDateTime(time, '%Y-%m') AS month, "
        "toUnixTimestamp64Milli(computed_at) AS computed, software, reference_version, synthetic "
        f"FROM vintage WHERE {' AND '.join(where)} "
        "ORDER BY economy, time, number DESC LIMIT 1 BY economy, time",
        {
            "economies": sorted(economies or ()),
            "months": sorted(months or ()),
            "by": round(by.timestamp() * 1000) if by is not None else 0,
        },
    )
    return [
        Issue(
            str(row["vintage"]),
            str(row["run"]),
            str(row["economy"]),
            str(row["month"]),
            datetime.fromtimestamp(row["computed"] / 1000, UTC),
            str(row["software"]),
            str(row["reference_version"]),
            bool(row["synthetic"]),
        )
        for row in found.iter_rows(named=True)
    ]


def published_values(
    store: Store, known: Collection[Issue], indicators: Collection[str]
) -> Mapping[str, tuple[PublishedValue, ...]]:
    """Return the values of indicators in vintages, by vintage, in the order in which they were published."""
    found = store.frame(
        f"SELECT vintage, unit, method_version, {', '.join(VALUE_COLUMNS)} FROM indicator_value "
        "WHERE has({economies:Array(String)}, economy) AND has({runs:Array(String)}, run) "
        "AND has({indicators:Array(String)}, indicator) ORDER BY economy, time, run, position",
        {
            "economies": sorted({each.economy for each in known}),
            "runs": [each.run for each in known],
            "indicators": sorted(indicators),
        },
    )
    answer: dict[str, list[PublishedValue]] = {each.vintage: [] for each in known}
    for row in found.iter_rows(named=True):
        vintage, unit, version = (str(row.pop(name)) for name in ("vintage", "unit", "method_version"))
        flags, why = tuple(row.pop("flags")), reason_of(row)
        observation = Observation(**row, flags=flags, reason=why, details={})
        answer[vintage].append(PublishedValue(observation, unit, version))
    return {vintage: tuple(values) for vintage, values in answer.items()}
