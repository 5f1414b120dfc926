"""What the API answers, as typed models with examples."""

from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from caudal.service.vocabulary.period import MONTH_PATTERN
from caudal.service.vocabulary.reason import Reason as WhyNoValue
from caudal.service.vocabulary.reason import to_stored

if TYPE_CHECKING:
    from caudal.service.evaluation.evaluation import Coverage
    from caudal.service.indicators import Observation

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
VintageName = Annotated[
    str | None,
    Field(
        description="what was published, and does not change; null where it was computed for this answer",
        examples=["XA-2026-08-v1"],
    ),
]

# Printable, with something in it: whoever reads it later must know why. No ends of line, no marks that turn the direction
# of writing: it stands in tables and logs beside what others wrote.
Reason = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=3,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]*$",
    ),
]


class Answer(BaseModel):
    """Common to all models: nothing undeclared is sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BatchReceipt(Answer):
    """A batch is stored, durably."""

    batch_id: str = Field(description="SHA-256 of the body, hex", examples=["9f86d081884c7d65" * 4])
    outcome: Literal["accepted", "duplicate", "held"] = Field(
        description="held: stored, and counted nowhere until it is released", examples=["accepted"]
    )
    received_at: datetime = Field(description="when it was stored first", examples=["2026-11-21T12:00:00Z"])
    detail: str | None = Field(default=None, description="why it waits for review", examples=[None])


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

    @classmethod
    def of(cls, coverage: "Coverage") -> "CoverageAnswer":
        """Return coverage as the API says it."""
        return cls(
            operators=list(coverage.operators),
            undeclared=list(coverage.undeclared),
            users=coverage.users,
            share=coverage.share,
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
    base: str = Field(description="what a value is a part or number of", examples=["measured"])
    bases: dict[str, str] = Field(
        description="the same of single observations by their dimension, or of all those within one function",
        examples=[{"function": "with_services_of_function"}],
    )
    range: list[float | None] = Field(description="least and greatest possible value", examples=[[0.0, 1.0]])
    dimension: str | None = Field(
        description="what tells several values of a month apart", examples=["control"]
    )
    formula: str = Field(examples=["FCS_k = B[j=k] / B"])
    takes: Literal["all", "services", "crossing"] = Field(
        description="which flows: all (domestic, out, in; what networks of the country exchange counts once), services (without "
        "that exchange), crossing (out and in)"
    )
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


class ReasonAnswer(Answer):
    """One reason why there is no value, for machines: its code, and the figures that the sentence names."""

    code: str = Field(examples=["too_few_flows"])
    figures: dict[str, int | float | str | list["ReasonAnswer"]] = Field(
        description="by name; `why` of what was withheld is a list of reasons",
        examples=[{"minimum": 100, "flows": 12}],
    )

    @classmethod
    def all_of(cls, why: WhyNoValue | None) -> list["ReasonAnswer"]:
        """Return the reasons told one by one; none where there is a value."""
        return [cls.model_validate(each) for each in to_stored(why)]


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
    reason: str | None = Field(description="why there is no value, in English", examples=[None])
    reasons: list[ReasonAnswer] = Field(description="the same, as codes", examples=[[]])
    details: dict[str, float]

    @classmethod
    def of(cls, observation: "Observation") -> "ObservationAnswer":
        """Return an observation as the API says it."""
        known = asdict(observation)
        known["reasons"] = ReasonAnswer.all_of(observation.reason)
        return cls.model_validate({name: known[name] for name in cls.model_fields})


class MonthObservations(Answer):
    """The observations of one month."""

    month: MonthText
    vintage: VintageName
    reference_version: str = Field(examples=["2026-11-21-0123456789ab"])
    computed_at: datetime | None = Field(examples=["2026-09-10T03:00:12Z"])
    method_version: str = Field(
        description="of the method these were computed by; months of different ones do not compare",
        examples=["1"],
    )
    unit: str = Field(examples=["share"])
    observations: list[ObservationAnswer]


class IndicatorSeries(Answer):
    """An indicator of an economy, month by month."""

    economy: EconomyCode
    synthetic: Synthetic
    reference_version: str = Field(examples=["2026-11-21-0123456789ab"])
    definition: DefinitionAnswer
    months: list[MonthObservations]


class LedgerRow(Answer):
    """What became of the records of one exporter in one day or month."""

    time: datetime
    operator: str | None = Field(description="null where the row is of all", examples=["demo-net"])
    collector: str | None = Field(description="null where the row is of all", examples=["xa-1"])
    exporter: str | None = Field(
        description="a configured name or a pseudonym; null where the row is of all", examples=["core-1"]
    )
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
        description="received = decoded + waiting + malformed + filtered, decoded = aggregated + events + counts_implausible + repeated + without_counts + not_read, in every row"
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
    category_names: dict[str, str] = Field(
        description="the category by language", examples=[{"en": "games", "es": "juegos", "pt": "jogos"}]
    )
    function: str = Field(
        description="what the platform does for those who send it something (`categories` of `/v1/facts`)",
        examples=["hosts_expression"],
    )
    stage: int | None = Field(description="stage of the data value ladder, 1-5", examples=[5])
    asns: list[int] = Field(examples=[[15169]])
    source: str
    as_of: str
    status: str = Field(description="how the row was checked", examples=["verified"])
    note: str
    overlay: bool = Field(description="true where the deployment's overlay says it", examples=[False])


class PlatformList(Answer):
    """The platforms of the reference in force."""

    reference_version: str
    platforms: list[Platform]


class FactColumn(Answer):
    """A column of a file of facts."""

    name: str = Field(examples=["control_country"])
    kind: str = Field(examples=["country"])
    meaning: str
    required: bool = Field(description="whether a cell may not be empty", examples=[True])
    values: list[str] = Field(description="the closed set of a column, where it has one", examples=[[]])


class FactFileAnswer(Answer):
    """A file of facts: what it holds, and how much."""

    file: str = Field(examples=["platforms"])
    meaning: str
    key: list[str] = Field(examples=[["platform_id"]])
    columns: list[FactColumn]
    rows: int = Field(description="that hold as of `day`", examples=[149])
    overlay_rows: int = Field(description="of them, rows of the deployment's overlay", examples=[0])
    unchecked_rows: int = Field(description="of them, rows that are in part from memory", examples=[90])
    supply: str | None = Field(
        description="where rows can be had, of a file that ships with few or none", examples=[None]
    )


class ReferenceAnswer(Answer):
    """The reference in force."""

    reference_version: str
    day: date = Field(description="as of when it answers", examples=["2026-11-21"])
    synthetic: bool = Field(description="true where an overlay holds made-up rows", examples=[False])
    files: list[FactFileAnswer]


class FactRow(Answer):
    """A row of facts. `overlay` is true where the deployment says it, and not the reference as shipped."""

    file: str = Field(examples=["platforms"])
    overlay: bool = Field(examples=[False])
    holds_from: date | None = Field(
        description="first day on which it holds; null: since ever", examples=[None]
    )
    holds_to: date | None = Field(description="last day on which it holds; null: still", examples=[None])
    cells: dict[str, str | int | float | bool | None] = Field(
        description="by column; source, as_of and status among them",
        examples=[{"platform_id": "google", "control_country": "US", "status": "verified"}],
    )


class FactsAnswer(Answer):
    """The rows of a file as of a day."""

    reference_version: str
    day: date = Field(examples=["2026-11-15"])
    file: str = Field(examples=["platforms"])
    meaning: str
    supply: str | None = Field(description="where rows can be had", examples=[None])
    overlay_rows: int = Field(examples=[0])
    rows: list[FactRow]


class SubjectAnswer(Answer):
    """Every row that speaks of one thing, as of a day."""

    reference_version: str
    day: date = Field(examples=["2026-11-15"])
    subject: str = Field(examples=["AS15169"])
    rows: list[FactRow]


class Jurisdiction(Answer):
    """A controlling jurisdiction in an economy's month."""

    control: str = Field(description="country code; '' is unknown", examples=["US"])
    name: str | None = Field(examples=["United States"])
    platforms: int = Field(description="platforms of it that were seen", examples=[23])
    bytes: int | None = Field(description="null where it is withheld", examples=[None])
    share: float | None


class JurisdictionList(Answer):
    """Who controls the far ends of an economy's traffic, out and in."""

    economy: EconomyCode
    month: MonthText
    synthetic: Synthetic
    reference_version: str
    vintage: VintageName
    withheld: str | None = Field(description="why there are no bytes; null where there are", examples=[None])
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
