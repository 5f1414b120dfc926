"""CSV: a row for each observation, a column for each thing said of it."""

import csv
import io
from collections.abc import Iterator

from caudal.service.indicators import Definition
from caudal.service.reports.content import Reading
from caudal.service.reports.edition.edition import Edition

COLUMNS = (
    "economy",
    "month",
    "group",
    "indicator",
    "title",
    "unit",
    "dimension",
    "value",
    "low",
    "high",
    "level",
    "undetermined",
    "coverage",
    "flows",
    "flags",
    "reason",
    "month_before",
    "month_before_value",
    "month_before_low",
    "month_before_high",
    "month_before_trend",
    "year_before",
    "year_before_value",
    "year_before_low",
    "year_before_high",
    "year_before_trend",
    "method_version",
    "reference_version",
    "vintage",
    "synthetic",
    "partial",
    "citation",
)


def rows(edition: Edition) -> Iterator[dict[str, object]]:
    """Yield the observations of an edition by COLUMNS; None where there is nothing to say."""
    for group in edition.content.groups:
        for definition, reading in group.readings():
            yield _row(edition, group.name, definition, reading)


def _row(edition: Edition, group: str, definition: Definition, reading: Reading) -> dict[str, object]:
    content, observation = edition.content, reading.observation
    row: dict[str, object] = dict.fromkeys(COLUMNS)
    row.update(
        economy=content.economy,
        month=content.month,
        group=group,
        indicator=definition.id,
        title=definition.title.get(edition.language.code, definition.title["en"]),
        unit=definition.unit,
        dimension=observation.dimension,
        value=observation.value,
        low=observation.low,
        high=observation.high,
        level=definition.level,
        undetermined=observation.undetermined,
        coverage=observation.coverage,
        flows=observation.flows,
        flags=" ".join(observation.flags),
        reason=observation.reason,
        method_version=definition.method_version,
        reference_version=content.provenance.reference_version,
        vintage=content.provenance.vintage,
        synthetic=str(content.synthetic).lower(),
        partial=str(content.partial).lower(),
        citation=edition.citation,
    )
    for change in reading.changes:
        row[change.since] = change.month
        row[f"{change.since}_value"] = change.before.value
        row[f"{change.since}_low"] = change.before.low
        row[f"{change.since}_high"] = change.before.high
        row[f"{change.since}_trend"] = change.trend.value
    return row


def render(edition: Edition) -> bytes:
    """Return an edition as CSV, RFC 4180, UTF-8, numbers with a decimal point."""
    sink = io.StringIO()
    writer = csv.DictWriter(sink, COLUMNS)
    writer.writeheader()
    writer.writerows(rows(edition))
    return sink.getvalue().encode()
