"""GET /v1/reports/{economy}/{month}: everything published about an economy's month, as JSON or CSV."""

import csv
import io
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from caudal.reference import Reference, attributions
from caudal.service.indicators import CATALOGUE
from caudal.service.indicators.observation import FLAGS
from caudal.service.measures import PARTIAL_MONTH, SYNTHETIC, Measures, MonthMeasures
from caudal.service.models import (
    EconomyCode,
    IndicatorReport,
    LedgerSummary,
    MonthText,
    Notice,
    Report,
)
from caudal.service.period import Month
from caudal.service.problem import documented
from caudal.service.queries import LedgerAnswer, ledger
from caudal.service.routes.flows import coverage_answer
from caudal.service.routes.indicators import observation_answer
from caudal.service.routes.reference import economy_names
from caudal.service.store import Store

CSV = "text/csv"
_NOTICES = {**FLAGS, PARTIAL_MONTH: "the month is not over: later values will differ"}
_COLUMNS = (
    "economy",
    "month",
    "indicator",
    "title",
    "unit",
    "dimension",
    "value",
    "low",
    "high",
    "undetermined",
    "coverage",
    "flows",
    "flags",
    "reason",
    "method_version",
    "reference_version",
    "synthetic",
)


def router(
    store: Store, reference: Reference, measures: Measures, clock: Callable[[], datetime]
) -> APIRouter:
    """Return the route that answers reports."""
    routes = APIRouter(tags=["reports"])

    @routes.get(
        "/v1/reports/{economy}/{month}",
        summary="The report of an economy's month",
        response_model=Report,
        responses={
            200: {"description": "The report.", "content": {CSV: {"schema": {"type": "string"}}}},
            **documented(404, 422, 503),
        },
    )
    def get_report(
        request: Request,
        economy: Annotated[EconomyCode, Path()],
        month: Annotated[MonthText, Path()],
        format: Annotated[
            Literal["json", "csv"] | None, Query(description="by default what Accept asks for, else json")
        ] = None,
    ) -> Report | Response:
        """Return all indicators of a month with intervals, the ledger, notices, versions and attributions."""
        report = _report(store, reference, measures, economy, month, clock())
        accepts = [part.partition(";")[0].strip() for part in request.headers.get("accept", "").split(",")]
        if format == "csv" or (format is None and CSV in accepts and "application/json" not in accepts):
            name = f"caudal-{economy}-{month}{'-synthetic' if report.synthetic else ''}.csv"
            headers = {"Content-Disposition": f'attachment; filename="{name}"'}
            return Response(_csv(report), media_type=f"{CSV}; charset=utf-8; header=present", headers=headers)
        return report

    return routes


def _report(
    store: Store, reference: Reference, measures: Measures, economy: str, month: str, now: datetime
) -> Report:
    period = Month.parse(measures.month(economy, month))
    computed = measures.compute(economy, month, CATALOGUE.values())
    records = ledger(store, economy, period.start, period.end, "month")
    return Report(
        economy=economy,
        names=economy_names(reference, economy),
        month=month,
        generated_at=now,
        synthetic=SYNTHETIC in computed.flags,
        reference_version=reference.version,
        coverage=coverage_answer(computed.coverage),
        indicators=[
            IndicatorReport(
                id=each.definition.id,
                title=dict(each.definition.title),
                unit=each.definition.unit,
                method_version=each.definition.method_version,
                observations=[
                    observation_answer(observation)
                    for observation in computed.observations[each.definition.id]
                ],
            )
            for each in CATALOGUE.values()
        ],
        ledger=LedgerSummary(counts=records.total, balanced=records.balanced, exporters=records.exporters),
        notices=_notices(computed, records),
        attributions=attributions(),
    )


def _notices(computed: MonthMeasures, records: LedgerAnswer) -> list[Notice]:
    raised = set(computed.flags)
    for observations in computed.observations.values():
        for observation in observations:
            raised.update(observation.flags)
    notices = [Notice(flag=flag, text=_NOTICES.get(flag, flag)) for flag in sorted(raised)]
    if computed.coverage.undeclared:
        names = ", ".join(computed.coverage.undeclared)
        notices.append(Notice(flag="subscribers_undeclared", text=f"no subscribers are declared for {names}"))
    if not records.balanced:
        notices.append(
            Notice(
                flag="ledger_unbalanced", text="some records received are not accounted for; see /v1/ledger"
            )
        )
    for name, text in (
        ("lost", "data records are missing by the exporters' own sequence numbers"),
        ("lost_datagrams", "datagrams are missing by the exporters' own sequence numbers"),
        ("kernel_drops", "datagrams were dropped at a collector's socket"),
    ):
        if records.total[name]:
            notices.append(Notice(flag=name, text=f"{records.total[name]} {text}"))
    return notices


def _csv(report: Report) -> str:
    sink = io.StringIO()
    writer = csv.DictWriter(sink, _COLUMNS)
    writer.writeheader()
    for indicator in report.indicators:
        for observation in indicator.observations:
            writer.writerow(
                {
                    "economy": report.economy,
                    "month": report.month,
                    "indicator": indicator.id,
                    "title": indicator.title["en"],
                    "unit": indicator.unit,
                    "method_version": indicator.method_version,
                    "reference_version": report.reference_version,
                    "synthetic": str(report.synthetic).lower(),
                    **observation.model_dump(exclude={"details", "flags"}),
                    "flags": " ".join(observation.flags),
                }
            )
    return sink.getvalue()
