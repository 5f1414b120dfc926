"""A region's report as JSON: typed models with examples."""

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
)


class MemberAnswer(Answer):
    """An economy that published the month, and its newest vintage of it."""

    economy: EconomyCode
    names: dict[str, str] = Field(description="by language", examples=[{"en": "Chile"}])
    vintage: str = Field(examples=["CL-2026-10-v1"])
    computed_at: datetime
    reference_version: str = Field(examples=["2026-11-21-0123456789ab"])
    synthetic: Synthetic
    coverage: CoverageAnswer


class CellAnswer(Answer):
    """What an economy published of an indicator."""

    economy: EconomyCode
    status: Literal["value", "insufficient", "withheld", "none"] = Field(
        description="withheld: kept confidential; none: the economy says nothing of it"
    )
    unit: str | None = Field(description="null without an observation", examples=["share"])
    method_version: str | None = Field(examples=["2"])
    compared: bool = Field(
        description="of the same method and unit as today's: in the median where it has a value"
    )
    observation: ObservationAnswer | None


class MedianAnswer(Answer):
    """The median of the values that compare, of three or more."""

    value: float = Field(examples=[0.41])
    low: float = Field(description="the median of the lower limits", examples=[0.38])
    high: float = Field(description="the median of the upper limits", examples=[0.52])
    economies: int = Field(description="how many it is of", examples=[5])


class ColumnAnswer(Answer):
    """An indicator in one dimension, side by side."""

    indicator: str = Field(examples=["J1"])
    dimension: str | None = Field(examples=[None])
    title: dict[str, str]
    unit: str = Field(examples=["share"])
    method_version: str = Field(description="of the values that compare", examples=["2"])
    values: list[CellAnswer]
    median: MedianAnswer | None


class RegionGroupAnswer(Answer):
    """The headlines of a group of indicators."""

    group: str = Field(examples=["jurisdiction"])
    name: str = Field(examples=["Jurisdiction"])
    summary: str
    indicators: list[ColumnAnswer]


class RegionReport(Answer):
    """A month of the economies of a country group, side by side, as each published it."""

    group: str = Field(examples=["CELAC"])
    name: str = Field(examples=["CELAC"])
    month: MonthText
    language: str = Field(description="of the sentences", examples=["es"])
    title: str
    synthetic: Synthetic
    economies: list[MemberAnswer]
    missing: list[str] = Field(
        description="members of the group that have not published the month", examples=[["UY"]]
    )
    left_out: list[str] = Field(
        description="members whose figures are made up, beside metered ones", examples=[[]]
    )
    summary: str = Field(description="who published")
    groups: list[RegionGroupAnswer]
    notices: list[str] = Field(description="what to know before quoting")
    attributions: list[str] = Field(description="whose data is in here: show these lines with the figures")
    licence: str = Field(description="under which terms the figures may be used", examples=["CC-BY-4.0"])
    citation: str = Field(description="how to cite the report, with every vintage")
