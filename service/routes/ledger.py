"""GET /v1/ledger: what became of every record."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from caudal.collector.batch import LEDGER, LEDGER_COUNTS
from caudal.service.access.access import KEY, Access
from caudal.service.access.actor import Actor
from caudal.service.access.roles import OF_OPERATORS, Resource
from caudal.service.errors import QuestionError
from caudal.service.measures import Measures
from caudal.service.models import EconomyCode, LedgerList, LedgerRow, MonthText
from caudal.service.problem import documented
from caudal.service.queries import ledger
from caudal.service.routes.choices import span
from caudal.service.routes.flows import TimeParameter
from caudal.service.store import Store

_MEANING = {column.name: column.meaning for column in LEDGER if column.kind == "sum"}


def router(store: Store, measures: Measures, access: Access) -> APIRouter:
    """Return the route that answers the ledger."""
    routes = APIRouter(tags=["ledger"])

    @routes.get(
        "/v1/ledger",
        summary="What became of every record",
        responses=documented(401, 404, 422, 503),
        dependencies=[KEY],
    )
    def get_ledger(
        actor: Annotated[Actor, Depends(access.demand(Resource.published))],
        economy: EconomyCode,
        month: MonthText | None = None,
        start: Annotated[TimeParameter, Query(alias="from")] = None,
        end: Annotated[TimeParameter, Query(alias="to")] = None,
        by: Literal["day", "month"] = "month",
    ) -> LedgerList:
        """Return the ledger by exporter and day or month; without a time that of the newest month.

        The key of an operator, or of its collector, is told of that operator.
        """
        measures.months(economy)
        time = span(measures, economy, month, start, end)
        if any(moment.hour or moment.minute or moment.second for moment in (time.start, time.end)):
            raise QuestionError("the ledger is kept by day: give `from` and `to` as days or months")
        if time.end <= time.start:
            raise QuestionError("the time asked for is empty: `to` must come after `from`")
        operators = actor.operators if actor.role in OF_OPERATORS else None
        answer = ledger(store, economy, time.start, time.end, by, operators=operators)
        return LedgerList(
            economy=economy,
            start=time.start,
            end=time.end,
            by=by,
            synthetic=measures.is_synthetic(economy),
            balanced=answer.balanced,
            meaning=_MEANING,
            total=answer.total,
            rows=[
                LedgerRow(
                    time=row["time"],
                    operator=row["operator"],
                    collector=row["collector"],
                    exporter=row["exporter"],
                    counts={name: row[name] for name in LEDGER_COUNTS},
                    balanced=row["balanced"],
                )
                for row in answer.rows.iter_rows(named=True)
            ],
            more=answer.more,
        )

    return routes
