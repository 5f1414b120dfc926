"""What is published of many economies or months at once: the names of vintages, and single values of each."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from caudal.service.store import Store


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
    """One value of a vintage, in `unit` by `method_version`; value and limits are None where there is none."""

    indicator: str
    dimension: str | None
    value: float | None
    low: float | None
    high: float | None
    unit: str
    method_version: str


def issues(
    store: Store,
    *,
    economy: str | None = None,
    months: Collection[str] | None = None,
    by: datetime | None = None,
) -> list[Issue]:
    """Return the last vintage of each economy and month, in their order; with `by`, of those computed until then."""
    where = ["1"]
    if economy is not None:
        where.append("economy = {economy:String}")
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
            "economy": economy or "",
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
        "SELECT vintage, indicator, dimension, value, low, high, unit, method_version FROM indicator_value "
        "WHERE has({economies:Array(String)}, economy) AND has({runs:Array(String)}, run) "
        "AND has({indicators:Array(String)}, indicator) ORDER BY economy, time, run, position",
        {
            "economies": sorted({each.economy for each in known}),
            "runs": [each.run for each in known],
            "indicators": sorted(indicators),
        },
    )
    answer: dict[str, list[PublishedValue]] = {each.vintage: [] for each in known}
    for vintage, *rest in found.iter_rows():
        answer[str(vintage)].append(PublishedValue(*rest))
    return {vintage: tuple(values) for vintage, values in answer.items()}
