"""JSON of a region's report: figures as numbers, sentences in the language asked for."""

from typing import Literal

from caudal.service.answers.answers import CoverageAnswer, ObservationAnswer
from caudal.service.reports.region.content import Cell, Member, RegionColumn
from caudal.service.reports.region.edition import RegionEdition
from caudal.service.reports.region.model import (
    CellAnswer,
    ColumnAnswer,
    MedianAnswer,
    MemberAnswer,
    RegionGroupAnswer,
    RegionReport,
)


def render(edition: RegionEdition) -> bytes:
    """Return an edition as JSON."""
    return report(edition).model_dump_json().encode()


def report(edition: RegionEdition) -> RegionReport:
    """Return an edition as the API's model of a region's report."""
    content = edition.content
    return RegionReport(
        group=content.group,
        name=edition.group,
        month=content.month,
        language=edition.language.code,
        title=f"{edition.title}: {edition.subtitle}",
        synthetic=content.synthetic,
        economies=[_member(edition, member) for member in content.members],
        missing=list(content.missing),
        left_out=list(content.left_out),
        summary=edition.who,
        groups=[
            RegionGroupAnswer(
                group=group.name,
                name=edition.group_name(group),
                summary=edition.summary(group),
                indicators=[_column(column) for column in group.columns],
            )
            for group in content.groups
        ],
        notices=edition.notes(),
        attributions=list(content.attributions),
        licence=edition.publication.licence,
        citation=edition.citation,
    )


def status_of(cell: Cell) -> Literal["value", "insufficient", "withheld", "none"]:
    """Return the status of a cell: that it has a value, or what it has instead."""
    if cell.observation is None:
        return "none"
    if cell.withheld:
        return "withheld"
    return "insufficient" if cell.observation.value is None else "value"


def _member(edition: RegionEdition, member: Member) -> MemberAnswer:
    coverage = member.coverage
    return MemberAnswer(
        economy=member.economy,
        names={
            language: names[member.economy]
            for language, names in edition.content.places.items()
            if member.economy in names
        },
        vintage=member.vintage,
        computed_at=member.computed_at,
        reference_version=member.reference_version,
        synthetic=member.synthetic,
        coverage=CoverageAnswer(
            operators=list(coverage.operators),
            undeclared=list(coverage.undeclared),
            users=coverage.users,
            share=coverage.share,
        ),
    )


def _column(column: RegionColumn) -> ColumnAnswer:
    median = column.median
    return ColumnAnswer(
        indicator=column.definition.id,
        dimension=column.dimension,
        title=dict(column.definition.title),
        unit=column.definition.unit,
        method_version=column.definition.method_version,
        values=[_cell(cell) for cell in column.cells],
        median=MedianAnswer(value=median[0], low=median[1], high=median[2], economies=len(column.compared))
        if median is not None
        else None,
    )


def _cell(cell: Cell) -> CellAnswer:
    published = cell.published
    return CellAnswer(
        economy=cell.member.economy,
        status=status_of(cell),
        unit=published.unit if published is not None else None,
        method_version=published.method_version if published is not None else None,
        compared=cell.compared,
        observation=ObservationAnswer.of(published.observation) if published is not None else None,
    )
