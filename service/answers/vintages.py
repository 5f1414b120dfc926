"""What the API answers about vintages and national totals, as typed models with examples."""

from dataclasses import asdict
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from caudal.service.answers.answers import (
    Answer,
    CoverageAnswer,
    EconomyCode,
    MonthText,
    ReasonAnswer,
    Synthetic,
    VintageName,
)
from caudal.service.confidentiality.confidentiality import Withheld
from caudal.service.national.national import NationalTotal


class VintageAnswer(Answer):
    """A published state of an economy's month."""

    vintage: str = Field(examples=["XA-2026-08-v1"])
    economy: EconomyCode
    month: MonthText
    number: int = Field(description="1 is the first; the others are revisions", examples=[1])
    computed_at: datetime = Field(examples=["2026-09-10T03:00:12Z"])
    software: str = Field(examples=["caudal 0.1.0"])
    reference_version: str = Field(examples=["2026-11-21-0123456789ab"])
    facts: str | None = Field(
        description="SHA-256 of the facts it was computed from; null where it would confirm a guess of them",
        examples=["9f86d081884c7d65" * 4],
    )
    reason: str = Field(description="of a revision", examples=["batches of a collector came late"])
    synthetic: Synthetic
    observations: int = Field(description="how many values it holds", examples=[412])


class VintageList(Answer):
    """What is published."""

    vintages: list[VintageAnswer]


class PublicationOrder(BaseModel):
    """What is to be published."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    month: MonthText
    economy: EconomyCode | None = Field(default=None, description="by default all that have data")
    reason: str = Field(
        default="",
        max_length=500,
        description="why a month that was published is to be published again",
        examples=["batches of a collector came late"],
    )


class PublicationOutcome(Answer):
    """What became of one economy."""

    economy: EconomyCode
    outcome: Literal["published", "unchanged", "already published"] = Field(
        description="unchanged: it would say what the last vintage says, and is not published again",
        examples=["published"],
    )
    vintage: VintageAnswer | None

    @classmethod
    def of(cls, economy: str, vintage: VintageAnswer | None) -> "PublicationOutcome":
        """Return the outcome of a computation that made this vintage, or none."""
        return cls(economy=economy, outcome="published" if vintage else "unchanged", vintage=vintage)


class PublicationReceipt(Answer):
    """What became of an order to publish."""

    month: MonthText
    outcomes: list[PublicationOutcome]


class RecomputationAnswer(Answer):
    """A vintage computed again and compared with what was published."""

    vintage: str = Field(examples=["XA-2026-08-v1"])
    same: bool = Field(
        description="every number that is computed by the same method still is the same to the last digit"
    )
    observations: int = Field(description="how many were compared", examples=[412])
    differences: list[str] = Field(description="the first that are not the same", examples=[[]])
    methods: list[str] = Field(
        description="what is computed by another method now, and was not compared: published → now",
        examples=[["V2 1 → 2"]],
    )
    software: str = Field(
        description="the release that published it, and computes all of it to the digit",
        examples=["caudal 0.1.0"],
    )
    facts_of_today: list[str] = Field(
        description="files of facts that its reference did not have yet, taken as they are now", examples=[[]]
    )


class FigureAnswer(Answer):
    """A value in its interval at 95 %."""

    value: float = Field(examples=[8.1e15])
    low: float = Field(examples=[7.9e15])
    high: float = Field(examples=[8.3e15])


class NationalTotalAnswer(Answer):
    """A total, as observed and as estimated of the whole economy."""

    what: str = Field(
        description="bytes_domestic, bytes_out, bytes_in, bytes (all three), or the id of an indicator per user",
        examples=["bytes_out"],
    )
    unit: str = Field(examples=["bytes"])
    observed: FigureAnswer | None = Field(description="of the networks that reported; null where withheld")
    estimated: FigureAnswer | None = Field(
        description="of all internet users, by declared subscribers; null where `reason` says why"
    )
    spread: float | None = Field(
        description="factor by which networks that do not report may differ", examples=[2.0]
    )
    flags: list[str] = Field(examples=[["spread_assumed"]])
    reason: str | None = Field(description="in English", examples=[None])
    reasons: list[ReasonAnswer] = Field(description="the same, as codes", examples=[[]])

    @classmethod
    def of(cls, total: NationalTotal) -> "NationalTotalAnswer":
        """Return a total as the API says it."""
        return cls.model_validate({**asdict(total), "reasons": ReasonAnswer.all_of(total.reason)})


class ConfidentialAnswer(Answer):
    """Something that is kept confidential."""

    what: str = Field(description="the id of an indicator, or the name of a total", examples=["V2"])
    degree: Literal["primary", "secondary"] = Field(
        description="primary: it shows what an operator carries; secondary: that could be computed from it"
    )
    rule: str = Field(examples=["minimum frequency rule"])
    why: str = Field(description="in English")
    reasons: list[ReasonAnswer] = Field(description="the same, as codes", examples=[[]])

    @classmethod
    def of(cls, entry: Withheld) -> "ConfidentialAnswer":
        """Return what is kept confidential as the API says it."""
        return cls.model_validate({**asdict(entry), "reasons": ReasonAnswer.all_of(entry.why)})


class DeclaredSubscribers(Answer):
    """The subscribers that an operator declared for the month."""

    count: int = Field(examples=[1200000])
    as_of: str = Field(examples=["2026-06-30"])


class MonthTotals(Answer):
    """How much traffic an economy's month had."""

    economy: EconomyCode
    month: MonthText
    synthetic: Synthetic
    vintage: VintageName
    computed_at: datetime | None
    reference_version: str
    coverage: CoverageAnswer
    declared: dict[str, DeclaredSubscribers] = Field(description="by operator that reported")
    totals: list[NationalTotalAnswer]
    withheld: list[ConfidentialAnswer]
