"""A report as JSON: typed models with examples."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from caudal.service.answers.answers import (
    Answer,
    CoverageAnswer,
    EconomyCode,
    MonthText,
    ObservationAnswer,
    Synthetic,
    VintageName,
)
from caudal.service.answers.vintages import ConfidentialAnswer, NationalTotalAnswer


class ChangeAnswer(Answer):
    """A value against that of another month; the trend is told only where the two intervals do not touch."""

    dimension: str | None = Field(examples=["US"])
    since: Literal["month_before", "year_before"]
    month: MonthText
    value: float | None = Field(description="in that month", examples=[0.69])
    low: float | None = Field(examples=[0.64])
    high: float | None = Field(examples=[0.81])
    difference: float = Field(description="now minus then", examples=[0.02])
    trend: Literal["rose", "fell", "untold"]


class IndicatorReport(Answer):
    """An indicator in a report."""

    id: str = Field(examples=["J4"])
    group: str = Field(examples=["jurisdiction"])
    title: dict[str, str]
    unit: str = Field(examples=["share"])
    method_version: str = Field(examples=["1"])
    observations: list[ObservationAnswer]
    changes: list[ChangeAnswer]


class IntervalAnswer(Answer):
    """The interval of the value that a finding is made of."""

    value: float = Field(examples=[0.626])
    low: float = Field(examples=[0.614])
    high: float = Field(examples=[0.701])
    level: float = Field(examples=[0.95])


class QuoteAnswer(Answer):
    """How a finding is quoted: `text` holds all of the others, ready to copy."""

    text: str
    sentence: str
    interval: str = Field(description="'' where nothing is told")
    coverage: str = Field(description="'' of what was not metered")
    vintage: str
    address: str


class FindingAnswer(Answer):
    """What the month shows of a group of indicators, in sentences made of its values.

    Where the coverage is too low, or the interval says nothing, nothing is told, and the sentence says that.
    """

    group: str = Field(examples=["jurisdiction"])
    name: str = Field(examples=["Jurisdiction"])
    finding: str = Field(description="one to three sentences, the first of which is quoted")
    told: bool = Field(description="false where the sentence says why nothing can be said")
    indicator: str = Field(description="of the first sentence; '' without any", examples=["J4"])
    dimension: str | None = Field(examples=["US"])
    base: str = Field(description="what its value is a part or number of", examples=["measured"])
    interval: IntervalAnswer | None = Field(description="null where nothing is told")
    coverage: float | None = Field(
        description="share of the internet users that the reporting networks serve; null where not declared"
    )
    quote: QuoteAnswer
    cautions: list[str] = Field(description="what must not be concluded, in sentences")
    changes: list[str] = Field(
        description="what changed since the month before or the year before: at most five sentences in the whole report; "
        "where nothing is told, that"
    )


class ShareAnswer(Answer):
    """A share of all bytes; '' is the unknown, '*' what is too little to be shown by itself."""

    key: str = Field(description="country code, or domestic, out, in", examples=["US"])
    value: float = Field(examples=[0.71])
    low: float = Field(examples=[0.70])
    high: float = Field(examples=[0.83])


class LinkAnswer(Answer):
    """The share of all bytes in one place under one jurisdiction."""

    location: str = Field(examples=["BR"])
    control: str = Field(examples=["US"])
    share: float = Field(examples=[0.21])


class CrossingAnswer(Answer):
    """The share of all bytes in one place that stays in the country, leaves it, or comes into it."""

    border: str = Field(description="domestic, out, in", examples=["out"])
    location: str = Field(examples=["US"])
    share: float = Field(examples=[0.12])


class DestinationsAnswer(Answer):
    """Where a month's traffic goes and who controls it there."""

    locations: list[ShareAnswer]
    controls: list[ShareAnswer]
    links: list[LinkAnswer]
    borders: list[ShareAnswer] = Field(
        description="by flow, domestic, out and in: what two networks of the country exchange is domestic and counts once"
    )
    crossings: list[CrossingAnswer]
    withheld: float = Field(
        description="share in combinations with few flow records, shown under '*'", examples=[0.001]
    )


class LedgerSummary(Answer):
    """What became of all records of the month."""

    counts: dict[str, int] = Field(examples=[{"received": 1000, "decoded": 990, "malformed": 10}])
    balanced: bool = Field(description="every record received is accounted for, exporter by exporter")
    exporters: int = Field(examples=[2])


class Notice(Answer):
    """Something a reader of the data must know."""

    flag: str = Field(examples=["synthetic"])
    text: str = Field(examples=["Made by a traffic model, not metered."])


class PeerValueAnswer(Answer):
    """A value of another economy, of the same indicator, dimension, unit and method as this one's."""

    indicator: str = Field(examples=["J1"])
    dimension: str | None = Field(examples=[None])
    value: float = Field(examples=[0.41])
    low: float = Field(examples=[0.38])
    high: float = Field(examples=[0.52])


class PeerAnswer(Answer):
    """Another economy whose published month this one is set beside."""

    economy: EconomyCode
    month: MonthText
    vintage: str = Field(examples=["BR-2026-10-v1"])
    region: bool = Field(description="of the same region")
    like_size: bool = Field(description="with between half and twice as many internet users")
    values: list[PeerValueAnswer]


class PointAnswer(Answer):
    """A month of a series; null where nothing is published of it, or no value."""

    month: MonthText
    value: float | None = Field(examples=[0.32])
    low: float | None = Field(examples=[0.30])
    high: float | None = Field(examples=[0.36])
    method_version: str = Field(description="'' without a value", examples=["2"])
    vintage: str | None = Field(examples=["CL-2026-09-v1"])


class SeriesAnswer(Answer):
    """A headline of a group over the months up to this one."""

    group: str = Field(examples=["jurisdiction"])
    indicator: str = Field(examples=["J1"])
    dimension: str | None = Field(examples=[None])
    unit: str = Field(examples=["share"])
    points: list[PointAnswer]


class Report(Answer):
    """Everything published about an economy's month."""

    economy: EconomyCode
    names: dict[str, str] = Field(
        description="of the economy, by language", examples=[{"en": "Demo Economy"}]
    )
    month: MonthText
    language: str = Field(description="of the sentences", examples=["es"])
    title: str
    generated_at: datetime = Field(description="when the values were computed")
    synthetic: Synthetic
    partial: bool = Field(description="the month was not over", examples=[False])
    reference_version: str = Field(examples=["2026-11-21-0123456789ab"])
    software: str = Field(description="version of Caudal", examples=["0.1.0"])
    vintage: VintageName
    vintage_reason: str | None = Field(description="why it replaced the vintage before it")
    compared_with: dict[Literal["month_before", "year_before"], str] = Field(
        description="months that it is compared with, as far as they have data",
        examples=[{"month_before": "2026-07", "year_before": "2025-08"}],
    )
    coverage: CoverageAnswer
    findings: list[FindingAnswer]
    indicators: list[IndicatorReport]
    totals: list[NationalTotalAnswer]
    withheld: list[ConfidentialAnswer]
    comparisons: dict[str, str] = Field(
        description="by group: how its headline stands beside those of other economies; '' where none published any",
        examples=[{"jurisdiction": "The median of 5 other countries of the region …"}],
    )
    peers: list[PeerAnswer]
    history: list[SeriesAnswer]
    destinations: DestinationsAnswer
    ledger: LedgerSummary
    notices: list[Notice]
    attributions: list[str] = Field(
        description="whose data is in here: show these lines with the figures",
        examples=[["World Bank, World Development Indicators (CC BY 4.0)"]],
    )
    licence: str = Field(description="under which terms the figures may be used", examples=["CC-BY-4.0"])
    citation: str = Field(description="how to cite the report")
