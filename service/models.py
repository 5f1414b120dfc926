"""What the API answers, as typed models with examples."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from caudal.service.period import MONTH_PATTERN

EconomyCode = Annotated[
    str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2 code of the economy", examples=["XA"])
]
MonthText = Annotated[
    str, Field(pattern=MONTH_PATTERN, description="a month, YYYY-MM (UTC)", examples=["2026-08"])
]
Synthetic = Annotated[
    bool,
    Field(description="true where the figures come from a traffic model, not from metering", examples=[True]),
]


class Answer(BaseModel):
    """Common to all models: nothing undeclared is sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BatchReceipt(Answer):
    """A batch is stored, durably."""

    batch_id: str = Field(description="SHA-256 of the body, hex", examples=["9f86d081884c7d65" * 4])
    outcome: Literal["accepted", "duplicate"] = Field(examples=["accepted"])
    received_at: datetime = Field(description="when it was stored first", examples=["2026-11-21T12:00:00Z"])


class CoverageAnswer(Answer):
    """How much of the economy the figures speak for."""

    operators: list[str] = Field(description="operators that reported", examples=[["demo-net"]])
    undeclared: list[str] = Field(description="of these, without declared subscribers", examples=[[]])
    users: float | None = Field(
        description="declared subscribers of those that reported", examples=[1200000.0]
    )
    share: float | None = Field(
        description="of the economy's internet users; null undeclared", examples=[0.6]
    )


class FlowSums(Answer):
    """Sums, with the 95 % interval that packet sampling leaves."""

    bytes: int = Field(examples=[81234567890])
    bytes_low: float = Field(examples=[81100000000.0])
    bytes_high: float = Field(examples=[81300000000.0])
    packets: int = Field(examples=[90123456])
    flows: int = Field(description="flow records, as received", examples=[90123])


class FlowRow(FlowSums):
    """One group: where and when it is, its sums, its share of the bytes of its time."""

    time: datetime | None = Field(
        description="start of the hour, day or month; null when not grouped by time",
        examples=["2026-08-01T00:00:00Z"],
    )
    group: dict[str, str | int | bool] = Field(
        description="the value of every dimension grouped by; '' is unknown",
        examples=[{"platform": "google", "control": "US"}],
    )
    share: float | None = Field(description="of the bytes of the same time", examples=[0.31])


class FlowsAnswer(Answer):
    """Flows by the groups asked for."""

    economy: list[str] = Field(examples=[["XA"]])
    start: datetime = Field(examples=["2026-08-01T00:00:00Z"])
    end: datetime = Field(description="not included", examples=["2026-09-01T00:00:00Z"])
    group_by: list[str] = Field(examples=[["platform", "control"]])
    roll_up: Literal["hour", "day", "month"] = Field(description="what was read", examples=["month"])
    synthetic: Synthetic
    reference_version: str = Field(examples=["2026-11-21-0123456789ab"])
    undetermined: float | None = Field(
        description="share of the bytes out and in whose place or operator is unknown", examples=[0.12]
    )
    coverage: dict[str, CoverageAnswer] = Field(description="by economy")
    total: FlowSums
    rows: list[FlowRow]
    more: bool = Field(description="rows follow: ask again with a larger offset", examples=[False])


class DefinitionAnswer(Answer):
    """What an indicator is."""

    id: str = Field(examples=["J4"])
    group: str = Field(examples=["jurisdiction"])
    title: dict[str, str] = Field(description="by language: en, es, pt")
    unit: str = Field(examples=["share"])
    range: list[float | None] = Field(description="least and greatest possible value", examples=[[0.0, 1.0]])
    dimension: str | None = Field(
        description="what tells several values of a month apart", examples=["control"]
    )
    formula: str = Field(examples=["FCS_k = B[j=k] / B"])
    inputs: list[str] = Field(examples=[["control", "bytes"]])
    uncertainty: str
    source: str
    source_status: str = Field(description="how the source was checked", examples=["verified"])
    critique: str
    minimum_flows: int = Field(examples=[100])
    level: float = Field(description="confidence level of the interval", examples=[0.95])
    details: dict[str, str] = Field(description="figures that may accompany a value, and their meaning")
    method_version: str = Field(examples=["1"])


class IndicatorList(Answer):
    """Every indicator there is."""

    indicators: list[DefinitionAnswer]


class ObservationAnswer(Answer):
    """A value with its interval, or the reason why there is none."""

    dimension: str | None = Field(examples=["US"])
    value: float | None = Field(examples=[0.71])
    low: float | None = Field(examples=[0.66])
    high: float | None = Field(examples=[0.83])
    undetermined: float | None = Field(description="J9 of the month", examples=[0.12])
    coverage: float | None = Field(examples=[0.6])
    flows: int = Field(description="flow records behind the value", examples=[120345])
    flags: list[str] = Field(examples=[["synthetic"]])
    reason: str | None = Field(description="why there is no value", examples=[None])
    details: dict[str, float]


class MonthObservations(Answer):
    """The observations of one month."""

    month: MonthText
    observations: list[ObservationAnswer]


class IndicatorSeries(Answer):
    """An indicator of an economy, month by month."""

    economy: EconomyCode
    synthetic: Synthetic
    reference_version: str = Field(examples=["2026-11-21-0123456789ab"])
    definition: DefinitionAnswer
    months: list[MonthObservations]


class IndicatorReport(Answer):
    """An indicator in a report."""

    id: str = Field(examples=["J4"])
    title: dict[str, str]
    unit: str = Field(examples=["share"])
    method_version: str = Field(examples=["1"])
    observations: list[ObservationAnswer]


class LedgerSummary(Answer):
    """What became of all records of the month."""

    counts: dict[str, int] = Field(examples=[{"received": 1000, "decoded": 990, "malformed": 10}])
    balanced: bool = Field(description="every record received is accounted for, exporter by exporter")
    exporters: int = Field(examples=[2])


class Notice(Answer):
    """Something a reader of the data must know."""

    flag: str = Field(examples=["synthetic"])
    text: str = Field(examples=["Made by a traffic model, not metered."])


class Report(Answer):
    """Everything published about an economy's month."""

    economy: EconomyCode
    names: dict[str, str] = Field(
        description="of the economy, by language", examples=[{"en": "Demo Economy"}]
    )
    month: MonthText
    generated_at: datetime
    synthetic: Synthetic
    reference_version: str = Field(examples=["2026-11-21-0123456789ab"])
    coverage: CoverageAnswer
    indicators: list[IndicatorReport]
    ledger: LedgerSummary
    notices: list[Notice]
    attributions: list[str] = Field(
        description="whose data is in here: show these lines with the figures",
        examples=[["World Bank, World Development Indicators (CC BY 4.0)"]],
    )


class LedgerRow(Answer):
    """What became of the records of one exporter in one day or month."""

    time: datetime
    operator: str = Field(examples=["demo-net"])
    collector: str = Field(examples=["xa-1"])
    exporter: str = Field(description="a configured name or a pseudonym", examples=["core-1"])
    counts: dict[str, int]
    balanced: bool


class LedgerList(Answer):
    """The ledger of an economy."""

    economy: EconomyCode
    start: datetime
    end: datetime
    by: Literal["day", "month"]
    synthetic: Synthetic
    balanced: bool = Field(
        description="received = decoded + waiting + malformed + filtered, decoded = aggregated + events, in every row"
    )
    meaning: dict[str, str] = Field(description="of each count")
    total: dict[str, int]
    rows: list[LedgerRow]
    more: bool = Field(description="there are more rows than are shown; the total is over all of them")


class Platform(Answer):
    """A platform and who controls it."""

    platform: str = Field(examples=["google"])
    name: str = Field(examples=["Google"])
    operator: str
    parent: str
    control: str = Field(description="country whose law reaches the controlling company", examples=["US"])
    tier: str
    category: str
    stage: int | None = Field(description="stage of the data value ladder, 1-5", examples=[5])
    asns: list[int] = Field(examples=[[15169]])
    source: str
    as_of: str
    status: str = Field(description="how the row was checked", examples=["verified"])
    note: str


class PlatformList(Answer):
    """The platforms of the reference in force."""

    reference_version: str
    platforms: list[Platform]


class Jurisdiction(Answer):
    """A controlling jurisdiction in an economy's month."""

    control: str = Field(description="country code; '' is unknown", examples=["US"])
    name: str | None = Field(examples=["United States"])
    platforms: int = Field(description="platforms of it that were seen", examples=[23])
    bytes: int
    share: float | None


class JurisdictionList(Answer):
    """Who controls the far ends of an economy's traffic, out and in."""

    economy: EconomyCode
    month: MonthText
    synthetic: Synthetic
    reference_version: str
    jurisdictions: list[Jurisdiction]


class EconomyMonths(Answer):
    """An economy with data."""

    economy: EconomyCode
    names: dict[str, str]
    months: list[str] = Field(examples=[["2026-08", "2026-09", "2026-10"]])
    operators: list[str] = Field(examples=[["demo-net"]])
    synthetic: Synthetic


class EconomyList(Answer):
    """The economies with data."""

    economies: list[EconomyMonths]


class Health(Answer):
    """The state of the service."""

    status: Literal["ok"] = "ok"
    version: str = Field(examples=["0.1.0"])
    details: dict[str, Any] = Field(default_factory=dict)
