"""CSV of a region's report: a row for each economy and headline."""

import csv
import io
from collections.abc import Iterator

from caudal.service.reports.region.document import status_of
from caudal.service.reports.region.edition import RegionEdition

COLUMNS = (
    "region",
    "month",
    "economy",
    "group",
    "indicator",
    "dimension",
    "status",
    "value",
    "low",
    "high",
    "unit",
    "level",
    "undetermined",
    "coverage",
    "flows",
    "flags",
    "reason",
    "method_version",
    "compared",
    "reference_version",
    "vintage",
    "synthetic",
    "citation",
)


def rows(edition: RegionEdition) -> Iterator[dict[str, object]]:
    """Yield the cells of an edition by COLUMNS; None where there is nothing to say."""
    for group in edition.content.groups:
        for column in group.columns:
            for cell in column.cells:
                row: dict[str, object] = dict.fromkeys(COLUMNS)
                row.update(
                    region=edition.content.group,
                    month=edition.content.month,
                    economy=cell.member.economy,
                    group=group.name,
                    indicator=column.definition.id,
                    dimension=column.dimension,
                    status=status_of(cell),
                    coverage=cell.member.coverage.share,
                    compared=str(cell.compared).lower(),
                    reference_version=cell.member.reference_version,
                    vintage=cell.member.vintage,
                    synthetic=str(cell.member.synthetic).lower(),
                    citation=edition.citation,
                )
                if cell.published is not None:
                    own = cell.published.observation
                    row.update(
                        value=own.value,
                        low=own.low,
                        high=own.high,
                        unit=cell.published.unit,
                        level=column.definition.level,
                        undetermined=own.undetermined,
                        flows=own.flows,
                        flags=" ".join(own.flags),
                        reason=own.reason,
                        method_version=cell.published.method_version,
                    )
                yield row


def render(edition: RegionEdition) -> bytes:
    """Return an edition as CSV, RFC 4180, UTF-8, numbers with a decimal point."""
    sink = io.StringIO()
    writer = csv.DictWriter(sink, COLUMNS)
    writer.writeheader()
    writer.writerows(rows(edition))
    return sink.getvalue().encode()
